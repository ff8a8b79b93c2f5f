// Space is transformed along y, z and x. Along y the data are real, along z and x complex, and in
// each direction zero beyond the middle of the padded length, as in the plane (core/fft.cpp): one
// transform of length n along y, two along z (the even and the odd frequencies of 2n), and two
// along x of each of these.
//
// The transform along y leaves planes of x and z that do not meet again until the way back. Such a
// plane, of one frequency along y, is fetched whole into a worker's second cache and convolved
// there: sixteen columns a lane along z, then the rows, as a plane's are.
#include <algorithm>
#include <vector>

#include "latlas/core/fft-passes.h"
#include "latlas/core/fft.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/fft_space.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/fft-inl.h"
#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

void forward_along(const FftPasses& t, float* block) { forward(t, 0, block, t.size); }

void plane_forward(const FftPasses& y, ConstRows in, std::int64_t column, float* block) {
  columns_forward(y, in, column, block);
}
double plane_backward(const FftPasses& y, ConstRows in, float* block, std::int64_t column,
                      Rows out) {
  return columns_backward(y, in, block, column, out);
}

LATLAS_INLINE void copy_element(const float* from, float* to) {
  store(load(from), to);
  store(load(from + 16), to + 16);
}

/// The plane of one frequency along y, `used` planes of `blocks` blocks, plane_step and block_step
/// apart: along z, x, convolved, and back. `even`, `odd`: room for blocks × z.size elements;
/// `rows`: for two rows of x.size. `kernel`: first the even, then the odd frequencies along z.
void convolve_plane(const FftPasses& z, const FftPasses& x, float* middle, std::int64_t plane_step,
                    std::int64_t used, std::int64_t block_step, std::int64_t blocks,
                    const float* kernel, float* even, float* odd, float* rows) {
  const std::int64_t size = z.size * 32;
  for (std::int64_t b = 0; b < blocks; ++b) {
    float *e = even + b * size, *o = odd + b * size;
    for (std::int64_t j = 0; j < used; ++j) {
      const float* from = middle + j * plane_step + b * block_step;
      copy_element(from, e + 32 * j);
      const float* w = &z.odd_turn[static_cast<std::size_t>(2 * j)];
      LATLAS_EACH store_complex(times<false>(load_complex(from + p * kLanes), w),
                                o + 32 * j + p * kLanes);
    }
    std::fill(e + 32 * used, e + size, 0.0F);
    std::fill(o + 32 * used, o + size, 0.0F);
    forward(z, 0, e, z.size);
    forward(z, 0, o, z.size);
  }
  for (float* parity : {even, odd}) {
    for (std::int64_t m = 0; m < z.size; m += 16) {
      rows_convolve(x, parity, size, blocks, m, kernel, rows, rows + x.size * 32);
      kernel += 32 * x.size;
    }
  }
  for (std::int64_t b = 0; b < blocks; ++b) {
    float *e = even + b * size, *o = odd + b * size;
    backward(z, 0, e, z.size);
    backward(z, 0, o, z.size);
    for (std::int64_t j = 0; j < used; ++j) {
      float* to = middle + j * plane_step + b * block_step;
      const float* w = &z.odd_turn[static_cast<std::size_t>(2 * j)];
      LATLAS_EACH store_complex(load_complex(e + 32 * j + p * kLanes) +
                                    times<true>(load_complex(o + 32 * j + p * kLanes), w),
                                to + p * kLanes);
    }
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(forward_along);
HWY_EXPORT(plane_forward);
HWY_EXPORT(plane_backward);
HWY_EXPORT(convolve_plane);

struct SpaceConvolution::State {
  FftPasses z, y, x;
  Matrix kernel;   // of each frequency along y, 4 · depth · cols: its transform as it is met
  Matrix middle;   // depth · cols / 16 blocks of `rows` elements
  Matrix scratch;  // of each worker, two planes of cols × depth elements and two rows of cols
};

SpaceConvolution::~SpaceConvolution() = default;
SpaceConvolution::SpaceConvolution(SpaceConvolution&&) noexcept = default;
SpaceConvolution& SpaceConvolution::operator=(SpaceConvolution&&) noexcept = default;
std::int64_t SpaceConvolution::depth() const { return state_->z.size; }
std::int64_t SpaceConvolution::rows() const { return state_->y.size; }
std::int64_t SpaceConvolution::cols() const { return state_->x.size; }

SpaceConvolution::SpaceConvolution(ConstRows kernel, std::int64_t depth)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  const std::int64_t rows = depth > 0 ? kernel.rows() / depth : 0, cols = kernel.cols();
  require(depth > 0 && rows > 0 && cols > 0 && depth * rows == kernel.rows() &&
              convolution_size(depth) == depth && convolution_size(rows) == rows &&
              convolution_size(cols) == cols,
          "convolution: ", depth, " × ", rows, " × ", cols, " is not a size of convolution_size()");
  s.z = passes_of(depth);
  s.y = passes_of(rows);
  s.x = passes_of(cols);
  s.middle = Matrix(depth * cols / 16, rows * 32);
  s.kernel = Matrix(rows, 4 * depth * cols);
  // Along y; the result is real, as those along z and x are.
  parallel_for(depth * cols / 16, 1, [&](std::int64_t i, std::int64_t) {
    const std::int64_t z = i / (cols / 16), x = i % (cols / 16) * 16;
    const auto at = [&](std::int64_t j, int l) { return kernel(z * rows + j, x + l); };
    fill_even_real(s.y, at, s.middle.row(i));
    LATLAS_DISPATCH(forward_along)(s.y, s.middle.row(i));
  });
  // Each frequency along y by itself: along z, then x. The factors of the ways back are put in.
  const float scale = 1.0F / (4.0F * static_cast<float>(depth) * static_cast<float>(rows) *
                              static_cast<float>(cols));
  parallel_for(rows, 1, [&](std::int64_t m, std::int64_t) {
    Matrix along_z(cols / 16, depth * 32), block(1, cols * 32);
    float* to = s.kernel.row(m);
    for (const bool odd_z : {false, true}) {
      for (std::int64_t b = 0; b < cols / 16; ++b) {
        const auto at = [&](std::int64_t z, int l) {
          return s.middle(z * (cols / 16) + b, m * 32 + l);
        };
        fill_even(s.z, odd_z, at, along_z.row(b));
        LATLAS_DISPATCH(forward_along)(s.z, along_z.row(b));
      }
      for (std::int64_t z = 0; z < depth; z += 16)
        for (const bool odd_x : {false, true}) {
          const auto at = [&](std::int64_t x, int l) {
            return along_z(x / 16, (z + l) * 32 + x % 16);
          };
          fill_even(s.x, odd_x, at, block.data());
          LATLAS_DISPATCH(forward_along)(s.x, block.data());
          for (std::int64_t x = 0; x < cols; ++x)
            for (int l = 0; l < 16; ++l) *to++ = block(0, x * 32 + l) * scale;
        }
    }
  });
}

void SpaceConvolution::shape(
    FunctionRef<void(double, double, std::span<const double>, std::span<float>)> factors) {
  State& s = *state_;
  const std::int64_t depth = s.z.size, cols = s.x.size;
  std::vector<double> fx(static_cast<std::size_t>(2 * cols));
  for (std::int64_t j = 0; j < 2 * cols; ++j)
    fx[static_cast<std::size_t>(j)] = s.x.frequency(j % cols, j >= cols);
  parallel_for(s.y.size, 1, [&](std::int64_t m, std::int64_t) {
    std::vector<float> factor(fx.size());
    for (std::int64_t z = 0; z < 2 * depth; ++z) {
      factors(s.z.frequency(z % depth, z >= depth), s.y.real_frequency(m), fx, factor);
      // Groups of sixteen z, each 2 · cols elements of 16 lanes.
      float* to = s.kernel.row(m) + z / 16 * 32 * cols + z % 16;
      for (std::int64_t j = 0; j < 2 * cols; ++j) to[16 * j] *= factor[static_cast<std::size_t>(j)];
    }
  });
}

double SpaceConvolution::operator()(ConstRows in, Rows out, const SpacePart& part) {
  State& s = *state_;
  const std::int64_t depth = s.z.size, rows = s.y.size, cols = s.x.size;
  require(part.depth >= 0 && part.depth <= depth && part.rows >= 0 && part.rows <= rows &&
              part.cols >= 0 && part.cols <= cols && part.cols % 16 == 0,
          "convolution: a part of ", part.depth, " × ", part.rows, " × ", part.cols,
          " must be a multiple of 16 wide, and at most ", depth, " × ", rows, " × ", cols);
  for (const ConstRows m : {in, ConstRows(out)})
    require(m.cols() >= part.cols && part.plane_rows >= part.rows &&
                m.rows() >= part.depth * part.plane_rows,
            "convolution: ", m.rows(), " × ", m.cols(), " values do not hold the part of ",
            part.depth, " × ", part.rows, " × ", part.cols);
  const std::int64_t blocks = part.cols / 16, plane = cols * depth * 2;
  if (s.scratch.rows() < threads()) s.scratch = Matrix(threads(), 2 * plane + 2 * cols * 32);
  // Block (z, b) holds sixteen columns of plane z.
  const auto block = [&](std::int64_t i) {
    return s.middle.row(i / blocks * (cols / 16) + i % blocks);
  };
  const auto plane_of = [&](auto space, std::int64_t i) {
    const std::int64_t first = i / blocks * part.plane_rows;
    return decltype(space)(space.row(first), part.rows, part.cols, space.stride());
  };
  parallel_for(part.depth * blocks, 1, [&](std::int64_t i, std::int64_t) {
    LATLAS_DISPATCH(plane_forward)(s.y, plane_of(in, i), i % blocks * 16, block(i));
  });
  parallel_for_worker(rows, 1, [&](std::int64_t m, std::int64_t, int worker) {
    float* even = s.scratch.row(worker);
    LATLAS_DISPATCH(convolve_plane)
    (s.z, s.x, s.middle.data() + m * 32, cols / 16 * rows * 32, part.depth, rows * 32, blocks,
     s.kernel.row(m), even, even + plane, even + 2 * plane);
  });
  return ordered_sum(part.depth * blocks, 1, [&](std::int64_t i, std::int64_t) {
    return LATLAS_DISPATCH(plane_backward)(s.y, plane_of(in, i), block(i), i % blocks * 16,
                                           plane_of(out, i));
  });
}

}  // namespace latlas
#endif
