// The plane is transformed first along its columns, then along its rows, convolved, and brought
// back. In both directions it is zero beyond the middle of the padded length 2n, which halves the
// work, and every transform that remains is a complex one of length n:
//
// Down the columns the data x are real. Take the transform at the odd frequencies k + ½ of 2n
// samples (the convolution then wraps with a changed sign; it does not wrap here). Since
// X[2n − 1 − k] is the conjugate of X[k], the even k hold everything, and
//
//   X[2m] = Σ_{j<n} (x_j − i x_{j+n}) e^{−πij/2n} e^{−2πijm/n}
//
// is one complex transform of length n of the real data times a twiddle; back, the real part is
// taken. (Nussbaumer, Fast Fourier Transform and Convolution Algorithms, 1982: right-angle
// convolution.) Along the rows the data are complex: the even frequencies of 2n are the transform
// of x, the odd ones that of x_j e^{−πij/n}, and back (even + odd · e^{πij/n}) / 2.
//
// The kernel is real and even, so its transform is real.
//
// The passes themselves stand in core/fft-inl.h: sixteen transforms run at once, one a lane.
#include "latlas/core/fft.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/fft-passes.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/fft.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/fft-inl.h"
#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

void transform(const FftPasses& t, float* block) { forward(t, 0, block, t.size); }

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(columns_forward);
HWY_EXPORT(columns_backward);
HWY_EXPORT(rows_convolve);
HWY_EXPORT(transform);

namespace {

std::vector<int> radices(std::int64_t size) {
  std::vector<int> out;
  for (const int r : {5, 3})
    for (; size % r == 0; size /= r) out.push_back(r);
  if (std::countr_zero(static_cast<std::uint64_t>(size)) % 2 == 1) {
    out.push_back(2);
    size /= 2;
  }
  for (; size > 1; size /= 4) out.push_back(4);
  return out;
}

void push_turn(std::vector<float>& to, double turn) {  // e^(−2πi · turn), from double
  const auto [sine, cosine] = math::sincos_turn(turn);
  to.push_back(static_cast<float>(cosine));
  to.push_back(static_cast<float>(-sine));
}

}  // namespace

FftPasses passes_of(std::int64_t size) {
  FftPasses t;
  t.size = size;
  t.radix = radices(size);
  std::int64_t length = size;
  for (const int r : t.radix) {
    std::vector<float> w;
    for (std::int64_t j = 0; j < length / r; ++j)
      for (int q = 1; q < r; ++q)
        push_turn(w, static_cast<double>(j * q % length) / static_cast<double>(length));
    t.twiddle.push_back(std::move(w));
    length /= r;
  }
  for (std::int64_t place = 0; place < size; ++place) {
    std::int64_t frequency = 0, weight = 1, rest = place, s = size;
    for (const int r : t.radix) {
      s /= r;
      frequency += rest / s * weight;
      rest %= s;
      weight *= r;
    }
    t.order.push_back(frequency);
  }
  for (std::int64_t j = 0; j < size; ++j) {
    push_turn(t.real_turn, static_cast<double>(j) / static_cast<double>(4 * size));
    push_turn(t.odd_turn, static_cast<double>(j) / static_cast<double>(2 * size));
  }
  return t;
}

std::int64_t convolution_size(std::int64_t at_least) {
  for (std::int64_t size = 16 * std::max<std::int64_t>(1, (at_least + 15) / 16);; size += 16) {
    std::int64_t rest = size / 16;
    for (const int r : {2, 3, 5})
      while (rest % r == 0) rest /= r;
    if (rest == 1) return size;
  }
}

struct Convolution::State {
  FftPasses down, along;  // over the rows of a column, over the columns of a row
  Matrix kernel;          // rows / 16 × (2 · cols · 16): its transform, in the order it is met
  Matrix middle;          // cols / 16 blocks of rows elements
  Matrix scratch;         // of each worker, two blocks of cols elements
};

Convolution::~Convolution() = default;
Convolution::Convolution(Convolution&&) noexcept = default;
Convolution& Convolution::operator=(Convolution&&) noexcept = default;
std::int64_t Convolution::rows() const { return state_->down.size; }
std::int64_t Convolution::cols() const { return state_->along.size; }

Convolution::Convolution(ConstRows kernel) : state_(std::make_unique<State>()) {
  State& s = *state_;
  const std::int64_t rows = kernel.rows(), cols = kernel.cols();
  require(rows > 0 && cols > 0 && convolution_size(rows) == rows && convolution_size(cols) == cols,
          "convolution: ", rows, " × ", cols, " is not a size of convolution_size()");
  s.down = passes_of(rows);
  s.along = passes_of(cols);
  s.middle = Matrix(cols / 16, rows * 32);
  s.kernel = Matrix(rows / 16, 2 * cols * 16);
  // Down the columns; the result is real.
  parallel_for(cols / 16, 1, [&](std::int64_t b, std::int64_t) {
    float* block = s.middle.row(b);
    fill_even_real(
        s.down, [&](std::int64_t j, int l) { return kernel(j, b * 16 + l); }, block);
    LATLAS_DISPATCH(transform)(s.down, block);
  });
  // Along the rows. The factors of both ways back are put in here.
  const float scale = 1.0F / static_cast<float>(2 * rows * cols);
  parallel_for(rows / 16, 1, [&](std::int64_t mb, std::int64_t) {
    Matrix block(1, cols * 32);
    for (int odd = 0; odd < 2; ++odd) {
      const auto k = [&](std::int64_t j, int l) {
        return s.middle(j / 16, (mb * 16 + l) * 32 + j % 16);
      };
      fill_even(s.along, odd != 0, k, block.data());
      LATLAS_DISPATCH(transform)(s.along, block.data());
      for (std::int64_t j = 0; j < cols; ++j)
        for (int l = 0; l < 16; ++l)
          s.kernel(mb, (odd * cols + j) * 16 + l) = block(0, j * 32 + l) * scale;
    }
  });
}

void Convolution::shape(
    FunctionRef<void(double, std::span<const double>, std::span<float>)> factors) {
  State& s = *state_;
  const std::int64_t rows = s.down.size, cols = s.along.size;
  std::vector<double> fx(static_cast<std::size_t>(2 * cols));
  for (std::int64_t j = 0; j < 2 * cols; ++j)
    fx[static_cast<std::size_t>(j)] = s.along.frequency(j % cols, j >= cols);
  parallel_for(rows / 16, 1, [&](std::int64_t mb, std::int64_t) {
    std::vector<float> factor(fx.size());
    for (int l = 0; l < 16; ++l) {
      factors(s.down.real_frequency(mb * 16 + l), fx, factor);
      float* to = s.kernel.row(mb) + l;
      for (std::int64_t j = 0; j < 2 * cols; ++j) to[16 * j] *= factor[static_cast<std::size_t>(j)];
    }
  });
}

double Convolution::operator()(ConstRows in, Rows out) {
  State& s = *state_;
  const std::int64_t rows = s.down.size, cols = s.along.size;
  require(in.rows() == out.rows() && in.cols() == out.cols() && in.rows() <= rows &&
              in.cols() <= cols && in.cols() % 16 == 0,
          "convolution: planes of ", in.rows(), " × ", in.cols(), " and ", out.rows(), " × ",
          out.cols(), " must be equal, a multiple of 16 wide, and at most ", rows, " × ", cols);
  if (s.scratch.rows() < threads()) s.scratch = Matrix(threads(), 2 * cols * 32);
  const std::int64_t blocks = in.cols() / 16;
  parallel_for(blocks, 1, [&](std::int64_t b, std::int64_t) {
    LATLAS_DISPATCH(columns_forward)(s.down, in, b * 16, s.middle.row(b));
  });
  parallel_for_worker(rows / 16, 1, [&](std::int64_t mb, std::int64_t, int worker) {
    float* even = s.scratch.row(worker);
    LATLAS_DISPATCH(rows_convolve)
    (s.along, s.middle.data(), rows * 32, blocks, mb * 16, s.kernel.row(mb), even,
     even + cols * 32);
  });
  return ordered_sum(blocks, 1, [&](std::int64_t b, std::int64_t) {
    return LATLAS_DISPATCH(columns_backward)(s.down, in, s.middle.row(b), b * 16, out);
  });
}

}  // namespace latlas
#endif
