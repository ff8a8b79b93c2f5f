// latlas._core: the arrows of the library, one function each. It takes row-major float32 arrays as
// they are and leaves conversions, names and manners to the package around it.
#include <nanobind/stl/string_view.h>
#include <pthread.h>

#include <filesystem>
#include <string>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/core/machine.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"
#include "latlas/data/synthetic.h"
#include "latlas/evaluate/probes.h"
#include "latlas/layout/aligned.h"
#include "latlas/layout/novelty.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/place.h"
#include "latlas/layout/tsne.h"
#include "latlas/layout/umap.h"
#include "latlas/neighbors/exact.h"
#include "latlas/nn/autoencoder.h"
#include "latlas/nn/train.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

template <class Params>
nb::list described() {
  Params params;
  return describe(fields(params));
}

nb::list fields_of(const std::string& what) {
  static constexpr std::pair<const char*, nb::list (*)()> kSteps[] = {
      {"autoencoder", described<AutoencoderParams>},
      {"training", described<TrainParams>},
      {"neighbors", described<NeighborsParams>},
      {"pca", described<PcaParams>},
      {"tsne", described<TsneParams>},
      {"aligned", described<AlignedParams>},
      {"place", described<PlaceParams>},
      {"novelty", described<NoveltyParams>},
      {"umap", described<UmapParams>},
      {"evaluate", described<EvaluateParams>},
      {"probe", described<ProbeParams>},
      {"synthetic", described<SyntheticParams>}};
  std::string known;
  for (const auto& [name, fields] : kSteps) {
    if (what == name) return fields();
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw InvalidArgument(sentence("parameters: '", what, "' is unknown; known are ", known));
}

void translate(const std::exception_ptr& error, void*) {
  try {
    std::rethrow_exception(error);
  } catch (const IoError& e) {
    PyErr_SetString(PyExc_OSError, e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    PyErr_SetString(PyExc_OSError, e.what());
  } catch (const WouldNotFit& e) {
    PyErr_SetString(PyExc_MemoryError, e.what());
  }
}

}  // namespace
}  // namespace latlas::python

NB_MODULE(_core, m) {
  using namespace latlas::python;
  m.doc() = "The numerical core of latlas; use the package around it.";
  pthread_atfork(nullptr, nullptr, [] { is_forked = true; });
  nb::register_exception_translator(translate);  // InvalidArgument is a ValueError already
  m.attr("__version__") = LATLAS_VERSION;
  m.def("fields", &fields_of, nb::arg("what"),
        "The parameters of a step: name, default, help, low, high, choices.");
  m.def("threads", &latlas::threads, "Threads that work uses unless told otherwise.");
  m.def(
      "simd", [] { return std::string(latlas::simd::name()); },
      "The instruction set in use: avx512, avx2, neon or portable.");
  m.def("select_simd", &latlas::simd::select, nb::arg("name"));
  m.def("available_memory", &latlas::machine::available_memory, "Bytes.");
  bind_data(m);
  bind_model(m);
  bind_neighbors(m);
  bind_layout(m);
  bind_maps_by_tsne(m);
  bind_scores(m);
}
