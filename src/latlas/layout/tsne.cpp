// The cost is KL(P ‖ Q) with q_ij = (1 + d_ij²)⁻¹ / Z, Z = Σ_{i≠j} (1 + d_ij²)⁻¹. Its gradient is
//
//   ∂KL / ∂y_i = 4 (A_i − R_i / Z),   A_i = Σ_j p_ij (y_i − y_j) / (1 + d_ij²),
//                                     R_i = Σ_j (y_i − y_j) / (1 + d_ij²)² = −½ ∇φ(y_i).
//
// An iteration charges the field (layout/field), which gives Z, and then sweeps once over the
// points: attraction along the edges, repulsion read from the field, gradient, gains, momentum,
// step. New positions go to a second array, since other rows still read the old ones.
//
// KL = Σ p log p + Σ p log(1 + d²) + log Z. Of these the last is known at every iteration and the
// first never changes; the middle sum is taken only when KL is asked for.
//
// A few times in a run the rows are renumbered along a Z-shaped curve through the map (Morton), so
// that the neighbors a row reads lie in a near cache. The edges of a row keep their order whatever
// the numbers, so its sums stay the same. Weights are kept as 16-bit shares of the row's largest
// (an error below 1/131,070 of that), indices as 16 bits up to 65,536 rows: four bytes an edge,
// since edges are what an iteration reads most.
#include "latlas/layout/tsne.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/layout/field.h"
#include "latlas/layout/sweep.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/tsne.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
#include "latlas/layout/field-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// Σ_j p_ij (y_i − y_j) / (1 + d²) of one row, without the row's scale, in lanes: the caller sums
/// them. With kCost also Σ_j p_ij log(1 + d²), returned.
template <bool kCost, class Index>
LATLAS_INLINE float attraction(const Index* column, const std::uint16_t* weight, std::int64_t count,
                               const float* xy, std::int64_t row, float* sum_x, float* sum_y) {
  const F16 one = set(1.0F), x = set(xy[2 * row]), y = set(xy[2 * row + 1]);
  F16 fx = zero(), fy = zero(), cost = zero();
  for (std::int64_t e = 0; e < count; e += 16) {
    F16 xj, yj;
    gather_pairs(xy, column + e, xj, yj);
    const F16 dx = x - xj, dy = y - yj, w = load(weight + e);
    const F16 d = fma(dx, dx, fma(dy, dy, one)), a = w / d;
    fx = fma(a, dx, fx);
    fy = fma(a, dy, fy);
    if constexpr (kCost) cost = fma(w, log(d), cost);
  }
  store(fx, sum_x);
  store(fy, sum_y);
  return kCost ? reduce(cost) : 0.0F;
}

/// One tile of rows [begin, end), both multiples of 16.
template <bool kCost, class Index>
void sweep_rows(const SweepTask& s, const Index* columns, std::int64_t begin, std::int64_t end,
                TileSums& sums) {
  const F16 pull = set(4.0F * s.exaggeration), push = set(s.push);
  const F16 rate = set(-s.learning_rate), momentum = set(s.momentum);
  F16 low_x = set(3e38F), low_y = low_x, high_x = set(-3e38F), high_y = high_x;
  double cost = 0;
  HWY_ALIGN float sum_x[256], sum_y[256];
  for (std::int64_t i = begin; i < end; i += 16) {
    for (int l = 0; l < 16; ++l) {
      const std::int64_t row = i + l, first = s.edge_begin[row];
      const float c =
          attraction<kCost>(columns + first, s.edge_weight + first, s.edge_begin[row + 1] - first,
                            s.xy, row, sum_x + 16 * l, sum_y + 16 * l);
      if (kCost) cost += static_cast<double>(c) * static_cast<double>(s.edge_scale[row]);
    }
    const F16 scale = load(s.edge_scale + i) * pull;
    F16 x, y, slope_x, slope_y;
    load_pairs(s.xy + 2 * i, x, y);
    if (s.exact_gradient != nullptr) {
      load_pairs(s.exact_gradient + 2 * i, slope_x, slope_y);
    } else {
      const Reading r = read<true>(s.field, x, y);
      slope_x = r.x;
      slope_y = r.y;
    }
    // 4 A − 4 R / Z, where R is −½ of the slope.
    const F16 gx = fma(slope_x, push, reduce_rows(sum_x) * scale);
    const F16 gy = fma(slope_y, push, reduce_rows(sum_y) * scale);
    const auto step = [&](const F16& g, float* velocity, float* gain) HWY_ATTR {
      const F16 v = load(velocity), k = load(gain);
      // The gain grows while the gradient opposes the last step's sign, that is, while the step
      // still goes downhill.
      const M16 downhill = select(v < zero(), -g, g) < zero();
      const F16 k2 = max(select(downhill, k + set(0.2F), k * set(0.8F)), set(0.01F));
      const F16 v2 =
          max(set(-kLongestStep), min(set(kLongestStep), fma(momentum, v, rate * k2 * g)));
      store(k2, gain);
      store(v2, velocity);
      return v2;
    };
    const F16 x2 = x + step(gx, s.velocity_x + i, s.gain_x + i);
    const F16 y2 = y + step(gy, s.velocity_y + i, s.gain_y + i);
    store_pairs(x2, y2, s.next_xy + 2 * i);
    const M16 real = first(static_cast<int>(s.n - i < 16 ? s.n - i : 16));
    low_x = min(low_x, select(real, x2, low_x));
    low_y = min(low_y, select(real, y2, low_y));
    high_x = max(high_x, select(real, x2, high_x));
    high_y = max(high_y, select(real, y2, high_y));
  }
  sums = {cost, reduce_min(low_x), reduce_min(low_y), reduce_max(high_x), reduce_max(high_y)};
}

void sweep(const SweepTask& s, bool cost, std::int64_t begin, std::int64_t end, TileSums& sums) {
  if (s.edge_column16 != nullptr) {
    cost ? sweep_rows<true>(s, s.edge_column16, begin, end, sums)
         : sweep_rows<false>(s, s.edge_column16, begin, end, sums);
  } else {
    cost ? sweep_rows<true>(s, s.edge_column32, begin, end, sums)
         : sweep_rows<false>(s, s.edge_column32, begin, end, sums);
  }
}

/// Σ_j p_ij log(1 + d²) over rows [begin, end).
double cost_of_rows(const SweepTask& s, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float x[16], y[16];
  double cost = 0;
  for (std::int64_t row = begin; row < end; ++row) {
    const std::int64_t first = s.edge_begin[row], count = s.edge_begin[row + 1] - first;
    const float c = s.edge_column16 != nullptr
                        ? attraction<true>(s.edge_column16 + first, s.edge_weight + first, count,
                                           s.xy, row, x, y)
                        : attraction<true>(s.edge_column32 + first, s.edge_weight + first, count,
                                           s.xy, row, x, y);
    cost += static_cast<double>(c) * static_cast<double>(s.edge_scale[row]);
  }
  return cost;
}

/// Σ p log p over the edges [begin, end); weights too small for a normal float count as 0.
double entropy_of(const float* weight, std::int64_t begin, std::int64_t end) {
  double sum = 0;
  for (std::int64_t e = begin; e < end; e += 16) {
    const F16 w = load_first(weight + e, static_cast<int>(end - e < 16 ? end - e : 16));
    const F16 p = keep(w > set(1.2e-38F), w);
    sum += static_cast<double>(reduce(p * log(max(p, set(1.2e-38F)))));
  }
  return sum;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(sweep);
HWY_EXPORT(cost_of_rows);
HWY_EXPORT(entropy_of);

namespace {

constexpr std::int64_t kRowTile = 256;
constexpr std::int64_t kReportEvery = 25;
constexpr double kEarlyMomentum = 0.8;        // at most, while exaggerating
constexpr double kLastMomentum = 0.5;         // at most, in the last iterations
constexpr std::int64_t kSettling = 25;        // how many these are
constexpr double kExaggerationStalls = 1e-4;  // the share of KL an iteration that ends that phase

/// The sources of the rows of a map in the order of a Z-shaped curve through it.
std::vector<std::int32_t> along_the_curve(const float* xy, std::int64_t n, const TileSums& box) {
  const float size = std::max({box.high_x - box.low_x, box.high_y - box.low_y, 1e-30F});
  const auto spaced = [](std::uint32_t v) {  // the 16 low bits, a zero before each
    v = (v | v << 8) & 0x00FF00FFU;
    v = (v | v << 4) & 0x0F0F0F0FU;
    v = (v | v << 2) & 0x33333333U;
    return (v | v << 1) & 0x55555555U;
  };
  const auto whole = [&](float v, float low) {
    return static_cast<std::uint32_t>(std::clamp((v - low) / size * 65535.0F, 0.0F, 65535.0F));
  };
  struct Key {
    std::uint32_t code;
    std::int32_t row;
  };
  std::vector<Key> keys(static_cast<std::size_t>(n)), other(keys.size());
  for (std::int64_t i = 0; i < n; ++i)
    keys[static_cast<std::size_t>(i)] = {
        spaced(whole(xy[2 * i], box.low_x)) | spaced(whole(xy[2 * i + 1], box.low_y)) << 1,
        static_cast<std::int32_t>(i)};
  for (int shift = 0; shift < 32; shift += 11) {  // radix sort, the low digit first
    std::array<std::size_t, 2049> begin{};
    for (const Key& k : keys) ++begin[(k.code >> shift & 2047) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    for (const Key& k : keys) other[begin[k.code >> shift & 2047]++] = k;
    keys.swap(other);
  }
  std::vector<std::int32_t> order(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) order[i] = keys[i].row;
  return order;
}

/// How a step is taken.
struct Step {
  double exaggeration, learning_rate, momentum;
};

/// Watches KL from report to report: it stalls when two reports in a row lower it by less than
/// `share` an iteration.
class Watch {
 public:
  bool stalls(double kl, double share) {
    const bool slow = seen_ && before_ - kl < share * kReportEvery * std::abs(before_);
    slow_ = slow ? slow_ + 1 : 0;
    rising_ = seen_ && kl > before_;
    before_ = kl;
    seen_ = true;
    return slow_ >= 2;
  }
  /// Whether the last report was above the one before.
  bool rising() const { return rising_; }

 private:
  bool seen_ = false, rising_ = false;
  double before_ = 0;
  int slow_ = 0;
};

/// A fit under way: everything that an iteration changes, and the edges in their present numbers.
class Fit {
 public:
  Fit(const Affinities& affinities, ConstRows start, const TsneParams& params);

  /// Renumbers the rows along the map.
  void renumber();
  /// Charges the field with the map as it is.
  void charge();
  /// Moves every row once; charge() went before. With `cost`, returns KL of the map before.
  double step(const Step& how, bool cost);
  /// KL of the map; charge() went before.
  double kl() const;
  bool exact() const { return exact_; }
  double widest_spacing() const { return widest_spacing_; }
  /// The map in the caller's order, centered.
  Matrix map() const;

 private:
  void place(ConstRows start, std::uint64_t seed);
  void build_edges();
  SweepTask task() const;
  double kl_of(double cost) const { return entropy_ + cost + math::log(normalizer_); }

  const Affinities& affinities_;
  std::int64_t n_, padded_;  // rows; rounded up to 16, the last ones without edges
  bool exact_;
  std::vector<std::int32_t> order_;  // the caller's row at each place
  Matrix xy_, next_xy_;              // padded × 2
  Matrix motion_;                    // 4 × padded: velocity x, y, gain x, y
  TileSums box_;
  double entropy_ = 0;  // Σ p log p

  std::vector<std::int64_t> edge_begin_;  // multiples of 16; rows end with edges of weight 0
  std::vector<float> edge_scale_;
  std::vector<std::uint16_t> edge_weight_, edge_column16_;
  std::vector<std::int32_t> edge_column32_;

  GridField field_;
  std::vector<float> potential_;
  Matrix gradient_;
  double normalizer_ = 1, widest_spacing_ = 0;
  std::vector<TileSums> tiles_;
};

Fit::Fit(const Affinities& affinities, ConstRows start, const TsneParams& params)
    : affinities_(affinities),
      n_(start.rows()),
      padded_((n_ + 15) / 16 * 16),
      exact_(n_ < params.exact_below),
      order_(static_cast<std::size_t>(n_)),
      xy_(padded_, 2),
      next_xy_(padded_, 2),
      motion_(4, padded_),
      field_(params.grid_spacing),
      potential_(exact_ ? static_cast<std::size_t>(n_) : 0),
      gradient_(exact_ ? padded_ : 0, 2),
      tiles_(static_cast<std::size_t>((padded_ + kRowTile - 1) / kRowTile)) {
  std::iota(order_.begin(), order_.end(), 0);
  std::fill(motion_.row(2), motion_.row(4), 1.0F);
  place(start, params.seed);
  entropy_ = ordered_sum(affinities_.edges(), 65536, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(entropy_of)(affinities_.weight.data(), begin, end);
  });
}

/// The start, centered and scaled, with a jitter of a hundredth so that equal rows part.
void Fit::place(ConstRows start, std::uint64_t seed) {
  constexpr double kDeviation = 1e-4;
  double mean[2] = {0, 0}, deviation = 0;
  for (int c = 0; c < 2; ++c) {
    for (std::int64_t i = 0; i < n_; ++i) mean[c] += static_cast<double>(start(i, c));
    mean[c] /= static_cast<double>(n_);
    double square = 0;
    for (std::int64_t i = 0; i < n_; ++i) {
      const double d = static_cast<double>(start(i, c)) - mean[c];
      square += d * d;
    }
    deviation = std::max(deviation, std::sqrt(square / static_cast<double>(n_)));
  }
  const double scale = deviation > 0 ? kDeviation / deviation : 0;
  const double jitter = deviation > 0 ? 0.01 * kDeviation : kDeviation;
  float low[2] = {3e38F, 3e38F}, high[2] = {-3e38F, -3e38F};
  for (std::int64_t i = 0; i < n_; ++i) {
    for (int c = 0; c < 2; ++c) {
      const random::Address at{.seed = seed,
                               .stream = random::Stream::start,
                               .index = static_cast<std::uint64_t>(2 * i + c)};
      const double value = (static_cast<double>(start(i, c)) - mean[c]) * scale;
      xy_(i, c) = static_cast<float>(value + jitter * random::normal(at));
      low[c] = std::min(low[c], xy_(i, c));
      high[c] = std::max(high[c], xy_(i, c));
    }
  }
  box_ = {0, low[0], low[1], high[0], high[1]};
}

void Fit::renumber() {
  const std::vector<std::int32_t> from = along_the_curve(xy_.data(), n_, box_);
  Matrix moved(4, padded_);
  std::vector<std::int32_t> order(order_.size());
  std::fill(moved.row(2), moved.row(4), 1.0F);
  parallel_for(n_, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t j = from[static_cast<std::size_t>(i)];
      order[static_cast<std::size_t>(i)] = order_[static_cast<std::size_t>(j)];
      for (int c = 0; c < 2; ++c) next_xy_(i, c) = xy_(j, c);
      for (int c = 0; c < 4; ++c) moved(c, i) = motion_(c, j);
    }
  });
  std::swap(xy_, next_xy_);
  motion_ = std::move(moved);
  order_ = std::move(order);
  build_edges();
}

void Fit::build_edges() {
  std::vector<std::int32_t> place(order_.size());  // of each of the caller's rows
  for (std::size_t i = 0; i < order_.size(); ++i)
    place[static_cast<std::size_t>(order_[i])] = static_cast<std::int32_t>(i);
  const auto edges_of = [&](std::int64_t i) {
    const auto row = static_cast<std::size_t>(order_[static_cast<std::size_t>(i)]);
    return std::pair(affinities_.begin[row], affinities_.begin[row + 1]);
  };
  edge_begin_.assign(static_cast<std::size_t>(padded_) + 1, 0);
  for (std::int64_t i = 0; i < padded_; ++i) {
    std::int64_t count = 0;
    if (i < n_) {
      const auto [first, last] = edges_of(i);
      count = (last - first + 15) / 16 * 16;
    }
    edge_begin_[static_cast<std::size_t>(i) + 1] = edge_begin_[static_cast<std::size_t>(i)] + count;
  }
  const bool narrow = n_ <= 65536;
  const auto total = static_cast<std::size_t>(edge_begin_.back());
  edge_scale_.assign(static_cast<std::size_t>(padded_), 0.0F);
  edge_weight_.resize(total);
  narrow ? edge_column16_.resize(total) : edge_column32_.resize(total);
  parallel_for(n_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto [first, last] = edges_of(i);
      float largest = 0;
      for (std::int64_t e = first; e < last; ++e)
        largest = std::max(largest, affinities_.weight[static_cast<std::size_t>(e)]);
      const float steps = largest > 1e-30F ? 65535.0F / largest : 0.0F;
      edge_scale_[static_cast<std::size_t>(i)] = largest > 1e-30F ? largest / 65535.0F : 0.0F;
      auto at = static_cast<std::size_t>(edge_begin_[static_cast<std::size_t>(i)]);
      const auto push = [&](std::int32_t column, float weight) {
        edge_weight_[at] = static_cast<std::uint16_t>(weight * steps + 0.5F);
        if (narrow) {
          edge_column16_[at] = static_cast<std::uint16_t>(column);
        } else {
          edge_column32_[at] = column;
        }
        ++at;
      };
      for (std::int64_t e = first; e < last; ++e) {
        const auto u = static_cast<std::size_t>(e);
        push(place[static_cast<std::size_t>(affinities_.column[u])], affinities_.weight[u]);
      }
      const auto full = static_cast<std::size_t>(edge_begin_[static_cast<std::size_t>(i) + 1]);
      while (at < full) push(static_cast<std::int32_t>(i), 0.0F);
    }
  });
}

void Fit::charge() {
  if (exact_) {
    normalizer_ = exact_field(xy_.rows(0, n_), potential_, gradient_.rows(0, n_));
  } else {
    field_.charge(xy_.rows(0, n_));
    normalizer_ = field_.normalizer();
    widest_spacing_ = std::max(widest_spacing_, field_.spacing());
  }
  // Rows so far apart that none sees another: the push stays bounded.
  normalizer_ = std::max(normalizer_, (exact_ ? 1e-30 : 1e-5) * static_cast<double>(n_));
}

SweepTask Fit::task() const {
  SweepTask s;
  s.n = n_;
  s.xy = xy_.data();
  s.edge_begin = edge_begin_.data();
  s.edge_scale = edge_scale_.data();
  s.edge_weight = edge_weight_.data();
  s.edge_column16 = edge_column16_.empty() ? nullptr : edge_column16_.data();
  s.edge_column32 = edge_column32_.data();
  s.exact_gradient = exact_ ? gradient_.data() : nullptr;
  s.field = field_.view();
  return s;
}

double Fit::step(const Step& how, bool cost) {
  SweepTask s = task();
  s.exaggeration = static_cast<float>(how.exaggeration);
  s.push = static_cast<float>(2 / normalizer_);
  s.learning_rate = static_cast<float>(how.learning_rate);
  s.momentum = static_cast<float>(how.momentum);
  s.next_xy = next_xy_.data();
  s.velocity_x = motion_.row(0);
  s.velocity_y = motion_.row(1);
  s.gain_x = motion_.row(2);
  s.gain_y = motion_.row(3);
  parallel_for(padded_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    LATLAS_DISPATCH(sweep)(s, cost, begin, end, tiles_[static_cast<std::size_t>(begin / kRowTile)]);
  });
  std::swap(xy_, next_xy_);
  box_ = tiles_.front();
  for (std::size_t t = 1; t < tiles_.size(); ++t) box_.add(tiles_[t]);
  return cost ? kl_of(box_.cost) : 0;
}

double Fit::kl() const {
  const SweepTask s = task();
  return kl_of(ordered_sum(n_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(cost_of_rows)(s, begin, end);
  }));
}

Matrix Fit::map() const {
  Matrix out(n_, 2);
  double mean[2] = {0, 0};
  for (std::int64_t i = 0; i < n_; ++i) {
    const std::int32_t row = order_[static_cast<std::size_t>(i)];
    for (int c = 0; c < 2; ++c) out(row, c) = xy_(i, c);
  }
  for (std::int64_t i = 0; i < n_; ++i)
    for (int c = 0; c < 2; ++c) mean[c] += static_cast<double>(out(i, c));
  for (std::int64_t i = 0; i < n_; ++i)
    for (int c = 0; c < 2; ++c)
      out(i, c) =
          static_cast<float>(static_cast<double>(out(i, c)) - mean[c] / static_cast<double>(n_));
  return out;
}

/// Rows move fast at first, then little: when to renumber them.
bool renumbers_at(std::int64_t iteration) {
  return iteration <= 50 ? iteration % 25 == 0
                         : (iteration <= 300 ? iteration % 50 == 0 : iteration % 200 == 0);
}

}  // namespace

std::vector<Field> fields(TsneParams& p) {
  return {
      {"perplexity", &p.perplexity, "effective neighbors of a row; larger favors global structure",
       1, 1e6},
      {"exaggeration", &p.exaggeration, "early attraction; larger gives tighter, farther clusters",
       1, 1000},
      {"exaggeration_iterations", &p.exaggeration_iterations,
       "iterations with exaggeration, at most; a rule may end them sooner", 0, 1e6},
      {"iterations", &p.iterations, "iterations in all, at most", 1, 1e6},
      {"learning_rate", &p.learning_rate,
       "0: rows / exaggeration of the phase; larger moves faster", 0, 1e9},
      {"momentum", &p.momentum, "larger remembers longer", 0, 0.99},
      {"stop_below", &p.stop_below,
       "ends when an iteration lowers the divergence by less than this share; 0: never", 0, 1},
      {"grid_spacing", &p.grid_spacing, "of the repulsive field; smaller is more exact and slower",
       0.05, 1},
      {"exact_below", &p.exact_below, "fewer rows than this get the exact field, in n² time", 0,
       1e6},
      {"seed", &p.seed, "of the jitter that tells equal rows of the start apart"},
  };
}

TsneResult tsne(const Affinities& affinities, ConstRows start, const TsneParams& params,
                const Progress& progress) {
  TsneParams p = params;
  check(fields(p), "tsne");
  require_valid(affinities, "tsne");
  const std::int64_t n = affinities.rows();
  require(start.rows() == n, "tsne: the start has ", start.rows(), " rows, the affinities have ",
          n);
  require(n == 0 || start.cols() >= 2, "tsne: the start has ", start.cols(),
          " columns, the map needs 2");
  require_finite(start, "tsne: start");
  TsneResult result;
  result.map = Matrix(n, 2);
  result.exact_normalizer = n < p.exact_below;
  if (n < 2 || affinities.edges() == 0) {
    result.converged = true;
    if (n > 1) result.notes.emplace_back("the rows have no neighbors: all stand at the origin");
    return result;
  }

  const auto began = std::chrono::steady_clock::now();
  Fit fit(affinities, start, p);
  Watch watch;
  bool exaggerating = p.exaggeration_iterations > 0 && p.exaggeration > 1;
  std::int64_t it = 0, last = p.iterations;
  for (; it < last && !result.stopped; ++it) {
    if (renumbers_at(it)) fit.renumber();
    if (exaggerating && it == p.exaggeration_iterations) {
      exaggerating = false;
      watch = {};
    }
    const bool settling = !exaggerating && it >= last - kSettling;
    const double exaggeration = exaggerating ? p.exaggeration : 1;
    const double rate =
        p.learning_rate > 0 ? p.learning_rate : static_cast<double>(n) / exaggeration;
    const double most = exaggerating ? kEarlyMomentum : (settling ? kLastMomentum : 1);
    fit.charge();
    const bool report = it > 0 && it % kReportEvery == 0;
    const double kl = fit.step({.exaggeration = exaggeration,
                                .learning_rate = rate,
                                .momentum = std::min(p.momentum, most)},
                               report);
    if (exaggerating) ++result.exaggerated;
    if (!report) continue;

    result.trace.push_back({it, kl});
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    result.stopped = wants_stop(
        progress, {.stage = "t-SNE", .step = it, .of = last, .loss = kl, .seconds = seconds});
    if (exaggerating) {
      if (p.stop_below > 0 && watch.stalls(kl, kExaggerationStalls)) {
        exaggerating = false;
        watch = {};
      }
    } else if (!settling && p.stop_below > 0 && watch.stalls(kl, p.stop_below)) {
      result.converged = !watch.rising();
      if (watch.rising())
        result.notes.emplace_back(
            "the divergence rose instead of falling; a lower learning_rate or momentum may help");
      last = std::min(last, it + 1 + kSettling);
    }
  }
  if (result.stopped) result.converged = false;
  if (exaggerating && !result.stopped)
    result.notes.push_back(sentence("all ", it,
                                    " iterations were exaggerated; clusters stand tighter ",
                                    "than in a finished map, which needs more iterations"));
  result.iterations = it;
  fit.charge();
  result.kl = fit.kl();
  result.trace.push_back({it, result.kl});
  result.map = fit.map();
  if (fit.widest_spacing() > p.grid_spacing)
    result.notes.push_back(sentence(
        "the map grew so wide that the field's spacing was enlarged to ", fit.widest_spacing()));
  return result;
}

TsneResult tsne(const Neighbors& graph, ConstRows start, const TsneParams& params,
                const Progress& progress) {
  TsneParams p = params;
  check(fields(p), "tsne");
  const std::int64_t n = graph.rows();
  require(start.rows() == n, "tsne: the start has ", start.rows(), " rows, the graph has ", n);
  const double most = std::max(1.0, static_cast<double>(n - 1) / 3);
  std::vector<std::string> notes;
  if (p.perplexity > most && n > 0) {
    notes.push_back(sentence("perplexity lowered from ", p.perplexity, " to ", most, ": there are ",
                             n, " rows"));
    p.perplexity = most;
  }
  const auto needed = std::min<std::int64_t>(static_cast<std::int64_t>(3 * p.perplexity), n - 1);
  require(graph.k() >= needed, "tsne: perplexity ", p.perplexity, " needs ", needed,
          " neighbors a row, the graph has ", graph.k());
  TsneResult result =
      tsne(perplexity_affinities(graph, {.perplexity = p.perplexity}), start, p, progress);
  result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  return result;
}

}  // namespace latlas
#endif
