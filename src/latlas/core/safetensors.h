// Safetensors, the format in which models are kept (huggingface.co/docs/safetensors).
//
//   header length   8 bytes, little-endian, unsigned
//   header          JSON: {"name": {"dtype": "F32", "shape": [784, 32], "data_offsets": [0,
//   100352]},
//                          …, "__metadata__": {"key": "text", …}}, padded by spaces
//   values          row-major, little-endian, one tensor after another without gap
//
// Nothing in such a file can run; everything its header claims is checked before it is used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"

namespace latlas::safetensors {

enum class Type { f16, f32, f64, i32, i64, u8 };
std::string_view name(Type type);  ///< "F16", …
std::int64_t size_of(Type type);   ///< bytes a value

/// A tensor whose values lie elsewhere: in the parsed bytes, or with whoever writes it.
struct Tensor {
  std::string name;
  Type type = Type::f32;
  std::vector<std::int64_t> shape;  ///< Empty for a single number.
  Bytes values;                     ///< Not necessarily aligned.
};

struct Contents {
  std::vector<Tensor> tensors;                  ///< In the order of their values.
  std::map<std::string, std::string> metadata;  ///< "__metadata__"; empty where there is none.
};

/// Reads and checks the header: its length (at most 100 MB), unique names, known types, shapes
/// whose product fits their bytes, offsets that cover the values exactly, without gap or overlap.
/// Throws IoError; `what` (a path) begins the sentence.
Contents parse(Bytes bytes, std::string_view what);

/// A mapped file and its contents.
struct File {
  MappedFile file;
  Contents contents;
};
File open(const std::filesystem::path& path);

/// The tensor of that name; throws IoError when there is none. `what` begins the sentence.
const Tensor& find(const Contents& contents, std::string_view name, std::string_view what);

/// An F32 tensor of at most two dimensions; one dimension of n becomes 1 × n. Throws IoError for
/// another type or more dimensions.
Matrix to_matrix(const Tensor& tensor, std::string_view what);
/// The same for F64.
BasicMatrix<double> to_doubles(const Tensor& tensor, std::string_view what);

/// Tensors of two dimensions that show the rows given, which must be contiguous and outlive them.
Tensor tensor_of(std::string name, ConstRows rows);
Tensor tensor_of(std::string name, MatrixView<const double> rows);

/// The first bytes of such a file, up to the values. Throws InvalidArgument for names that occur
/// twice, values that do not match their shape and text that is not UTF-8.
std::string header_of(const std::vector<Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Writes the file whole or not at all. Throws as header_of does, and IoError when it cannot be
/// written.
void write(const std::filesystem::path& path, const std::vector<Tensor>& tensors,
           const std::map<std::string, std::string>& metadata = {});

}  // namespace latlas::safetensors
