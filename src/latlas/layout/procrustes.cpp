// With X and Y centered, Σ |s Q x_i − y_i|² is least for the orthogonal Q that maximizes tr(Q Xᵀ
// Y): with Xᵀ Y = U Σ Vᵀ, Q = V Uᵀ, and the stretch is tr Σ / Σ |x_i|². Without reflection, the
// sign of the last pair (the smallest singular value) is turned where det Q < 0.
//
// V and Σ² are the eigenpairs of (Xᵀ Y)ᵀ (Xᵀ Y). u_j is Xᵀ Y v_j made orthonormal to the ones
// before; where nothing is left of it, any direction does as well, and the next unit vector is
// taken.
#include "latlas/layout/procrustes.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/eigen.h"
#include "latlas/core/error.h"

namespace latlas {
namespace {

using Doubles = BasicMatrix<double>;

double determinant(const Doubles& matrix) {  // by elimination with the largest pivot
  const std::int64_t d = matrix.rows();
  Doubles a = copy_of(matrix.view());
  double det = 1;
  for (std::int64_t k = 0; k < d; ++k) {
    std::int64_t pivot = k;
    for (std::int64_t i = k + 1; i < d; ++i)
      if (std::abs(a(i, k)) > std::abs(a(pivot, k))) pivot = i;
    if (a(pivot, k) == 0) return 0;
    if (pivot != k) {
      std::swap_ranges(a.row(k), a.row(k) + d, a.row(pivot));
      det = -det;
    }
    det *= a(k, k);
    for (std::int64_t i = k + 1; i < d; ++i) {
      const double share = a(i, k) / a(k, k);
      for (std::int64_t j = k; j < d; ++j) a(i, j) -= share * a(k, j);
    }
  }
  return det;
}

double dot(const double* a, const double* b, std::int64_t d) {
  double sum = 0;
  for (std::int64_t c = 0; c < d; ++c) sum += a[c] * b[c];
  return sum;
}

}  // namespace

Procrustes procrustes(ConstRows map, ConstRows other, const ProcrustesParams& params) {
  const std::int64_t n = map.rows(), d = map.cols();
  require(n == other.rows() && d == other.cols(), "procrustes: the map is ", n, " × ", d,
          ", the other ", other.rows(), " × ", other.cols());
  require(n >= 1 && d >= 1 && d <= 64, "procrustes: the maps are ", n, " × ", d,
          ", they need at least one row and 1 to 64 columns");
  require_finite(map, "procrustes: map");
  require_finite(other, "procrustes: other map");
  Procrustes out;
  out.from = column_means(map);
  out.to = column_means(other);

  Doubles cross(d, d);  // Xᵀ Y
  std::vector<double> x(static_cast<std::size_t>(d)), y(x.size());
  double spread = 0;  // Σ |x_i|²
  const auto center = [&](std::int64_t i) {
    for (std::int64_t c = 0; c < d; ++c) {
      const auto u = static_cast<std::size_t>(c);
      x[u] = static_cast<double>(map(i, c)) - out.from[u];
      y[u] = static_cast<double>(other(i, c)) - out.to[u];
    }
  };
  for (std::int64_t i = 0; i < n; ++i) {
    center(i);
    for (std::int64_t r = 0; r < d; ++r)
      for (std::int64_t c = 0; c < d; ++c)
        cross(r, c) += x[static_cast<std::size_t>(r)] * y[static_cast<std::size_t>(c)];
    spread += dot(x.data(), x.data(), d);
  }

  Doubles square(d, d);
  for (std::int64_t r = 0; r < d; ++r)
    for (std::int64_t c = 0; c < d; ++c)
      for (std::int64_t k = 0; k < d; ++k) square(r, c) += cross(k, r) * cross(k, c);
  const SymmetricEigen right = symmetric_eigen(square);
  const auto image = [&](std::int64_t j, double* u) {  // Xᵀ Y v_j
    for (std::int64_t r = 0; r < d; ++r) u[r] = dot(cross.row(r), right.vectors.row(j), d);
  };
  Doubles left(d, d);
  double stretch = 0;  // tr Σ
  for (std::int64_t j = 0; j < d; ++j) image(j, left.row(j));
  // Below this share of the largest, a singular value is rounding.
  const double least = 1e-12 * std::sqrt(std::max(0.0, right.values.front()));
  for (std::int64_t j = 0; j < d; ++j)
    if (std::sqrt(dot(left.row(j), left.row(j), d)) <= least)
      std::copy_n(right.vectors.row(j), d, left.row(j));  // as near to no rotation as can be told
  orthonormalize(left);
  std::vector<double> singular(static_cast<std::size_t>(d)), u(singular.size());
  for (std::int64_t j = 0; j < d; ++j) {
    image(j, u.data());
    singular[static_cast<std::size_t>(j)] = dot(u.data(), left.row(j), d);
  }
  const auto rotation = [&] {  // V Uᵀ
    Doubles q(d, d);
    for (std::int64_t j = 0; j < d; ++j)
      for (std::int64_t r = 0; r < d; ++r)
        for (std::int64_t c = 0; c < d; ++c) q(r, c) += right.vectors(j, r) * left(j, c);
    return q;
  };
  out.rotation = rotation();
  if (!params.reflection && determinant(out.rotation) < 0) {
    for (std::int64_t c = 0; c < d; ++c) left(d - 1, c) = -left(d - 1, c);
    singular.back() = -singular.back();
    out.rotation = rotation();
  }
  for (const double s : singular) stretch += s;
  if (params.scale && spread > 0 && stretch > 0) out.scale = stretch / spread;

  double square_residual = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    center(i);
    for (std::int64_t c = 0; c < d; ++c) {
      const double away =
          out.scale * dot(out.rotation.row(c), x.data(), d) - y[static_cast<std::size_t>(c)];
      square_residual += away * away;
    }
  }
  out.residual = std::sqrt(square_residual / static_cast<double>(n));
  return out;
}

Matrix transform(const Procrustes& alignment, ConstRows rows) {
  const std::int64_t d = alignment.rotation.rows();
  require(rows.cols() == d, "procrustes: the rows have ", rows.cols(), " columns, the alignment ",
          d);
  Matrix out(rows.rows(), d);
  std::vector<double> x(static_cast<std::size_t>(d));
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    for (std::int64_t c = 0; c < d; ++c)
      x[static_cast<std::size_t>(c)] =
          static_cast<double>(rows(i, c)) - alignment.from[static_cast<std::size_t>(c)];
    for (std::int64_t c = 0; c < d; ++c)
      out(i, c) = static_cast<float>(alignment.to[static_cast<std::size_t>(c)] +
                                     alignment.scale * dot(alignment.rotation.row(c), x.data(), d));
  }
  return out;
}

}  // namespace latlas
