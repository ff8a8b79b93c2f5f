// The smallest eigenvalues of L = I − A, A = D^{−½} W D^{−½}, are the largest of A, whose
// eigenvalues lie in [−1, 1]. A graph of neighbors has many of them close to 1, so vectors are
// sought together, sixteen at a time, by Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago &
// Chelikowsky, 2006): the polynomial T_m(t(A)), with t taking [−1, c] to [−1, 1], leaves what lies
// in that interval as small as it is and raises what lies above c; c is the smallest Ritz value of
// the sixteen. After each filter the Rayleigh–Ritz step finds the best vectors in their span, from
// the 16 × 16 products XᵀX, XᵀAX and (AX)ᵀAX in double.
//
// The eigenvector to A's eigenvalue 1, D^{½} 1, is known and taken out of the span.
#include "latlas/layout/spectral.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "latlas/core/eigen.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "latlas/layout/spectral.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {

/// Rows [begin, end) of out = a · A x + b · x + c · before, sixteen columns each; `before` may be
/// `out`.
void product_rows(const std::int64_t* edge_begin, const std::int32_t* column, const float* weight,
                  const float* x, const float* before, float* out, float a, float b, float c,
                  std::int64_t begin, std::int64_t end) {
  const F16 fa = set(a), fb = set(b), fc = set(c);
  for (std::int64_t i = begin; i < end; ++i) {
    F16 even = zero(), odd = zero();
    std::int64_t e = edge_begin[i];
    for (; e + 1 < edge_begin[i + 1]; e += 2) {
      even = fma(set(weight[e]), load(x + 16 * static_cast<std::int64_t>(column[e])), even);
      odd = fma(set(weight[e + 1]), load(x + 16 * static_cast<std::int64_t>(column[e + 1])), odd);
    }
    if (e < edge_begin[i + 1])
      even = fma(set(weight[e]), load(x + 16 * static_cast<std::int64_t>(column[e])), even);
    const F16 sum = fma(fa, even + odd, fb * load(x + 16 * i));
    store(fma(fc, load(before + 16 * i), sum), out + 16 * i);
  }
}

}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(product_rows);

namespace {

constexpr std::int64_t kBlock = 16;  // vectors sought together
constexpr std::int64_t kRowTile = 512;
constexpr std::int64_t kDense = 128;  // rows up to which all eigenpairs are computed
constexpr int kDegree = 16;           // of the filter
constexpr int kMostCycles = 24;       // filters and Rayleigh–Ritz steps
constexpr double kTolerance = 0.05;   // |L v − μ v| in units of μ

using Square = std::array<std::array<double, kBlock>, kBlock>;

/// Whether every row can be reached from the first.
bool is_connected(const Affinities& graph) {
  std::vector<bool> seen(static_cast<std::size_t>(graph.rows()));
  std::vector<std::int32_t> open = {0};
  seen[0] = true;
  std::int64_t reached = 1;
  while (!open.empty()) {
    const auto i = static_cast<std::size_t>(open.back());
    open.pop_back();
    for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e) {
      const std::int32_t j = graph.column[static_cast<std::size_t>(e)];
      if (!(graph.weight[static_cast<std::size_t>(e)] > 0) || seen[static_cast<std::size_t>(j)])
        continue;
      seen[static_cast<std::size_t>(j)] = true;
      open.push_back(j);
      ++reached;
    }
  }
  return reached == graph.rows();
}

/// The root of each row's sum of weights.
std::vector<double> roots_of_degrees(const Affinities& graph) {
  std::vector<double> root(static_cast<std::size_t>(graph.rows()));
  parallel_for(graph.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      double sum = 0;
      for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e)
        sum += static_cast<double>(graph.weight[static_cast<std::size_t>(e)]);
      root[i] = std::sqrt(sum);
    }
  });
  return root;
}

/// Weights of A, in the order of the graph's edges.
std::vector<float> normalized(const Affinities& graph, const std::vector<double>& root) {
  std::vector<float> weight(graph.weight.size());
  parallel_for(graph.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      for (std::int64_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e) {
        const auto u = static_cast<std::size_t>(e);
        const double scale = root[i] * root[static_cast<std::size_t>(graph.column[u])];
        weight[u] = static_cast<float>(static_cast<double>(graph.weight[u]) / scale);
      }
  });
  return weight;
}

/// Σ over rows of a(i, ·) b(i, ·)ᵀ, in the order of tiles.
Square inner(const Matrix& a, const Matrix& b) {
  const std::int64_t n = a.rows(), tiles = (n + kRowTile - 1) / kRowTile;
  std::vector<Square> parts(static_cast<std::size_t>(tiles));
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    Square sum{};
    for (std::int64_t i = begin; i < end; ++i) {
      std::array<double, kBlock> right;
      for (std::size_t c = 0; c < kBlock; ++c) right[c] = static_cast<double>(b.row(i)[c]);
      for (std::size_t r = 0; r < kBlock; ++r) {
        const auto left = static_cast<double>(a.row(i)[r]);
        for (std::size_t c = 0; c < kBlock; ++c) sum[r][c] += left * right[c];
      }
    }
    parts[static_cast<std::size_t>(begin / kRowTile)] = sum;
  });
  Square sum{};
  for (const Square& part : parts)
    for (std::size_t r = 0; r < kBlock; ++r)
      for (std::size_t c = 0; c < kBlock; ++c) sum[r][c] += part[r][c];
  return sum;
}

/// Takes the direction of `known`, of length 1, out of every column.
void take_out(const std::vector<double>& known, Matrix& x) {
  const std::int64_t n = x.rows(), tiles = (n + kRowTile - 1) / kRowTile;
  using Row = std::array<double, kBlock>;
  std::vector<Row> parts(static_cast<std::size_t>(tiles));
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    Row sum{};
    for (std::int64_t i = begin; i < end; ++i)
      for (std::size_t c = 0; c < kBlock; ++c)
        sum[c] += known[static_cast<std::size_t>(i)] * static_cast<double>(x.row(i)[c]);
    parts[static_cast<std::size_t>(begin / kRowTile)] = sum;
  });
  Row share{};
  for (const Row& part : parts)
    for (std::size_t c = 0; c < kBlock; ++c) share[c] += part[c];
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      for (std::size_t c = 0; c < kBlock; ++c)
        x.row(i)[c] = static_cast<float>(static_cast<double>(x.row(i)[c]) -
                                         known[static_cast<std::size_t>(i)] * share[c]);
  });
}

/// x ← x · by, sixteen columns from sixteen.
void combine(Matrix& x, const Square& by) {
  parallel_for(x.rows(), kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::array<double, kBlock> sum{};
      for (std::size_t r = 0; r < kBlock; ++r) {
        const auto left = static_cast<double>(x.row(i)[r]);
        for (std::size_t c = 0; c < kBlock; ++c) sum[c] += left * by[r][c];
      }
      for (std::size_t c = 0; c < kBlock; ++c) x.row(i)[c] = static_cast<float>(sum[c]);
    }
  });
}

/// The Ritz vectors of a span: coordinates in its basis (columns), values descending, residuals.
struct Ritz {
  Square vectors{};
  std::array<double, kBlock> values{}, residuals{};
};

BasicMatrix<double> as_matrix(const Square& s) {
  BasicMatrix<double> m(kBlock, kBlock);
  for (std::size_t r = 0; r < kBlock; ++r) std::copy(s[r].begin(), s[r].end(), m.row(r));
  return m;
}

/// From g = XᵀX, h = XᵀAX and k = (AX)ᵀAX.
Ritz rayleigh_ritz(const Square& g, const Square& h, const Square& k) {
  // Columns of equal length first: filtering raises some a thousandfold.
  std::array<double, kBlock> unit{};
  for (std::size_t c = 0; c < kBlock; ++c) unit[c] = g[c][c] > 0 ? 1 / std::sqrt(g[c][c]) : 0;
  Square scaled{};
  for (std::size_t r = 0; r < kBlock; ++r)
    for (std::size_t c = 0; c < kBlock; ++c) scaled[r][c] = g[r][c] * unit[r] * unit[c];
  const SymmetricEigen basis = symmetric_eigen(as_matrix(scaled));
  Square q{};  // columns: an orthonormal basis of the span; directions that are none are zero
  for (std::size_t c = 0; c < kBlock; ++c)
    if (basis.values[c] > 1e-10 * basis.values[0])
      for (std::size_t r = 0; r < kBlock; ++r)
        q[r][c] = unit[r] *
                  basis.vectors(static_cast<std::int64_t>(c), static_cast<std::int64_t>(r)) /
                  std::sqrt(basis.values[c]);
  const auto times = [](const Square& a, const Square& b) {
    Square out{};
    for (std::size_t r = 0; r < kBlock; ++r)
      for (std::size_t m = 0; m < kBlock; ++m)
        for (std::size_t c = 0; c < kBlock; ++c) out[r][c] += a[r][m] * b[m][c];
    return out;
  };
  const auto turned = [](const Square& a) {
    Square out{};
    for (std::size_t r = 0; r < kBlock; ++r)
      for (std::size_t c = 0; c < kBlock; ++c) out[c][r] = a[r][c];
    return out;
  };
  Square small = times(turned(q), times(h, q));
  for (std::size_t r = 0; r < kBlock; ++r) {
    // A direction that is none comes last.
    if (!(basis.values[r] > 1e-10 * basis.values[0])) small[r][r] = -2;
    for (std::size_t c = 0; c < r; ++c) small[r][c] = small[c][r] = (small[r][c] + small[c][r]) / 2;
  }
  const SymmetricEigen pairs = symmetric_eigen(as_matrix(small));
  Square turn{};
  for (std::size_t r = 0; r < kBlock; ++r)
    for (std::size_t c = 0; c < kBlock; ++c)
      turn[r][c] = pairs.vectors(static_cast<std::int64_t>(c), static_cast<std::int64_t>(r));
  Ritz out;
  out.vectors = times(q, turn);
  const Square squares = times(turned(out.vectors), times(k, out.vectors));
  for (std::size_t c = 0; c < kBlock; ++c) {
    out.values[c] = pairs.values[c];
    out.residuals[c] = std::sqrt(std::max(0.0, squares[c][c] - pairs.values[c] * pairs.values[c]));
  }
  return out;
}

void fix_signs(Matrix& vectors) {
  for (std::int64_t c = 0; c < vectors.cols(); ++c) {
    std::int64_t largest = 0;
    for (std::int64_t i = 1; i < vectors.rows(); ++i)
      if (std::abs(vectors(i, c)) > std::abs(vectors(largest, c))) largest = i;
    if (vectors(largest, c) >= 0) continue;
    for (std::int64_t i = 0; i < vectors.rows(); ++i) vectors(i, c) = -vectors(i, c);
  }
}

/// All eigenpairs, for few rows.
void solve_dense(const Affinities& graph, const std::vector<float>& weight, std::int64_t count,
                 Spectrum& out) {
  const std::int64_t n = graph.rows();
  BasicMatrix<double> a(n, n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t e = graph.begin[static_cast<std::size_t>(i)];
         e < graph.begin[static_cast<std::size_t>(i) + 1]; ++e)
      a(i, graph.column[static_cast<std::size_t>(e)]) =
          static_cast<double>(weight[static_cast<std::size_t>(e)]);
  const SymmetricEigen pairs = symmetric_eigen(a);
  for (std::int64_t c = 0; c < count; ++c) {
    out.values.push_back(std::max(0.0, 1 - pairs.values[static_cast<std::size_t>(c) + 1]));
    for (std::int64_t i = 0; i < n; ++i)
      out.vectors(i, c) = static_cast<float>(pairs.vectors(c + 1, i));
  }
  out.converged = true;
}

void solve_iteratively(const Affinities& graph, const std::vector<float>& weight,
                       const std::vector<double>& known, std::int64_t count, std::uint64_t seed,
                       Spectrum& out) {
  const std::int64_t n = graph.rows();
  Matrix x(n, kBlock), y(n, kBlock);
  const auto product = [&](const Matrix& of, const Matrix& before, Matrix& to, double a, double b,
                           double c) {
    parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
      LATLAS_DISPATCH(product_rows)
      (graph.begin.data(), graph.column.data(), weight.data(), of.data(), before.data(), to.data(),
       static_cast<float>(a), static_cast<float>(b), static_cast<float>(c), begin, end);
    });
    ++out.products;
  };
  parallel_for(n, kRowTile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = 4 * begin; i < 4 * end; ++i) {
      const auto w = random::words({.seed = seed,
                                    .stream = random::Stream::spectral,
                                    .index = static_cast<std::uint64_t>(i)});
      for (std::size_t c = 0; c < 4; ++c)
        x.data()[4 * i + static_cast<std::int64_t>(c)] =
            static_cast<float>(static_cast<std::int32_t>(w[c])) * 0x1p-31F;
    }
  });

  Ritz ritz;
  double cut = 0.5;
  for (int cycle = 0; cycle < kMostCycles && !out.converged; ++cycle) {
    // T_0 = x, T_1 = t(A) x, T_{m+1} = 2 t(A) T_m − T_{m−1}, with t(A) = scale · A + shift.
    const double scale = 2 / (cut + 1), shift = (1 - cut) / (cut + 1);
    product(x, x, y, scale, shift, 0);
    for (int m = 1; m < kDegree; ++m) {
      product(y, x, x, 2 * scale, 2 * shift, -1);
      std::swap(x, y);
    }
    std::swap(x, y);
    take_out(known, x);
    product(x, x, y, 1, 0, 0);
    ritz = rayleigh_ritz(inner(x, x), inner(x, y), inner(y, y));
    combine(x, ritz.vectors);
    out.converged = true;
    for (std::size_t c = 0; c < static_cast<std::size_t>(count); ++c)
      out.converged =
          out.converged && ritz.residuals[c] <= std::max(kTolerance * (1 - ritz.values[c]), 1e-6);
    cut = std::clamp(ritz.values.back(), cut, 0.9999);
  }
  for (std::int64_t c = 0; c < count; ++c) {
    out.values.push_back(std::max(0.0, 1 - ritz.values[static_cast<std::size_t>(c)]));
    for (std::int64_t i = 0; i < n; ++i) out.vectors(i, c) = x(i, c);
  }
}

}  // namespace

Spectrum spectral(const Affinities& graph, std::int64_t count, std::uint64_t seed) {
  const std::int64_t n = graph.rows();
  require(count >= 1 && count <= 8 && count < n, "spectral: ", count, " vectors of ", n,
          " rows; it must be 1 to 8, and below the rows");
  Spectrum out;
  out.connected = is_connected(graph);
  if (!out.connected) return out;
  out.vectors = Matrix(n, count);
  const std::vector<double> root = roots_of_degrees(graph);
  const std::vector<float> weight = normalized(graph, root);
  if (n <= kDense) {
    solve_dense(graph, weight, count, out);
  } else {
    double square = 0;
    for (const double r : root) square += r * r;
    std::vector<double> known(root);
    for (double& r : known) r /= std::sqrt(square);
    solve_iteratively(graph, weight, known, count, seed, out);
  }
  fix_signs(out.vectors);
  return out;
}

}  // namespace latlas
#endif
