// Reading a grid potential at sixteen points at once, for the kernels of this room.

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
struct Cells {
  F16 column, row;  // whole numbers
  F16 x, y;         // in [0, 1)
};
LATLAS_INLINE Cells cells(const GridView& g, const F16& x, const F16& y) {
  const F16 scale = set(g.per_unit);
  const F16 u = min(max((x - set(g.x0)) * scale, set(1.0F)), set(g.last_column));
  const F16 v = min(max((y - set(g.y0)) * scale, set(1.0F)), set(g.last_row));
  const F16 a = floor(u), b = floor(v);
  return {a, b, u - a, v - b};
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

struct Reading {
  F16 potential, x, y;  // φ and its gradient
};

/// φ and ∇φ at sixteen points. With kWithoutSelf the points are charges of the field, and what each
/// one's own charge does to it on the grid is taken out (in the continuum it does nothing).
template <bool kWithoutSelf>
LATLAS_INLINE Reading read(const GridView& g, const F16& x, const F16& y) {
  const Cells c = cells(g, x, y);
  F16 wx[4], wy[4], sx[4], sy[4];
  spline(c.x, wx);
  spline(c.y, wy);
  spline_slope(c.x, sx);
  spline_slope(c.y, sy);
  HWY_ALIGN float weight[64], slope[64], sums[64], slopes[64];
  HWY_ALIGN std::int32_t column[16], row[16];
  store(to_int(c.column), column);
  store(to_int(c.row), row);
  for (int r = 0; r < 4; ++r) {
    store(wy[r], weight + 16 * r);
    store(sy[r], slope + 16 * r);
  }
  for (int i = 0; i < 16; ++i) {
    const float* at = g.potential + (row[i] - 1) * g.stride + column[i] - 1;
    F4 s = zero4(), d = zero4();
    for (int r = 0; r < 4; ++r) {
      const F4 nodes = load4(at + r * g.stride);
      s = fma4(nodes, weight[16 * r + i], s);
      d = fma4(nodes, slope[16 * r + i], d);
    }
    store4(s, sums + 4 * i);
    store4(d, slopes + 4 * i);
  }
  F16 s[4], d[4];
  load_quads(sums, s);
  load_quads(slopes, d);
  Reading out{s[0] * wx[0], s[0] * sx[0], d[0] * wx[0]};
  for (int k = 1; k < 4; ++k) {
    out.potential = fma(s[k], wx[k], out.potential);
    out.x = fma(s[k], sx[k], out.x);
    out.y = fma(d[k], wx[k], out.y);
  }
  if constexpr (kWithoutSelf) {
    // φ_self = Σ_{d, e} A_d(x) A_e(y) self[e][d], both signs of d and e in self; as the reading
    // point and the charge are one, the force is half the slope of that.
    F16 ax[4], bx[4], ay[4], by[4], fx = zero(), fy = zero(), own = zero();
    overlap(wx, sx, ax, bx);
    overlap(wy, sy, ay, by);
    for (int k = 0; k < 4; ++k) {
      F16 p = ay[0] * set(g.self[0][k]), q = by[0] * set(g.self[0][k]);
      for (int e = 1; e < 4; ++e) {
        p = fma(ay[e], set(g.self[e][k]), p);
        q = fma(by[e], set(g.self[e][k]), q);
      }
      own = fma(ax[k], p, own);
      fx = fma(bx[k], p, fx);
      fy = fma(ax[k], q, fy);
    }
    out.potential = out.potential - own;
    out.x = fnma(fx, set(0.5F), out.x);
    out.y = fnma(fy, set(0.5F), out.y);
  }
  out.x = out.x * set(g.per_unit);
  out.y = out.y * set(g.per_unit);
  return out;
}

}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
