// Eigen without its hand-written vector code, whose sums depend on the register width.
#define EIGEN_DONT_VECTORIZE
#define EIGEN_DONT_PARALLELIZE
#include "latlas/core/eigen.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "latlas/core/double_product.h"
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

/// Makes the rows orthonormal, and orthogonal to some that are so already. Gram–Schmidt, twice,
/// which is enough (Giraud, Langou & Rozložník, 2005).
void orthonormalize_behind(MatrixView<const double> before, BasicMatrix<double>& rows) {
  const std::int64_t d = rows.cols();
  std::int64_t spare = 0;
  for (std::int64_t i = 0; i < rows.rows();) {
    double* x = rows.row(i);
    const double length = std::sqrt(dot(x, x, d));
    const auto leave = [&](const double* other) {
      const double c = dot(x, other, d);
      for (std::int64_t k = 0; k < d; ++k) x[k] -= c * other[k];
    };
    for (int pass = 0; pass < 2; ++pass) {
      for (std::int64_t j = 0; j < before.rows(); ++j) leave(before.row(j));
      for (std::int64_t j = 0; j < i; ++j) leave(rows.row(j));
    }
    const double left = std::sqrt(dot(x, x, d));
    if (!(left > 1e-10 * length) || left < 1e-150) {
      std::fill_n(x, d, 0.0);
      x[spare++] = 1;
      continue;
    }
    for (std::int64_t k = 0; k < d; ++k) x[k] /= left;
    ++i;
  }
}

/// The first `count` of all.
SymmetricEigen first_of(SymmetricEigen all, std::int64_t count) {
  all.values.resize(static_cast<std::size_t>(count));
  all.vectors = copy_of(std::as_const(all.vectors).rows(0, count));
  return all;
}

}  // namespace

void orthonormalize(BasicMatrix<double>& rows) { orthonormalize_behind({}, rows); }

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

namespace {

/// Rows of a basis in which so many pairs are sought.
std::int64_t block_of(std::int64_t count) { return std::max(2 * count, count + 14); }

/// The rows of a basis with what the matrix makes of them.
struct Subspace {
  BasicMatrix<double> basis, image;
  std::vector<double> values;  // of Ritz, descending

  std::int64_t size() const { return basis.rows(); }
  /// Turns the basis to the Ritz vectors.
  void project(const BasicMatrix<double>& matrix) {
    const std::int64_t d = basis.cols();
    image = product(basis, matrix);
    BasicMatrix<double> projected(size(), size());
    parallel_for(size(), 1, [&](std::int64_t i, std::int64_t) {
      for (std::int64_t j = 0; j <= i; ++j) projected(i, j) = dot(image.row(i), basis.row(j), d);
    });
    SymmetricEigen ritz = symmetric_eigen(projected);
    basis = product(ritz.vectors, basis);
    image = product(ritz.vectors, image);
    values = std::move(ritz.values);
  }
  /// |A v − λ v| of one pair.
  double residual(std::int64_t i) const {
    double square = 0;
    for (std::int64_t k = 0; k < basis.cols(); ++k) {
      const double gap = image(i, k) - values[static_cast<std::size_t>(i)] * basis(i, k);
      square += gap * gap;
    }
    return std::sqrt(square);
  }
};

/// Takes the first pairs out of the subspace and of the matrix.
void take_out(std::int64_t pairs, Subspace& s, BasicMatrix<double>& matrix) {
  if (pairs == 0) return;
  const std::int64_t d = matrix.rows();
  parallel_for(d, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = 0; p < pairs; ++p)
      for (std::int64_t i = begin; i < end; ++i) {
        const double c = s.values[static_cast<std::size_t>(p)] * s.basis(p, i);
        for (std::int64_t j = 0; j < d; ++j) matrix(i, j) -= c * s.basis(p, j);
      }
  });
  s.basis = copy_of(std::as_const(s.basis).rows(pairs, s.size()));
  s.image = copy_of(std::as_const(s.image).rows(pairs, s.image.rows()));
  s.values.erase(s.values.begin(), s.values.begin() + pairs);
}

/// T_m(2 A / edge − 1) of the basis, where T_m is Chebyshev's polynomial: within ±1 for eigenvalues
/// from 0 to the edge, and growing beyond as fast as any polynomial of its degree.
BasicMatrix<double> filtered(Subspace s, const BasicMatrix<double>& matrix, double edge,
                             int degree) {
  const std::int64_t size = s.basis.size();
  BasicMatrix<double> before = std::move(s.basis), now = std::move(s.image);
  for (std::int64_t i = 0; i < size; ++i)
    now.data()[i] = 2 / edge * now.data()[i] - before.data()[i];
  for (int m = 1; m < degree; ++m) {
    BasicMatrix<double> next = product(now, matrix);
    for (std::int64_t i = 0; i < size; ++i)
      next.data()[i] = 2 * (2 / edge * next.data()[i] - now.data()[i]) - before.data()[i];
    before = std::move(now);
    now = std::move(next);
  }
  return now;
}

/// The highest degree, up to 20, at which the polynomial's value for the largest eigenvalue is no
/// more than doubles bear; below 2 there is nothing to filter by.
int degree_of(double largest, double edge) {
  constexpr double kMost = 1e9;
  constexpr int kHighest = 20;
  if (!(edge > 0)) return 0;
  const double u = std::max(2 * largest / edge - 1, 1.0);
  double before = 1, now = u;  // T₀, T₁, …
  int degree = 0;
  while (now <= kMost && degree < kHighest) {
    before = std::exchange(now, 2 * u * now - before);
    ++degree;
  }
  return degree;
}

/// The pairs by value, the largest first: found one after the other, each within the tolerance, two
/// that are nearly equal may stand the other way round.
SymmetricEigen sorted(const SymmetricEigen& found) {
  std::vector<std::size_t> order(found.values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, [&](std::size_t i, std::size_t j) { return found.values[i] > found.values[j]; });
  SymmetricEigen out{{}, BasicMatrix<double>(found.vectors.rows(), found.vectors.cols())};
  for (const std::size_t from : order) {
    std::copy_n(found.vectors.row(static_cast<std::int64_t>(from)), out.vectors.cols(),
                out.vectors.row(std::ssize(out.values)));
    out.values.push_back(found.values[from]);
  }
  return out;
}

}  // namespace

bool finds_all_pairs(std::int64_t d, std::int64_t count) {
  return d <= 512 || 6 * block_of(count) > d;
}

// Subspace iteration with Rayleigh–Ritz projection: Saad, Numerical methods for large eigenvalue
// problems, 2011, chapter 5. A block wider than asked converges by the ratio of the first
// eigenvalue outside the block to the last one asked for; a Chebyshev polynomial, small from 0 to
// the block's last eigenvalue, raises that (chapter 7.4). Its degree is bounded by the growth of
// the largest eigenvalue; so pairs that are found are taken out of the matrix (chapter 4.2), and
// the degree rises with what is left.
SymmetricEigen largest_eigen(MatrixView<const double> matrix, std::int64_t count) {
  check_square(matrix, "largest_eigen");
  const std::int64_t d = matrix.rows();
  require(count >= 1 && count <= d, "largest_eigen: count is ", count,
          ", it must be between 1 and ", d);
  if (finds_all_pairs(d, count)) return first_of(symmetric_eigen(matrix), count);
  const std::int64_t block = block_of(count);

  BasicMatrix<double> rest(d, d);
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j <= i; ++j) rest(i, j) = rest(j, i) = matrix(i, j);
  Subspace s{BasicMatrix<double>(block, d), {}, {}};
  for (std::int64_t i = 0; i < block * d; ++i)
    s.basis.data()[i] =
        random::normal({.stream = random::Stream::start, .index = static_cast<std::uint64_t>(i)});
  orthonormalize(s.basis);

  SymmetricEigen found{{}, BasicMatrix<double>(count, d)};
  constexpr int kMostProducts = 400;  // by then all pairs at once would have been cheaper
  for (int products = 0; products < kMostProducts;) {
    s.project(rest);
    const double largest = found.values.empty() ? s.values.front() : found.values.front();
    const auto before = std::ssize(found.values);
    std::int64_t ready = 0;
    for (; before + ready < count && s.residual(ready) <= 1e-10 * std::abs(largest); ++ready) {
      std::copy_n(s.basis.row(ready), d, found.vectors.row(before + ready));
      found.values.push_back(s.values[static_cast<std::size_t>(ready)]);
    }
    if (std::ssize(found.values) == count) return sorted(found);
    take_out(ready, s, rest);
    // Where what is left of the block is one value many times over, its edge must lie below that.
    const bool alike = s.values.front() <= 1.001 * s.values.back();
    const double edge = (alike ? 0.5 : 1) * s.values.back();
    const int degree = degree_of(s.values.front(), edge);
    s.basis = degree > 1 ? filtered(std::move(s), rest, edge, degree) : std::move(s.image);
    orthonormalize_behind(std::as_const(found.vectors).rows(0, before + ready), s.basis);
    products += std::max(degree, 2);
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
