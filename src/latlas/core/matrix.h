// Matrix and MatrixView: rows of numbers, a row is an observation.
//
// A Matrix owns n × d values, row after row, in memory aligned to 64 bytes. A MatrixView looks at
// such rows, its own or another's, `stride` values apart. Constness lives in the element type:
// MatrixView<float> may write, MatrixView<const float> only reads; the first converts to the
// second. Views are passed by value, owners are returned by value.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "latlas/core/error.h"

namespace latlas {

template <class T>
class MatrixView {
 public:
  MatrixView() = default;
  MatrixView(T* data, std::int64_t rows, std::int64_t cols, std::int64_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}
  MatrixView(T* data, std::int64_t rows, std::int64_t cols) : MatrixView(data, rows, cols, cols) {}

  /// MatrixView<float> → MatrixView<const float>.
  template <class U>
  requires(std::is_same_v<T, const U>)
      MatrixView(MatrixView<U> other)  // NOLINT(google-explicit-constructor)
      : MatrixView(other.data(), other.rows(), other.cols(), other.stride()) {}

  T* data() const { return data_; }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t stride() const { return stride_; }
  bool empty() const { return rows_ == 0 || cols_ == 0; }
  bool contiguous() const { return stride_ == cols_; }

  T* row(std::int64_t i) const {
    assert(i >= 0 && i <= rows_);
    return data_ + i * stride_;
  }
  std::span<T> operator[](std::int64_t i) const {
    return {row(i), static_cast<std::size_t>(cols_)};
  }
  T& operator()(std::int64_t i, std::int64_t j) const {
    assert(i >= 0 && i < rows_ && j >= 0 && j < cols_);
    return data_[i * stride_ + j];
  }
  /// Rows [begin, end).
  MatrixView rows(std::int64_t begin, std::int64_t end) const {
    assert(begin >= 0 && begin <= end && end <= rows_);
    return {data_ + begin * stride_, end - begin, cols_, stride_};
  }

 private:
  T* data_ = nullptr;
  std::int64_t rows_ = 0, cols_ = 0, stride_ = 0;
};

/// Gives memory back to where it came from.
struct Release {
  std::uint64_t mapped = 0;  // bytes of a mapping of its own; 0: from the heap
  void operator()(void* memory) const noexcept;
};
/// So many bytes, zeroed and aligned to 64; throws std::bad_alloc. Large ones are mapped, so that
/// whoever writes first to a page also zeroes it, and in huge pages where the system grants them:
/// rows are read in any order, and each small page costs its own translation.
std::unique_ptr<void, Release> zeroed_memory(std::uint64_t bytes);

/// Owns rows × cols values, zero at first. Moves; copies only when asked with copy_of().
template <class T>
class BasicMatrix {
 public:
  BasicMatrix() = default;
  BasicMatrix(std::int64_t rows, std::int64_t cols) : rows_(rows), cols_(cols) {
    static_assert(std::is_trivially_copyable_v<T>);
    require(rows >= 0 && cols >= 0, "matrix: ", rows, " × ", cols, " is not a shape");
    require(cols == 0 || rows <= std::numeric_limits<std::int64_t>::max() / 64 / cols,
            "matrix: ", rows, " × ", cols, " values are more than memory can address");
    auto memory = zeroed_memory(static_cast<std::uint64_t>(rows * cols) * sizeof(T));
    const Release release = memory.get_deleter();
    data_ = {static_cast<T*>(memory.release()), release};
  }
  BasicMatrix(BasicMatrix&& other) noexcept
      : data_(std::move(other.data_)),
        rows_(std::exchange(other.rows_, 0)),
        cols_(std::exchange(other.cols_, 0)) {}
  BasicMatrix& operator=(BasicMatrix&& other) noexcept {
    data_ = std::move(other.data_);
    rows_ = std::exchange(other.rows_, 0);
    cols_ = std::exchange(other.cols_, 0);
    return *this;
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  std::int64_t size() const { return rows_ * cols_; }
  bool empty() const { return size() == 0; }

  T* row(std::int64_t i) { return view().row(i); }
  const T* row(std::int64_t i) const { return view().row(i); }
  T& operator()(std::int64_t i, std::int64_t j) { return view()(i, j); }
  const T& operator()(std::int64_t i, std::int64_t j) const { return view()(i, j); }
  std::span<T> operator[](std::int64_t i) { return view()[i]; }
  std::span<const T> operator[](std::int64_t i) const { return view()[i]; }

  MatrixView<T> view() { return {data_.get(), rows_, cols_}; }
  MatrixView<const T> view() const { return {data_.get(), rows_, cols_}; }
  MatrixView<T> rows(std::int64_t begin, std::int64_t end) { return view().rows(begin, end); }
  MatrixView<const T> rows(std::int64_t begin, std::int64_t end) const {
    return view().rows(begin, end);
  }
  operator MatrixView<T>() { return view(); }              // NOLINT(google-explicit-constructor)
  operator MatrixView<const T>() const { return view(); }  // NOLINT(google-explicit-constructor)

 private:
  std::unique_ptr<T[], Release> data_;
  std::int64_t rows_ = 0, cols_ = 0;
};

using Matrix = BasicMatrix<float>;
using ConstRows = MatrixView<const float>;
using Rows = MatrixView<float>;

/// An owning copy of what the view shows.
template <class T>
BasicMatrix<std::remove_const_t<T>> copy_of(MatrixView<T> view) {
  BasicMatrix<std::remove_const_t<T>> out(view.rows(), view.cols());
  for (std::int64_t i = 0; i < view.rows(); ++i) std::copy_n(view.row(i), view.cols(), out.row(i));
  return out;
}
inline Matrix copy_of(const Matrix& matrix) { return copy_of(matrix.view()); }
/// An owning copy of the listed rows, in the order of the list.
Matrix copy_of(ConstRows rows, std::span<const std::int32_t> list);

/// Throws InvalidArgument naming the first row and column that hold NaN or infinity.
/// @param what  begins the sentence, e.g. "pca: data".
void require_finite(ConstRows rows, const char* what);

/// The mean of each column, in double; sums run over tiles of 512 rows.
std::vector<double> column_means(ConstRows rows);

/// Each row over its norm.
/// @throws InvalidArgument  naming the first row of norm 0 that was met.
Matrix unit_rows(ConstRows rows, const char* what);

}  // namespace latlas
