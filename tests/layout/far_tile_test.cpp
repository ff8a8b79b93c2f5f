#include <gtest/gtest.h>

#include "latlas/core/random.h"
#include "latlas/core/simd.h"
#include "latlas/layout/sweep.h"
#include "tests/core/sparse.h"

namespace latlas {
namespace {

/// Sixteen rows from `row` on, the last there are, whose edges begin at `edge`.
class Tile {
 public:
  Tile(int dimensions, std::int64_t row, std::int64_t edge)
      : dimensions_(dimensions),
        floats_(place_floats(dimensions)),
        row_(row),
        edge_(edge),
        rows_(row + 16),
        places_(floats_ * rows_),
        next_(floats_ * rows_),
        gradient_(floats_ * rows_),
        motion_(2 * dimensions * rows_),
        scale_(rows_),
        begin_(rows_ + 1),
        column_(edge + 256 + kAhead),
        weight_(edge + 256) {}

  explicit operator bool() const {
    return places_ && next_ && gradient_ && motion_ && scale_ && begin_ && column_ && weight_;
  }

  /// Where the rows go, how fast, and what it costs.
  std::vector<double> swept() {
    draw_rows();
    join_all();
    TileSums sums;
    sweep_tile(task(), true, row_, row_ + 16, sums);
    std::vector<double> out = {sums.cost};
    for (std::int64_t l = 0; l < 16; ++l)
      for (std::int64_t c = 0; c < dimensions_; ++c) {
        out.push_back(next_[floats_ * (row_ + l) + c]);
        out.push_back(motion_[c * rows_ + row_ + l]);
      }
    for (int c = 0; c < dimensions_; ++c) out.insert(out.end(), {sums.low[c], sums.high[c]});
    return out;
  }

 private:
  void draw_rows() {
    std::uint64_t drawn = 0;
    const auto draw = [&] { return static_cast<float>(random::uniform(0, 1, {.index = drawn++})); };
    for (std::int64_t l = 0; l < 16; ++l)
      for (std::int64_t c = 0; c < dimensions_; ++c) {
        places_[floats_ * (row_ + l) + c] = draw();
        gradient_[floats_ * (row_ + l) + c] = draw();
        motion_[c * rows_ + row_ + l] = draw();
        motion_[(dimensions_ + c) * rows_ + row_ + l] = 1;
      }
  }

  void join_all() {
    for (std::int64_t l = 0; l < 16; ++l) {
      scale_[row_ + l] = 1e-6F * static_cast<float>(l + 1);
      for (std::int64_t e = 0; e < 16; ++e) {
        column_[edge_ + 16 * l + e] = static_cast<std::int32_t>(row_ + (l + e) % 16);
        weight_[edge_ + 16 * l + e] = static_cast<std::uint16_t>(1000 * (e + 1));
      }
    }
    for (std::int64_t l = 0; l <= 16; ++l) begin_[row_ + l] = edge_ + 16 * l;
  }

  SweepTask task() const {
    SweepTask s;
    s.dimensions = dimensions_;
    s.n = rows_;
    s.places = places_.data();
    s.next_places = next_.data();
    s.edge_begin = begin_.data();
    s.edge_scale = scale_.data();
    s.edge_weight = weight_.data();
    s.edge_column32 = column_.data();
    s.exact_gradient = gradient_.data();
    s.push = 0.5F;
    s.learning_rate = 1;
    s.momentum = 0.5F;
    for (std::int64_t c = 0; c < dimensions_; ++c) {
      s.velocity[c] = motion_.data() + c * rows_;
      s.gain[c] = motion_.data() + (dimensions_ + c) * rows_;
    }
    return s;
  }

  int dimensions_;
  std::int64_t floats_, row_, edge_, rows_;
  Sparse<float> places_, next_, gradient_, motion_, scale_;
  Sparse<std::int64_t> begin_;
  Sparse<std::int32_t> column_;
  Sparse<std::uint16_t> weight_;
};

TEST(Sweep, MovesTheLastOfTwoBillionRowsByEdgesBeyondFourBillion) {
  for (const auto& set : simd::available()) {
    simd::select(set);
    for (const int dimensions : {1, 2, 3}) {
      Tile near(dimensions, 0, 0);
      Tile far(dimensions, (std::int64_t{1} << 31) - 32, (std::int64_t{1} << 32) + 16);
      SKIP_UNLESS(near && far);
      const std::vector<double> expected = near.swept();
      EXPECT_GT(expected[0], 0);
      EXPECT_EQ(far.swept(), expected) << set << ", " << dimensions << " dimensions";
    }
  }
  simd::select(simd::available().front());
}

}  // namespace
}  // namespace latlas
