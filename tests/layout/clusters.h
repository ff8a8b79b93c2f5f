// Small data for the tests of this room, and the slow, plain twins of what it computes.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/random.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/tsne.h"
#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// n rows of d columns in `count` normal clusters of deviation 1 whose centers have deviation 4.
inline Matrix clusters(std::int64_t n, std::int64_t d, std::int64_t count, std::uint64_t seed = 1) {
  Matrix rows(n, d);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t c = 0; c < d; ++c) {
      const auto center = static_cast<std::uint64_t>((i % count) * d + c);
      const auto own = static_cast<std::uint64_t>(i * d + c);
      rows(i, c) =
          static_cast<float>(4 * random::normal({.seed = seed, .sub = 1, .index = center}) +
                             random::normal({.seed = seed, .sub = 2, .index = own}));
    }
  return rows;
}

/// The k nearest rows of `data` to every row of `queries`, by comparing all; a row of the same
/// matrix is no neighbor of itself.
inline Neighbors nearest(ConstRows queries, ConstRows data, std::int64_t k) {
  Neighbors graph{BasicMatrix<std::int32_t>(queries.rows(), k), Matrix(queries.rows(), k)};
  const bool same = queries.data() == data.data();
  for (std::int64_t i = 0; i < queries.rows(); ++i) {
    std::vector<std::pair<double, std::int32_t>> all;
    for (std::int64_t j = 0; j < data.rows(); ++j) {
      if (same && i == j) continue;
      double square = 0;
      for (std::int64_t c = 0; c < data.cols(); ++c) {
        const double delta = static_cast<double>(queries(i, c)) - static_cast<double>(data(j, c));
        square += delta * delta;
      }
      all.emplace_back(square, static_cast<std::int32_t>(j));
    }
    std::partial_sort(all.begin(), all.begin() + k, all.end());
    for (std::int64_t c = 0; c < k; ++c) {
      graph.distance(i, c) = static_cast<float>(std::sqrt(all[static_cast<std::size_t>(c)].first));
      graph.index(i, c) = all[static_cast<std::size_t>(c)].second;
    }
  }
  return graph;
}

/// Clusters of six columns and their graph.
struct Case {
  Matrix data;
  Neighbors graph;
};
inline Case make_case(std::int64_t n, std::int64_t k, std::int64_t count = 10) {
  Case c{clusters(n, 6, count), {}};
  c.graph = nearest(c.data, c.data, k);
  return c;
}

/// The map is centered, and holds neither NaN nor infinity.
inline void expect_centered_and_finite(const Matrix& map) {
  double mean[3] = {}, largest = 0;
  for (std::int64_t i = 0; i < map.rows(); ++i)
    for (std::int64_t c = 0; c < map.cols(); ++c) {
      ASSERT_TRUE(std::isfinite(map(i, c)));
      mean[c] += static_cast<double>(map(i, c));
      largest = std::max(largest, std::abs(static_cast<double>(map(i, c))));
    }
  for (const double m : mean)
    EXPECT_NEAR(m / static_cast<double>(std::max<std::int64_t>(1, map.rows())), 0,
                1e-6 * (1 + largest));
}

/// The affinities as a full matrix in double.
inline BasicMatrix<double> dense(const Affinities& a) {
  BasicMatrix<double> p(a.rows(), a.rows());
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t e = a.begin[static_cast<std::size_t>(i)];
         e < a.begin[static_cast<std::size_t>(i) + 1]; ++e)
      p(i, a.column[static_cast<std::size_t>(e)]) =
          static_cast<double>(a.weight[static_cast<std::size_t>(e)]);
  return p;
}

/// KL of a map, all pairs, in double.
template <class Rows>
double kl_twin(const BasicMatrix<double>& p, const Rows& y) {
  const std::int64_t n = p.rows();
  double z = 0, cost = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double dx = static_cast<double>(y(i, 0)) - static_cast<double>(y(j, 0));
      const double dy = static_cast<double>(y(i, 1)) - static_cast<double>(y(j, 1));
      const double d = 1 + dx * dx + dy * dy;
      z += 1 / d;
      if (p(i, j) > 0) cost += p(i, j) * std::log(p(i, j) * d);
    }
  return cost + std::log(z);
}

/// φ without the point's own charge, and ∇φ, at every point: all pairs, in double.
struct FieldTwin {
  std::vector<double> potential, x, y;
  double normalizer = 0;
};
template <class Rows>
FieldTwin field_twin(const Rows& points) {
  const std::int64_t n = points.rows();
  FieldTwin out;
  for (std::int64_t i = 0; i < n; ++i) {
    double potential = 0, x = 0, y = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double dx = static_cast<double>(points(i, 0)) - static_cast<double>(points(j, 0));
      const double dy = static_cast<double>(points(i, 1)) - static_cast<double>(points(j, 1));
      const double q = 1 / (1 + dx * dx + dy * dy);
      potential += q;
      x -= 2 * q * q * dx;
      y -= 2 * q * q * dy;
    }
    out.potential.push_back(potential);
    out.x.push_back(x);
    out.y.push_back(y);
    out.normalizer += potential;
  }
  return out;
}

/// t-SNE with the same rules as tsne(), all pairs, in double; `start` in the scale of the map.
inline BasicMatrix<double> tsne_twin(const Affinities& affinities, ConstRows start,
                                     const TsneParams& params) {
  const std::int64_t n = start.rows();
  BasicMatrix<double> y(n, 2), velocity(n, 2), gain(n, 2);
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 2; ++c) {
      y(i, c) = static_cast<double>(start(i, c));
      gain(i, c) = 1;
    }
  for (std::int64_t it = 0; it < params.iterations; ++it) {
    const double e = it < params.exaggeration_iterations ? params.exaggeration : 1;
    const double rate = static_cast<double>(n) / e;
    const double most = e > 1 ? 0.8 : (it >= params.iterations - 25 ? 0.5 : 1);
    const double momentum = std::min(params.momentum, most);
    const FieldTwin field = field_twin(y);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto u = static_cast<std::size_t>(i);
      double g[2] = {2 * field.x[u] / field.normalizer, 2 * field.y[u] / field.normalizer};
      for (std::int64_t k = affinities.begin[u]; k < affinities.begin[u + 1]; ++k) {
        const std::int64_t j = affinities.column[static_cast<std::size_t>(k)];
        const double dx = y(i, 0) - y(j, 0), dy = y(i, 1) - y(j, 1);
        const double pull = 4 * e *
                            static_cast<double>(affinities.weight[static_cast<std::size_t>(k)]) /
                            (1 + dx * dx + dy * dy);
        g[0] += pull * dx;
        g[1] += pull * dy;
      }
      for (int c = 0; c < 2; ++c) {
        const bool downhill = velocity(i, c) < 0 ? g[c] > 0 : g[c] < 0;
        gain(i, c) = std::max(0.01, downhill ? gain(i, c) + 0.2 : gain(i, c) * 0.8);
        velocity(i, c) =
            std::clamp(momentum * velocity(i, c) - rate * gain(i, c) * g[c], -5.0, 5.0);
      }
    }
    for (std::int64_t i = 0; i < n; ++i)
      for (int c = 0; c < 2; ++c) y(i, c) += velocity(i, c);
  }
  return y;
}

}  // namespace latlas
