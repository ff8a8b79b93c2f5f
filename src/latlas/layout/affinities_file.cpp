#include "latlas/layout/affinities_file.h"

#include <cstring>
#include <limits>

#include "latlas/core/error.h"
#include "latlas/core/safetensors.h"
#include "latlas/layout/affinities.h"

namespace latlas {
namespace {

using safetensors::Tensor;
using safetensors::Type;

/// The values of a tensor of one dimension.
template <class T>
std::vector<T> values_of(const Tensor& tensor, Type type, std::string_view what) {
  if (tensor.type != type || tensor.shape.size() != 1)
    throw IoError(sentence(what, ": '", tensor.name, "' is of type ",
                           safetensors::name(tensor.type), " and ", tensor.shape.size(),
                           " dimensions, expected ", safetensors::name(type), " and one"));
  std::vector<T> values(static_cast<std::size_t>(tensor.shape[0]));
  if (!values.empty()) std::memcpy(values.data(), tensor.values.data(), tensor.values.size());
  return values;
}

/// Indices of either width.
std::vector<std::int64_t> indices_of(const Tensor& tensor, std::string_view what) {
  if (tensor.type != Type::i32) return values_of<std::int64_t>(tensor, Type::i64, what);
  const auto narrow = values_of<std::int32_t>(tensor, Type::i32, what);
  return {narrow.begin(), narrow.end()};
}

}  // namespace

Affinities parse_affinities(Bytes bytes, std::string_view what) {
  const safetensors::Contents contents = safetensors::parse(bytes, what);
  Affinities weights;
  weights.begin = indices_of(safetensors::find(contents, "begin", what), what);
  const auto columns = indices_of(safetensors::find(contents, "column", what), what);
  if (weights.rows() > std::numeric_limits<std::int32_t>::max())
    throw IoError(sentence(what, ": ", weights.rows(), " rows are more than 2147483647"));
  weights.column.reserve(columns.size());
  for (const std::int64_t column : columns) {
    if (column < 0 || column >= weights.rows())
      throw IoError(
          sentence(what, ": 'column' holds ", column, ", there are ", weights.rows(), " rows"));
    weights.column.push_back(static_cast<std::int32_t>(column));
  }
  const Tensor& weight = safetensors::find(contents, "weight", what);
  if (weight.type == Type::f64) {
    for (const double w : values_of<double>(weight, Type::f64, what))
      weights.weight.push_back(static_cast<float>(w));
  } else {
    weights.weight = values_of<float>(weight, Type::f32, what);
  }
  if (weights.weight.size() != weights.column.size())
    throw IoError(sentence(what, ": has ", weights.column.size(), " columns and ",
                           weights.weight.size(), " weights; they must be as many"));
  return given_affinities(weights, std::string(what).c_str());
}

Affinities read_affinities(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_affinities(file.bytes(), path.string());
}

}  // namespace latlas
