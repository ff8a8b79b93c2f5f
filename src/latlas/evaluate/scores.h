// How far a map can be trusted.
//
// Every score compares the map (n × 2, or any dimension) with the data it was made from (n × d).
// Distances are Euclidean. Up to `exact_rows` rows each score is exact; above, it is the mean over
// a seeded sample of rows, each measured against ALL rows, and comes with its standard error.
// Spearman's correlation alone is of pairs, and sampled from `sample_pairs` of them on.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"

namespace latlas {

struct Score {
  double value = 0;
  double standard_error = 0;  ///< 0 when exact, or when all sampled values agree.
  std::int64_t rows = 0;      ///< Rows (of spearman: pairs) the value is a mean over.
};

struct EvaluateParams {
  std::int64_t k = 15;                  ///< Neighborhood of trustworthiness, continuity, recall.
  std::int64_t label_k = 10;            ///< Neighbors that vote on a label.
  std::int64_t exact_rows = 20000;      ///< Up to here every row is measured.
  std::int64_t sample_rows = 5000;      ///< Rows measured above; larger lowers the error.
  std::int64_t sample_pairs = 1000000;  ///< Pairs of spearman, when there are more.
  std::uint64_t seed = 0;               ///< Of the sample.
};
std::vector<Field> fields(EvaluateParams& params);

using Labels = std::span<const std::int32_t>;  ///< One a row; any numbers.

/// Trustworthiness: were the neighbors seen in the map neighbors in the data?
///
///   T(k) = 1 − 2 / (n k (2n − 3k − 1)) · Σ_i Σ_{j ∈ U_i} (rank(i, j) − k)
///
/// U_i: among the k nearest of i in the map, but not in the data. rank(i, j): place of j among i's
/// neighbors in the data; 1 is nearest; equal distances are ordered by index.
/// Range 0 … 1; larger is better; 1 when no false neighbor is shown; about ½ for a random map.
/// Venna & Kaski, Neighborhood preservation in nonlinear projection methods, 2001.
/// @throws InvalidArgument  unless 1 ≤ k < n / 2, data and map have n rows, and all is finite.
/// Cost: sampled rows · n · d multiply-adds.
Score trustworthiness(ConstRows data, ConstRows map, const EvaluateParams& params = {});

/// Continuity: did the neighbors in the data stay neighbors in the map? Trustworthiness with the
/// roles of data and map exchanged (same source, range, direction, cost).
Score continuity(ConstRows data, ConstRows map, const EvaluateParams& params = {});

/// Recall: the share of the k nearest in the data that are among the k nearest in the map.
/// Range 0 … 1; larger is better; k / (n − 1) for a random map.
Score recall(ConstRows data, ConstRows map, const EvaluateParams& params = {});

/// Spearman's rank correlation between the distances of pairs of rows in the data and in the map:
/// is what is far apart in the data far apart in the map? Equal distances share their mean rank.
/// Range −1 … 1; larger is better. Over all pairs where there are at most sample_pairs; else over
/// that many drawn with replacement, with the standard error of Bonett & Wright, Sample size
/// requirements for estimating Pearson, Kendall and Spearman correlations, 2000.
/// Where all distances of one side are equal no correlation exists; the value is 0.
/// @throws InvalidArgument  for fewer than 3 rows.
Score spearman(ConstRows data, ConstRows map, const EvaluateParams& params = {});

/// Label accuracy: the share of rows whose label is that of the majority of their label_k nearest
/// in the map, the row itself left out. Of classes with equally many votes the one that holds the
/// nearest neighbor wins. Range 0 … 1; larger is better.
Score label_accuracy(ConstRows map, Labels labels, const EvaluateParams& params = {});

/// The same for placed points: each is given the label of the majority of its label_k nearest among
/// the rows of `train_map`.
Score label_accuracy(ConstRows train_map, Labels train_labels, ConstRows map, Labels labels,
                     const EvaluateParams& params = {});

struct Quality {
  Score trustworthiness, continuity, recall, spearman;
  std::optional<Score> label_accuracy;  ///< Absent without labels.
};

/// All scores of a map, sharing their passes over the data; the same numbers as one by one.
/// @param labels  one a row, or none.
Quality evaluate_map(ConstRows data, ConstRows map, Labels labels = {},
                     const EvaluateParams& params = {});

}  // namespace latlas
