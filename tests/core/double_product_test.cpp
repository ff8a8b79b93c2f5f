#include "latlas/core/double_product.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"

namespace latlas {
namespace {

BasicMatrix<double> drawn(std::int64_t rows, std::int64_t cols, std::uint64_t seed) {
  BasicMatrix<double> m(rows, cols);
  for (std::int64_t i = 0; i < m.size(); ++i)
    m.data()[i] = random::normal({.seed = seed, .index = static_cast<std::uint64_t>(i)});
  return m;
}

TEST(DoubleProduct, IsOneChainOfFusedProductsInEveryShapeAndSet) {
  for (const auto& set : simd::available()) {
    simd::select(set);
    for (const auto& [rows, inner, cols] :
         {std::array{1, 1, 1}, {6, 256, 32}, {7, 257, 33}, {20, 600, 9}, {3, 0, 5}, {13, 31, 71}}) {
      const auto a = drawn(rows, inner, 1), b = drawn(inner, cols, 2);
      const auto c = product(a, b);
      ASSERT_EQ(c.rows(), rows);
      ASSERT_EQ(c.cols(), cols);
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < cols; ++j) {
          double sum = 0;
          for (std::int64_t k = 0; k < inner; ++k) sum = std::fma(a(i, k), b(k, j), sum);
          ASSERT_EQ(c(i, j), sum) << set << ", " << i << ", " << j;
        }
    }
  }
  simd::select(simd::available().front());
}

TEST(DoubleProduct, IsTheSameForEveryNumberOfThreads) {
  const auto a = drawn(19, 300, 1), b = drawn(300, 130, 2);
  const auto expected = product(a, b);
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    const auto again = product(a, b);
    for (std::int64_t i = 0; i < expected.size(); ++i)
      ASSERT_EQ(again.data()[i], expected.data()[i]);
  }
}

TEST(DoubleProduct, RefusesShapesThatDoNotFit) {
  EXPECT_THROW(product(drawn(2, 3, 1), drawn(2, 3, 1)), InvalidArgument);
}

}  // namespace
}  // namespace latlas
