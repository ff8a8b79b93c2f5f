// Eigenvalues and eigenvectors of symmetric matrices, and linear systems with such matrices; small
// and dense, in double. The only door to Eigen.
#pragma once

#include <cstdint>
#include <vector>

#include "latlas/core/matrix.h"

namespace latlas {

struct SymmetricEigen {
  std::vector<double> values;   ///< Descending.
  BasicMatrix<double> vectors;  ///< A row is an eigenvector of length 1; its sign is arbitrary.
};

/// All d eigenpairs of a symmetric matrix; only the lower triangle is read.
/// @param matrix  d × d, finite.
/// @throws InvalidArgument  when it is not square or holds NaN or infinity.
/// Cost: about 9 d³ operations on one thread. The same bits everywhere.
SymmetricEigen symmetric_eigen(MatrixView<const double> matrix);

/// The `count` largest eigenpairs of a positive semidefinite matrix, by subspace iteration with
/// fixed start; each |A v − λ v| ≤ 1e-10 · the largest eigenvalue. Falls back on all pairs where
/// that is cheaper. Runs on all threads, same bits for any number of them.
/// @param count  1 ≤ count ≤ d.
SymmetricEigen largest_eigen(MatrixView<const double> matrix, std::int64_t count);

/// Whether largest_eigen() finds so many pairs of a d × d matrix by way of all.
bool finds_all_pairs(std::int64_t d, std::int64_t count);

/// Makes the rows orthonormal, each by what the rows before it leave of it. Where nothing is left,
/// the first unit vector that has something left takes its place. At most as many rows as columns.
void orthonormalize(BasicMatrix<double>& rows);

/// How far the rows are from orthonormal: ‖Q Qᵀ − 1‖ by the norm of Frobenius, which is no smaller
/// than the spectral one.
double orthonormal_defect(const BasicMatrix<double>& rows);

/// X with A X = B for a symmetric positive definite A, by Cholesky.
/// @param a  d × d; only the lower triangle is read.
/// @param b  d × c.
/// @return   d × c.
/// @throws InvalidArgument  when A is not positive definite.
BasicMatrix<double> solve_positive(MatrixView<const double> a, MatrixView<const double> b);

}  // namespace latlas
