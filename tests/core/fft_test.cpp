#include "latlas/core/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#ifdef LATLAS_FFTW
#include <fftw3.h>
#endif

namespace latlas {
namespace {

Matrix draws(std::int64_t rows, std::int64_t cols, std::uint32_t sub) {
  Matrix m(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j)
      m(i, j) = static_cast<float>(
          random::uniform(-1, 1, {.sub = sub, .index = static_cast<std::uint64_t>(i * cols + j)}));
  return m;
}

Matrix cauchy(std::int64_t rows, std::int64_t cols) {
  Matrix m(rows, cols);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j)
      m(i, j) = 1.0F / (1.0F + 0.1F * static_cast<float>(i * i + j * j));
  return m;
}

/// The bound that the header promises: 1e-6 · Σ |kernel| over all signed distances · max |in|.
double bound(ConstRows kernel, ConstRows in) {
  double sum = 0, largest = 0;
  for (std::int64_t i = 0; i < kernel.rows(); ++i)
    for (std::int64_t j = 0; j < kernel.cols(); ++j)
      sum += std::abs(kernel(i, j)) * (i > 0 ? 2 : 1) * (j > 0 ? 2 : 1);
  for (std::int64_t i = 0; i < in.rows(); ++i)
    for (std::int64_t j = 0; j < in.cols(); ++j)
      largest = std::max(largest, static_cast<double>(std::abs(in(i, j))));
  return 1e-6 * sum * largest;
}

void expect_the_naive_sum(ConstRows kernel, ConstRows in) {
  Matrix out(in.rows(), in.cols());
  Convolution convolution(kernel);
  const double energy = convolution(in, out);
  const double tolerance = bound(kernel, in);
  double expected_energy = 0;
  for (std::int64_t i = 0; i < in.rows(); ++i)
    for (std::int64_t j = 0; j < in.cols(); ++j) {
      double sum = 0;
      for (std::int64_t a = 0; a < in.rows(); ++a)
        for (std::int64_t b = 0; b < in.cols(); ++b)
          sum += static_cast<double>(kernel(std::abs(i - a), std::abs(j - b))) *
                 static_cast<double>(in(a, b));
      ASSERT_NEAR(out(i, j), sum, tolerance)
          << kernel.rows() << " × " << kernel.cols() << " at " << i << ", " << j;
      expected_energy += sum * static_cast<double>(in(i, j));
    }
  EXPECT_NEAR(energy, expected_energy, tolerance * static_cast<double>(in.rows() * in.cols()));
}

TEST(ConvolutionSize, IsSixteenTimesAProductOfTwoThreeAndFive) {
  EXPECT_EQ(convolution_size(0), 16);
  EXPECT_EQ(convolution_size(16), 16);
  EXPECT_EQ(convolution_size(17), 32);
  EXPECT_EQ(convolution_size(97), 128);  // 112 = 16 · 7 is none
  for (std::int64_t n = 1; n < 3000; n += 7) {
    EXPECT_GE(convolution_size(n), n);
    EXPECT_LE(convolution_size(n), std::max<std::int64_t>(n + 16, n * 4 / 3 + 1));
  }
}

TEST(Convolution, AgreesWithTheNaiveSum) {
  const std::vector<std::pair<std::int64_t, std::int64_t>> sizes = {
      {16, 16}, {32, 16}, {16, 48}, {80, 32}, {48, 80}, {64, 96}, {240, 16}, {32, 192}};
  for (const auto& [rows, cols] : sizes) {
    expect_the_naive_sum(cauchy(rows, cols), draws(rows, cols, 1));
    expect_the_naive_sum(draws(rows, cols, 2), draws(rows, cols, 3));
  }
}

TEST(Convolution, ReadsAndWritesOnlyTheUsedPart) {
  expect_the_naive_sum(cauchy(48, 80), draws(7, 32, 1));
  expect_the_naive_sum(draws(64, 48, 4), draws(1, 16, 1));
}

TEST(Convolution, OfASingleChargeIsTheKernel) {
  const Matrix kernel = draws(80, 48, 5);
  Matrix in(80, 48), out(80, 48);
  in(0, 0) = 1;
  Convolution convolution(kernel);
  convolution(in, out);
  for (std::int64_t i = 0; i < 80; ++i)
    for (std::int64_t j = 0; j < 48; ++j) EXPECT_NEAR(out(i, j), kernel(i, j), 2e-5);
}

TEST(Convolution, ShapeScalesTheTransform) {
  const Matrix kernel = cauchy(32, 48), in = draws(32, 48, 1);
  Matrix plain(32, 48), shaped(32, 48);
  Convolution convolution(kernel);
  convolution(in, plain);
  convolution.shape([](double fy, double fx) {
    EXPECT_TRUE(fy >= 0 && fy <= 0.5 && fx >= 0 && fx <= 0.5);
    return 3.0;
  });
  convolution(in, shaped);
  for (std::int64_t i = 0; i < 32; ++i)
    for (std::int64_t j = 0; j < 48; ++j)
      EXPECT_NEAR(shaped(i, j), 3 * plain(i, j), 3 * bound(kernel, in));
}

TEST(Convolution, ShapeMeetsTheFrequenciesWhereTheyAre) {
  // Away from the borders, cos(2π (f_y i + f_x j)) only changes its size, by the transform there.
  // A filter that keeps one quarter of the band is told from its mirror images that way.
  const std::int64_t n = 96;
  Matrix kernel(n, n), in(n, n), out(n, n);
  kernel(0, 0) = 1;  // the identity
  Convolution convolution(kernel);
  convolution.shape([](double fy, double fx) { return std::exp(-20 * fy * fy - 40 * fx * fx); });
  const double fy = 0.21, fx = 0.08;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      in(i, j) = static_cast<float>(
          std::cos(2 * M_PI * (fy * static_cast<double>(i) + fx * static_cast<double>(j))));
  convolution(in, out);
  const double size = std::exp(-20 * fy * fy - 40 * fx * fx);
  // The filter's response is a Gaussian of deviation below 1.5 samples: 20 away it is gone.
  for (std::int64_t i = 30; i < 60; ++i)
    for (std::int64_t j = 30; j < 60; ++j) EXPECT_NEAR(out(i, j), size * in(i, j), 1e-5);
}

TEST(Convolution, GivesTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix kernel = cauchy(240, 80), in = draws(240, 80, 1);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      Matrix out(240, 80);
      Convolution convolution(kernel);
      convolution.shape([](double fy, double fx) { return 1 + fy * fx; });
      const double energy = convolution(in, out);
      const std::string now = sha256(out) + std::to_string(energy);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(Convolution, RejectsSizesItHasNoPassesFor) {
  EXPECT_THROW(Convolution(Matrix(17, 16)), InvalidArgument);
  EXPECT_THROW(Convolution(Matrix(16, 112)), InvalidArgument);
  EXPECT_THROW(Convolution(Matrix(0, 16)), InvalidArgument);
  Convolution convolution(cauchy(32, 32));
  Matrix in(32, 32), out(32, 32), wide(32, 48), odd(32, 17);
  EXPECT_THROW(convolution(in, wide), InvalidArgument);
  EXPECT_THROW(convolution(wide, wide), InvalidArgument);
  EXPECT_THROW(convolution(odd, odd), InvalidArgument);
}

#ifdef LATLAS_FFTW
TEST(Convolution, AgreesWithFftwInDouble) {
  const std::int64_t rows = 480, cols = 640, m = 2 * rows, n = 2 * cols;
  const Matrix kernel = cauchy(rows, cols), in = draws(rows, cols, 1);
  std::vector<double> a(static_cast<std::size_t>(m * n)), b(a.size());
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t y = std::min(i, m - i), x = std::min(j, n - j);
      const auto at = static_cast<std::size_t>(i * n + j);
      a[at] = y < rows && x < cols ? static_cast<double>(kernel(y, x)) : 0;
      b[at] = i < rows && j < cols ? static_cast<double>(in(i, j)) : 0;
    }
  const std::size_t half = static_cast<std::size_t>(m * (n / 2 + 1));
  std::vector<std::complex<double>> fa(half), fb(half);
  const auto as_fftw = [](std::complex<double>* p) { return reinterpret_cast<fftw_complex*>(p); };
  for (auto [from, to] : {std::pair(&a, &fa), std::pair(&b, &fb)}) {
    const auto plan = fftw_plan_dft_r2c_2d(static_cast<int>(m), static_cast<int>(n), from->data(),
                                           as_fftw(to->data()), FFTW_ESTIMATE);
    fftw_execute(plan);
    fftw_destroy_plan(plan);
  }
  for (std::size_t k = 0; k < half; ++k) fa[k] *= fb[k] / static_cast<double>(m * n);
  const auto plan = fftw_plan_dft_c2r_2d(static_cast<int>(m), static_cast<int>(n),
                                         as_fftw(fa.data()), a.data(), FFTW_ESTIMATE);
  fftw_execute(plan);
  fftw_destroy_plan(plan);

  Matrix out(rows, cols);
  Convolution convolution(kernel);
  convolution(in, out);
  double square = 0, error = 0;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < cols; ++j) {
      const double expected = a[static_cast<std::size_t>(i * n + j)];
      square += expected * expected;
      error +=
          (expected - static_cast<double>(out(i, j))) * (expected - static_cast<double>(out(i, j)));
    }
  // Rounding in 4 · log2(640) passes of relative error 2^-24, at random: 0.4e-6.
  EXPECT_LT(std::sqrt(error / square), 1e-6);
}
#endif

}  // namespace
}  // namespace latlas
