// An order of rows in which neighbors in space are neighbors in memory: the rows are halved along a
// direction, and so are the halves, down to groups.
//
// How well groups keep neighbors together depends on these directions, so they are sought with some
// care, over up to 1024 of the rows: power iteration finds the one of largest variance, and from
// there a few steps of 2-means the one between the means of two halves.
#include <algorithm>
#include <bit>
#include <cmath>
#include <span>
#include <vector>

#include "latlas/core/parallel.h"
#include "latlas/neighbors/panels.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/neighbors/compact_order.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

LATLAS_INLINE float dot(const float* x, const float* y, std::int64_t d) {
  F16 sum = zero();
  std::int64_t k = 0;
  for (; k + 16 <= d; k += 16) sum = fma(load(x + k), load(y + k), sum);
  if (k < d) {
    const auto left = static_cast<int>(d - k);
    sum = fma(load_first(x + k, left), load_first(y + k, left), sum);
  }
  return reduce(sum);
}

/// x + a y; d numbers, whole vectors.
LATLAS_INLINE void add(float* x, float a, const float* y, std::int64_t d) {
  const F16 factor = set(a);
  for (std::int64_t k = 0; k < d; k += 16) store(fma(factor, load(y + k), load(x + k)), x + k);
}

/// Scales v so that its largest magnitude is 1; false when all are 0.
bool normalize(std::span<float> v) {
  float largest = 0;
  for (const float x : v) largest = std::max(largest, std::abs(x));
  if (!(largest > 0)) return false;
  for (float& x : v) x /= largest;
  return true;
}

/// Copies rows less their mean, scaled to magnitudes of at most 4, that no product overflows. The
/// first row is taken away before, so that columns that hardly vary lose nothing to rounding.
void center(ConstRows rows, std::span<const std::int32_t> chosen, Matrix& sample) {
  const std::int64_t count = sample.rows(), width = sample.cols();
  float largest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    std::copy_n(rows.row(chosen[static_cast<std::size_t>(i)]), rows.cols(), sample.row(i));
    for (const float x : sample[i]) largest = std::max(largest, std::abs(x));
  }
  const int exponent = largest > 0 ? std::clamp(std::ilogb(largest), -120, 126) : 0;
  const F16 scale = set(std::ldexp(1.0F, -exponent));
  std::vector<float> first(static_cast<std::size_t>(width)), mean(first.size());
  std::copy_n(sample.row(0), width, first.data());
  for (std::int64_t i = 0; i < count; ++i) {
    float* row = sample.row(i);
    for (std::int64_t k = 0; k < width; k += 16)
      store(scale * load(row + k) - scale * load(first.data() + k), row + k);
    add(mean.data(), 1 / static_cast<float>(count), row, width);
  }
  for (std::int64_t i = 0; i < count; ++i) add(sample.row(i), -1, mean.data(), width);
}

/// A direction that separates the rows well, its largest magnitude 1; 0 where they do not differ.
/// @param sample  room for the chosen rows, a row for each, whole vectors wide and 0.
void find_direction(ConstRows rows, std::span<const std::int32_t> chosen, std::int64_t powers,
                    std::int64_t means, Matrix& sample, std::span<float> direction) {
  const std::int64_t count = sample.rows(), width = sample.cols();
  center(rows, chosen, sample);
  // Begins with the row that is farthest from the others' mean: no direction of much variance is
  // at right angles to that.
  float farthest = -1;
  for (std::int64_t i = 0; i < count; ++i) {
    const float square = dot(sample.row(i), sample.row(i), width);
    if (square <= farthest) continue;
    farthest = square;
    std::copy_n(sample.row(i), width, direction.data());
  }
  std::vector<float> next(static_cast<std::size_t>(width));
  for (std::int64_t step = 0; step < powers + means && normalize(direction); ++step) {
    std::fill(next.begin(), next.end(), 0.0F);
    for (std::int64_t i = 0; i < count; ++i) {
      const float along = dot(sample.row(i), direction.data(), width);
      add(next.data(), step < powers ? along : along > 0 ? 1.0F : -1.0F, sample.row(i), width);
    }
    std::copy(next.begin(), next.end(), direction.begin());
  }
  normalize(direction);
}

/// along[row] = the row's product with the direction.
void project(ConstRows rows, std::span<const std::int32_t> chosen, const float* direction,
             std::span<float> along) {
  for (const std::int32_t row : chosen)
    along[static_cast<std::size_t>(row)] = dot(rows.row(row), direction, rows.cols());
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(find_direction);
HWY_EXPORT(project);
}  // namespace

namespace scan {
namespace {

constexpr std::size_t kSample = 1024;            // rows that tell a direction
constexpr std::int64_t kPowers = 5, kMeans = 3;  // steps, of which fewer do within a group
constexpr std::int64_t kPowersWithin = 1;

struct Ordering {
  ConstRows rows;
  std::size_t finest;
  std::span<float> along;  // one for each row
};

// Half of the rows, in whole groups, or in whole runs of the finest size within a group.
std::size_t half_of(std::size_t size, std::size_t finest) {
  const auto group = static_cast<std::size_t>(kGroup);
  const std::size_t unit = size > group ? group : finest;
  return (size / 2 + unit - 1) / unit * unit;
}

std::vector<float> direction_of(const Ordering& o, std::span<const std::int32_t> chosen) {
  const std::size_t step = (chosen.size() + kSample - 1) / kSample;
  std::vector<std::int32_t> some;
  for (std::size_t i = 0; i < chosen.size(); i += step) some.push_back(chosen[i]);
  const std::int64_t d = o.rows.cols();
  Matrix sample(std::ssize(some), (d + 15) / 16 * 16);
  std::vector<float> direction(static_cast<std::size_t>(sample.cols()));
  const bool within = chosen.size() <= static_cast<std::size_t>(kGroup);
  LATLAS_DISPATCH(find_direction)
  (o.rows, some, within ? kPowersWithin : kPowers, kMeans, sample, direction);
  // Products of finite rows with it are finite.
  for (float& x : direction)
    x = std::ldexp(x, -static_cast<int>(std::bit_width(static_cast<std::uint64_t>(d))) - 1);
  return direction;
}

// Brings the lower half along a direction that separates the rows to the front.
void part(const Ordering& o, std::span<std::int32_t> chosen) {
  const std::vector<float> direction = direction_of(o, chosen);
  const auto kernel = LATLAS_DISPATCH(project);
  parallel_for(
      static_cast<std::int64_t>(chosen.size()), 1024, [&](std::int64_t begin, std::int64_t end) {
        kernel(
            o.rows,
            chosen.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
            direction.data(), o.along);
      });
  const auto half = static_cast<std::ptrdiff_t>(half_of(chosen.size(), o.finest));
  std::nth_element(chosen.begin(), chosen.begin() + half, chosen.end(),
                   [&](std::int32_t a, std::int32_t b) {
                     const float x = o.along[static_cast<std::size_t>(a)],
                                 y = o.along[static_cast<std::size_t>(b)];
                     return x < y || (x == y && a < b);
                   });
}

void order_compactly(const Ordering& o, std::span<std::int32_t> chosen) {
  if (chosen.size() <= o.finest) return;
  part(o, chosen);
  const std::size_t half = half_of(chosen.size(), o.finest);
  order_compactly(o, chosen.first(half));
  order_compactly(o, chosen.subspan(half));
}

}  // namespace

std::vector<std::int32_t> compact_order(ConstRows rows, std::vector<std::int32_t> chosen,
                                        std::int64_t finest) {
  std::vector<float> along(static_cast<std::size_t>(rows.rows()));
  const Ordering o{rows, static_cast<std::size_t>(finest), along};
  // The first halves are made one after the other, each on all threads; then those that are left
  // are ordered beside each other.
  const auto beside = static_cast<std::size_t>(4 * threads());
  std::vector<std::span<std::int32_t>> parts = {chosen};
  for (bool halved = true; halved && parts.size() < beside;) {
    std::vector<std::span<std::int32_t>> halves;
    halved = false;
    for (const std::span<std::int32_t> p : parts) {
      const std::size_t half = half_of(p.size(), o.finest);
      if (p.size() <= o.finest) {
        halves.push_back(p);
        continue;
      }
      part(o, p);
      halves.push_back(p.first(half));
      halves.push_back(p.subspan(half));
      halved = true;
    }
    parts = std::move(halves);
  }
  parallel_for(static_cast<std::int64_t>(parts.size()), 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t i = begin; i < end; ++i)
                   order_compactly(o, parts[static_cast<std::size_t>(i)]);
               });
  return chosen;
}

}  // namespace scan
}  // namespace latlas
#endif
