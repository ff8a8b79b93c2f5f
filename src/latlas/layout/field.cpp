// Charges are spread on the grid with cubic B-splines, the grid is convolved with a kernel, and the
// result is read with the same splines (Hockney & Eastwood, Computer Simulation Using Particles,
// 1988, chapter 8). With Ŵ = sinc⁴ in each direction the transform of the spline, R that of
// w = (1 + r²/α)^(−α), and f_n = f + n the aliases of a frequency f (cycles a node), the kernel
// that gives the least mean square error of the force over all places of two charges on the grid is
//
//   G(f) = Σ_n |f_n|² Ŵ²(f_n) R(f_n) / (Σ_n Ŵ²(f_n) · Σ_n |f_n|² Ŵ²(f_n)).
//
// The convolution is built from samples of w, whose transform is Σ_n R(f_n); it is multiplied by
// the ratio of the two. In d dimensions
//
//   R(f) ∝ x^(α − d/2) K_{d/2 − α}(x),   x = 2π √α f / h,
//
// of which only ratios are needed, so that the open boundary, which the samples know, stays exact.
// For α = 1 that is e^(−x), K₀(x) and e^(−x) / x in one, two and three dimensions.
//
// Spreading is parallel by bands of nodes along the last axis: points are sorted by band, first the
// even bands are filled, then the odd ones, whose points reach three nodes into the next; each band
// in the order of its points. So no sum depends on the threads.
#include "latlas/layout/field.h"

#include <algorithm>
#include <cmath>
#include <list>
#include <type_traits>
#include <variant>
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

/// The band along axis D − 1 of each of n places; a band has 1 / per_node nodes.
template <int D>
void bands_of(const GridView& g, const float* places, std::int64_t n, float per_node,
              std::int32_t* band) {
  for (std::int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    HWY_ALIGN std::int32_t out[16];
    F16 at[D];
    load_first_places(places + i * place_floats(D), lanes, at);
    const Cells<D> c = cells(g, at);
    store(to_int((c.node[D - 1] - set(1.0F)) * set(per_node)), out);
    for (int l = 0; l < lanes; ++l) band[i + l] = out[l];
  }
}

/// Adds n charges to the grid, one after another.
template <int D>
void spread(const GridView& g, const float* places, std::int64_t n, float* grid) {
  for (std::int64_t i = 0; i < n; i += 16) {
    const int lanes = static_cast<int>(n - i < 16 ? n - i : 16);
    F16 at[D], w[4];
    load_first_places(places + i * place_floats(D), lanes, at);
    const Cells<D> c = cells(g, at);
    HWY_ALIGN float across[64], weight[D][64];
    HWY_ALIGN std::int32_t node[D][16];
    spline(c.inside[0], w);
    store_quads(w, across);
    for (int k = 0; k < D; ++k) {
      store(to_int(c.node[k]), node[k]);
      if (k == 0) continue;
      spline(c.inside[k], w);
      for (int r = 0; r < 4; ++r) store(w[r], weight[k] + 16 * r);
    }
    for (int l = 0; l < lanes; ++l) {
      float* to = grid + node[0][l] - 1;
      for (int k = 1; k < D; ++k) to += (node[k][l] - 1) * g.stride[k];
      const F4 x = load4(across + 4 * l);
      const auto add = [&](float factor, float* nodes)
                           HWY_ATTR { store4(fma4(x, factor, load4(nodes)), nodes); };
      if constexpr (D == 1) {
        add(1.0F, to);
      } else if constexpr (D == 2) {
        for (int r = 0; r < 4; ++r) add(weight[1][16 * r + l], to + r * g.stride[1]);
      } else {
        for (int q = 0; q < 4; ++q)
          for (int r = 0; r < 4; ++r)
            add(weight[2][16 * q + l] * weight[1][16 * r + l],
                to + q * g.stride[2] + r * g.stride[1]);
      }
    }
  }
}

template <int D>
void read_points(const GridView& g, ConstRows at, bool charges, float* potential, Rows gradient) {
  for (std::int64_t i = 0; i < at.rows(); i += 16) {
    const int lanes = static_cast<int>(at.rows() - i < 16 ? at.rows() - i : 16);
    HWY_ALIGN float lane[D][16] = {};
    F16 place[D];
    for (int k = 0; k < D; ++k) {
      for (int l = 0; l < lanes; ++l) lane[k][l] = at.row(i + l)[k];
      place[k] = load(lane[k]);
    }
    const Reading<D> r = charges ? read<true>(g, place) : read<false>(g, place);
    store_first(r.potential, potential + i, lanes);
    for (int k = 0; k < D; ++k) {
      store(r.gradient[k], lane[k]);
      for (int l = 0; l < lanes; ++l) gradient.row(i + l)[k] = lane[k][l];
    }
  }
}

/// Rows begin … end of the exact field. points: axis after axis, each `stride` values, the n points
/// followed by ones so far away that with α = 1 they do nothing; heavier tails leave them out.
template <int D, bool kPlain>
double exact_rows(const float* points, std::int64_t stride, std::int64_t n, float degrees,
                  std::int64_t begin, std::int64_t end, float* potential, Rows gradient) {
  double total = 0;
  const F16 one = set(1.0F), per_degree = set(1.0F / degrees), power = set(-degrees);
  for (std::int64_t i = begin; i < end; ++i) {
    F16 at[D], sum = zero(), force[D];
    for (int k = 0; k < D; ++k) {
      at[k] = set(points[k * stride + i]);
      force[k] = zero();
    }
    for (std::int64_t j = 0; j < stride; j += 16) {
      F16 delta[D];
      for (int k = 0; k < D; ++k) delta[k] = at[k] - load(points + k * stride + j);
      const auto without_own = [&](const F16& q) HWY_ATTR {  // not the point itself
        if (i - j < 0 || i - j >= 16) return q;
        HWY_ALIGN float others[16];
        store(q, others);
        others[i - j] = 0;
        return load(others);
      };
      F16 q, slope;  // w, and w^((α+1)/α)
      if constexpr (kPlain) {
        q = without_own(one / square_plus(delta, one));
        slope = q * q;
      } else {
        const F16 d = fma(square_plus(delta, zero()), per_degree, one);
        q = without_own(
            keep(first(static_cast<int>(n - j < 16 ? n - j : 16)), exp(power * log(d))));
        slope = q / d;
      }
      sum = sum + q;
      for (int k = 0; k < D; ++k) force[k] = fma(slope, delta[k], force[k]);
    }
    potential[i] = reduce(sum);
    for (int k = 0; k < D; ++k) gradient.row(i)[k] = -2.0F * reduce(force[k]);
    total += static_cast<double>(potential[i]);
  }
  return total;
}

/// The kernels by the number of dimensions.
template <class Kernel>
LATLAS_INLINE void by_dimensions(std::int64_t dimensions, const Kernel& kernel) {
  if (dimensions == 1) kernel(std::integral_constant<int, 1>());
  if (dimensions == 2) kernel(std::integral_constant<int, 2>());
  if (dimensions == 3) kernel(std::integral_constant<int, 3>());
}
void bands_of_places(std::int64_t dimensions, const GridView& g, const float* places,
                     std::int64_t n, float per_node, std::int32_t* band) {
  by_dimensions(dimensions,
                [&](auto d) HWY_ATTR { bands_of<d.value>(g, places, n, per_node, band); });
}
void spread_charges(std::int64_t dimensions, const GridView& g, const float* places, std::int64_t n,
                    float* grid) {
  by_dimensions(dimensions, [&](auto d) HWY_ATTR { spread<d.value>(g, places, n, grid); });
}
void read_field(std::int64_t dimensions, const GridView& g, ConstRows at, bool charges,
                float* potential, Rows gradient) {
  by_dimensions(dimensions, [&](auto d) HWY_ATTR {
    read_points<d.value>(g, at, charges, potential, gradient);
  });
}
double exact_field_rows(std::int64_t dimensions, const float* points, std::int64_t stride,
                        std::int64_t n, float degrees, std::int64_t begin, std::int64_t end,
                        float* potential, Rows gradient) {
  double total = 0;
  by_dimensions(dimensions, [&](auto d) HWY_ATTR {
    total = degrees == 1.0F ? exact_rows<d.value, true>(points, stride, n, degrees, begin, end,
                                                        potential, gradient)
                            : exact_rows<d.value, false>(points, stride, n, degrees, begin, end,
                                                         potential, gradient);
  });
  return total;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(bands_of_places);
HWY_EXPORT(spread_charges);
HWY_EXPORT(read_field);
HWY_EXPORT(exact_field_rows);

namespace {

constexpr std::int64_t kPointTile = 4096;

/// Nodes of a band; points of one reach three nodes into the next.
constexpr std::int64_t band_nodes(std::int64_t dimensions) {
  return dimensions == 1 ? 256 : (dimensions == 2 ? 8 : 4);
}
/// Kernels kept; one of space is large.
constexpr std::size_t kernels_kept(std::int64_t dimensions) { return dimensions == 3 ? 2 : 4; }

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

/// log K_ν(x) for ν ≥ 0, from K_ν(x) = ∫₀^∞ e^(−x cosh t) cosh νt dt by the trapezoidal rule, whose
/// error falls exponentially with the steps. The largest term is taken out, as K_ν overflows.
double log_bessel_k(double nu, double x) {
  const double top = math::log(nu / x + std::sqrt(nu * nu / x / x + 1));  // asinh: the largest term
  const auto exponent = [&](double t) {
    return nu * t - x * ((math::exp(t) + math::exp(-t)) / 2 - 1);
  };
  const double largest = exponent(top);
  const double step = 0.5 / std::sqrt(std::sqrt(x * x + nu * nu) + 10);
  double sum = 0;
  for (std::int64_t i = 0;; ++i) {
    const double t = static_cast<double>(i) * step, e = exponent(t) - largest;
    if (t > top && e < -40) break;
    sum += (i == 0 ? 0.5 : 1) * math::exp(e) * (1 + math::exp(-2 * nu * t)) / 2;
  }
  return largest - x + math::log(sum * step);
}

/// R(f) of the header comment up to a factor, f in nodes.
class Spectrum {
 public:
  /// @param per_node  x of one cycle a node.
  Spectrum(std::int64_t dimensions, double degrees, double per_node)
      : plane_(dimensions == 2 && degrees == 1), per_node_(per_node) {
    if (plane_) return;
    // log R + x is nearly linear in log x at both ends; a table with cubic interpolation.
    const double half = 0.5 * static_cast<double>(dimensions), nu = std::abs(half - degrees);
    low_ = math::log(kLeast * per_node) - 2 * kStep;
    const auto count = static_cast<std::int64_t>((math::log(kMost) - low_) / kStep) + 4;
    table_.resize(static_cast<std::size_t>(std::max<std::int64_t>(count, 4)));
    parallel_for(std::ssize(table_), 16, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const double t = low_ + kStep * static_cast<double>(i), x = math::exp(t);
        table_[static_cast<std::size_t>(i)] = (degrees - half) * t + log_bessel_k(nu, x) + x;
      }
    });
    level_ = table_.front();
  }
  static constexpr double kLeast = 1e-6;    // the smallest f that is asked for
  bool diverges() const { return plane_; }  // at 0; other kernels are asked at kLeast
  double operator()(double square) const {  // of f
    const double x = std::sqrt(square) * per_node_;
    if (plane_) return bessel_k0(x);
    if (x > kMost) return 0;
    const double u = (math::log(x) - low_) / kStep;
    const auto i =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(u), 1, std::ssize(table_) - 3);
    const double t = u - static_cast<double>(i);
    const double* p = table_.data() + i;
    const double value =
        p[0] +
        0.5 * t *
            (p[1] - p[-1] +
             t * (2 * p[-1] - 5 * p[0] + 4 * p[1] - p[2] + t * (3 * (p[0] - p[1]) + p[2] - p[-1])));
    return math::exp(value - level_ - x);
  }

 private:
  static constexpr double kStep = 0.02, kMost = 600;
  bool plane_;
  double per_node_, low_ = 0, level_ = 0;
  std::vector<double> table_;
};

/// The factor of the header comment. It is Π_c b⁻²(f_c), with b = (2 + cos 2πf) / 3 the transform
/// of the spline's samples, times a flat rest; both are tabulated.
class Influence {
 public:
  Influence(std::int64_t dimensions, double degrees, double spacing)
      : dimensions_(dimensions),
        steps_(dimensions == 1 ? 2048 : (dimensions == 2 ? 128 : 48)),
        rest_(rest_rows(), steps_ + 1),
        deconvolution_(1, kFineSteps + 1) {
    const bool plain = dimensions == 2 && degrees == 1;
    const Spectrum spectrum(
        dimensions, degrees,
        plain ? 2 * math::kPi / spacing : 2 * math::kPi * std::sqrt(degrees) / spacing);
    for (std::int64_t i = 0; i <= kFineSteps; ++i) deconvolution_(0, i) = power(at(i, kFineSteps));
    const std::int64_t count = steps_ + 1;
    parallel_for(rest_.rows(), 1, [&](std::int64_t i, std::int64_t) {
      const double fz = at(i / count, steps_), fy = at(i % count, steps_);
      // In space the six orders of three frequencies share a value.
      if (dimensions == 3 && i / count > i % count) return;
      for (std::int64_t j = dimensions == 3 ? i % count : 0; j < count; ++j) {
        const double fx = at(j, steps_);
        rest_(i, j) = value(fz, fy, fx, spectrum) / (power(fz) * power(fy) * power(fx));
      }
    });
    for (std::int64_t i = 0; dimensions == 3 && i < rest_.rows(); ++i)
      for (std::int64_t j = 0; j < count; ++j) {
        std::int64_t f[3] = {i / count, i % count, j};
        std::sort(f, f + 3);
        rest_(i, j) = rest_(f[0] * count + f[1], f[2]);
      }
  }
  double on_line(double fx) const {
    const Place x(fx, steps_);
    return x.between(rest_(0, x.i), rest_(0, x.i + 1)) * fine(fx);
  }
  void in_plane(double fy, std::span<const double> fx, std::span<float> factor) const {
    const Place y(fy, steps_);
    double row[kMostSteps + 1];
    for (std::int64_t j = 0; j <= steps_; ++j) row[j] = y.between(rest_(y.i, j), rest_(y.i + 1, j));
    along(row, fine(fy), fx, factor);
  }
  void in_space(double fz, double fy, std::span<const double> fx, std::span<float> factor) const {
    const Place z(fz, steps_), y(fy, steps_);
    double row[kMostSteps + 1];
    const auto at = [&](std::int64_t i, std::int64_t k) { return i * (steps_ + 1) + k; };
    for (std::int64_t j = 0; j <= steps_; ++j)
      row[j] = z.between(y.between(rest_(at(z.i, y.i), j), rest_(at(z.i, y.i + 1), j)),
                         y.between(rest_(at(z.i + 1, y.i), j), rest_(at(z.i + 1, y.i + 1), j)));
    along(row, fine(fz) * fine(fy), fx, factor);
  }

 private:
  static constexpr std::int64_t kFineSteps = 4096, kMostSteps = 128;
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
  /// The factors at the frequencies fx, from the flat rest along x and the other directions' b⁻².
  void along(const double* rest, double others, std::span<const double> fx,
             std::span<float> factor) const {
    for (std::size_t j = 0; j < fx.size(); ++j) {
      const Place x(fx[j], steps_);
      factor[j] = static_cast<float>(x.between(rest[x.i], rest[x.i + 1]) * others * fine(fx[j]));
    }
  }
  std::int64_t rest_rows() const {
    return dimensions_ == 1 ? 1 : (dimensions_ == 2 ? steps_ + 1 : (steps_ + 1) * (steps_ + 1));
  }
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
  double value(double fz, double fy, double fx, const Spectrum& spectrum) const {
    if (fz == 0 && fy == 0 && fx == 0) {
      if (spectrum.diverges()) return 1;
      fx = Spectrum::kLeast;
    }
    // In space the aliases next but one, below 1e-7 of the whole, are left out.
    const int far_x = dimensions_ == 3 ? 1 : 2;
    const int far_y = dimensions_ == 1 ? 0 : far_x, far_z = dimensions_ == 3 ? 1 : 0;
    double power_x[5], power_y[5];
    for (int i = -2; i <= 2; ++i) {
      power_x[i + 2] = spline_power(fx + i);
      power_y[i + 2] = spline_power(fy + i);
    }
    double power = 0, square = 0, wanted = 0, samples = 0;
    for (int l = -far_z; l <= far_z; ++l) {
      const double power_z = spline_power(fz + l);
      for (int n = -far_y; n <= far_y; ++n) {
        for (int m = -far_x; m <= far_x; ++m) {
          const double z = fz + l, y = fy + n, x = fx + m, f2 = y * y + x * x + z * z;
          const double w = power_y[n + 2] * power_x[m + 2] * power_z;
          const double r = spectrum(f2);
          power += w;
          square += w * f2;
          wanted += w * f2 * r;
          samples += r;
        }
      }
    }
    return wanted / (power * square * samples);
  }
  std::int64_t dimensions_, steps_;
  BasicMatrix<double> rest_, deconvolution_;
};

/// The kernel of one grid size and spacing.
struct Kernel {
  double spacing;
  std::int64_t size[3];  // nodes along x, y, z
  std::variant<LineConvolution, Convolution, SpaceConvolution> convolution;
  float self[64] = {};       // as in GridView
  double own_potential = 0;  // of a charge in its own field, mean over its places on the grid

  /// Convolves the part of the charges that is used; the sum of charge times potential.
  double apply(const Matrix& charges, Matrix& potential, const std::int64_t (&used)[3]) {
    const std::int64_t cols = charges.cols();
    if (auto* line = std::get_if<LineConvolution>(&convolution)) {
      const auto count = static_cast<std::size_t>(used[0]);
      return (*line)({charges.data(), count}, {potential.data(), count});
    }
    if (auto* plane = std::get_if<Convolution>(&convolution))
      return (*plane)({charges.data(), used[1], used[0], cols},
                      {potential.data(), used[1], used[0], cols});
    return std::get<SpaceConvolution>(convolution)(
        charges, potential,
        {.depth = used[2], .rows = used[1], .cols = used[0], .plane_rows = size[1]});
  }
};

/// w at the nodes, `square` (h / √α)² and `degrees` α.
Matrix samples_of(std::int64_t dimensions, const std::int64_t (&size)[3], double square,
                  double degrees) {
  const auto w = [&](std::int64_t distance) {
    const double d = 1 + square * static_cast<double>(distance);
    return static_cast<float>(degrees == 1 ? 1 / d : math::exp(-degrees * math::log(d)));
  };
  Matrix samples(size[2] * size[1], size[0]);
  // In space far fewer squares of distances occur than nodes, unless it is nearly a line.
  std::vector<float> known;
  const std::int64_t squares = size[0] * size[0] + size[1] * size[1] + size[2] * size[2];
  if (dimensions == 3 && squares < size[0] * size[1] * size[2]) {
    known.resize(static_cast<std::size_t>(squares));
    parallel_for(std::ssize(known), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) known[static_cast<std::size_t>(i)] = w(i);
    });
  }
  parallel_for(samples.rows(), 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t z = i / size[1], y = i % size[1];
      for (std::int64_t x = 0; x < size[0]; ++x) {
        const std::int64_t distance = z * z + y * y + x * x;
        samples(i, x) = known.empty() ? w(distance) : known[static_cast<std::size_t>(distance)];
      }
    }
  });
  return samples;
}

Kernel make_kernel(std::int64_t dimensions, const std::int64_t (&size)[3], double spacing,
                   double degrees, const Influence& influence) {
  const Matrix samples = samples_of(dimensions, size, spacing * spacing / degrees, degrees);
  const auto convolution = [&]() -> decltype(Kernel::convolution) {
    if (dimensions == 1) {
      LineConvolution line(samples[0]);
      line.shape([&](double fx) { return influence.on_line(fx); });
      return line;
    }
    if (dimensions == 2) {
      Convolution plane(samples);
      plane.shape([&](double fy, std::span<const double> fx, std::span<float> factor) {
        influence.in_plane(fy, fx, factor);
      });
      return plane;
    }
    SpaceConvolution space(samples, size[2]);
    space.shape([&](double fz, double fy, std::span<const double> fx, std::span<float> factor) {
      influence.in_space(fz, fy, fx, factor);
    });
    return space;
  };
  Kernel kernel{spacing, {size[0], size[1], size[2]}, convolution()};

  // What a charge at a node, 8 from the border, does to the nodes around it.
  const std::int64_t part[3] = {16, dimensions > 1 ? 16 : 1, dimensions > 2 ? 16 : 1};
  const auto row = [&](std::int64_t z, std::int64_t y) { return z * size[1] + y; };
  const std::int64_t y8 = dimensions > 1 ? 8 : 0, z8 = dimensions > 2 ? 8 : 0;
  Matrix charge(row(part[2], 0), 16), answer(charge.rows(), 16);
  charge(row(z8, y8), 8) = 1;
  kernel.apply(charge, answer, part);
  // Mean over the cell of the overlap of two splines moved by d: the spline of order 7 at d.
  constexpr double kOverlap[4] = {2416.0 / 5040, 1191.0 / 5040, 120.0 / 5040, 1.0 / 5040};
  const auto both = [](std::int64_t d) { return d == 0 ? 1.0F : 2.0F; };
  for (std::int64_t g = 0; g < (dimensions > 2 ? 4 : 1); ++g)
    for (std::int64_t e = 0; e < (dimensions > 1 ? 4 : 1); ++e)
      for (std::int64_t d = 0; d < 4; ++d) {
        float& self = kernel.self[d + 4 * e + 16 * g];
        self = both(g) * both(e) * both(d) * answer(row(z8 + g, y8 + e), 8 + d);
        const double mean = (dimensions > 1 ? kOverlap[e] : 1) * kOverlap[d];
        kernel.own_potential +=
            static_cast<double>(self) * mean * (dimensions > 2 ? kOverlap[g] : 1);
      }
  return kernel;
}

}  // namespace

struct GridField::State {
  std::int64_t dimensions = 2;
  double degrees = 1, wanted_spacing = 0, spacing = 0;
  double unit = 1;            // of the spacing: min(1, √α)
  std::list<Kernel> kernels;  // the last used first
  std::unique_ptr<Influence> influence;
  double influence_spacing = 0;
  GridView view;
  Matrix charges, potential;  // planes of rows of nodes
  double normalizer = 0;
  std::vector<std::int32_t> band;
  std::vector<float> sorted;        // the points, band after band, place_floats() each
  std::vector<std::int64_t> place;  // tiles × bands
  std::vector<std::int64_t> begin;  // of each band in `sorted`

  void choose_grid(const float (&low)[3], const float (&high)[3], std::int64_t n);
  void sort_by_band(ConstRows points, std::int64_t bands);
  void spread_by_band(std::int64_t bands);
};

GridField::GridField(double spacing, std::int64_t dimensions, double degrees)
    : state_(std::make_unique<State>()) {
  require(spacing >= 0.05 && spacing <= 1, "field: spacing is ", spacing,
          ", it must be between 0.05 and 1");
  require(dimensions >= 1 && dimensions <= 3, "field: dimensions are ", dimensions,
          ", they must be 1, 2 or 3");
  require(degrees >= 0.1 && degrees <= 100, "field: degrees of freedom are ", degrees,
          ", they must be between 0.1 and 100");
  state_->dimensions = dimensions;
  state_->degrees = degrees;
  state_->unit = degrees < 1 ? std::sqrt(degrees) : 1;
  state_->wanted_spacing = state_->spacing = spacing;
}
GridField::~GridField() = default;
GridField::GridField(GridField&&) noexcept = default;
GridField& GridField::operator=(GridField&&) noexcept = default;
void GridField::release_work() {
  State& s = *state_;
  s.kernels.clear();
  s.charges = {};
  s.band = {};
  s.sorted = {};
  s.place = {};
  s.begin = {};
}
double GridField::spacing() const { return state_->spacing; }
double GridField::normalizer() const { return state_->normalizer; }
const GridView& GridField::view() const { return state_->view; }

void GridField::State::choose_grid(const float (&low)[3], const float (&high)[3], std::int64_t n) {
  // Two nodes beyond the outermost cell on each side, as the splines need, and one for rounding.
  const auto nodes = [&](int c) {
    return std::ceil((static_cast<double>(high[c]) - low[c]) / (spacing * unit)) + 6;
  };
  const double count = static_cast<double>(n);
  const double most = dimensions == 1   ? 1048576.0
                      : dimensions == 2 ? std::max(4194304.0, 32 * count)
                                        : std::max(8388608.0, 16 * count);
  const double longest = dimensions == 1 ? most : 65536;
  const auto too_many = [&] {
    double all = 1;
    for (int c = 0; c < dimensions; ++c) {
      if (nodes(c) > longest) return true;
      all *= nodes(c);
    }
    return all > most;
  };
  spacing = wanted_spacing;
  while (too_many()) spacing *= 1.25;
  const double h = spacing * unit;
  std::int64_t size[3] = {1, 1, 1};
  for (int c = 0; c < dimensions; ++c) {
    const auto least = static_cast<std::int64_t>(nodes(c));
    size[c] = dimensions == 1 ? line_convolution_size(least) : convolution_size(least);
  }
  const auto found = std::find_if(kernels.begin(), kernels.end(), [&](const Kernel& k) {
    return std::equal(size, size + 3, k.size) && k.spacing == h;
  });
  if (found != kernels.end()) {
    kernels.splice(kernels.begin(), kernels, found);
  } else {
    if (kernels.size() == kernels_kept(dimensions)) kernels.pop_back();
    if (influence_spacing != h) influence = std::make_unique<Influence>(dimensions, degrees, h);
    influence_spacing = h;
    kernels.push_front(make_kernel(dimensions, size, h, degrees, *influence));
  }
  const std::int64_t rows = size[2] * size[1];
  if (charges.rows() != rows || charges.cols() != size[0]) {
    charges = Matrix();
    potential = Matrix();
    charges = Matrix(rows, size[0]);
    potential = Matrix(rows, size[0]);
  }
  view.potential = potential.data();
  view.per_unit = static_cast<float>(1 / h);
  for (int c = 0; c < dimensions; ++c) {
    view.stride[c] = c == 0 ? 1 : view.stride[c - 1] * size[c - 1];
    view.origin[c] = low[c] - static_cast<float>(2 * h);
  }
  std::copy_n(kernels.front().self, 64, view.self);
}

void GridField::State::sort_by_band(ConstRows points, std::int64_t bands) {
  const std::int64_t n = points.rows(), tiles = (n + kPointTile - 1) / kPointTile;
  const int floats = place_floats(static_cast<int>(dimensions));
  const auto per_node = 1.0F / static_cast<float>(band_nodes(dimensions));
  band.resize(static_cast<std::size_t>(n));
  sorted.resize(static_cast<std::size_t>(floats * n));
  place.assign(static_cast<std::size_t>(tiles * bands), 0);
  begin.assign(static_cast<std::size_t>(bands) + 1, 0);
  parallel_for(n, kPointTile, [&](std::int64_t first, std::int64_t last) {
    std::int64_t* count = place.data() + first / kPointTile * bands;
    LATLAS_DISPATCH(bands_of_places)
    (dimensions, view, points.row(first), last - first, per_node, band.data() + first);
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
    for (std::int64_t i = first; i < last; ++i)
      std::copy_n(points.row(i), dimensions,
                  sorted.data() + floats * next[band[static_cast<std::size_t>(i)]]++);
  });
}

void GridField::State::spread_by_band(std::int64_t bands) {
  const std::int64_t stride = view.stride[dimensions - 1];  // of the axis of the bands
  const std::int64_t nodes = charges.size() / stride, width = band_nodes(dimensions);
  const int floats = place_floats(static_cast<int>(dimensions));
  for (const std::int64_t odd : {0, 1}) {
    parallel_for((bands + 1 - odd) / 2, 1, [&](std::int64_t half, std::int64_t) {
      const std::int64_t b = 2 * half + odd;
      if (odd == 0) {
        const std::int64_t first = b * width, last = std::min(first + 2 * width, nodes);
        std::fill(charges.data() + first * stride, charges.data() + last * stride, 0.0F);
      }
      const auto u = static_cast<std::size_t>(b);
      LATLAS_DISPATCH(spread_charges)
      (dimensions, view, sorted.data() + floats * begin[u], begin[u + 1] - begin[u],
       charges.data());
    });
  }
}

void GridField::charge(ConstRows points, double margin) {
  State& s = *state_;
  const std::int64_t n = points.rows(), dims = s.dimensions;
  const int floats = place_floats(static_cast<int>(dims));
  require(n > 0 && points.cols() == dims, "field: charges are ", n, " × ", points.cols(),
          ", they must be n × ", dims, ", n ≥ 1");
  require(margin >= 0 && margin <= 1e6, "field: the margin is ", margin,
          ", it must be between 0 and 1e6");
  require_finite(points, "field: charges");
  Matrix packed;
  if (points.stride() != floats) {
    packed = Matrix(n, floats);
    for (std::int64_t i = 0; i < n; ++i) std::copy_n(points.row(i), dims, packed.row(i));
    points = {packed.data(), n, dims, floats};
  }
  float low[3] = {}, high[3] = {};
  for (int c = 0; c < dims; ++c) low[c] = high[c] = points(0, c);
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < dims; ++c) {
      low[c] = std::min(low[c], points(i, c));
      high[c] = std::max(high[c], points(i, c));
    }
  for (int c = 0; c < dims; ++c) {
    low[c] -= static_cast<float>(margin);
    high[c] += static_cast<float>(margin);
  }
  s.choose_grid(low, high, n);

  // The nodes that charges reach; the transform skips the others.
  Kernel& kernel = s.kernels.front();
  std::int64_t used[3] = {1, 1, 1};
  for (int c = 0; c < dims; ++c) {
    const float last = (high[c] - s.view.origin[c]) * s.view.per_unit;
    std::int64_t reach = std::min(kernel.size[c], static_cast<std::int64_t>(last) + 4);
    if (c == 0) reach = std::min((reach + 15) / 16 * 16, kernel.size[0]);
    used[c] = reach;
    // Readable places lie below the last two of those; a float just under the whole number.
    s.view.last[c] = std::nextafter(static_cast<float>(reach - 2), 0.0F);
  }
  const std::int64_t width = band_nodes(dims), bands = (used[dims - 1] + width - 1) / width;
  s.sort_by_band(points, bands);
  s.spread_by_band(bands);
  const double energy = kernel.apply(s.charges, s.potential, used);
  s.normalizer = energy - static_cast<double>(n) * kernel.own_potential;
}

void GridField::read(ConstRows at, bool charges, std::span<float> potential, Rows gradient) const {
  const std::int64_t dims = state_->dimensions;
  require(at.cols() == dims && gradient.cols() == dims && gradient.rows() == at.rows() &&
              std::ssize(potential) == at.rows(),
          "field: points, potential and gradient must have the same rows, points and gradient ",
          dims, " columns");
  require(state_->view.potential != nullptr, "field: it must be charged before it is read");
  parallel_for(at.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    LATLAS_DISPATCH(read_field)
    (dims, state_->view, at.rows(begin, end), charges, potential.data() + begin,
     gradient.rows(begin, end));
  });
}

double exact_field(ConstRows points, std::span<float> potential, Rows gradient, double degrees) {
  const std::int64_t n = points.rows(), dims = points.cols();
  require(dims >= 1 && dims <= 3, "field: the points have ", dims,
          " columns, they must have 1, 2 or 3");
  require(gradient.cols() == dims && gradient.rows() == n && std::ssize(potential) == n,
          "field: points, potential and gradient must have the same rows, points and gradient the "
          "same columns");
  const std::int64_t padded = (n + 15) / 16 * 16;
  std::vector<float> axes(static_cast<std::size_t>(dims * padded), 1e15F);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < dims; ++c)
      axes[static_cast<std::size_t>(c * padded + i)] = points(i, c);
  return ordered_sum(n, 64, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(exact_field_rows)(dims, axes.data(), padded, n,
                                             static_cast<float>(degrees), begin, end,
                                             potential.data(), gradient);
  });
}

}  // namespace latlas
#endif
