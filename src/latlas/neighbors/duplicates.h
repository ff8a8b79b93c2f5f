// Which rows are equal. Searches look at one row of each set of equals, so that data full of
// duplicates cost less instead of more. Internal to the room.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "latlas/core/matrix.h"

namespace latlas::scan {

struct Distinct {
  std::vector<std::int32_t> first;  ///< For each row the lowest equal one (itself, if none).
  std::vector<std::int32_t> rows;   ///< Rows that are their own first, ascending.

  /// All rows equal to row `first` (which is its own first), ascending; `first` itself, where it
  /// stands, when no rows are equal.
  std::span<const std::int32_t> equals(const std::int32_t& first) const;
  std::span<const std::int32_t> equals(std::int32_t&&) const = delete;

  std::vector<std::int32_t> members;  // rows, grouped by their first; empty: no two are equal
  std::vector<std::int64_t> offset;   // of the group of each row that is its own first
};

/// Rows are equal when all their values are (0 and −0 are).
Distinct distinct_rows(ConstRows rows);

struct Hashed {
  std::uint64_t hash;
  std::int32_t row;
};

/// Finds the row that equals a given one.
class EqualRows {
 public:
  EqualRows() = default;
  /// The rows must stay where they are, and no two of them be equal.
  explicit EqualRows(ConstRows rows);
  /// The row equal to x, or -1.
  std::int32_t find(std::span<const float> x) const;

 private:
  ConstRows rows_;
  std::vector<Hashed> hashed_;  // ascending
};

}  // namespace latlas::scan
