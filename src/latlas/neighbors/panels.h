// Rows prepared for a scan: centered, scaled, put in an order in which neighbors in space are
// neighbors in memory, and packed for the product tile. Internal to the room.
//
// A scan computes for a query x and a row y, both less the columns' means m and times a power of
// two c that brings the largest magnitude near 1 (x' = fl(c (x − m)), likewise y'), the score
//
//   s(x, y) = ½|y'|² − x'·y'  =  ½ (|x' − y'|² − |x'|²)
//
// in float32, as one chain of fused multiply-adds. Scores of one query order rows by distance, up
// to rounding. What rounding can do is bounded, so that a test against a limit loses no row. With
// u = 2⁻²⁴, a = |x'|, b = |y'|, Δ = |x' − y'| and δ = c |x − y|, the true distance:
//
//   |s − ½(Δ² − a²)| ≤ ε (½ b² + a b) ≤ 3/2 ε (a + Δ)²,  ε = (d + 6) u     the chain; b ≤ a + Δ
//   |Δ − δ| ≤ υ (a + b) ≤ υ (2 a + Δ),                   υ = 1.01 u        centering, scaling
//
// (x − m is a difference of floats: one rounding in double, one to float). Absolute terms account
// for numbers that underflow. Centering matters twice: it makes a small where data lie far from the
// origin, and with it the width of the doubt.
//
// A frame may also turn the rows, by an orthogonal matrix in double: that moves no distance by more
// than υ has to spare, and brings the columns in which the rows vary most to the front.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "latlas/core/matrix.h"

namespace latlas::scan {

constexpr std::int64_t kGroup = 96;  // rows of the data that are skipped or scanned together
constexpr std::int64_t kBlock = 96;  // queries that scan together; both are multiples of every tile
constexpr std::int64_t kMaxCols = std::int64_t{1} << 20;  // ε stays below 0.07

/// Distance (as float32) and row, ordered as one number: distances are not negative.
using Key = std::uint64_t;
inline Key key_of(float distance, std::int32_t row) {
  return (Key{std::bit_cast<std::uint32_t>(distance)} << 32) | static_cast<std::uint32_t>(row);
}
inline Key key_of_square(double square, std::int32_t row) {
  return key_of(static_cast<float>(std::sqrt(square)), row);
}
inline float distance_of(Key key) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(key >> 32));
}
inline std::int32_t row_of(Key key) { return static_cast<std::int32_t>(key & 0xFFFFFFFF); }

/// The map from rows to scaled rows.
struct Frame {
  std::vector<float> mean;
  double scale = 1;          // a power of two
  std::vector<double> turn;  // d × d, a column for each number of a scaled row; empty: none

  std::int64_t cols() const { return static_cast<std::int64_t>(mean.size()); }
};

/// The frame in which the rows of both have magnitudes of at most 2; the mean is that of `data`.
/// Throws InvalidArgument, beginning with `what`, where a distance might exceed float32.
Frame frame_of(ConstRows data, ConstRows queries, const char* what);

/// The scale of a frame that also holds x: the frame's own or a smaller one.
double scale_to_hold(std::span<const float> x, const Frame& frame);

/// The frame that only scales, so that the rows have magnitudes of at most 2.
Frame unmoved_frame_of(ConstRows rows);

/// |x|, summed in double.
double norm_of(std::span<const float> x);

constexpr std::int64_t kMostTurned = 128;  // columns of rows that a frame can turn

/// The frame with a turn to the principal directions of the rows listed, those of most variance
/// first; as it was where there are more than kMostTurned columns.
Frame turned(Frame frame, ConstRows data, std::span<const std::int32_t> rows);

/// Rounding bounds for one query; distances are true ones (not scaled) unless they say so.
class Doubt {
 public:
  /// @param norm  a = |x'|
  Doubt(const Frame& frame, double norm);
  /// For scores that exceed the true ones by at most error · (½ b² + a b); only beyond() then
  /// holds.
  Doubt(const Frame& frame, double norm, double error);
  /// No row at `distance` or nearer (as float32) scores above this.
  float upper(double distance) const;
  /// No row at `distance` or farther (as float32) scores below this.
  float lower(double distance) const;
  /// No row that scores at most `score` is farther than this.
  double distance(float score) const;
  /// What scores above this is farther than the distance, both in scaled rows.
  float beyond(double scaled_distance) const;
  /// In scaled rows, no row at `distance` or nearer is farther than this.
  double reach(double distance) const;
  /// For centers of balls, many at a time in float32: one of radius r ≤ widest that scores above
  /// base + slope · r + ½ r² has no row within the distance (in scaled rows).
  struct Balls {
    float base, slope;
  };
  Balls balls(double scaled_distance, double widest) const;

 private:
  double scale_, a_, epsilon_, tiny_;
};

/// An order of the chosen rows in which runs of kGroup (and of any size) are compact in space:
/// halves along directions that separate them well, recursively (compact_order.cpp).
/// @param finest  rows that are not halved further; kGroup or a divisor of it.
std::vector<std::int32_t> compact_order(ConstRows rows, std::vector<std::int32_t> chosen,
                                        std::int64_t finest = kGroup);

struct Panels {
  Frame frame;
  ConstRows data;                 // as given
  Matrix ordered;                 // the data by place, where they are short and read often
  std::vector<std::int32_t> row;  // of the data, for each place
  std::int64_t width = 0;         // columns of a packed panel
  std::int64_t groups = 0;        // of kGroup places; the last one padded
  Matrix packed;                  // groups × (kGroup · d): panels of d × width
  std::vector<float> half_norm;   // ½|y'|² for each place; infinity in the padding
  Matrix center;                  // groups × d
  std::vector<double> radius;     // of the group around its center, rounded up

  std::int64_t places() const { return static_cast<std::int64_t>(row.size()); }
  std::int64_t cols() const { return frame.cols(); }
  const float* given(std::int64_t place) const {
    return ordered.empty() ? data.row(row[static_cast<std::size_t>(place)]) : ordered.row(place);
  }
  const float* panel(std::int64_t place) const { return packed.data() + place * cols(); }
};

/// Packs the rows listed (places in the data, in compact order).
Panels pack(ConstRows data, Frame frame, std::vector<std::int32_t> rows, std::int64_t width);

/// The centers of the groups as rows of their own, in panels as wide or of another width.
Panels pack_centers(const Panels& panels);
Panels pack_centers(const Panels& panels, std::int64_t width);

/// 0, 1, …, n − 1.
std::vector<std::int32_t> in_order(std::int64_t n);

/// Queries in a frame.
struct Block {
  std::int64_t stride = 0;
  Matrix negated;             // queries × stride: −x'; zero in the padding
  std::vector<double> norm;   // |x'| of each query
  std::vector<float> center;  // mean of x'
  double radius = 0;          // of the queries around it, rounded up

  explicit Block(std::int64_t cols, std::int64_t queries = kBlock);
  void fill(const Frame& frame, ConstRows rows, std::span<const std::int32_t> chosen);
};

struct GroupAt {
  double distance;  // from the block's center to the group's
  std::int64_t group;
};
/// Order by distance, of equals by group.
inline bool nearer(const GroupAt& a, const GroupAt& b) {
  return a.distance < b.distance || (a.distance == b.distance && a.group < b.group);
}
/// From the block's center to the group's.
double center_distance(const Panels& panels, const Block& block, std::int64_t group);

}  // namespace latlas::scan
