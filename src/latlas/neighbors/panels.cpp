#include "latlas/neighbors/panels.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "latlas/core/eigen.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas::scan {
namespace {

constexpr double kUnit = 0x1p-24;       // half a unit in the last place of 1.0f
constexpr double kPublished = 0x1p-22;  // a distance in double, rounded to float32, moves by less
constexpr double kSpare = 0x1p-34;      // of υ, for a turn's double sums
constexpr std::int64_t kTile = 512;     // rows; sums run tile by tile

struct Extent {
  double magnitude = 0, norm = 0;  // largest |x − m| of a column, of a row
};

Extent extent_of(ConstRows rows, std::span<const float> mean) {
  std::vector<Extent> parts(static_cast<std::size_t>((rows.rows() + kTile - 1) / kTile));
  parallel_for(rows.rows(), kTile, [&](std::int64_t begin, std::int64_t end) {
    Extent e;
    for (std::int64_t i = begin; i < end; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < mean.size(); ++j) {
        const double x = static_cast<double>(rows.row(i)[j]) - static_cast<double>(mean[j]);
        e.magnitude = std::max(e.magnitude, std::abs(x));
        sum += x * x;
      }
      e.norm = std::max(e.norm, std::sqrt(sum));
    }
    parts[static_cast<std::size_t>(begin / kTile)] = e;
  });
  Extent all;
  for (const Extent& e : parts)
    all = {std::max(all.magnitude, e.magnitude), std::max(all.norm, e.norm)};
  return all;
}

double scale_for(double magnitude) {
  return magnitude > 0 ? std::ldexp(1.0, -std::ilogb(magnitude)) : 1;
}

double distance_of(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double gap = static_cast<double>(x[j]) - static_cast<double>(y[j]);
    sum += gap * gap;
  }
  return std::sqrt(sum);
}

void scale_row(const Frame& frame, const float* x, float* scaled) {
  const std::size_t d = frame.mean.size();
  const auto value = [&](std::size_t j) {
    return (static_cast<double>(x[j]) - static_cast<double>(frame.mean[j])) * frame.scale;
  };
  if (frame.turn.empty()) {
    for (std::size_t j = 0; j < d; ++j) scaled[j] = static_cast<float>(value(j));
    return;
  }
  double sum[kMostTurned] = {};
  for (std::size_t i = 0; i < d; ++i) {
    const double v = value(i);
    const double* turn = frame.turn.data() + i * d;
    for (std::size_t j = 0; j < d; ++j) sum[j] += v * turn[j];
  }
  for (std::size_t j = 0; j < d; ++j) scaled[j] = static_cast<float>(sum[j]);
}

// Center and radius of rows; the radius is rounded up by more than double sums can lose.
double enclose(ConstRows rows, float* center) {
  const std::int64_t d = rows.cols();
  std::vector<double> sum(static_cast<std::size_t>(d));
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    for (std::int64_t j = 0; j < d; ++j) sum[static_cast<std::size_t>(j)] += rows.row(i)[j];
  for (std::int64_t j = 0; j < d; ++j)
    center[j] =
        static_cast<float>(sum[static_cast<std::size_t>(j)] / static_cast<double>(rows.rows()));
  double radius = 0;
  for (std::int64_t i = 0; i < rows.rows(); ++i)
    radius = std::max(radius, distance_of(rows[i], {center, static_cast<std::size_t>(d)}));
  return radius * (1 + 1e-9);
}

}  // namespace

double norm_of(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

Frame frame_of(ConstRows data, ConstRows queries, const char* what) {
  const std::vector<double> mean = column_means(data);
  Frame frame{{mean.begin(), mean.end()}, 1, {}};
  const Extent a = extent_of(data, frame.mean), b = extent_of(queries, frame.mean);
  require(a.norm + std::max(a.norm, b.norm) <= std::numeric_limits<float>::max(), what,
          ": rows lie up to ", a.norm + std::max(a.norm, b.norm),
          " apart, farther than float32 can say (3.4e38); scale the data down");
  frame.scale = scale_for(std::max(a.magnitude, b.magnitude));
  return frame;
}

double scale_to_hold(std::span<const float> x, const Frame& frame) {
  double magnitude = 0;
  for (std::size_t j = 0; j < x.size(); ++j)
    magnitude = std::max(magnitude,
                         std::abs(static_cast<double>(x[j]) - static_cast<double>(frame.mean[j])));
  return std::min(frame.scale, scale_for(magnitude));
}

Frame unmoved_frame_of(ConstRows rows) {
  Frame frame;
  frame.mean.resize(static_cast<std::size_t>(rows.cols()));
  frame.scale = scale_for(extent_of(rows, frame.mean).magnitude);
  return frame;
}

Frame turned(Frame frame, ConstRows data, std::span<const std::int32_t> rows) {
  const std::int64_t d = frame.cols(), n = static_cast<std::int64_t>(rows.size());
  if (d > kMostTurned || n == 0) return frame;
  constexpr std::int64_t kSample = 2048;
  const std::int64_t count = std::min(n, kSample);
  BasicMatrix<double> moments(d, d);
  std::vector<double> x(static_cast<std::size_t>(d));
  for (std::int64_t s = 0; s < count; ++s) {
    const float* row = data.row(rows[static_cast<std::size_t>(s * n / count)]);
    for (std::int64_t j = 0; j < d; ++j)
      x[static_cast<std::size_t>(j)] =
          (static_cast<double>(row[j]) -
           static_cast<double>(frame.mean[static_cast<std::size_t>(j)])) *
          frame.scale;
    for (std::int64_t i = 0; i < d; ++i)
      for (std::int64_t j = 0; j <= i; ++j)
        moments(i, j) += x[static_cast<std::size_t>(i)] * x[static_cast<std::size_t>(j)];
  }
  const SymmetricEigen eigen = symmetric_eigen(moments);
  for (std::int64_t i = 0; i < d; ++i)
    for (std::int64_t j = 0; j < d; ++j) frame.turn.push_back(eigen.vectors(j, i));
  if (orthonormal_defect(eigen.vectors) > kSpare) frame.turn.clear();  // too far for the bounds
  return frame;
}

Doubt::Doubt(const Frame& frame, double norm)
    : scale_(frame.scale),
      a_(norm),
      epsilon_((static_cast<double>(frame.cols()) + 6) * kUnit),
      tiny_(static_cast<double>(frame.cols()) * 0x1p-120) {}

Doubt::Doubt(const Frame& frame, double norm, double error)
    : scale_(frame.scale), a_(norm), epsilon_(error), tiny_(0x1p-64) {}

double Doubt::reach(double distance) const {
  const double shift = 1.01 * kUnit;
  return (distance * scale_ * (1 + kPublished) + 2 * shift * a_) / (1 - shift) + tiny_;
}

float Doubt::upper(double distance) const { return beyond(reach(distance)); }

float Doubt::beyond(double scaled_distance) const {
  const double sum = a_ + scaled_distance;
  const double score = 0.5 * (scaled_distance - a_) * sum + 1.5 * epsilon_ * sum * sum + tiny_;
  return static_cast<float>(score + std::abs(score) * 0x1p-23);
}

Doubt::Balls Doubt::balls(double scaled_distance, double widest) const {
  constexpr double kFar = 1e15;  // no limit yet
  if (!(scaled_distance < kFar)) return {1e38F, 0.0F};
  const double sum = a_ + scaled_distance + widest;
  // As in beyond(), and what the three operations in float32 can lose.
  const double base = 0.5 * (scaled_distance - a_) * (scaled_distance + a_) +
                      (1.5 * epsilon_ + 8 * kUnit) * sum * sum + tiny_;
  return {static_cast<float>(base), static_cast<float>(scaled_distance * (1 + 0x1p-23))};
}

float Doubt::lower(double distance) const {
  const double shift = 1.01 * kUnit;
  const double least =
      (distance * scale_ * (1 - kPublished) - 2 * shift * a_) / (1 + shift) - tiny_;
  // ½(Δ² − a²) − 3/2 ε (a + Δ)² grows with Δ from here on.
  const double lowest = 3 * epsilon_ * a_ / (1 - 3 * epsilon_);
  const double delta = std::max(least, lowest), sum = a_ + delta;
  const double score = 0.5 * (delta - a_) * (delta + a_) - 1.5 * epsilon_ * sum * sum - tiny_;
  return static_cast<float>(score - std::abs(score) * 0x1p-23);
}

double Doubt::distance(float score) const {
  // Δ² ≤ 2 s + a² + 3 ε (a + Δ)², and (a + Δ)² ≤ 2 a² + 2 Δ².
  const double square =
      (2 * static_cast<double>(score) + a_ * a_ * (1 + 6 * epsilon_) + 2 * tiny_) /
      (1 - 6 * epsilon_);
  const double delta = std::sqrt(std::max(square, 0.0)), shift = 1.01 * kUnit;
  return (delta * (1 + shift) + 2 * shift * a_ + tiny_) / scale_;
}

Panels pack(ConstRows data, Frame frame, std::vector<std::int32_t> rows, std::int64_t width) {
  Panels p;
  p.frame = std::move(frame);
  p.data = data;
  p.row = std::move(rows);
  p.width = width;
  p.groups = (p.places() + kGroup - 1) / kGroup;
  const std::int64_t d = p.cols();
  p.packed = Matrix(p.groups, kGroup * d);
  p.half_norm.assign(static_cast<std::size_t>(p.groups * kGroup),
                     std::numeric_limits<float>::infinity());
  p.center = Matrix(p.groups, d);
  p.radius.resize(static_cast<std::size_t>(p.groups));
  parallel_for(p.groups, 4, [&](std::int64_t begin, std::int64_t end) {
    Matrix scaled(kGroup, d);
    for (std::int64_t g = begin; g < end; ++g) {
      const std::int64_t first = g * kGroup, count = std::min(kGroup, p.places() - first);
      for (std::int64_t i = 0; i < count; ++i) {
        const auto place = static_cast<std::size_t>(first + i);
        float* x = scaled.row(i);
        scale_row(p.frame, data.row(p.row[place]), x);
        float* column = p.packed.row(g) + i / width * width * d + i % width;
        for (std::int64_t k = 0; k < d; ++k) column[k * width] = x[k];
        const double norm = norm_of(scaled[i]);
        p.half_norm[place] = static_cast<float>(0.5 * norm * norm);
      }
      p.radius[static_cast<std::size_t>(g)] = enclose(scaled.rows(0, count), p.center.row(g));
    }
  });
  return p;
}

Block::Block(std::int64_t cols, std::int64_t queries)
    // Whole vectors. Rows a multiple of 4096 bytes apart would share the same few sets of a cache.
    : stride((cols + 15) / 16 * 16 + (cols < 512 ? 0 : 16)),
      negated(queries, stride),
      norm(static_cast<std::size_t>(queries)),
      center(static_cast<std::size_t>(cols)) {}

void Block::fill(const Frame& frame, ConstRows rows, std::span<const std::int32_t> chosen) {
  const auto count = static_cast<std::int64_t>(chosen.size());
  std::fill_n(negated.data(), negated.size(), 0.0F);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    scale_row(frame, rows.row(chosen[at]), negated.row(i));
    norm[at] = norm_of({negated.row(i), center.size()});
  }
  radius = enclose({negated.data(), count, frame.cols(), stride}, center.data());
  for (std::int64_t i = 0; i < negated.size(); ++i) negated.data()[i] = -negated.data()[i];
}

Panels pack_centers(const Panels& panels) { return pack_centers(panels, panels.width); }

Panels pack_centers(const Panels& panels, std::int64_t width) {
  return pack(panels.center, {std::vector<float>(panels.frame.mean.size()), 1, {}},
              in_order(panels.groups), width);
}

std::vector<std::int32_t> in_order(std::int64_t n) {
  std::vector<std::int32_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

double center_distance(const Panels& panels, const Block& block, std::int64_t group) {
  return distance_of(block.center, panels.center[group]);
}

}  // namespace latlas::scan
