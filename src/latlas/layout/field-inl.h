// Sixteen places of a map at once, and reading a grid potential there, for the kernels of this
// room. D is the number of dimensions, 1, 2 or 3; axis 0 is x, along which nodes follow one
// another.

#if defined(LATLAS_LAYOUT_FIELD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATLAS_LAYOUT_FIELD_INL_H_
#undef LATLAS_LAYOUT_FIELD_INL_H_
#else
#define LATLAS_LAYOUT_FIELD_INL_H_
#endif

#include "latlas/core/simd-inl.h"
#include "latlas/layout/field.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {

/// The floats at sixteen indices.
template <class Index>
LATLAS_INLINE F16 gather(const float* x, const Index* index) {
  HWY_ALIGN float t[16];
  for (int i = 0; i < 16; ++i) t[i] = x[index[i]];
  return load(t);
}

/// The first three of the quadruples at sixteen indices: 16-byte loads, transposed by fours.
template <class Index>
LATLAS_INLINE void gather_triples(const float* quads, const Index* index, F16& x, F16& y, F16& z) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  HWY_ALIGN float tx[16], ty[16], tz[16];
  for (int i = 0; i < 16; ++i) {
    const float* at = quads + 4 * static_cast<std::size_t>(index[i]);
    tx[i] = at[0];
    ty[i] = at[1];
    tz[i] = at[2];
  }
  x = load(tx);
  y = load(ty);
  z = load(tz);
#else
  const hn::FixedTag<float, 4> four;
  const auto quad = [&](int i) HWY_ATTR {
    return hn::LoadU(four, quads + 4 * static_cast<std::size_t>(index[i]));
  };
  LATLAS_EACH {
    hn::Vec<DF> v[4];  // v[i]: the quadruples i, i + 4, … of this register
    for (int i = 0; i < 4; ++i) {
      const int at = p * kLanes + i;
      if constexpr (kLanes == 4) {
        v[i] = quad(at);
#if HWY_TARGET == HWY_AVX2
      } else {
        v[i] = hn::Combine(DF(), quad(at + 4), quad(at));
#elif HWY_TARGET == HWY_AVX3
      } else {
        const hn::FixedTag<float, 8> eight;
        v[i] = hn::Combine(DF(), hn::Combine(eight, quad(at + 12), quad(at + 8)),
                           hn::Combine(eight, quad(at + 4), quad(at)));
#endif
      }
    }
    const auto a = hn::InterleaveLower(DF(), v[0], v[2]), b = hn::InterleaveUpper(DF(), v[0], v[2]);
    const auto d = hn::InterleaveLower(DF(), v[1], v[3]), e = hn::InterleaveUpper(DF(), v[1], v[3]);
    x.v[p] = hn::InterleaveLower(DF(), a, d);
    y.v[p] = hn::InterleaveUpper(DF(), a, d);
    z.v[p] = hn::InterleaveLower(DF(), b, e);
  }
#endif
}

/// Places in the layout of place_floats(): sixteen in a row, and those of sixteen rows.
template <int D>
LATLAS_INLINE void load_places(const float* from, F16 (&at)[D]) {
  if constexpr (D == 1) {
    at[0] = load(from);
  } else if constexpr (D == 2) {
    load_pairs(from, at[0], at[1]);
  } else {
    F16 quad[4];
    load_quads(from, quad);
    for (int c = 0; c < 3; ++c) at[c] = quad[c];
  }
}
template <int D>
LATLAS_INLINE void store_places(const F16 (&at)[D], float* to) {
  if constexpr (D == 1) {
    store(at[0], to);
  } else if constexpr (D == 2) {
    store_pairs(at[0], at[1], to);
  } else {
    const F16 quad[4] = {at[0], at[1], at[2], zero()};
    store_quads(quad, to);
  }
}
template <int D, class Index>
LATLAS_INLINE void gather_places(const float* from, const Index* row, F16 (&at)[D]) {
  if constexpr (D == 1) {
    at[0] = gather(from, row);
  } else if constexpr (D == 2) {
    gather_pairs(from, row, at[0], at[1]);
  } else {
    gather_triples(from, row, at[0], at[1], at[2]);
  }
}
/// The first n of sixteen places; the other lanes are zero.
template <int D>
LATLAS_INLINE void load_first_places(const float* from, int n, F16 (&at)[D]) {
  constexpr int kFloats = place_floats(D);
  if (n >= 16) return load_places(from, at);
  HWY_ALIGN float t[16 * kFloats] = {};
  for (int l = 0; l < kFloats * n; ++l) t[l] = from[l];
  load_places(t, at);
}
/// |a|² + c, the last axis first.
template <int D>
LATLAS_INLINE F16 square_plus(const F16 (&a)[D], const F16& c) {
  F16 sum = fma(a[D - 1], a[D - 1], c);
  for (int k = D - 1; k-- > 0;) sum = fma(a[k], a[k], sum);
  return sum;
}

/// The cubic B-spline's weights of the nodes −1, 0, 1, 2 at t in [0, 1) behind node 0.
LATLAS_INLINE void spline(const F16& t, F16 (&w)[4]) {
  const F16 sixth = set(1.0F / 6.0F), half = set(0.5F), one = set(1.0F);
  const F16 u = one - t, t2 = t * t, u2 = u * u;
  w[0] = u2 * u * sixth;
  w[3] = t2 * t * sixth;
  w[1] = fma(t2, fma(t, half, set(-1.0F)), set(2.0F / 3.0F));
  w[2] = fma(u2, fma(u, half, set(-1.0F)), set(2.0F / 3.0F));
}
/// Their derivatives in t.
LATLAS_INLINE void spline_slope(const F16& t, F16 (&w)[4]) {
  const F16 half = set(0.5F), u = set(1.0F) - t;
  w[0] = -(u * u * half);
  w[3] = t * t * half;
  w[1] = t * fma(t, set(1.5F), set(-2.0F));
  w[2] = -(u * fma(u, set(1.5F), set(-2.0F)));
}

/// Where sixteen points stand on the grid: their cells, and how far inside.
template <int D>
struct Cells {
  F16 node[D];    // whole numbers
  F16 inside[D];  // in [0, 1)
  LATLAS_INLINE Cells() {}
};
template <int D>
LATLAS_INLINE Cells<D> cells(const GridView& g, const F16 (&at)[D]) {
  const F16 scale = set(g.per_unit);
  Cells<D> c;
  for (int k = 0; k < D; ++k) {
    const F16 u = min(max((at[k] - set(g.origin[k])) * scale, set(1.0F)), set(g.last[k]));
    c.node[k] = floor(u);
    c.inside[k] = u - c.node[k];
  }
  return c;
}

/// How a charge's spline overlaps itself when moved by 0, 1, 2, 3 nodes, and the slope of that.
LATLAS_INLINE void overlap(const F16 (&w)[4], const F16 (&s)[4], F16 (&a)[4], F16 (&b)[4]) {
  for (int d = 0; d < 4; ++d) {
    a[d] = w[0] * w[d];
    b[d] = fma(w[0], s[d], s[0] * w[d]);
    for (int i = 1; i + d < 4; ++i) {
      a[d] = fma(w[i], w[i + d], a[d]);
      b[d] = fma(w[i], s[i + d], fma(s[i], w[i + d], b[d]));
    }
  }
}

template <int D>
struct Reading {
  F16 potential, gradient[D];
  LATLAS_INLINE Reading() {}
};

/// φ_self = Σ_d Π_c A_c[d_c] · self[d], both signs of the distances d in self, and its slopes.
/// Sums over the axes c, c + 1, …, given the distances along those before.
template <int D, int c>
struct SelfSum {
  LATLAS_INLINE static Reading<D> of(const F16 (&a)[D][4], const F16 (&b)[D][4],
                                     const float* self) {
    Reading<D> sum;
    for (int k = 0; k < 4; ++k) {
      const Reading<D> inner = SelfSum<D, c + 1>::of(a, b, self + (k << 2 * c));
      if (k == 0) {
        sum.potential = a[c][0] * inner.potential;
        sum.gradient[c] = b[c][0] * inner.potential;
        for (int e = c + 1; e < D; ++e) sum.gradient[e] = a[c][0] * inner.gradient[e];
      } else {
        sum.potential = fma(a[c][k], inner.potential, sum.potential);
        sum.gradient[c] = fma(b[c][k], inner.potential, sum.gradient[c]);
        for (int e = c + 1; e < D; ++e)
          sum.gradient[e] = fma(a[c][k], inner.gradient[e], sum.gradient[e]);
      }
    }
    return sum;
  }
};
template <int D>
struct SelfSum<D, D> {
  LATLAS_INLINE static Reading<D> of(const F16 (&)[D][4], const F16 (&)[D][4], const float* self) {
    Reading<D> leaf;
    leaf.potential = set(*self);
    return leaf;
  }
};

/// φ and ∇φ at sixteen points. With kWithoutSelf the points are charges of the field, and what each
/// one's own charge does to it on the grid is taken out (in the continuum it does nothing).
template <bool kWithoutSelf, int D>
LATLAS_INLINE Reading<D> read(const GridView& g, const F16 (&at)[D]) {
  const Cells<D> c = cells(g, at);
  F16 w[D][4], s[D][4];
  HWY_ALIGN float weight[D][64], slope[D][64];  // of the axes behind x
  HWY_ALIGN std::int32_t node[D][16];
  for (int k = 0; k < D; ++k) {
    spline(c.inside[k], w[k]);
    spline_slope(c.inside[k], s[k]);
    store(to_int(c.node[k]), node[k]);
    for (int r = 0; k > 0 && r < 4; ++r) {
      store(w[k][r], weight[k] + 16 * r);
      store(s[k][r], slope[k] + 16 * r);
    }
  }
  // Of each point the sums over all axes but x: of φ, and of its slopes along these axes.
  HWY_ALIGN float sums[D][64];
  for (int i = 0; i < 16; ++i) {
    const float* from = g.potential + node[0][i] - 1;
    for (int k = 1; k < D; ++k) from += (node[k][i] - 1) * g.stride[k];
    if constexpr (D == 1) {
      store4(load4(from), sums[0] + 4 * i);
    } else {
      F4 value[D];
      for (int k = 0; k < D; ++k) value[k] = zero4();
      for (int q = 0; q < (D == 3 ? 4 : 1); ++q) {
        const float* plane = from + (D == 3 ? q * g.stride[2] : 0);
        F4 v = zero4(), d = zero4();
        for (int r = 0; r < 4; ++r) {
          const F4 nodes = load4(plane + r * g.stride[1]);
          v = fma4(nodes, weight[1][16 * r + i], v);
          d = fma4(nodes, slope[1][16 * r + i], d);
        }
        if constexpr (D == 2) {
          value[0] = v;
          value[1] = d;
        } else {
          value[0] = fma4(v, weight[2][16 * q + i], value[0]);
          value[1] = fma4(d, weight[2][16 * q + i], value[1]);
          value[2] = fma4(v, slope[2][16 * q + i], value[2]);
        }
      }
      for (int k = 0; k < D; ++k) store4(value[k], sums[k] + 4 * i);
    }
  }
  Reading<D> out;
  F16 v[4];
  load_quads(sums[0], v);
  out.potential = v[0] * w[0][0];
  out.gradient[0] = v[0] * s[0][0];
  for (int k = 1; k < 4; ++k) {
    out.potential = fma(v[k], w[0][k], out.potential);
    out.gradient[0] = fma(v[k], s[0][k], out.gradient[0]);
  }
  for (int e = 1; e < D; ++e) {
    load_quads(sums[e], v);
    out.gradient[e] = v[0] * w[0][0];
    for (int k = 1; k < 4; ++k) out.gradient[e] = fma(v[k], w[0][k], out.gradient[e]);
  }
  if constexpr (kWithoutSelf) {
    // As the reading point and the charge are one, the force is half the slope of φ_self.
    F16 a[D][4], b[D][4];
    for (int k = 0; k < D; ++k) overlap(w[k], s[k], a[k], b[k]);
    const Reading<D> own = SelfSum<D, 0>::of(a, b, g.self);
    out.potential = out.potential - own.potential;
    for (int k = 0; k < D; ++k) out.gradient[k] = fnma(own.gradient[k], set(0.5F), out.gradient[k]);
  }
  for (int k = 0; k < D; ++k) out.gradient[k] = out.gradient[k] * set(g.per_unit);
  return out;
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
