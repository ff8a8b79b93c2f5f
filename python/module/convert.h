// Arrays and parameters on their way between Python and the library.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/params.h"

namespace latlas::python {

namespace nb = nanobind;

// In: views of the caller's memory. Other layouts and types never come here: the package converts.
template <class T>
using RowsIn = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
template <class T>
using VectorIn = nb::ndarray<const T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using FloatsIn = RowsIn<float>;
using LabelsIn = VectorIn<std::int32_t>;

template <class T>
MatrixView<const T> view(const RowsIn<T>& a) {
  return {a.data(), static_cast<std::int64_t>(a.shape(0)), static_cast<std::int64_t>(a.shape(1))};
}
template <class T>
std::span<const T> view(const VectorIn<T>& a) {
  return {a.data(), a.shape(0)};
}

// Out: arrays that own the library's memory.
template <class T>
using ArrayOut = nb::ndarray<nb::numpy, T>;

template <class T>
ArrayOut<T> array_of(BasicMatrix<T>&& matrix) {
  auto* kept = new BasicMatrix<T>(std::move(matrix));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<BasicMatrix<T>*>(p); });
  return ArrayOut<T>(
      kept->data(),
      {static_cast<std::size_t>(kept->rows()), static_cast<std::size_t>(kept->cols())}, owner);
}
template <class T>
ArrayOut<T> array_of(std::vector<T>&& values) {
  auto* kept = new std::vector<T>(std::move(values));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return ArrayOut<T>(kept->data(), {kept->size()}, owner);
}

/// Sets the fields that `given` names. `what` begins the error sentence for an unknown name or a
/// value of the wrong kind; ranges are checked where the parameters are used.
void set_fields(std::vector<Field> fields, const nb::dict& given, const char* what);

template <class Params>
Params params_from(const nb::dict& given, const char* what) {
  Params params;
  set_fields(fields(params), given, what);
  return params;
}

/// The fields' values by name.
nb::dict values(const std::vector<Field>& fields);

/// The fields as a list of dictionaries: name, default, help, low, high, choices.
nb::list describe(const std::vector<Field>& fields);

// The parts of the module.
void bind_neighbors(nb::module_& m);
void bind_layout(nb::module_& m);
void bind_maps_by_tsne(nb::module_& m);
void bind_model(nb::module_& m);
void bind_scores(nb::module_& m);
void bind_data(nb::module_& m);

}  // namespace latlas::python
