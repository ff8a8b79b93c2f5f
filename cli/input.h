// What a command reads: rows and labels, named on the command line.
//
//   mnist:train, fashion-mnist:test, synthetic:train    a known dataset's images, or the built-in
//   vectors.npy                                         rows of numbers; bytes count as pixels
//   train-images-idx3-ubyte.gz                          images
//
//   labels.npy, train-labels-idx1-ubyte.gz, mnist:train whole numbers
//   labels.txt, packages.tsv:section, cells.csv:type    texts, one a row
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "latlas/data/dataset.h"
#include "latlas/nn/samples.h"

namespace latlas::cli {

struct Input {
  std::string name;
  ByteMatrix bytes;  ///< Filled for images; else `floats` is.
  Matrix floats;
  std::int64_t height = 0, width = 0;  ///< Of an image, where known.

  std::int64_t rows() const { return floats.rows() + bytes.rows(); }
  std::int64_t cols() const { return bytes.rows() > 0 ? bytes.cols() : floats.cols(); }
  Samples samples() const { return bytes.rows() > 0 ? Samples(bytes) : Samples(floats); }
};
Input load_input(const std::string& name);
/// As numbers; bytes become fractions of 255.
Matrix as_numbers(Input input);
inline Matrix load_rows(const std::string& name) { return as_numbers(load_input(name)); }

struct LabelSet {
  std::vector<std::int32_t> values;  ///< Index into names.
  std::vector<std::string> names;

  bool empty() const { return values.empty(); }
};
/// @param rows  how many there must be.
LabelSet load_labels(const std::string& name, std::int64_t rows);
/// The same for rows that belong to others already labeled: classes are matched by name, and a
/// class that `known` lacks is an error.
LabelSet load_labels_like(const std::string& name, std::int64_t rows, const LabelSet& known);
LabelSet labels_of(const std::vector<std::uint8_t>& labels,
                   const std::vector<std::string>& class_names);

/// Refuses outputs that are the same file as another output or as an input; empty names are none.
void require_distinct(const std::vector<std::string>& outputs,
                      const std::vector<std::string>& inputs);

/// The extents of a file of rows, from its header alone where it is an .npy.
struct Shape {
  std::int64_t rows = 0, cols = 0;
};
Shape shape_of(const std::string& name);

/// A dataset by name: of the catalog, or "synthetic", or a folder of IDX files.
Dataset load_named(const std::string& name);

}  // namespace latlas::cli
