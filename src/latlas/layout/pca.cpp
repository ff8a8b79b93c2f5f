// The principal components are the eigenvectors of the scatter Σ (x − m)(x − m)ᵀ with the largest
// eigenvalues. With fewer rows than columns the n × n matrix of inner products has the same
// eigenvalues, and its eigenvectors u give the components Σ uᵢ (xᵢ − m).
//
// Products are taken in float32 over runs of 128 centered rows, in register tiles, and added up in
// double in the order of the rows; what cancels (the mean, the total variance) is taken in double.
// The relative error of a product sum stays below 129 · 2⁻²⁴ of Σ|x y|.
#include "latlas/layout/pca.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "latlas/core/eigen.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/product.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/pca.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/product-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

constexpr std::int64_t kRun = 128;  // rows whose products are summed in float32

/// Adds Σ_r x(r, i) x(r, j) to scatter(i, j) for i in [begin, end) and all j ≥ i (some below, too).
/// Columns of `rows` are padded with zeros to a multiple of 96, of `scatter` likewise.
void add_products(MatrixView<const float> rows, std::int64_t begin, std::int64_t end,
                  MatrixView<double> scatter) {
  constexpr std::int64_t width = 16 * kTileVectors;
  for (std::int64_t r = 0; r < rows.rows(); r += kRun) {
    const std::int64_t run = std::min(kRun, rows.rows() - r);
    const float* x = rows.row(r);
    for (std::int64_t j = begin / width * width; j < rows.cols(); j += width)
      for (std::int64_t i = begin; i < end; i += kTileRows) {
        if (i > j + width - 1) continue;
        F16 c[kTileRows][kTileVectors];
        for (auto& row : c)
          for (auto& v : row) v = zero();
        multiply_tile(c, run, x + i, 1, rows.stride(), x + j, rows.stride());
        HWY_ALIGN float values[kTileRows][width];
        for (int a = 0; a < kTileRows; ++a)
          for (int b = 0; b < kTileVectors; ++b) store(c[a][b], values[a] + 16 * b);
        for (std::int64_t a = 0; a < kTileRows; ++a) {
          double* sum = scatter.row(i + a) + j;
          for (std::int64_t b = 0; b < width; ++b) sum[b] += static_cast<double>(values[a][b]);
        }
      }
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(add_products);

constexpr std::int64_t kTile = 512;    // rows; sums run tile by tile
constexpr std::int64_t kBatch = 2048;  // rows centered at a time
constexpr std::int64_t kStrip = 48;    // columns of the scatter that one thread adds to
constexpr std::int64_t kPad = 96;      // a multiple of every tile's rows and columns

std::int64_t padded(std::int64_t n) { return (n + kPad - 1) / kPad * kPad; }

/// Rows of floats an odd number of cache lines apart: a column of them then meets every set of the
/// cache, where a power of two would meet one.
struct Batch {
  Batch(std::int64_t rows, std::int64_t cols)
      : stride(padded(cols) / 16 % 2 == 0 ? padded(cols) + 16 : padded(cols)),
        values(rows, stride) {}
  ConstRows first(std::int64_t rows, std::int64_t cols) const {
    return {values.data(), rows, padded(cols), stride};
  }

  std::int64_t stride;
  Matrix values;
};

double largest_magnitude(ConstRows rows, const std::vector<double>& mean) {
  std::vector<double> parts(static_cast<std::size_t>((rows.rows() + kTile - 1) / kTile));
  parallel_for(rows.rows(), kTile, [&](std::int64_t begin, std::int64_t end) {
    double most = 0;
    for (std::int64_t i = begin; i < end; ++i)
      for (std::size_t j = 0; j < mean.size(); ++j)
        most = std::max(most, std::abs(static_cast<double>(rows.row(i)[j]) - mean[j]));
    parts[static_cast<std::size_t>(begin / kTile)] = most;
  });
  return *std::max_element(parts.begin(), parts.end());
}

/// Rows less their mean, times a power of two that keeps their squares within float32.
struct Centered {
  ConstRows rows;
  std::vector<double> mean;
  double scale = 1;

  Centered(ConstRows x, std::vector<double> m, double s) : rows(x), mean(std::move(m)), scale(s) {}
  explicit Centered(ConstRows x) : rows(x), mean(column_means(x)) {
    const double most = largest_magnitude(x, mean);
    if (most > 0) scale = std::ldexp(1.0, -std::ilogb(most));
  }
  double value(std::int64_t i, std::int64_t j) const {
    return (static_cast<double>(rows.row(i)[j]) - mean[static_cast<std::size_t>(j)]) * scale;
  }
  /// Rows first, first + 1, … as float32.
  void copy(std::int64_t first, Rows to) const {
    parallel_for(to.rows(), 128, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < rows.cols(); ++j)
          to.row(i)[j] = static_cast<float>(value(first + i, j));
    });
  }
};

/// The sum of all squares.
double total_of(const Centered& x) {
  return ordered_sum(x.rows.rows(), kTile, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < x.rows.cols(); ++j) sum += x.value(i, j) * x.value(i, j);
    return sum;
  });
}

void add_batch(ConstRows batch, MatrixView<double> scatter) {
  const auto kernel = LATLAS_DISPATCH(add_products);
  parallel_for(batch.cols(), kStrip,
               [&](std::int64_t begin, std::int64_t end) { kernel(batch, begin, end, scatter); });
}

/// Σ over rows of x xᵀ: d × d, upper triangle.
BasicMatrix<double> scatter_of_columns(const Centered& x) {
  const std::int64_t n = x.rows.rows(), d = x.rows.cols(), width = padded(d);
  BasicMatrix<double> scatter(width, width);
  Batch batch(std::min(n, kBatch), d);
  for (std::int64_t first = 0; first < n; first += kBatch) {
    const std::int64_t count = std::min(kBatch, n - first);
    x.copy(first, batch.values.view().rows(0, count));
    add_batch(batch.first(count, d), scatter);
  }
  return scatter;
}

/// Inner products of all rows: n × n, upper triangle.
BasicMatrix<double> scatter_of_rows(const Centered& x) {
  const std::int64_t n = x.rows.rows(), d = x.rows.cols(), width = padded(n);
  BasicMatrix<double> scatter(width, width);
  Batch transposed(d, n);
  parallel_for(d, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = begin; j < end; ++j)
        transposed.values.row(j)[i] = static_cast<float>(x.value(i, j));
  });
  add_batch(transposed.first(d, n), scatter);
  return scatter;
}

SymmetricEigen largest_of_upper(const BasicMatrix<double>& scatter, std::int64_t size,
                                std::int64_t count) {
  BasicMatrix<double> lower(size, size);
  for (std::int64_t i = 0; i < size; ++i)
    for (std::int64_t j = 0; j <= i; ++j) lower(i, j) = scatter(j, i);
  return largest_eigen(lower, count);
}

/// Components from eigenvectors of the inner products of rows: Σ uᵢ xᵢ.
BasicMatrix<double> project_back(const Centered& x, const BasicMatrix<double>& u) {
  BasicMatrix<double> out(u.rows(), x.rows.cols());
  parallel_for(u.rows(), 1, [&](std::int64_t c, std::int64_t) {
    for (std::int64_t i = 0; i < x.rows.rows(); ++i)
      for (std::int64_t j = 0; j < x.rows.cols(); ++j) out.row(c)[j] += u(c, i) * x.value(i, j);
  });
  return out;
}

/// The entry of largest magnitude in each row becomes positive; the first of equals decides.
void fix_signs(BasicMatrix<double>& components) {
  for (std::int64_t c = 0; c < components.rows(); ++c) {
    const auto row = components[c];
    const auto most = std::max_element(
        row.begin(), row.end(), [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (*most < 0)
      for (double& v : row) v = -v;
  }
}

/// A power of two that keeps products of centered rows within float32. It depends on the fit alone,
/// so that a row's coordinates do not depend on which others came along.
double projection_scale(const Pca& pca) {
  const double deviation = std::sqrt(pca.total_variance);
  return std::ldexp(1.0, deviation > 0 && deviation < 1e-20 ? -std::ilogb(deviation) : -10);
}

}  // namespace

std::vector<Field> fields(PcaParams& p) {
  return {{.name = "components",
           .value = &p.components,
           .help = "directions kept; larger keeps more of the variance",
           .low = 1,
           .high = 1048576}};
}

Pca fit_pca(ConstRows rows, const PcaParams& params) {
  PcaParams p = params;
  check(fields(p), "pca");
  require(!rows.empty(), "pca: the data are ", rows.rows(), " × ", rows.cols(),
          "; at least one row and one column are needed");
  require(p.components <= std::min(rows.rows(), rows.cols()), "pca: ", p.components,
          " components cannot be had from ", rows.rows(), " rows and ", rows.cols(),
          " columns; ask for at most ", std::min(rows.rows(), rows.cols()));
  require_finite(rows, "pca: data");

  const Centered x(rows);
  const bool by_rows = rows.rows() < rows.cols();
  const BasicMatrix<double> scatter = by_rows ? scatter_of_rows(x) : scatter_of_columns(x);
  SymmetricEigen eigen =
      largest_of_upper(scatter, std::min(rows.rows(), rows.cols()), p.components);

  Pca pca;
  pca.components = by_rows ? project_back(x, eigen.vectors) : std::move(eigen.vectors);
  orthonormalize(pca.components);
  fix_signs(pca.components);
  pca.mean = x.mean;
  pca.samples = rows.rows();
  const double total = total_of(x), unit = 1 / (x.scale * x.scale);
  const auto divisor = static_cast<double>(std::max<std::int64_t>(rows.rows() - 1, 1));
  pca.total_variance = total * unit / divisor;
  for (const double value : eigen.values) {
    const double square = std::max(value, 0.0);
    pca.explained_variance.push_back(square * unit / divisor);
    pca.explained_variance_ratio.push_back(total > 0 ? square / total : 0);
    pca.singular_values.push_back(std::sqrt(square) / x.scale);
  }
  return pca;
}

Matrix transform(const Pca& pca, ConstRows rows) {
  const std::int64_t d = pca.components.cols();
  require(rows.cols() == d, "pca: the rows to transform have ", rows.cols(),
          " columns, the analysis was fitted on ", d);
  require_finite(rows, "pca: rows to transform");
  Matrix out(rows.rows(), pca.components.rows());
  if (rows.empty()) return out;
  const Centered x(rows, pca.mean, projection_scale(pca));
  Matrix components(pca.components.rows(), d), batch(std::min(rows.rows(), kBatch), d);
  std::copy_n(pca.components.data(), pca.components.size(), components.data());
  for (std::int64_t first = 0; first < rows.rows(); first += kBatch) {
    const std::int64_t count = std::min(kBatch, rows.rows() - first);
    x.copy(first, batch.view().rows(0, count));
    const Rows to = out.view().rows(first, first + count);
    product(batch.view().rows(0, count), components, to, {.transpose_b = true});
    for (std::int64_t i = 0; i < count; ++i)
      for (float& value : to[i]) value = static_cast<float>(static_cast<double>(value) / x.scale);
  }
  return out;
}

Matrix inverse_transform(const Pca& pca, ConstRows coordinates) {
  require(coordinates.cols() == pca.components.rows(), "pca: the coordinates have ",
          coordinates.cols(), " columns, the analysis ", pca.components.rows(), " components");
  require_finite(coordinates, "pca: coordinates");
  Matrix out(coordinates.rows(), pca.components.cols());
  parallel_for(coordinates.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> x(pca.mean.size());
    for (std::int64_t i = begin; i < end; ++i) {
      x = pca.mean;
      for (std::int64_t c = 0; c < coordinates.cols(); ++c) {
        const double y = coordinates.row(i)[c];
        const double* v = pca.components.row(c);
        for (std::size_t j = 0; j < x.size(); ++j) x[j] += y * v[j];
      }
      for (std::size_t j = 0; j < x.size(); ++j) out.row(i)[j] = static_cast<float>(x[j]);
    }
  });
  return out;
}

}  // namespace latlas
#endif
