// Maps in one, two and three dimensions, and with any degrees of freedom, against plain sums in
// double.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/layout/field.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/place.h"
#include "latlas/layout/tsne.h"
#include "tests/layout/clusters.h"
#include "tests/layout/shapes.h"

namespace latlas {
namespace {

using Doubles = BasicMatrix<double>;

template <class Rows>
double square_of(const Rows& y, std::int64_t i, std::int64_t j) {
  double sum = 0;
  for (std::int64_t c = 0; c < y.cols(); ++c) {
    const double delta = static_cast<double>(y(i, c)) - static_cast<double>(y(j, c));
    sum += delta * delta;
  }
  return sum;
}

/// φ without the point's own charge, and ∇φ, of the kernel (1 + r²/α)^(−α).
struct Sums {
  std::vector<double> potential;
  Doubles gradient;
  double normalizer = 0;
};
template <class Rows>
Sums sums_of(const Rows& y, double degrees) {
  const std::int64_t n = y.rows();
  Sums out{std::vector<double>(static_cast<std::size_t>(n)), Doubles(n, y.cols())};
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double d = 1 + square_of(y, i, j) / degrees, w = std::pow(d, -degrees);
      out.potential[static_cast<std::size_t>(i)] += w;
      out.normalizer += w;
      for (std::int64_t c = 0; c < y.cols(); ++c)
        out.gradient(i, c) -=
            2 * w / d * (static_cast<double>(y(i, c)) - static_cast<double>(y(j, c)));
    }
  return out;
}

template <class Rows>
double divergence_of(const Doubles& p, const Rows& y, double degrees) {
  double z = 0, cost = 0;
  for (std::int64_t i = 0; i < y.rows(); ++i)
    for (std::int64_t j = 0; j < y.rows(); ++j) {
      if (i == j) continue;
      const double d = 1 + square_of(y, i, j) / degrees;
      z += std::pow(d, -degrees);
      if (p(i, j) > 0) cost += p(i, j) * (std::log(p(i, j)) + degrees * std::log(d));
    }
  return cost + std::log(z);
}

/// ∂KL / ∂y.
template <class Rows>
Doubles slope_of(const Doubles& p, const Rows& y, double degrees, double exaggeration = 1) {
  const Sums field = sums_of(y, degrees);
  Doubles g(y.rows(), y.cols());
  for (std::int64_t i = 0; i < y.rows(); ++i)
    for (std::int64_t c = 0; c < y.cols(); ++c) {
      g(i, c) = 2 * field.gradient(i, c) / field.normalizer;
      for (std::int64_t j = 0; j < y.rows(); ++j)
        if (p(i, j) > 0)
          g(i, c) += 4 * exaggeration * p(i, j) / (1 + square_of(y, i, j) / degrees) *
                     (static_cast<double>(y(i, c)) - static_cast<double>(y(j, c)));
    }
  return g;
}

/// n points in normal clusters over a box of the given width.
Matrix map_of(std::int64_t n, std::int64_t dimensions, double width, double deviation,
              std::int64_t count) {
  Matrix y(n, dimensions);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < dimensions; ++c) {
      const auto center = static_cast<std::uint64_t>(i % count * dimensions + c);
      const auto own = static_cast<std::uint64_t>(dimensions * i + c);
      y(i, c) = static_cast<float>(random::uniform(-0.5, 0.5, {.sub = 1, .index = center}) * width +
                                   random::normal({.sub = 2, .index = own}) * deviation);
    }
  return y;
}

const std::pair<int, double> kKernels[] = {{1, 1},   {3, 1},   {1, 0.5}, {2, 0.5},
                                           {3, 0.5}, {1, 0.2}, {2, 0.2}, {3, 0.2},
                                           {1, 3},   {2, 3},   {3, 3},   {2, 100}};

TEST(FieldInAnyDimension, HasTheGradientOfTheDivergence) {  // the twin itself, by differences
  const Case c = make_case(40, 12, 4);
  const Doubles p = dense(perplexity_affinities(c.graph, {.perplexity = 4}));
  for (const auto& [dimensions, degrees] : kKernels) {
    const Matrix map = map_of(40, dimensions, 4, 1, 4);
    Doubles y(40, dimensions);
    for (std::int64_t i = 0; i < map.size(); ++i) y.data()[i] = map.data()[i];
    const Doubles slope = slope_of(p, y, degrees);
    for (std::int64_t i = 0; i < y.size(); i += 7) {
      constexpr double kStep = 1e-5;
      const double before = y.data()[i];
      y.data()[i] = before + kStep;
      const double up = divergence_of(p, y, degrees);
      y.data()[i] = before - kStep;
      const double down = divergence_of(p, y, degrees);
      y.data()[i] = before;
      // Differences of values near 3, each right to 1e-15, over 2e-5; third derivatives times
      // 1e-10.
      EXPECT_NEAR(slope.data()[i], (up - down) / (2 * kStep), 1e-8)
          << dimensions << ", " << degrees;
    }
  }
}

TEST(ExactField, AgreesWithTheSumsInDoubleInEveryDimensionAndAnyDegrees) {
  for (const auto& [dimensions, degrees] : kKernels)
    for (const std::int64_t n : {1, 2, 17, 200}) {
      const Matrix y = map_of(n, dimensions, 20, 1, 7);
      const Sums exact = sums_of(y, degrees);
      std::vector<float> potential(static_cast<std::size_t>(n));
      Matrix gradient(n, dimensions);
      const double z = exact_field(y, potential, gradient, degrees);
      // w = exp(−α log d): log is right within 1e-7 (1 + log d), so w within α times that, which is
      // largest, relative to what w still adds, where α log d is about 1.
      const double share = degrees == 1 ? 3e-6 : 3e-6 + 4e-7 * degrees;
      EXPECT_NEAR(z, exact.normalizer, share * exact.normalizer + 1e-12);
      std::vector<double> sum(3), size(3);
      for (std::int64_t i = 0; i < n; ++i) {
        const auto u = static_cast<std::size_t>(i);
        EXPECT_NEAR(potential[u], exact.potential[u], share * exact.potential[u] + 1e-7);
        for (std::int64_t c = 0; c < dimensions; ++c) {
          EXPECT_NEAR(gradient(i, c), exact.gradient(i, c), share * exact.potential[u] + 1e-7);
          sum[static_cast<std::size_t>(c)] += static_cast<double>(gradient(i, c));
          size[static_cast<std::size_t>(c)] += std::abs(static_cast<double>(gradient(i, c)));
        }
      }
      for (std::size_t c = 0; c < 3; ++c) EXPECT_NEAR(sum[c], 0, 2 * share * size[c] + 1e-7);
    }
}

struct Errors {  // root mean squares over those of φ; of the normalizer, and of the sum of forces
  double force, potential, normalizer, drift;
};
Errors errors_of(const Matrix& y, const Sums& exact, double spacing, double degrees) {
  GridField field(spacing, y.cols(), degrees);
  field.charge(y);
  std::vector<float> potential(static_cast<std::size_t>(y.rows()));
  Matrix gradient(y.rows(), y.cols());
  field.read(y, true, potential, gradient);
  double df = 0, dp = 0, p = 0, drift = 0;
  for (std::int64_t c = 0; c < y.cols(); ++c) {
    double sum = 0;
    for (std::int64_t i = 0; i < y.rows(); ++i) {
      df += std::pow(gradient(i, c) - exact.gradient(i, c), 2);
      sum += static_cast<double>(gradient(i, c));
    }
    drift = std::max(drift, std::abs(sum));
  }
  for (std::size_t i = 0; i < potential.size(); ++i) {
    dp += std::pow(potential[i] - exact.potential[i], 2);
    p += std::pow(exact.potential[i], 2);
  }
  return {std::sqrt(df / p), std::sqrt(dp / p), field.normalizer() / exact.normalizer - 1,
          drift / std::sqrt(p * static_cast<double>(y.rows()))};
}

// The bounds of field_test.cpp: what lies beyond the grid's band is missed, a share of
// e^(−π √α / h), which is why h is in units of √α below 1; the spline's aliases fall like h⁴.
TEST(GridField, AgreesWithTheExactSumsInEveryDimensionAndAnyDegrees) {
  for (const auto& [dimensions, degrees] : kKernels) {
    const struct {
      double width, deviation;
      std::int64_t count;
    } maps[] = {{30, 2, 8}, {10, 0.3, 20}, {3, 1, 3}, {12, 0, 300}};
    for (const auto& m : maps) {
      const Matrix y = map_of(300, dimensions, m.width, m.deviation, m.count);
      const Sums exact = sums_of(y, degrees);
      for (const double spacing : {0.5, 1.0 / 3}) {
        const double h4 = std::pow(spacing, 4);
        const Errors e = errors_of(y, exact, spacing, degrees);
        EXPECT_LT(e.force, h4) << dimensions << ", " << degrees << ", " << m.width;
        EXPECT_LT(e.potential, h4 / 4) << dimensions << ", " << degrees << ", " << m.width;
        EXPECT_LT(std::abs(e.normalizer), h4 / 4) << dimensions << ", " << degrees;
        EXPECT_LT(e.drift, h4) << dimensions << ", " << degrees;  // forces sum to nothing
      }
    }
  }
}

TEST(GridField, GivesTheSameBitsOnALineAndInSpace) {
  for (const auto& [dimensions, degrees] : {std::pair(1, 1.0), {3, 1.0}, {3, 0.5}}) {
    const Matrix y = map_of(2000, dimensions, 20, 1, 10);
    std::string expected;
    for (const auto& target : simd::available()) {
      simd::select(target);
      for (const int limit : {1, 2, 3, 7}) {
        const ThreadLimit threads(limit);
        GridField field(0.5, dimensions, degrees);
        std::vector<float> potential(2000);
        Matrix gradient(2000, dimensions);
        field.charge(y);
        field.read(y, true, potential, gradient);
        const std::string now = sha256(std::as_bytes(std::span(potential))) + sha256(gradient) +
                                std::to_string(field.normalizer());
        if (expected.empty()) expected = now;
        EXPECT_EQ(now, expected) << target << ", " << limit << " threads, " << dimensions;
      }
    }
  }
  simd::select(simd::available().front());
}

TEST(GridField, EnlargesItsSpacingInSpaceForAMapTooWide) {
  for (const std::int64_t dimensions : {1, 3}) {
    Matrix y(2, dimensions);
    for (std::int64_t c = 0; c < dimensions; ++c) y(1, c) = 1e6F;
    GridField field(0.5, dimensions);
    field.charge(y);
    EXPECT_GT(field.spacing(), 0.9);
    std::vector<float> potential(2);
    Matrix gradient(2, dimensions);
    field.read(y, true, potential, gradient);
    for (const float p : potential) EXPECT_TRUE(std::isfinite(p));
  }
}

TEST(GridField, RejectsOtherDimensionsAndDegrees) {
  EXPECT_THROW(GridField(0.5, 0), InvalidArgument);
  EXPECT_THROW(GridField(0.5, 4), InvalidArgument);
  EXPECT_THROW(GridField(0.5, 2, 0), InvalidArgument);
  EXPECT_THROW(GridField(0.5, 2, 101), InvalidArgument);
  EXPECT_THROW(GridField(0.5, 3).charge(Matrix(5, 2)), InvalidArgument);
}

TEST(KlDivergence, AgreesWithTheSumForAnyDegrees) {
  const Case c = make_case(120, 20);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 6});
  for (const auto& [dimensions, degrees] : kKernels) {
    const Matrix map = map_of(120, dimensions, 15, 1, 10);
    EXPECT_NEAR(kl_divergence(a, map, {.degrees_of_freedom = degrees}).value,
                divergence_of(dense(a), map, degrees), 1e-5 * std::max(1.0, degrees));
  }
  EXPECT_THROW(kl_divergence(a, Matrix(120, 2), {.degrees_of_freedom = 0}), InvalidArgument);
}

/// The rules of tsne(), all pairs, in double; `start` in the scale of the map.
Doubles tsne_twin_of(const Affinities& affinities, ConstRows start, const TsneParams& params) {
  const std::int64_t n = start.rows(), d = params.dimensions;
  const Doubles p = dense(affinities);
  Doubles y(n, d), velocity(n, d), gain(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < d; ++c) {
      y(i, c) = static_cast<double>(start(i, c));
      gain(i, c) = 1;
    }
  for (std::int64_t it = 0; it < params.iterations; ++it) {
    const bool early = it < params.exaggeration_iterations;
    const double e = early ? params.exaggeration : 1;
    const double most = early ? 0.8 : (it >= params.iterations - 25 ? 0.5 : 1);
    const Doubles g = slope_of(p, y, params.degrees_of_freedom, e);
    for (std::int64_t i = 0; i < y.size(); ++i) {
      double &v = velocity.data()[i], &k = gain.data()[i];
      const double slope = g.data()[i];
      k = std::max(0.01, (v < 0 ? slope > 0 : slope < 0) ? k + 0.2 : k * 0.8);
      v = std::clamp(std::min(params.momentum, most) * v - static_cast<double>(n) / e * k * slope,
                     -5.0, 5.0);
      y.data()[i] += v;
    }
  }
  return y;
}

// As in the plane: maps part in the end, but to equally good ones.
TEST(Tsne, IsAsGoodAsItsTwinInEveryDimensionAndAnyDegrees) {
  const std::int64_t n = 200;
  const Case c = make_case(n, 30);
  const Affinities a = perplexity_affinities(c.graph, {.perplexity = 10});
  const Doubles p = dense(a);
  for (const auto& [dimensions, degrees] : {std::pair(1, 1.0), {3, 1.0}, {2, 0.5}, {3, 0.5}}) {
    TsneParams params{.exaggeration_iterations = 100, .iterations = 350, .stop_below = 0};
    params.dimensions = dimensions;
    params.degrees_of_freedom = degrees;
    Matrix start(n, dimensions);
    double square = 0;
    for (std::int64_t k = 0; k < dimensions; ++k) {
      double mean = 0, own = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(c.data(i, k)) / n;
      for (std::int64_t i = 0; i < n; ++i) own += std::pow(c.data(i, k) - mean, 2) / n;
      square = std::max(square, own);
    }
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < dimensions; ++k)
        start(i, k) = c.data(i, k) * static_cast<float>(1e-4 / std::sqrt(square));
    const double twin = divergence_of(p, tsne_twin_of(a, start, params), degrees);
    for (const std::int64_t exact_below : {0, 2000}) {
      params.exact_below = exact_below;
      const TsneResult result = tsne(a, start, params);
      EXPECT_EQ(result.map.cols(), dimensions);
      expect_centered_and_finite(result.map);
      // A grid's Z errs by a share h⁴ / 4 of the potentials and of the rows' own, which it takes
      // out.
      const double h4 = std::pow(field_spacing(0, dimensions), 4);
      const double own = n / sums_of(result.map, degrees).normalizer;
      EXPECT_NEAR(result.kl, divergence_of(p, result.map, degrees),
                  exact_below > 0 ? 2e-3 : h4 / 4 * (1 + own) + 2e-3);
      EXPECT_LT(result.kl, twin + 0.03) << dimensions << ", " << degrees << ", " << exact_below;
    }
  }
}

TEST(Tsne, GivesTheSameBitsInEveryDimensionAndForAnyDegrees) {
  const Case c = make_case(200, 15);
  for (const auto& [dimensions, degrees] : {std::pair(1, 1.0), {3, 1.0}, {2, 0.5}, {3, 2.0}})
    for (const std::int64_t exact_below : {0, 2000}) {
      TsneParams params{.perplexity = 5, .exaggeration_iterations = 10, .iterations = 20};
      params.exact_below = exact_below;
      params.dimensions = dimensions;
      params.degrees_of_freedom = degrees;
      std::string expected;
      for (const auto& target : simd::available()) {
        simd::select(target);
        for (const int limit : {1, 2, 3, 7}) {
          const ThreadLimit threads(limit);
          const std::string now = sha256(tsne(c.graph, c.data, params).map);
          if (expected.empty()) expected = now;
          EXPECT_EQ(now, expected) << target << ", " << limit << " threads, " << dimensions;
        }
      }
    }
  simd::select(simd::available().front());
}

TEST(Tsne, ServesFewAndEqualRowsInEveryDimension) {
  for (const std::int64_t dimensions : {1, 3})
    for (const double degrees : {0.1, 1.0, 100.0})
      for (const std::int64_t exact_below : {0, 2000}) {
        TsneParams params{
            .exaggeration_iterations = 50, .iterations = 100, .exact_below = exact_below};
        params.dimensions = dimensions;
        params.degrees_of_freedom = degrees;
        for (const std::int64_t n : {1, 2, 5, 17}) {
          const Case c = make_case(n, n - 1, 2);
          expect_centered_and_finite(tsne(c.graph, c.data, params).map);
        }
        Neighbors graph{BasicMatrix<std::int32_t>(100, 12), Matrix(100, 12)};
        for (std::int64_t i = 0; i < 100; ++i)
          for (std::int64_t c = 0; c < 12; ++c)
            graph.index(i, c) = static_cast<std::int32_t>((i + c + 1) % 100);
        params.perplexity = 4;
        expect_centered_and_finite(tsne(graph, Matrix(100, 3), params).map);
      }
}

TEST(Tsne, RejectsOtherDimensionsAndDegrees) {
  const Case c = make_case(100, 15);
  const auto with = [&](std::int64_t dimensions, double degrees) {
    TsneParams params{.perplexity = 5};
    params.dimensions = dimensions;
    params.degrees_of_freedom = degrees;
    return tsne(c.graph, clusters(100, 2, 10), params);
  };
  EXPECT_THROW(with(0, 1), InvalidArgument);
  EXPECT_THROW(with(4, 1), InvalidArgument);
  EXPECT_THROW(with(3, 1), InvalidArgument);  // the start has two columns
  EXPECT_THROW(with(2, 0.05), InvalidArgument);
  EXPECT_THROW(with(2, NAN), InvalidArgument);
}

TEST(Place, PutsNewRowsIntoTheirClustersOnALineAndInSpace) {
  const Matrix data = clusters(400, 6, 8);
  const Neighbors graph = nearest(data, data, 30);
  for (const auto& [dimensions, degrees] : {std::pair(1, 1.0), {3, 1.0}, {3, 0.5}, {2, 0.5}}) {
    TsneParams params{.perplexity = 10};
    params.dimensions = dimensions;
    params.degrees_of_freedom = degrees;
    const Matrix map = tsne(graph, data, params).map;
    Matrix rows(100, 6);
    for (std::int64_t i = 0; i < 100; ++i)
      for (std::int64_t c = 0; c < 6; ++c)
        rows(i, c) =
            data(i, c) +
            static_cast<float>(
                0.3 * random::normal({.sub = 9, .index = static_cast<std::uint64_t>(i * 6 + c)}));
    const Neighbors near = nearest(rows, data, 30);
    const PlaceParams place_params{.perplexity = 10, .degrees_of_freedom = degrees};
    const PlaceResult placed = place(map, near, place_params);
    ASSERT_EQ(placed.map.cols(), dimensions);
    const Neighbors seen = nearest(placed.map, map, 10);
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < 100; ++i)
      for (const std::int32_t j : seen.index[i]) right += i % 8 == j % 8 ? 1 : 0;
    EXPECT_GT(right, 950) << dimensions << ", " << degrees;
    std::string expected;
    for (const auto& target : simd::available()) {
      simd::select(target);
      const std::string now = sha256(place(map, near, place_params).map);
      if (expected.empty()) expected = now;
      EXPECT_EQ(now, expected) << target;
    }
    simd::select(simd::available().front());
  }
}

TEST(Task, NeighboringRingsStayApartInThePlaneAndInSpace) {
  const Matrix rings = three_rings(600);
  for (const std::int64_t dimensions : {2, 3}) {
    TsneParams params{.perplexity = 15};
    params.dimensions = dimensions;
    const Matrix map = tsne(nearest(rings, rings, 45), rings, params).map;
    const Neighbors near = nearest(map, map, 5);
    std::int64_t right = 0;
    for (std::int64_t i = 0; i < 600; ++i)
      for (const std::int32_t j : near.index[i]) right += i % 3 == j % 3 ? 1 : 0;
    EXPECT_GT(right, 2970) << dimensions;  // of 3,000
  }
}

/// Spearman's correlation of the distances on the sheet and in the map, of a row and its `near`
/// nearest rows on the sheet; the mean over the rows.
double order_on_the_sheet(const Roll& roll, ConstRows map, std::int64_t near) {
  const Neighbors around = nearest(roll.sheet, roll.sheet, near);
  double sum = 0;
  for (std::int64_t i = 0; i < map.rows(); ++i) {
    std::vector<double> distance;  // in the map, by rank on the sheet
    for (const std::int32_t j : around.index[i]) distance.push_back(square_of(map, i, j));
    double squares = 0;
    for (std::int64_t a = 0; a < near; ++a) {
      std::int64_t rank = 0;
      for (const double other : distance) rank += other < distance[static_cast<std::size_t>(a)];
      squares += static_cast<double>((a - rank) * (a - rank));
    }
    const auto k = static_cast<double>(near);
    sum += 1 - 6 * squares / (k * (k * k - 1));
  }
  return sum / static_cast<double>(map.rows());
}

TEST(Task, ARolledSheetKeepsItsOrderWherePrincipalComponentsFoldIt) {
  const Roll roll = swiss_roll(800);
  const Matrix flat = transform(fit_pca(roll.rows, {.components = 2}), roll.rows);
  const Matrix map = tsne(nearest(roll.rows, roll.rows, 45), flat, {.perplexity = 15}).map;
  const double kept = order_on_the_sheet(roll, map, 40),
               folded = order_on_the_sheet(roll, flat, 40);
  EXPECT_GT(kept, 0.8);
  EXPECT_LT(folded, kept - 0.1);
}

}  // namespace
}  // namespace latlas
