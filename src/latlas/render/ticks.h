// Ticks: round numbers along an axis, and how they are written.
#pragma once

#include <string>
#include <vector>

#include "latlas/render/figure.h"

namespace latlas::render {

struct Tick {
  double value = 0;
  std::string text;
};

/// Round values within [low, high], about `count` of them, at least one where there is any.
/// @param low, high  finite, low < high; above 0 on a log axis.
std::vector<Tick> ticks(double low, double high, const Axis& axis, double count);

/// "60,000", "−0.25", "2·10⁷": a number with the decimals given, true minus sign, and thousands
/// apart from 10,000 on.
std::string number_text(double value, int decimals);

}  // namespace latlas::render
