#include "latlas/layout/coarse.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/start.h"

namespace latlas {
namespace {

constexpr std::int64_t kGroups = 16384;
constexpr std::int64_t kFewestRows = 4;   // of a group, on average; smaller ones spare nothing
constexpr int kSettling = 3;              // rounds
constexpr std::int64_t kMostEdges = 256;  // that a row is judged by: some rows have very many
// Of the map of the groups, and how many of these, at most, with exaggeration.
constexpr std::int64_t kIterations = 175, kExaggerated = 100;
constexpr double kDeviation = 0.3;      // of the start
constexpr double kSpread = 0.25;        // of that, within a group
constexpr std::size_t kMostHeld = 300;  // other groups that one holds on to
constexpr std::uint32_t kDrawn = 2,
                        kAside = 3;  // sequences of random numbers; start.cpp has others
constexpr std::int64_t kRowTile = 4096;
constexpr std::int32_t kFree = -1;

using Label = std::vector<std::int32_t>;  // for each row, the row that its group began with

/// The label that a row's neighbors hold it to most, of equals the first met; kFree when none has
/// one. A row of more than kMostEdges is judged by its first.
std::int32_t strongest_label(const Affinities& a, const Label& label, std::int32_t row,
                             std::vector<std::pair<std::int32_t, float>>& held) {
  const auto r = static_cast<std::size_t>(row);
  held.clear();
  const std::int64_t last = std::min(a.begin[r + 1], a.begin[r] + kMostEdges);
  for (auto e = static_cast<std::size_t>(a.begin[r]); e < static_cast<std::size_t>(last); ++e) {
    const std::int32_t known = label[static_cast<std::size_t>(a.column[e])];
    if (known == kFree) continue;
    const auto at =
        std::find_if(held.begin(), held.end(), [&](const auto& h) { return h.first == known; });
    if (at == held.end())
      held.emplace_back(known, a.weight[e]);
    else
      at->second += a.weight[e];
  }
  const auto best = std::max_element(
      held.begin(), held.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
  return best == held.end() ? kFree : best->first;
}

/// Lets groups grow by one edge after the other until no free row has a neighbor in one.
void grow(const Affinities& a, Label& label, std::vector<std::int32_t>& free) {
  std::vector<std::int32_t> found;
  for (bool grown = true; grown && !free.empty();) {
    found.resize(free.size());
    parallel_for(std::ssize(free), kRowTile, [&](std::int64_t begin, std::int64_t end) {
      std::vector<std::pair<std::int32_t, float>> held;
      for (auto f = static_cast<std::size_t>(begin); f < static_cast<std::size_t>(end); ++f)
        found[f] = strongest_label(a, label, free[f], held);
    });
    std::size_t left = 0;
    for (std::size_t f = 0; f < free.size(); ++f) {
      if (found[f] == kFree)
        free[left++] = free[f];
      else
        label[static_cast<std::size_t>(free[f])] = found[f];
    }
    grown = left < free.size();
    free.resize(left);
  }
}

/// Rows that no group began with go to the group that they are held to most.
void settle(const Affinities& a, Label& label) {
  Label next = label;
  parallel_for(a.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::pair<std::int32_t, float>> held;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto row = static_cast<std::int32_t>(i);
      if (label[static_cast<std::size_t>(i)] == row) continue;
      next[static_cast<std::size_t>(i)] = strongest_label(a, label, row, held);
    }
  });
  label = std::move(next);
}

/// Of connected parts without a group, the rows that no neighbor comes before begin one.
void begin_in_other_parts(const Affinities& a, Label& label, std::vector<std::int32_t>& free) {
  std::erase_if(free, [&](std::int32_t row) {
    const auto r = static_cast<std::size_t>(row);
    const auto first = a.begin[r], last = a.begin[r + 1];
    // Columns ascend.
    if (first < last && a.column[static_cast<std::size_t>(first)] < row) return false;
    label[r] = row;
    return true;
  });
}

/// Rows by group, each group's ascending, and where each begins.
struct Members {
  std::vector<std::int64_t> begin;
  std::vector<std::int32_t> row;

  explicit Members(const Groups& groups)
      : begin(static_cast<std::size_t>(groups.count) + 1), row(groups.of_row.size()) {
    for (const std::int32_t g : groups.of_row) ++begin[static_cast<std::size_t>(g) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    std::vector<std::int64_t> next(begin.begin(), begin.end() - 1);
    for (std::size_t i = 0; i < row.size(); ++i)
      row[static_cast<std::size_t>(next[static_cast<std::size_t>(groups.of_row[i])]++)] =
          static_cast<std::int32_t>(i);
  }
};

Matrix means_of(const Groups& groups, ConstRows rows, std::int64_t columns) {
  BasicMatrix<double> sum(groups.count, columns);
  std::vector<double> size(static_cast<std::size_t>(groups.count));
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const std::int32_t g = groups.of_row[static_cast<std::size_t>(i)];
    ++size[static_cast<std::size_t>(g)];
    for (std::int64_t c = 0; c < columns; ++c) sum(g, c) += static_cast<double>(rows(i, c));
  }
  Matrix mean(groups.count, columns);
  for (std::int64_t g = 0; g < groups.count; ++g)
    for (std::int64_t c = 0; c < columns; ++c)
      mean(g, c) = static_cast<float>(sum(g, c) / size[static_cast<std::size_t>(g)]);
  return mean;
}

}  // namespace

Groups grouped(const Affinities& a, std::int64_t wanted, std::uint64_t seed) {
  const std::int64_t n = a.rows();
  const double share = static_cast<double>(wanted) / static_cast<double>(n);
  Label label(static_cast<std::size_t>(n), kFree);
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      if (random::uniform({.seed = seed,
                           .stream = random::Stream::start,
                           .sub = kDrawn,
                           .index = static_cast<std::uint64_t>(i)}) < share)
        label[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i);
  });
  std::vector<std::int32_t> free;
  for (std::int64_t i = 0; i < n; ++i)
    if (label[static_cast<std::size_t>(i)] == kFree) free.push_back(static_cast<std::int32_t>(i));
  grow(a, label, free);
  while (!free.empty()) {
    begin_in_other_parts(a, label, free);
    grow(a, label, free);
  }
  for (int round = 0; round < kSettling; ++round) settle(a, label);

  Groups groups;
  std::vector<std::int32_t> number(static_cast<std::size_t>(n));  // of the group a row begins
  for (std::size_t i = 0; i < label.size(); ++i)
    if (label[i] == static_cast<std::int32_t>(i))
      number[i] = static_cast<std::int32_t>(groups.count++);
  groups.of_row.resize(label.size());
  for (std::size_t i = 0; i < label.size(); ++i)
    groups.of_row[i] = number[static_cast<std::size_t>(label[i])];
  return groups;
}

Affinities between(const Groups& groups, const Affinities& a) {
  const Members members(groups);
  struct Edge {
    std::int32_t to;
    double weight;
  };
  std::vector<std::vector<Edge>> edges(static_cast<std::size_t>(groups.count));
  struct Scratch {
    std::vector<double> sum;        // for each group
    std::vector<std::uint8_t> met;  // likewise
  };
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads()));
  parallel_for_worker(groups.count, 16, [&](std::int64_t begin, std::int64_t end, int worker) {
    Scratch& s = scratch[static_cast<std::size_t>(worker)];
    s.sum.resize(static_cast<std::size_t>(groups.count));
    s.met.resize(static_cast<std::size_t>(groups.count));
    for (auto g = static_cast<std::size_t>(begin); g < static_cast<std::size_t>(end); ++g) {
      std::vector<Edge>& own = edges[g];
      for (std::int64_t m = members.begin[g]; m < members.begin[g + 1]; ++m) {
        const auto r = static_cast<std::size_t>(members.row[static_cast<std::size_t>(m)]);
        for (auto e = static_cast<std::size_t>(a.begin[r]);
             e < static_cast<std::size_t>(a.begin[r + 1]); ++e) {
          const std::int32_t to = groups.of_row[static_cast<std::size_t>(a.column[e])];
          const auto t = static_cast<std::size_t>(to);
          if (t == g) continue;
          if (s.met[t] == 0) own.push_back({to, 0});
          s.met[t] = 1;
          s.sum[t] += static_cast<double>(a.weight[e]);
        }
      }
      for (Edge& edge : own) {
        const auto t = static_cast<std::size_t>(edge.to);
        edge.weight = std::exchange(s.sum[t], 0);
        s.met[t] = 0;
      }
      std::erase_if(own, [](const Edge& edge) { return !(edge.weight > 0); });
      if (own.size() > kMostHeld) {
        std::sort(own.begin(), own.end(), [](const Edge& x, const Edge& y) {
          return x.weight > y.weight || (x.weight == y.weight && x.to < y.to);
        });
        own.resize(kMostHeld);
        own.shrink_to_fit();
      }
    }
  });

  double total = 0;
  for (const auto& own : edges)
    for (const Edge& edge : own) total += edge.weight;
  Affinities out;
  out.begin.push_back(0);
  for (auto& own : edges) {
    for (const Edge& edge : std::exchange(own, {})) {
      out.column.push_back(edge.to);
      out.weight.push_back(static_cast<float>(edge.weight / total));
    }
    out.begin.push_back(std::ssize(out.column));
  }
  return total > 0 ? given_affinities(out) : out;
}

CoarseStart coarse_start(const Affinities& affinities, ConstRows start, const TsneParams& params,
                         const Progress& progress) {
  const std::int64_t n = affinities.rows(), dimensions = params.dimensions;
  CoarseStart out;
  const Groups groups = grouped(affinities, std::min(kGroups, n / (2 * kFewestRows)), params.seed);
  if (groups.count * kFewestRows > n) return out;
  const Affinities coarse = between(groups, affinities);
  TsneParams p = params;
  p.coarse_above = groups.count;
  p.iterations = kIterations;
  p.exaggeration_iterations = std::min(kExaggerated, params.exaggeration_iterations);
  p.learning_rate *= static_cast<double>(groups.count) / static_cast<double>(n);
  const auto ask = [&](Report report) {
    report.stage = "t-SNE of groups";
    return progress(report);
  };
  const TsneResult map =
      tsne(coarse, means_of(groups, start, dimensions), p, progress ? Progress(ask) : Progress());
  out.stopped = map.stopped;
  const double deviation = largest_deviation(map.map, dimensions);
  if (out.stopped || !(deviation > 0)) return out;

  out.groups = groups.count;
  out.places = Matrix(n, dimensions);
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t c = 0; c < dimensions; ++c) {
        const double place = map.map(groups.of_row[static_cast<std::size_t>(i)], c);
        const double aside =
            random::normal({.seed = params.seed,
                            .stream = random::Stream::start,
                            .sub = kAside,
                            .index = static_cast<std::uint64_t>(dimensions * i + c)});
        out.places(i, c) = static_cast<float>(kDeviation * (place / deviation + kSpread * aside));
      }
  });
  return out;
}

}  // namespace latlas
