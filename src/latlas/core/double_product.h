// The matrix product in double, for the eigenvectors of large matrices.
#pragma once

#include "latlas/core/matrix.h"

namespace latlas {

/// a · b.
/// @param a  rows × inner.
/// @param b  inner × columns.
/// @throws InvalidArgument  when the shapes do not fit.
/// Every value is one chain of fused multiply-adds over the inner index in order, beginning with
/// zero: the same bits for any number of threads and any instruction set.
BasicMatrix<double> product(MatrixView<const double> a, MatrixView<const double> b);

}  // namespace latlas
