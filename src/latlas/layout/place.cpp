// A new row y is held by its neighbors in the data and pushed by the frozen field of the fitted
// map, just as a row of the fit is when all others stand still. It minimizes
//
//   C(y) = α Σ_j p_j log(1 + |y − y_j|²/α) + (n / Z) φ(y),    p from its distances at the fit's
//   perplexity.
//
// Half its gradient is Σ_j p_j a_j (y − y_j) + ½ (n / Z) ∇φ with a_j = 1 / (1 + |y − y_j|²/α). Were
// the a_j and the push fixed, the minimum would lie one step of that over Σ_j p_j a_j away: this is
// the step taken, halved while it does not lower C. The start is the best of the eight nearest
// neighbors' places and their weighted mean, so that a row whose neighbors lie in two clusters does
// not begin between them.
//
// A row of the fit, at distance 0 from one, stands where that one stands: in the fit it holds on to
// its neighbors and they to it, which C does not know.
//
// Sixteen rows go together, one a lane; lanes never meet, so a row's result does not depend on the
// rows beside it.
#include "latlas/layout/place.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <vector>

#include "latlas/core/parallel.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/field.h"
#include "latlas/layout/novelty.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/place.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
#include "latlas/layout/field-inl.h"

// The task of the kernels, once for all targets.
#ifndef LATLAS_LAYOUT_PLACE_TASK
#define LATLAS_LAYOUT_PLACE_TASK
namespace latlas {
struct PlaceTask {
  GridView field;
  int dimensions = 2;
  float degrees = 1;  // of freedom, α
  float push = 0;     // n / Z
  std::int64_t k = 0, iterations = 0;
};
}  // namespace latlas
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kStarts = 8;        // nearest neighbors whose places are tried
constexpr float kHalvings = 1.0F / 64.0F;  // the shortest share of a step that is tried
constexpr float kStill = 1e-3F;            // a shorter step ends the search

template <int D>
struct State {  // of sixteen rows at their places
  F16 cost, step[D];
  LATLAS_INLINE State() {}
};

template <int D>
LATLAS_INLINE void replace(const M16& where, const State<D>& by, State<D>& now) {
  now.cost = select(where, by.cost, now.cost);
  for (int k = 0; k < D; ++k) now.step[k] = select(where, by.step[k], now.step[k]);
}

/// C and the full step at sixteen places, of rows with the neighbors `near`: of each neighbor
/// sixteen weights, then D times sixteen coordinates.
template <int D>
State<D> evaluate(const PlaceTask& t, const float* near, const F16 (&at)[D]) {
  const F16 degrees = set(t.degrees), per_degree = set(1.0F / t.degrees);
  F16 sum[D], cost = zero(), held = zero();
  for (int c = 0; c < D; ++c) sum[c] = zero();
  for (std::int64_t j = 0; j < t.k; ++j, near += 16 * (1 + D)) {
    F16 delta[D];
    for (int c = 0; c < D; ++c) delta[c] = at[c] - load(near + 16 * (1 + c));
    const F16 p = load(near), d = square_plus(delta, degrees) * per_degree, a = p / d;
    cost = fma(p, log(d), cost);
    for (int c = 0; c < D; ++c) sum[c] = fma(a, delta[c], sum[c]);
    held = held + a;
  }
  const Reading<D> r = read<false>(t.field, at);
  const F16 push = set(t.push), half = set(0.5F * t.push);
  State<D> state;
  state.cost = fma(r.potential, push, cost * degrees);
  for (int c = 0; c < D; ++c) state.step[c] = fma(r.gradient[c], half, sum[c]) / held;
  return state;
}

/// Places sixteen rows; `places` receives x of all, then y, then z. Returns a bit for each that
/// still moved.
template <int D>
std::uint32_t place_sixteen(const PlaceTask& t, const float* near, float* places) {
  // The box in which the field can be read, and a row can stand.
  const auto inside = [&](int k, const F16& v) HWY_ATTR {
    const float low = t.field.origin[k] + 1.0F / t.field.per_unit;
    const float high = t.field.origin[k] + t.field.last[k] / t.field.per_unit;
    return min(max(v, set(low)), set(high));
  };

  // The start: the best of the weighted mean of the neighbors' places and the nearest places.
  F16 at[D];
  for (int k = 0; k < D; ++k) {
    at[k] = zero();
    for (std::int64_t j = 0; j < t.k; ++j) {
      const float* from = near + 16 * (1 + D) * j;
      at[k] = fma(load(from), load(from + 16 * (1 + k)), at[k]);
    }
    at[k] = inside(k, at[k]);
  }
  State<D> now = evaluate(t, near, at);
  for (std::int64_t c = 0; c < kStarts && c < t.k; ++c) {
    F16 other[D];
    for (int k = 0; k < D; ++k) other[k] = load(near + 16 * (1 + D) * c + 16 * (1 + k));
    const State<D> there = evaluate(t, near, other);
    const M16 better = there.cost < now.cost;
    for (int k = 0; k < D; ++k) at[k] = select(better, other[k], at[k]);
    replace(better, there, now);
  }

  F16 share = set(1.0F), moving = set(1.0F);  // moving: 1 while a row searches, then 0
  const F16 shortest = set(kHalvings), still = set(kStill * kStill);
  for (std::int64_t it = 0; it < t.iterations && any(moving > zero()); ++it) {
    F16 next[D], delta[D];
    for (int k = 0; k < D; ++k) {
      next[k] = inside(k, fnma(share, now.step[k], at[k]));
      delta[k] = next[k] - at[k];
    }
    const State<D> there = evaluate(t, near, next);
    const M16 lower = there.cost < now.cost;
    const M16 taken = select(lower, moving, zero()) > zero();
    for (int k = 0; k < D; ++k) at[k] = select(taken, next[k], at[k]);
    replace(taken, there, now);
    const F16 tried = share;
    share = select(lower, min(set(1.0F), share + share), share * set(0.5F));
    // A row is done when an accepted step is short, or when no share of a step lowers C.
    F16 moved = delta[D - 1] * delta[D - 1];
    for (int k = D - 1; k-- > 0;) moved = fma(delta[k], delta[k], moved);
    moving = select(moved < still, zero(), moving);
    moving = select(tried <= shortest, select(lower, moving, zero()), moving);
  }
  for (int k = 0; k < D; ++k) store(at[k], places + 16 * k);
  return to_bits(moving > zero());
}

std::uint32_t place_rows(const PlaceTask& t, const float* near, float* places) {
  if (t.dimensions == 1) return place_sixteen<1>(t, near, places);
  return t.dimensions == 2 ? place_sixteen<2>(t, near, places) : place_sixteen<3>(t, near, places);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(place_rows);

namespace {

constexpr double kMargin = 10;              // around the fitted map, in its units
constexpr std::int64_t kReportTile = 1024;  // rows between two calls of progress

/// The neighbors of sixteen rows, as the kernel reads them one after another: they stand still, so
/// their places are gathered once. The last row stands in for those beyond the end.
std::vector<float> gather_neighbors(ConstRows train_map, const Neighbors& to_train,
                                    const Matrix& weight, std::int64_t begin, std::int64_t end) {
  const std::int64_t k = to_train.k(), dimensions = train_map.cols(), step = 16 * (1 + dimensions);
  std::vector<float> near(static_cast<std::size_t>(step * k));
  for (std::int64_t l = 0; l < 16; ++l) {
    const std::int64_t row = std::min(begin + l, end - 1);
    for (std::int64_t j = 0; j < k; ++j) {
      float* to = near.data() + step * j + l;
      const float* from = train_map.row(to_train.index(row, j));
      to[0] = weight(row, j);
      for (std::int64_t c = 0; c < dimensions; ++c) to[16 * (1 + c)] = from[c];
    }
  }
  return near;
}

}  // namespace

std::vector<Field> fields(PlaceParams& p) {
  return {
      {"perplexity", &p.perplexity, "effective neighbors of a row; larger keeps more order", 1,
       1e6},
      {"iterations", &p.iterations, "at most, for each row", 0, 1e6},
      {"grid_spacing", &p.grid_spacing, "of the repulsive field, as in the fit", 0, 1},
      {"degrees_of_freedom", &p.degrees_of_freedom, "of the map's kernel, as in the fit", 0.1, 100},
      {.name = "affinities",
       .value = &p.affinities,
       .help = "as in the fit: what weighs a row's neighbors",
       .choices = {"perplexity", "multiscale", "uniform", "gaussian"}},
      {"scales", &p.scales, "perplexities of multiscale affinities, as in the fit", 1, 1e6},
      {"bandwidth", &p.bandwidth, "deviation of gaussian affinities: the fit's", 0, 1e18},
  };
}

PlaceParams placing_of(const TsneParams& fitted, std::int64_t k) {
  PlaceParams params;
  const bool fewer_do = fitted.affinities == "perplexity" || fitted.affinities == "automatic";
  const double wanted =
      fewer_do ? std::min(params.perplexity, fitted.perplexity) : fitted.perplexity;
  params.perplexity = std::max(1.0, std::min(wanted, static_cast<double>(k) / 3));
  params.grid_spacing = fitted.grid_spacing;
  params.degrees_of_freedom = fitted.degrees_of_freedom;
  params.affinities = fitted.affinities == "automatic" ? "perplexity" : fitted.affinities;
  params.scales = fitted.scales;
  params.bandwidth = fitted.bandwidth;
  return params;
}

std::int64_t neighbors_to_place(const PlaceParams& params, std::int64_t k) {
  if (params.affinities != "perplexity") return k;
  const auto wanted = static_cast<std::int64_t>(std::ceil(3 * params.perplexity));
  return std::min(std::max(wanted, NoveltyParams().k), k);
}

void require_placeable(ConstRows train_map, const Neighbors& to_train, const char* what) {
  require_finite(train_map, sentence(what, ": fitted map").c_str());
  require_placeable(train_map.rows(), to_train, what);
}

void require_placeable(std::int64_t n, const Neighbors& to_train, const char* what) {
  require(n > 0 || to_train.rows() == 0, what, ": the fitted map has no rows");
  require(to_train.rows() == 0 || to_train.k() > 0, what, ": new rows need at least one neighbor");
  const std::int64_t bad = first_where(to_train.rows(), 1024, [&](std::int64_t i) {
    for (const std::int32_t j : to_train.index[i])
      if (j < 0 || j >= n) return true;
    return false;
  });
  require(bad == to_train.rows(), what, ": new row ", bad,
          " has a neighbor that is no row of the fitted map, 0 to ", n - 1);
}

struct FrozenMap::State {
  PlaceParams params;
  Matrix map;
  std::optional<GridField> field;  // none of a map without rows
  PlaceTask task;
  std::vector<std::string> notes;
};

FrozenMap::FrozenMap(ConstRows train_map, const PlaceParams& params) : state_(new State) {
  State& s = *state_;
  s.params = params;
  const PlaceParams& p = s.params;
  check(fields(s.params), "place");
  require(p.affinities != "gaussian" || p.bandwidth > 0,
          "place: gaussian affinities need the bandwidth of the fit");
  require_finite(train_map, "place: fitted map");
  const std::int64_t n = train_map.rows(), dimensions = train_map.cols();
  require(dimensions >= 1 && dimensions <= 3, "place: the fitted map has ", dimensions,
          " columns, it must have 1, 2 or 3");
  s.map = copy_of(train_map);
  if (n == 0) return;
  const double spacing = field_spacing(p.grid_spacing, dimensions);
  GridField& field = s.field.emplace(spacing, dimensions, p.degrees_of_freedom);
  field.charge(train_map, kMargin);
  if (field.spacing() > spacing)
    s.notes.push_back(
        sentence("the map is so wide that the field's spacing was enlarged to ", field.spacing()));
  field.release_work();
  s.task.field = field.view();
  s.task.dimensions = static_cast<int>(dimensions);
  s.task.degrees = static_cast<float>(p.degrees_of_freedom);
  s.task.iterations = p.iterations;
  // A single row, or rows that do not see each other, do not push.
  const double z = field.normalizer(), rows = static_cast<double>(n);
  s.task.push = z > 1e-4 * rows ? static_cast<float>(rows / z) : 0.0F;
  if (n > 1 && s.task.push == 0)
    s.notes.emplace_back(
        "the map's rows stand too far apart to push; new rows are placed by their neighbors alone");
}
FrozenMap::FrozenMap(FrozenMap&&) noexcept = default;
FrozenMap& FrozenMap::operator=(FrozenMap&&) noexcept = default;
FrozenMap::~FrozenMap() = default;

PlaceResult FrozenMap::place(const Neighbors& to_train, const Progress& progress) const {
  const Matrix& map = state_->map;
  require_placeable(map.rows(), to_train, "place");
  PlaceParams p = state_->params;
  PlaceTask task = state_->task;
  const std::int64_t n = map.rows(), m = to_train.rows(), dimensions = map.cols();
  task.k = to_train.k();
  PlaceResult result;
  result.map = Matrix(m, dimensions);
  if (m == 0) return result;
  result.notes = state_->notes;
  const double most = std::max(1.0, static_cast<double>(task.k) / 3);
  const bool by_perplexity = p.affinities == "perplexity" || p.affinities == "multiscale";
  if (by_perplexity && p.perplexity > most) {
    result.notes.push_back(sentence("perplexity lowered from ", p.perplexity, " to ", most,
                                    ", a third of ", task.k, " neighbors"));
    p.perplexity = most;
  }
  const auto began = std::chrono::steady_clock::now();
  AffinityParams kind{.perplexity = p.perplexity,
                      .affinities = p.affinities,
                      .scales = p.scales,
                      .bandwidth = p.bandwidth};
  if (kind.affinities == "multiscale" && kind.scales.empty())  // those of the fit, not of m rows
    for (const double scale : scales_of(kind, n))
      kind.scales.push_back(static_cast<std::int64_t>(scale));
  const Matrix weight = conditional_weights(to_train, kind);
  std::atomic<std::int64_t> unconverged{0};
  std::int64_t done = 0;
  for (; done < m && !result.stopped; done += kReportTile) {
    const std::int64_t last = std::min(m, done + kReportTile);
    parallel_for(last - done, 16, [&](std::int64_t begin, std::int64_t end) {
      begin += done;
      end += done;
      const std::vector<float> near = gather_neighbors(map, to_train, weight, begin, end);
      alignas(64) float places[48];
      const std::uint32_t moving = LATLAS_DISPATCH(place_rows)(task, near.data(), places);
      for (std::int64_t i = begin; i < end; ++i) {
        if (to_train.distance(i, 0) == 0) {  // it is a row of the fit
          std::copy_n(map.row(to_train.index(i, 0)), dimensions, result.map.row(i));
          continue;
        }
        for (std::int64_t c = 0; c < dimensions; ++c) result.map(i, c) = places[16 * c + i - begin];
        if ((moving >> (i - begin) & 1U) != 0) ++unconverged;
      }
    });
    const double seconds = seconds_since(began);
    result.stopped =
        last < m &&
        wants_stop(progress, {.stage = "placing", .step = last, .of = m, .seconds = seconds});
  }
  // Rows that were not reached stand at their nearest neighbor.
  for (std::int64_t i = std::min(done, m); i < m; ++i)
    std::copy_n(map.row(to_train.index(i, 0)), dimensions, result.map.row(i));
  result.unconverged = unconverged;
  return result;
}

PlaceResult place(ConstRows train_map, const Neighbors& to_train, const PlaceParams& params,
                  const Progress& progress) {
  return FrozenMap(train_map, params).place(to_train, progress);
}

}  // namespace latlas
#endif
