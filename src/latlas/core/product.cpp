// c = activation(a · b + bias), cut into tiles of some rows × some panels of columns.
//
// A panel of B, 16 · kTileVectors columns, is read k after k while tiles of rows pass over it
// (core/product-inl.h). Where b's rows already lie so, they are read in place. Where b is given
// transposed or the columns end within a panel, the panel is packed first: inner × 16 · vectors
// numbers, zeros beyond the edge. A is read number by number, so any steps will do.
#include "latlas/core/product.h"

#include <algorithm>
#include <vector>

#include "latlas/core/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/core/product.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/product-inl.h"

#ifndef LATLAS_CORE_PRODUCT_TASK_
#define LATLAS_CORE_PRODUCT_TASK_
namespace latlas {
struct ProductTask {
  const float *a, *b, *bias;
  float* c;
  std::int64_t rows, inner, cols;
  std::int64_t a_row_step, a_inner_step, b_inner_step, b_col_step, c_step;
  Activation activation;
};
constexpr std::int64_t kWidestPanel = 32;
}  // namespace latlas
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

// Columns [begin, begin + n) of B as inner × width numbers, zeros beyond n.
void pack(const ProductTask& t, std::int64_t begin, std::int64_t n, std::int64_t width,
          float* out) {
  const float* b = t.b + begin * t.b_col_step;
  std::int64_t k = 0;
  if (t.b_inner_step == 1) {
    // Row after row of the panel, so that each of its cache lines is written once.
    for (; k + 4 <= t.inner; k += 4) {
      float* rows = out + k * width;
      std::int64_t j = 0;
      for (; j + 4 <= n; j += 4)
        transpose4(b + j * t.b_col_step + k, t.b_col_step, rows + j, width);
      for (std::int64_t q = 0; q < 4; ++q) {
        for (std::int64_t i = j; i < n; ++i) rows[q * width + i] = b[i * t.b_col_step + k + q];
        for (std::int64_t i = n; i < width; ++i) rows[q * width + i] = 0;
      }
    }
  }
  for (; k < t.inner; ++k) {
    for (std::int64_t j = 0; j < n; ++j)
      out[k * width + j] = b[j * t.b_col_step + k * t.b_inner_step];
    for (std::int64_t j = n; j < width; ++j) out[k * width + j] = 0;
  }
}

// Bias, activation, and the stores.
struct Finish {
  float* c;
  std::int64_t c_step;
  int cols;           // of this panel
  const float* bias;  // of this panel's columns, or null
  Activation activation;

  template <int R, int C>
  LATLAS_INLINE void operator()(std::int64_t i, F16 (&sums)[R][C]) const {
    float* out = c + i * c_step;
    if (cols == 16 * C && bias == nullptr && activation == Activation::linear) {
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j) store(sums[r][j], out + r * c_step + 16 * j);
      return;
    }
    // Through memory: sums that this loop indexes could not stay in registers before it.
    HWY_ALIGN float z[R * C * 16];
    for (int r = 0; r < R; ++r)
      for (int j = 0; j < C; ++j) store(sums[r][j], z + (r * C + j) * 16);
    for (int j = 0; j < C; ++j) {
      const int n = cols - 16 * j;
      if (n <= 0) break;
      const F16 b = bias == nullptr ? zero() : load_first(bias + 16 * j, n);
      for (int r = 0; r < R; ++r) {
        F16 y = load(z + (r * C + j) * 16);
        if (bias != nullptr) y = y + b;
        if (activation == Activation::relu) y = max(zero(), y);  // NaN passes
        if (activation == Activation::sigmoid) y = sigmoid(y);
        store_first(y, out + r * c_step + 16 * j, n);
      }
    }
  }
};

template <int C>
LATLAS_INLINE void panels(const ProductTask& t, std::int64_t row, std::int64_t rows,
                          std::int64_t& col, std::int64_t col_end, float* packed) {
  HWY_ALIGN float partial[kPanelRows * kWidestPanel];
  constexpr std::int64_t kWidth = 16 * C;
  const bool in_place = t.b_col_step == 1;
  for (; col < col_end && (C == 1 || col_end - col > 16); col += kWidth) {
    const std::int64_t n = std::min(kWidth, col_end - col);
    PanelSource source{t.a + row * t.a_row_step, t.a_row_step, t.a_inner_step, t.b + col,
                       t.b_inner_step};
    if (!in_place || n < kWidth) {
      pack(t, col, n, kWidth, packed);
      source.b = packed;
      source.b_step = kWidth;
    }
    Finish finish{t.c + row * t.c_step + col, t.c_step, static_cast<int>(n),
                  t.bias == nullptr ? nullptr : t.bias + col, t.activation};
    multiply_panel<C>(source, rows, t.inner, partial, finish);
  }
}

// Rows [row, row + rows) of C, columns [col, col_end).
void product_tile(const ProductTask& t, std::int64_t row, std::int64_t rows, std::int64_t col,
                  std::int64_t col_end, float* packed) {
  // With a short inner index the stores of C are what counts: a few rows at a time keep them close
  // together. Packed panels pay for themselves over many rows only.
  const bool few = t.inner <= kInnerBlock && t.b_col_step == 1;
  const std::int64_t step = few ? 4 * kTileRows : rows, end = row + rows;
  for (; row < end; row += step) {
    const std::int64_t n = std::min(step, end - row);
    std::int64_t c = col;
    if constexpr (kTileVectors > 1) panels<kTileVectors>(t, row, n, c, col_end, packed);
    panels<1>(t, row, n, c, col_end, packed);
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {

HWY_EXPORT(product_tile);

constexpr std::pair<Activation, std::string_view> kActivations[] = {
    {Activation::linear, "linear"}, {Activation::relu, "relu"}, {Activation::sigmoid, "sigmoid"}};

void check_shapes(ConstRows a, ConstRows b, Rows c, const ProductOptions& o) {
  const std::int64_t rows = o.transpose_a ? a.cols() : a.rows();
  const std::int64_t inner = o.transpose_a ? a.rows() : a.cols();
  const std::int64_t inner_b = o.transpose_b ? b.cols() : b.rows();
  const std::int64_t cols = o.transpose_b ? b.rows() : b.cols();
  require(inner == inner_b, "product: a is ", rows, " × ", inner, " and b is ", inner_b, " × ",
          cols, "; the inner sizes must agree");
  require(c.rows() == rows && c.cols() == cols, "product: c is ", c.rows(), " × ", c.cols(),
          ", the product is ", rows, " × ", cols);
  require(o.bias.empty() || static_cast<std::int64_t>(o.bias.size()) == cols,
          "product: the bias has ", o.bias.size(), " values, the product ", cols, " columns");
}

}  // namespace

std::string_view name(Activation activation) {
  for (const auto& [known, text] : kActivations)
    if (known == activation) return text;
  return "linear";
}

Activation activation_named(std::string_view name, std::string_view what) {
  for (const auto& [known, text] : kActivations)
    if (text == name) return known;
  throw InvalidArgument(
      sentence(what, ": '", name, "' is no activation; known are linear, relu, sigmoid"));
}

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& known : kActivations) names.emplace_back(known.second);
  return names;
}

void product(ConstRows a, ConstRows b, Rows c, const ProductOptions& o) {
  check_shapes(a, b, c, o);
  if (c.empty()) return;
  const ProductTask task{a.data(),
                         b.data(),
                         o.bias.empty() ? nullptr : o.bias.data(),
                         c.data(),
                         c.rows(),
                         o.transpose_a ? a.rows() : a.cols(),
                         c.cols(),
                         o.transpose_a ? 1 : a.stride(),
                         o.transpose_a ? a.stride() : 1,
                         o.transpose_b ? 1 : b.stride(),
                         o.transpose_b ? b.stride() : 1,
                         c.stride(),
                         o.activation};
  // Tiles of about a million operations: small enough to share, large enough to pay for sharing.
  const std::int64_t row_blocks = (task.rows + kPanelRows - 1) / kPanelRows;
  const std::int64_t operations =
      2 * std::min(task.rows, kPanelRows) * kWidestPanel * std::max<std::int64_t>(task.inner, 1);
  const std::int64_t width = kWidestPanel * std::clamp<std::int64_t>(1'000'000 / operations, 1, 16);
  const std::int64_t col_blocks = (task.cols + width - 1) / width;

  const std::int64_t room = kWidestPanel * std::max<std::int64_t>(task.inner, 1);
  Matrix packed(threads(), room);
  const auto tile = LATLAS_DISPATCH(product_tile);
  parallel_for_worker(
      row_blocks * col_blocks, 1, [&](std::int64_t begin, std::int64_t end, int worker) {
        for (std::int64_t t = begin; t < end; ++t) {
          const std::int64_t row = t % row_blocks * kPanelRows, col = t / row_blocks * width;
          tile(task, row, std::min(kPanelRows, task.rows - row), col,
               std::min(task.cols, col + width), packed.row(worker));
        }
      });
}

}  // namespace latlas
#endif
