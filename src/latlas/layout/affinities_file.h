// Weights between rows in a file: compressed rows, as SciPy's csr_matrix has them, in a
// .safetensors.
//
//   begin    I64 or I32, n + 1   row i holds the entries begin[i] … begin[i+1] − 1   (indptr)
//   column   I64 or I32          the other row of each entry                        (indices)
//   weight   F32 or F64          ≥ 0                                                 (data)
//
// From Python:
//
//   save_file({"begin": w.indptr, "column": w.indices, "weight": w.data}, "weights.safetensors")
#pragma once

#include <filesystem>
#include <string_view>

#include "latlas/core/file.h"
#include "latlas/layout/symmetric.h"

namespace latlas {

/// Affinities from such weights (given_affinities).
/// @throws IoError          for bytes that are no such file: a tensor is missing, of another type
/// or
///         shape, or a column is no row.
/// @throws InvalidArgument  for weights that are no affinities.
Affinities parse_affinities(Bytes bytes, std::string_view what);
Affinities read_affinities(const std::filesystem::path& path);

}  // namespace latlas
