// The dense layer.
//
//   forward    z = x W + b,  y = f(z)              rows × outputs
//   backward   dx = dz Wᵀ                          rows × inputs
//   update     dW = xᵀ dz,  db = Σ_rows dz         inputs × outputs
//
// All three are the product kernel of core/product-inl.h, which sums in order and so gives the same
// bits whatever the tiles. W and b are one block, b its last row; rows are padded to whole panels
// of sixteen columns, with zeros that stay zero: their gradient is.
//
// backward() needs Wᵀ with rows of its own to be read in panels, so a transposed copy is kept:
// update() writes it from the tile it has just stepped.
//
// The loss runs on z while its tile is in registers. For the cross-entropy of a sigmoid,
//
//   loss = max(z, 0) − z x + log(1 + e^−|z|),   dz = 1/(1 + e^−z) − x,
//
// the logarithms of a column's rows are taken as one logarithm of their product, which is at most
// 2^kMicroRows. Panels add to the sum in their order, rows within a panel in theirs.
//
// A product with a zero leaves a sum as it is, so where many inputs are zero (81 % of MNIST's
// pixels), they are looked for and skipped.
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/random.h"
#include "latlas/nn/layer.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/nn/dense.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/product-inl.h"

#ifndef LATLAS_NN_DENSE_SHAPES_
#define LATLAS_NN_DENSE_SHAPES_
namespace latlas {

struct DenseShape {
  std::int64_t inputs, outputs;
  std::int64_t step;             // from a row of the weights to the next
  std::int64_t transposed_step;  // the same for their transposed copy
  bool sparse;                   // look for zeros in x and skip them
};

// A tile of weights for one update: its rows share panels of dz, its columns rows of x.
constexpr std::int64_t kTileInputs = 32, kTileOutputs = 32;

// For each byte the places of its bits that are set, lowest first.
inline constexpr auto kPlacesOfBits = [] {
  std::array<std::array<std::uint16_t, 8>, 256> table{};
  for (std::size_t byte = 0; byte < 256; ++byte)
    for (std::size_t bit = 0, count = 0; bit < 8; ++bit)
      if ((byte >> bit & 1) != 0) table[byte][count++] = static_cast<std::uint16_t>(bit);
  return table;
}();
constexpr std::int64_t kWidestSparse = 65536;

}  // namespace latlas
#endif

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

// Calls work.template panel<C>(column, columns left) for panel after panel of [begin, end).
template <class Work>
LATLAS_INLINE void for_panels(std::int64_t begin, std::int64_t end, Work& work) {
  std::int64_t col = begin;
  if constexpr (kTileVectors > 1)
    for (; end - col > 16; col += 16 * kTileVectors)
      work.template panel<kTileVectors>(col, end - col);
  for (; col < end; col += 16) work.template panel<1>(col, end - col);
}

LATLAS_INLINE F16 activated(const F16& z, Activation activation) {
  if (activation == Activation::relu) return max(zero(), z);  // NaN passes
  if (activation == Activation::sigmoid) return sigmoid(z);
  return z;
}

// f'(z) from y = f(z).
LATLAS_INLINE F16 slope(const F16& y, Activation activation) {
  if (activation == Activation::relu) return keep(y > zero(), set(1.0F));
  if (activation == Activation::sigmoid) return y * (set(1.0F) - y);
  return set(1.0F);
}

// --- forward ---------------------------------------------------------------------------------

struct Forward {
  const DenseShape& shape;
  const float* weights;
  Activation activation;
  ConstRows x;
  Rows y;
  float* partial;

  struct Finish {
    float* y;
    std::int64_t step;
    int cols;
    const float* bias;
    Activation activation;
    template <int R, int C>
    LATLAS_INLINE void operator()(std::int64_t i, F16 (&z)[R][C]) const {
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j)
          if (cols > 16 * j)
            store_first(activated(z[r][j] + load(bias + 16 * j), activation),
                        y + (i + r) * step + 16 * j, cols - 16 * j);
    }
  };

  template <int C>
  LATLAS_INLINE void panel(std::int64_t col, std::int64_t cols) {
    const PanelSource source{x.data(), x.stride(), 1, weights + col, shape.step};
    Finish finish{y.data() + col, y.stride(),
                  static_cast<int>(std::min<std::int64_t>(cols, 16 * C)),
                  weights + shape.inputs * shape.step + col, activation};
    multiply_panel<C>(source, x.rows(), shape.inputs, partial, finish);
  }
};

// The places of the values of a row that are not zero; room for 8 more than n of them. Eight values
// at a time and without branches: their bits choose a list of places, of which only those that
// count are kept.
LATLAS_INLINE int nonzeros(const float* x, std::int64_t n, std::uint16_t* places) {
  int count = 0;
  for (std::int64_t k = 0; k < n; k += 16) {
    const F16 values = load_first(x + k, static_cast<int>(std::min<std::int64_t>(16, n - k)));
    const std::uint32_t bits = to_bits(zero() < abs(values));
    for (int half = 0; half < 2; ++half) {
      const std::uint32_t byte = bits >> (8 * half) & 255;
      const std::uint16_t* list = kPlacesOfBits[byte].data();
      const auto base = static_cast<std::uint16_t>(k + 8 * half);
#if HWY_TARGET == HWY_SCALAR
      for (int i = 0; i < 8; ++i) places[count + i] = static_cast<std::uint16_t>(base + list[i]);
#else
      const hn::FixedTag<std::uint16_t, 8> d;
      hn::StoreU(hn::Add(hn::LoadU(d, list), hn::Set(d, base)), d, places + count);
#endif
      count += static_cast<int>(hwy::PopCount(byte));
    }
  }
  return count;
}

struct SparseRow {
  const float* x;
  const std::uint16_t* places;
  int count;
};

// The product over the nonzeros [done, end) of each of N rows. Two rows at a time have enough
// independent sums to keep the multipliers busy.
template <int N, int C>
LATLAS_INLINE void add_nonzeros(const SparseRow* rows, int done, int end, const float* weights,
                                std::int64_t step, F16 (&z)[N][C]) {
  for (int q = done; q < end; ++q)
    for (int r = 0; r < N; ++r) {
      const std::int64_t k = rows[r].places[q];
      const hn::Vec<DF> x = hn::Set(DF(), rows[r].x[k]);
      for (int j = 0; j < C; ++j) {
        const F16 w = load(weights + k * step + 16 * j);
        LATLAS_EACH z[r][j].v[p] = fused(x, w.v[p], z[r][j].v[p]);
      }
    }
}

template <int C>
LATLAS_INLINE void sparse_pair(const DenseShape& shape, const float* weights, const SparseRow* rows,
                               int n, const Forward::Finish& finish, std::int64_t i) {
  F16 z[2][C];
  for (int r = 0; r < 2; ++r)
    for (int j = 0; j < C; ++j) z[r][j] = zero();
  const int both = n == 2 ? std::min(rows[0].count, rows[1].count) : 0;
  add_nonzeros<2, C>(rows, 0, both, weights, shape.step, z);
  for (int r = 0; r < n; ++r) {
    F16 rest[1][C];
    for (int j = 0; j < C; ++j) rest[0][j] = z[r][j];
    add_nonzeros<1, C>(rows + r, both, rows[r].count, weights, shape.step, rest);
    finish(i + r, rest);
  }
}

void sparse_forward(const DenseShape& shape, const float* weights, Activation activation,
                    ConstRows x, Rows y, std::uint16_t* places) {
  for (std::int64_t i = 0; i < x.rows(); i += 2) {
    const int n = static_cast<int>(std::min<std::int64_t>(2, x.rows() - i));
    SparseRow rows[2] = {};
    for (int r = 0; r < n; ++r) {
      std::uint16_t* list = places + r * (shape.inputs + 8);
      rows[r] = {x.row(i + r), list, nonzeros(x.row(i + r), shape.inputs, list)};
    }
    for (std::int64_t col = 0; col < shape.outputs; col += 32) {
      const int cols = static_cast<int>(std::min<std::int64_t>(32, shape.outputs - col));
      const Forward::Finish finish{y.data() + col, y.stride(), cols,
                                   weights + shape.inputs * shape.step + col, activation};
      if (cols > 16)
        sparse_pair<2>(shape, weights + col, rows, n, finish, i);
      else
        sparse_pair<1>(shape, weights + col, rows, n, finish, i);
    }
  }
}

void dense_forward(const DenseShape& shape, const float* weights, Activation activation,
                   ConstRows x, Rows y) {
  HWY_ALIGN float partial[kPanelRows * 16 * kTileVectors];
  for (std::int64_t i = 0; i < x.rows(); i += kPanelRows) {
    const std::int64_t end = std::min(x.rows(), i + kPanelRows);
    Forward forward{shape, weights, activation, x.rows(i, end), y.rows(i, end), partial};
    for_panels(0, shape.outputs, forward);
  }
}

// --- loss ------------------------------------------------------------------------------------

// The processor looks ahead some sixty operations, which is two values' worth of e^x; so W values
// go through it operation by operation.
#define LATLAS_ALL for (int w = 0; w < W; ++w)

// e^x for x ≤ 0, as exp() of core/simd-inl.h with the work that only other x need left out. The
// rounding to n is an addition of 1.5 · 2^23, whose last bits then are n.
template <int W>
LATLAS_INLINE void exp_of_negatives(F16 (&x)[W]) {
  F16 shifted[W], n[W], y[W];
  LATLAS_ALL x[w] = max(x[w], set(-87.0F));
  LATLAS_ALL shifted[w] = fma(x[w], set(1.44269504F), set(12582912.0F));
  LATLAS_ALL n[w] = shifted[w] - set(12582912.0F);
  LATLAS_ALL x[w] = fnma(n[w], set(0.693359375F), x[w]);
  LATLAS_ALL x[w] = fnma(n[w], set(-2.12194440e-4F), x[w]);
  LATLAS_ALL y[w] = fma(set(1.9875691500e-4F), x[w], set(1.3981999507e-3F));
  LATLAS_ALL y[w] = fma(y[w], x[w], set(8.3334519073e-3F));
  LATLAS_ALL y[w] = fma(y[w], x[w], set(4.1665795894e-2F));
  LATLAS_ALL y[w] = fma(y[w], x[w], set(1.6666665459e-1F));
  LATLAS_ALL y[w] = fma(y[w], x[w], set(5.0000001201e-1F));
  LATLAS_ALL y[w] = fma(y[w], x[w] * x[w], x[w] + set(1.0F));
  LATLAS_ALL LATLAS_EACH x[w].v[p] = hn::BitCast(
      DF(),
      hn::Add(hn::BitCast(DI(), y[w].v[p]), hn::ShiftLeft<23>(hn::BitCast(DI(), shifted[w].v[p]))));
}

template <bool kCrossEntropy>
struct Losses {
  const DenseShape& shape;
  const float* weights;
  Activation activation;
  ConstRows x, target;
  Rows dz;
  float* partial;
  F16 total;

  template <int C>
  struct Finish {
    const float* target;
    std::int64_t target_step;
    float* dz;  // null: not wanted
    std::int64_t dz_step;
    int cols;
    Activation activation;
    F16 bias[C], sum[C], product[C];

    template <int R>
    LATLAS_INLINE void operator()(std::int64_t i, F16 (&z)[R][C]) {
      constexpr int kRows = R % 2 == 0 ? 2 : 1, W = kRows * C;
      for (int r = 0; r < R; r += kRows) {
        F16 logits[W], targets[W], d[W];
        LATLAS_ALL logits[w] = z[r + w / C][w % C] + bias[w % C];
        LATLAS_ALL targets[w] = load(target + (i + r + w / C) * target_step + 16 * (w % C));
        terms<W>(logits, targets, d);
        if (dz == nullptr) continue;
        LATLAS_ALL {
          const int n = cols - 16 * (w % C);
          store(n >= 16 ? d[w] : keep(first(n), d[w]),
                dz + (i + r + w / C) * dz_step + 16 * (w % C));
        }
      }
    }
    // Adds the losses of W vectors of values, those of a column in the order of its rows; d becomes
    // their gradients by z.
    template <int W>
    LATLAS_INLINE void terms(const F16 (&z)[W], const F16 (&x)[W], F16 (&d)[W]) {
      if constexpr (kCrossEntropy) {
        F16 e[W], q[W], s[W];
        LATLAS_ALL e[w] = -abs(z[w]);
        exp_of_negatives<W>(e);
        LATLAS_ALL q[w] = set(1.0F) + e[w];
        LATLAS_ALL s[w] = set(1.0F) / q[w];
        LATLAS_ALL sum[w % C] = sum[w % C] + fnma(z[w], x[w], max(z[w], zero()));
        LATLAS_ALL product[w % C] = product[w % C] * q[w];
        LATLAS_ALL d[w] = select(z[w] < zero(), e[w] * s[w], s[w]) - x[w];
      } else {
        LATLAS_ALL {
          const F16 y = activated(z[w], activation), error = y - x[w];
          sum[w % C] = fma(error, error, sum[w % C]);
          d[w] = set(2.0F) * error * slope(y, activation);
        }
      }
    }
  };

  template <int C>
  LATLAS_INLINE void panel(std::int64_t col, std::int64_t cols) {
    const PanelSource source{x.data(), x.stride(), 1, weights + col, shape.step};
    Finish<C> finish{target.data() + col,
                     target.stride(),
                     dz.data() == nullptr ? nullptr : dz.data() + col,
                     dz.stride(),
                     static_cast<int>(std::min<std::int64_t>(cols, 16 * C)),
                     activation,
                     {},
                     {},
                     {}};
    for (int j = 0; j < C; ++j) {
      finish.bias[j] = load(weights + shape.inputs * shape.step + col + 16 * j);
      finish.sum[j] = zero();
      finish.product[j] = set(1.0F);
    }
    multiply_panel<C>(source, x.rows(), shape.inputs, partial, finish);
    for (int j = 0; j < C && 16 * j < cols; ++j) {
      const F16 sum = kCrossEntropy ? finish.sum[j] + log(finish.product[j]) : finish.sum[j];
      total = total + keep(first(static_cast<int>(std::min<std::int64_t>(16, cols - 16 * j))), sum);
    }
  }
};

float dense_loss(const DenseShape& shape, const float* weights, Activation activation, ConstRows x,
                 ConstRows target, Loss loss, Rows dz) {
  HWY_ALIGN float partial[kMicroRows * 16 * kTileVectors];
  if (loss == Loss::binary_crossentropy) {
    Losses<true> losses{shape, weights, activation, x, target, dz, partial, zero()};
    for_panels(0, shape.outputs, losses);
    return reduce(losses.total);
  }
  Losses<false> losses{shape, weights, activation, x, target, dz, partial, zero()};
  for_panels(0, shape.outputs, losses);
  return reduce(losses.total);
}

// --- backward --------------------------------------------------------------------------------

void multiply_by_slope(ConstRows y, Rows dy, Activation activation) {
  for (std::int64_t i = 0; i < y.rows(); ++i)
    for (std::int64_t j = 0; j < y.cols(); j += 16) {
      const int n = static_cast<int>(std::min<std::int64_t>(16, y.cols() - j));
      const F16 d = load_first(dy.row(i) + j, n) * slope(load_first(y.row(i) + j, n), activation);
      store_first(d, dy.row(i) + j, n);
    }
}

struct Backward {
  const DenseShape& shape;
  const float* transposed;
  ConstRows dz;
  Rows dx;
  float* partial;

  struct Finish {
    float* dx;
    std::int64_t step;
    int cols;
    template <int R, int C>
    LATLAS_INLINE void operator()(std::int64_t i, F16 (&sums)[R][C]) const {
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j)
          if (cols > 16 * j) store_first(sums[r][j], dx + (i + r) * step + 16 * j, cols - 16 * j);
    }
  };

  template <int C>
  LATLAS_INLINE void panel(std::int64_t col, std::int64_t cols) {
    const PanelSource source{dz.data(), dz.stride(), 1, transposed + col, shape.transposed_step};
    Finish finish{dx.data() + col, dx.stride(),
                  static_cast<int>(std::min<std::int64_t>(cols, 16 * C))};
    multiply_panel<C>(source, dz.rows(), shape.outputs, partial, finish);
  }
};

void dense_backward(const DenseShape& shape, const float* transposed, ConstRows dz, Rows dx) {
  HWY_ALIGN float partial[kMicroRows * 16 * kTileVectors];
  Backward backward{shape, transposed, dz, dx, partial};
  for_panels(0, shape.inputs, backward);
}

// --- update ----------------------------------------------------------------------------------

LATLAS_INLINE F16 flushed(const F16& moment) {
  return keep(abs(moment) >= set(kSmallestMoment), moment);
}

// Adam on sixteen weights, with the sum of their gradients over the batch.
LATLAS_INLINE void step_weights(const F16& sum, const AdamStep& s, float* weight, float* first,
                                float* second) {
  const F16 g = sum * set(s.scale);
  const F16 m = flushed(fma(set(s.beta1), load(first), set(s.one_minus_beta1) * g));
  const F16 v = flushed(fma(set(s.beta2), load(second), set(s.one_minus_beta2) * (g * g)));
  store(m, first);
  store(v, second);
  store(fnma(set(s.rate), m / (sqrt(v) + set(s.epsilon)), load(weight)), weight);
}

struct Update {
  const DenseShape& shape;
  const AdamStep& adam;
  ConstRows x, dz;
  float *weights, *first, *second, *transposed;
  float* partial;
  std::int64_t begin, end;  // of the inputs

  struct Finish {
    const AdamStep& adam;
    float *weights, *first, *second;
    std::int64_t step;
    template <int R, int C>
    LATLAS_INLINE void operator()(std::int64_t i, F16 (&sums)[R][C]) const {
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j) {
          const std::int64_t at = (i + r) * step + 16 * j;
          step_weights(sums[r][j], adam, weights + at, first + at, second + at);
        }
    }
  };

  template <int C>
  LATLAS_INLINE void panel(std::int64_t col, std::int64_t) {
    const std::int64_t at = begin * shape.step + col;
    const PanelSource source{x.data() + begin, 1, x.stride(), dz.data() + col, dz.stride()};
    Finish finish{adam, weights + at, first + at, second + at, shape.step};
    multiply_panel<C>(source, end - begin, dz.rows(), partial, finish);
  }
  // What remains of a tile once its weights have stepped.
  LATLAS_INLINE void finish_tile(std::int64_t output, std::int64_t output_end) {
    for (std::int64_t col = output; col < output_end; col += 16) {
      if (begin == 0) step_bias(col);
      if (transposed != nullptr) copy_transposed(col);
    }
  }
  LATLAS_INLINE void step_bias(std::int64_t col) {
    F16 sum = zero();
    for (std::int64_t i = 0; i < dz.rows(); ++i) sum = sum + load(dz.row(i) + col);
    const std::int64_t at = shape.inputs * shape.step + col;
    step_weights(sum, adam, weights + at, first + at, second + at);
  }
  LATLAS_INLINE void copy_transposed(std::int64_t col) {
    const std::int64_t cols = std::min<std::int64_t>(16, shape.outputs - col);
    std::int64_t i = begin;
    if (cols == 16)
      for (; i + 4 <= end; i += 4)
        for (std::int64_t j = col; j < col + 16; j += 4)
          transpose4(weights + i * shape.step + j, shape.step,
                     transposed + j * shape.transposed_step + i, shape.transposed_step);
    for (; i < end; ++i)
      for (std::int64_t j = col; j < col + cols; ++j)
        transposed[j * shape.transposed_step + i] = weights[i * shape.step + j];
  }
};

// Most pixels of a picture are zero, and mostly those beside them too: of the batch's rows, only
// those with anything but zeros among R neighboring inputs add to the gradient of their weights.
template <int R>
LATLAS_INLINE int rows_with_nonzeros(ConstRows x, std::int64_t input, std::int64_t begin,
                                     std::int64_t end, std::int32_t* list) {
  int count = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    using Bits = std::conditional_t<R % 2 == 0, std::uint64_t, std::uint32_t>;
    Bits bits[R * sizeof(float) / sizeof(Bits)], some = 0;
    hwy::CopyBytes<sizeof bits>(x.data() + i * x.stride() + input, bits);
    for (const Bits b : bits) some |= b;
    list[count] = static_cast<std::int32_t>(i);
    count += some != 0 ? 1 : 0;
  }
  return count;
}

template <int R>
LATLAS_INLINE void sparse_update(Update& update, std::int64_t input, std::int64_t output,
                                 std::int64_t output_end) {
  constexpr int C = kTileVectors, kPanels = kTileOutputs / (16 * C), kChunk = 256;
  const ConstRows x = update.x, dz = update.dz;
  std::int32_t list[kChunk];
  F16 sums[kPanels][R][C];
  for (int panel = 0; panel < kPanels; ++panel)
    for (int r = 0; r < R; ++r)
      for (int j = 0; j < C; ++j) sums[panel][r][j] = zero();
  for (std::int64_t begin = 0; begin < x.rows(); begin += kChunk) {
    const int count =
        rows_with_nonzeros<R>(x, input, begin, std::min(x.rows(), begin + kChunk), list);
    for (int panel = 0; panel < kPanels && output + panel * 16 * C < output_end; ++panel) {
      F16 c[R][C];
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j) c[r][j] = sums[panel][r][j];
      for (int q = 0; q < count; ++q)
        multiply_tile<R, C>(c, 1, x.row(list[q]) + input, 1, 0,
                            dz.row(list[q]) + output + panel * 16 * C, 0);
      for (int r = 0; r < R; ++r)
        for (int j = 0; j < C; ++j) sums[panel][r][j] = c[r][j];
    }
  }
  for (int panel = 0; panel < kPanels; ++panel)
    for (int j = 0; j < C; ++j) {
      const std::int64_t col = output + (panel * C + j) * 16;
      if (col >= output_end) break;
      const std::int64_t at = input * update.shape.step + col;
      const Update::Finish finish{update.adam, update.weights + at, update.first + at,
                                  update.second + at, update.shape.step};
      F16 column[R][1];
      for (int r = 0; r < R; ++r) column[r][0] = sums[panel][r][j];
      finish(0, column);
    }
}

void dense_update(const DenseShape& shape, std::int64_t input, std::int64_t output,
                  const AdamStep& adam, ConstRows x, ConstRows dz, float* weights, float* first,
                  float* second, float* transposed) {
  HWY_ALIGN float partial[kTileInputs * 16 * kTileVectors];
  Update update{shape,
                adam,
                x,
                dz,
                weights,
                first,
                second,
                transposed,
                partial,
                input,
                std::min(shape.inputs, input + kTileInputs)};
  const std::int64_t output_end = std::min(shape.outputs, output + kTileOutputs);
  if (shape.sparse) {
    std::int64_t i = update.begin;
    for (; i + 4 <= update.end; i += 4) sparse_update<4>(update, i, output, output_end);
    for (; i < update.end; ++i) sparse_update<1>(update, i, output, output_end);
  } else {
    for_panels(output, output_end, update);
  }
  update.finish_tile(output, output_end);
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {

HWY_EXPORT(dense_forward);
HWY_EXPORT(sparse_forward);
HWY_EXPORT(dense_loss);
HWY_EXPORT(multiply_by_slope);
HWY_EXPORT(dense_backward);
HWY_EXPORT(dense_update);

class Dense final : public Layer {
 public:
  Dense(std::int64_t inputs, std::int64_t outputs, Activation activation)
      : shape_{inputs, outputs, padded(outputs), padded(inputs), false},
        activation_(activation),
        weights_(inputs + 1, shape_.step) {}

  std::string_view kind() const override { return "dense"; }
  std::int64_t inputs() const override { return shape_.inputs; }
  std::int64_t outputs() const override { return shape_.outputs; }
  Activation activation() const override { return activation_; }
  std::int64_t parameters() const override { return (shape_.inputs + 1) * shape_.outputs; }

  std::unique_ptr<Layer> copy() const override {
    auto other = std::make_unique<Dense>(shape_.inputs, shape_.outputs, activation_);
    other->weights_ = copy_of(weights_);
    return other;
  }

  Matrix& weights() override { return weights_; }
  const Matrix& weights() const override { return weights_; }

  std::vector<Part> parts(Matrix& block) const override {
    return {{"kernel", {block.row(0), shape_.inputs, shape_.outputs, shape_.step}},
            {"bias", {block.row(shape_.inputs), 1, shape_.outputs, shape_.step}}};
  }

  void initialize(std::uint64_t seed, std::uint32_t number) override {
    const double limit = std::sqrt(6.0 / static_cast<double>(shape_.inputs + shape_.outputs));
    weights_ = Matrix(shape_.inputs + 1, shape_.step);
    for (std::int64_t i = 0; i < shape_.inputs; ++i)
      for (std::int64_t j = 0; j < shape_.outputs; ++j)
        weights_(i, j) = static_cast<float>(
            random::uniform(-limit, limit,
                            {seed, random::Stream::weights, number,
                             static_cast<std::uint64_t>(i * shape_.outputs + j)}));
    transposed_ = {};
  }

  void expect_zeros(bool expected) override {
    shape_.sparse = expected && shape_.inputs <= kWidestSparse;
  }

  void prepare_backward() override {
    transposed_ = Matrix(shape_.outputs, shape_.transposed_step);
    for (std::int64_t i = 0; i < shape_.inputs; ++i)
      for (std::int64_t j = 0; j < shape_.outputs; ++j) transposed_(j, i) = weights_(i, j);
  }

  void forward(ConstRows x, Rows y) const override {
    if (!shape_.sparse)
      return LATLAS_DISPATCH(dense_forward)(shape_, weights_.data(), activation_, x, y);
    std::vector<std::uint16_t> places(static_cast<std::size_t>(2 * (shape_.inputs + 8)));
    LATLAS_DISPATCH(sparse_forward)(shape_, weights_.data(), activation_, x, y, places.data());
  }

  double forward_loss(ConstRows x, ConstRows target, Loss loss, Rows dz) const override {
    assert(x.rows() <= kMicroRows);
    return LATLAS_DISPATCH(dense_loss)(shape_, weights_.data(), activation_, x, target, loss, dz);
  }

  void backward(ConstRows dz, Rows dx) const override {
    assert(dz.rows() <= kMicroRows && !transposed_.empty());
    LATLAS_DISPATCH(dense_backward)(shape_, transposed_.data(), dz, dx);
  }

  std::int64_t tiles() const override { return tiles_along_inputs() * tiles_along_outputs(); }

  void update(std::int64_t tile, ConstRows x, ConstRows dz, Matrix& first, Matrix& second,
              const AdamStep& step) override {
    LATLAS_DISPATCH(dense_update)
    (shape_, tile / tiles_along_outputs() * kTileInputs,
     tile % tiles_along_outputs() * kTileOutputs, step, x, dz, weights_.data(), first.data(),
     second.data(), transposed_.empty() ? nullptr : transposed_.data());
  }

 private:
  std::int64_t tiles_along_inputs() const {
    return (shape_.inputs + kTileInputs - 1) / kTileInputs;
  }
  std::int64_t tiles_along_outputs() const {
    return (shape_.outputs + kTileOutputs - 1) / kTileOutputs;
  }

  DenseShape shape_;
  Activation activation_;
  Matrix weights_;     // (inputs + 1) × step, the last row is the bias
  Matrix transposed_;  // outputs × transposed_step; empty unless backward() is wanted
};

}  // namespace

void Layer::activation_gradient(ConstRows y, Rows dy) const {
  if (activation() != Activation::linear) LATLAS_DISPATCH(multiply_by_slope)(y, dy, activation());
}

std::unique_ptr<Layer> dense(std::int64_t inputs, std::int64_t outputs, Activation activation) {
  require(inputs >= 1 && outputs >= 1, "dense: ", inputs, " → ", outputs,
          " is no layer; both widths must be at least 1");
  return std::make_unique<Dense>(inputs, outputs, activation);
}

}  // namespace latlas
#endif
