// How a digit is written:
//
//   1. A digit has a few ways of writing it, each a list of strokes, each stroke a list of points
//      in a unit box, y downwards. The pen passes smoothly through the points (Catmull–Rom
//      splines), except at corners.
//   2. A writer deviates: the pen drifts at every point, the box is stretched, slanted and turned,
//   and
//      the paper is warped by a smooth random field (cubic B-splines over 4 × 4 knots), which is
//      the elastic distortion of Simard, Steinkraus & Platt, Best practices for convolutional
//      neural networks, 2003, applied to the pen's path instead of the pixels.
//   3. The path is scaled to 20 pixels and moved so that its center of mass lies in the middle of
//      28 × 28, as LeCun and his coworkers did with NIST's digits.
//   4. A pixel's ink is how deep it lies within the nearest piece of path, whose half width is the
//      pen's, with a soft edge: 255 · clamp((half width − distance) / edge + ½).
//
// Every number is drawn at (seed, stream digits, part, row · 256 + k), so a row depends on nothing
// but its place. Plain +, −, ·, / and square roots: the bits are the same on every processor.
#include "latlas/data/synthetic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>

#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"

namespace latlas {
namespace {

constexpr int kSide = 28;
constexpr double kInk = 20;  // longer side of the written box, in pixels
constexpr int kMostRows = 10'000'000;

// --- 1. ways of writing
// ---------------------------------------------------------------------------

enum Kind : std::uint8_t { kSmooth, kCorner, kLift };  // kLift ends a stroke
struct PenPoint {
  double x, y;
  Kind kind = kSmooth;
};
struct Writing {
  int digit;
  double share;  // of the digit's writers
  double width;  // of the box, whose height is 1
  std::vector<PenPoint> points;
};

const std::vector<Writing>& writings() {
  constexpr Kind C = kCorner, L = kLift;
  // clang-format off
  static const std::vector<Writing> all = {
      // an oval from the top, leftwards
      {0, 0.55, 0.68, {{.58, .0}, {.18, .16}, {.0, .55}, {.18, .93}, {.5, 1.}, {.87, .8},
                       {1., .42}, {.85, .08}, {.55, .0, L}}},
      // the same, closed with a hook at the top
      {0, 0.3, 0.7, {{.72, .1}, {.4, .02}, {.08, .3}, {.02, .7}, {.33, 1.}, {.75, .92},
                     {1., .55}, {.88, .12}, {.5, .0}, {.38, .1, L}}},
      // slim
      {0, 0.15, 0.48, {{.5, .0}, {.1, .25}, {.05, .75}, {.45, 1.}, {.9, .78}, {.95, .28},
                       {.5, .0, L}}},
      {1, 0.6, 0.1, {{.5, .0}, {.5, .35}, {.5, .7}, {.5, 1., L}}},
      {1, 0.25, 0.3, {{.05, .24}, {.8, .0, C}, {.78, .5}, {.75, 1., L}}},
      {1, 0.15, 0.48, {{.08, .25}, {.52, .0, C}, {.52, .5}, {.52, 1., L}, {.05, 1.},
                       {1., .99, L}}},
      // a straight base
      {2, 0.45, 0.7, {{.05, .22}, {.4, .0}, {.88, .17}, {.72, .52}, {.3, .82}, {.0, 1., C},
                      {.5, .97}, {1., .98, L}}},
      // a loop at the base
      {2, 0.4, 0.74, {{.08, .18}, {.45, .0}, {.85, .2}, {.62, .62}, {.2, .97}, {.02, .88},
                      {.2, .75}, {.6, .93}, {1., .96, L}}},
      // an arch and a wave
      {2, 0.15, 0.72, {{.0, .3}, {.3, .02}, {.8, .08}, {.8, .4}, {.4, .75}, {.06, .97, C},
                       {.35, .88}, {.7, 1.}, {1., .9, L}}},
      // two bellies
      {3, 0.7, 0.66, {{.06, .13}, {.45, .0}, {.88, .17}, {.68, .42}, {.34, .48, C}, {.78, .54},
                      {1., .77}, {.6, 1.}, {.0, .9, L}}},
      // two bellies in one line, with a small loop between
      {3, 0.15, 0.66, {{.1, .1}, {.6, .0}, {.85, .22}, {.5, .46}, {.36, .5}, {.5, .54},
                       {.95, .7}, {.7, .98}, {.02, .95, L}}},
      // a flat top
      {3, 0.15, 0.66, {{.05, .02}, {.9, .0, C}, {.42, .4, C}, {.85, .5}, {.95, .78}, {.5, 1.},
                       {.0, .9, L}}},
      // open: an angle and a stem
      {4, 0.5, 0.7, {{.14, .02}, {.04, .3}, {.02, .55, C}, {.45, .55}, {.98, .5, L}, {.86, .0},
                     {.82, .5}, {.76, 1., L}}},
      // open: a bowl and a stem
      {4, 0.25, 0.66, {{.08, .04}, {.03, .36}, {.3, .54}, {.65, .5}, {.94, .36, L}, {.95, .02},
                       {.88, .5}, {.8, 1., L}}},
      // closed: in one line, back down along the stem
      {4, 0.25, 0.72, {{.72, .3}, {.66, .02, C}, {.3, .36}, {.0, .66, C}, {.5, .66},
                       {1., .64, L}, {.68, .04}, {.68, .5}, {.66, 1., L}}},
      // the bar comes last
      {5, 0.6, 0.68, {{.2, .03}, {.14, .22}, {.1, .43, C}, {.5, .36}, {.93, .6}, {.72, .94},
                      {.35, 1.}, {.0, .9, L}, {.2, .03}, {.6, .03}, {.98, .0, L}}},
      // in one line
      {5, 0.4, 0.7, {{.95, .0}, {.55, .03}, {.24, .04, C}, {.16, .42, C}, {.5, .38}, {.9, .58},
                     {.8, .9}, {.4, 1.}, {.0, .92, L}}},
      // a curved back
      {6, 0.55, 0.62, {{.8, .0}, {.36, .24}, {.04, .62}, {.2, .96}, {.62, 1.}, {.95, .78},
                       {.72, .56}, {.34, .6}, {.06, .8, L}}},
      // a straight back and a round belly
      {6, 0.3, 0.56, {{.5, .0}, {.22, .3}, {.04, .66}, {.16, .94}, {.56, 1.}, {.95, .84},
                      {.82, .58}, {.45, .54}, {.14, .74, L}}},
      // a narrow loop that ends inside
      {6, 0.15, 0.5, {{.95, .03}, {.4, .3}, {.05, .7}, {.35, 1.}, {.85, .86}, {.8, .6},
                      {.5, .6}, {.35, .82, L}}},
      {7, 0.5, 0.66, {{.0, .06}, {.5, .04}, {.98, .0, C}, {.7, .4}, {.48, .75}, {.4, 1., L}}},
      // with a serif
      {7, 0.25, 0.68, {{.0, .22}, {.04, .03, C}, {.5, .05}, {.97, .03, C}, {.66, .5},
                       {.5, 1., L}}},
      // with a bar
      {7, 0.25, 0.68, {{.0, .05}, {.5, .03}, {.95, .0, C}, {.68, .42}, {.4, 1., L}, {.26, .53},
                       {.86, .49, L}}},
      // an S and back, from the top right
      {8, 0.65, 0.6, {{.85, .12}, {.48, .0}, {.12, .18}, {.45, .45}, {.9, .74}, {.52, 1.},
                      {.06, .8}, {.4, .52}, {.86, .25}, {.86, .08, L}}},
      // the same from the left
      {8, 0.2, 0.6, {{.5, .0}, {.1, .2}, {.5, .48}, {.95, .78}, {.5, 1.}, {.03, .78}, {.5, .48},
                     {.9, .2}, {.5, .0, L}}},
      // two ovals
      {8, 0.15, 0.58, {{.5, .0}, {.15, .22}, {.5, .45}, {.85, .22}, {.5, .0, L}, {.5, .45},
                       {.03, .74}, {.5, 1.}, {.97, .74}, {.5, .45, L}}},
      // a loop and a straight stem
      {9, 0.55, 0.58, {{.88, .14}, {.5, .0}, {.06, .22}, {.28, .47}, {.7, .38}, {.93, .1, C},
                       {.84, .55}, {.74, 1., L}}},
      // a loop and a curved stem
      {9, 0.3, 0.58, {{.9, .2}, {.55, .0}, {.08, .2}, {.3, .46}, {.74, .36}, {.9, .12, C},
                      {.88, .5}, {.74, .85}, {.2, .98, L}}},
      // in one smooth line
      {9, 0.15, 0.54, {{.8, .3}, {.4, .46}, {.06, .26}, {.45, .0}, {.88, .12}, {.86, .5},
                       {.62, 1., L}}}};
  // clang-format on
  return all;
}

// The digit's way of writing at u ∈ [0, 1), by their shares.
const Writing& choose(int digit, double u) {
  const Writing* chosen = nullptr;
  for (const Writing& w : writings()) {
    if (w.digit != digit) continue;
    chosen = &w;
    u -= w.share;
    if (u < 0) break;
  }
  return *chosen;
}

// --- 2. the writer
// --------------------------------------------------------------------------------

struct Point {
  double x, y;
};
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
double length(Point a) { return std::sqrt(a.x * a.x + a.y * a.y); }

// Numbers of one row, taken one after the other.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t part, std::int64_t row)
      : at_{seed, random::Stream::digits, part, static_cast<std::uint64_t>(row) * 256} {}
  double uniform() { return random::uniform(next()); }
  double uniform(double low, double high) { return random::uniform(low, high, next()); }
  /// Normal, the tails cut at 2.5 deviations: nobody writes worse than that.
  double normal(double deviation) {
    return deviation * std::clamp(random::normal(next()), -2.5, 2.5);
  }
  int below(int n) {
    return static_cast<int>(random::below(static_cast<std::uint64_t>(n), next()));
  }

 private:
  random::Address next() {
    random::Address at = at_;
    ++at_.index;
    return at;
  }
  random::Address at_;
};

// A smooth displacement of the unit square.
class Warp {
 public:
  Warp(Draws& draws, double deviation) {
    for (auto& knot : knots_) knot = {draws.normal(deviation), draws.normal(deviation)};
  }
  Point operator()(Point p) const {
    const auto wx = weights(p.x), wy = weights(p.y);
    Point sum{0, 0};
    for (std::size_t i = 0; i < 4; ++i)
      for (std::size_t j = 0; j < 4; ++j) sum = sum + wy[i] * wx[j] * knots_[4 * i + j];
    return p + sum;
  }

 private:
  // One piece of the uniform cubic B-spline over the whole square; t outside is held at the edge.
  static std::array<double, 4> weights(double t) {
    t = std::clamp(t, 0.0, 1.0);
    const double s = 1 - t, t2 = t * t, t3 = t2 * t;
    return {s * s * s / 6, (3 * t3 - 6 * t2 + 4) / 6, (-3 * t3 + 3 * t2 + 3 * t + 1) / 6, t3 / 6};
  }
  std::array<Point, 16> knots_{};
};

constexpr int kMostPoints = 16, kPieces = 6, kMostSegments = kMostPoints * kPieces;

// The pen's path as straight segments.
struct Path {
  std::array<Point, kMostSegments> from{}, to{};
  int segments = 0;

  void add(Point a, Point b) {
    from[static_cast<std::size_t>(segments)] = a;
    to[static_cast<std::size_t>(segments)] = b;
    ++segments;
  }
};

// One smooth run of points: a uniform Catmull–Rom spline, its ends mirrored.
void add_spline(Path& path, std::span<const Point> p) {
  const std::size_t n = p.size();
  for (std::size_t i = 0; i + 1 < n; ++i) {
    const Point before = i > 0 ? p[i - 1] : p[i] - (p[i + 1] - p[i]);
    const Point after = i + 2 < n ? p[i + 2] : p[i + 1] + (p[i + 1] - p[i]);
    Point last = p[i];
    for (int k = 1; k <= kPieces; ++k) {
      const double t = static_cast<double>(k) / kPieces, t2 = t * t, t3 = t2 * t;
      const Point next =
          0.5 * ((2 * t3 - 3 * t2 + 1) * 2 * p[i] + (3 * t2 - 2 * t3) * 2 * p[i + 1] +
                 (t3 - 2 * t2 + t) * (p[i + 1] - before) + (t3 - t2) * (after - p[i]));
      path.add(last, next);
      last = next;
    }
  }
}

Path write(const Writing& writing, Draws& draws) {
  const double width = writing.width * math::exp(draws.normal(0.2));
  const double slant = 0.16 + draws.normal(0.22);  // most lean to the right
  const auto turn = math::sincos_turn(draws.normal(0.025));
  const double sloppiness = 0.042 * math::exp(draws.normal(0.4));
  const Warp warp(draws, 0.14);

  Point drift{0, 0};  // a hand that went astray comes back over the next points
  const auto place = [&](const PenPoint& at) {
    drift = 0.5 * drift + Point{draws.normal(sloppiness), draws.normal(sloppiness)};
    const Point p = warp(Point{at.x, at.y} + drift);
    const Point q{(p.x - 0.5) * width - slant * (p.y - 0.5), p.y - 0.5};
    return Point{turn.cos * q.x - turn.sin * q.y, turn.sin * q.x + turn.cos * q.y};
  };

  Path path;
  std::array<Point, kMostPoints> run{};
  std::size_t held = 0;
  for (const PenPoint& at : writing.points) {
    run[held++] = place(at);
    if (at.kind == kSmooth) continue;
    add_spline(path, std::span(run).first(held));
    run[0] = run[held - 1];
    held = at.kind == kCorner ? 1 : 0;
  }
  return path;
}

// --- 3. its place in the image
// --------------------------------------------------------------------

void center(Path& path, Draws& draws) {
  Point low = path.from[0], high = path.from[0], mass{0, 0};
  double ink = 0;
  for (int s = 0; s < path.segments; ++s) {
    const Point a = path.from[static_cast<std::size_t>(s)],
                b = path.to[static_cast<std::size_t>(s)];
    low = {std::min({low.x, a.x, b.x}), std::min({low.y, a.y, b.y})};
    high = {std::max({high.x, a.x, b.x}), std::max({high.y, a.y, b.y})};
    const double l = length(b - a);
    mass = mass + 0.5 * l * (a + b);
    ink += l;
  }
  mass = (1 / ink) * mass;
  // The pen's own width adds about two pixels to the path's.
  const double scale =
      (kInk - 2) * draws.uniform(0.9, 1.03) / std::max(high.x - low.x, high.y - low.y);
  const Point middle{kSide * 0.5 + draws.normal(0.5), kSide * 0.5 + draws.normal(0.5)};
  for (int s = 0; s < path.segments; ++s)
    for (Point* p :
         {&path.from[static_cast<std::size_t>(s)], &path.to[static_cast<std::size_t>(s)]})
      *p = middle + scale * (*p - mass);
}

// --- 4. ink
// ---------------------------------------------------------------------------------------

void draw(const Path& path, Draws& draws, std::uint8_t* pixels) {
  const double half = std::clamp(1.32 * math::exp(draws.normal(0.24)), 0.75, 2.3);
  const double fading = draws.normal(0.12);  // pressure grows or falls along the path
  const double edge = draws.uniform(1.0, 1.5);

  std::array<float, kSide * kSide> ink{};  // (half width − distance) / edge + ½, at most
  for (int s = 0; s < path.segments; ++s) {
    const Point a = path.from[static_cast<std::size_t>(s)],
                d = path.to[static_cast<std::size_t>(s)] - a;
    const double along = path.segments > 1 ? static_cast<double>(s) / (path.segments - 1) - 0.5 : 0;
    const double radius = half * (1 + 2 * fading * along), reach = radius + 0.5 * edge;
    const double squared = std::max(1e-12, d.x * d.x + d.y * d.y);
    const auto cell = [](double x) {  // the pixel that holds x
      return std::clamp(static_cast<int>(std::floor(x)), 0, kSide - 1);
    };
    const int x0 = cell(std::min(a.x, a.x + d.x) - reach),
              x1 = cell(std::max(a.x, a.x + d.x) + reach);
    const int y0 = cell(std::min(a.y, a.y + d.y) - reach),
              y1 = cell(std::max(a.y, a.y + d.y) + reach);
    for (int y = y0; y <= y1; ++y)
      for (int x = x0; x <= x1; ++x) {
        const Point p{x + 0.5 - a.x, y + 0.5 - a.y};
        const double t = std::clamp((p.x * d.x + p.y * d.y) / squared, 0.0, 1.0);
        const double depth = (radius - length(p - t * d)) / edge + 0.5;
        float& most = ink[static_cast<std::size_t>(y * kSide + x)];
        most = std::max(most, static_cast<float>(depth));
      }
  }
  for (std::size_t i = 0; i < ink.size(); ++i)
    pixels[i] = static_cast<std::uint8_t>(std::min(ink[i], 1.0F) * 255.0F + 0.5F);
}

void draw_part(std::uint64_t seed, std::uint32_t part, ByteMatrix& images,
               std::vector<std::uint8_t>& labels) {
  parallel_for(images.rows(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      Draws draws(seed, part, row);
      const int digit = draws.below(10);
      Path path = write(choose(digit, draws.uniform()), draws);
      center(path, draws);
      draw(path, draws, images.row(row));
      labels[static_cast<std::size_t>(row)] = static_cast<std::uint8_t>(digit);
    }
  });
}

}  // namespace

std::vector<Field> fields(SyntheticParams& p) {
  return {
      {.name = "train", .value = &p.train, .help = "Training images", .low = 1, .high = kMostRows},
      {.name = "test", .value = &p.test, .help = "Test images", .low = 1, .high = kMostRows},
      {.name = "seed", .value = &p.seed, .help = "Another seed is another set of writers"}};
}

Dataset synthetic_digits(const SyntheticParams& params) {
  SyntheticParams p = params;
  check(fields(p), "synthetic_digits");
  Dataset d;
  d.name = "synthetic";
  d.train = ByteMatrix(p.train, kSide * kSide);
  d.test = ByteMatrix(p.test, kSide * kSide);
  d.train_labels.resize(static_cast<std::size_t>(p.train));
  d.test_labels.resize(static_cast<std::size_t>(p.test));
  d.height = d.width = kSide;
  for (int digit = 0; digit < 10; ++digit) d.class_names.push_back(std::to_string(digit));
  d.source = "synthetic digits, seed " + std::to_string(p.seed);

  draw_part(p.seed, 0, d.train, d.train_labels);
  draw_part(p.seed, 1, d.test, d.test_labels);
  return d;
}

}  // namespace latlas
