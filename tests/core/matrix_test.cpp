#include "latlas/core/matrix.h"

#include <gtest/gtest.h>

#include <vector>

#include <cmath>

#include "latlas/core/parallel.h"
#include "tests/core/helpers.h"

namespace latlas {
namespace {

Matrix counted(std::int64_t rows, std::int64_t cols) {
  Matrix m(rows, cols);
  for (std::int64_t i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  return m;
}

TEST(Matrix, IsZeroAndAlignedAtFirst) {
  for (const std::int64_t cols : {1, 3, 16, 17, 784}) {
    const Matrix m(5, cols);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(m.data()) % 64, 0U);
    for (std::int64_t i = 0; i < m.size(); ++i) ASSERT_EQ(m.data()[i], 0);
  }
}

TEST(Matrix, MayHaveNoRowsOrNoColumns) {
  for (const auto& [rows, cols] : {std::pair{0, 0}, {0, 5}, {5, 0}}) {
    const Matrix m(rows, cols);
    EXPECT_TRUE(m.empty());
    EXPECT_TRUE(copy_of(m).empty());
    EXPECT_EQ(m.view().rows(), rows);
    require_finite(m, "data");
  }
  EXPECT_TRUE(Matrix().empty());
}

TEST(Matrix, RejectsShapesBeyondMemory) {
  const std::int64_t large = std::int64_t{1} << 40;
  EXPECT_ERROR(InvalidArgument, "-1 × 3 is not a shape", Matrix(-1, 3));
  EXPECT_ERROR(InvalidArgument, "more than memory can address", Matrix(large, large));
  EXPECT_THROW(Matrix(large, 1 << 15), std::bad_alloc);
}

TEST(Matrix, IsEmptyAfterItsMove) {
  Matrix a = counted(2, 3);
  const float* data = a.data();
  Matrix b = std::move(a);
  EXPECT_EQ(b.data(), data);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): the state is promised
  a = std::move(b);
  EXPECT_EQ(a(1, 2), 5);
}

TEST(MatrixView, SeesARowWhereItsStrideSays) {
  Matrix wide = counted(4, 10);
  const Rows window(wide.data() + 2, 4, 3, 10);
  EXPECT_FALSE(window.contiguous());
  EXPECT_EQ(window(3, 1), 33);
  EXPECT_EQ(window[2].size(), 3U);
  EXPECT_EQ(window[2][0], 22);
  const Rows middle = window.rows(1, 3);
  EXPECT_EQ(middle.rows(), 2);
  EXPECT_EQ(middle(0, 0), 12);
  EXPECT_TRUE(window.rows(4, 4).empty());
  middle(0, 0) = -1;
  EXPECT_EQ(wide(1, 2), -1);
}

TEST(MatrixView, TurnsConstAndNotBack) {
  Matrix m = counted(2, 2);
  const ConstRows read = Rows(m);
  EXPECT_EQ(read(1, 1), 3);
  static_assert(std::is_convertible_v<Rows, ConstRows>);
  static_assert(!std::is_convertible_v<ConstRows, Rows>);
  static_assert(!std::is_copy_constructible_v<Matrix>);
}

TEST(Matrix, CopiesListedRowsInTheirOrder) {
  Matrix m(4, 2);
  for (std::int64_t i = 0; i < m.size(); ++i) m.data()[i] = static_cast<float>(i);
  const std::vector<std::int32_t> list{3, 0, 3};
  const Matrix some = copy_of(m, list);
  ASSERT_EQ(some.rows(), 3);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 2; ++j)
      EXPECT_EQ(some(i, j), m(list[static_cast<std::size_t>(i)], j)) << i << " " << j;
}

TEST(CopyOf, PutsStridedRowsTogether) {
  const Matrix wide = counted(3, 8);
  const Matrix narrow = copy_of(ConstRows(wide.data() + 1, 3, 2, 8));
  EXPECT_EQ(narrow.size(), 6);
  EXPECT_EQ(narrow(2, 1), 18);
}

TEST(RequireFinite, NamesTheFirstRowAndColumn) {
  Matrix m = counted(5000, 7);
  m(4321, 5) = std::nanf("");
  m(4321, 6) = INFINITY;
  m(4999, 0) = INFINITY;
  for (const int threads : {1, 2, 3, 7}) {
    const ThreadLimit limit(threads);
    EXPECT_ERROR(InvalidArgument, "pca: data holds NaN in row 4321, column 5 (counted from 0)",
                 require_finite(m, "pca: data"));
  }
  m(7, 0) = -INFINITY;
  EXPECT_ERROR(InvalidArgument, "holds infinity in row 7, column 0",
               require_finite(m, "pca: data"));
}

TEST(RequireFinite, AcceptsEveryFiniteValueAndLooksAtNoOther) {
  Matrix m = counted(3, 8);
  m(0, 0) = std::numeric_limits<float>::max();
  m(1, 0) = std::numeric_limits<float>::lowest();
  m(2, 0) = std::numeric_limits<float>::denorm_min();
  m(1, 7) = NAN;  // beyond the view
  require_finite(ConstRows(m.data(), 3, 7, 8), "data");
}

}  // namespace
}  // namespace latlas
