#include <nanobind/stl/filesystem.h>

#include "latlas/data/catalog.h"
#include "latlas/data/dataset.h"
#include "latlas/data/idx.h"
#include "latlas/data/synthetic.h"
#include "module/convert.h"
#include "module/host.h"

namespace latlas::python {
namespace {

nb::dict dict_of(Dataset&& d) {
  nb::dict out;
  out["name"] = d.name;
  out["train"] = array_of(std::move(d.train));
  out["test"] = array_of(std::move(d.test));
  out["train_labels"] = array_of(std::move(d.train_labels));
  out["test_labels"] = array_of(std::move(d.test_labels));
  out["height"] = d.height;
  out["width"] = d.width;
  out["class_names"] = d.class_names;
  out["source"] = d.source;
  return out;
}

}  // namespace

void bind_data(nb::module_& m) {
  m.def(
      "known_datasets",
      [] {
        nb::dict out;
        for (const KnownDataset& d : known_datasets()) {
          nb::list files;
          for (const KnownFile& f : d.files)
            files.append(nb::make_tuple(f.name, f.size, f.sha256, f.urls));
          nb::dict one;
          one["description"] = d.description;
          one["license"] = d.license;
          one["citation"] = d.citation;
          one["homepage"] = d.homepage;
          one["files"] = files;
          out[d.name.c_str()] = one;
        }
        return out;
      },
      "The catalog, by name; files are (name, size, SHA-256, addresses).");
  m.def(
      "find_dataset",
      [](const std::string& name) -> nb::object {
        const auto folder = find_dataset(known_dataset(name).name);
        return folder ? nb::cast(*folder) : nb::none();
      },
      nb::arg("name"), "The folder that holds a dataset of the catalog, or None.");
  m.def(
      "dataset_folder",
      [](const std::string& name) { return dataset_folder(known_dataset(name).name); },
      nb::arg("name"), "Where a dataset of the catalog is downloaded to.");
  m.def(
      "load_dataset",
      [](const std::string& name) {
        return dict_of(
            Host(nb::none(), 0).run([&](const Progress&) { return load_dataset(name); }));
      },
      nb::arg("name"));
  m.def(
      "read_idx_folder",
      [](const std::filesystem::path& folder) {
        return dict_of(
            Host(nb::none(), 0).run([&](const Progress&) { return read_idx_folder(folder); }));
      },
      nb::arg("folder"));
  m.def(
      "synthetic_digits",
      [](nb::dict given, int threads) {
        const auto params = params_from<SyntheticParams>(given, "synthetic");
        return dict_of(Host(nb::none(), threads).run([&](const Progress&) {
          return synthetic_digits(params);
        }));
      },
      nb::arg("params"), nb::arg("threads") = 0);
}

}  // namespace latlas::python
