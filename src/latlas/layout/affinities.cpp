// A row's weights are p(j | i) = exp(−β d_ij²) / Σ with the precision β at which the entropy
//
//   H(β) = log Σ_j e^{−β x_j} + β Σ_j x_j e^{−β x_j} / Σ_j e^{−β x_j},   x_j = d_ij² − min_j d_ij²
//
// equals log(perplexity). (The nearest distance cancels in the ratio; without it exp() underflows
// for far points.) H falls with log β at the rate β² Var(x): Newton's steps in log β, inside a
// bracket that bisects where a step leaves it.
#include "latlas/layout/affinities.h"

#include <algorithm>
#include <cmath>

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

/// One row: distances in, weights out. `x` is scratch of k values rounded up to 16.
void weights_of_row(const float* distance, std::int64_t k, double perplexity, float* x,
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
    return;
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

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(weights_of_row);

namespace {

constexpr std::int64_t kRowTile = 4096;  // rows checked together

void require_graph(const Neighbors& graph) {
  require(graph.distance.rows() == graph.rows() && graph.distance.cols() == graph.k(),
          "affinities: the graph has ", graph.rows(), " × ", graph.k(), " indices and ",
          graph.distance.rows(), " × ", graph.distance.cols(), " distances; both must be n × k");
}

}  // namespace

std::vector<Field> fields(AffinityParams& p) {
  return {{"perplexity", &p.perplexity,
           "effective neighbors of a row; larger favors global structure", 1, 1e6}};
}

Matrix conditional_weights(const Neighbors& graph, double perplexity) {
  require_graph(graph);
  require(perplexity >= 1 && perplexity <= 1e6, "affinities: perplexity is ", perplexity,
          ", it must be between 1 and 1000000");
  const std::int64_t n = graph.rows(), k = graph.k();
  const std::int64_t bad = first_where(n, kRowTile, [&](std::int64_t i) {
    for (const float d : graph.distance[i])
      if (!(d >= 0 && d <= 1e18F)) return true;
    return false;
  });
  if (bad < n)
    for (const float d : graph.distance[bad])
      require(d >= 0 && d <= 1e18F, "affinities: row ", bad, " has a distance of ", d,
              "; distances must lie between 0 and 1e18");
  Matrix weight(n, k);
  if (k == 0) return weight;
  parallel_for(n, 256, [&](std::int64_t first, std::int64_t last) {
    std::vector<float> scratch(static_cast<std::size_t>((k + 15) / 16 * 16));
    for (std::int64_t i = first; i < last; ++i) LATLAS_DISPATCH(weights_of_row)
    (graph.distance.row(i), k, perplexity, scratch.data(), weight.row(i));
  });
  return weight;
}

Affinities perplexity_affinities(const Neighbors& graph, const AffinityParams& params) {
  AffinityParams p = params;
  check(fields(p), "affinities");
  const std::int64_t n = graph.rows();
  const Matrix weight = conditional_weights(graph, p.perplexity);
  const auto half = static_cast<float>(0.5 / static_cast<double>(std::max<std::int64_t>(n, 1)));
  return symmetric(graph, weight, {.sum = half}, "affinities");
}

void require_valid(const Affinities& affinities, const char* what) {
  const std::int64_t n = affinities.rows();
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
