// The cost is KL(P ‖ Q) with q_ij = w_ij / Z, w_ij = (1 + d_ij²/α)^(−α), Z = Σ_{i≠j} w_ij. α, the
// degrees of freedom, is 1 in t-SNE as it is known; less gives heavier tails and finer clusters
// (Kobak, Linderman, Steinerberger, Kluger & Berens, Heavy-tailed kernels reveal a finer cluster
// structure in t-SNE visualisations, 2019). Its gradient is
//
//   ∂KL / ∂y_i = 4 (A_i − R_i / Z),   A_i = Σ_j p_ij (y_i − y_j) / (1 + d_ij²/α),
//                                     R_i = Σ_j w_ij (y_i − y_j) / (1 + d_ij²/α) = −½ ∇φ(y_i).
//
// An iteration charges the field (layout/field), which gives Z, and then sweeps once over the
// points: attraction along the edges, repulsion read from the field, gradient, gains, momentum,
// step. New positions go to a second array, since other rows still read the old ones.
//
// KL = Σ p log p + α Σ p log(1 + d²/α) + log Z. Of these the last is known at every iteration and
// the first never changes; the middle sum is taken only when KL is asked for.
//
// An anchor's spring adds 4 S / n · (y − a) to the gradient, and is taken implicitly: the step
// solves for the spring's force at its own end, which divides it by 1 + η · gain · 4 S / n. So no
// strength, however large, makes a row swing.
//
// A few times in a run the rows are renumbered along a Z-shaped curve through the map (Morton), so
// that the neighbors a row reads lie in a near cache. The edges of a row keep their order whatever
// the numbers, so its sums stay the same. Weights are kept as 16-bit shares of the row's largest
// (an error below 1/131,070 of that), indices as 16 bits up to 65,536 rows: four bytes an edge,
// since edges are what an iteration reads most. Places of more than a megabyte lie in farther
// caches: they are called from there kAhead edges before they are needed.
#include "latlas/layout/tsne.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>

#include "latlas/core/digest.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/layout/checkpoint.h"
#include "latlas/layout/coarse.h"
#include "latlas/layout/field.h"
#include "latlas/layout/preset.h"
#include "latlas/layout/start.h"
#include "latlas/layout/sweep.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/tsne.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
#include "latlas/layout/field-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// Σ_j p_ij (y_i − y_j) / (α + d²) of one row, without the row's scale, in lanes: the caller sums
/// them; direction after direction, each 256 floats on. With kCost also Σ_j p_ij log(1 + d²/α),
/// returned.
template <int D, bool kCost, class Index>
LATLAS_INLINE float attraction(const SweepTask& s, const Index* columns, std::int64_t row,
                               float* sums) {
  const Index* column = columns + s.edge_begin[row];
  const std::uint16_t* weight = s.edge_weight + s.edge_begin[row];
  const std::int64_t count = s.edge_begin[row + 1] - s.edge_begin[row];
  const F16 degrees = set(s.degrees), per_degree = set(1.0F / s.degrees);
  F16 at[D], force[D], cost = zero();
  for (int k = 0; k < D; ++k) {
    at[k] = set(s.places[place_floats(D) * row + k]);
    force[k] = zero();
  }
  for (std::int64_t e = 0; e < count; e += 16) {
    F16 other[D], delta[D];
    if (sizeof(Index) == 4 && s.are_far)
      for (int l = 0; l < 16; ++l)
        hwy::Prefetch(s.places + place_floats(D) * std::int64_t{column[e + kAhead + l]});
    gather_places(s.places, column + e, other);
    for (int k = 0; k < D; ++k) delta[k] = at[k] - other[k];
    const F16 w = load(weight + e), d = square_plus(delta, degrees), a = w / d;
    for (int k = 0; k < D; ++k) force[k] = fma(a, delta[k], force[k]);
    if constexpr (kCost) cost = fma(w, log(d * per_degree), cost);
  }
  for (int k = 0; k < D; ++k) store(force[k], sums + 256 * k);
  return kCost ? reduce(cost) : 0.0F;
}

/// One tile of rows [begin, end), both multiples of 16.
template <int D, bool kCost, class Index>
void sweep_rows(const SweepTask& s, const Index* columns, std::int64_t begin, std::int64_t end,
                TileSums& sums) {
  const F16 pull = set(4.0F * s.exaggeration * s.degrees), push = set(s.push);
  const F16 rate = set(-s.learning_rate), momentum = set(s.momentum);
  const F16 spring = set(4.0F * s.exaggeration / static_cast<float>(s.n));
  F16 low[D], high[D];
  for (int k = 0; k < D; ++k) {
    low[k] = set(3e38F);
    high[k] = set(-3e38F);
  }
  double cost = 0;
  HWY_ALIGN float attractions[D][256];
  for (std::int64_t i = begin; i < end; i += 16) {
    for (int l = 0; l < 16; ++l) {
      const float c = attraction<D, kCost>(s, columns, i + l, attractions[0] + 16 * l);
      if (kCost) cost += static_cast<double>(c) * static_cast<double>(s.edge_scale[i + l]);
    }
    const F16 scale = load(s.edge_scale + i) * pull;
    F16 at[D], slope[D];
    load_places(s.places + place_floats(D) * i, at);
    if (s.exact_gradient != nullptr) {
      load_places(s.exact_gradient + place_floats(D) * i, slope);
    } else {
      const Reading<D> r = read<true>(s.field, at);
      for (int k = 0; k < D; ++k) slope[k] = r.gradient[k];
    }
    const M16 real = first(static_cast<int>(s.n - i < 16 ? s.n - i : 16));
    const bool anchored = s.anchor_strength != nullptr;
    const F16 strength = anchored ? load(s.anchor_strength + i) : zero(), stiff = spring * strength;
    for (int k = 0; k < D; ++k) {
      // 4 A − 4 R / Z, where R is −½ of the slope.
      F16 g = fma(slope[k], push, reduce_rows(attractions[k]) * scale);
      if (anchored) g = fma(stiff, at[k] - load(s.anchor[k] + i), g);
      const F16 v = load(s.velocity[k] + i), gain = load(s.gain[k] + i);
      // The gain grows while the gradient opposes the last step's sign, that is, while the step
      // still goes downhill.
      const M16 downhill = select(v < zero(), -g, g) < zero();
      const F16 gain2 = max(select(downhill, gain + set(0.2F), gain * set(0.8F)), set(0.01F));
      F16 v2 = fma(momentum, v, rate * gain2 * g);
      if (anchored) {
        v2 = v2 / (set(1.0F) - rate * gain2 * stiff);
        v2 = select(strength < set(kHeld), v2, zero());
      }
      v2 = max(set(-kLongestStep), min(set(kLongestStep), v2));
      store(gain2, s.gain[k] + i);
      store(v2, s.velocity[k] + i);
      at[k] = at[k] + v2;
      low[k] = min(low[k], select(real, at[k], low[k]));
      high[k] = max(high[k], select(real, at[k], high[k]));
    }
    store_places(at, s.next_places + place_floats(D) * i);
  }
  sums = {};
  sums.cost = cost * static_cast<double>(s.degrees);
  for (int k = 0; k < D; ++k) {
    sums.low[k] = reduce_min(low[k]);
    sums.high[k] = reduce_max(high[k]);
  }
}

/// α Σ_j p_ij log(1 + d²/α) over rows [begin, end).
template <int D, class Index>
double cost_of_rows(const SweepTask& s, const Index* columns, std::int64_t begin,
                    std::int64_t end) {
  HWY_ALIGN float unused[D * 256];
  double cost = 0;
  for (std::int64_t row = begin; row < end; ++row)
    cost += static_cast<double>(attraction<D, true>(s, columns, row, unused)) *
            static_cast<double>(s.edge_scale[row]);
  return cost * static_cast<double>(s.degrees);
}

template <int D, class Index>
void sweep_of(const SweepTask& s, const Index* columns, bool cost, std::int64_t begin,
              std::int64_t end, TileSums& sums) {
  cost ? sweep_rows<D, true>(s, columns, begin, end, sums)
       : sweep_rows<D, false>(s, columns, begin, end, sums);
}
template <class Index>
void sweep_in(const SweepTask& s, const Index* columns, bool cost, std::int64_t begin,
              std::int64_t end, TileSums& sums) {
  if (s.dimensions == 1) sweep_of<1>(s, columns, cost, begin, end, sums);
  if (s.dimensions == 2) sweep_of<2>(s, columns, cost, begin, end, sums);
  if (s.dimensions == 3) sweep_of<3>(s, columns, cost, begin, end, sums);
}
void sweep(const SweepTask& s, bool cost, std::int64_t begin, std::int64_t end, TileSums& sums) {
  s.edge_column16 != nullptr ? sweep_in(s, s.edge_column16, cost, begin, end, sums)
                             : sweep_in(s, s.edge_column32, cost, begin, end, sums);
}

template <class Index>
double cost_in(const SweepTask& s, const Index* columns, std::int64_t begin, std::int64_t end) {
  if (s.dimensions == 1) return cost_of_rows<1>(s, columns, begin, end);
  return s.dimensions == 2 ? cost_of_rows<2>(s, columns, begin, end)
                           : cost_of_rows<3>(s, columns, begin, end);
}
double cost_of(const SweepTask& s, std::int64_t begin, std::int64_t end) {
  return s.edge_column16 != nullptr ? cost_in(s, s.edge_column16, begin, end)
                                    : cost_in(s, s.edge_column32, begin, end);
}

/// A row's weights as 16-bit shares of its largest, zeros behind them to a multiple of 16; returns
/// what the shares are multiplied by.
float pack_weights(const float* weight, std::int64_t count, std::uint16_t* share) {
  const auto some = [&](std::int64_t e) HWY_ATTR {
    return load_first(weight + e, static_cast<int>(count - e < 16 ? count - e : 16));
  };
  F16 most = zero();
  for (std::int64_t e = 0; e < count; e += 16) most = max(most, some(e));
  const float largest = reduce_max(most);
  const bool any = largest > 1e-30F;
  const F16 steps = set(any ? 65535.0F / largest : 0.0F), half = set(0.5F);
  for (std::int64_t e = 0; e < count; e += 16) store(to_int(some(e) * steps + half), share + e);
  return any ? largest / 65535.0F : 0.0F;
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
HWY_EXPORT(cost_of);
HWY_EXPORT(entropy_of);
HWY_EXPORT(pack_weights);

void sweep_tile(const SweepTask& task, bool cost, std::int64_t begin, std::int64_t end,
                TileSums& sums) {
  LATLAS_DISPATCH(sweep)(task, cost, begin, end, sums);
}

std::vector<std::int32_t> along_the_curve(const float* places, std::int64_t n, int dimensions,
                                          const TileSums& box) {
  const int floats = place_floats(dimensions);
  const int bits = dimensions == 1 ? 24 : (dimensions == 2 ? 16 : 10);  // of each direction
  const auto cells = static_cast<float>((1 << bits) - 1);
  float size = 1e-30F;
  for (int c = 0; c < dimensions; ++c) size = std::max(size, box.high[c] - box.low[c]);
  const auto spaced = [&](std::uint32_t v) {  // the low bits, dimensions − 1 zeros before each
    if (dimensions == 2) {
      v = (v | v << 8) & 0x00FF00FFU;
      v = (v | v << 4) & 0x0F0F0F0FU;
      v = (v | v << 2) & 0x33333333U;
      return (v | v << 1) & 0x55555555U;
    }
    if (dimensions == 3) {
      v = (v | v << 16) & 0x030000FFU;
      v = (v | v << 8) & 0x0300F00FU;
      v = (v | v << 4) & 0x030C30C3U;
      return (v | v << 2) & 0x09249249U;
    }
    return v;
  };
  const auto code_of = [&](const float* place) {
    std::uint32_t code = 0;
    for (int c = 0; c < dimensions; ++c) {
      const float cell = std::clamp((place[c] - box.low[c]) / size * cells, 0.0F, cells);
      code |= spaced(static_cast<std::uint32_t>(cell)) << c;
    }
    return code;
  };
  struct Key {
    std::uint32_t code;
    std::int32_t row;
  };
  std::vector<Key> keys(static_cast<std::size_t>(n)), other(keys.size());
  for (std::int64_t i = 0; i < n; ++i)
    keys[static_cast<std::size_t>(i)] = {code_of(places + floats * i),
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

namespace {

constexpr std::int64_t kRowTile = 256;
constexpr std::int64_t kNarrow = 65536;  // rows that 16 bits can number
constexpr std::int64_t kNear = 1 << 20;  // bytes of places that a near cache holds, or nearly
constexpr std::int64_t kReportEvery = 25;
constexpr double kEarlyMomentum = 0.8;        // at most, while exaggerating
constexpr double kLastMomentum = 0.5;         // at most, in the last iterations
constexpr std::int64_t kSettling = 25;        // how many these are
constexpr double kExaggerationStalls = 1e-4;  // the share of KL an iteration that ends that phase
constexpr double kRise = 1e-3;  // share of KL above which it does not just waver at its least value

/// How a step is taken.
struct Step {
  double exaggeration, learning_rate, momentum;
};

/// Watches KL from report to report: it stalls when two reports in a row lower it by less than
/// `share` an iteration.
struct Watch : WatchState {
  bool stalls(double kl, double share) {
    const bool slow_now = seen && before - kl < share * kReportEvery * std::abs(before);
    slow = slow_now ? slow + 1 : 0;
    rising = seen && kl - before > kRise * std::abs(before);  // above the report before, clearly
    before = kl;
    seen = true;
    return slow >= 2;
  }
};

/// A fit under way: everything that an iteration changes, and the edges in their present numbers.
class Fit {
 public:
  Fit(const Affinities& affinities, ConstRows start, const TsneParams& params,
      const Anchors* anchors);

  /// Renumbers the rows along the map.
  void renumber();
  /// Charges the field with the map as it is.
  void charge();
  /// Moves every row once; charge() went before. With `cost`, returns KL of the map before.
  double step(const Step& how, bool cost);
  /// KL of the map; charge() went before.
  double kl() const;
  /// Σ p log(1 + d²) of the map before the last step with cost: what exaggeration multiplies.
  double pull() const { return box_.cost; }
  bool exact() const { return exact_; }
  double widest_spacing() const { return widest_spacing_; }
  /// The map in the caller's order, centered unless it is anchored.
  Matrix map() const;
  /// What an iteration changes; the rest of the state is the loop's.
  TsneState state() const;
  void resume(const TsneState& state);

 private:
  void place(ConstRows start, const TsneParams& params);
  void place_by_anchors(bool keep_start);
  void arrange_anchors();
  void measure_box();
  void build_edges();
  SweepTask task() const;
  ConstRows places() const { return {places_.data(), n_, dimensions_, places_.cols()}; }
  double kl_of(double cost) const { return entropy_ + cost + math::log(normalizer_); }

  const Affinities& affinities_;
  const Anchors* anchors_;
  const int dimensions_;
  const double degrees_;     // of freedom
  std::int64_t n_, padded_;  // rows; rounded up to 16, the last ones without edges
  bool exact_;
  std::vector<std::int32_t> order_;  // the caller's row at each place
  Matrix places_, next_places_;      // padded × place_floats()
  Matrix motion_;                    // velocities, then gains, each dimensions × padded
  Matrix anchor_;                    // their places, then strengths; empty without anchors
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

Fit::Fit(const Affinities& affinities, ConstRows start, const TsneParams& params,
         const Anchors* anchors)
    : affinities_(affinities),
      anchors_(anchors),
      dimensions_(static_cast<int>(params.dimensions)),
      degrees_(params.degrees_of_freedom),
      n_(start.rows()),
      padded_((n_ + 15) / 16 * 16),
      exact_(n_ < params.exact_below),
      order_(static_cast<std::size_t>(n_)),
      places_(padded_, place_floats(dimensions_)),
      next_places_(padded_, place_floats(dimensions_)),
      motion_(2 * dimensions_, padded_),
      anchor_(anchors != nullptr ? dimensions_ + 1 : 0, padded_),
      field_(field_spacing(params.grid_spacing, params.dimensions), params.dimensions, degrees_),
      potential_(exact_ ? static_cast<std::size_t>(n_) : 0),
      gradient_(exact_ ? padded_ : 0, place_floats(dimensions_)),
      tiles_(static_cast<std::size_t>((padded_ + kRowTile - 1) / kRowTile)) {
  std::iota(order_.begin(), order_.end(), 0);
  std::fill(motion_.row(dimensions_), motion_.row(2 * dimensions_), 1.0F);
  place(start, params);
  if (anchors_ != nullptr) place_by_anchors(params.keep_start);
  measure_box();
  entropy_ = ordered_sum(affinities_.edges(), 65536, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(entropy_of)(affinities_.weight.data(), begin, end);
  });
}

/// The start, centered and scaled, with a jitter of a hundredth so that equal rows part; or as it
/// is, with a jitter that an earlier map does not feel.
void Fit::place(ConstRows start, const TsneParams& params) {
  constexpr double kDeviation = 1e-4;
  const double deviation = largest_deviation(start, dimensions_);
  double mean[3] = {};
  for (int c = 0; c < dimensions_; ++c) {
    for (std::int64_t i = 0; i < n_; ++i) mean[c] += static_cast<double>(start(i, c));
    mean[c] /= static_cast<double>(n_);
  }
  double scale = deviation > 0 ? kDeviation / deviation : 0;
  double jitter = deviation > 0 ? 0.01 * kDeviation : kDeviation;
  if (params.keep_start) {
    scale = 1;
    jitter = kDeviation;
    std::fill_n(mean, dimensions_, 0.0);
  }
  for (std::int64_t i = 0; i < n_; ++i) {
    for (int c = 0; c < dimensions_; ++c) {
      const random::Address at{.seed = params.seed,
                               .stream = random::Stream::start,
                               .index = static_cast<std::uint64_t>(dimensions_ * i + c)};
      const double value = (static_cast<double>(start(i, c)) - mean[c]) * scale;
      places_(i, c) = static_cast<float>(value + jitter * random::normal(at));
    }
  }
}

/// Held rows begin at their places. Unless the start is kept, pulled rows do too, and free rows
/// among their anchored neighbors.
void Fit::place_by_anchors(bool keep_start) {
  const bool held = anchors_->strength == 0;
  const Matrix around = keep_start ? Matrix() : extended(*anchors_, affinities_);
  for (std::int64_t i = 0; i < n_; ++i) {
    const bool anchored = is_anchored(*anchors_, i);
    for (int c = 0; c < dimensions_; ++c) {
      if (!keep_start) places_(i, c) += around(i, c);
      if (anchored && (held || !keep_start)) places_(i, c) = anchors_->places(i, c);
    }
  }
}

void Fit::measure_box() {
  box_ = {};
  std::fill_n(box_.low, dimensions_, 3e38F);
  std::fill_n(box_.high, dimensions_, -3e38F);
  for (std::int64_t i = 0; i < n_; ++i)
    for (int c = 0; c < dimensions_; ++c) {
      box_.low[c] = std::min(box_.low[c], places_(i, c));
      box_.high[c] = std::max(box_.high[c], places_(i, c));
    }
}

/// The anchors in the rows' present numbers.
void Fit::arrange_anchors() {
  if (anchors_ == nullptr) return;
  const float strength = anchors_->strength > 0 ? static_cast<float>(anchors_->strength) : kHeld;
  for (std::int64_t i = 0; i < n_; ++i) {
    const std::int32_t row = order_[static_cast<std::size_t>(i)];
    const bool anchored = is_anchored(*anchors_, row);
    for (int c = 0; c < dimensions_; ++c)
      anchor_(c, i) = anchored ? anchors_->places(row, c) : 0.0F;
    anchor_(dimensions_, i) = anchored ? strength : 0.0F;
  }
}

TsneState Fit::state() const {
  TsneState s;
  s.widest_spacing = widest_spacing_;
  s.order = order_;
  s.places = copy_of(places());
  s.motion = Matrix(motion_.rows(), n_);
  for (std::int64_t c = 0; c < motion_.rows(); ++c)
    std::copy_n(motion_.row(c), n_, s.motion.row(c));
  return s;
}

void Fit::resume(const TsneState& s) {
  widest_spacing_ = s.widest_spacing;
  order_ = s.order;
  for (std::int64_t i = 0; i < n_; ++i) std::copy_n(s.places.row(i), dimensions_, places_.row(i));
  for (std::int64_t c = 0; c < motion_.rows(); ++c)
    std::copy_n(s.motion.row(c), n_, motion_.row(c));
  measure_box();
  build_edges();
  arrange_anchors();
}

void Fit::renumber() {
  const std::vector<std::int32_t> from = along_the_curve(places_.data(), n_, dimensions_, box_);
  Matrix moved(2 * dimensions_, padded_);
  std::vector<std::int32_t> order(order_.size());
  std::fill(moved.row(dimensions_), moved.row(2 * dimensions_), 1.0F);
  parallel_for(n_, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int32_t j = from[static_cast<std::size_t>(i)];
      order[static_cast<std::size_t>(i)] = order_[static_cast<std::size_t>(j)];
      std::copy_n(places_.row(j), dimensions_, next_places_.row(i));
      for (int c = 0; c < 2 * dimensions_; ++c) moved(c, i) = motion_(c, j);
    }
  });
  std::swap(places_, next_places_);
  motion_ = std::move(moved);
  order_ = std::move(order);
  build_edges();
  arrange_anchors();
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
  const bool narrow = n_ <= kNarrow;
  const auto total = static_cast<std::size_t>(edge_begin_.back());
  edge_scale_.assign(static_cast<std::size_t>(padded_), 0.0F);
  edge_weight_.resize(total);
  narrow ? edge_column16_.resize(total) : edge_column32_.resize(total + kAhead);
  const auto renumber = [&]<class Index>(std::int64_t i, Index* to) {
    const auto [first, last] = edges_of(i);
    for (std::int64_t e = first; e < last; ++e)
      *to++ = static_cast<Index>(
          place[static_cast<std::size_t>(affinities_.column[static_cast<std::size_t>(e)])]);
    std::fill_n(to, (first - last) & 15, static_cast<Index>(i));
  };
  parallel_for(n_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto [first, last] = edges_of(i);
      const std::int64_t at = edge_begin_[static_cast<std::size_t>(i)];
      edge_scale_[static_cast<std::size_t>(i)] = LATLAS_DISPATCH(pack_weights)(
          affinities_.weight.data() + first, last - first, edge_weight_.data() + at);
      narrow ? renumber(i, edge_column16_.data() + at) : renumber(i, edge_column32_.data() + at);
    }
  });
}

void Fit::charge() {
  if (exact_) {
    const Rows gradient{gradient_.data(), n_, dimensions_, gradient_.cols()};
    normalizer_ = exact_field(places(), potential_, gradient, degrees_);
  } else {
    field_.charge(places());
    normalizer_ = field_.normalizer();
    widest_spacing_ = std::max(widest_spacing_, field_.spacing());
  }
  // Rows so far apart that none sees another: the push stays bounded.
  normalizer_ = std::max(normalizer_, (exact_ ? 1e-30 : 1e-5) * static_cast<double>(n_));
}

SweepTask Fit::task() const {
  SweepTask s;
  s.n = n_;
  s.dimensions = dimensions_;
  s.degrees = static_cast<float>(degrees_);
  s.places = places_.data();
  s.edge_begin = edge_begin_.data();
  s.edge_scale = edge_scale_.data();
  s.edge_weight = edge_weight_.data();
  s.edge_column16 = edge_column16_.empty() ? nullptr : edge_column16_.data();
  s.edge_column32 = edge_column32_.data();
  s.are_far = n_ * place_floats(dimensions_) * 4 > kNear;
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
  s.next_places = next_places_.data();
  for (int c = 0; c < dimensions_; ++c) {
    s.velocity[c] = motion_.row(c);
    s.gain[c] = motion_.row(dimensions_ + c);
    if (anchors_ != nullptr) s.anchor[c] = anchor_.row(c);
  }
  if (anchors_ != nullptr) s.anchor_strength = anchor_.row(dimensions_);
  parallel_for(padded_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    sweep_tile(s, cost, begin, end, tiles_[static_cast<std::size_t>(begin / kRowTile)]);
  });
  std::swap(places_, next_places_);
  box_ = tiles_.front();
  for (std::size_t t = 1; t < tiles_.size(); ++t) box_.add(tiles_[t]);
  return cost ? kl_of(box_.cost) : 0;
}

double Fit::kl() const {
  const SweepTask s = task();
  return kl_of(ordered_sum(n_, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    return LATLAS_DISPATCH(cost_of)(s, begin, end);
  }));
}

Matrix Fit::map() const {
  Matrix out(n_, dimensions_);
  double mean[3] = {};
  for (std::int64_t i = 0; i < n_; ++i)
    std::copy_n(places_.row(i), dimensions_, out.row(order_[static_cast<std::size_t>(i)]));
  if (anchors_ != nullptr) return out;
  for (std::int64_t i = 0; i < n_; ++i)
    for (int c = 0; c < dimensions_; ++c) mean[c] += static_cast<double>(out(i, c));
  for (std::int64_t i = 0; i < n_; ++i)
    for (int c = 0; c < dimensions_; ++c)
      out(i, c) =
          static_cast<float>(static_cast<double>(out(i, c)) - mean[c] / static_cast<double>(n_));
  return out;
}

/// Rows move fast at first, then little: when to renumber them.
bool renumbers_at(std::int64_t iteration) {
  return iteration <= 50 ? iteration % 25 == 0
                         : (iteration <= 300 ? iteration % 50 == 0 : iteration % 200 == 0);
}

/// What the bits of a fit follow from, besides its parameters.
std::string fingerprint_of(const Affinities& affinities, ConstRows start, const Anchors* anchors) {
  Digest hash;
  hash.add(std::as_bytes(std::span(affinities.begin)));
  hash.add(std::as_bytes(std::span(affinities.column)));
  hash.add(std::as_bytes(std::span(affinities.weight)));
  for (std::int64_t i = 0; i < start.rows(); ++i) hash.add(std::as_bytes(start[i]));
  if (anchors != nullptr) {
    hash.add(std::as_bytes(std::span(&anchors->strength, 1)));
    for (std::int64_t i = 0; i < anchors->places.rows(); ++i)
      hash.add(std::as_bytes(anchors->places[i]));
  }
  return hash.hex();
}

/// "perplexity 30; exaggeration 12; …"
std::string described(TsneParams p) {
  std::string out;
  for (const Field& f : fields(p))
    if (f.changes_result) out += (out.empty() ? "" : "; ") + f.name + " " + to_text(f);
  return out;
}

/// The first of the parts between "; " in which `other` differs from `text`; empty if none does.
std::string difference(const std::string& other, const std::string& text) {
  const auto equal = std::mismatch(other.begin(), other.end(), text.begin(), text.end());
  if (equal.first == other.end() && equal.second == text.end()) return "";
  const auto at = static_cast<std::size_t>(equal.first - other.begin());
  const std::size_t before = at == 0 ? std::string::npos : other.rfind("; ", at - 1);
  const std::size_t begin = before == std::string::npos ? 0 : before + 2;
  return other.substr(begin, std::max(other.find(';', at), begin) - begin);
}

/// Throws unless the state belongs to a fit of these data and parameters.
void require_resumable(const TsneState& state, const TsneState& fit) {
  require(state.parameters == fit.parameters, "tsne: the checkpoint was made with ",
          difference(state.parameters, fit.parameters), ", the fit has ",
          difference(fit.parameters, state.parameters),
          "; remove it, or give the parameters that it was made with");
  require(state.data == fit.data,
          "tsne: the checkpoint was made from other rows, another start or "
          "other anchors; remove it, or give what it was made from");
  require(state.places.rows() == fit.places.rows() && state.places.cols() == fit.places.cols() &&
              std::ssize(state.order) == fit.places.rows() &&
              state.motion.rows() == fit.motion.rows() && state.motion.cols() == fit.motion.cols(),
          "tsne: the checkpoint has a map of ", state.places.rows(), " × ", state.places.cols(),
          ", expected ", fit.places.rows(), " × ", fit.places.cols());
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
      {"momentum", &p.momentum,
       "larger remembers longer; the default becomes 0.8 for fewer than 5,000 rows", 0, 0.99},
      {"stop_below", &p.stop_below,
       "ends when an iteration lowers the divergence by less than this share; the default becomes "
       "1e-5 for fewer than 5,000 rows; 0: never",
       0, 1},
      {"grid_spacing", &p.grid_spacing,
       "of the repulsive field; smaller is more exact and slower; 0: 1/2, on a line 1/3", 0, 1},
      {"exact_below", &p.exact_below, "fewer rows than this get the exact field, in n² time", 0,
       1e6},
      {"coarse_above", &p.coarse_above,
       "more rows than this, in the plane, begin where their groups lie in a map of the groups; 0: "
       "by preset, and never by default",
       0, 2e9},
      {"dimensions", &p.dimensions, "of the map: 1, 2 or 3", 1, 3},
      {"degrees_of_freedom", &p.degrees_of_freedom,
       "of the map's kernel; below 1 its tail is heavier and shows finer clusters", 0.1, 100},
      {"seed", &p.seed, "of the jitter that tells equal rows of the start apart"},
      {.name = "preset",
       .value = &p.preset,
       .help = "what parameters left at their defaults become",
       .choices = {"default", "fast", "exact"}},
      {.name = "affinities",
       .value = &p.affinities,
       .help = "what weighs a row's neighbors; automatic: by preset",
       .choices = {"automatic", "perplexity", "multiscale", "uniform", "gaussian"}},
      {"scales", &p.scales,
       "perplexities of multiscale affinities; none: perplexity and ten times that", 1, 1e6},
      {"bandwidth", &p.bandwidth,
       "deviation of gaussian affinities, in the data's unit; 0: the rows' median", 0, 1e18},
      {"kept_mass", &p.kept_mass,
       "share of its weight that a row's nearest neighbors keep; smaller is faster", 0.1, 1},
      {"late_exaggeration", &p.late_exaggeration,
       "attraction after the early phase; larger gives tighter clusters; 0: by rows", 0, 100},
      {"keep_start", &p.keep_start,
       "take the start as it is, as an earlier map, without early exaggeration"},
  };
}

namespace {

bool begins_with_groups(const TsneParams& p, std::int64_t n, const TsneExtras& extras) {
  return p.coarse_above > 0 && n > p.coarse_above && p.dimensions == 2 &&
         extras.anchors == nullptr && extras.resume == nullptr;
}

// A start that is kept stands among rows some units apart.
void require_map_size(ConstRows start, std::int64_t columns) {
  for (std::int64_t i = 0; i < start.rows(); ++i)
    for (std::int64_t c = 0; c < columns; ++c)
      require(std::abs(start(i, c)) <= kFarthestPlace, "tsne: row ", i, " of the kept start is at ",
              start(i, c), "; a map lies within ±1e9");
}

}  // namespace

TsneResult tsne(const Affinities& affinities, ConstRows start, const TsneParams& params,
                const Progress& progress, const TsneExtras& extras) {
  TsneParams p = params;
  check(fields(p), "tsne");
  require_valid(affinities, "tsne");
  const std::int64_t n = affinities.rows();
  p = paced(with_preset(p), n);
  require(start.rows() == n, "tsne: the start has ", start.rows(), " rows, the affinities have ",
          n);
  require(n == 0 || start.cols() >= p.dimensions, "tsne: the start has ", start.cols(),
          " columns, the map needs ", p.dimensions);
  require_finite(start, "tsne: start");
  if (p.keep_start) require_map_size(start, p.dimensions);
  if (extras.anchors != nullptr) require_valid(*extras.anchors, n, p.dimensions, "tsne");
  TsneResult result;
  result.map = Matrix(n, p.dimensions);
  result.exact_normalizer = n < p.exact_below;
  if (n < 2 || affinities.edges() == 0) {
    result.converged = true;
    if (n > 1) result.notes.emplace_back("the rows have no neighbors: all stand at the origin");
    if (extras.anchors != nullptr) result.map = extended(*extras.anchors, affinities);
    return result;
  }

  const auto began = std::chrono::steady_clock::now();
  bool exaggerating = p.exaggeration_iterations > 0 && p.exaggeration > 1 && !p.keep_start;
  CoarseStart coarse;
  if (exaggerating && begins_with_groups(p, n, extras)) {
    coarse = coarse_start(affinities, start, p, progress);
    result.stopped = coarse.stopped;
    if (!coarse.stopped && coarse.groups == 0)
      result.notes.emplace_back(
          "the rows begin by themselves: their groups are too small, or all apart");
  }
  TsneParams placed = p;
  if (coarse.groups > 0) {
    exaggerating = false;
    placed.keep_start = true;
    result.notes.push_back(sentence("the rows begin where their ", coarse.groups,
                                    " groups lie in a map of the groups, without exaggeration"));
  }
  Fit fit(affinities, coarse.groups > 0 ? coarse.places : start, placed, extras.anchors);
  coarse.places = {};
  Watch watch;
  const double late = late_exaggeration(p, n, result.notes);
  std::int64_t it = 0, last = p.iterations;
  const bool known = extras.save || extras.resume != nullptr;
  const std::string data = known ? fingerprint_of(affinities, start, extras.anchors) : "";
  const auto state = [&] {
    TsneState s = fit.state();
    s.data = data;
    s.parameters = described(p);
    s.iteration = it;
    s.last = last;
    s.exaggerated = result.exaggerated;
    s.exaggerating = exaggerating;
    s.converged = result.converged;
    s.watch = watch;
    s.trace = result.trace;
    s.notes = result.notes;
    return s;
  };
  if (extras.resume != nullptr) {
    const TsneState& from = *extras.resume;
    require_resumable(from, state());
    fit.resume(from);
    it = from.iteration;
    last = from.last;
    result.exaggerated = from.exaggerated;
    exaggerating = from.exaggerating;
    result.converged = from.converged;
    watch = {from.watch};
    result.trace = from.trace;
    result.notes = from.notes;
  }
  if (n >= p.exact_below && p.degrees_of_freedom > 1 && extras.resume == nullptr)
    result.notes.push_back(
        sentence("with more than 1 degree of freedom the field's map reaches a somewhat higher "
                 "divergence than the sum over all pairs does; exact_below ",
                 n + 1, " takes that"));
  const std::int64_t first = it;
  if (result.stopped) fit.renumber();  // as the first iteration does
  for (; it < last && !result.stopped; ++it) {
    if (extras.save && extras.save_every > 0 && it > first && it % extras.save_every == 0)
      extras.save(state());
    if (exaggerating && it == p.exaggeration_iterations) {
      exaggerating = false;
      watch = {};
    }
    const bool settling = !exaggerating && it >= last - kSettling;
    // Of many rows it takes as long as some iterations, and few are left.
    if (renumbers_at(it) && !(settling && n > kNarrow)) fit.renumber();
    const double exaggeration = exaggerating ? p.exaggeration : late;
    const double rate = p.learning_rate > 0 ? p.learning_rate
                                            : static_cast<double>(n) / std::max(exaggeration, 1.0);
    const double most = exaggerating ? kEarlyMomentum : (settling ? kLastMomentum : 1);
    auto step_began = std::chrono::steady_clock::now();
    fit.charge();
    result.field_seconds += seconds_since(step_began);
    const bool report = it > 0 && it % kReportEvery == 0, shown = extras.snapshots.due(it);
    const Matrix seen = shown ? fit.map() : Matrix();
    step_began = std::chrono::steady_clock::now();
    const double kl = fit.step({.exaggeration = exaggeration,
                                .learning_rate = rate,
                                .momentum = std::min(p.momentum, most)},
                               report || shown);
    result.sweep_seconds += seconds_since(step_began);
    if (exaggerating) ++result.exaggerated;
    if (shown) result.stopped = extras.snapshots.show({it, kl, seen}) == Next::stop;
    if (!report) continue;

    result.trace.push_back({it, kl});
    const double seconds = seconds_since(began);
    if (wants_stop(progress,
                   {.stage = "t-SNE", .step = it, .of = last, .loss = kl, .seconds = seconds}))
      result.stopped = true;
    if (exaggerating) {
      if (p.stop_below > 0 && watch.stalls(kl, kExaggerationStalls)) {
        exaggerating = false;
        watch = {};
      }
    } else if (!settling && p.stop_below > 0 &&
               watch.stalls(kl + (late - 1) * fit.pull(), p.stop_below)) {
      result.converged = !watch.rising;
      if (watch.rising)
        result.notes.emplace_back(
            "the divergence rose instead of falling; a lower learning_rate or momentum may help");
      last = std::min(last, it + 1 + kSettling);
    }
  }
  if (result.stopped && extras.save && it > 0) extras.save(state());
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
  if (fit.widest_spacing() > field_spacing(p.grid_spacing, p.dimensions))
    result.notes.push_back(sentence(
        "the map grew so wide that the field's spacing was enlarged to ", fit.widest_spacing()));
  return result;
}

TsneResult tsne(const Neighbors& graph, ConstRows start, const TsneParams& params,
                const Progress& progress, const TsneExtras& extras) {
  const std::int64_t n = graph.rows();
  require(start.rows() == n, "tsne: the start has ", start.rows(), " rows, the graph has ", n);
  std::vector<std::string> notes;
  const TsneParams p = settled(params, graph, notes);
  TsneResult result = tsne(joint_affinities(graph, affinity_params(p)), start, p, progress, extras);
  result.notes.insert(result.notes.begin(), notes.begin(), notes.end());
  return result;
}

}  // namespace latlas
#endif
