#include "latlas/nn/train.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <numeric>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "tests/core/helpers.h"
#include "tests/nn/twin.h"

namespace latlas {
namespace {

std::string hash_of(const Autoencoder& model) {
  std::string all;
  for (const auto& layer : model.layers) all += sha256(layer->weights());
  return sha256(std::as_bytes(std::span(all.data(), all.size())));
}

const AutoencoderParams kTiny{.hidden = {24}, .latent = 6, .seed = 3};
const TrainParams kShort{.epochs = 2, .batch_size = 50, .learning_rate = 0.01, .seed = 5};

/// A tiny run: 130 rows of 20 values, two epochs.
std::string tiny_run(double zeros) {
  Autoencoder model = make_autoencoder(20, kTiny);
  const Matrix data = twin::pictures(130, 20, zeros, 1),
               validation = twin::pictures(40, 20, 0.3, 2);
  const History history = train(model, data, validation, kShort);
  EXPECT_EQ(history.size(), 2U);
  const double numbers[] = {history[1].loss, history[1].val_loss};
  return hash_of(model) + sha256(std::as_bytes(std::span(numbers)));
}

// The numbers come from this test; they must be the same on every machine and after every change
// that is not meant to change results.
TEST(Train, ReproducesItsGoldenRuns) {
  EXPECT_EQ(tiny_run(0.3).substr(0, 80),
            "180200fe869f98318b950d66f87afc69904ded058dae0290ce1271e63dcbb00b5dd7aa49c9275170");
  EXPECT_EQ(tiny_run(0.9).substr(0, 80),
            "c1fd85b45c858b31ad8c3cd3c20f4a50ac0647b4d77fc56a0fbaab7d192e407ae2021704964e3794");
}

TEST(Train, GivesTheSameBitsForAnyThreadsAndInstructions) {
  for (const double zeros : {0.3, 0.9}) {
    const std::string expected = tiny_run(zeros);
    for (const int n : {1, 2, 3, 7}) {
      const ThreadLimit limit(n);
      EXPECT_EQ(tiny_run(zeros), expected) << n << " threads";
    }
    for (const auto& target : simd::available()) {
      simd::select(target);
      EXPECT_EQ(tiny_run(zeros), expected) << target;
    }
    simd::select(simd::available().front());
  }
}

TEST(Train, FollowsItsTwinInDouble) {
  Autoencoder model = make_autoencoder(
      12, {.hidden = {9}, .latent = 4, .activation = "sigmoid", .latent_activation = "linear"});
  auto net = twin::copy_of(model);
  const Matrix data = twin::pictures(70, 12, 0.4, 4);
  const TrainParams params{.epochs = 3, .batch_size = 32, .seed = 9};
  const History history = train(model, data, data, params);

  // Adam in double on the same batches.
  std::vector<twin::Vector> m, v;
  for (const auto& d : net) {
    m.emplace_back(d.w.size(), 0.0);
    v.emplace_back(d.w.size(), 0.0);
  }
  double loss = 0;
  int t = 0;
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int32_t> order(70);
    std::iota(order.begin(), order.end(), 0);
    random::shuffle(order, {9, random::Stream::shuffle, epoch});
    loss = 0;
    for (std::size_t begin = 0; begin < 70; begin += 32) {
      const std::size_t end = std::min<std::size_t>(70, begin + 32);
      std::vector<twin::Vector> g;
      for (const auto& d : net) g.emplace_back(d.w.size(), 0.0);
      for (std::size_t i = begin; i < end; ++i)
        loss += twin::loss(net, twin::row_of(data, order[i]), Loss::binary_crossentropy, &g);
      ++t;
      for (std::size_t l = 0; l < net.size(); ++l)
        for (std::size_t i = 0; i < g[l].size(); ++i) {
          const double gi = g[l][i] / (static_cast<double>(end - begin) * 12);
          m[l][i] = 0.9 * m[l][i] + 0.1 * gi;
          v[l][i] = 0.999 * v[l][i] + 0.001 * gi * gi;
          net[l].w[i] -= 1e-3 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) *
                         m[l][i] / (std::sqrt(v[l][i]) + 1e-7);
        }
    }
  }
  // A gradient of size 1e-3 carries an error of about 2^-24; Adam turns its relative error into the
  // same share of a step of 1e-3, nine times.
  for (std::size_t l = 0; l < net.size(); ++l) {
    Matrix block = copy_of(model.layers[l]->weights());
    std::size_t i = 0;
    for (const Part& part : model.layers[l]->parts(block))
      for (std::int64_t r = 0; r < part.values.rows(); ++r)
        for (const float w : part.values[r])
          EXPECT_NEAR(w, net[l].w[i++], 9 * 1e-3 * 1e-2) << "layer " << l;
  }
  EXPECT_NEAR(history.back().loss, loss / (70 * 12), 1e-6);
  double validation = 0;
  for (std::int64_t i = 0; i < 70; ++i)
    validation += twin::loss(net, twin::row_of(data, i), Loss::binary_crossentropy);
  EXPECT_NEAR(history.back().val_loss, validation / (70 * 12), 1e-5);
  EXPECT_NEAR(evaluate_loss(model, data), history.back().val_loss, 1e-15);
}

TEST(Train, ReadsBytesAsFractionsOf255) {
  BasicMatrix<std::uint8_t> bytes(90, 30);
  Matrix floats(90, 30);
  for (std::int64_t i = 0; i < bytes.size(); ++i) {
    bytes.data()[i] =
        static_cast<std::uint8_t>(random::below(256, {.index = static_cast<std::uint64_t>(i)}));
    floats.data()[i] = static_cast<float>(bytes.data()[i]) / 255.0F;
  }

  BasicMatrix<std::uint8_t> every(1, 256);
  std::iota(every.row(0), every.row(0) + 256, std::uint8_t{0});
  Matrix fractions(1, 256);
  Samples(every).copy_row(0, fractions.row(0));
  for (int v = 0; v < 256; ++v) EXPECT_EQ(fractions(0, v), static_cast<float>(v) / 255.0F) << v;

  Autoencoder a = make_autoencoder(30, kTiny), b = make_autoencoder(30, kTiny);
  train(a, bytes, Samples(), kShort);
  train(b, floats, Samples(), kShort);
  EXPECT_EQ(hash_of(a), hash_of(b));
  EXPECT_EQ(sha256(encode(a, bytes)), sha256(encode(a, floats)));
}

TEST(Train, ResumesToTheSameBitsFromAnyStep) {
  const Matrix data = twin::pictures(130, 20, 0.7, 1), validation = twin::pictures(40, 20, 0.3, 2);
  Autoencoder whole = make_autoencoder(20, kTiny);
  const History expected = train(whole, data, validation, kShort);

  const auto path = std::filesystem::path(testing::TempDir()) / "latlas_checkpoint.safetensors";
  for (std::int64_t stop_at = 1; stop_at < 6; ++stop_at) {
    {
      Autoencoder model = make_autoencoder(20, kTiny);
      Trainer trainer(model, data, validation, kShort);
      while (trainer.epoch([&](const Report& report) {
        return report.step == stop_at ? Next::stop : Next::proceed;
      })) {
      }
      write_state(path, trainer.state(), model);
    }
    Autoencoder model = make_autoencoder(20, {.hidden = {24}, .latent = 6, .seed = 99});
    Trainer trainer(model, data, validation, kShort);
    const TrainState state = read_state(path, model);
    EXPECT_EQ(state.step, stop_at);
    trainer.resume(state);
    const ThreadLimit limit(static_cast<int>(stop_at));
    while (trainer.epoch()) {
    }
    EXPECT_EQ(hash_of(model), hash_of(whole)) << stop_at;
    ASSERT_EQ(trainer.history().size(), expected.size());
    for (std::size_t e = 0; e < expected.size(); ++e) {
      EXPECT_EQ(trainer.history()[e].loss, expected[e].loss);
      EXPECT_EQ(trainer.history()[e].val_loss, expected[e].val_loss);
    }
  }
  std::filesystem::remove(path);
}

TEST(Train, ReportsEveryStepAndStopsWhenTold) {
  const Matrix data = twin::pictures(130, 20, 0.3, 1);
  Autoencoder model = make_autoencoder(20, kTiny);
  std::vector<Report> reports;
  const History history = train(model, data, data, kShort, [&](const Report& report) {
    EXPECT_EQ(report.stage, "training");
    reports.push_back(report);
    return reports.size() == 4 ? Next::stop : Next::proceed;
  });
  ASSERT_EQ(reports.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(reports[i].step, static_cast<std::int64_t>(i) + 1);
    EXPECT_EQ(reports[i].of, 6);
    EXPECT_EQ(std::isnan(reports[i].val_loss), i != 2);  // three steps an epoch
  }
  ASSERT_EQ(history.size(), 1U);
  EXPECT_EQ(reports[2].loss, history[0].loss);
  EXPECT_EQ(reports[2].val_loss, history[0].val_loss);
}

TEST(Train, LowersTheLossOfStructuredRows) {
  // Rows of rank two: sums of two fixed pictures with random shares.
  Matrix data(400, 64);
  for (std::int64_t i = 0; i < 400; ++i) {
    const auto at = static_cast<std::uint64_t>(i);
    const double a = random::uniform({.index = at}), b = random::uniform({.sub = 1, .index = at});
    for (std::int64_t j = 0; j < 64; ++j)
      data(i, j) = static_cast<float>((j % 8 < 4 ? a : 0) * 0.5 + (j < 32 ? b : 0) * 0.5);
  }
  for (const char* loss : {"binary_crossentropy", "mean_squared_error"}) {
    Autoencoder model = make_autoencoder(64, {.latent = 8});
    const double before = evaluate_loss(model, data, loss);
    const TrainParams params{.epochs = 60, .batch_size = 32, .learning_rate = 0.01, .loss = loss};
    train(model, data, data, params);
    const Matrix restored = reconstruct(model, data);
    double error = 0;
    for (std::int64_t i = 0; i < data.size(); ++i)
      error += std::pow(restored.data()[i] - data.data()[i], 2);
    EXPECT_LT(evaluate_loss(model, data, loss), before);
    EXPECT_LT(std::sqrt(error / static_cast<double>(data.size())), 0.05) << loss;
  }
}

TEST(Train, TakesBatchesLargerThanTheDataAndLatentsLargerThanTheInput) {
  const Matrix data = twin::pictures(3, 5, 0.3, 1);
  Autoencoder model = make_autoencoder(5, {.latent = 40});
  const History history = train(model, data, Samples(), {.epochs = 3, .batch_size = 1000});
  ASSERT_EQ(history.size(), 3U);
  EXPECT_TRUE(std::isnan(history[0].val_loss));
  Autoencoder single = make_autoencoder(1, {.latent = 1});
  train(single, Matrix(1, 1), Matrix(1, 1), {.epochs = 1});
  EXPECT_TRUE(train(single, Matrix(1, 1), Samples(), {.epochs = 0}).empty());
}

TEST(Train, RejectsBadInputInOneSentence) {
  Autoencoder model = make_autoencoder(20, kTiny);
  const Matrix data = twin::pictures(10, 20, 0.3, 1);
  const auto rejects = [&](const Samples& rows, const TrainParams& params, const char* part) {
    const std::string message =
        message_of<InvalidArgument>([&] { train(model, rows, data, params); });
    EXPECT_NE(message.find(part), std::string::npos)
        << "'" << message << "' lacks '" << part << "'";
  };
  const Matrix none(0, 20), narrow(5, 19);
  rejects(none, {}, "no rows");
  rejects(narrow, {}, "19 values, the model takes 20");
  Matrix bad = copy_of(data);
  bad(7, 3) = std::numeric_limits<float>::quiet_NaN();
  rejects(bad, {}, "NaN in row 7, column 3");
  bad(7, 3) = 1.5F;
  rejects(bad, {}, "1.5 in row 7, column 3");
  rejects(data, {.learning_rate = 0}, "learning_rate");
  rejects(data, {.learning_rate = std::numeric_limits<double>::infinity()}, "learning_rate");
  rejects(data, {.learning_rate = std::numeric_limits<double>::quiet_NaN()}, "learning_rate");
  rejects(data, {.batch_size = 0}, "batch_size");
  rejects(data, {.epochs = -1}, "epochs");
  rejects(data, {.beta1 = 1}, "beta1");
  rejects(data, {.loss = "hinge"}, "binary_crossentropy");
  Autoencoder linear = make_autoencoder(20, {.output_activation = "linear"});
  EXPECT_NE(message_of<InvalidArgument>([&] { train(linear, data, data); }).find("sigmoid output"),
            std::string::npos);
}

TEST(Train, SaysWhenTheLearningRateIsTooLarge) {
  Matrix data(64, 20);
  std::fill_n(data.data(), data.size(), 1e18F);
  Autoencoder model = make_autoencoder(20, {.output_activation = "linear"});
  const TrainParams params{.epochs = 50, .learning_rate = 1000, .loss = "mean_squared_error"};
  EXPECT_NE(message_of<InvalidArgument>([&] {
              train(model, data, data, params);
            }).find("lower the learning rate"),
            std::string::npos);
}

TEST(Checkpoint, RefusesOtherModelsAndOtherFiles) {
  const Matrix data = twin::pictures(10, 20, 0.3, 1);
  Autoencoder model = make_autoencoder(20, kTiny), other = make_autoencoder(20, {});
  Trainer trainer(model, data, data, kShort);
  const auto path = std::filesystem::path(testing::TempDir()) / "latlas_checkpoint_other";
  write_state(path, trainer.state(), model);
  EXPECT_THROW(read_state(path, other), InvalidArgument);
  Trainer other_trainer(other, data, data, kShort);
  EXPECT_THROW(other_trainer.resume(trainer.state()), InvalidArgument);
  TrainState late = trainer.state();
  late.step = 100;
  EXPECT_THROW(trainer.resume(late), InvalidArgument);
  write_model(path, model);
  EXPECT_THROW(read_state(path, model), IoError);
  std::filesystem::remove(path);
}

TEST(History, IsWrittenAsCsv) {
  const History history = {{1, 0.5, 0.25, 2}, {2, 0.125, std::nan(""), 1.5}};
  EXPECT_EQ(to_csv(history), "epoch,loss,val_loss,seconds\n1,0.5,0.25,2\n2,0.125,,1.5\n");
}

}  // namespace
}  // namespace latlas
