// KL = Σ p log p + Σ p log(1 + d²) + log Z. Z runs over all pairs: rows in blocks of 16, a row
// against a block at a time, short sums in float, long ones in double, tile by tile.
#include "latlas/layout/kl.h"

#include <algorithm>
#include <vector>

#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/kl.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// Σ over the rows of block b and all rows of later blocks, twice, and inside block b; every pair
/// i ≠ j of both orders once. `points`: [block][dimension][16], the last block padded.
double normalizer_of_block(const float* points, std::int64_t n, std::int64_t dims, std::int64_t b) {
  const F16 one = set(1.0F);
  const std::int64_t blocks = (n + 15) / 16;
  const auto distance = [&](const float* row, std::int64_t c) HWY_ATTR {
    const float* other = points + c * 16 * dims;
    F16 d = one;
    for (std::int64_t k = 0; k < dims; ++k) {
      const F16 delta = set(row[16 * k]) - load(other + 16 * k);
      d = fma(delta, delta, d);
    }
    return d;
  };
  double total = 0;
  for (std::int64_t i = 16 * b; i < n && i < 16 * (b + 1); ++i) {
    const float* row = points + b * 16 * dims + i % 16;
    // The row's own lane is emptied, not subtracted: a 1 would swallow far pairs.
    HWY_ALIGN float own[16];
    store(keep(first(static_cast<int>(n - 16 * b < 16 ? n - 16 * b : 16)), one / distance(row, b)),
          own);
    own[i % 16] = 0;
    total += static_cast<double>(reduce(load(own)));
    F16 sum = zero();
    for (std::int64_t c = b + 1; c < blocks; ++c) {
      const F16 q = one / distance(row, c);
      sum = sum + (c + 1 < blocks ? q : keep(first(static_cast<int>(n - 16 * c)), q));
      if (c % 64 == 63 || c + 1 == blocks) {
        total += 2 * static_cast<double>(reduce(sum));
        sum = zero();
      }
    }
  }
  return total;
}

/// Σ p log p + p log(1 + d²) over the edges of a row.
double cost_of_row(const float* row, const std::int32_t* column, const float* weight,
                   std::int64_t count, const float* rows, std::int64_t dims) {
  double cost = 0;
  const F16 smallest = set(1.2e-38F);
  for (std::int64_t e = 0; e < count; e += 16) {
    const int lanes = static_cast<int>(count - e < 16 ? count - e : 16);
    HWY_ALIGN float square[16] = {};
    for (int l = 0; l < lanes; ++l) {
      const float* other = rows + column[e + l] * dims;
      for (std::int64_t k = 0; k < dims; ++k) {
        const float delta = row[k] - other[k];
        square[l] += delta * delta;
      }
    }
    const F16 w = load_first(weight + e, lanes), p = keep(w > smallest, w);
    const F16 term = p * (log(max(p, smallest)) + log(set(1.0F) + load(square)));
    cost += static_cast<double>(reduce(term));
  }
  return cost;
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(normalizer_of_block);
HWY_EXPORT(cost_of_row);

double kl_divergence(const Affinities& affinities, ConstRows map) {
  require_valid(affinities, "kl_divergence");
  const std::int64_t n = affinities.rows(), dims = map.cols();
  require(map.rows() == n, "kl_divergence: the map has ", map.rows(), " rows, the affinities have ",
          n);
  require(n == 0 || dims >= 1, "kl_divergence: the map has no columns");
  require_finite(map, "kl_divergence: map");
  if (n < 2 || affinities.edges() == 0) return 0;

  const std::int64_t blocks = (n + 15) / 16;
  Matrix points(blocks, dims * 16), rows = copy_of(map);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < dims; ++k) points(i / 16, k * 16 + i % 16) = map(i, k);
  const double normalizer = ordered_sum(blocks, 1, [&](std::int64_t b, std::int64_t) {
    return LATLAS_DISPATCH(normalizer_of_block)(points.data(), n, dims, b);
  });
  const double cost = ordered_sum(n, 256, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t e = affinities.begin[static_cast<std::size_t>(i)];
      sum += LATLAS_DISPATCH(cost_of_row)(
          rows.row(i), affinities.column.data() + e, affinities.weight.data() + e,
          affinities.begin[static_cast<std::size_t>(i) + 1] - e, rows.data(), dims);
    }
    return sum;
  });
  return cost + math::log(std::max(normalizer, 1e-300));
}

}  // namespace latlas
#endif
