#include <algorithm>

#include "latlas/neighbors/approximate.h"
#include "latlas/neighbors/graph.h"
#include "latlas/neighbors/neighbors.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

Neighbors graph_from(const RowsIn<float>& distance, const RowsIn<std::int32_t>& index) {
  return {copy_of(view(index)), copy_of(view(distance))};
}

// A view of a graph's memory, which it keeps alive.
template <class T>
ArrayOut<T> shown(nb::handle self, BasicMatrix<T>& matrix) {
  return ArrayOut<T>(
      matrix.data(),
      {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())}, self);
}

}  // namespace

void bind_neighbors(nb::module_& m) {
  nb::class_<Neighbors>(m, "Graph", "The k nearest rows of every row.")
      .def(
          "__init__",
          [](Neighbors* self, RowsIn<float> distance, RowsIn<std::int32_t> index) {
            new (self) Neighbors(graph_from(distance, index));
          },
          nb::arg("distance"), nb::arg("index"), "From arrays n × k, sorted by distance.")
      .def_prop_ro("k", &Neighbors::k)
      .def("__len__", &Neighbors::rows)
      .def_prop_ro(
          "distance",
          [](nb::handle_t<Neighbors> self) {
            return shown(self, nb::cast<Neighbors&>(self).distance);
          },
          "n × k, ascending in each row; a view.")
      .def_prop_ro(
          "index",
          [](nb::handle_t<Neighbors> self) {
            return shown(self, nb::cast<Neighbors&>(self).index);
          },
          "n × k rows of the data; a view.");

  m.def(
      "unit_rows",
      [](FloatsIn rows, const std::string& what, int threads) {
        return array_of(Host(nb::none(), threads).run([&](const Progress&) {
          return unit_rows(view(rows), what.c_str());
        }));
      },
      nb::arg("rows"), nb::arg("what"), nb::arg("threads") = 0, "The rows, scaled to norm 1.");
  m.def(
      "find_neighbors",
      [](FloatsIn data, nb::dict given, nb::object callback, int threads) {
        const auto params = params_from<NeighborsParams>(given, "neighbors");
        return Host(callback, threads).run([&](const Progress& progress) {
          return find_neighbors(view(data), params, progress);
        });
      },
      nb::arg("data"), nb::arg("params"), nb::arg("callback").none() = nb::none(),
      nb::arg("threads") = 0, "The nearest of every row among the other rows.");
  m.def(
      "find_neighbors_of",
      [](FloatsIn queries, FloatsIn data, nb::dict given, nb::object callback, int threads) {
        const auto params = params_from<NeighborsParams>(given, "neighbors");
        return Host(callback, threads).run([&](const Progress& progress) {
          return find_neighbors(view(queries), view(data), params, progress);
        });
      },
      nb::arg("queries"), nb::arg("data"), nb::arg("params"),
      nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0,
      "The nearest rows of the data for every query.");
  nb::class_<NeighborIndex>(m, "NeighborIndex", "Rows made ready for queries in batches.")
      .def(
          "__init__",
          [](NeighborIndex* self, FloatsIn data, nb::dict given, int threads) {
            const auto params = params_from<NeighborsParams>(given, "neighbors");
            new (self) NeighborIndex(Host(nb::none(), threads).run([&](const Progress&) {
              return NeighborIndex(view(data), params);
            }));
          },
          nb::keep_alive<1, 2>(), nb::arg("data").noconvert(), nb::arg("params"),
          nb::arg("threads") = 0)
      .def(
          "search",
          [](const NeighborIndex& self, FloatsIn queries, nb::object callback, int threads) {
            return Host(callback, threads).run([&](const Progress& progress) {
              return self.search(view(queries), progress);
            });
          },
          nb::arg("queries"), nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0,
          "The nearest rows of the data for every query.");
  m.def(
      "searches_exactly",
      [](std::int64_t queries, std::int64_t n, std::int64_t d, nb::dict given) {
        return searches_exactly(queries, n, d, params_from<NeighborsParams>(given, "neighbors"));
      },
      nb::arg("queries"), nb::arg("n"), nb::arg("d"), nb::arg("params"));
  m.def(
      "measured_recall",
      [](const Neighbors& graph, FloatsIn data, const std::string& metric, std::int64_t sample,
         std::uint64_t seed, int threads) {
        const Recall recall = Host(nb::none(), threads).run([&](const Progress&) {
          require_graph(graph, "knn_recall: neighbors");
          return measured_recall(graph, view(data), metric, sample, seed);
        });
        return nb::make_tuple(recall.value, recall.standard_error,
                              std::min(sample, view(data).rows()));
      },
      nb::arg("graph"), nb::arg("data"), nb::arg("metric"), nb::arg("sample"), nb::arg("seed"),
      nb::arg("threads") = 0);
}

}  // namespace latlas::python
