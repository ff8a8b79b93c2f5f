#include "latlas/core/matrix.h"

#include <bit>
#include <cmath>

#include "latlas/core/parallel.h"

namespace latlas {
namespace {

bool row_is_finite(ConstRows rows, std::int64_t i) {
  // NaN and infinity are the values whose exponent is all ones. Counted in integers, which the
  // compiler may add in any order, so that it takes whole registers at a time.
  constexpr std::uint32_t kExponent = 0x7F800000;
  std::uint32_t bad = 0;
  for (const float x : rows[i])
    bad += static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent);
  return bad == 0;
}

}  // namespace

void require_finite(ConstRows rows, const char* what) {
  const std::int64_t bad =
      first_where(rows.rows(), 1024, [&](std::int64_t i) { return !row_is_finite(rows, i); });
  if (bad == rows.rows()) return;
  std::int64_t column = 0;
  while (std::isfinite(rows(bad, column))) ++column;
  const float value = rows(bad, column);
  throw InvalidArgument(sentence(what, " holds ", std::isnan(value) ? "NaN" : "infinity",
                                 " in row ", bad, ", column ", column,
                                 " (counted from 0); remove or fill such values first"));
}

}  // namespace latlas
