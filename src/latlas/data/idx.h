// IDX, the format of MNIST and its descendants (LeCun, Cortes & Burges, 1998):
//
//   00 00 08 03   images: bytes (08) in three dimensions (03)
//   n  height  width                            big-endian u32 each
//   n · height · width bytes                    0 is background
//
//   00 00 08 01   labels: bytes in one dimension
//   n                                           big-endian u32
//   n bytes
//
// Plain or gzipped, told apart by the bytes, not by the name. What a header promises is held
// against what is there before memory is asked for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"
#include "latlas/data/dataset.h"

namespace latlas::idx {

struct Images {
  ByteMatrix pixels;  ///< n × (height · width), n ≥ 1.
  std::int64_t height = 0, width = 0;
};

/// @param what  begins every error sentence, e.g. the path.
/// @throws IoError  for empty, truncated, oversized, damaged or foreign bytes, and for no images.
Images parse_images(Bytes bytes, std::string_view what);
std::vector<std::uint8_t> parse_labels(Bytes bytes, std::string_view what);

Images read_images(const std::filesystem::path& path);
std::vector<std::uint8_t> read_labels(const std::filesystem::path& path);

/// The four files of a dataset.
struct Files {
  std::filesystem::path train_images, train_labels, test_images, test_labels;
};

/// Looks for train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each with or without .gz, also with a dot before "idx". Empty unless
/// all four are there.
std::optional<Files> find_files(const std::filesystem::path& folder);

}  // namespace latlas::idx

namespace latlas {

/// Reads the four files of a folder (idx::find_files), two at a time where there are threads.
/// Classes are named by their numbers; the dataset is named after the folder.
/// @throws IoError  naming the file at fault, or the file that is missing; also when images and
///                  labels differ in number or the two parts in shape.
Dataset read_idx_folder(const std::filesystem::path& folder);

}  // namespace latlas
