#include "latlas/nn/autoencoder.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/safetensors.h"
#include "latlas/core/simd.h"
#include "tests/nn/twin.h"

namespace latlas {
namespace {

std::filesystem::path scratch(const char* name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

TEST(Autoencoder, MirrorsItsHiddenLayers) {
  const Autoencoder model = make_autoencoder(784, {.hidden = {512, 128}, .latent = 32});
  std::vector<std::int64_t> widths = {model.inputs()};
  for (const auto& layer : model.layers) widths.push_back(layer->outputs());
  EXPECT_EQ(widths, (std::vector<std::int64_t>{784, 512, 128, 32, 128, 512, 784}));
  EXPECT_EQ(model.latent(), 32);
  EXPECT_EQ(model.encoder_layers, 3U);
}

TEST(Autoencoder, SummarizesItself) {
  EXPECT_EQ(summary(make_autoencoder(784)),
            "layer      kind   activation  output  parameters\n"
            "input                            784            \n"
            "encoder.0  dense  relu            32      25,120\n"
            "decoder.0  dense  sigmoid        784      25,872\n"
            "total                                     50,992\n");
}

TEST(Autoencoder, DecodesWhatItEncodes) {
  const Autoencoder model = make_autoencoder(30, {.hidden = {20}, .latent = 7});
  const Matrix data = twin::pictures(150, 30, 0.5, 1);
  const Matrix latents = encode(model, data);
  EXPECT_EQ(latents.rows(), 150);
  EXPECT_EQ(latents.cols(), 7);
  EXPECT_EQ(sha256(decode(model, latents)), sha256(reconstruct(model, data)));
  EXPECT_EQ(encode(model, Matrix(0, 30)).rows(), 0);
}

TEST(Autoencoder, EncodesEachRowByItself) {
  const Autoencoder model = make_autoencoder(30, {.hidden = {20}, .latent = 7});
  const Matrix data = twin::pictures(150, 30, 0.5, 1);
  const Matrix all = encode(model, data);
  for (const std::int64_t i : {0, 63, 64, 149})
    EXPECT_EQ(sha256(encode(model, data.rows(i, i + 1))), sha256(all.rows(i, i + 1)));
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    EXPECT_EQ(sha256(encode(model, data)), sha256(all));
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    EXPECT_EQ(sha256(encode(model, data)), sha256(all)) << target;
  }
  simd::select(simd::available().front());
}

TEST(Autoencoder, ComesBackFromItsFile) {
  const auto path = scratch("latlas_model.safetensors");
  const Autoencoder model = make_autoencoder(
      30, {.hidden = {20}, .latent = 7, .activation = "sigmoid", .latent_activation = "linear"});
  write_model(path, model, {{"note", "text"}});
  const Autoencoder back = read_model(path);
  EXPECT_EQ(summary(back), summary(model));
  const Matrix data = twin::pictures(20, 30, 0.5, 1);
  EXPECT_EQ(sha256(reconstruct(back, data)), sha256(reconstruct(model, data)));
  EXPECT_EQ(sha256(reconstruct(copy_of(back), data)), sha256(reconstruct(model, data)));

  const auto file = safetensors::open(path);
  EXPECT_EQ(file.contents.metadata.at("note"), "text");
  EXPECT_EQ(safetensors::find(file.contents, "decoder.1.bias", "t").shape,
            std::vector<std::int64_t>{30});
  std::filesystem::remove(path);
}

TEST(ModelFile, IsRefusedWhenItDoesNotHoldWhatItSays) {
  const auto path = scratch("latlas_bad_model.safetensors");
  const Matrix kernel(2, 3), back(3, 2), bias3(1, 3), bias2(1, 2);
  Matrix infinite(2, 3);
  infinite(1, 1) = std::numeric_limits<float>::infinity();
  using Metadata = std::map<std::string, std::string>;
  const auto refused = [&](const Matrix& first, const Metadata& metadata) {
    safetensors::write(path,
                       {safetensors::tensor_of("encoder.0.kernel", first.view()),
                        safetensors::tensor_of("encoder.0.bias", bias3.view()),
                        safetensors::tensor_of("decoder.0.kernel", back.view()),
                        safetensors::tensor_of("decoder.0.bias", bias2.view())},
                       metadata);
    EXPECT_THROW(read_model(path), IoError);
  };
  const std::string layers = "dense 2 3 relu; dense 3 2 sigmoid";
  const auto described = [](const std::string& l, const std::string& encoders) {
    return Metadata{{"format", "latlas autoencoder"}, {"layers", l}, {"encoder_layers", encoders}};
  };
  refused(kernel, {});
  refused(kernel, {{"format", "pt"}});
  refused(kernel, described("", "1"));
  refused(kernel, described(layers, "0"));
  refused(kernel, described(layers, "2"));
  refused(kernel, described(layers, "x"));
  refused(kernel, described("dense 2 3 relu; dense 4 2 sigmoid", "1"));
  refused(kernel, described("dense 2 3 tanh; dense 3 2 sigmoid", "1"));
  refused(kernel, described("dense 2 3 relu 5; dense 3 2 sigmoid", "1"));
  refused(kernel, described("dense -2 3 relu; dense 3 2 sigmoid", "1"));
  refused(kernel, described("dense 2 99999999999 relu; dense 99999999999 2 sigmoid", "1"));
  refused(kernel, described("dense 2 1000000 relu; dense 1000000 2 sigmoid", "1"));
  refused(kernel, described("dense 1000000 1000000 relu; dense 1000000 1000000 relu", "1"));
  refused(kernel, described("lstm 2 3 relu; dense 3 2 sigmoid", "1"));
  refused(kernel, described(layers + "; dense 2 2 relu", "1"));
  refused(back, described(layers, "1"));
  refused(infinite, described(layers, "1"));
  std::filesystem::remove(path);
}

TEST(Autoencoder, RejectsBadInputInOneSentence) {
  EXPECT_THROW(make_autoencoder(0), InvalidArgument);
  EXPECT_THROW(make_autoencoder(10, {.latent = 0}), InvalidArgument);
  EXPECT_THROW(make_autoencoder(10, {.hidden = {5, 0}}), InvalidArgument);
  EXPECT_THROW(make_autoencoder(10, {.activation = "tanh"}), InvalidArgument);
  const Autoencoder model = make_autoencoder(10, {.latent = 3});
  EXPECT_THROW(encode(model, Matrix(4, 9)), InvalidArgument);
  EXPECT_THROW(decode(model, Matrix(4, 10)), InvalidArgument);
  Matrix bad(4, 10);
  bad(2, 5) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(encode(model, bad), InvalidArgument);
}

}  // namespace
}  // namespace latlas
