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

/// A factor of two frequencies in the form that shape() asks for.
template <class Factor>
auto by_rows(Factor factor) {
  return [factor](double fy, std::span<const double> fx, std::span<float> out) {
    for (std::size_t j = 0; j < fx.size(); ++j) out[j] = static_cast<float>(factor(fy, fx[j]));
  };
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
  convolution.shape(by_rows([](double fy, double fx) {
    EXPECT_TRUE(fy >= 0 && fy <= 0.5 && fx >= 0 && fx <= 0.5);
    return 3.0;
  }));
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
  convolution.shape(
      by_rows([](double fy, double fx) { return std::exp(-20 * fy * fy - 40 * fx * fx); }));
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
      convolution.shape(by_rows([](double fy, double fx) { return 1 + fy * fx; }));
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

std::vector<float> column_of(const Matrix& m) { return {m.data(), m.data() + m.size()}; }

TEST(LineConvolution, AgreesWithTheNaiveSum) {
  for (const auto& [size, used] : {std::pair(256, 256), {512, 48}, {768, 768}, {1280, 1120}}) {
    const Matrix k = draws(1, size, 2), x = draws(1, used, 3);
    const std::vector<float> kernel = column_of(k), in = column_of(x);
    std::vector<float> out(in.size());
    LineConvolution convolution(kernel);
    const double energy = convolution(in, out);
    const double tolerance = bound(k, x);
    double expected_energy = 0;
    for (std::int64_t i = 0; i < used; ++i) {
      double sum = 0;
      for (std::int64_t a = 0; a < used; ++a)
        sum += static_cast<double>(k(0, std::abs(i - a))) * static_cast<double>(x(0, a));
      ASSERT_NEAR(out[static_cast<std::size_t>(i)], sum, tolerance) << size << " at " << i;
      expected_energy += sum * static_cast<double>(x(0, i));
    }
    EXPECT_NEAR(energy, expected_energy, tolerance * static_cast<double>(used));
  }
}

TEST(LineConvolution, ShapeMeetsTheFrequenciesWhereTheyAre) {  // as in the plane, below
  const std::int64_t n = 768;
  std::vector<float> kernel(n), in(n), out(n);
  kernel[0] = 1;
  LineConvolution convolution(kernel);
  convolution.shape([](double f) { return std::exp(-20 * f * f); });
  const double f = 0.21;
  for (std::size_t i = 0; i < n; ++i)
    in[i] = static_cast<float>(std::cos(2 * M_PI * f * static_cast<double>(i)));
  convolution(in, out);
  for (std::size_t i = 50; i < n - 50; ++i)
    EXPECT_NEAR(out[i], std::exp(-20 * f * f) * static_cast<double>(in[i]), 1e-5);
}

TEST(SpaceConvolution, AgreesWithTheNaiveSum) {
  struct Size {
    std::int64_t depth, rows, cols;
    SpacePart used;
  };
  for (const Size& s : {Size{16, 16, 16, {16, 16, 16, 16}}, Size{16, 32, 48, {9, 21, 32, 25}},
                        Size{32, 16, 80, {32, 3, 16, 3}}, Size{48, 80, 16, {7, 70, 16, 80}}}) {
    const Matrix kernel = draws(s.depth * s.rows, s.cols, 2);
    const Matrix in = draws(s.used.depth * s.used.plane_rows, s.used.cols, 3);
    Matrix out(in.rows(), in.cols());
    SpaceConvolution convolution(kernel, s.depth);
    const double energy = convolution(in, out, s.used);
    const double tolerance = 2 * bound(kernel, in);  // of a matrix: its rows count once each
    const auto place = [&](std::int64_t i, std::int64_t j) { return i * s.used.plane_rows + j; };
    double expected_energy = 0;
    for (std::int64_t i = 0; i < s.used.depth; ++i)
      for (std::int64_t j = 0; j < s.used.rows; ++j)
        for (std::int64_t k = 0; k < s.used.cols; ++k) {
          double sum = 0;
          for (std::int64_t a = 0; a < s.used.depth; ++a)
            for (std::int64_t b = 0; b < s.used.rows; ++b)
              for (std::int64_t c = 0; c < s.used.cols; ++c)
                sum += static_cast<double>(
                           kernel(std::abs(i - a) * s.rows + std::abs(j - b), std::abs(k - c))) *
                       static_cast<double>(in(place(a, b), c));
          expected_energy += sum * static_cast<double>(in(place(i, j), k));
          if ((i + j + k) % 5 == 0) {
            ASSERT_NEAR(out(place(i, j), k), sum, tolerance) << i << ", " << j << ", " << k;
          }
        }
    EXPECT_NEAR(energy, expected_energy, tolerance * static_cast<double>(in.size()));
  }
}

TEST(SpaceConvolution, ShapeMeetsTheFrequenciesWhereTheyAre) {  // as in the plane
  const std::int64_t n = 64;
  Matrix kernel(n * n, n), in(n * n, n), out(n * n, n);
  kernel(0, 0) = 1;
  SpaceConvolution convolution(kernel, n);
  const auto size = [](double fz, double fy, double fx) {
    return std::exp(-10 * fz * fz - 20 * fy * fy - 40 * fx * fx);
  };
  convolution.shape([&](double fz, double fy, std::span<const double> fx, std::span<float> factor) {
    for (std::size_t j = 0; j < fx.size(); ++j) factor[j] = static_cast<float>(size(fz, fy, fx[j]));
  });
  const double fz = 0.33, fy = 0.21, fx = 0.08;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t k = 0; k < n; ++k)
        in(i * n + j, k) =
            static_cast<float>(std::cos(2 * M_PI *
                                        (fz * static_cast<double>(i) + fy * static_cast<double>(j) +
                                         fx * static_cast<double>(k))));
  convolution(in, out, {n, n, n, n});
  for (std::int64_t i = 25; i < 39; ++i)
    for (std::int64_t j = 25; j < 39; ++j)
      for (std::int64_t k = 25; k < 39; ++k)
        EXPECT_NEAR(out(i * n + j, k), size(fz, fy, fx) * static_cast<double>(in(i * n + j, k)),
                    2e-5);
}

TEST(LineAndSpaceConvolution, GiveTheSameBitsForAnyThreadsAndInstructions) {
  const Matrix line = cauchy(1, 1280), space = cauchy(32 * 48, 80);
  const Matrix x = draws(1, 1280, 1), in = draws(32 * 48, 80, 1);
  std::string expected;
  for (const auto& target : simd::available()) {
    simd::select(target);
    for (const int limit : {1, 2, 3, 7}) {
      const ThreadLimit threads(limit);
      Matrix y(1, 1280), out(32 * 48, 80);
      LineConvolution one(line[0]);
      SpaceConvolution three(space, 32);
      const double energy = one(x[0], y[0]) + three(in, out, {30, 41, 64, 48});
      const std::string now = sha256(y) + sha256(out) + std::to_string(energy);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target << ", " << limit << " threads";
    }
  }
  simd::select(simd::available().front());
}

TEST(LineAndSpaceConvolution, RejectSizesTheyHaveNoPassesFor) {
  EXPECT_EQ(line_convolution_size(257), 512);
  EXPECT_THROW(LineConvolution(std::vector<float>(128)), InvalidArgument);
  LineConvolution line(std::vector<float>(256));
  std::vector<float> odd(17), wide(272);
  EXPECT_THROW(line(odd, odd), InvalidArgument);
  EXPECT_THROW(line(wide, wide), InvalidArgument);
  EXPECT_THROW(SpaceConvolution(Matrix(16 * 16, 16), 15), InvalidArgument);
  EXPECT_THROW(SpaceConvolution(Matrix(0, 16), 0), InvalidArgument);
  SpaceConvolution space(Matrix(16 * 16, 16), 16);
  Matrix in(16 * 16, 16), out(16 * 16, 16), small(15 * 16, 16);
  EXPECT_THROW(space(in, out, {17, 16, 16, 16}), InvalidArgument);
  EXPECT_THROW(space(in, out, {16, 16, 8, 16}), InvalidArgument);
  EXPECT_THROW(space(in, small, {16, 16, 16, 16}), InvalidArgument);
}

#ifdef LATLAS_FFTW
/// The convolution of values with a kernel, both sizes[0] × sizes[1] × sizes[2], by FFTW in double.
std::vector<double> by_fftw(const Matrix& kernel, const Matrix& in,
                            std::array<std::int64_t, 3> sizes) {
  std::array<int, 3> padded;
  std::size_t all = 1;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    padded[axis] = static_cast<int>(sizes[axis] == 1 ? 1 : 2 * sizes[axis]);
    all *= static_cast<std::size_t>(padded[axis]);
  }
  const auto [depth, rows, cols] = padded;
  std::vector<double> a(all), b(all);
  for (int i = 0; i < depth; ++i)
    for (int j = 0; j < rows; ++j)
      for (int k = 0; k < cols; ++k) {
        const auto at = (static_cast<std::size_t>(i) * static_cast<std::size_t>(rows) +
                         static_cast<std::size_t>(j)) *
                            static_cast<std::size_t>(cols) +
                        static_cast<std::size_t>(k);
        const int z = std::min(i, depth - i), y = std::min(j, rows - j), x = std::min(k, cols - k);
        if (z < sizes[0] && y < sizes[1] && x < sizes[2])
          a[at] = static_cast<double>(kernel(z * sizes[1] + y, x));
        if (i < sizes[0] && j < sizes[1] && k < sizes[2])
          b[at] = static_cast<double>(in(i * sizes[1] + j, k));
      }
  std::vector<std::complex<double>> fa(all), fb(all);
  const auto as_fftw = [](std::complex<double>* p) { return reinterpret_cast<fftw_complex*>(p); };
  const auto run = [](fftw_plan plan) {
    fftw_execute(plan);
    fftw_destroy_plan(plan);
  };
  run(fftw_plan_dft_r2c(3, padded.data(), a.data(), as_fftw(fa.data()), FFTW_ESTIMATE));
  run(fftw_plan_dft_r2c(3, padded.data(), b.data(), as_fftw(fb.data()), FFTW_ESTIMATE));
  for (std::size_t k = 0; k < all; ++k) fa[k] *= fb[k] / static_cast<double>(all);
  run(fftw_plan_dft_c2r(3, padded.data(), as_fftw(fa.data()), a.data(), FFTW_ESTIMATE));

  std::vector<double> out;
  for (std::int64_t i = 0; i < sizes[0]; ++i)
    for (std::int64_t j = 0; j < sizes[1]; ++j)
      for (std::int64_t k = 0; k < sizes[2]; ++k)
        out.push_back(a[static_cast<std::size_t>((i * rows + j) * cols + k)]);
  return out;
}

/// Root of the mean squared difference, over that of the expected values.
double relative_error(const std::vector<double>& expected, const Matrix& values) {
  double square = 0, error = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto cols = static_cast<std::size_t>(values.cols());
    const double value = static_cast<double>(
        values(static_cast<std::int64_t>(i / cols), static_cast<std::int64_t>(i % cols)));
    square += expected[i] * expected[i];
    error += (expected[i] - value) * (expected[i] - value);
  }
  return std::sqrt(error / square);
}

// Rounding in 4 · log2(640) passes of relative error 2^-24, at random: 0.4e-6; in space half more.
TEST(Convolution, AgreesWithFftwInDouble) {
  const Matrix kernel = cauchy(480, 640), in = draws(480, 640, 1);
  Matrix out(480, 640);
  Convolution convolution(kernel);
  convolution(in, out);
  EXPECT_LT(relative_error(by_fftw(kernel, in, {1, 480, 640}), out), 1e-6);
}

TEST(LineConvolution, AgreesWithFftwInDouble) {
  const Matrix kernel = cauchy(1, 10240), in = draws(1, 10240, 1);
  Matrix out(1, 10240);
  LineConvolution convolution(kernel[0]);
  convolution(in[0], out[0]);
  EXPECT_LT(relative_error(by_fftw(kernel, in, {1, 1, 10240}), out), 1e-6);
}

TEST(SpaceConvolution, AgreesWithFftwInDouble) {
  const std::int64_t depth = 48, rows = 80, cols = 96;
  Matrix kernel(depth * rows, cols);
  for (std::int64_t i = 0; i < depth; ++i)
    for (std::int64_t j = 0; j < rows; ++j)
      for (std::int64_t k = 0; k < cols; ++k)
        kernel(i * rows + j, k) = 1.0F / static_cast<float>(1 + i * i + j * j + k * k);
  const Matrix in = draws(depth * rows, cols, 1);
  Matrix out(depth * rows, cols);
  SpaceConvolution convolution(kernel, depth);
  convolution(in, out, {depth, rows, cols, rows});
  EXPECT_LT(relative_error(by_fftw(kernel, in, {depth, rows, cols}), out), 1e-6);
}
#endif

}  // namespace
}  // namespace latlas
