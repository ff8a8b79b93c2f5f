// Wᵀ is formed by counting: every weight is sent to the bucket of its column, and inside a bucket
// of 1,024 columns a counting sort brings each column's entries together, in the order of their
// rows. Tiles of rows are counted first and sent in order, so nothing depends on the threads. Then
// each row of W, sorted, is merged with its row of Wᵀ.
#include "latlas/layout/symmetric.h"

#include <algorithm>
#include <span>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas {
namespace {

// Rows counted together, and rows of a bucket: of very many rows so many that a count for each pair
// of these takes at most 1 GB. Neither changes a bit of the result.
constexpr std::int64_t kRowTile = 4096, kMostTiles = 2048;
constexpr std::int64_t kBucketRows = 1024, kMostBuckets = 65536;
std::int64_t row_tile(std::int64_t n) {
  return kRowTile *
         std::max<std::int64_t>(1, (n + kRowTile * kMostTiles - 1) / (kRowTile * kMostTiles));
}
std::int64_t bucket_rows(std::int64_t n) {
  return kBucketRows * std::max<std::int64_t>(
                           1, (n + kBucketRows * kMostBuckets - 1) / (kBucketRows * kMostBuckets));
}

struct Entry {  // of Wᵀ
  std::int32_t row, column;
  float weight;
};

/// What each row lists: k columns of a graph, or as many as its offsets say.
struct Lists {
  std::int64_t rows = 0;
  const Neighbors* graph = nullptr;
  const Matrix* weight = nullptr;
  const Affinities* ragged = nullptr;  // in place of the two
  Zeros zeros = Zeros::edges;

  std::int64_t length(std::int64_t i) const {
    if (ragged == nullptr) return weight->cols();
    const auto u = static_cast<std::size_t>(i);
    return ragged->begin[u + 1] - ragged->begin[u];
  }
  const std::int32_t* columns(std::int64_t i) const {
    if (ragged == nullptr) return graph->index.row(i);
    return ragged->column.data() + ragged->begin[static_cast<std::size_t>(i)];
  }
  const float* weights(std::int64_t i) const {
    if (ragged == nullptr) return weight->row(i);
    return ragged->weight.data() + ragged->begin[static_cast<std::size_t>(i)];
  }
  bool holds(float w) const { return zeros == Zeros::edges || w != 0; }
};

void require_indices(const Lists& lists, const char* what) {
  const std::int64_t n = lists.rows;
  const std::int64_t bad = first_where(n, kRowTile, [&](std::int64_t i) {
    const std::int32_t* column = lists.columns(i);
    for (std::int64_t c = 0; c < lists.length(i); ++c)
      if (column[c] < 0 || column[c] >= n || column[c] == i) return true;
    return false;
  });
  if (bad == n) return;
  for (std::int64_t c = 0; c < lists.length(bad); ++c) {
    const std::int64_t j = lists.columns(bad)[c];
    require(j >= 0 && j < n, what, ": neighbor ", c, " of row ", bad, " is ", j,
            "; it must be a row, 0 to ", n - 1);
    require(j != bad, what, ": row ", bad,
            " is listed as its own neighbor; leave rows out of "
            "their own lists");
  }
}

/// Wᵀ, bucket after bucket; `begin` receives where each begins.
std::vector<Entry> transposed(const Lists& lists, std::vector<std::int64_t>& begin) {
  const std::int64_t n = lists.rows;
  const std::int64_t tile = row_tile(n), bucket = bucket_rows(n);
  const std::int64_t tiles = (n + tile - 1) / tile, buckets = (n + bucket - 1) / bucket;
  BasicMatrix<std::int64_t> place(tiles, buckets);
  parallel_for(n, tile, [&](std::int64_t first, std::int64_t last) {
    std::int64_t* count = place.row(first / tile);
    for (std::int64_t i = first; i < last; ++i) {
      const std::int32_t* column = lists.columns(i);
      const float* weight = lists.weights(i);
      for (std::int64_t c = 0; c < lists.length(i); ++c)
        if (lists.holds(weight[c])) ++count[column[c] / bucket];
    }
  });
  begin.assign(static_cast<std::size_t>(buckets) + 1, 0);
  std::int64_t at = 0;
  for (std::int64_t b = 0; b < buckets; ++b) {
    begin[static_cast<std::size_t>(b)] = at;
    for (std::int64_t t = 0; t < tiles; ++t) at += std::exchange(place(t, b), at);
  }
  begin.back() = at;
  std::vector<Entry> entries(static_cast<std::size_t>(at));
  parallel_for(n, tile, [&](std::int64_t first, std::int64_t last) {
    std::int64_t* next = place.row(first / tile);
    for (std::int64_t i = first; i < last; ++i) {
      const std::int32_t* column = lists.columns(i);
      const float* weight = lists.weights(i);
      for (std::int64_t c = 0; c < lists.length(i); ++c)
        if (lists.holds(weight[c]))
          entries[static_cast<std::size_t>(next[column[c] / bucket]++)] = {
              column[c], static_cast<std::int32_t>(i), weight[c]};
    }
  });
  return entries;
}

/// Edges of consecutive rows.
struct Edges {
  std::vector<std::int64_t> length;  // of each row
  std::vector<std::int32_t> column;
  std::vector<float> weight;
};

/// The rows of one bucket.
Edges merged(const Lists& lists, std::span<const Entry> entries, std::int64_t first_row,
             std::int64_t rows, Join join, const char* what) {
  std::vector<std::size_t> place(static_cast<std::size_t>(rows) + 1);
  for (const Entry& e : entries) ++place[static_cast<std::size_t>(e.row - first_row) + 1];
  for (std::size_t r = 1; r < place.size(); ++r) place[r] += place[r - 1];
  std::vector<std::pair<std::int32_t, float>> back(entries.size());
  std::vector<std::size_t> next(place.begin(), place.end() - 1);
  for (const Entry& e : entries)
    back[next[static_cast<std::size_t>(e.row - first_row)]++] = {e.column, e.weight};

  Edges out;
  out.length.resize(static_cast<std::size_t>(rows));
  std::size_t listed = 0;
  for (std::int64_t r = 0; r < rows; ++r)
    listed += static_cast<std::size_t>(lists.length(first_row + r));
  out.column.resize(entries.size() + listed);
  out.weight.resize(out.column.size());
  std::size_t at = 0;
  std::vector<std::uint64_t> forth;  // column, then place
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int32_t* index = lists.columns(first_row + r);
    const float* w = lists.weights(first_row + r);
    forth.clear();
    for (std::int64_t c = 0; c < lists.length(first_row + r); ++c)
      if (lists.holds(w[c]))
        forth.push_back(static_cast<std::uint64_t>(index[c]) << 32 | static_cast<std::uint32_t>(c));
    std::sort(forth.begin(), forth.end());
    const std::size_t before = at, end = place[static_cast<std::size_t>(r) + 1];
    std::size_t b = place[static_cast<std::size_t>(r)];
    const auto push = [&](std::int32_t column, float there, float here) {
      out.column[at] = column;
      out.weight[at++] = join.sum * (here + there) + join.product * (here * there);
    };
    std::int32_t last = -1;
    for (const std::uint64_t key : forth) {
      const auto column = static_cast<std::int32_t>(key >> 32);
      require(column != last, what, ": row ", first_row + r, " lists ", column,
              " as its neighbor twice");
      last = column;
      for (; b < end && back[b].first < column; ++b) push(back[b].first, back[b].second, 0.0F);
      const float there = b < end && back[b].first == column ? back[b++].second : 0.0F;
      push(column, there, w[key & 0xFFFFFFFFU]);
    }
    for (; b < end; ++b) push(back[b].first, back[b].second, 0.0F);
    out.length[static_cast<std::size_t>(r)] = static_cast<std::int64_t>(at - before);
  }
  out.column.resize(at);
  out.weight.resize(at);
  return out;
}

Affinities joined(const Lists& lists, Join join, const char* what) {
  const std::int64_t n = lists.rows;
  require_indices(lists, what);
  Affinities out;
  out.begin.assign(static_cast<std::size_t>(n) + 1, 0);
  if (n == 0) return out;

  std::vector<std::int64_t> bucket_begin;
  const std::vector<Entry> entries = transposed(lists, bucket_begin);
  const std::int64_t buckets = std::ssize(bucket_begin) - 1, bucket = bucket_rows(n);
  std::vector<Edges> parts(static_cast<std::size_t>(buckets));
  parallel_for(buckets, 1, [&](std::int64_t b, std::int64_t) {
    const auto u = static_cast<std::size_t>(b);
    const std::int64_t first = b * bucket;
    const auto begin = static_cast<std::size_t>(bucket_begin[u]);
    const auto count = static_cast<std::size_t>(bucket_begin[u + 1]) - begin;
    parts[u] = merged(lists, std::span(entries).subspan(begin, count), first,
                      std::min(bucket, n - first), join, what);
  });

  std::size_t i = 0;
  for (const Edges& part : parts)
    for (const std::int64_t length : part.length) {
      out.begin[i + 1] = out.begin[i] + length;
      ++i;
    }
  out.column.resize(static_cast<std::size_t>(out.begin.back()));
  out.weight.resize(out.column.size());
  parallel_for(buckets, 1, [&](std::int64_t b, std::int64_t) {
    Edges& part = parts[static_cast<std::size_t>(b)];
    const auto to = out.begin[static_cast<std::size_t>(b * bucket)];
    std::copy(part.column.begin(), part.column.end(), out.column.begin() + to);
    std::copy(part.weight.begin(), part.weight.end(), out.weight.begin() + to);
    part = {};
  });
  return out;
}

}  // namespace

Affinities symmetric(const Neighbors& graph, const Matrix& weight, Join join, const char* what,
                     Zeros zeros) {
  const std::int64_t n = graph.rows();
  require(n < std::int64_t{1} << 31, what, ": ", n, " rows are more than 2147483647");
  require(weight.rows() == n && weight.cols() <= graph.k(), what, ": ", weight.rows(), " × ",
          weight.cols(), " weights do not fit a graph of ", n, " × ", graph.k(), " neighbors");
  return joined({.rows = n, .graph = &graph, .weight = &weight, .zeros = zeros}, join, what);
}

Affinities symmetric(const Affinities& lists, Join join, const char* what) {
  const std::int64_t n = lists.rows();
  require(n < std::int64_t{1} << 31, what, ": ", n, " rows are more than 2147483647");
  require(std::ssize(lists.weight) == lists.edges(), what, ": there are ", lists.edges(),
          " columns and ", lists.weight.size(), " weights");
  require(
      n == 0 ? lists.edges() == 0 : lists.begin.front() == 0 && lists.begin.back() == lists.edges(),
      what, ": the rows' offsets must run from 0 to ", lists.edges());
  for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
    require(lists.begin[i] <= lists.begin[i + 1], what, ": the rows' offsets fall after row ", i);
  return joined({.rows = n, .ragged = &lists, .zeros = Zeros::none}, join, what);
}

}  // namespace latlas
