#include "latlas/core/product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"

namespace latlas {
namespace {

Matrix draws(std::int64_t rows, std::int64_t cols, std::uint32_t sub) {
  Matrix out(rows, cols);
  for (std::int64_t i = 0; i < out.size(); ++i)
    out.data()[i] = static_cast<float>(
        random::uniform(-1, 1, {.sub = sub, .index = static_cast<std::uint64_t>(i)}));
  return out;
}

/// The naive twin: one chain of fused multiply-adds a value. Equal to the last bit.
Matrix naive(ConstRows a, ConstRows b, const ProductOptions& o) {
  const std::int64_t rows = o.transpose_a ? a.cols() : a.rows();
  const std::int64_t inner = o.transpose_a ? a.rows() : a.cols();
  const std::int64_t cols = o.transpose_b ? b.rows() : b.cols();
  Matrix c(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < inner; ++k)
        sum = std::fma(o.transpose_a ? a(k, i) : a(i, k), o.transpose_b ? b(j, k) : b(k, j), sum);
      if (!o.bias.empty()) sum += o.bias[static_cast<std::size_t>(j)];
      if (o.activation == Activation::relu) sum = sum > 0 ? sum : 0;
      c(i, j) = sum;
    }
  return c;
}

void expect_equal(const Matrix& a, const Matrix& b) {
  ASSERT_EQ(a.rows(), b.rows());
  ASSERT_EQ(a.cols(), b.cols());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)), 0);
}

TEST(Product, EqualsTheNaiveChainForEveryShapeAndTransposition) {
  for (const std::int64_t rows : {1, 2, 5, 7, 12, 33, 131})
    for (const std::int64_t inner : {1, 3, 31, 128, 129, 300})
      for (const std::int64_t cols : {1, 15, 16, 17, 32, 49})
        for (const bool ta : {false, true})
          for (const bool tb : {false, true}) {
            const Matrix a = ta ? draws(inner, rows, 1) : draws(rows, inner, 1);
            const Matrix b = tb ? draws(cols, inner, 2) : draws(inner, cols, 2);
            const ProductOptions options{.transpose_a = ta, .transpose_b = tb};
            Matrix c(rows, cols);
            product(a, b, c, options);
            SCOPED_TRACE(sentence(rows, " × ", inner, " × ", cols, ' ', ta, tb));
            expect_equal(c, naive(a, b, options));
          }
}

TEST(Product, AddsTheBiasAndThenApplies) {
  const Matrix a = draws(37, 50, 1), b = draws(50, 21, 2), bias = draws(1, 21, 3);
  const ProductOptions options{.bias = bias[0], .activation = Activation::relu};
  Matrix c(37, 21);
  product(a, b, c, options);
  expect_equal(c, naive(a, b, options));

  product(a, b, c, {.bias = bias[0], .activation = Activation::sigmoid});
  const Matrix z = naive(a, b, {.bias = bias[0]});
  for (std::int64_t i = 0; i < c.size(); ++i)  // three operations of at most 2 units each
    EXPECT_NEAR(c.data()[i], 1 / (1 + std::exp(-static_cast<double>(z.data()[i]))), 4 * 0x1p-24);
}

TEST(Product, WritesOnlyItsColumnsOfAStridedView) {
  const Matrix a = draws(9, 20, 1), b = draws(20, 40, 2);
  Matrix wide(9, 50);
  std::fill_n(wide.data(), wide.size(), 7.0F);
  const ConstRows part(b.data() + 3, 20, 18, 40);  // columns 3 … 20 of b
  const Rows target(wide.data() + 5, 9, 18, 50);
  product(a, part, target);
  const Matrix expected = naive(a, part, {});
  for (std::int64_t i = 0; i < 9; ++i)
    for (std::int64_t j = 0; j < 50; ++j)
      EXPECT_EQ(wide(i, j), j >= 5 && j < 23 ? expected(i, j - 5) : 7.0F);
}

TEST(Product, OfNothingIsTheBias) {
  const Matrix a(3, 0), b(0, 2), bias = draws(1, 2, 0);
  Matrix c(3, 2);
  product(a, b, c, {.bias = bias[0]});
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 2; ++j) EXPECT_EQ(c(i, j), bias(0, j));
  Matrix none(0, 2);
  product(Matrix(0, 5), draws(5, 2, 1), none);
}

TEST(Product, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix a = draws(150, 140, 1), b = draws(70, 140, 2);
  const auto hash = [&] {
    Matrix c(150, 70);
    product(a, b, c, {.transpose_b = true, .activation = Activation::sigmoid});
    return sha256(c);
  };
  const std::string expected = hash();
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    EXPECT_EQ(hash(), expected) << n;
  }
  for (const auto& target : simd::available()) {
    simd::select(target);
    EXPECT_EQ(hash(), expected) << target;
  }
  simd::select(simd::available().front());
}

TEST(Product, RejectsShapesThatDoNotFit) {
  const Matrix a(3, 4), b(5, 2), bias(1, 3);
  Matrix c(3, 2);
  EXPECT_THROW(product(a, b, c), InvalidArgument);
  const Matrix fits(4, 2);
  EXPECT_NO_THROW(product(a, fits, c));
  EXPECT_THROW(product(a, fits, c, {.bias = bias[0]}), InvalidArgument);
  Matrix wrong(2, 2);
  EXPECT_THROW(product(a, fits, wrong), InvalidArgument);
}

TEST(Activation, IsKnownByName) {
  for (const auto& text : activation_names()) EXPECT_EQ(name(activation_named(text, "x")), text);
  EXPECT_THROW(activation_named("tanh", "x"), InvalidArgument);
}

}  // namespace
}  // namespace latlas
