// The catalog: datasets that latlas knows by name, where they are published, and by which SHA-256
// their files are recognized.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/data/dataset.h"

namespace latlas {

struct KnownFile {
  std::string name;
  std::int64_t size;              ///< Bytes.
  std::string sha256;             ///< 64 lowercase hexadecimal digits.
  std::vector<std::string> urls;  ///< HTTPS; the first that works serves.
};

struct KnownDataset {
  std::string name, description, license, citation, homepage;
  std::int64_t train_rows, test_rows, height, width;
  std::vector<std::string> class_names;
  std::vector<KnownFile> files;

  std::int64_t size() const;  ///< Bytes of all files.
};

/// mnist, fashion-mnist, kmnist.
const std::vector<KnownDataset>& known_datasets();

/// @throws InvalidArgument  with the nearest name when there is none of that name.
const KnownDataset& known_dataset(std::string_view name);

/// Where `latlas datasets fetch` puts a dataset: $LATLAS_DATA/<name> where that variable is set,
/// else <name> in the user's cache, $XDG_CACHE_HOME/latlas or ~/.cache/latlas.
/// @throws IoError  when none of the three variables (HOME is the third) is set.
std::filesystem::path dataset_folder(std::string_view name);

/// The folder that holds all four files of the dataset: under $LATLAS_DATA, else in the user's
/// cache; empty when neither does.
std::optional<std::filesystem::path> find_dataset(std::string_view name);

/// Finds and reads a known dataset.
/// @throws InvalidArgument  for an unknown name.
/// @throws IoError  when it is not on this machine (naming where it was looked for and the command
///                  that fetches it), or its files are damaged or are not those of the catalog.
Dataset load_dataset(std::string_view name);

}  // namespace latlas
