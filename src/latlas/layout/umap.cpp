// UMAP as written minimizes the cross entropy between the fuzzy graph and the map, in which two
// rows at distance d are neighbors with certainty 1 / (1 + a d^2b). Its sampling in truth descends
// along (Damrich & Hamprecht, On UMAP's true loss function, 2021)
//
//   pull of j on i:   2 w_ij · 2 a b d^(2b−2) / (1 + a d^2b) · (y_j − y_i)   along each edge,
//   push of k on i:   2 γ b / ((0.001 + d²) (1 + a d^2b)) · (y_i − y_k)      for rows k drawn at
//                     random, m Σ_j w_ij of them, each component at most 4,
//
// with weights in units of the largest and m = negative_sample_rate; the first 2 since an edge is
// drawn from either of its ends and moves both. umap-learn draws edges as often as their weight
// says and moves one pair after another. Here all rows move at once, from the places of the epoch
// before: a row sums the pull of all its edges, each by its weight, which is the mean of what
// would be drawn, and the push of rows drawn for it alone, addressed by seed, epoch and row. So an
// epoch is one sweep in any order, on any number of threads.
//
// The pulls of many edges at once would throw a row far beyond its neighbors as long as the rate α
// is near 1, where moving along one edge after another draws it to them. A row therefore moves by
// the solution of y' = −S (y − T) + F after the time α, S being the sum of its edges' coefficients,
// T their mean place and F the push: with M = S (T − y) the sum of the pulls,
//
//   y ← y + (1 − e^(−α S)) / S · (M + F).
//
// That is α (M + F) where α S is small, as it is in the end, and a step to the place where the
// forces balance where it is large. It never overshoots, and where the forces balance does not
// depend on α. All rows moving at once, large parts of a map move slowly; so a row keeps a share of
// its last step, less in the last fifth of the epochs, where it settles.
#include "latlas/layout/umap.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/layout/forces.h"
#include "latlas/layout/fuzzy.h"
#include "latlas/layout/place.h"
#include "latlas/layout/spectral.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/umap.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

constexpr float kLargestPush = 4;  // of one row on another, in each direction

/// x^y of normal x > 0 as 2^(y log₂ x), |y log₂ x| < 126; relative error below 3e-4 · max(1, y),
/// which is far below what the draws leave uncertain. (Polynomials through Chebyshev's places.)
LATLAS_INLINE F16 power(const F16& x, float y) {
  F16 whole, m;  // x = 2^whole m, m in [1, 2)
  LATLAS_EACH {
    const auto bits = hn::BitCast(DI(), x.v[p]);
    whole.v[p] = hn::ConvertTo(DF(), hn::Sub(hn::ShiftRight<23>(bits), hn::Set(DI(), 127)));
    m.v[p] = hn::BitCast(
        DF(), hn::Or(hn::And(bits, hn::Set(DI(), 0x007FFFFF)), hn::Set(DI(), 0x3F800000)));
  }
  F16 log2 = set(-0.0784406762F);
  log2 = fma(log2, m, set(0.626032182F));
  log2 = fma(log2, m, set(-2.07833517F));
  log2 = fma(log2, m, set(4.02921139F));
  log2 = fma(log2, m, set(-2.49835315F));
  const F16 t = set(y) * (whole + log2), n = round(t), f = t - n;
  F16 e = set(0.0558382829F);
  e = fma(e, f, set(0.242639479F));
  e = fma(e, f, set(0.693136734F));
  e = fma(e, f, set(0.999924557F));
  return e * power_of_two(n);
}

/// The coefficient of a pull: 2 a b d^(2b−2) / (1 + a d^2b).
LATLAS_INLINE F16 pull_of(const UmapForces& f, const F16& square) {
  const F16 d2 = max(square, set(1e-12F)), p = power(d2, f.b);
  return set(2 * f.a * f.b) * p / (d2 * fma(set(f.a), p, set(1.0F)));
}

/// Adds the push of rows (dx, dy) away.
LATLAS_INLINE void push(const UmapForces& f, const F16& dx, const F16& dy, F16& x, F16& y) {
  const F16 d2 = max(fma(dx, dx, dy * dy), set(1e-12F)), p = power(d2, f.b);
  const F16 c = set(f.repulsion) / ((d2 + set(0.001F)) * fma(set(f.a), p, set(1.0F)));
  const F16 most = set(kLargestPush), least = set(-kLargestPush);
  x = x + max(least, min(most, c * dx));
  y = y + max(least, min(most, c * dy));
}

/// (1 − e^(−α S)) / S.
LATLAS_INLINE F16 step_of(const F16& stiffness, float rate) {
  const F16 t = stiffness * set(rate);
  // Below 0.01 by the series, since there the difference cancels.
  const F16 series = set(rate) * fnma(t, set(0.5F), set(1.0F));
  const F16 whole = (set(1.0F) - exp(-t)) / max(stiffness, set(1e-30F));
  return select(t < set(0.01F), series, whole);
}

/// The high and low halves of the products of 32-bit numbers without sign.
LATLAS_INLINE void multiply(const hn::Vec<DU>& a, std::uint32_t b, hn::Vec<DU>& high,
                            hn::Vec<DU>& low) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN std::uint32_t x[kLanes], y[kLanes];
  hn::Store(a, DU(), x);
  for (int i = 0; i < kLanes; ++i) {
    const std::uint64_t product = std::uint64_t{x[i]} * b;
    x[i] = static_cast<std::uint32_t>(product >> 32);
    y[i] = static_cast<std::uint32_t>(product);
  }
  high = hn::Load(DU(), x);
  low = hn::Load(DU(), y);
#else
  const hn::Repartition<std::uint64_t, DU> wide;
  const auto factor = hn::Set(DU(), b);
  const auto even = hn::MulEven(a, factor);
  const auto odd = hn::MulEven(hn::BitCast(DU(), hn::ShiftRight<32>(hn::BitCast(wide, a))), factor);
  high = hn::OddEven(hn::BitCast(DU(), odd), hn::BitCast(DU(), hn::ShiftRight<32>(even)));
  low = hn::OddEven(hn::BitCast(DU(), hn::ShiftLeft<32>(odd)), hn::BitCast(DU(), even));
#endif
}

/// Rows below n drawn by sixteen counters, four by each: `drawn` gets those of counter i at 4 i.
/// These are the words of random::words at {seed, Stream::negatives, epoch, index}, scaled to n.
void draw_rows(const UmapSweep& s, const std::uint32_t* low, const std::uint32_t* high,
               std::int32_t* drawn) {
  const auto stream = static_cast<std::uint32_t>(random::Stream::negatives);
  LATLAS_EACH {
    hn::Vec<DU> c[4] = {hn::LoadU(DU(), low + p * kLanes), hn::LoadU(DU(), high + p * kLanes),
                        hn::Set(DU(), s.epoch), hn::Set(DU(), stream)};
    auto k0 = static_cast<std::uint32_t>(s.seed), k1 = static_cast<std::uint32_t>(s.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      hn::Vec<DU> a_high, a_low, b_high, b_low;
      multiply(c[0], 0xD2511F53U, a_high, a_low);
      multiply(c[2], 0xCD9E8D57U, b_high, b_low);
      c[0] = hn::Xor(hn::Xor(b_high, c[1]), hn::Set(DU(), k0));
      c[1] = b_low;
      c[2] = hn::Xor(hn::Xor(a_high, c[3]), hn::Set(DU(), k1));
      c[3] = a_low;
      k0 += 0x9E3779B9U;
      k1 += 0xBB67AE85U;
    }
    hn::Vec<DF> row[4];
    for (int w = 0; w < 4; ++w) {
      hn::Vec<DU> high_half, low_half;
      multiply(c[w], static_cast<std::uint32_t>(s.n), high_half, low_half);
      row[w] = hn::BitCast(DF(), high_half);
    }
    hn::StoreInterleaved4(row[0], row[1], row[2], row[3], DF(),
                          reinterpret_cast<float*>(drawn) + 4 * p * kLanes);
  }
}

/// One tile of rows [begin, end), both multiples of 16.
void umap_sweep(const UmapSweep& s, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float stiff[256], pull_x[256], pull_y[256], push_x[256], push_y[256];
  HWY_ALIGN std::uint32_t low[64 * kMostVectors], high[64 * kMostVectors];
  HWY_ALIGN std::int32_t drawn[256 * kMostVectors];
  for (std::int64_t i = begin; i < end; i += 16) {
    // The rows that push: sixteen for each four counters.
    int counters = 0, from[17];
    for (int l = 0; l < 16; ++l) {
      from[l] = counters;
      const std::int64_t row = i + l;
      for (int c = 0; c < 4 * s.vectors[row]; ++c, ++counters) {
        low[counters] = static_cast<std::uint32_t>(row << 8) | static_cast<std::uint32_t>(c);
        high[counters] = static_cast<std::uint32_t>(row >> 24);
      }
    }
    from[16] = counters;
    for (int c = counters; c < (counters + 15) / 16 * 16; ++c) low[c] = high[c] = 0;
    for (int c = 0; c < counters; c += 16) draw_rows(s, low + c, high + c, drawn + 4 * c);

    for (int l = 0; l < 16; ++l) {
      const std::int64_t row = i + l;
      const F16 x = set(s.xy[2 * row]), y = set(s.xy[2 * row + 1]);
      F16 sum = zero(), mx = zero(), my = zero(), fx = zero(), fy = zero(), xj, yj;
      for (std::int64_t e = s.edge_begin[row]; e < s.edge_begin[row + 1]; e += 16) {
        gather_pairs(s.xy, s.edge_column + e, xj, yj);
        const F16 dx = xj - x, dy = yj - y;
        const F16 c = load(s.edge_weight + e) * pull_of(s.forces, fma(dx, dx, dy * dy));
        sum = sum + c;
        mx = fma(c, dx, mx);
        my = fma(c, dy, my);
      }
      for (int c = from[l]; c < from[l + 1]; c += 4) {
        gather_pairs(s.xy, drawn + 4 * c, xj, yj);
        push(s.forces, x - xj, y - yj, fx, fy);
      }
      store(sum, stiff + 16 * l);
      store(mx, pull_x + 16 * l);
      store(my, pull_y + 16 * l);
      store(fx, push_x + 16 * l);
      store(fy, push_y + 16 * l);
    }
    const F16 unit = set(2.0F / 65535.0F), share = load(s.share + i), momentum = set(s.momentum);
    const F16 step = step_of(reduce_rows(stiff) * unit, s.forces.rate);
    const F16 force_x = fma(reduce_rows(pull_x), unit, reduce_rows(push_x) * share);
    const F16 force_y = fma(reduce_rows(pull_y), unit, reduce_rows(push_y) * share);
    F16 x, y, vx, vy;
    load_pairs(s.xy + 2 * i, x, y);
    load_pairs(s.velocity + 2 * i, vx, vy);
    vx = fma(momentum, vx, step * force_x);
    vy = fma(momentum, vy, step * force_y);
    store_pairs(vx, vy, s.velocity + 2 * i);
    store_pairs(x + vx, y + vy, s.next_xy + 2 * i);
  }
}

/// One epoch of sixteen new rows, whose places are x[0 … 15], y[0 … 15]. A new row's edges move it
/// alone, hence once.
void umap_place_rows(const UmapPlacement& t, float* px, float* py) {
  const F16 x = load(px), y = load(py);
  F16 sum = zero(), mx = zero(), my = zero(), fx = zero(), fy = zero();
  for (std::int64_t j = 0; j < t.k; ++j) {
    F16 xj, yj;
    gather_pairs(t.train, t.index + 16 * j, xj, yj);
    const F16 dx = xj - x, dy = yj - y;
    const F16 c = load(t.weight + 16 * j) * pull_of(t.forces, fma(dx, dx, dy * dy));
    sum = sum + c;
    mx = fma(c, dx, mx);
    my = fma(c, dy, my);
  }
  for (std::int64_t j = 0; j < t.negative_count; ++j)
    push(t.forces, x - set(t.negatives[2 * j]), y - set(t.negatives[2 * j + 1]), fx, fy);
  const F16 share = load(t.draws) / set(static_cast<float>(t.negative_count));
  const F16 step = step_of(sum, t.forces.rate);
  store(fma(step, fma(fx, share, mx), x), px);
  store(fma(step, fma(fy, share, my), y), py);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(umap_sweep);
HWY_EXPORT(umap_place_rows);

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kRowTile = 256;
constexpr std::int64_t kReportEvery = 10;
constexpr double kBox = 10;            // the start's extent in each direction
constexpr double kJitter = 1e-4;       // deviation of what tells equal rows of the start apart
constexpr double kMomentum = 0.95;     // share of the last step that a row keeps
constexpr double kLastMomentum = 0.5;  // in the last epochs
constexpr double kSettling = 0.2;      // which share of the epochs these are
constexpr std::int64_t kPlacedDraws = 64;
constexpr std::int64_t kPlaceTile = 1024;  // rows between two calls of progress

UmapForces forces_of(const UmapCurve& curve, const UmapParams& p) {
  return {.a = static_cast<float>(curve.a),
          .b = static_cast<float>(curve.b),
          .repulsion = static_cast<float>(2 * curve.b * p.repulsion_strength)};
}

/// Two columns at random in [0, 1).
Matrix random_start(std::int64_t n, std::uint64_t seed) {
  Matrix start(n, 2);
  for (std::int64_t i = 0; i < n; ++i)
    for (int c = 0; c < 2; ++c)
      start(i, c) =
          static_cast<float>(random::uniform({.seed = seed,
                                              .stream = random::Stream::start,
                                              .sub = 1,
                                              .index = static_cast<std::uint64_t>(2 * i + c)}));
  return start;
}

/// The map at the beginning, in rows up to a multiple of 16: columns scaled to [−5, 5], jittered.
Matrix placed(ConstRows start, std::uint64_t seed) {
  const std::int64_t n = start.rows();
  Matrix xy((n + 15) / 16 * 16, 2);
  for (int c = 0; c < 2; ++c) {
    double low = static_cast<double>(start(0, c)), high = low;
    for (std::int64_t i = 0; i < n; ++i) {
      low = std::min(low, static_cast<double>(start(i, c)));
      high = std::max(high, static_cast<double>(start(i, c)));
    }
    const double scale = high > low ? kBox / (high - low) : 0;
    parallel_for(n, 4096, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const random::Address at{.seed = seed,
                                 .stream = random::Stream::start,
                                 .index = static_cast<std::uint64_t>(2 * i + c)};
        const double value = (static_cast<double>(start(i, c)) - low) * scale - kBox / 2;
        xy(i, c) = static_cast<float>((high > low ? value : 0) + kJitter * random::normal(at));
      }
    });
  }
  return xy;
}

/// The rows of a graph with their edges as the sweep reads them.
struct Edges {
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> column;
  std::vector<std::uint16_t> weight;
  std::vector<std::uint8_t> vectors;  // repelling rows drawn in an epoch, by sixteens
  std::vector<float> share;           // weight of each
};

Edges edges_of(const Affinities& graph, double negative_sample_rate) {
  const std::int64_t n = graph.rows(), padded = (n + 15) / 16 * 16;
  Edges out;
  out.begin.assign(static_cast<std::size_t>(padded) + 1, 0);
  for (std::int64_t i = 0; i < padded; ++i) {
    const auto u = static_cast<std::size_t>(i);
    const std::int64_t count = i < n ? graph.begin[u + 1] - graph.begin[u] : 0;
    out.begin[u + 1] = out.begin[u] + (count + 15) / 16 * 16;
  }
  out.column.resize(static_cast<std::size_t>(out.begin.back()));
  out.weight.resize(out.column.size());
  out.vectors.assign(static_cast<std::size_t>(padded), 0);
  out.share.assign(static_cast<std::size_t>(padded), 0.0F);
  float largest = 0;
  for (const float w : graph.weight) largest = std::max(largest, w);
  const float steps = largest > 1e-30F ? 65535.0F / largest : 0.0F;
  parallel_for(n, 4096, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      auto at = static_cast<std::size_t>(out.begin[i]);
      double sum = 0;
      for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e, ++at) {
        out.column[at] = graph.column[static_cast<std::size_t>(e)];
        out.weight[at] =
            static_cast<std::uint16_t>(graph.weight[static_cast<std::size_t>(e)] * steps + 0.5F);
        sum += static_cast<double>(out.weight[at]) / 65535;
      }
      for (; at < static_cast<std::size_t>(out.begin[i + 1]); ++at)
        out.column[at] = static_cast<std::int32_t>(i);
      // Draws by sixteens, and not more than a few hundred; their weight makes up for it.
      const double draws = negative_sample_rate * sum;
      const double vectors = std::min<double>(std::ceil(draws / 16), kMostVectors);
      out.vectors[i] = static_cast<std::uint8_t>(vectors);
      out.share[i] = vectors > 0 ? static_cast<float>(draws / (16 * vectors)) : 0.0F;
    }
  });
  return out;
}

Matrix centered(const Matrix& xy, std::int64_t n) {
  Matrix map(n, 2);
  for (int c = 0; c < 2; ++c) {
    double mean = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += static_cast<double>(xy(i, c));
    mean /= static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i)
      map(i, c) = static_cast<float>(static_cast<double>(xy(i, c)) - mean);
  }
  return map;
}

}  // namespace

std::vector<Field> fields(UmapParams& p) {
  return {
      {"n_neighbors", &p.n_neighbors,
       "of a row, itself counted; larger shows more of the whole, less of the detail", 2, 1e6},
      {"min_dist", &p.min_dist, "how near rows may lie in the map; larger spreads clusters", 0,
       1e3},
      {"spread", &p.spread, "scale of the map; at least min_dist", 1e-3, 1e3},
      {"negative_sample_rate", &p.negative_sample_rate,
       "repelling rows drawn for each attracting one; larger is less noisy and slower", 0, 1000},
      {"n_epochs", &p.n_epochs, "0: 500 up to 10000 rows, 200 above", 0, 1e6},
      {"learning_rate", &p.learning_rate, "of the first epoch; it falls to 0 in equal steps", 1e-6,
       1e3},
      {"repulsion_strength", &p.repulsion_strength, "larger gives clusters more space", 0, 1e3},
      {"set_op_mix_ratio", &p.set_op_mix_ratio,
       "1: fuzzy union of both rows' memberships; 0: their intersection", 0, 1},
      {"local_connectivity", &p.local_connectivity, "nearest neighbors that are surely some", 0,
       1000},
      {"a", &p.a,
       "of the curve 1 / (1 + a d^2b), with b in place of min_dist and spread; 0: by these", 0,
       1e3},
      {"b", &p.b, "of the same curve; 0: by min_dist and spread", 0, 3},
      {.name = "init",
       .value = &p.init,
       .help = "start: spectral, pca (of the rows) or random",
       .choices = {"spectral", "pca", "random"}},
      {"seed", &p.seed, "of the draws of repelling rows and of the start"},
  };
}

std::int64_t umap_epochs(const UmapParams& params, std::int64_t n) {
  if (params.n_epochs > 0) return params.n_epochs;
  return n <= 10000 ? 500 : 200;
}

// Gauss–Newton with Levenberg's damping: 300 residuals, two unknowns.
UmapCurve fit_umap_curve(double min_dist, double spread) {
  require(spread > 0 && min_dist >= 0 && min_dist <= spread, "umap: min_dist is ", min_dist,
          ", it must lie between 0 and spread, which is ", spread);
  constexpr int kPlaces = 300;
  struct Sums {
    double cost = 0, aa = 0, ab = 0, bb = 0, ga = 0, gb = 0;
  };
  const auto sums_at = [&](double a, double b) {
    Sums s;
    for (int i = 0; i < kPlaces; ++i) {
      const double x = 3 * spread * i / (kPlaces - 1);
      const double wanted = x < min_dist ? 1 : math::exp(-(x - min_dist) / spread);
      const double power = x > 0 ? math::pow(x, 2 * b) : 0;
      const double q = 1 / (1 + a * power), r = q - wanted;
      const double da = -q * q * power, db = x > 0 ? 2 * a * da * math::log(x) : 0;
      s.cost += r * r;
      s.aa += da * da;
      s.ab += da * db;
      s.bb += db * db;
      s.ga += da * r;
      s.gb += db * r;
    }
    return s;
  };
  double a = 1, b = 1, damping = 1e-3;
  Sums now = sums_at(a, b);
  for (int step = 0; step < 200; ++step) {
    const double aa = now.aa * (1 + damping), bb = now.bb * (1 + damping);
    const double det = aa * bb - now.ab * now.ab;
    if (!(det > 0)) break;
    const double da = (bb * now.ga - now.ab * now.gb) / det;
    const double db = (aa * now.gb - now.ab * now.ga) / det;
    const Sums there = a - da > 0 && b - db > 0 ? sums_at(a - da, b - db) : now;
    if (there.cost < now.cost) {
      const bool done = now.cost - there.cost < 1e-14 * now.cost;
      a -= da;
      b -= db;
      now = there;
      damping = std::max(damping / 10, 1e-12);
      if (done) break;
    } else {
      damping *= 10;
      if (damping > 1e12) break;
    }
  }
  return {a, b};
}

UmapCurve umap_curve(const UmapParams& params) {
  require((params.a > 0) == (params.b > 0), "umap: a is ", params.a, " and b is ", params.b,
          "; give both or none, in place of min_dist and spread");
  return params.a > 0 ? UmapCurve{params.a, params.b}
                      : fit_umap_curve(params.min_dist, params.spread);
}

UmapResult umap(const Neighbors& graph, ConstRows start, const UmapParams& params,
                const Progress& progress, const Snapshots& snapshots) {
  UmapParams p = params;
  check(fields(p), "umap");
  const std::int64_t n = graph.rows();
  require(start.rows() == n, "umap: the start has ", start.rows(), " rows, the graph has ", n);
  require(n == 0 || start.cols() >= 2, "umap: the start has ", start.cols(),
          " columns, the map needs 2");
  require_finite(start, "umap: start");
  UmapResult result;
  result.curve = umap_curve(p);
  if (n > 1 && p.n_neighbors > n) {
    result.notes.push_back(sentence("n_neighbors lowered from ", p.n_neighbors, " to ", n,
                                    ": there are ", n, " rows"));
    p.n_neighbors = n;
  }
  const std::int64_t k = n > 1 ? p.n_neighbors - 1 : 0;
  require(graph.k() >= k, "umap: n_neighbors ", p.n_neighbors, " needs ", k,
          " neighbors a row besides itself, the graph has ", graph.k());
  result.map = Matrix(n, 2);
  if (n < 2) return result;

  const auto began = Clock::now();
  const Affinities fuzzy = fuzzy_graph(graph, k, static_cast<double>(p.n_neighbors),
                                       p.local_connectivity, p.set_op_mix_ratio);
  Matrix first = p.init == "random" ? random_start(n, p.seed) : Matrix();
  if (p.init == "spectral") {
    Spectrum spectrum;
    if (n > 3) spectrum = spectral(fuzzy, 2, p.seed);
    if (spectrum.converged) {
      first = std::move(spectrum.vectors);
    } else if (n > 3) {
      result.notes.push_back(
          spectrum.connected
              ? "the spectral start did not converge; the other start (the principal components, "
                "unless another is given) took its place"
              : "the graph of neighbors falls apart, so it has no spectral start; the start given "
                "took its place");
    }
  }
  Matrix xy = placed(first.empty() ? start : ConstRows(first), p.seed), next(xy.rows(), 2),
         velocity(xy.rows(), 2);
  const Edges edges = edges_of(fuzzy, p.negative_sample_rate);
  UmapSweep sweep;
  sweep.forces = forces_of(result.curve, p);
  sweep.n = n;
  sweep.edge_begin = edges.begin.data();
  sweep.edge_weight = edges.weight.data();
  sweep.edge_column = edges.column.data();
  sweep.vectors = edges.vectors.data();
  sweep.share = edges.share.data();
  sweep.seed = p.seed;

  const std::int64_t epochs = umap_epochs(p, n);
  with_team([&] {
    for (; result.epochs < epochs && !result.stopped; ++result.epochs) {
      const double left = 1 - static_cast<double>(result.epochs) / static_cast<double>(epochs);
      sweep.forces.rate = static_cast<float>(p.learning_rate * left);
      sweep.epoch = static_cast<std::uint32_t>(result.epochs);
      sweep.momentum = static_cast<float>(left > kSettling ? kMomentum : kLastMomentum);
      sweep.xy = xy.data();
      sweep.velocity = velocity.data();
      sweep.next_xy = next.data();
      parallel_for(xy.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
        LATLAS_DISPATCH(umap_sweep)(sweep, begin, end);
      });
      std::swap(xy, next);
      if ((result.epochs + 1) % kReportEvery == 0)
        result.stopped = wants_stop(progress, {.stage = "UMAP",
                                               .step = result.epochs + 1,
                                               .of = epochs,
                                               .seconds = seconds_since(began)});
      if (snapshots.due(result.epochs + 1)) {
        const Matrix seen = centered(xy, n);
        if (snapshots.show({.iteration = result.epochs + 1, .map = seen}) == Next::stop)
          result.stopped = true;
      }
    }
  });
  result.map = centered(xy, n);
  return result;
}

UmapPlaceResult umap_place(ConstRows train_map, const Neighbors& to_train, const UmapParams& params,
                           const Progress& progress) {
  UmapParams p = params;
  check(fields(p), "umap_place");
  require(train_map.cols() == 2, "umap_place: the fitted map has ", train_map.cols(),
          " columns; UMAP's maps have 2");
  require_placeable(train_map, to_train, "umap_place");
  const std::int64_t n = train_map.rows(), m = to_train.rows();
  UmapPlaceResult result;
  result.map = Matrix(m, 2);
  if (m == 0) return result;
  const std::int64_t k = std::min(p.n_neighbors, to_train.k());
  if (k < p.n_neighbors)
    result.notes.push_back(sentence("new rows are placed by ", k, " neighbors instead of ",
                                    p.n_neighbors, ": no more are given"));

  const auto began = Clock::now();
  const Matrix weight = memberships(to_train, k, std::max(2.0, static_cast<double>(k)),
                                    std::max(0.0, p.local_connectivity - 1), /*each_alone=*/true);
  const Matrix train = copy_of(train_map);
  const UmapForces forces = forces_of(umap_curve(p), p);
  const std::int64_t epochs =
      p.n_epochs > 0 ? std::max<std::int64_t>(1, p.n_epochs / 3) : (n <= 10000 ? 100 : 30);
  // Every new row feels the same rows: then none of it depends on where the row stands.
  Matrix negatives(epochs * kPlacedDraws, 2);
  for (std::int64_t i = 0; i < negatives.rows(); ++i) {
    const auto row = static_cast<std::int64_t>(
        random::below(static_cast<std::uint64_t>(n), {.seed = p.seed,
                                                      .stream = random::Stream::negatives,
                                                      .sub = 0xFFFFFFFF,
                                                      .index = static_cast<std::uint64_t>(i)}));
    for (int c = 0; c < 2; ++c) negatives(i, c) = train(row, c);
  }

  for (std::int64_t done = 0; done < m; done += kPlaceTile) {
    const std::int64_t last = std::min(m, done + kPlaceTile);
    const bool stopped = result.stopped;
    parallel_for(last - done, 16, [&](std::int64_t begin, std::int64_t end) {
      begin += done;
      end += done;
      std::vector<std::int32_t> index(static_cast<std::size_t>(16 * k));
      std::vector<float> weights(index.size());
      alignas(64) std::array<float, 16> x{}, y{}, draws{};
      for (std::int64_t l = 0; l < 16; ++l) {
        const std::int64_t row = std::min(begin + l, end - 1);  // the last row fills the rest
        const auto u = static_cast<std::size_t>(l);
        float largest = 1e-30F, sum = 0;
        for (std::int64_t j = 0; j < k; ++j) largest = std::max(largest, weight(row, j));
        for (std::int64_t j = 0; j < k; ++j) {
          const auto at = static_cast<std::size_t>(16 * j) + u;
          index[at] = to_train.index(row, j);
          weights[at] = weight(row, j) / largest;
          sum += weights[at];
          x[u] += weights[at] * train(index[at], 0);
          y[u] += weights[at] * train(index[at], 1);
        }
        x[u] /= sum;
        y[u] /= sum;
        draws[u] = static_cast<float>(p.negative_sample_rate) * sum;
      }
      UmapPlacement t{.forces = forces,
                      .k = k,
                      .train = train.data(),
                      .index = index.data(),
                      .weight = weights.data(),
                      .negative_count = kPlacedDraws,
                      .draws = draws.data()};
      for (std::int64_t e = 0; e < epochs && !stopped; ++e) {
        const double left = 1 - static_cast<double>(e) / static_cast<double>(epochs);
        t.forces.rate = static_cast<float>(p.learning_rate / 4 * left);
        t.negatives = negatives.row(e * kPlacedDraws);
        LATLAS_DISPATCH(umap_place_rows)(t, x.data(), y.data());
      }
      for (std::int64_t i = begin; i < end; ++i) {
        result.map(i, 0) = x[static_cast<std::size_t>(i - begin)];
        result.map(i, 1) = y[static_cast<std::size_t>(i - begin)];
      }
    });
    if (!result.stopped && last < m)
      result.stopped = wants_stop(
          progress, {.stage = "placing", .step = last, .of = m, .seconds = seconds_since(began)});
  }
  return result;
}

}  // namespace latlas
#endif
