#include "latlas/neighbors/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/safetensors.h"

namespace latlas {
namespace {

constexpr std::int64_t kRowTile = 1024;

// Throws what is wrong with row i, which lists some of n rows, none of them `self`; `sorted` is
// scratch.
void require_row(const Neighbors& graph, std::int64_t n, std::int64_t i, std::int64_t self,
                 std::vector<std::int32_t>& sorted, std::string_view what) {
  const std::int64_t k = graph.k();
  const auto row = [&](std::int64_t c) { return sentence(what, ": row ", i, ", neighbor ", c); };
  for (std::int64_t c = 0; c < k; ++c) {
    const std::int32_t j = graph.index(i, c);
    if (j < 0 || j >= n)
      throw InvalidArgument(sentence(row(c), " is ", j, "; it must be a row, 0 to ", n - 1));
    if (j == self)
      throw InvalidArgument(
          sentence(row(c), " is the row itself; leave rows out of their own lists"));
    const float d = graph.distance(i, c);
    if (!(d >= 0 && d <= std::numeric_limits<float>::max()))
      throw InvalidArgument(
          sentence(row(c), " has the distance ", d, "; distances are finite and not negative"));
    if (c > 0 && d < graph.distance(i, c - 1))
      throw InvalidArgument(sentence(row(c), " has the distance ", d, " after ",
                                     graph.distance(i, c - 1),
                                     "; sort each row by distance, nearest first"));
  }
  sorted.assign(graph.index.row(i), graph.index.row(i) + k);
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return;
  const std::int32_t* first = std::find(graph.index.row(i), graph.index.row(i) + k, *twice);
  const std::int64_t again =
      std::find(first + 1, graph.index.row(i) + k, *twice) - graph.index.row(i);
  throw InvalidArgument(sentence(row(again), " is ", *twice,
                                 ", which the row lists before; each neighbor counts once"));
}

void require_shape(const safetensors::Tensor& tensor, std::string_view what) {
  if (tensor.shape.size() != 2 || tensor.shape[1] == 0)
    throw IoError(sentence(what, ": '", tensor.name,
                           "' is not a table of n rows and k columns, a row for each point"));
}

BasicMatrix<std::int32_t> to_index(const safetensors::Tensor& tensor, std::string_view what) {
  const bool narrow = tensor.type == safetensors::Type::i32;
  if (!narrow && tensor.type != safetensors::Type::i64)
    throw IoError(sentence(what, ": '", tensor.name, "' is of type ",
                           safetensors::name(tensor.type), ", expected I64 or I32"));
  const std::int64_t n = tensor.shape[0], k = tensor.shape[1];
  BasicMatrix<std::int32_t> index(n, k);
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * k; at < end * k; ++at) {
      std::int64_t j = 0;
      if (narrow) {
        std::int32_t small = 0;
        std::memcpy(&small, tensor.values.data() + at * 4, sizeof small);
        j = small;
      } else {
        std::memcpy(&j, tensor.values.data() + at * 8, sizeof j);
      }
      require(j >= 0 && j < n && j < std::numeric_limits<std::int32_t>::max(), what, ": row ",
              at / k, ", neighbor ", at % k, " is ", j, "; it must be a row, 0 to ", n - 1);
      index.data()[at] = static_cast<std::int32_t>(j);
    }
  });
  return index;
}

Matrix to_distance(const safetensors::Tensor& tensor, std::string_view what) {
  if (tensor.type == safetensors::Type::f32) return safetensors::to_matrix(tensor, what);
  const BasicMatrix<double> wide = safetensors::to_doubles(tensor, what);
  Matrix distance(wide.rows(), wide.cols());
  for (std::int64_t at = 0; at < wide.size(); ++at)
    distance.data()[at] = static_cast<float>(wide.data()[at]);
  return distance;
}

void require_rows(const Neighbors& graph, std::int64_t n, bool within, std::string_view what) {
  require(graph.distance.rows() == graph.rows() && graph.distance.cols() == graph.k(), what,
          ": the graph has ", graph.rows(), " × ", graph.k(), " indices and ",
          graph.distance.rows(), " × ", graph.distance.cols(), " distances; both must be n × k");
  require(n < std::numeric_limits<std::int32_t>::max(), what, ": the graph has ", n,
          " rows; at most 2147483646 are taken");
  // The error of the lowest tile is the one that is thrown, and of its rows the first.
  parallel_for(graph.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    std::vector<std::int32_t> sorted;
    for (std::int64_t i = begin; i < end; ++i)
      require_row(graph, n, i, within ? i : -1, sorted, what);
  });
}

}  // namespace

void require_graph(const Neighbors& graph, std::string_view what) {
  require_rows(graph, graph.rows(), true, what);
}

void require_lists(const Neighbors& lists, std::int64_t n, std::string_view what) {
  require_rows(lists, n, false, what);
}

Neighbors parse_graph(Bytes bytes, std::string_view what) {
  const safetensors::Contents contents = safetensors::parse(bytes, what);
  const auto& index = safetensors::find(contents, "index", what);
  const auto& distance = safetensors::find(contents, "distance", what);
  require_shape(index, what);
  require_shape(distance, what);
  if (index.shape != distance.shape)
    throw IoError(sentence(what, ": 'index' is ", index.shape[0], " × ", index.shape[1],
                           ", 'distance' is ", distance.shape[0], " × ", distance.shape[1],
                           "; both must be n × k"));
  Neighbors graph{to_index(index, what), to_distance(distance, what)};
  require_graph(graph, what);
  return graph;
}

Neighbors read_graph(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_graph(file.bytes(), path.string());
}

Neighbors parse_graph(const npy::Array& index, std::string_view what, const npy::Array& distance,
                      std::string_view distance_what) {
  if (index.type != npy::Type::i4 && index.type != npy::Type::i8 && index.type != npy::Type::u4)
    throw IoError(sentence(what, ": is of type ", npy::name(index.type),
                           "; the rows of a graph are counted in i4, i8 or u4"));
  if (distance.type != npy::Type::f4 && distance.type != npy::Type::f8 &&
      distance.type != npy::Type::f2)
    throw IoError(sentence(distance_what, ": is of type ", npy::name(distance.type),
                           "; distances are f2, f4 or f8"));
  const std::int64_t n = index.rows, k = index.cols;
  if (distance.rows != n || distance.cols != k)
    throw IoError(sentence(what, ": is ", n, " × ", k, ", ", distance_what, " is ", distance.rows,
                           " × ", distance.cols, "; both must be n × k"));
  const std::vector<std::int64_t> rows = npy::to_integers(index, what);
  Neighbors graph{BasicMatrix<std::int32_t>(n, k), npy::to_matrix(distance)};
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * k; at < end * k; ++at) {
      const std::int64_t j = rows[static_cast<std::size_t>(at)];
      require(j >= 0 && j < n && j < std::numeric_limits<std::int32_t>::max(), what, ": row ",
              at / k, ", neighbor ", at % k, " is ", j, "; it must be a row, 0 to ", n - 1);
      graph.index.data()[at] = static_cast<std::int32_t>(j);
    }
  });
  require_graph(graph, what);
  return graph;
}

Neighbors read_graph(const std::filesystem::path& index, const std::filesystem::path& distance) {
  const npy::File places = npy::open(index), distances = npy::open(distance);
  return parse_graph(places.array, index.string(), distances.array, distance.string());
}

std::string graph_metric(const std::filesystem::path& path) {
  const safetensors::File file = safetensors::open(path);
  const auto found = file.contents.metadata.find("metric");
  return found == file.contents.metadata.end() ? "" : found->second;
}

void write_graph(const std::filesystem::path& path, const Neighbors& graph,
                 const std::string& metric) {
  const std::vector<std::int64_t> index(graph.index.data(),
                                        graph.index.data() + graph.index.size());
  safetensors::write(path,
                     {{"index",
                       safetensors::Type::i64,
                       {graph.rows(), graph.k()},
                       std::as_bytes(std::span(index))},
                      safetensors::tensor_of("distance", graph.distance)},
                     {{"format", "latlas neighbors"}, {"metric", metric}});
}

}  // namespace latlas
