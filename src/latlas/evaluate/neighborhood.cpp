// Scores of neighborhoods: who is near in the map, and who is near in the data. All of them come
// from two graphs of the sampled rows (one of the data, one of the map) and from the ranks, in the
// one space, of the neighbors found in the other.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/evaluate/sample.h"
#include "latlas/evaluate/scores.h"
#include "latlas/evaluate/vote.h"
#include "latlas/neighbors/exact.h"
#include "latlas/neighbors/ranks.h"

namespace latlas {
namespace {

using scoring::Sample;

void check_k(std::int64_t k, std::int64_t n) {
  require(2 * k < n, "evaluate: k is ", k, ", it must be below half of the ", n,
          " rows; ask for a smaller k");
}

void check_label_k(std::int64_t k, std::int64_t most) {
  require(k <= most, "evaluate: label_k is ", k, ", but only ", most,
          " rows can vote; ask for a smaller label_k");
}

void check_labels(Labels labels, std::int64_t n, const char* what) {
  require(static_cast<std::int64_t>(labels.size()) == n, "evaluate: ", labels.size(),
          " labels for ", n, " ", what, "; one a row is needed");
}

Neighbors graph_of(ConstRows rows, const Sample& sample, std::int64_t k) {
  return nearest_neighbors_of(sample.rows, rows, {.k = k});
}

/// The first k columns.
MatrixView<const std::int32_t> first(const Neighbors& graph, std::int64_t k) {
  return {graph.index.data(), graph.rows(), k, graph.k()};
}

/// A row's share of trustworthiness: 1 − 2 / (k (2n − 3k − 1)) · Σ (rank − k) over the neighbors in
/// `shown` whose rank in the data exceeds k. Its mean over the rows is the score.
Score trust(ConstRows data, MatrixView<const std::int32_t> shown, const Sample& sample) {
  const std::int64_t k = shown.cols();
  const BasicMatrix<std::int32_t> rank = ranks(data, sample.rows, shown);
  const double unit =
      2.0 / (static_cast<double>(k) * static_cast<double>(2 * sample.of - 3 * k - 1));
  std::vector<double> values;
  for (std::int64_t i = 0; i < rank.rows(); ++i) {
    std::int64_t excess = 0;
    for (const std::int32_t r : rank[i]) excess += std::max<std::int64_t>(r - k, 0);
    values.push_back(1 - unit * static_cast<double>(excess));
  }
  return scoring::mean_score(values, sample);
}

Score shared(MatrixView<const std::int32_t> a, MatrixView<const std::int32_t> b,
             const Sample& sample) {
  std::vector<double> values;
  std::vector<std::int32_t> x, y, both;
  for (std::int64_t i = 0; i < a.rows(); ++i) {
    x.assign(a[i].begin(), a[i].end());
    y.assign(b[i].begin(), b[i].end());
    both.clear();
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(both));
    values.push_back(static_cast<double>(both.size()) / static_cast<double>(a.cols()));
  }
  return scoring::mean_score(values, sample);
}

/// The share of sampled rows whose label wins the vote of its neighbors.
Score right(MatrixView<const std::int32_t> graph, Labels voters, Labels labels,
            const Sample& sample) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < graph.rows(); ++i) {
    const auto row = static_cast<std::size_t>(sample.rows[static_cast<std::size_t>(i)]);
    values.push_back(scoring::winner(graph[i], voters) == labels[row] ? 1 : 0);
  }
  return scoring::mean_score(values, sample);
}

}  // namespace

namespace scoring {

std::int32_t winner(std::span<const std::int32_t> neighbors, Labels labels) {
  // Counted in the order of nearness, so that of equal counts the first seen wins.
  std::vector<std::pair<std::int32_t, int>> votes;
  for (const std::int32_t row : neighbors) {
    const std::int32_t label = labels[static_cast<std::size_t>(row)];
    const auto seen =
        std::find_if(votes.begin(), votes.end(), [&](const auto& v) { return v.first == label; });
    if (seen == votes.end())
      votes.emplace_back(label, 1);
    else
      ++seen->second;
  }
  return std::max_element(votes.begin(), votes.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace scoring

Score trustworthiness(ConstRows data, ConstRows map, const EvaluateParams& params) {
  scoring::check_params(params);
  scoring::check_pair(data, map);
  check_k(params.k, data.rows());
  const Sample sample = scoring::draw_sample(data.rows(), params);
  return trust(data, graph_of(map, sample, params.k).index, sample);
}

Score continuity(ConstRows data, ConstRows map, const EvaluateParams& params) {
  return trustworthiness(map, data, params);
}

Score recall(ConstRows data, ConstRows map, const EvaluateParams& params) {
  scoring::check_params(params);
  scoring::check_pair(data, map);
  const Sample sample = scoring::draw_sample(data.rows(), params);
  return shared(graph_of(data, sample, params.k).index, graph_of(map, sample, params.k).index,
                sample);
}

Score label_accuracy(ConstRows map, Labels labels, const EvaluateParams& params) {
  scoring::check_params(params);
  require_finite(map, "evaluate: map");
  check_labels(labels, map.rows(), "rows of the map");
  check_label_k(params.label_k, map.rows() - 1);
  const Sample sample = scoring::draw_sample(map.rows(), params);
  return right(graph_of(map, sample, params.label_k).index, labels, labels, sample);
}

Score label_accuracy(ConstRows train_map, Labels train_labels, ConstRows map, Labels labels,
                     const EvaluateParams& params) {
  scoring::check_params(params);
  scoring::check_rows(map.rows());
  check_labels(train_labels, train_map.rows(), "training rows");
  check_labels(labels, map.rows(), "rows to be labeled");
  require(map.rows() >= 1, "evaluate: there are no rows to be labeled");
  check_label_k(params.label_k, train_map.rows());
  const Sample sample = scoring::draw_sample(map.rows(), params);
  const Neighbors graph =
      nearest_neighbors(copy_of(map, sample.rows), train_map, {.k = params.label_k});
  return right(graph.index, train_labels, labels, sample);
}

Quality evaluate_map(ConstRows data, ConstRows map, Labels labels, const EvaluateParams& params) {
  scoring::check_params(params);
  scoring::check_pair(data, map);
  check_k(params.k, data.rows());
  if (!labels.empty()) {
    check_labels(labels, map.rows(), "rows of the map");
    check_label_k(params.label_k, map.rows() - 1);
  }
  const Sample sample = scoring::draw_sample(data.rows(), params);
  const Neighbors near_data = graph_of(data, sample, params.k);
  const Neighbors near_map =
      graph_of(map, sample, labels.empty() ? params.k : std::max(params.k, params.label_k));
  const auto shown = first(near_map, params.k);

  Quality quality;
  quality.trustworthiness = trust(data, shown, sample);
  quality.continuity = trust(map, near_data.index, sample);
  quality.recall = shared(near_data.index, shown, sample);
  quality.spearman = spearman(data, map, params);
  if (!labels.empty())
    quality.label_accuracy = right(first(near_map, params.label_k), labels, labels, sample);
  return quality;
}

}  // namespace latlas
