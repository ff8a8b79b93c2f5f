// Charges are spread on the grid with cubic B-splines, the grid is convolved with a kernel, and the
// result is read with the same splines (Hockney & Eastwood, Computer Simulation Using Particles,
// 1988, chapter 8). With Ŵ = sinc⁴ in each direction the transform of the spline, R that of
// 1 / (1 + r²), and f_n = f + n the aliases of a frequency f (cycles a node), the kernel that gives
// the least mean square error of the force over all places of two charges on the grid is
//
//   G(f) = Σ_n |f_n|² Ŵ²(f_n) R(f_n) / (Σ_n Ŵ²(f_n) · Σ_n |f_n|² Ŵ²(f_n)).
//
// The convolution is built from samples of 1 / (1 + r²), whose transform is Σ_n R(f_n); it is
// multiplied by the ratio of the two. R(f) = 2π K₀(2π f / h), of which only ratios are needed, so
// that the open boundary, which the samples know, stays exact.
//
// Spreading is parallel by bands of eight rows of nodes: points are sorted by band, first the even
// bands are filled, then the odd ones, whose points reach three rows into the next; each band in
// the order of its points. So no sum depends on the threads.
#include "latlas/layout/field.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <vector>

#include "latlas/core/fft.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/field.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
#include "latlas/layout/field-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// The band of each of n points (pairs x, y).
void bands_of(const GridView& g, const float* xy, std::int64_t n, std::int32_t* band) {
  for (std::int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    HWY_ALIGN float pairs[32] = {};
    HWY_ALIGN std::int32_t out[16];
    for (int l = 0; l < 2 * lanes; ++l) pairs[l] = xy[2 * i + l];
    F16 x, y;
    load_pairs(pairs, x, y);
    const Cells c = cells(g, x, y);
    store(to_int((c.row - set(1.0F)) * set(0.125F)), out);
    for (int l = 0; l < lanes; ++l) band[i + l] = out[l];
  }
}

/// Adds n charges (pairs x, y) to the grid, one after another.
void spread(const GridView& g, const float* xy, std::int64_t n, float* grid) {
  for (std::int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    HWY_ALIGN float pairs[32] = {};
    for (int l = 0; l < 2 * lanes; ++l) pairs[l] = xy[2 * i + l];
    F16 x, y;
    load_pairs(pairs, x, y);
    const Cells c = cells(g, x, y);
    F16 wx[4], wy[4];
    spline(c.x, wx);
    spline(c.y, wy);
    HWY_ALIGN float across[64], down[64];
    HWY_ALIGN std::int32_t column[16], row[16];
    store_quads(wx, across);
    for (int r = 0; r < 4; ++r) store(wy[r], down + 16 * r);
    store(to_int(c.column), column);
    store(to_int(c.row), row);
    for (int l = 0; l < lanes; ++l) {
      float* at = grid + (row[l] - 1) * g.stride + column[l] - 1;
      const F4 w = load4(across + 4 * l);
      for (int r = 0; r < 4; ++r)
        store4(fma4(w, down[16 * r + l], load4(at + r * g.stride)), at + r * g.stride);
    }
  }
}

void read_points(const GridView& g, ConstRows at, bool charges, float* potential, Rows gradient) {
  for (std::int64_t i = 0; i < at.rows(); i += 16) {
    const int lanes = static_cast<int>(at.rows() - i < 16 ? at.rows() - i : 16);
    HWY_ALIGN float px[16] = {}, py[16] = {};
    for (int l = 0; l < lanes; ++l) {
      px[l] = at.row(i + l)[0];
      py[l] = at.row(i + l)[1];
    }
    const F16 x = load(px), y = load(py);
    const Reading r = charges ? read<true>(g, x, y) : read<false>(g, x, y);
    store_first(r.potential, potential + i, lanes);
    store(r.x, px);
    store(r.y, py);
    for (int l = 0; l < lanes; ++l) {
      gradient.row(i + l)[0] = px[l];
      gradient.row(i + l)[1] = py[l];
    }
  }
}

/// Rows begin … end of the exact field. x, y: all n points, padded to a multiple of 16 by points
/// so far away that they do nothing.
double exact_rows(const float* xs, const float* ys, std::int64_t n, std::int64_t begin,
                  std::int64_t end, float* potential, Rows gradient) {
  double total = 0;
  const F16 one = set(1.0F);
  for (std::int64_t i = begin; i < end; ++i) {
    const F16 x = set(xs[i]), y = set(ys[i]);
    F16 p = zero(), fx = zero(), fy = zero();
    for (std::int64_t j = 0; j < n; j += 16) {
      const F16 dx = x - load(xs + j), dy = y - load(ys + j);
      F16 q = one / fma(dx, dx, fma(dy, dy, one));
      if (i - j >= 0 && i - j < 16) {  // not the point itself
        HWY_ALIGN float others[16];
        store(q, others);
        others[i - j] = 0;
        q = load(others);
      }
      const F16 q2 = q * q;
      p = p + q;
      fx = fma(q2, dx, fx);
      fy = fma(q2, dy, fy);
    }
    potential[i] = reduce(p);
    gradient.row(i)[0] = -2.0F * reduce(fx);
    gradient.row(i)[1] = -2.0F * reduce(fy);
    total += static_cast<double>(potential[i]);
  }
  return total;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(bands_of);
HWY_EXPORT(spread);
HWY_EXPORT(read_points);
HWY_EXPORT(exact_rows);

namespace {

constexpr std::int64_t kBandRows = 8;
constexpr std::int64_t kPointTile = 4096;
constexpr std::size_t kKernelsKept = 4;

/// The modified Bessel function K₀, relative error below 1e-6 (Abramowitz & Stegun, 9.8.1, 9.8.5
/// and 9.8.6).
double bessel_k0(double x) {
  if (x <= 2) {
    const double t = x * x / (3.75 * 3.75), q = x * x / 4;
    const double i0 =
        1 +
        t * (3.5156229 +
             t * (3.0899424 + t * (1.2067492 + t * (0.2659732 + t * (0.0360768 + t * 0.0045813)))));
    return -math::log(x / 2) * i0 - 0.57721566 +
           q * (0.42278420 +
                q * (0.23069756 +
                     q * (0.03488590 + q * (0.00262698 + q * (0.00010750 + q * 0.00000740)))));
  }
  const double q = 2 / x;
  return math::exp(-x) / std::sqrt(x) *
         (1.25331414 +
          q * (-0.07832358 +
               q * (0.02189568 +
                    q * (-0.01062446 + q * (0.00587872 + q * (-0.00251540 + q * 0.00053208))))));
}

/// Ŵ² = sinc⁸ in one direction.
double spline_power(double f) {
  if (f == 0) return 1;
  const double s = math::sincos_turn(f / 2).sin / (math::kPi * f), s2 = s * s;
  return s2 * s2 * s2 * s2;
}

/// The factor of the header comment. It is 1 / (b²(fy) b²(fx)), with b = (2 + cos 2πf) / 3 the
/// transform of the spline's samples, times a flat rest; both are tabulated.
class Influence {
 public:
  explicit Influence(double spacing)
      : rest_(kSteps + 1, kSteps + 1), deconvolution_(1, kFineSteps + 1) {
    for (std::int64_t i = 0; i <= kFineSteps; ++i) deconvolution_(0, i) = power(at(i, kFineSteps));
    parallel_for(kSteps + 1, 1, [&](std::int64_t i, std::int64_t) {
      const double fy = at(i, kSteps);
      for (std::int64_t j = 0; j <= kSteps; ++j) {
        const double fx = at(j, kSteps);
        rest_(i, j) = value(fy, fx, spacing) / (power(fy) * power(fx));
      }
    });
  }
  double operator()(double fy, double fx) const {  // bilinear
    const Place y(fy, kSteps), x(fx, kSteps);
    const double rest = y.between(x.between(rest_(y.i, x.i), rest_(y.i, x.i + 1)),
                                  x.between(rest_(y.i + 1, x.i), rest_(y.i + 1, x.i + 1)));
    return rest * fine(fy) * fine(fx);
  }

 private:
  static constexpr std::int64_t kSteps = 128, kFineSteps = 4096;
  struct Place {
    Place(double f, std::int64_t steps) {
      const double u = f * static_cast<double>(2 * steps);
      i = std::min(static_cast<std::int64_t>(u), steps - 1);
      t = u - static_cast<double>(i);
    }
    double between(double a, double b) const { return (1 - t) * a + t * b; }
    std::int64_t i;
    double t;
  };
  static double at(std::int64_t i, std::int64_t steps) {
    return 0.5 * static_cast<double>(i) / static_cast<double>(steps);
  }
  static double power(double f) {  // b⁻²
    const double b = (2 + math::sincos_turn(f).cos) / 3;
    return 1 / (b * b);
  }
  double fine(double f) const {
    const Place p(f, kFineSteps);
    return p.between(deconvolution_(0, p.i), deconvolution_(0, p.i + 1));
  }
  static double value(double fy, double fx, double spacing) {
    if (fy == 0 && fx == 0) return 1;
    double power = 0, square = 0, wanted = 0, samples = 0;
    for (int n = -2; n <= 2; ++n) {
      for (int m = -2; m <= 2; ++m) {
        const double y = fy + n, x = fx + m, f2 = y * y + x * x;
        const double w = spline_power(y) * spline_power(x);
        const double r = bessel_k0(2 * math::kPi * std::sqrt(f2) / spacing);
        power += w;
        square += w * f2;
        wanted += w * f2 * r;
        samples += r;
      }
    }
    return wanted / (power * square * samples);
  }
  BasicMatrix<double> rest_, deconvolution_;
};

/// The kernel of one grid size and spacing.
struct Kernel {
  double spacing;
  Convolution convolution;
  float self[4][4];      // as in GridView
  double own_potential;  // of a charge in its own field, mean over its places on the grid
};

Kernel make_kernel(std::int64_t rows, std::int64_t cols, double spacing,
                   const Influence& influence) {
  Matrix samples(rows, cols);
  parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < cols; ++j)
        samples(i, j) =
            static_cast<float>(1 / (1 + spacing * spacing * static_cast<double>(i * i + j * j)));
  });
  Kernel kernel{spacing, Convolution(samples), {}, 0};
  kernel.convolution.shape(influence);
  // What a charge at a node does to the nodes around it.
  Matrix charge(16, 16), answer(16, 16);
  charge(8, 8) = 1;
  kernel.convolution(charge, answer);
  // Mean over the cell of the overlap of two splines moved by d: the spline of order 7 at d.
  constexpr double kOverlap[4] = {2416.0 / 5040, 1191.0 / 5040, 120.0 / 5040, 1.0 / 5040};
  for (int e = 0; e < 4; ++e)
    for (int d = 0; d < 4; ++d) {
      const float both = (e == 0 ? 1.0F : 2.0F) * (d == 0 ? 1.0F : 2.0F);
      kernel.self[e][d] = both * answer(8 + e, 8 + d);
      kernel.own_potential += static_cast<double>(kernel.self[e][d]) * kOverlap[e] * kOverlap[d];
    }
  return kernel;
}

}  // namespace

struct GridField::State {
  double wanted_spacing = 0;
  std::list<Kernel> kernels;  // the last used first
  std::unique_ptr<Influence> influence;
  double influence_spacing = 0;
  GridView view;
  Matrix charges, potential;
  double spacing = 0, normalizer = 0;
  std::vector<std::int32_t> band;
  std::vector<float> sorted;        // the points, band after band
  std::vector<std::int64_t> place;  // tiles × bands
  std::vector<std::int64_t> begin;  // of each band in `sorted`

  void choose_grid(const float (&low)[2], const float (&high)[2], std::int64_t n);
  void sort_by_band(ConstRows points, std::int64_t bands);
};

GridField::GridField(double spacing) : state_(std::make_unique<State>()) {
  require(spacing >= 0.05 && spacing <= 1, "field: spacing is ", spacing,
          ", it must be between 0.05 and 1");
  state_->wanted_spacing = state_->spacing = spacing;
}
GridField::~GridField() = default;
GridField::GridField(GridField&&) noexcept = default;
GridField& GridField::operator=(GridField&&) noexcept = default;
double GridField::spacing() const { return state_->spacing; }
double GridField::normalizer() const { return state_->normalizer; }
GridView GridField::view() const { return state_->view; }

void GridField::State::choose_grid(const float (&low)[2], const float (&high)[2], std::int64_t n) {
  // Two nodes beyond the outermost cell on each side, as the splines need, and one for rounding.
  const auto nodes = [&](int c) {
    return std::ceil((static_cast<double>(high[c]) - low[c]) / spacing) + 6;
  };
  const double most = std::max(4194304.0, 32.0 * static_cast<double>(n));
  spacing = wanted_spacing;
  while (nodes(0) * nodes(1) > most || nodes(0) > 65536 || nodes(1) > 65536) spacing *= 1.25;
  const std::int64_t rows = convolution_size(static_cast<std::int64_t>(nodes(1)));
  const std::int64_t cols = convolution_size(static_cast<std::int64_t>(nodes(0)));
  const auto found = std::find_if(kernels.begin(), kernels.end(), [&](const Kernel& k) {
    return k.convolution.rows() == rows && k.convolution.cols() == cols && k.spacing == spacing;
  });
  if (found != kernels.end()) {
    kernels.splice(kernels.begin(), kernels, found);
  } else {
    if (kernels.size() == kKernelsKept) kernels.pop_back();
    if (influence_spacing != spacing) influence = std::make_unique<Influence>(spacing);
    influence_spacing = spacing;
    kernels.push_front(make_kernel(rows, cols, spacing, *influence));
  }
  if (charges.rows() != rows || charges.cols() != cols) {
    charges = Matrix(rows, cols);
    potential = Matrix(rows, cols);
  }
  view.potential = potential.data();
  view.stride = cols;
  view.per_unit = static_cast<float>(1 / spacing);
  view.x0 = low[0] - static_cast<float>(2 * spacing);
  view.y0 = low[1] - static_cast<float>(2 * spacing);
  std::copy_n(&kernels.front().self[0][0], 16, &view.self[0][0]);
}

void GridField::State::sort_by_band(ConstRows points, std::int64_t bands) {
  const std::int64_t n = points.rows(), tiles = (n + kPointTile - 1) / kPointTile;
  band.resize(static_cast<std::size_t>(n));
  sorted.resize(static_cast<std::size_t>(2 * n));
  place.assign(static_cast<std::size_t>(tiles * bands), 0);
  begin.assign(static_cast<std::size_t>(bands) + 1, 0);
  parallel_for(n, kPointTile, [&](std::int64_t first, std::int64_t last) {
    std::int64_t* count = place.data() + first / kPointTile * bands;
    LATLAS_DISPATCH(bands_of)(view, points.row(first), last - first, band.data() + first);
    for (std::int64_t i = first; i < last; ++i) ++count[band[static_cast<std::size_t>(i)]];
  });
  std::int64_t at = 0;
  for (std::int64_t b = 0; b < bands; ++b) {
    begin[static_cast<std::size_t>(b)] = at;
    for (std::int64_t t = 0; t < tiles; ++t)
      at += std::exchange(place[static_cast<std::size_t>(t * bands + b)], at);
  }
  begin.back() = at;
  parallel_for(n, kPointTile, [&](std::int64_t first, std::int64_t last) {
    std::int64_t* next = place.data() + first / kPointTile * bands;
    for (std::int64_t i = first; i < last; ++i) {
      const float* from = points.row(i);
      float* to = sorted.data() + 2 * next[band[static_cast<std::size_t>(i)]]++;
      to[0] = from[0];
      to[1] = from[1];
    }
  });
}

void GridField::charge(ConstRows points, double margin) {
  State& s = *state_;
  const std::int64_t n = points.rows();
  require(n > 0 && points.cols() == 2 && points.contiguous(), "field: charges are ", n, " × ",
          points.cols(), ", they must be n × 2, contiguous, n ≥ 1");
  require(margin >= 0 && margin <= 1e6, "field: the margin is ", margin,
          ", it must be between 0 and 1e6");
  require_finite(points, "field: charges");
  float low[2] = {points(0, 0), points(0, 1)}, high[2] = {low[0], low[1]};
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 2; ++c) {
      low[c] = std::min(low[c], points(i, c));
      high[c] = std::max(high[c], points(i, c));
    }
  for (int c = 0; c < 2; ++c) {
    low[c] -= static_cast<float>(margin);
    high[c] += static_cast<float>(margin);
  }
  s.choose_grid(low, high, n);

  // Rows and columns that charges reach; the transform skips the others.
  const auto reach = [&](int c, float origin, std::int64_t size) {
    const float last = (high[c] - origin) * s.view.per_unit;
    return std::min(size, static_cast<std::int64_t>(last) + 4);
  };
  const std::int64_t rows = reach(1, s.view.y0, s.charges.rows());
  const std::int64_t cols =
      std::min((reach(0, s.view.x0, s.charges.cols()) + 15) / 16 * 16, s.charges.cols());
  // Readable places lie below the last two nodes of those; a float just under the whole number.
  s.view.last_column = std::nextafter(static_cast<float>(cols - 2), 0.0F);
  s.view.last_row = std::nextafter(static_cast<float>(rows - 2), 0.0F);
  const std::int64_t bands = (rows + kBandRows - 1) / kBandRows;
  s.sort_by_band(points, bands);
  for (const std::int64_t odd : {0, 1}) {
    parallel_for((bands + 1 - odd) / 2, 1, [&](std::int64_t half, std::int64_t) {
      const std::int64_t b = 2 * half + odd;
      if (odd == 0) {
        const std::int64_t first = b * kBandRows;
        const std::int64_t last = std::min(first + 2 * kBandRows, s.charges.rows());
        std::fill(s.charges.row(first), s.charges.row(last), 0.0F);
      }
      const auto u = static_cast<std::size_t>(b);
      LATLAS_DISPATCH(spread)
      (s.view, s.sorted.data() + 2 * s.begin[u], s.begin[u + 1] - s.begin[u], s.charges.data());
    });
  }
  Kernel& kernel = s.kernels.front();
  const std::int64_t stride = s.charges.cols();
  const double energy = kernel.convolution({s.charges.data(), rows, cols, stride},
                                           {s.potential.data(), rows, cols, stride});
  s.normalizer = energy - static_cast<double>(n) * kernel.own_potential;
}

void GridField::read(ConstRows at, bool charges, std::span<float> potential, Rows gradient) const {
  require(at.cols() == 2 && gradient.cols() == 2 && gradient.rows() == at.rows() &&
              std::ssize(potential) == at.rows(),
          "field: points, potential and gradient must have the same rows, points and gradient 2 "
          "columns");
  require(state_->view.potential != nullptr, "field: it must be charged before it is read");
  parallel_for(at.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    LATLAS_DISPATCH(read_points)
    (state_->view, at.rows(begin, end), charges, potential.data() + begin,
     gradient.rows(begin, end));
  });
}

double exact_field(ConstRows points, std::span<float> potential, Rows gradient) {
  const std::int64_t n = points.rows();
  require(points.cols() == 2 && gradient.cols() == 2 && gradient.rows() == n &&
              std::ssize(potential) == n,
          "field: points, potential and gradient must have the same rows, points and gradient 2 "
          "columns");
  const std::int64_t padded = (n + 15) / 16 * 16;
  std::vector<float> x(static_cast<std::size_t>(padded), 1e15F), y(x.size(), 1e15F);
  for (std::int64_t i = 0; i < n; ++i) {
    x[static_cast<std::size_t>(i)] = points(i, 0);
    y[static_cast<std::size_t>(i)] = points(i, 1);
  }
  return ordered_sum(n, 64, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(exact_rows)(x.data(), y.data(), padded, begin, end, potential.data(),
                                       gradient);
  });
}

}  // namespace latlas
#endif
