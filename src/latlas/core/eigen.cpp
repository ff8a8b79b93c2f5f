// Eigen without its hand-written vector code, whose sums depend on the register width.
#define EIGEN_DONT_VECTORIZE
#define EIGEN_DONT_PARALLELIZE
#include "latlas/core/eigen.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"

namespace latlas {
namespace {

using Dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void check_square(MatrixView<const double> m, const char* what) {
  require(m.rows() == m.cols() && m.rows() >= 1, what, ": the matrix is ", m.rows(), " × ",
          m.cols(), ", it must be square and not empty");
  for (std::int64_t i = 0; i < m.rows(); ++i)
    for (std::int64_t j = 0; j <= i; ++j)
      require(std::isfinite(m(i, j)), what, ": the matrix holds NaN or infinity in row ", i,
              ", column ", j);
}

Dense dense_of(MatrixView<const double> m) {
  Dense out(m.rows(), m.cols());
  for (std::int64_t i = 0; i < m.rows(); ++i) std::copy_n(m.row(i), m.cols(), out.row(i).data());
  return out;
}

/// The sum of products by eight partial sums.
double dot(const double* x, const double* y, std::int64_t d) {
  double sum[8] = {};
  std::int64_t k = 0;
  for (; k + 8 <= d; k += 8)
    for (int l = 0; l < 8; ++l) sum[l] += x[k + l] * y[k + l];
  for (; k < d; ++k) sum[k & 7] += x[k] * y[k];
  return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

/// a · b. Four rows of b at a time are added to one of the result, each in its turn.
BasicMatrix<double> multiply(const BasicMatrix<double>& a, const BasicMatrix<double>& b) {
  const std::int64_t inner = b.rows(), cols = b.cols();
  BasicMatrix<double> out(a.rows(), cols);
  parallel_for(a.rows(), 1, [&](std::int64_t i, std::int64_t) {
    const double* c = a.row(i);
    double* y = out.row(i);
    std::int64_t k = 0;
    for (; k + 4 <= inner; k += 4) {
      const double *m0 = b.row(k), *m1 = b.row(k + 1), *m2 = b.row(k + 2), *m3 = b.row(k + 3);
      for (std::int64_t j = 0; j < cols; ++j)
        y[j] = y[j] + c[k] * m0[j] + c[k + 1] * m1[j] + c[k + 2] * m2[j] + c[k + 3] * m3[j];
    }
    for (; k < inner; ++k)
      for (std::int64_t j = 0; j < cols; ++j) y[j] += c[k] * b(k, j);
  });
  return out;
}

/// The first `count` of all.
SymmetricEigen first_of(SymmetricEigen all, std::int64_t count) {
  all.values.resize(static_cast<std::size_t>(count));
  all.vectors = copy_of(std::as_const(all.vectors).rows(0, count));
  return all;
}

}  // namespace

// Gram–Schmidt, twice, which is enough (Giraud, Langou & Rozložník, 2005).
void orthonormalize(BasicMatrix<double>& rows) {
  const std::int64_t d = rows.cols();
  std::int64_t spare = 0;
  for (std::int64_t i = 0; i < rows.rows();) {
    double* x = rows.row(i);
    const double before = std::sqrt(dot(x, x, d));
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t j = 0; j < i; ++j) {
        const double c = dot(x, rows.row(j), d);
        for (std::int64_t k = 0; k < d; ++k) x[k] -= c * rows.row(j)[k];
      }
    const double after = std::sqrt(dot(x, x, d));
    if (!(after > 1e-10 * before) || after < 1e-150) {
      std::fill_n(x, d, 0.0);
      x[spare++] = 1;
      continue;
    }
    for (std::int64_t k = 0; k < d; ++k) x[k] /= after;
    ++i;
  }
}

SymmetricEigen symmetric_eigen(MatrixView<const double> matrix) {
  check_square(matrix, "symmetric_eigen");
  const std::int64_t d = matrix.rows();
  const Eigen::SelfAdjointEigenSolver<Dense> solver(dense_of(matrix));
  require(solver.info() == Eigen::Success, "symmetric_eigen: no convergence for a matrix of ", d,
          " rows; are its values near the largest a double holds?");
  SymmetricEigen out{std::vector<double>(static_cast<std::size_t>(d)), BasicMatrix<double>(d, d)};
  for (std::int64_t i = 0; i < d; ++i) {  // Eigen's values ascend, its vectors are columns
    out.values[static_cast<std::size_t>(i)] = solver.eigenvalues()(d - 1 - i);
    for (std::int64_t j = 0; j < d; ++j) out.vectors(i, j) = solver.eigenvectors()(j, d - 1 - i);
  }
  return out;
}

// Subspace iteration with Rayleigh–Ritz projection: Saad, Numerical methods for large eigenvalue
// problems, 2011, chapter 5. A block wider than asked converges by the ratio of the first
// eigenvalue outside the block to the last one asked for; a Chebyshev polynomial of degree 2, small
// from 0 to the block's last eigenvalue, squares that and more (chapter 5.3).
SymmetricEigen largest_eigen(MatrixView<const double> matrix, std::int64_t count) {
  check_square(matrix, "largest_eigen");
  const std::int64_t d = matrix.rows();
  require(count >= 1 && count <= d, "largest_eigen: count is ", count,
          ", it must be between 1 and ", d);
  const std::int64_t block = std::max(2 * count, count + 14);
  if (d <= 512 || 6 * block > d) return first_of(symmetric_eigen(matrix), count);

  BasicMatrix<double> full(d, d);
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j <= i; ++j) full(i, j) = full(j, i) = matrix(i, j);
  BasicMatrix<double> basis(block, d), projected(block, block);
  for (std::int64_t i = 0; i < block * d; ++i)
    basis.data()[i] =
        random::normal({.stream = random::Stream::start, .index = static_cast<std::uint64_t>(i)});
  orthonormalize(basis);

  constexpr int kMost = 200;             // by then all pairs at once would have been cheaper
  constexpr double kFilterAbove = 1e-4;  // below, rounding might pass for an eigenvalue below 0
  for (int step = 0; step < kMost; ++step) {
    BasicMatrix<double> image = multiply(basis, full);
    for (std::int64_t i = 0; i < block; ++i)
      for (std::int64_t j = 0; j <= i; ++j) projected(i, j) = dot(image.row(i), basis.row(j), d);
    SymmetricEigen ritz = symmetric_eigen(projected);
    basis = multiply(ritz.vectors, basis);
    image = multiply(ritz.vectors, image);
    double worst = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      double square = 0;
      for (std::int64_t k = 0; k < d; ++k) {
        const double gap = image(i, k) - ritz.values[static_cast<std::size_t>(i)] * basis(i, k);
        square += gap * gap;
      }
      worst = std::max(worst, square);
    }
    if (std::sqrt(worst) <= 1e-10 * std::abs(ritz.values[0]))
      return first_of({std::move(ritz.values), std::move(basis)}, count);
    const double edge = ritz.values.back();
    if (edge > kFilterAbove * ritz.values.front()) {  // T₂(u) = 2 u² − 1 with u = 2 A / edge − 1
      BasicMatrix<double> once(block, d);
      for (std::int64_t i = 0; i < block * d; ++i)
        once.data()[i] = 2 / edge * image.data()[i] - basis.data()[i];
      image = multiply(once, full);
      for (std::int64_t i = 0; i < block * d; ++i)
        image.data()[i] = 2 * (2 / edge * image.data()[i] - once.data()[i]) - basis.data()[i];
    }
    basis = std::move(image);
    orthonormalize(basis);
  }
  return first_of(symmetric_eigen(matrix), count);
}

double orthonormal_defect(const BasicMatrix<double>& rows) {
  double sum = 0;
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    for (std::int64_t j = 0; j <= i; ++j) {
      double dot = i == j ? -1 : 0;
      for (std::int64_t k = 0; k < rows.cols(); ++k) dot += rows(i, k) * rows(j, k);
      sum += (i == j ? 1 : 2) * dot * dot;
    }
  return std::sqrt(sum);
}

BasicMatrix<double> solve_positive(MatrixView<const double> a, MatrixView<const double> b) {
  check_square(a, "solve_positive");
  require(b.rows() == a.rows(), "solve_positive: the matrix has ", a.rows(),
          " rows, the right side ", b.rows());
  // Eigen cuts its sums to the caches it finds; the same cuts everywhere give the same bits.
  static const bool same_cuts = (Eigen::setCpuCacheSizes(32768, 524288, 2097152), true);
  static_cast<void>(same_cuts);
  const Eigen::LLT<Dense> factor(dense_of(a));
  require(factor.info() == Eigen::Success,
          "solve_positive: the matrix is not positive definite; add to its diagonal");
  const Dense x = factor.solve(dense_of(b));
  BasicMatrix<double> out(b.rows(), b.cols());
  for (std::int64_t i = 0; i < out.rows(); ++i)
    std::copy_n(x.row(i).data(), out.cols(), out.row(i));
  return out;
}

}  // namespace latlas
