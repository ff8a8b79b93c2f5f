#include "cli/input.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/data/catalog.h"
#include "latlas/data/idx.h"
#include "latlas/data/synthetic.h"
#include "latlas/data/table.h"

namespace latlas::cli {
namespace {

bool is_npy(const std::string& name) { return name.ends_with(".npy"); }

bool is_known(std::string_view name) {
  if (name == "synthetic") return true;
  return std::any_of(known_datasets().begin(), known_datasets().end(),
                     [&](const KnownDataset& d) { return d.name == name; });
}

// "mnist:train" → dataset and part; empty dataset when the name is something else.
struct Part {
  std::string dataset;
  bool train = true;
};
Part part_of(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string::npos) {
    require(!is_known(name) || std::filesystem::exists(name), "'", name,
            "' is a dataset of two parts; say ", name, ":train or ", name, ":test");
    return {};
  }
  const std::string dataset = name.substr(0, colon), part = name.substr(colon + 1);
  if (part != "train" && part != "test") return {};
  return {dataset, part == "train"};
}

LabelSet from_integers(const std::vector<std::int64_t>& values, const std::string& name) {
  const std::set<std::int64_t> distinct(values.begin(), values.end());
  require(distinct.size() <= 10000, name, ": holds ", distinct.size(),
          " different labels; up to 10000 are classes");
  const std::vector<std::int64_t> sorted(distinct.begin(), distinct.end());
  LabelSet out;
  for (const auto v : sorted) out.names.push_back(std::to_string(v));
  for (const auto v : values)
    out.values.push_back(static_cast<std::int32_t>(
        std::lower_bound(sorted.begin(), sorted.end(), v) - sorted.begin()));
  return out;
}

LabelSet read_labels(const std::string& name) {
  if (const Part part = part_of(name); !part.dataset.empty()) {
    const Dataset d = load_named(part.dataset);
    return labels_of(part.train ? d.train_labels : d.test_labels, d.class_names);
  }
  if (is_npy(name)) return from_integers(npy::read_integers(name), name);
  if (name.find("idx1") != std::string::npos) {
    const auto bytes = idx::read_labels(name);
    return from_integers({bytes.begin(), bytes.end()}, name);
  }
  const std::size_t colon = name.rfind(':');
  const bool column = colon != std::string::npos && !std::filesystem::exists(name);
  Categories texts = categories_of(
      column ? read_column(name.substr(0, colon), name.substr(colon + 1)) : read_column(name, ""));
  return {std::move(texts.values), std::move(texts.names)};
}

}  // namespace

LabelSet labels_of(const std::vector<std::uint8_t>& labels,
                   const std::vector<std::string>& class_names) {
  return {{labels.begin(), labels.end()}, class_names};
}

Dataset load_named(const std::string& name) {
  if (name == "synthetic") return synthetic_digits();
  if (is_known(name) || !std::filesystem::is_directory(name)) return load_dataset(name);
  return read_idx_folder(name);
}

Input load_input(const std::string& name) {
  Input in;
  in.name = name;
  if (const Part part = part_of(name); !part.dataset.empty()) {
    Dataset d = load_named(part.dataset);
    in.bytes = std::move(part.train ? d.train : d.test);
    in.height = d.height;
    in.width = d.width;
  } else if (is_npy(name)) {
    const npy::File file = npy::open(name);
    if (file.array.type == npy::Type::u1 && !file.array.fortran_order) {
      in.bytes = ByteMatrix(file.array.rows, file.array.cols);
      std::transform(file.array.values.begin(), file.array.values.end(), in.bytes.data(),
                     [](std::byte b) { return static_cast<std::uint8_t>(b); });
    } else {
      in.floats = npy::to_matrix(file.array);
    }
  } else {
    if (!std::filesystem::exists(name) && name.find('.') == std::string::npos &&
        name.find('/') == std::string::npos)
      known_dataset(name);  // throws, with the nearest name
    for (const char* other : {".csv", ".tsv", ".txt", ".npz", ".parquet", ".h5", ".h5ad"})
      require(!name.ends_with(other), name, ": rows are read from .npy; in Python, numpy.save(\"",
              std::filesystem::path(name).stem().string(), ".npy\", rows) makes one");
    idx::Images images = idx::read_images(name);
    in.bytes = std::move(images.pixels);
    in.height = images.height;
    in.width = images.width;
  }
  require(in.rows() > 0 && in.cols() > 0, name, ": holds no rows");
  return in;
}

Shape shape_of(const std::string& name) {
  if (part_of(name).dataset.empty() && is_npy(name)) {
    const npy::File file = npy::open(name);
    return {file.array.rows, file.array.cols};
  }
  const Input in = load_input(name);
  return {in.rows(), in.cols()};
}

void require_distinct(const std::vector<std::string>& outputs,
                      const std::vector<std::string>& inputs) {
  const auto place_of = [](const std::string& name) {
    std::error_code error;
    const auto place = std::filesystem::weakly_canonical(name, error);
    return error ? std::filesystem::path(name).lexically_normal() : place;
  };
  std::set<std::filesystem::path> read, written;
  for (const auto& name : inputs)
    if (!name.empty()) read.insert(place_of(name));
  for (const auto& name : outputs) {
    if (name.empty()) continue;
    require(read.count(place_of(name)) == 0, name,
            ": is read and would be overwritten; name another file for the result");
    require(written.insert(place_of(name)).second, name,
            ": would be written twice; give each result a file of its own");
  }
}

Matrix as_numbers(Input input) {
  return input.bytes.rows() > 0 ? scaled(input.bytes) : std::move(input.floats);
}

LabelSet load_labels(const std::string& name, std::int64_t rows) {
  LabelSet labels = read_labels(name);
  const auto n = static_cast<std::int64_t>(labels.values.size());
  require(n == rows, name, ": holds ", n, " labels for ", rows, " rows; they must be as many");
  return labels;
}

LabelSet load_labels_like(const std::string& name, std::int64_t rows, const LabelSet& known) {
  LabelSet labels = load_labels(name, rows);
  std::vector<std::int32_t> number;
  for (const auto& own : labels.names) {
    const auto found = std::find(known.names.begin(), known.names.end(), own);
    require(found != known.names.end(), name, ": names a class '", own,
            "' that the labels of the map do not have");
    number.push_back(static_cast<std::int32_t>(found - known.names.begin()));
  }
  for (auto& value : labels.values) value = number[static_cast<std::size_t>(value)];
  labels.names = known.names;
  return labels;
}

}  // namespace latlas::cli
