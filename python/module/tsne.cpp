#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>

#include <filesystem>
#include <optional>

#include "latlas/layout/affinities.h"
#include "latlas/layout/aligned.h"
#include "latlas/layout/anchors.h"
#include "latlas/layout/checkpoint.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/place.h"
#include "latlas/layout/preset.h"
#include "latlas/layout/start.h"
#include "latlas/layout/tsne.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

// What holds the rows of a t-SNE together: a graph's affinities, and the parameters settled for it.
struct Held {
  std::int64_t k = 0;  // of the graph
  TsneParams params;
  Affinities affinities;
  std::vector<std::string> notes;
};

Held held_by(const Neighbors& graph, const TsneParams& given) {
  Held held;
  held.k = graph.k();
  held.params = settled(given, graph, held.notes);
  held.affinities = joint_affinities(graph, affinity_params(held.params));
  return held;
}

// A fit that keeps itself in a file, and goes on from it where it is there.
TsneResult tsne_kept_in(const std::filesystem::path& path, std::int64_t every, const Held& held,
                        ConstRows start, const Progress& progress, TsneExtras extras) {
  std::optional<TsneState> state;
  if (std::filesystem::exists(path)) state = read_tsne_state(path);
  extras.resume = state ? &*state : nullptr;
  extras.save_every = every;
  extras.save = [&](TsneState&& now) { write_state(path, now); };
  return tsne(held.affinities, start, held.params, progress, extras);
}

nb::dict dict_of(TsneResult&& result) {
  nb::list trace;
  for (const TsneTrace& t : result.trace) trace.append(nb::make_tuple(t.iteration, t.kl));
  nb::dict out;
  out["map"] = array_of(std::move(result.map));
  out["kl"] = result.kl;
  out["exact_normalizer"] = result.exact_normalizer;
  out["iterations"] = result.iterations;
  out["exaggerated"] = result.exaggerated;
  out["converged"] = result.converged;
  out["stopped"] = result.stopped;
  out["trace"] = trace;
  out["notes"] = result.notes;
  return out;
}

void bind_start(nb::module_& m) {
  nb::class_<Held>(m, "Affinities", "Of a graph, with the parameters of t-SNE settled for it.")
      .def_ro("notes", &Held::notes, "What was settled otherwise than asked for.")
      .def(
          "placing",
          [](const Held& held) {
            PlaceParams params = placing_of(held.params, held.k);
            return nb::make_tuple(values(fields(params)), neighbors_to_place(params, held.k));
          },
          "(parameters, neighbors) that new rows are placed by.");
  m.def(
      "tsne_neighbors",
      [](std::int64_t n, nb::dict given) {
        return tsne_neighbors(with_preset(params_from<TsneParams>(given, "tsne")), n);
      },
      nb::arg("n"), nb::arg("params"), "How many neighbors of each of n rows t-SNE asks for.");
  m.def(
      "affinities",
      [](const Neighbors& graph, nb::dict given, int threads) {
        const auto params = params_from<TsneParams>(given, "tsne");
        return Host(nb::none(), threads).run([&](const Progress&) {
          return held_by(graph, params);
        });
      },
      nb::arg("graph"), nb::arg("params"), nb::arg("threads") = 0);
  m.def(
      "make_start",
      [](const std::string& name, FloatsIn rows, const Held* held, std::int64_t columns,
         std::uint64_t seed, int threads) {
        Start start = Host(nb::none(), threads).run([&](const Progress&) {
          return make_start(name, view(rows), held == nullptr ? Affinities() : held->affinities,
                            columns, seed);
        });
        return nb::make_tuple(array_of(std::move(start.places)), start.notes);
      },
      nb::arg("name"), nb::arg("rows"), nb::arg("affinities").none(), nb::arg("columns"),
      nb::arg("seed"), nb::arg("threads") = 0, "(places, notes)");
}

void bind_tsne(nb::module_& m) {
  m.def(
      "tsne",
      [](const Held& held, FloatsIn start, std::optional<FloatsIn> places, double strength,
         const std::optional<std::filesystem::path>& checkpoint, std::int64_t every,
         nb::object callback, int threads) {
        const Anchors anchors{places ? copy_of(view(*places)) : Matrix(), strength};
        TsneExtras extras;
        extras.anchors = places ? &anchors : nullptr;
        Host host(callback, threads);
        if (checkpoint)
          return dict_of(host.run_to_good_order([&](const Progress& progress) {
            return tsne_kept_in(*checkpoint, every, held, view(start), progress, extras);
          }));
        return dict_of(host.run([&](const Progress& progress) {
          return tsne(held.affinities, view(start), held.params, progress, extras);
        }));
      },
      nb::arg("affinities"), nb::arg("start"), nb::arg("anchors").none() = nb::none(),
      nb::arg("anchor_strength") = 0.0, nb::arg("checkpoint").none() = nb::none(),
      nb::arg("checkpoint_every") = 100, nb::arg("callback").none() = nb::none(),
      nb::arg("threads") = 0);
  m.def(
      "kl_divergence",
      [](const Neighbors& graph, double perplexity, FloatsIn map, int threads) {
        return Host(nb::none(), threads).run([&](const Progress&) {
          return kl_divergence(perplexity_affinities(graph, {.perplexity = perplexity}), view(map))
              .value;
        });
      },
      nb::arg("graph"), nb::arg("perplexity"), nb::arg("map"), nb::arg("threads") = 0);
}

void bind_placing(nb::module_& m) {
  nb::class_<FrozenMap>(m, "FrozenMap", "A fitted map made ready for new rows.")
      .def(
          "__init__",
          [](FrozenMap* self, FloatsIn train_map, nb::dict given, int threads) {
            const auto params = params_from<PlaceParams>(given, "place");
            new (self) FrozenMap(Host(nb::none(), threads).run([&](const Progress&) {
              return FrozenMap(view(train_map), params);
            }));
          },
          nb::arg("train_map"), nb::arg("params"), nb::arg("threads") = 0)
      .def(
          "place",
          [](const FrozenMap& self, const Neighbors& to_train, nb::object callback, int threads) {
            PlaceResult result = Host(callback, threads).run([&](const Progress& progress) {
              return self.place(to_train, progress);
            });
            nb::dict out;
            out["map"] = array_of(std::move(result.map));
            out["unconverged"] = result.unconverged;
            out["stopped"] = result.stopped;
            out["notes"] = result.notes;
            return out;
          },
          nb::arg("to_train"), nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0);
}

void bind_aligned(nb::module_& m) {
  m.def(
      "aligned_tsne",
      [](std::int64_t steps, nb::callable affinities, FloatsIn start, nb::dict given, nb::dict how,
         nb::object callback, int threads) {
        const auto params = params_from<TsneParams>(given, "tsne");
        const auto aligned = params_from<AlignedParams>(how, "aligned_tsne");
        const AffinitiesAt at = [&](std::int64_t step) {
          const nb::gil_scoped_acquire acquire;
          return nb::cast<Held&>(affinities(step)).affinities;
        };
        AlignedResult result = Host(callback, threads).run([&](const Progress& progress) {
          return aligned_tsne(steps, at, view(start), params, aligned, progress);
        });
        nb::list maps;
        for (TsneResult& map : result.maps) maps.append(dict_of(std::move(map)));
        return nb::make_tuple(maps, array_of(std::move(result.moved)));
      },
      nb::arg("steps"), nb::arg("affinities"), nb::arg("start"), nb::arg("params"),
      nb::arg("aligned"), nb::arg("callback").none() = nb::none(), nb::arg("threads") = 0,
      "(results, moves); affinities(step) is called for each step, the last one first.");
}

}  // namespace

void bind_maps_by_tsne(nb::module_& m) {
  bind_start(m);
  bind_tsne(m);
  bind_placing(m);
  bind_aligned(m);
}

}  // namespace latlas::python
