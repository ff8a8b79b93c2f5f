#include "latlas/layout/novelty.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/procrustes.h"
#include "latlas/layout/umap.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

Pca pca_from(const RowsIn<double>& components, const VectorIn<double>& mean) {
  Pca pca;
  pca.components = copy_of(view(components));
  pca.mean.assign(view(mean).begin(), view(mean).end());
  return pca;
}

// A new row that equals a fitted row stands where that one stands.
Matrix with_equal_rows(Matrix map, ConstRows train_map, const Neighbors& to_train) {
  for (std::int64_t i = 0; i < map.rows(); ++i)
    if (to_train.k() > 0 && to_train.distance(i, 0) == 0)
      std::copy_n(train_map.row(to_train.index(i, 0)), map.cols(), map.row(i));
  return map;
}

void bind_pca(nb::module_& m) {
  m.def(
      "fit_pca",
      [](FloatsIn rows, nb::dict given, int threads) {
        const auto params = params_from<PcaParams>(given, "pca");
        Pca pca = Host(nb::none(), threads).run([&](const Progress&) {
          return fit_pca(view(rows), params);
        });
        nb::dict out;
        out["components"] = array_of(std::move(pca.components));
        out["mean"] = array_of(std::move(pca.mean));
        out["explained_variance"] = array_of(std::move(pca.explained_variance));
        out["explained_variance_ratio"] = array_of(std::move(pca.explained_variance_ratio));
        out["singular_values"] = array_of(std::move(pca.singular_values));
        out["total_variance"] = pca.total_variance;
        return out;
      },
      nb::arg("rows"), nb::arg("params"), nb::arg("threads") = 0);
  m.def(
      "pca_transform",
      [](RowsIn<double> components, VectorIn<double> mean, FloatsIn rows, int threads) {
        const Pca pca = pca_from(components, mean);
        return array_of(Host(nb::none(), threads).run([&](const Progress&) {
          return transform(pca, view(rows));
        }));
      },
      nb::arg("components"), nb::arg("mean"), nb::arg("rows"), nb::arg("threads") = 0);
  m.def(
      "pca_inverse_transform",
      [](RowsIn<double> components, VectorIn<double> mean, FloatsIn coordinates, int threads) {
        const Pca pca = pca_from(components, mean);
        return array_of(Host(nb::none(), threads).run([&](const Progress&) {
          return inverse_transform(pca, view(coordinates));
        }));
      },
      nb::arg("components"), nb::arg("mean"), nb::arg("coordinates"), nb::arg("threads") = 0);
}

void bind_umap(nb::module_& m) {
  m.def(
      "umap",
      [](const Neighbors& graph, FloatsIn start, nb::dict given, nb::object callback, int threads) {
        const auto params = params_from<UmapParams>(given, "umap");
        UmapResult result = Host(callback, threads).run([&](const Progress& progress) {
          return umap(graph, view(start), params, progress);
        });
        nb::dict out;
        out["map"] = array_of(std::move(result.map));
        out["a"] = result.curve.a;
        out["b"] = result.curve.b;
        out["epochs"] = result.epochs;
        out["stopped"] = result.stopped;
        out["notes"] = result.notes;
        return out;
      },
      nb::arg("graph"), nb::arg("start"), nb::arg("params"),
      nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0);
  m.def(
      "umap_place",
      [](FloatsIn train_map, const Neighbors& to_train, nb::dict given, nb::object callback,
         int threads) {
        const auto params = params_from<UmapParams>(given, "umap");
        UmapPlaceResult result = Host(callback, threads).run([&](const Progress& progress) {
          return umap_place(view(train_map), to_train, params, progress);
        });
        nb::dict out;
        out["map"] = array_of(with_equal_rows(std::move(result.map), view(train_map), to_train));
        out["stopped"] = result.stopped;
        out["notes"] = result.notes;
        return out;
      },
      nb::arg("train_map"), nb::arg("to_train"), nb::arg("params"),
      nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0);
}

void bind_procrustes(nb::module_& m) {
  m.def(
      "procrustes",
      [](FloatsIn map, FloatsIn other, bool scale, bool reflection) {
        Procrustes found = Host(nb::none(), 0).run([&](const Progress&) {
          return procrustes(view(map), view(other), {.scale = scale, .reflection = reflection});
        });
        nb::dict out;
        out["rotation"] = array_of(std::move(found.rotation));
        out["scale"] = found.scale;
        out["from_"] = array_of(std::move(found.from));
        out["to"] = array_of(std::move(found.to));
        out["residual"] = found.residual;
        return out;
      },
      nb::arg("map"), nb::arg("other"), nb::arg("scale"), nb::arg("reflection"));
  m.def(
      "procrustes_transform",
      [](RowsIn<double> rotation, double scale, VectorIn<double> from, VectorIn<double> to,
         FloatsIn rows) {
        Procrustes alignment;
        alignment.rotation = copy_of(view(rotation));
        alignment.scale = scale;
        alignment.from.assign(view(from).begin(), view(from).end());
        alignment.to.assign(view(to).begin(), view(to).end());
        return array_of(transform(alignment, view(rows)));
      },
      nb::arg("rotation"), nb::arg("scale"), nb::arg("from_"), nb::arg("to"), nb::arg("rows"));
}

void bind_novelty(nb::module_& m) {
  m.def(
      "novelty",
      [](const Neighbors& fitted, const Neighbors& to_train, nb::dict given, int threads) {
        const auto params = params_from<NoveltyParams>(given, "novelty");
        Novelty found = Host(nb::none(), threads).run([&](const Progress&) {
          return novelty(fitted, to_train, params);
        });
        nb::dict out;
        out["distance"] = array_of(std::move(found.distance));
        out["density"] = array_of(std::move(found.density));
        out["far"] = array_of(std::move(found.far));
        out["distance_limit"] = found.distance_limit;
        out["density_limit"] = found.density_limit;
        return out;
      },
      nb::arg("fitted"), nb::arg("to_train"), nb::arg("params"), nb::arg("threads") = 0,
      "Which new rows are far from everything.");
}

}  // namespace

void bind_layout(nb::module_& m) {
  bind_pca(m);
  bind_umap(m);
  bind_procrustes(m);
  bind_novelty(m);
}

}  // namespace latlas::python
