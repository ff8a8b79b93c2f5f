#include "latlas/nn/layer.h"

#include <gtest/gtest.h>

#include <cstring>

#include "latlas/core/simd.h"
#include "tests/nn/twin.h"

namespace latlas {
namespace {

constexpr Activation kActivations[] = {Activation::linear, Activation::relu, Activation::sigmoid};

/// The gradients of all layers, summed over the rows, by the layers' own forward, loss, backward
/// and update: with β₁ = 0 and no scale, the first moment is the gradient.
std::vector<Matrix> gradients(Autoencoder& model, const Matrix& data, Loss loss, bool sparse) {
  std::vector<PaddedRows> x, dz;
  for (const auto& layer : model.layers) {
    x.emplace_back(data.rows(), layer->inputs());
    dz.emplace_back(data.rows(), layer->outputs());
  }
  const std::size_t last = model.layers.size() - 1;
  model.layers[0]->expect_zeros(sparse);
  for (std::size_t l = 1; l <= last; ++l) model.layers[l]->prepare_backward();
  for (std::int64_t b = 0; b < data.rows(); b += kMicroRows) {
    const std::int64_t e = std::min(data.rows(), b + kMicroRows);
    for (std::int64_t i = b; i < e; ++i)
      std::copy(data[i].begin(), data[i].end(), x[0].rows(i, i + 1).row(0));
    for (std::size_t l = 0; l < last; ++l)
      model.layers[l]->forward(x[l].rows(b, e), x[l + 1].rows(b, e));
    model.layers[last]->forward_loss(x[last].rows(b, e), x[0].rows(b, e), loss,
                                     dz[last].rows(b, e));
    for (std::size_t l = last; l > 0; --l) {
      model.layers[l]->backward(dz[l].rows(b, e), dz[l - 1].rows(b, e));
      model.layers[l - 1]->activation_gradient(x[l].rows(b, e), dz[l - 1].rows(b, e));
    }
  }
  const AdamStep step{.rate = 0,
                      .beta1 = 0,
                      .one_minus_beta1 = 1,
                      .beta2 = 0,
                      .one_minus_beta2 = 0,
                      .epsilon = 1,
                      .scale = 1};
  std::vector<Matrix> out;
  for (std::size_t l = 0; l <= last; ++l) {
    Layer& layer = *model.layers[l];
    Matrix first(layer.weights().rows(), layer.weights().cols());
    Matrix second(layer.weights().rows(), layer.weights().cols());
    for (std::int64_t t = 0; t < layer.tiles(); ++t)
      layer.update(t, x[l].rows(0, data.rows()), dz[l].rows(0, data.rows()), first, second, step);
    out.push_back(std::move(first));
  }
  return out;
}

std::vector<float> numbers(const Layer& layer, Matrix& block) {
  std::vector<float> out;
  for (const Part& part : layer.parts(block))
    for (std::int64_t i = 0; i < part.values.rows(); ++i)
      out.insert(out.end(), part.values[i].begin(), part.values[i].end());
  return out;
}

TEST(DenseLayers, HaveTheGradientsOfTheirTwinForEveryActivationAndLoss) {
  const Matrix data = twin::pictures(45, 21, 0.5, 1);
  for (const Activation hidden : kActivations)
    for (const Activation output : kActivations)
      for (const Loss loss : {Loss::binary_crossentropy, Loss::mean_squared_error}) {
        if (loss == Loss::binary_crossentropy && output != Activation::sigmoid) continue;
        Autoencoder model = make_autoencoder(21, {.hidden = {37},
                                                  .latent = 5,
                                                  .activation = std::string(name(hidden)),
                                                  .latent_activation = "linear",
                                                  .output_activation = std::string(name(output))});
        const auto net = twin::copy_of(model);
        std::vector<twin::Vector> expected;
        for (const auto& d : net) expected.emplace_back(d.w.size(), 0.0);
        for (std::int64_t i = 0; i < data.rows(); ++i)
          twin::loss(net, twin::row_of(data, i), loss, &expected);
        for (const bool sparse : {false, true}) {
          auto actual = gradients(model, data, loss, sparse);
          for (std::size_t l = 0; l < net.size(); ++l) {
            const auto values = numbers(*model.layers[l], actual[l]);
            ASSERT_EQ(values.size(), expected[l].size());
            // Sums of 45 products of chains of up to 37 terms of size about 1.
            for (std::size_t i = 0; i < values.size(); ++i)
              ASSERT_NEAR(values[i], expected[l][i], 45 * 37 * 2 * 0x1p-24)
                  << name(hidden) << ' ' << name(output) << " layer " << l << " number " << i;
          }
        }
      }
}

TEST(DenseTwin, HasTheGradientOfItsLossByCentralDifferences) {
  const Matrix data = twin::pictures(1, 6, 0.3, 2);
  for (const Loss loss : {Loss::binary_crossentropy, Loss::mean_squared_error}) {
    auto net =
        twin::copy_of(make_autoencoder(6, {.hidden = {7}, .latent = 3, .activation = "sigmoid"}));
    std::vector<twin::Vector> gradient;
    for (const auto& d : net) gradient.emplace_back(d.w.size(), 0.0);
    const auto row = twin::row_of(data, 0);
    twin::loss(net, row, loss, &gradient);
    const double h = 1e-5;  // errors h² and 1e-16 / h
    for (std::size_t l = 0; l < net.size(); ++l)
      for (std::size_t i = 0; i < net[l].w.size(); ++i) {
        const double w = net[l].w[i];
        net[l].w[i] = w + h;
        const double above = twin::loss(net, row, loss);
        net[l].w[i] = w - h;
        const double below = twin::loss(net, row, loss);
        net[l].w[i] = w;
        EXPECT_NEAR((above - below) / (2 * h), gradient[l][i], 1e-8);
      }
  }
}

TEST(DenseLayer, GivesTheSameBitsWhetherZerosAreSkippedOrNot) {
  for (const std::int64_t inputs : {3, 21, 64, 100})
    for (const std::int64_t latent : {1, 16, 20, 50}) {
      const Matrix data = twin::pictures(70, inputs, 0.9, 3);
      Autoencoder model = make_autoencoder(inputs, {.latent = latent});
      const auto dense = gradients(model, data, Loss::binary_crossentropy, false);
      const auto sparse = gradients(model, data, Loss::binary_crossentropy, true);
      for (std::size_t l = 0; l < dense.size(); ++l)
        EXPECT_EQ(std::memcmp(dense[l].data(), sparse[l].data(),
                              static_cast<std::size_t>(dense[l].size()) * sizeof(float)),
                  0)
            << inputs << ' ' << latent;
    }
}

TEST(DenseLayer, LosesNothingAtExtremeLogits) {
  // exp(±1000) would overflow; from logits the loss is exact.
  const auto layer = dense(1, 3, Activation::sigmoid);
  layer->weights()(0, 0) = 1000;
  layer->weights()(0, 1) = -1000;
  layer->weights()(0, 2) = 0;
  PaddedRows x(1, 1), target(1, 3), dz(1, 3);
  x.rows(0, 1)(0, 0) = 1;
  target.rows(0, 1)(0, 0) = 0;  // wrong by 1000
  target.rows(0, 1)(0, 1) = 0;  // right
  target.rows(0, 1)(0, 2) = 1;  // log 2
  const double loss = layer->forward_loss(x.rows(0, 1), target.rows(0, 1),
                                          Loss::binary_crossentropy, dz.rows(0, 1));
  EXPECT_NEAR(loss, 1000 + std::log(2.0), 1e-4);
  EXPECT_EQ(dz.rows(0, 1)(0, 0), 1.0F);
  EXPECT_EQ(dz.rows(0, 1)(0, 1), std::exp(-87.0F));
  EXPECT_EQ(dz.rows(0, 1)(0, 2), -0.5F);
}

TEST(DenseLayer, BeginsGlorotUniform) {
  const auto layer = dense(300, 100, Activation::relu);
  layer->initialize(7, 0);
  Matrix block = copy_of(layer->weights());
  const auto parts = layer->parts(block);
  const double limit = std::sqrt(6.0 / 400);
  double sum = 0, squares = 0, largest = 0;
  for (std::int64_t i = 0; i < 300; ++i)
    for (const float w : parts[0].values[i]) {
      sum += w;
      squares += w * w;
      largest = std::max(largest, std::fabs(static_cast<double>(w)));
    }
  EXPECT_LE(largest, limit);
  EXPECT_GT(largest, 0.999 * limit);
  EXPECT_NEAR(sum / 30000, 0, 5 * limit / std::sqrt(3.0 * 30000));  // five standard errors
  EXPECT_NEAR(squares / 30000, limit * limit / 3, 0.02 * limit * limit);
  for (const float b : parts[1].values[0]) EXPECT_EQ(b, 0.0F);
}

TEST(AdamStep, IsThatOfThePaper) {
  const AdamStep first = adam_step({}, 1, 1);
  EXPECT_NEAR(first.rate, 1e-3 * std::sqrt(1 - 0.999) / (1 - 0.9), 1e-9);
  const AdamStep later = adam_step({}, 1000, 1);
  EXPECT_NEAR(later.rate, 1e-3 * std::sqrt(1 - std::pow(0.999, 1000)), 1e-9);
  EXPECT_EQ(adam_step({.beta1 = 0, .beta2 = 0}, 5, 1).rate, 1e-3F);
}

}  // namespace
}  // namespace latlas
