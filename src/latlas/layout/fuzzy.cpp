// A row's memberships are exp(−max(0, d_j − ρ) / σ). Their sum grows with σ, from the number of
// neighbors within ρ to that of all: bisection finds the σ at which it is log₂(effective), where
// there is one. As in umap-learn, σ is at least a thousandth of the row's mean distance (of all
// rows' where ρ = 0), so that no row holds on to its nearest neighbor alone.
#include "latlas/layout/fuzzy.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/fuzzy.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// Σ_j exp(−excess_j · rate) over k values, of which 16 at a time can be read.
LATLAS_INLINE float sum_of(const float* excess, std::int64_t k, float rate) {
  F16 sum = zero();
  for (std::int64_t j = 0; j < k; j += 16) {
    const F16 e = exp(load(excess + j) * set(-rate));
    sum = sum + keep(first(static_cast<int>(k - j < 16 ? k - j : 16)), e);
  }
  return reduce(sum);
}

/// One row. `excess` is scratch of k values rounded up to 16, `least` the smallest σ allowed.
void memberships_of_row(const float* distance, std::int64_t k, float nearest, float target,
                        float least, float* excess, float* weight) {
  float farthest = 0;
  for (std::int64_t j = 0; j < k; ++j) {
    excess[j] = distance[j] > nearest ? distance[j] - nearest : 0.0F;
    farthest = excess[j] > farthest ? excess[j] : farthest;
  }
  for (std::int64_t j = k; j < (k + 15) / 16 * 16; ++j) excess[j] = 0;
  float low = 0, high = 0, sigma = farthest > 0 ? farthest : 1.0F;
  for (int step = 0; step < 64; ++step) {
    const float excess_sum = sum_of(excess, k, 1.0F / sigma) - target;
    if (excess_sum < 1e-5F && excess_sum > -1e-5F) break;
    (excess_sum > 0 ? high : low) = sigma;
    const float next = high > 0 ? 0.5F * (low + high) : 2.0F * sigma;
    if (next == sigma || !(next < 1e30F) || !(next > 1e-30F)) break;
    sigma = next;
  }
  if (sigma < least) sigma = least;
  const F16 rate = set(-1.0F / sigma);
  for (std::int64_t j = 0; j < k; j += 16)
    store_first(exp(load(excess + j) * rate), weight + j,
                static_cast<int>(k - j < 16 ? k - j : 16));
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(memberships_of_row);

namespace {

constexpr std::int64_t kRowTile = 1024;
constexpr double kLeast = 1e-3;  // of σ, in mean distances

void require_distances(const Neighbors& graph, std::int64_t k) {
  require(graph.distance.rows() == graph.rows() && graph.distance.cols() == graph.k(),
          "umap: the graph has ", graph.rows(), " × ", graph.k(), " indices and ",
          graph.distance.rows(), " × ", graph.distance.cols(), " distances; both must be n × k");
  require(k >= 0 && k <= graph.k(), "umap: ", k, " neighbors a row are needed, the graph has ",
          graph.k());
  const auto wrong = [](float d) { return !(d >= 0 && d <= 1e18F); };
  const auto distances = [&](std::int64_t i) {
    return graph.distance[i].first(static_cast<std::size_t>(k));
  };
  const std::int64_t bad = first_where(graph.rows(), kRowTile, [&](std::int64_t i) {
    return std::any_of(distances(i).begin(), distances(i).end(), wrong);
  });
  if (bad == graph.rows()) return;
  const auto at = distances(bad);
  require(false, "umap: row ", bad, " has a distance of ",
          *std::find_if(at.begin(), at.end(), wrong), "; distances must lie between 0 and 1e18");
}

/// ρ: the distance of the local_connectivity-th neighbor among those that are not equal.
double nearest_of(const float* distance, std::int64_t k, double local_connectivity) {
  std::int64_t equal = 0;
  while (equal < k && distance[equal] <= 0) ++equal;
  const std::int64_t others = k - equal;
  if (others == 0) return 0;
  const auto at = [&](std::int64_t place) {
    return static_cast<double>(distance[equal + std::min(place, others) - 1]);
  };
  if (static_cast<double>(others) < local_connectivity) return at(others);
  const auto whole = static_cast<std::int64_t>(local_connectivity);
  const double part = local_connectivity - static_cast<double>(whole);
  const double below = whole > 0 ? at(whole) : 0.0;
  return below + part * (at(whole + 1) - below);
}

}  // namespace

Matrix memberships(const Neighbors& graph, std::int64_t k, double effective,
                   double local_connectivity, bool each_alone) {
  require_distances(graph, k);
  const std::int64_t n = graph.rows();
  Matrix weight(n, k);
  if (k == 0 || n == 0) return weight;
  const auto sum_of_row = [&](std::int64_t i) {
    double sum = 0;
    for (std::int64_t j = 0; j < k; ++j) sum += static_cast<double>(graph.distance(i, j));
    return sum;
  };
  const double all = ordered_sum(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += sum_of_row(i);
    return sum;
  });
  const double mean = all / static_cast<double>(n * k);
  const auto target = static_cast<float>(math::log(effective) / math::log(2.0));
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> scratch(static_cast<std::size_t>((k + 15) / 16 * 16));
    for (std::int64_t i = begin; i < end; ++i) {
      const float* distance = graph.distance.row(i);
      const double nearest = nearest_of(distance, k, local_connectivity);
      const bool own = each_alone || nearest > 0;
      const double least = kLeast * (own ? sum_of_row(i) / static_cast<double>(k) : mean);
      LATLAS_DISPATCH(memberships_of_row)
      (distance, k, static_cast<float>(nearest), target,
       std::max(static_cast<float>(least), 1e-30F), scratch.data(), weight.row(i));
    }
  });
  return weight;
}

Affinities fuzzy_graph(const Neighbors& graph, std::int64_t k, double effective,
                       double local_connectivity, double set_op_mix_ratio) {
  const Matrix weight = memberships(graph, k, effective, local_connectivity);
  // mix · (a + b − ab) + (1 − mix) · ab
  const auto mix = static_cast<float>(set_op_mix_ratio);
  return symmetric(graph, weight, {.sum = mix, .product = 1.0F - 2.0F * mix}, "umap");
}

}  // namespace latlas
#endif
