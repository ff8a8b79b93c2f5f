#include "latlas/layout/start.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/spectral.h"

namespace latlas {

Matrix pca_start(ConstRows rows, std::int64_t columns) {
  const std::int64_t components = std::min({columns, rows.rows(), rows.cols()});
  const Matrix found = transform(fit_pca(rows, {.components = components}), rows);
  Matrix start(rows.rows(), columns);
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    std::copy_n(found.row(i), components, start.row(i));
  return start;
}

Matrix random_start(std::int64_t n, std::int64_t columns, std::uint64_t seed) {
  constexpr std::uint32_t kSequence = 1;  // 0 is the jitter of t-SNE and UMAP, 2 and 3 are groups'
  Matrix start(n, columns);
  parallel_for(start.size(), 4096, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      start.data()[i] =
          static_cast<float>(random::normal({.seed = seed,
                                             .stream = random::Stream::start,
                                             .sub = kSequence,
                                             .index = static_cast<std::uint64_t>(i)}));
  });
  return start;
}

double largest_deviation(ConstRows places, std::int64_t columns) {
  const auto n = static_cast<double>(places.rows());
  double largest = 0;
  for (std::int64_t c = 0; c < columns; ++c) {
    double mean = 0, square = 0;
    for (std::int64_t i = 0; i < places.rows(); ++i) mean += static_cast<double>(places(i, c));
    mean /= n;
    for (std::int64_t i = 0; i < places.rows(); ++i) {
      const double d = static_cast<double>(places(i, c)) - mean;
      square += d * d;
    }
    largest = std::max(largest, std::sqrt(square / n));
  }
  return largest;
}

Start make_start(const std::string& name, ConstRows rows, const Affinities& graph,
                 std::int64_t columns, std::uint64_t seed) {
  const std::int64_t n = rows.rows();
  if (name == "random") return {random_start(n, columns, seed), {}};
  if (name == "pca") return {pca_start(rows, columns), {}};
  require(name == "spectral", "start: '", name, "' is unknown; known are pca, spectral, random");
  require(graph.rows() == n, "start: the graph has ", graph.rows(), " rows, there are ", n);
  if (n <= columns + 1) return {pca_start(rows, columns), {}};
  Spectrum spectrum = spectral(graph, columns, seed);
  if (spectrum.connected && spectrum.converged) return {std::move(spectrum.vectors), {}};
  return {pca_start(rows, columns),
          {spectrum.connected
               ? "the spectral start did not converge; the principal components took its place"
               : "the graph of neighbors falls apart, so it has no spectral start; the principal "
                 "components took its place"}};
}

}  // namespace latlas
