#include "latlas/core/matrix.h"

#include <cmath>

#include "latlas/core/parallel.h"

namespace latlas {
namespace {

bool row_is_finite(ConstRows rows, std::int64_t i) {
  // x · 0 is 0 for every finite x and NaN for all others, and NaN survives a sum.
  float sum = 0;
  for (const float x : rows[i]) sum += x * 0.0F;
  return sum == 0;
}

}  // namespace

void require_finite(ConstRows rows, const char* what) {
  const std::int64_t bad = first_where(rows.rows(), 1024, [&](std::int64_t i) {
    return !row_is_finite(rows, i);
  });
  if (bad == rows.rows()) return;
  std::int64_t column = 0;
  while (std::isfinite(rows(bad, column))) ++column;
  const float value = rows(bad, column);
  throw InvalidArgument(sentence(what, " holds ", std::isnan(value) ? "NaN" : "infinity", " in row ",
                                 bad, ", column ", column,
                                 " (counted from 0); remove or fill such values first"));
}

}  // namespace latlas
