// KL = Σ p log p + α Σ p log(1 + d²) + log Z, with places in units of √α. Z runs over all pairs:
// rows in blocks of 16, a row against a block at a time, short sums in float, long ones in double,
// tile by tile. Of very many rows a sample stands for all: Z = n · mean φ_i with φ_i = Σ_j≠i (1 +
// d²)^(−α).
#include "latlas/layout/kl.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/kl.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// 1 + d² of a row of a block to the sixteen rows of another. `row`: its first number, the others
/// 16 apart.
LATLAS_INLINE F16 one_and_square(const float* row, const float* block, std::int64_t dims) {
  F16 d = set(1.0F);
  for (std::int64_t k = 0; k < dims; ++k) {
    const F16 delta = set(row[16 * k]) - load(block + 16 * k);
    d = fma(delta, delta, d);
  }
  return d;
}

/// Σ of (1 + d²)^(−α) of row i to all rows of the blocks first … last, itself left out where its
/// block is among them. `points`: [block][dimension][16], the last block padded.
double potential_of_row(const float* points, std::int64_t n, std::int64_t dims, float degrees,
                        std::int64_t i, std::int64_t first_block, std::int64_t last_block) {
  const F16 one = set(1.0F), power = set(-degrees);
  const float* row = points + i / 16 * 16 * dims + i % 16;
  double total = 0;
  F16 sum = zero();
  for (std::int64_t c = first_block; c < last_block; ++c) {
    const F16 d = one_and_square(row, points + c * 16 * dims, dims);
    F16 q = degrees == 1.0F ? one / d : exp(power * log(d));
    if (16 * (c + 1) > n) q = keep(first(static_cast<int>(n - 16 * c)), q);
    if (c ==
        i / 16) {  // The row's own lane is emptied, not subtracted: a 1 would swallow far pairs.
      HWY_ALIGN float own[16];
      store(q, own);
      own[i % 16] = 0;
      q = load(own);
    }
    sum = sum + q;
    if (c % 64 == 63 || c + 1 == last_block) {
      total += static_cast<double>(reduce(sum));
      sum = zero();
    }
  }
  return total;
}

/// Every pair i ≠ j of block b with itself and, both orders counted, with all later blocks.
double normalizer_of_block(const float* points, std::int64_t n, std::int64_t dims, float degrees,
                           std::int64_t b) {
  const std::int64_t blocks = (n + 15) / 16;
  double total = 0;
  for (std::int64_t i = 16 * b; i < n && i < 16 * (b + 1); ++i)
    total += potential_of_row(points, n, dims, degrees, i, b, b + 1) +
             2 * potential_of_row(points, n, dims, degrees, i, b + 1, blocks);
  return total;
}

/// Σ p log p + α p log(1 + d²) over the edges of a row.
double cost_of_row(const float* row, const std::int32_t* column, const float* weight,
                   std::int64_t count, const float* rows, std::int64_t dims, float degrees) {
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
    const F16 term = p * (log(max(p, smallest)) + set(degrees) * log(set(1.0F) + load(square)));
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
HWY_EXPORT(potential_of_row);
HWY_EXPORT(cost_of_row);

namespace {

/// Z of the points, [block][dimension][16], with its standard error.
Divergence normalizer(const Matrix& points, std::int64_t n, std::int64_t dims, const KlParams& p) {
  const std::int64_t blocks = (n + 15) / 16;
  const auto degrees = static_cast<float>(p.degrees_of_freedom);
  if (n <= p.exact_rows || n <= p.sample_rows)
    return {ordered_sum(blocks, 1, [&](std::int64_t b, std::int64_t) {
      return LATLAS_DISPATCH(normalizer_of_block)(points.data(), n, dims, degrees, b);
    })};
  std::vector<double> potential(static_cast<std::size_t>(p.sample_rows));
  parallel_for(p.sample_rows, 1, [&](std::int64_t s, std::int64_t) {
    const auto row = random::below(
        static_cast<std::uint64_t>(n),
        {.seed = p.seed, .stream = random::Stream::sample, .index = static_cast<std::uint64_t>(s)});
    potential[static_cast<std::size_t>(s)] = LATLAS_DISPATCH(potential_of_row)(
        points.data(), n, dims, degrees, static_cast<std::int64_t>(row), 0, blocks);
  });
  const auto m = static_cast<double>(p.sample_rows), all = static_cast<double>(n);
  double sum = 0, square = 0;
  for (const double v : potential) sum += v;
  for (const double v : potential) square += (v - sum / m) * (v - sum / m);
  return {all * sum / m, all * std::sqrt(square / (m - 1) / m)};
}

}  // namespace

std::vector<Field> fields(KlParams& p) {
  return {
      {"degrees_of_freedom", &p.degrees_of_freedom, "of the map's kernel, as in the fit", 0.1, 100},
      {"exact_rows", &p.exact_rows, "up to here the normalizer runs over all pairs", 0, 2e9},
      {"sample_rows", &p.sample_rows, "rows that stand for all above; more lower the error", 2,
       2e9},
      {"seed", &p.seed, "of the sample"}};
}

Divergence kl_divergence(const Affinities& affinities, ConstRows map, const KlParams& params) {
  KlParams p = params;
  check(fields(p), "kl_divergence");
  require_valid(affinities, "kl_divergence");
  const std::int64_t n = affinities.rows(), dims = map.cols();
  require(map.rows() == n, "kl_divergence: the map has ", map.rows(), " rows, the affinities have ",
          n);
  require(n == 0 || dims >= 1, "kl_divergence: the map has no columns");
  require_finite(map, "kl_divergence: map");
  if (n < 2 || affinities.edges() == 0) return {};

  const std::int64_t blocks = (n + 15) / 16;
  Matrix points(blocks, dims * 16), rows = copy_of(map);
  const auto unit = static_cast<float>(1 / std::sqrt(p.degrees_of_freedom));
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < dims; ++k) {
      rows(i, k) *= unit;
      points(i / 16, k * 16 + i % 16) = rows(i, k);
    }
  const Divergence z = normalizer(points, n, dims, p);
  const double cost = ordered_sum(n, 256, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t e = affinities.begin[static_cast<std::size_t>(i)];
      sum += LATLAS_DISPATCH(cost_of_row)(
          rows.row(i), affinities.column.data() + e, affinities.weight.data() + e,
          affinities.begin[static_cast<std::size_t>(i) + 1] - e, rows.data(), dims,
          static_cast<float>(p.degrees_of_freedom));
    }
    return sum;
  });
  const double sum = std::max(z.value, 1e-300);
  return {cost + math::log(sum), z.standard_error / sum};
}

}  // namespace latlas
#endif
