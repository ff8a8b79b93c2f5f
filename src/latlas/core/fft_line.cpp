// A line has no columns to lie side by side in the lanes, so it is cut into them: of N = 16 M
// samples, lane l holds x_l, x_{16+l}, x_{32+l}, …, which is how they lie in memory. With
// k = a + M b, a < M, b < 16,
//
//   X[a + M b] = Σ_l e^{−2πilb/16} · e^{−2πila/N} · Σ_j x_{16j+l} e^{−2πija/M}
//
// is sixteen transforms of length M, a twiddle, and M transforms of length 16 across the lanes,
// for which sixteen a are transposed at a time. (Bailey, FFTs in external or hierarchical memory,
// 1990.) As in the plane, the data are real and the upper half of the padded line is empty, hence
// the odd frequencies of 2N samples; see core/fft.cpp.
#include <algorithm>
#include <vector>

#include "latlas/core/fft-passes.h"
#include "latlas/core/fft.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/fft_line.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/fft-inl.h"
#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// The sixteen transforms of length M of elements (re, im) in `block`.
void strands(const FftPasses& t, float* block) { forward(t, 0, block, t.size); }

/// Multiplies the elements of the lane by the twiddles: 16 cosines, then 16 sines an element.
template <bool kConjugate>
LATLAS_INLINE void turn(float* element, const float* twiddle) {
  LATLAS_EACH {
    const Complex a = load_complex(element + p * kLanes), w = load_complex(twiddle + p * kLanes);
    const Complex r = kConjugate ? Complex{fused(a.im, w.im, hn::Mul(a.re, w.re)),
                                           fused_minus(a.re, w.im, hn::Mul(a.im, w.re))}
                                 : Complex{fused_minus(a.im, w.im, hn::Mul(a.re, w.re)),
                                           fused(a.re, w.im, hn::Mul(a.im, w.re))};
    store_complex(r, element + p * kLanes);
  }
}

/// Sixteen elements, turned, as the sixteen elements of transforms across the lanes.
void across(const float* block, const float* twiddle, float* out) {
  HWY_ALIGN float turned[512];
  std::copy(block, block + 512, turned);
  for (int j = 0; j < 16; ++j) turn<false>(turned + 32 * j, twiddle + 32 * j);
  transpose(turned, 32, out, 32);
  transpose(turned + 16, 32, out + 16, 32);
}

void transform_across(const FftPasses& sixteen, const float* block, const float* twiddle,
                      float* out) {
  across(block, twiddle, out);
  forward(sixteen, 0, out, 16);
}

/// Forward, times kernel, backward; `real` holds the turns of real data, 16 cosines and 16 sines
/// an element. Returns Σ in · out.
double convolve_line(const FftPasses& strand, const FftPasses& sixteen, const float* real,
                     const float* twiddle, const float* kernel, const float* in, float* out,
                     std::int64_t used, float* block) {
  for (std::int64_t j = 0; j < used; ++j) {
    const F16 x = load(in + 16 * j);
    store(x * load(real + 32 * j), block + 32 * j);
    store(x * load(real + 32 * j + 16), block + 32 * j + 16);
  }
  std::fill(block + 32 * used, block + 32 * strand.size, 0.0F);
  forward(strand, 0, block, strand.size);
  HWY_ALIGN float crossed[512];
  for (std::int64_t m = 0; m < strand.size; m += 16) {
    float* at = block + 32 * m;
    across(at, twiddle + 32 * m, crossed);
    convolve(sixteen, 0, crossed, 16, kernel + 16 * m);
    transpose(crossed, 32, at, 32);
    transpose(crossed + 16, 32, at + 16, 32);
    for (int j = 0; j < 16; ++j) turn<true>(at + 32 * j, twiddle + 32 * (m + j));
  }
  backward(strand, 0, block, strand.size);
  double sum = 0;
  F16 part = zero();
  for (std::int64_t j = 0; j < used; ++j) {
    const F16 y = fma(load(block + 32 * j + 16), load(real + 32 * j + 16),
                      load(block + 32 * j) * load(real + 32 * j));
    store(y, out + 16 * j);
    part = fma(y, load(in + 16 * j), part);
    if (j % 16 == 15 || j + 1 == used) {  // short sums in float, long ones in double
      sum += static_cast<double>(reduce(part));
      part = zero();
    }
  }
  return sum;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(strands);
HWY_EXPORT(transform_across);
HWY_EXPORT(convolve_line);

std::int64_t line_convolution_size(std::int64_t at_least) {
  return 16 * convolution_size((at_least + 15) / 16);
}

struct LineConvolution::State {
  FftPasses strand, sixteen;  // of lengths M and 16
  Matrix real, twiddle;       // M × 32: 16 cosines, 16 sines an element; see convolve_line
  Matrix kernel;              // M / 16 × 256: its transform, in the order it is met
  Matrix block;               // M × 32
};

LineConvolution::~LineConvolution() = default;
LineConvolution::LineConvolution(LineConvolution&&) noexcept = default;
LineConvolution& LineConvolution::operator=(LineConvolution&&) noexcept = default;
std::int64_t LineConvolution::size() const { return 16 * state_->strand.size; }

LineConvolution::LineConvolution(std::span<const float> kernel)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  const std::int64_t n = std::ssize(kernel), m = n / 16;
  require(n > 0 && line_convolution_size(n) == n, "convolution: ", n,
          " is not a size of line_convolution_size()");
  s.strand = passes_of(m);
  s.sixteen = passes_of(16);
  s.real = Matrix(m, 32);
  s.twiddle = Matrix(m, 32);
  s.kernel = Matrix(m / 16, 256);
  s.block = Matrix(m, 32);
  const auto put = [](Matrix& to, std::int64_t j, int l, double turn) {  // e^(−2πi · turn)
    const auto [sine, cosine] = math::sincos_turn(turn);
    to(j, l) = static_cast<float>(cosine);
    to(j, 16 + l) = static_cast<float>(-sine);
  };
  for (std::int64_t j = 0; j < m; ++j)
    for (int l = 0; l < 16; ++l) {
      const std::int64_t frequency = s.strand.order[static_cast<std::size_t>(j)];
      put(s.real, j, l, static_cast<double>(16 * j + l) / static_cast<double>(4 * n));
      put(s.twiddle, j, l, static_cast<double>(l * frequency) / static_cast<double>(n));
    }
  // x_j = kernel(j), x_{2N−j} = −kernel(j), x_N = 0. The result is real.
  for (std::int64_t i = 0; i < n; ++i) {
    const float re = kernel[static_cast<std::size_t>(i)];
    const float im = i > 0 ? kernel[static_cast<std::size_t>(n - i)] : 0.0F;
    const float c = s.real(i / 16, i % 16), w = s.real(i / 16, 16 + i % 16);
    s.block(i / 16, i % 16) = re * c - im * w;
    s.block(i / 16, 16 + i % 16) = re * w + im * c;
  }
  LATLAS_DISPATCH(strands)(s.strand, s.block.data());
  const float scale = 1.0F / static_cast<float>(n);
  alignas(64) float crossed[512];
  for (std::int64_t g = 0; g < m; g += 16) {
    LATLAS_DISPATCH(transform_across)(s.sixteen, s.block.row(g), s.twiddle.row(g), crossed);
    for (int j = 0; j < 16; ++j)
      for (int l = 0; l < 16; ++l) s.kernel(g / 16, 16 * j + l) = crossed[32 * j + l] * scale;
  }
}

void LineConvolution::shape(FunctionRef<double(double)> factor) {
  State& s = *state_;
  const std::int64_t m = s.strand.size;
  for (std::int64_t g = 0; g < m; g += 16)
    for (int j = 0; j < 16; ++j)
      for (int l = 0; l < 16; ++l) {
        const std::int64_t a = s.strand.order[static_cast<std::size_t>(g + l)];
        const std::int64_t b = s.sixteen.order[static_cast<std::size_t>(j)];
        const double f = (2 * static_cast<double>(a + m * b) + 0.5) / static_cast<double>(32 * m);
        float& value = s.kernel(g / 16, 16 * j + l);
        value = static_cast<float>(static_cast<double>(value) * factor(std::min(f, 1 - f)));
      }
}

double LineConvolution::operator()(std::span<const float> in, std::span<float> out) {
  State& s = *state_;
  require(in.size() == out.size() && in.size() % 16 == 0 && std::ssize(in) <= size(),
          "convolution: lines of ", in.size(), " and ", out.size(),
          " values must be equal, a multiple of 16, and at most ", size());
  return LATLAS_DISPATCH(convolve_line)(s.strand, s.sixteen, s.real.data(), s.twiddle.data(),
                                        s.kernel.data(), in.data(), out.data(), std::ssize(in) / 16,
                                        s.block.data());
}

}  // namespace latlas
#endif
