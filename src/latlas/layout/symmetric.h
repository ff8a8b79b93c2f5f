// From what each row thinks of its neighbors to one weight a pair.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/neighbors/neighbors.h"

namespace latlas {

/// A symmetric matrix of weights in compressed rows; columns ascend in each row. t-SNE's have
/// Σ = 1, UMAP's lie between 0 and 1.
struct Affinities {
  std::vector<std::int64_t> begin;  ///< n + 1 places in `column`; row i is [begin[i], begin[i+1]).
  std::vector<std::int32_t> column;
  std::vector<float> weight;  ///< ≥ 0

  std::int64_t rows() const { return begin.empty() ? 0 : std::ssize(begin) - 1; }
  std::int64_t edges() const { return std::ssize(column); }
};

/// How the weights of i on j and of j on i (0 where there is none) become one:
/// sum · (w_ij + w_ji) + product · w_ij w_ji.
struct Join {
  float sum = 1, product = 0;
};

/// Whether a weight of 0 makes a pair.
enum class Zeros { edges, none };

/// The symmetric matrix of all pairs of which one lists the other.
/// @param weight  n × k, k at most that of the graph: of the first k neighbors of each row.
/// @param what    begins the sentence of an error.
/// @throws InvalidArgument  when a neighbor's index is outside [0, n), is the row itself or occurs
///         twice in a row, or shapes differ.
/// Cost: O(n k) time, 24 bytes an edge of scratch.
Affinities symmetric(const Neighbors& graph, const Matrix& weight, Join join, const char* what,
                     Zeros zeros = Zeros::edges);

/// The same for lists of any lengths, in any order: row i lists the columns
/// [begin[i], begin[i+1]) with their weights. Weights of 0 are no pairs.
Affinities symmetric(const Affinities& lists, Join join, const char* what);

}  // namespace latlas
