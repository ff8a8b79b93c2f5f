// A new row y is held by its neighbors in the data and pushed by the frozen field of the fitted
// map, just as a row of the fit is when all others stand still. It minimizes
//
//   C(y) = Σ_j p_j log(1 + |y − y_j|²) + (n / Z) φ(y),    p from its distances at the fit's
//   perplexity.
//
// Half its gradient is Σ_j p_j a_j (y − y_j) + ½ (n / Z) ∇φ with a_j = 1 / (1 + |y − y_j|²). Were
// the a_j and the push fixed, the minimum would lie one step of that over Σ_j p_j a_j away: this is
// the step taken, halved while it does not lower C. The start is the best of the eight nearest
// neighbors' places and their weighted mean, so that a row whose neighbors lie in two clusters does
// not begin between them.
//
// Sixteen rows go together, one a lane; lanes never meet, so a row's result does not depend on the
// rows beside it.
#include "latlas/layout/place.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <vector>

#include "latlas/core/parallel.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/field.h"
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
  const float* train = nullptr;  // x, y, x, y, …
  float push = 0;                // n / Z
  std::int64_t k = 0, iterations = 0;
};
}  // namespace latlas
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

constexpr float kHalvings = 1.0F / 64.0F;  // the shortest share of a step that is tried
constexpr float kStill = 1e-3F;            // a shorter step ends the search

struct State {  // of sixteen rows at their places
  F16 cost, step_x, step_y;
};

/// C and the full step at sixteen places; `index` and `weight` are 16 × padded.
State evaluate(const PlaceTask& t, const std::int32_t* index, const float* weight,
               std::int64_t padded, const F16& x, const F16& y) {
  HWY_ALIGN float px[16], py[16], cost[256], fx[256], fy[256], hold[256];
  store(x, px);
  store(y, py);
  const F16 one = set(1.0F);
  for (int l = 0; l < 16; ++l) {
    const F16 xi = set(px[l]), yi = set(py[l]);
    F16 c = zero(), sx = zero(), sy = zero(), h = zero();
    for (std::int64_t j = 0; j < padded; j += 16) {
      F16 xj, yj;
      gather_pairs(t.train, index + l * padded + j, xj, yj);
      const F16 p = load(weight + l * padded + j), dx = xi - xj, dy = yi - yj;
      const F16 d = fma(dx, dx, fma(dy, dy, one)), a = p / d;
      c = fma(p, log(d), c);
      sx = fma(a, dx, sx);
      sy = fma(a, dy, sy);
      h = h + a;
    }
    store(c, cost + 16 * l);
    store(sx, fx + 16 * l);
    store(sy, fy + 16 * l);
    store(h, hold + 16 * l);
  }
  const Reading r = read<false>(t.field, x, y);
  const F16 push = set(t.push), half = set(0.5F * t.push), held = reduce_rows(hold);
  return {fma(r.potential, push, reduce_rows(cost)), fma(r.x, half, reduce_rows(fx)) / held,
          fma(r.y, half, reduce_rows(fy)) / held};
}

/// Places sixteen rows; `xy` receives x, then y of all. Returns a bit for each that still moved.
std::uint32_t place_rows(const PlaceTask& t, const std::int32_t* index, const float* weight,
                         std::int64_t padded, float* xy) {
  // The box in which the field can be read, and a row can stand.
  const F16 low_x = set(t.field.x0 + 1.0F / t.field.per_unit);
  const F16 low_y = set(t.field.y0 + 1.0F / t.field.per_unit);
  const F16 high_x = set(t.field.x0 + t.field.last_column / t.field.per_unit);
  const F16 high_y = set(t.field.y0 + t.field.last_row / t.field.per_unit);
  const auto inside = [](const F16& v, const F16& low, const F16& high)
                          HWY_ATTR { return min(max(v, low), high); };

  HWY_ALIGN float mx[256], my[256];
  for (int l = 0; l < 16; ++l) {
    F16 sx = zero(), sy = zero();
    for (std::int64_t j = 0; j < padded; j += 16) {
      F16 xj, yj;
      gather_pairs(t.train, index + l * padded + j, xj, yj);
      const F16 p = load(weight + l * padded + j);
      sx = fma(p, xj, sx);
      sy = fma(p, yj, sy);
    }
    store(sx, mx + 16 * l);
    store(sy, my + 16 * l);
  }
  F16 x = inside(reduce_rows(mx), low_x, high_x), y = inside(reduce_rows(my), low_y, high_y);
  State now = evaluate(t, index, weight, padded, x, y);
  for (std::int64_t c = 0; c < 8 && c < t.k; ++c) {
    HWY_ALIGN std::int32_t nearest[16];
    for (int l = 0; l < 16; ++l) nearest[l] = index[l * padded + c];
    F16 cx, cy;
    gather_pairs(t.train, nearest, cx, cy);
    const State there = evaluate(t, index, weight, padded, cx, cy);
    const M16 better = there.cost < now.cost;
    x = select(better, cx, x);
    y = select(better, cy, y);
    now = {select(better, there.cost, now.cost), select(better, there.step_x, now.step_x),
           select(better, there.step_y, now.step_y)};
  }

  F16 share = set(1.0F), moving = set(1.0F);  // moving: 1 while a row searches, then 0
  const F16 shortest = set(kHalvings), still = set(kStill * kStill);
  for (std::int64_t it = 0; it < t.iterations && any(moving > zero()); ++it) {
    const F16 nx = inside(fnma(share, now.step_x, x), low_x, high_x);
    const F16 ny = inside(fnma(share, now.step_y, y), low_y, high_y);
    const State there = evaluate(t, index, weight, padded, nx, ny);
    const F16 dx = nx - x, dy = ny - y;
    const M16 lower = there.cost < now.cost;
    const F16 take = select(lower, moving, zero());
    const M16 taken = take > zero();
    x = select(taken, nx, x);
    y = select(taken, ny, y);
    now = {select(taken, there.cost, now.cost), select(taken, there.step_x, now.step_x),
           select(taken, there.step_y, now.step_y)};
    const F16 tried = share;
    share = select(lower, min(set(1.0F), share + share), share * set(0.5F));
    // A row is done when an accepted step is short, or when no share of a step lowers C.
    const M16 short_step = fma(dx, dx, dy * dy) < still;
    moving = select(short_step, zero(), moving);
    moving = select(tried <= shortest, select(lower, moving, zero()), moving);
  }
  store(x, xy);
  store(y, xy + 16);
  return to_bits(moving > zero());
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

}  // namespace

std::vector<Field> fields(PlaceParams& p) {
  return {
      {"perplexity", &p.perplexity, "as in the fit: effective neighbors of a row", 1, 1e6},
      {"iterations", &p.iterations, "at most, for each row", 0, 1e6},
      {"grid_spacing", &p.grid_spacing, "of the repulsive field, as in the fit", 0.05, 1},
  };
}

void require_placeable(ConstRows train_map, const Neighbors& to_train, const char* what) {
  const std::int64_t n = train_map.rows();
  require(train_map.cols() == 2, what, ": the fitted map has ", train_map.cols(),
          " columns, it must have 2");
  require_finite(train_map, sentence(what, ": fitted map").c_str());
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

PlaceResult place(ConstRows train_map, const Neighbors& to_train, const PlaceParams& params,
                  const Progress& progress) {
  PlaceParams p = params;
  check(fields(p), "place");
  require_placeable(train_map, to_train, "place");
  const std::int64_t n = train_map.rows(), m = to_train.rows(), k = to_train.k();
  PlaceResult result;
  result.map = Matrix(m, 2);
  if (m == 0) return result;
  if (p.perplexity > std::max(1.0, static_cast<double>(k) / 3)) {
    const double lowered = std::max(1.0, static_cast<double>(k) / 3);
    result.notes.push_back(sentence("perplexity lowered from ", p.perplexity, " to ", lowered,
                                    ", a third of ", k, " neighbors"));
    p.perplexity = lowered;
  }

  const auto began = std::chrono::steady_clock::now();
  const Matrix train = copy_of(train_map);
  GridField field(p.grid_spacing);
  field.charge(train, kMargin);
  if (field.spacing() > p.grid_spacing)
    result.notes.push_back(
        sentence("the map is so wide that the field's spacing was enlarged to ", field.spacing()));
  PlaceTask task;
  task.field = field.view();
  task.train = train.data();
  task.k = k;
  task.iterations = p.iterations;
  // A single row, or rows that do not see each other, do not push.
  const double z = field.normalizer(), rows = static_cast<double>(n);
  task.push = z > 1e-4 * rows ? static_cast<float>(rows / z) : 0.0F;
  if (n > 1 && task.push == 0)
    result.notes.emplace_back(
        "the map's rows stand too far apart to push; new rows are placed by their neighbors alone");

  const Matrix weight = conditional_weights(to_train, p.perplexity);
  const std::int64_t padded = (k + 15) / 16 * 16;
  std::atomic<std::int64_t> unconverged{0};
  std::int64_t done = 0;
  for (; done < m && !result.stopped; done += kReportTile) {
    const std::int64_t last = std::min(m, done + kReportTile);
    parallel_for(last - done, 16, [&](std::int64_t begin, std::int64_t end) {
      begin += done;
      end += done;
      std::vector<std::int32_t> index(static_cast<std::size_t>(16 * padded));
      std::vector<float> weights(index.size());
      for (std::int64_t l = 0; l < 16; ++l) {
        const std::int64_t row = std::min(begin + l, end - 1);  // the last row fills the rest
        for (std::int64_t j = 0; j < padded; ++j) {
          const auto at = static_cast<std::size_t>(l * padded + j);
          index[at] = to_train.index(row, std::min(j, k - 1));
          weights[at] = j < k ? weight(row, j) : 0.0F;
        }
      }
      alignas(64) float xy[32];
      const std::uint32_t moving =
          LATLAS_DISPATCH(place_rows)(task, index.data(), weights.data(), padded, xy);
      for (std::int64_t i = begin; i < end; ++i) {
        result.map(i, 0) = xy[i - begin];
        result.map(i, 1) = xy[16 + i - begin];
        if ((moving >> (i - begin) & 1U) != 0) ++unconverged;
      }
    });
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    result.stopped =
        last < m &&
        wants_stop(progress, {.stage = "placing", .step = last, .of = m, .seconds = seconds});
  }
  // Rows that were not reached stand at their nearest neighbor.
  for (std::int64_t i = std::min(done, m); i < m; ++i)
    for (int c = 0; c < 2; ++c) result.map(i, c) = train_map(to_train.index(i, 0), c);
  result.unconverged = unconverged;
  return result;
}

}  // namespace latlas
#endif
