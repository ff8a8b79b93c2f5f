// How a hundred thousand dots share a pixel.
//
// Painting dots one over the other shows whichever came last. Here each category's coverage is
// summed in whole numbers instead, S_c = Σ coverage · 256, so the order of the points cannot
// matter, and each pixel is resolved once:
//
//   color  = Σ_c w_c S_c² color_c / Σ_c w_c S_c²      in linear light
//   alpha  = A(Σ_c S_c)
//
// The square lets the category win that holds most of a pixel, so that neighbors do not dissolve
// into gray. w_c is 1, and larger for a category with less than a fiftieth of the points of the
// largest, whose few dots would otherwise drown: max(1, (n_max / 50 n_c)²).
//
// A(S) for a given opacity α is what S dots painted over each other would give, 1 − (1 − α)^S. The
// automatic one is a tone curve: a dot alone has the faintest opacity a, and the rest of the range
// is spread over the logarithm of the density, up to the density that half a percent of the inked
// pixels exceed:
//
//   A(S) = a S  for S ≤ 1,    a + (1 − a) log S / log S_top  above,    4 ≤ S_top ≤ 64
//
// A dot is a stamp of coverages, computed by 16 × 16 samples a pixel for each of q × q positions
// within a pixel, and mended so that all stamps hold exactly the ink π r².
//
// Tiles of 64 × 64 pixels are worked on in parallel; each meets the points that touch it, category
// after category.

#include "latlas/render/raster.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "latlas/core/error.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"

namespace latlas::render {
namespace {

constexpr int kTile = 64;
constexpr int kUnit = 256;             // coverage of one whole pixel
constexpr int kMaxTotal = 64 * kUnit;  // densities above are all the same to the eye
constexpr int kMaxSide = 1 << 15;
constexpr std::int64_t kMaxArea = std::int64_t{1} << 28;          // pixels
constexpr std::int64_t kMaxBins = std::int64_t{1} << 27;          // a gigabyte
constexpr std::int64_t kMaxMeetings = std::int64_t{1} << 28;      // of points and tiles; another
constexpr std::int64_t kMaxPoints = (std::int64_t{1} << 24) - 1;  // · kUnit fits 32 bits

/// Stamps of one dot at q × q positions within the pixel of its center.
struct Stamps {
  int q = 1;                            // positions a pixel on each axis
  int half = 0;                         // a stamp reaches from −half to +half pixels
  int side = 1;                         // 2 half + 1
  std::vector<std::uint16_t> coverage;  // [position y][position x][row][column]

  const std::uint16_t* at(int phase_x, int phase_y) const {
    return coverage.data() + static_cast<std::size_t>(phase_y * q + phase_x) * side * side;
  }
};

/// How much of the pixel whose middle is (x, y) away lies within the radius, in 256ths.
int coverage_of_disc(double x, double y, double radius) {
  const double distance = std::sqrt(x * x + y * y);
  if (radius <= 0 || distance - 0.71 > radius) return 0;
  if (distance + 0.71 < radius) return kUnit;
  int inside = 0;
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j) {
      const double sx = x + (j - 7.5) / 16, sy = y + (i - 7.5) / 16;
      inside += sx * sx + sy * sy <= radius * radius ? 1 : 0;
    }
  return inside;
}

/// Adds or takes single units at the rim until the stamp holds `ink`.
void mend(std::uint16_t* stamp, int size, std::int64_t ink) {
  std::int64_t missing = ink;
  for (int i = 0; i < size; ++i) missing -= stamp[i];
  while (missing != 0) {
    const std::int64_t before = missing;
    for (int i = 0; i < size && missing != 0; ++i) {
      if (stamp[i] == 0 || stamp[i] == kUnit) continue;
      stamp[i] = static_cast<std::uint16_t>(stamp[i] + (missing > 0 ? 1 : -1));
      missing += missing > 0 ? -1 : 1;
    }
    if (missing == before) return;  // no rim left; the samples were exact enough
  }
}

Stamps make_stamps(double radius, double stroke) {
  const double outer = radius + stroke / 2;
  const double inner = stroke > 0 ? std::max(0.0, radius - stroke / 2) : 0.0;
  Stamps stamps;
  stamps.q = outer < 2 ? 16 : outer < 8 ? 8 : outer < 32 ? 4 : 1;
  stamps.half = static_cast<int>(std::ceil(outer));
  stamps.side = 2 * stamps.half + 1;
  const int size = stamps.side * stamps.side;
  stamps.coverage.resize(static_cast<std::size_t>(stamps.q) * stamps.q * size);
  const auto ink = std::llround(kUnit * math::kPi * (outer * outer - inner * inner));
  parallel_for(stamps.q * stamps.q, 1, [&](std::int64_t position, std::int64_t) {
    const double cx = (static_cast<double>(position % stamps.q) + 0.5) / stamps.q;
    const double cy = (static_cast<double>(position / stamps.q) + 0.5) / stamps.q;
    std::uint16_t* stamp = stamps.coverage.data() + position * size;
    for (int i = 0; i < stamps.side; ++i)
      for (int j = 0; j < stamps.side; ++j) {
        const double x = j - stamps.half + 0.5 - cx, y = i - stamps.half + 0.5 - cy;
        stamp[i * stamps.side + j] = static_cast<std::uint16_t>(coverage_of_disc(x, y, outer) -
                                                                coverage_of_disc(x, y, inner));
      }
    mend(stamp, size, ink);
  });
  return stamps;
}

/// Where a point's stamp goes: the pixel of its center and its position within that pixel.
struct Place {
  std::int32_t x, y;
  std::int32_t phase_x, phase_y;
};

/// The points that touch each tile, by tile and then by category (a counting sort).
struct Bins {
  int tiles_x = 0, tiles_y = 0, categories = 0;
  std::vector<std::int64_t> begin;   // of bin tile · categories + category
  std::vector<std::int32_t> points;  // indices into `places`
  std::vector<Place> places;
};

Bins bin(const Splats& s, const Stamps& stamps, int width, int height) {
  Bins bins;
  bins.tiles_x = (width + kTile - 1) / kTile;
  bins.tiles_y = (height + kTile - 1) / kTile;
  bins.categories = static_cast<int>(s.colors.size());
  const auto n = static_cast<std::int64_t>(s.x.size());
  bins.places.resize(s.x.size());
  bins.begin.assign(static_cast<std::size_t>(bins.tiles_x) * bins.tiles_y * bins.categories + 1, 0);

  const int half = stamps.half;
  const auto each_bin = [&](std::int64_t i, auto&& visit) {
    const Place& p = bins.places[static_cast<std::size_t>(i)];
    const int left = std::max(p.x - half, 0), right = std::min(p.x + half, width - 1);
    const int top = std::max(p.y - half, 0), bottom = std::min(p.y + half, height - 1);
    if (left > right || top > bottom) return;
    const int category = s.category.empty() ? 0 : s.category[static_cast<std::size_t>(i)];
    for (int ty = top / kTile; ty <= bottom / kTile; ++ty)
      for (int tx = left / kTile; tx <= right / kTile; ++tx)
        visit((static_cast<std::int64_t>(ty) * bins.tiles_x + tx) * bins.categories + category);
  };

  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    const double far = kMaxSide + 2.0 * half;  // beyond any picture, and safe to convert
    const auto x =
        static_cast<std::int64_t>(std::floor(std::clamp<double>(s.x[at], -far, far) * stamps.q));
    const auto y =
        static_cast<std::int64_t>(std::floor(std::clamp<double>(s.y[at], -far, far) * stamps.q));
    const auto q = static_cast<std::int64_t>(stamps.q);
    const std::int64_t px = x >= 0 ? x / q : -((-x + q - 1) / q);
    const std::int64_t py = y >= 0 ? y / q : -((-y + q - 1) / q);
    bins.places[at] = {static_cast<std::int32_t>(px), static_cast<std::int32_t>(py),
                       static_cast<std::int32_t>(x - px * q),
                       static_cast<std::int32_t>(y - py * q)};
    each_bin(i, [&](std::int64_t b) { ++bins.begin[static_cast<std::size_t>(b) + 1]; });
  }
  for (std::size_t b = 1; b < bins.begin.size(); ++b) bins.begin[b] += bins.begin[b - 1];
  bins.points.resize(static_cast<std::size_t>(bins.begin.back()));
  std::vector<std::int64_t> next(bins.begin.begin(), bins.begin.end() - 1);
  for (std::int64_t i = 0; i < n; ++i)
    each_bin(i, [&](std::int64_t b) {
      bins.points[static_cast<std::size_t>(next[static_cast<std::size_t>(b)]++)] =
          static_cast<std::int32_t>(i);
    });
  return bins;
}

/// Throws where picture or bins would take too much memory.
void require_bounded(const Splats& s, int width, int height) {
  require(std::int64_t{width} * height <= kMaxArea, "figure: a picture of ", width, " × ", height,
          " pixels; at most ", kMaxArea, " are drawn, lower the dpi or the size");
  const std::int64_t tiles =
      std::int64_t{(width + kTile - 1) / kTile} * ((height + kTile - 1) / kTile);
  const auto categories = static_cast<std::int64_t>(s.colors.size());
  require(tiles * categories <= kMaxBins, "figure: ", categories, " categories on ", width, " × ",
          height, " pixels take too much memory; lower the dpi or group the categories");
  const auto across = static_cast<std::int64_t>(2 * std::ceil(s.radius + s.stroke / 2) / kTile) + 2;
  const auto points = static_cast<std::int64_t>(s.x.size());
  require(points * std::min(tiles, across * across) <= kMaxMeetings, "figure: ", points,
          " points of radius ", s.radius,
          " pixels cover too much of each other; make them smaller, or lower the dpi");
}

struct Linear {  // a color in linear light
  float red, green, blue;
};

float to_linear(std::uint8_t value) {
  const double c = value / 255.0;
  return static_cast<float>(c <= 0.04045 ? c / 12.92 : math::pow((c + 0.055) / 1.055, 2.4));
}

constexpr int kSteps = 4096;
const std::array<std::uint8_t, kSteps>& from_linear() {
  static const std::array<std::uint8_t, kSteps> table = [] {
    std::array<std::uint8_t, kSteps> t{};
    for (int i = 0; i < kSteps; ++i) {
      const double c = i / (kSteps - 1.0);
      const double s = c <= 0.0031308 ? 12.92 * c : 1.055 * math::pow(c, 1 / 2.4) - 0.055;
      t[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(s * 255 + 0.5);
    }
    return t;
  }();
  return table;
}

/// w_c of the heading.
std::vector<float> category_weights(const Splats& s) {
  require(!s.colors.empty(), "rasterize: there are no colors");
  std::vector<std::int64_t> count(s.colors.size(), 0);
  if (s.category.empty()) count[0] = static_cast<std::int64_t>(s.x.size());
  for (const std::int32_t c : s.category) ++count[static_cast<std::size_t>(c)];
  const auto most = static_cast<double>(*std::max_element(count.begin(), count.end()));
  std::vector<float> weights;
  for (const std::int64_t n : count) {
    const double ratio = n > 0 ? most / (50 * static_cast<double>(n)) : 1;
    weights.push_back(static_cast<float>(std::max(1.0, ratio * ratio)));
  }
  return weights;
}

/// What one worker sums a tile in.
struct Scratch {
  std::array<std::uint32_t, kTile * kTile> coverage{};  // of the category at hand; left zero
  std::array<std::uint32_t, kTile * kTile> total;
  std::array<float, kTile * kTile> weight, red, green, blue;
};

/// Adds the part of a stamp that falls into the tile at (left, top).
void splat(const Stamps& stamps, const Place& p, int left, int top, std::uint32_t* coverage) {
  const std::uint16_t* stamp = stamps.at(p.phase_x, p.phase_y);
  const int x0 = p.x - stamps.half - left, y0 = p.y - stamps.half - top;
  const int j0 = std::max(0, -x0), j1 = std::min(stamps.side, kTile - x0);
  const int i0 = std::max(0, -y0), i1 = std::min(stamps.side, kTile - y0);
  for (int i = i0; i < i1; ++i) {
    std::uint32_t* row = coverage + (y0 + i) * kTile + x0;
    const std::uint16_t* from = stamp + i * stamps.side;
    for (int j = j0; j < j1; ++j) row[j] += from[j];
  }
}

/// Weighs the category's coverage into the tile's sums and clears it.
void mix(Scratch& s, const Linear& color, float category_weight) {
  for (int p = 0; p < kTile * kTile; ++p) {
    const auto at = static_cast<std::size_t>(p);
    const auto c = static_cast<float>(s.coverage[at]);
    const float w = c * c * category_weight;
    s.total[at] += s.coverage[at];
    s.weight[at] += w;
    s.red[at] += w * color.red;
    s.green[at] += w * color.green;
    s.blue[at] += w * color.blue;
    s.coverage[at] = 0;
  }
}

/// A(S) for S = 0 … kMaxTotal, in 255ths.
std::vector<std::uint8_t> alpha_curve(const Splats& s, const std::vector<std::int64_t>& histogram) {
  std::int64_t inked = 0, above = 0;
  for (std::size_t t = 1; t < histogram.size(); ++t) inked += histogram[t];
  std::size_t top = histogram.size() - 1;
  while (top > 4 * kUnit && (above += histogram[top]) * 200 <= inked) --top;
  const double log_top = math::log(static_cast<double>(top) / kUnit);

  std::vector<std::uint8_t> curve(histogram.size());
  for (std::size_t t = 1; t < curve.size(); ++t) {
    const double dots = static_cast<double>(t) / kUnit;
    const double alone = s.opacity > 0 ? s.opacity : s.faintest;
    double alpha = alone * dots;
    if (dots > 1 && s.opacity > 0)
      alpha = s.opacity < 1 ? 1 - math::pow(1 - s.opacity, dots) : 1;
    else if (dots > 1)
      alpha = alone + (1 - alone) * std::min(1.0, math::log(dots) / log_top);
    curve[t] = static_cast<std::uint8_t>(std::clamp(alpha, 0.0, 1.0) * 255 + 0.5);
  }
  return curve;
}

}  // namespace

Picture rasterize(const Splats& s, int width, int height) {
  require(width > 0 && height > 0 && width <= kMaxSide && height <= kMaxSide,
          "figure: a picture of ", width, " × ", height,
          " pixels; each side must be between 1 and ", kMaxSide);
  require(static_cast<std::int64_t>(s.x.size()) <= kMaxPoints, "figure: ", s.x.size(),
          " points in one set; at most ", kMaxPoints, " can be drawn");
  require(s.x.size() == s.y.size() && (s.category.empty() || s.category.size() == s.x.size()),
          "figure: coordinates and categories of different lengths");
  require(s.radius > 0 && s.radius + s.stroke / 2 <= 4096, "figure: a point of radius ", s.radius,
          " pixels; it must be above 0 and at most 4096");
  require_bounded(s, width, height);
  for (const std::int32_t c : s.category)
    require(c >= 0 && static_cast<std::size_t>(c) < s.colors.size(), "figure: category ", c,
            " has no color");

  Picture picture{width, height,
                  std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 4, 0),
                  false};
  if (s.x.empty()) return picture;

  const Stamps stamps = make_stamps(s.radius, s.stroke);
  const Bins bins = bin(s, stamps, width, height);
  const std::vector<float> weights = category_weights(s);
  std::vector<Linear> colors;
  for (const Color& c : s.colors)
    colors.push_back({to_linear(c.red), to_linear(c.green), to_linear(c.blue)});
  const auto& encode = from_linear();

  // Sums and colors, tile by tile; alpha follows when all totals are known.
  std::vector<std::uint16_t> totals(static_cast<std::size_t>(width) * height, 0);
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads()));
  const std::int64_t tiles = static_cast<std::int64_t>(bins.tiles_x) * bins.tiles_y;
  parallel_for_worker(tiles, 1, [&](std::int64_t tile, std::int64_t, int worker) {
    const std::int64_t* begin = bins.begin.data() + tile * bins.categories;
    if (begin[0] == begin[bins.categories]) return;
    Scratch& t = scratch[static_cast<std::size_t>(worker)];
    t.total.fill(0);
    t.weight.fill(0);
    t.red.fill(0);
    t.green.fill(0);
    t.blue.fill(0);
    const int left = static_cast<int>(tile % bins.tiles_x) * kTile;
    const int top = static_cast<int>(tile / bins.tiles_x) * kTile;
    for (int c = 0; c < bins.categories; ++c) {
      if (begin[c] == begin[c + 1]) continue;
      for (std::int64_t k = begin[c]; k < begin[c + 1]; ++k)
        splat(stamps,
              bins.places[static_cast<std::size_t>(bins.points[static_cast<std::size_t>(k)])], left,
              top, t.coverage.data());
      mix(t, colors[static_cast<std::size_t>(c)], weights[static_cast<std::size_t>(c)]);
    }
    for (int i = 0; i < std::min(kTile, height - top); ++i)
      for (int j = 0; j < std::min(kTile, width - left); ++j) {
        const auto at = static_cast<std::size_t>(i * kTile + j);
        if (t.total[at] == 0) continue;
        const std::size_t pixel = static_cast<std::size_t>(top + i) * width + left + j;
        totals[pixel] = static_cast<std::uint16_t>(std::min<std::uint32_t>(t.total[at], kMaxTotal));
        const float w = t.weight[at] > 0 ? t.weight[at] : 1.0F;
        const auto channel = [&](float sum) {
          const float c = std::min(sum / w, 1.0F);
          return encode[static_cast<std::size_t>(c * (kSteps - 1) + 0.5F)];
        };
        picture.rgba[4 * pixel] = channel(t.red[at]);
        picture.rgba[4 * pixel + 1] = channel(t.green[at]);
        picture.rgba[4 * pixel + 2] = channel(t.blue[at]);
      }
  });

  std::vector<std::int64_t> histogram(kMaxTotal + 1, 0);
  for (const std::uint16_t total : totals) ++histogram[total];
  const std::vector<std::uint8_t> curve = alpha_curve(s, histogram);
  for (std::size_t p = 0; p < totals.size(); ++p) picture.rgba[4 * p + 3] = curve[totals[p]];
  return picture;
}

}  // namespace latlas::render
