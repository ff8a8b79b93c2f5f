// The harmonic extension u of the anchors' places solves Σ_j w_ij (u_i − u_j) = 0 for free rows.
// Jacobi sweeps spread it from the anchors outwards: a row takes the mean of those neighbors that
// have been reached. A start needs no more than that.
#include "latlas/layout/anchors.h"

#include <cmath>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas {
namespace {

constexpr int kSweeps = 30;
constexpr std::int64_t kRowTile = 1024;
constexpr double kStrongest = 1e6;

}  // namespace

bool is_anchored(const Anchors& anchors, std::int64_t row) {
  return !std::isnan(anchors.places(row, 0));
}

Anchors anchors_of(std::span<const std::int32_t> rows, ConstRows places, std::int64_t n,
                   double strength) {
  require(places.rows() == std::ssize(rows), "anchors: ", rows.size(), " rows are named, ",
          places.rows(), " places are given");
  require_finite(places, "anchors");
  Anchors out{Matrix(n, places.cols()), strength};
  std::fill_n(out.places.data(), n * places.cols(), NAN);
  for (std::int64_t i = 0; i < places.rows(); ++i) {
    const std::int32_t row = rows[static_cast<std::size_t>(i)];
    require(row >= 0 && row < n, "anchors: row ", row, " is named, there are ", n, " rows");
    require(places.cols() == 0 || !is_anchored(out, row), "anchors: row ", row, " is named twice");
    std::copy_n(places.row(i), places.cols(), out.places.row(row));
  }
  return out;
}

void require_valid(const Anchors& anchors, std::int64_t n, std::int64_t columns, const char* what) {
  const Matrix& places = anchors.places;
  require(places.rows() == n && places.cols() == columns, what, ": the anchors are ", places.rows(),
          " × ", places.cols(), ", the map is ", n, " × ", columns);
  require(anchors.strength >= 0 && anchors.strength <= kStrongest, what,
          ": the anchors' strength is ", anchors.strength, ", it must be between 0 (held) and ",
          kStrongest);
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t given = 0, free = 0;
    for (const float x : places[i]) {
      given += std::abs(x) <= kFarthestPlace ? 1 : 0;
      free += std::isnan(x) ? 1 : 0;
    }
    require(given == columns || free == columns, what, ": row ", i,
            " of the anchors is neither a place within ±1e9 nor all NaN");
  }
}

Matrix extended(const Anchors& anchors, const Affinities& affinities) {
  const std::int64_t n = anchors.places.rows(), columns = anchors.places.cols();
  Matrix now(n, columns), next(n, columns);
  std::vector<std::uint8_t> reached(static_cast<std::size_t>(n)), next_reached;
  std::vector<double> mean(static_cast<std::size_t>(columns));
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (!is_anchored(anchors, i)) continue;
    ++count;
    reached[static_cast<std::size_t>(i)] = 1;
    for (std::int64_t c = 0; c < columns; ++c) {
      now(i, c) = anchors.places(i, c);
      mean[static_cast<std::size_t>(c)] += static_cast<double>(now(i, c));
    }
  }
  if (count == 0) return now;
  next_reached = reached;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
      std::vector<double> sum(static_cast<std::size_t>(columns));
      for (std::int64_t i = begin; i < end; ++i) {
        const auto u = static_cast<std::size_t>(i);
        std::copy_n(now.row(i), columns, next.row(i));
        if (is_anchored(anchors, i)) continue;
        double weight = 0;
        std::fill(sum.begin(), sum.end(), 0.0);
        for (std::int64_t e = affinities.begin[u]; e < affinities.begin[u + 1]; ++e) {
          const std::int32_t j = affinities.column[static_cast<std::size_t>(e)];
          if (reached[static_cast<std::size_t>(j)] == 0) continue;
          const auto w = static_cast<double>(affinities.weight[static_cast<std::size_t>(e)]);
          weight += w;
          for (std::int64_t c = 0; c < columns; ++c)
            sum[static_cast<std::size_t>(c)] += w * static_cast<double>(now(j, c));
        }
        if (!(weight > 0)) continue;
        next_reached[u] = 1;
        for (std::int64_t c = 0; c < columns; ++c)
          next(i, c) = static_cast<float>(sum[static_cast<std::size_t>(c)] / weight);
      }
    });
    std::swap(now, next);
    reached = next_reached;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    if (reached[static_cast<std::size_t>(i)] != 0) continue;
    for (std::int64_t c = 0; c < columns; ++c)
      now(i, c) =
          static_cast<float>(mean[static_cast<std::size_t>(c)] / static_cast<double>(count));
  }
  return now;
}

}  // namespace latlas
