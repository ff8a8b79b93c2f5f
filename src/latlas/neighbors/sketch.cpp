#include "latlas/neighbors/sketch.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "latlas/core/eigen.h"
#include "latlas/core/product.h"
#include "latlas/core/simd.h"
#include "latlas/core/simd_pairs.h"

namespace latlas::scan {
namespace {

constexpr double kUnit = 0x1p-24;
constexpr std::int64_t kSample = 1024;  // rows that are judged by
constexpr std::int64_t kJudges = 64;    // of them, as queries
constexpr std::int64_t kMostDirections = 255;
constexpr std::int64_t kStep = 16;       // numbers of a sketch are tried in multiples
constexpr std::int64_t kLeastCols = 65;  // shorter rows are searched by cells (cells.h)

// What a pair costs, in multiply-adds of the product tile: the test of its score, and the whole
// product of one pair alone, which fills no tile and waits for memory. Measured under AVX2.
constexpr double kTest = 8;  // of a tile of floats
constexpr double kSketchTest = 14;
constexpr double kWorthwhile = 0.8;  // of the plain cost: what the model leaves out is on this side
double cost_alone(std::int64_t d) { return 2000 + 4 * static_cast<double>(d); }

struct Choice {
  std::int64_t directions = 0;  // 0: the row itself
  double cost = 0;              // of a pair
};

/// Evenly chosen rows, centered and scaled (and negated, which no product of two of them sees).
Matrix sample_of(ConstRows data, const Frame& frame, std::span<const std::int32_t> rows,
                 std::int64_t size) {
  const std::int64_t n = static_cast<std::int64_t>(rows.size()), d = frame.cols();
  Matrix sample(size, d);
  Block block(d);
  std::vector<std::int32_t> chosen;
  for (std::int64_t first = 0; first < size; first += kBlock) {
    const std::int64_t last = std::min(size, first + kBlock);
    chosen.clear();
    for (std::int64_t i = first; i < last; ++i)
      chosen.push_back(rows[static_cast<std::size_t>(i * n / size)]);
    block.fill(frame, data, chosen);
    for (std::int64_t i = first; i < last; ++i)
      std::copy_n(block.negated.row(i - first), d, sample.row(i));
  }
  return sample;
}

template <class To, class From>
BasicMatrix<To> converted(const BasicMatrix<From>& from) {
  BasicMatrix<To> to(from.rows(), from.cols());
  for (std::int64_t i = 0; i < from.size(); ++i) to.data()[i] = static_cast<To>(from.data()[i]);
  return to;
}

Matrix orthonormal(const Matrix& rows) {
  BasicMatrix<double> q = converted<double>(rows);
  orthonormalize(q);
  return converted<float>(q);
}

// The leading principal directions of the sample, nearly: two steps of subspace iteration from rows
// of the sample, then turned so that the longest come first.
Matrix principal_directions(const Matrix& sample, std::int64_t count) {
  const std::int64_t d = sample.cols();
  Matrix moments(d, d), start(count, d), turned(count, d), small(count, count);
  product(sample, sample, moments, {.transpose_a = true});
  for (std::int64_t i = 0; i < count; ++i)
    std::copy_n(sample.row(i * sample.rows() / count), d, start.row(i));
  Matrix q = orthonormal(start);
  for (int step = 0; step < 2; ++step) {
    product(q, moments, turned);
    q = orthonormal(turned);
  }
  product(q, moments, turned);
  product(turned, q, small, {.transpose_b = true});
  const SymmetricEigen eigen = symmetric_eigen(converted<double>(small));
  product(converted<float>(eigen.vectors), q, turned);
  return orthonormal(turned);
}

/// Squared distances of the judges from the sample, and the square within which each finds as many
/// rows as it will among all.
struct Trial {
  Matrix square;               // judges × sample
  std::vector<float> nearest;  // of each judge
  std::vector<std::int64_t> judge;
  std::vector<double> norm;  // |x'|² of the sample

  Trial(const Matrix& sample, std::int64_t count, std::int64_t n)
      : square(kJudges, sample.rows()), norm(static_cast<std::size_t>(sample.rows())) {
    const std::int64_t s = sample.rows(), d = sample.cols();
    const std::int64_t rank = std::min(s - 1, (count * s + n - 1) / n);
    for (std::int64_t i = 0; i < s; ++i)
      for (std::int64_t k = 0; k < d; ++k)
        norm[static_cast<std::size_t>(i)] +=
            static_cast<double>(sample(i, k)) * static_cast<double>(sample(i, k));
    Matrix judges(kJudges, d);
    for (std::int64_t q = 0; q < kJudges; ++q) {
      judge.push_back(q * s / kJudges);
      std::copy_n(sample.row(judge.back()), d, judges.row(q));
    }
    product(judges, sample, square, {.transpose_b = true});
    std::vector<float> sorted(static_cast<std::size_t>(s));
    for (std::int64_t q = 0; q < kJudges; ++q) {
      const std::int64_t self = judge[static_cast<std::size_t>(q)];
      for (std::int64_t i = 0; i < s; ++i)
        square(q, i) = static_cast<float>(norm[static_cast<std::size_t>(self)] +
                                          norm[static_cast<std::size_t>(i)] -
                                          2 * static_cast<double>(square(q, i)));
      square(q, self) = std::numeric_limits<float>::max();
      std::copy_n(square.row(q), s, sorted.begin());
      std::nth_element(sorted.begin(), sorted.begin() + (rank - 1), sorted.end());
      nearest.push_back(std::max(sorted[static_cast<std::size_t>(rank - 1)], 0.0F));
    }
  }

  double pairs() const { return static_cast<double>(square.size()); }

  /// Share of the pairs that need a whole product when rows are their own sketches.
  double share() const {
    std::int64_t survivors = 0;
    for (std::int64_t q = 0; q < kJudges; ++q)
      for (std::int64_t i = 0; i < square.cols(); ++i)
        survivors += square(q, i) <= 1.02F * nearest[static_cast<std::size_t>(q)] ? 1 : 0;
    return static_cast<double>(survivors) / pairs();
  }

  /// The same when sketches have kStep · (i + 1) numbers.
  std::vector<double> shares(const Matrix& sample, const Matrix& directions) const {
    const std::int64_t s = sample.rows(), m = directions.rows();
    Matrix image(s, m);
    product(sample, directions, image, {.transpose_b = true});
    // What the first kStep (j + 1) − 1 directions leave of a row.
    const std::int64_t steps = (m + 1) / kStep;
    BasicMatrix<double> left(s, steps);
    for (std::int64_t i = 0; i < s; ++i) {
      double square_left = norm[static_cast<std::size_t>(i)];
      for (std::int64_t k = 0, j = 0; j < steps; ++k) {
        if (k == kStep * (j + 1) - 1) left(i, j++) = std::sqrt(std::max(square_left, 0.0));
        if (k < m)
          square_left -= static_cast<double>(image(i, k)) * static_cast<double>(image(i, k));
      }
    }
    std::vector<double> survivors(static_cast<std::size_t>(steps));
    for (std::int64_t q = 0; q < kJudges; ++q) {
      const std::int64_t self = judge[static_cast<std::size_t>(q)];
      const double within = 1.02 * static_cast<double>(nearest[static_cast<std::size_t>(q)]);
      for (std::int64_t i = 0; i < s; ++i) {
        if (i == self) continue;
        const double both =
            norm[static_cast<std::size_t>(self)] + norm[static_cast<std::size_t>(i)];
        double dot = 0;
        for (std::int64_t k = 0, j = 0; j < steps; ++k) {
          if (k == kStep * (j + 1) - 1) {
            if (both - 2 * (dot + left(self, j) * left(i, j)) <= within)
              survivors[static_cast<std::size_t>(j)] += 1 / pairs();
            ++j;
          }
          if (k < m) dot += static_cast<double>(image(self, k)) * static_cast<double>(image(i, k));
        }
      }
    }
    return survivors;
  }
};

}  // namespace

Sketcher sketcher_for(ConstRows data, const Frame& frame, std::span<const std::int32_t> rows,
                      std::int64_t queries, std::int64_t count, std::int64_t width) {
  const std::int64_t n = static_cast<std::int64_t>(rows.size()), d = frame.cols();
  if (n < kSample || d < kLeastCols) return {};
  const double whole = static_cast<double>(d), work = static_cast<double>(queries) * n * whole;
  const std::int64_t most = std::min(kMostDirections, d * 3 / 4);
  // The trials themselves must not be felt; those of directions cost more.
  const double trial = 10.0 * (kJudges + 16) * kSample * whole;
  const double directions = 10.0 * (2.0 * kSample * whole * whole + 8.0 * most * most * whole +
                                    20.0 * most * most * most);
  if (work < trial) return {};

  // What a number of a sketch costs; one instruction takes two of them, or does so fused.
  const double number = simd::name() == "avx512" && has_pair_product() ? 0.25 : 0.5;
  const Matrix sample = sample_of(data, frame, rows, kSample);
  const Trial judged(sample, count, n);
  Choice best{.directions = 0,
              .cost = whole * number + kSketchTest + judged.share() * cost_alone(d)};
  Matrix q;
  if (work > trial + directions && most + 1 >= kStep) {
    q = principal_directions(sample, most);
    const std::vector<double> shares = judged.shares(sample, q);
    for (std::size_t j = 0; j < shares.size(); ++j) {
      const auto numbers = static_cast<double>(kStep * (static_cast<std::int64_t>(j) + 1));
      const double cost = numbers * number + kSketchTest + shares[j] * cost_alone(d);
      if (cost < best.cost) best = {static_cast<std::int64_t>(numbers) - 1, cost};
    }
  }
  if (best.cost >= kWorthwhile * (whole + kTest)) return {};

  Sketcher sketcher;
  const std::int64_t m = best.directions;
  sketcher.numbers = m > 0 ? m + 1 : d;
  double coordinates = 0, skew = 0;  // η₁, η₂
  if (m > 0) {
    const Matrix kept = copy_of(q.rows(0, m));
    coordinates = (whole + 4) * kUnit * std::sqrt(static_cast<double>(m)) * 1.001;
    skew = orthonormal_defect(converted<double>(kept)) * 1.001;
    sketcher.directions =
        pack(kept, {std::vector<float>(static_cast<std::size_t>(d)), 1, {}}, in_order(m), width);
    sketcher.directions.data = {};
    std::fill(sketcher.directions.half_norm.begin(), sketcher.directions.half_norm.end(), 0.0F);
  }
  const double rounding =
      std::sqrt(static_cast<double>(sketcher.numbers)) / (2 * 32766.0) * 1.001 + 0x1p-21;  // ρ
  sketcher.shrink = coordinates + skew;
  sketcher.error =
      1.01 * (2 * coordinates * (1 + coordinates) + skew +
              (2 * rounding + rounding * rounding) * (1 + 4 * sketcher.shrink) + 8 * kUnit);
  return sketcher;
}

}  // namespace latlas::scan
