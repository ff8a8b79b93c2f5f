// A row's weights are p(j | i) = exp(−β d_ij²) / Σ with the precision β at which the entropy
//
//   H(β) = log Σ_j e^{−β x_j} + β Σ_j x_j e^{−β x_j} / Σ_j e^{−β x_j},   x_j = d_ij² − min_j d_ij²
//
// equals log(perplexity). (The nearest distance cancels in the ratio; without it exp() underflows
// for far points.) H falls with log β at the rate β² Var(x): Newton's steps in log β, inside a
// bracket that bisects where a step leaves it. The other kinds of weights are short: one β for all
// rows, the mean over several perplexities, or 1 / k.
#include "latlas/layout/affinities.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/affinities.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

struct Moments {
  double sum, first, second;  // Σ e, Σ e x, Σ e x² with e = exp(−β x)
};

Moments moments(const float* x, std::int64_t k, float beta) {
  F16 sum = zero(), first_moment = zero(), second = zero();
  const F16 rate = set(-beta);
  for (std::int64_t j = 0; j < k; j += 16) {
    const int lanes = static_cast<int>(k - j < 16 ? k - j : 16);
    const F16 xj = load(x + j);  // padded
    const F16 e = keep(first(lanes), exp(xj * rate)), ex = e * xj;
    sum = sum + e;
    first_moment = first_moment + ex;
    second = fma(ex, xj, second);
  }
  return {static_cast<double>(reduce(sum)), static_cast<double>(reduce(first_moment)),
          static_cast<double>(reduce(second))};
}

/// weight = exp(−β x) / Σ exp(−β x); x is overwritten.
void normalize(float* x, std::int64_t k, float beta, float* weight) {
  const F16 rate = set(-beta);
  F16 sum = zero();
  for (std::int64_t j = 0; j < k; j += 16) {
    const F16 e = keep(first(static_cast<int>(k - j < 16 ? k - j : 16)), exp(load(x + j) * rate));
    store(e, x + j);
    sum = sum + e;
  }
  const F16 total = set(reduce(sum));
  for (std::int64_t j = 0; j < k; j += 16)
    store_first(load(x + j) / total, weight + j, static_cast<int>(k - j < 16 ? k - j : 16));
}

/// One row: distances in, weights out. `x` is scratch of k values rounded up to 16. Returns the
/// Gaussian's deviation in the distances' unit; 0 where the weights are uniform.
double weights_of_row(const float* distance, std::int64_t k, double perplexity, float* x,
                      float* weight) {
  float nearest = distance[0], farthest = distance[0];
  for (std::int64_t j = 0; j < k; ++j) {
    nearest = distance[j] < nearest ? distance[j] : nearest;
    farthest = distance[j] > farthest ? distance[j] : farthest;
  }
  const float uniform = 1.0F / static_cast<float>(k);
  // Distances in units of the farthest: β then is of order one whatever the data's unit.
  const float unit = farthest > 0 ? 1.0F / farthest : 0.0F;
  float largest = 0;
  for (std::int64_t j = 0; j < (k + 15) / 16 * 16; ++j) {
    const float a = j < k ? (distance[j] - nearest) * unit : 0.0F;
    const float b = j < k ? (distance[j] + nearest) * unit : 0.0F;
    x[j] = a * b;
    largest = x[j] > largest ? x[j] : largest;
  }
  const bool hopeless = perplexity >= static_cast<double>(k) || !(largest > 1e-12F);
  if (hopeless) {
    for (std::int64_t j = 0; j < k; ++j) weight[j] = uniform;
    return 0;
  }
  const double target = math::log(perplexity);
  double low = -30, high = 60, log_beta = math::log(4.0 / static_cast<double>(largest));
  float beta = 0;
  for (int step = 0; step < 64; ++step) {
    beta = static_cast<float>(math::exp(log_beta));
    const Moments m = moments(x, k, beta);
    const double mean = m.first / m.sum, b = static_cast<double>(beta);
    const double entropy = math::log(m.sum) + b * mean;
    const double excess = entropy - target;
    if (excess < 1e-6 && excess > -1e-6) break;
    (excess > 0 ? low : high) = log_beta;
    const double slope = b * b * (m.second / m.sum - mean * mean);  // −dH / d log β
    // Where the entropy is flat, far off its mark, a step of Newton's means nothing: two at most.
    const double newton = slope > 0 ? excess / slope : (excess > 0 ? 2.0 : -2.0);
    double next = log_beta + (newton > 2 ? 2.0 : (newton < -2 ? -2.0 : newton));
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    if (next == log_beta) break;
    log_beta = next;
  }
  // Float entropies of ties may end the search just short of its mark; the weights still sum to 1.
  normalize(x, k, beta, weight);
  return static_cast<double>(farthest) / std::sqrt(2 * static_cast<double>(beta));
}

/// The same with a given deviation.
void gaussian_of_row(const float* distance, std::int64_t k, double deviation, float* x,
                     float* weight) {
  // exp(−100) is nothing beside the nearest neighbor's exp(0).
  constexpr float kNothing = 100;
  float nearest = distance[0];
  for (std::int64_t j = 0; j < k; ++j) nearest = distance[j] < nearest ? distance[j] : nearest;
  const double inverse = 1 / (std::sqrt(2.0) * deviation);
  const auto unit = static_cast<float>(inverse < 1e20 ? inverse : 1e20);
  for (std::int64_t j = 0; j < (k + 15) / 16 * 16; ++j) {
    const float a = j < k ? (distance[j] - nearest) * unit : 0.0F;
    const float b = j < k ? (distance[j] + nearest) * unit : 0.0F;
    const float square = a * b;  // infinite at most: a ≤ b, both finite
    x[j] = square < kNothing ? square : kNothing;
  }
  normalize(x, k, 1.0F, weight);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(weights_of_row);
HWY_EXPORT(gaussian_of_row);

namespace {

constexpr std::int64_t kRowTile = 4096;  // rows checked together

void require_distances(const Neighbors& graph) {
  require(graph.distance.rows() == graph.rows() && graph.distance.cols() == graph.k(),
          "affinities: the graph has ", graph.rows(), " × ", graph.k(), " indices and ",
          graph.distance.rows(), " × ", graph.distance.cols(), " distances; both must be n × k");
  const std::int64_t n = graph.rows();
  const std::int64_t bad = first_where(n, kRowTile, [&](std::int64_t i) {
    for (const float d : graph.distance[i])
      if (!(d >= 0 && d <= 1e18F)) return true;
    return false;
  });
  if (bad < n)
    for (const float d : graph.distance[bad])
      require(d >= 0 && d <= 1e18F, "affinities: row ", bad, " has a distance of ", d,
              "; distances must lie between 0 and 1e18");
}

/// Calls row(i, scratch) for every row of the graph, in tiles; scratch holds 2 k values, each k
/// rounded up to 16.
template <class Row>
void for_each_row(const Neighbors& graph, const Row& row) {
  const std::int64_t padded = (graph.k() + 15) / 16 * 16;
  parallel_for(graph.rows(), 256, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> scratch(static_cast<std::size_t>(2 * padded));
    for (std::int64_t i = first; i < last; ++i) row(i, scratch.data());
  });
}

/// Lets the first neighbors that hold `share` of a row's weight keep all of it.
void prune(std::span<float> weight, double share) {
  double sum = 0;
  std::size_t kept = 0;
  while (kept < weight.size() && sum < share) sum += static_cast<double>(weight[kept++]);
  for (std::size_t j = 0; j < weight.size(); ++j)
    weight[j] = j < kept ? static_cast<float>(static_cast<double>(weight[j]) / sum) : 0.0F;
}

}  // namespace

std::vector<Field> fields(AffinityParams& p) {
  return {{"perplexity", &p.perplexity,
           "effective neighbors of a row; larger favors global structure", 1, 1e6},
          {.name = "affinities",
           .value = &p.affinities,
           .help = "what weighs a row's neighbors",
           .choices = {"perplexity", "multiscale", "uniform", "gaussian"}},
          {"scales", &p.scales, "perplexities of multiscale; none: perplexity and ten times that",
           1, 1e6},
          {"bandwidth", &p.bandwidth,
           "deviation of gaussian, in the data's unit; larger reaches farther; 0: the rows' median",
           0, 1e18},
          {"kept_mass", &p.kept_mass,
           "share of its weight that a row's nearest neighbors keep; smaller is faster", 0.1, 1}};
}

std::vector<double> scales_of(const AffinityParams& params, std::int64_t n) {
  if (!params.scales.empty()) return {params.scales.begin(), params.scales.end()};
  const double wide = std::min(10 * params.perplexity, static_cast<double>(n) / 10);
  if (wide <= params.perplexity) return {params.perplexity};
  return {params.perplexity, wide};
}

double typical_bandwidth(const Neighbors& graph, double perplexity) {
  require_distances(graph);
  if (graph.k() == 0) return 0;
  std::vector<double> deviation(static_cast<std::size_t>(graph.rows()));
  const std::int64_t padded = (graph.k() + 15) / 16 * 16;
  for_each_row(graph, [&](std::int64_t i, float* scratch) {
    deviation[static_cast<std::size_t>(i)] = LATLAS_DISPATCH(weights_of_row)(
        graph.distance.row(i), graph.k(), perplexity, scratch, scratch + padded);
  });
  std::erase(deviation, 0.0);
  if (deviation.empty()) return 0;
  const auto middle = deviation.begin() + std::ssize(deviation) / 2;
  std::nth_element(deviation.begin(), middle, deviation.end());
  return *middle;
}

Matrix conditional_weights(const Neighbors& graph, const AffinityParams& params) {
  AffinityParams p = params;
  check(fields(p), "affinities");
  require_distances(graph);
  const std::int64_t n = graph.rows(), k = graph.k();
  Matrix weight(n, k);
  if (k == 0) return weight;
  if (p.affinities == "uniform") {
    std::fill_n(weight.data(), weight.size(), 1.0F / static_cast<float>(k));
    return weight;
  }
  const double bandwidth = p.affinities != "gaussian" ? 0
                           : p.bandwidth > 0          ? p.bandwidth
                                                      : typical_bandwidth(graph, p.perplexity);
  const std::vector<double> scales =
      p.affinities == "multiscale" ? scales_of(p, n) : std::vector{p.perplexity};
  const auto share = 1.0F / static_cast<float>(scales.size());
  const std::int64_t padded = (k + 15) / 16 * 16;
  for_each_row(graph, [&](std::int64_t i, float* scratch) {
    const float* distance = graph.distance.row(i);
    float* row = weight.row(i);
    if (bandwidth > 0) {
      LATLAS_DISPATCH(gaussian_of_row)(distance, k, bandwidth, scratch, row);
    } else {
      LATLAS_DISPATCH(weights_of_row)(distance, k, scales.front(), scratch, row);
      for (std::size_t s = 1; s < scales.size(); ++s) {
        float* other = scratch + padded;
        LATLAS_DISPATCH(weights_of_row)(distance, k, scales[s], scratch, other);
        for (std::int64_t j = 0; j < k; ++j) row[j] += other[j];
      }
      if (scales.size() > 1)
        for (std::int64_t j = 0; j < k; ++j) row[j] *= share;
    }
    if (p.kept_mass < 1) prune(weight[i], p.kept_mass);
  });
  return weight;
}

Affinities joint_affinities(const Neighbors& graph, const AffinityParams& params) {
  const std::int64_t n = graph.rows();
  const Matrix weight = conditional_weights(graph, params);
  const auto half = static_cast<float>(0.5 / static_cast<double>(std::max<std::int64_t>(n, 1)));
  return symmetric(graph, weight, {.sum = half}, "affinities",
                   params.kept_mass < 1 ? Zeros::none : Zeros::edges);
}

Affinities given_affinities(const Affinities& weights, const char* what) {
  if (weights.rows() == 0 && weights.edges() == 0) return weights;
  for (std::int64_t i = 0; i < std::ssize(weights.weight); ++i) {
    const float w = weights.weight[static_cast<std::size_t>(i)];
    require(w >= 0 && w <= 1e30F, what, ": weight ", i, " is ", w,
            "; weights must lie between 0 and 1e30");
  }
  const double sum =
      ordered_sum(std::ssize(weights.weight), 65536, [&](std::int64_t a, std::int64_t b) {
        double s = 0;
        for (std::int64_t e = a; e < b; ++e)
          s += static_cast<double>(weights.weight[static_cast<std::size_t>(e)]);
        return s;
      });
  require(sum > 1e-30, what, ": all weights are 0; nothing holds the rows");
  // In units of the mean first, so that neither large nor small weights leave float's range.
  Affinities scaled = weights;
  const double unit = static_cast<double>(std::ssize(weights.weight)) / sum;
  for (float& w : scaled.weight) w = static_cast<float>(static_cast<double>(w) * unit);
  const auto half = static_cast<float>(0.5 / static_cast<double>(std::ssize(weights.weight)));
  return symmetric(scaled, {.sum = half}, what);
}

void require_valid(const Affinities& affinities, const char* what) {
  const std::int64_t n = affinities.rows();
  require(n < std::int64_t{1} << 31, what, ": ", n, " rows are more than 2147483647");
  require(affinities.column.size() == affinities.weight.size(), what, ": the affinities have ",
          affinities.column.size(), " columns and ", affinities.weight.size(), " weights");
  if (affinities.begin.empty()) {
    require(affinities.column.empty(), what, ": the affinities have edges but no rows");
    return;
  }
  require(affinities.begin.front() == 0 && affinities.begin.back() == affinities.edges(), what,
          ": the affinities' offsets must run from 0 to ", affinities.edges());
  for (std::int64_t i = 0; i < n; ++i)
    require(affinities.begin[static_cast<std::size_t>(i)] <=
                affinities.begin[static_cast<std::size_t>(i) + 1],
            what, ": the affinities' offsets fall after row ", i);
  const std::int64_t bad = first_where(n, kRowTile, [&](std::int64_t i) {
    std::int32_t before = -1;
    for (std::int64_t e = affinities.begin[static_cast<std::size_t>(i)];
         e < affinities.begin[static_cast<std::size_t>(i) + 1]; ++e) {
      const auto u = static_cast<std::size_t>(e);
      const std::int32_t j = affinities.column[u];
      const float w = affinities.weight[u];
      if (j <= before || j >= n || j == i || !(w >= 0 && w <= 1.001F)) return true;
      before = j;
    }
    return false;
  });
  require(bad == n, what, ": row ", bad, " of the affinities must hold ascending columns in 0 … ",
          n - 1, " other than itself, with weights between 0 and 1");
  if (affinities.edges() == 0) return;
  const double sum = ordered_sum(affinities.edges(), 65536, [&](std::int64_t a, std::int64_t b) {
    double s = 0;
    for (std::int64_t e = a; e < b; ++e)
      s += static_cast<double>(affinities.weight[static_cast<std::size_t>(e)]);
    return s;
  });
  require(std::abs(sum - 1) < 1e-3, what, ": the affinities' weights sum to ", sum,
          ", it must be 1");
}

}  // namespace latlas
#endif
