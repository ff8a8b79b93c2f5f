// Spearman's rank correlation of the distances of pairs: Pearson's correlation of their ranks,
// equal distances sharing the mean of theirs.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "latlas/core/distance.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/evaluate/sample.h"
#include "latlas/evaluate/scores.h"

namespace latlas {
namespace {

struct Pair {
  std::int32_t a, b;
};

std::vector<Pair> all_pairs(std::int64_t n) {
  std::vector<Pair> pairs;
  for (std::int32_t i = 1; i < n; ++i)
    for (std::int32_t j = 0; j < i; ++j) pairs.push_back({i, j});
  return pairs;
}

std::vector<Pair> drawn_pairs(std::int64_t n, const EvaluateParams& params) {
  std::vector<Pair> pairs(static_cast<std::size_t>(params.sample_pairs));
  const auto rows = static_cast<std::uint64_t>(n);
  parallel_for(params.sample_pairs, 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto draw = [&](std::uint64_t below, std::uint32_t sub) {
        return random::below(below, {.seed = params.seed,
                                     .stream = random::Stream::sample,
                                     .sub = sub,
                                     .index = static_cast<std::uint64_t>(i)});
      };
      const std::uint64_t a = draw(rows, 1), other = draw(rows - 1, 2);
      pairs[static_cast<std::size_t>(i)] = {static_cast<std::int32_t>(a),
                                            static_cast<std::int32_t>(other + (other >= a))};
    }
  });
  return pairs;
}

/// Distances as float32.
std::vector<float> distances_of(ConstRows rows, const std::vector<Pair>& pairs) {
  std::vector<float> out(pairs.size());
  parallel_for(
      static_cast<std::int64_t>(pairs.size()), 4096, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          const Pair p = pairs[static_cast<std::size_t>(i)];
          const double square = squared_distance(rows.row(p.a), rows.row(p.b), rows.cols());
          out[static_cast<std::size_t>(i)] = static_cast<float>(std::sqrt(square));
        }
      });
  return out;
}

/// Ranks from 1; equal values share their mean rank. By radix sort: values are not negative, so
/// their bits are in their order.
std::vector<double> ranks_of(const std::vector<float>& values) {
  const std::size_t n = values.size();
  std::vector<std::uint64_t> keys(n), other(n);
  for (std::size_t i = 0; i < n; ++i)
    keys[i] = (std::uint64_t{std::bit_cast<std::uint32_t>(values[i])} << 32) | i;
  for (int shift = 32; shift < 64; shift += 11) {
    std::vector<std::size_t> at(2049);
    for (const std::uint64_t key : keys) ++at[(key >> shift & 2047) + 1];
    std::partial_sum(at.begin(), at.end(), at.begin());
    for (const std::uint64_t key : keys) other[at[key >> shift & 2047]++] = key;
    keys.swap(other);
  }
  std::vector<double> rank(n);
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    while (end < n && keys[end] >> 32 == keys[begin] >> 32) ++end;
    const double mean = 0.5 * static_cast<double>(begin + 1 + end);
    for (std::size_t i = begin; i < end; ++i) rank[keys[i] & 0xFFFFFFFF] = mean;
  }
  return rank;
}

/// Pearson's correlation; 0 where one side does not vary.
double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  const double mean = 0.5 * static_cast<double>(x.size() + 1);  // of any ranks
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = x[i] - mean, b = y[i] - mean;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace

Score spearman(ConstRows data, ConstRows map, const EvaluateParams& params) {
  scoring::check_params(params);
  scoring::check_pair(data, map);
  const std::int64_t n = data.rows();
  require(n >= 3, "evaluate: spearman compares pairs of at least 3 rows, there are ", n);
  const bool exact = n <= (std::int64_t{1} << 31) && n * (n - 1) / 2 <= params.sample_pairs;
  const std::vector<Pair> pairs = exact ? all_pairs(n) : drawn_pairs(n, params);
  const double rho =
      correlation(ranks_of(distances_of(data, pairs)), ranks_of(distances_of(map, pairs)));
  const auto m = static_cast<double>(pairs.size());
  return {rho, exact ? 0 : (1 - rho * rho) * std::sqrt((1 + rho * rho / 2) / (m - 3)),
          static_cast<std::int64_t>(pairs.size())};
}

}  // namespace latlas
