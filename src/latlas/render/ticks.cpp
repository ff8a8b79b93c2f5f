// Steps are 1, 2 or 5 times a power of ten, the smallest that does not crowd. Values are i · step
// with the power applied last, so that 3 · 0.1 prints and compares as 0.3.

#include "latlas/render/ticks.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace latlas::render {
namespace {

/// m · 10^e, rounded once for |e| ≤ 22.
double scaled(double m, int e) {
  double power = 1;
  for (int i = 0; i < std::abs(e); ++i) power *= 10;
  return e < 0 ? m / power : m * power;
}

std::string digits_of(double value, int decimals) {
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed,
                                 std::clamp(decimals, 0, 30))
                       .ptr;
  return {buffer, end};
}

std::string superscript(int exponent) {
  static const std::string digits[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = exponent < 0 ? "⁻" : "";
  for (const char c : std::to_string(std::abs(exponent))) out += digits[c - '0'];
  return out;
}

/// The largest e with 10^e ≤ value; value > 0.
int exponent_of(double value) {
  int e = 0;
  while (e < 300 && scaled(1, e + 1) <= value) ++e;
  while (e > -300 && scaled(1, e) > value) --e;
  return e;
}

std::string text_of(double value, int exponent, int decimals, const Axis& axis) {
  if (axis.percent) return number_text(value * 100, std::max(0, decimals - 2)) + " %";
  if (value != 0 && (exponent >= 6 || exponent < -5)) {
    // Very large and very small values: mantissa and power of ten.
    const int e = exponent_of(std::abs(value));
    double m = scaled(std::abs(value), -e);
    std::string text = digits_of(m, 2);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return (value < 0 ? "−" : "") + text + "·10" + superscript(e);
  }
  return number_text(value, decimals);
}

std::vector<Tick> linear_ticks(double low, double high, const Axis& axis, double count) {
  double rough = (high - low) / std::max(1.0, count);
  if (axis.whole) rough = std::max(rough, 1.0);
  const int e = exponent_of(rough);
  std::vector<Tick> out;
  for (const int m : {1, 2, 5, 10}) {
    const double size = scaled(m, e);
    if (size < rough * 0.75 && m < 10) continue;
    const auto first = static_cast<std::int64_t>(std::ceil(low / size - 1e-9));
    const auto last = static_cast<std::int64_t>(std::floor(high / size + 1e-9));
    for (std::int64_t i = first; i <= last && i - first < 1000; ++i) {
      const double value = scaled(static_cast<double>(i) * m, e);
      out.push_back({value, text_of(value, e, std::max(0, -e - (m == 10 ? 1 : 0)), axis)});
    }
    if (!out.empty()) break;
  }
  return out;
}

std::vector<Tick> log_ticks(double low, double high, const Axis& axis, double count) {
  const int from = exponent_of(low), to = exponent_of(high);
  const int every = std::max(1, static_cast<int>((to - from + 1) / std::max(1.0, count)));
  std::vector<Tick> decades, fine;
  for (int e = from; e <= to; ++e)
    for (const double m : {1.0, 2.0, 5.0}) {
      const double value = scaled(m, e);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      const Tick tick{value, text_of(value, e, std::max(0, -e), axis)};
      if (m == 1 && (e - from) % every == 0) decades.push_back(tick);
      fine.push_back(tick);
    }
  if (decades.size() >= 3) return decades;
  if (fine.size() >= 3) return fine;
  return linear_ticks(low, high, axis, count);
}

}  // namespace

std::string number_text(double value, int decimals) {
  std::string text = digits_of(std::abs(value), decimals);
  const std::size_t point = std::min(text.find('.'), text.size());
  if (point > 4)
    for (std::size_t at = point; at > 3;) text.insert(at -= 3, ",");
  const bool zero = text.find_first_not_of("0.,") == std::string::npos;
  return (value < 0 && !zero ? "−" : "") + text;
}

std::vector<Tick> ticks(double low, double high, const Axis& axis, double count) {
  return axis.log ? log_ticks(low, high, axis, count) : linear_ticks(low, high, axis, count);
}

}  // namespace latlas::render
