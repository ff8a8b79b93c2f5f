// .npy arrays: NumPy's own format, versions 1 and 2 (NumPy enhancement proposal 1).
//
//   \x93NUMPY  major  minor  header length (u16, version 2: u32)
//   {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 32), }  spaces, newline
//   the values
//
// Read: little-endian f2 f4 f8 u1 i4 i8 u4 (and |b1 as u1), C and Fortran order, one or two
// dimensions; no pickled objects, no rows without values. Written: C order, the header padded so
// that values begin at a multiple of 64 bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"

namespace latlas::npy {

enum class Type { f2, f4, f8, u1, i4, i8, u4 };
std::string_view name(Type type);  ///< "f2", …
std::int64_t size_of(Type type);   ///< bytes a value

/// What a header says, checked against the bytes that follow it.
struct Array {
  Type type = Type::f4;
  bool fortran_order = false;
  std::int64_t rows = 0, cols = 1;  ///< a vector of n values has n rows and 1 column
  int dimensions = 2;
  Bytes values;  ///< rows · cols values, in place
};

/// Reads the header. `what` (a path) begins every error sentence. Throws IoError for bytes that are
/// no .npy, truncated or longer than the header claims, pickled, big-endian, of another type, of
/// no dimension or more than two, or with rows of no values.
Array parse(Bytes bytes, std::string_view what);

/// The values as float32; exact for f2, f4, u1; rounded for the others.
Matrix to_matrix(const Array& array);
/// The values as integers; throws InvalidArgument when the type is a floating one and a value is
/// not a whole number.
std::vector<std::int64_t> to_integers(const Array& array, std::string_view what);

/// A mapped file and its array; values stay on disk until touched.
struct File {
  MappedFile file;
  Array array;
};
File open(const std::filesystem::path& path);
Matrix read_matrix(const std::filesystem::path& path);
std::vector<std::int64_t> read_integers(const std::filesystem::path& path);

void write(const std::filesystem::path& path, ConstRows rows);
void write(const std::filesystem::path& path, MatrixView<const double> rows);
void write(const std::filesystem::path& path, MatrixView<const std::int32_t> rows);
void write(const std::filesystem::path& path, MatrixView<const std::uint8_t> rows);
inline void write(const std::filesystem::path& path, const Matrix& rows) {
  write(path, rows.view());
}
/// One dimension: shape (n,).
void write(const std::filesystem::path& path, std::span<const std::uint8_t> values);
void write(const std::filesystem::path& path, std::span<const std::int64_t> values);

}  // namespace latlas::npy
