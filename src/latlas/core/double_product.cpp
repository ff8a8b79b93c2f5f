// Strips of the result, some panels of eight columns wide, are made beside each other. In each, a
// run of b's rows is packed so that a panel's lie one after the other and stay in a near cache,
// while tiles of a's rows pass over them; sums go on from run to run.
#include "latlas/core/double_product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/double_product.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"

#ifndef LATLAS_CORE_DOUBLE_PRODUCT_TASK_
#define LATLAS_CORE_DOUBLE_PRODUCT_TASK_
namespace latlas {
struct Strip {
  MatrixView<const double> a, b;
  MatrixView<double> out;
  std::int64_t left, right;  // its columns
};
constexpr std::int64_t kPanel = 8;  // columns
constexpr std::int64_t kStripPanels = 4;
constexpr std::int64_t kRun = 256;  // of the inner index
}  // namespace latlas
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

using DD = hn::CappedTag<double, kPanel>;
constexpr int kWide = static_cast<int>(HWY_MIN(HWY_LANES(double), kPanel));
constexpr int kSplit = static_cast<int>(kPanel) / kWide;  // registers a row of a panel

LATLAS_INLINE hn::Vec<DD> fused(hn::Vec<DD> a, hn::Vec<DD> b, hn::Vec<DD> c) {
#if HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  HWY_ALIGN double x[kWide], y[kWide], z[kWide];
  hn::Store(a, DD(), x);
  hn::Store(b, DD(), y);
  hn::Store(c, DD(), z);
  for (int i = 0; i < kWide; ++i) z[i] = std::fma(x[i], y[i], z[i]);
  return hn::Load(DD(), z);
#else
  return hn::MulAdd(a, b, c);
#endif
}

/// sums += R rows of a · a packed panel, over `run` inner indices.
template <int R>
void add_tile(const double* a, std::int64_t a_step, const double* panel, std::int64_t run,
              double* sums, std::int64_t sums_step) {
  hn::Vec<DD> sum[R][kSplit];
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < kSplit; ++p) sum[r][p] = hn::LoadU(DD(), sums + r * sums_step + p * kWide);
  for (std::int64_t k = 0; k < run; ++k)
    for (int r = 0; r < R; ++r) {
      const auto x = hn::Set(DD(), a[r * a_step + k]);
      for (int p = 0; p < kSplit; ++p)
        sum[r][p] = fused(x, hn::LoadU(DD(), panel + k * kPanel + p * kWide), sum[r][p]);
    }
  for (int r = 0; r < R; ++r)
    for (int p = 0; p < kSplit; ++p) hn::StoreU(sum[r][p], DD(), sums + r * sums_step + p * kWide);
}

/// The same for R rows of the result, of which the last panel may lack some columns.
template <int R>
void add_rows(const Strip& s, std::int64_t row, std::int64_t first, std::int64_t run,
              std::int64_t column, const double* panel) {
  const double* a = s.a.row(row) + first;
  double* out = s.out.row(row) + column;
  if (column + kPanel <= s.right)
    return add_tile<R>(a, s.a.stride(), panel, run, out, s.out.stride());
  const std::int64_t left = s.right - column;
  HWY_ALIGN double some[R][kPanel] = {};
  for (int r = 0; r < R; ++r)
    for (std::int64_t j = 0; j < left; ++j) some[r][j] = out[r * s.out.stride() + j];
  add_tile<R>(a, s.a.stride(), panel, run, some[0], kPanel);
  for (int r = 0; r < R; ++r)
    for (std::int64_t j = 0; j < left; ++j) out[r * s.out.stride() + j] = some[r][j];
}

void multiply_strip(const Strip& s, double* packed) {
  constexpr int kRows = 6;
  for (std::int64_t first = 0; first < s.b.rows(); first += kRun) {
    const std::int64_t run = std::min(kRun, s.b.rows() - first);
    for (std::int64_t k = 0; k < run; ++k)
      for (std::int64_t j = 0; j < s.right - s.left; ++j)
        packed[(j / kPanel * kRun + k) * kPanel + j % kPanel] = s.b.row(first + k)[s.left + j];
    for (std::int64_t row = 0; row < s.a.rows();) {
      const bool whole = row + kRows <= s.a.rows();
      for (std::int64_t column = s.left; column < s.right; column += kPanel) {
        const double* panel = packed + (column - s.left) * kRun;
        whole ? add_rows<kRows>(s, row, first, run, column, panel)
              : add_rows<1>(s, row, first, run, column, panel);
      }
      row += whole ? kRows : 1;
    }
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(multiply_strip);

BasicMatrix<double> product(MatrixView<const double> a, MatrixView<const double> b) {
  require(a.cols() == b.rows(), "product: the left matrix has ", a.cols(),
          " columns, the right one ", b.rows(), " rows");
  BasicMatrix<double> out(a.rows(), b.cols());
  parallel_for(b.cols(), kStripPanels * kPanel, [&](std::int64_t left, std::int64_t right) {
    std::vector<double> packed(static_cast<std::size_t>(kStripPanels * kPanel * kRun));
    LATLAS_DISPATCH(multiply_strip)({a, b, out.view(), left, right}, packed.data());
  });
  return out;
}

}  // namespace latlas
#endif
