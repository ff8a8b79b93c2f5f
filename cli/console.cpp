#include "cli/console.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "cli/interrupt.h"

namespace latlas::cli {
namespace {

constexpr int kStageWidth = 11;
constexpr int kBarWidth = 24;

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool colors_wanted() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

std::string dim(std::string_view text) {
  return colors_wanted() ? fmt::format("\x1b[2m{}\x1b[0m", text) : std::string(text);
}

// Eighths of a character make the bar move smoothly.
std::string bar(double share) {
  constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarWidth * 8);
  std::string out;
  for (int i = 0; i < eighths / 8; ++i) out += "█";
  out += kEighths[eighths % 8];
  for (int i = (eighths + 7) / 8; i < kBarWidth; ++i) out += "·";
  return out;
}

std::size_t columns_of(std::string_view utf8) {  // one a code point; enough for what we print
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

}  // namespace

std::string bytes_text(std::int64_t bytes) {
  const auto b = static_cast<double>(bytes);
  if (b >= 1e9) return fmt::format("{:.1f} GB", b / 1e9);
  if (b >= 1e6) return fmt::format("{:.0f} MB", b / 1e6);
  if (b >= 1e3) return fmt::format("{:.0f} kB", b / 1e3);
  return fmt::format("{} bytes", bytes);
}

std::string seconds_text(double seconds) {
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 100) return fmt::format("{:.0f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string count_text(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string number_text(double value, int digits) { return fmt::format("{:.{}f}", value, digits); }

std::string utf8_text(const std::string& text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

Console::Console(Verbosity verbosity)
    : verbosity_(verbosity), terminal_(isatty(STDERR_FILENO) != 0) {}

void Console::clear() {
  if (bar_shown_) fmt::print(stderr, "\r\x1b[K");
  bar_shown_ = false;
  shown_at_ = -1;
}

void Console::note(std::string_view sentence) {
  clear();
  fmt::print(stderr, "note: {}\n", sentence);
}

void Console::say(std::string_view line) {
  if (verbosity_.quiet) return;
  clear();
  fmt::print(stderr, "{}\n", line);
}

Progress Console::progress(std::string unit) {
  return [this, unit = std::move(unit)](const Report& report) {
    show(report, unit);
    return interrupted_by() != 0 ? Next::stop : Next::proceed;
  };
}

void Console::show(const Report& report, const std::string& unit) {
  if (verbosity_.quiet || !terminal_ || report.of <= 0) return;
  const bool last = report.step >= report.of;
  if (!last && shown_at_ >= 0 && report.seconds >= shown_at_ && report.seconds < shown_at_ + 0.08)
    return;
  const double share = static_cast<double>(report.step) / static_cast<double>(report.of);
  const double rate = report.seconds > 0 ? static_cast<double>(report.step) / report.seconds : 0;
  std::string line =
      fmt::format("{:<{}} {} {:>3.0f} %  {}/{} {}", report.stage, kStageWidth, bar(share),
                  100 * share, count_text(report.step), count_text(report.of), unit);
  std::vector<std::string> facts;
  if (rate > 0) facts.push_back(fmt::format("{}/s", count_text(std::llround(rate))));
  if (!std::isnan(report.loss)) facts.push_back(fmt::format("loss {:.4f}", report.loss));
  if (rate > 0 && !last)
    facts.push_back(
        fmt::format("{} left", seconds_text(static_cast<double>(report.of - report.step) / rate)));
  for (const auto& fact : facts) {  // as many facts as fit the line
    if (columns_of(line) + columns_of(fact) + 3 >= static_cast<std::size_t>(terminal_width()))
      break;
    line += "  " + fact;
  }
  fmt::print(stderr, "\r{}\x1b[K", line);
  std::fflush(stderr);
  bar_shown_ = true;
  shown_at_ = report.seconds;
}

void Console::finish(std::string_view stage, std::string_view outcome, double seconds) {
  if (verbosity_.quiet) return clear();
  clear();
  fmt::print(stderr, "{:<{}} {}  {}\n", stage, kStageWidth, outcome,
             terminal_ ? dim(seconds_text(seconds)) : "(" + seconds_text(seconds) + ")");
}

void Console::kept(std::string_view stage) {
  if (verbosity_.quiet) return;
  clear();
  fmt::print(stderr, "{:<{}} {}\n", stage, kStageWidth,
             terminal_ ? dim("unchanged, kept") : "unchanged, kept");
}

void Console::table(std::string_view heading,
                    const std::vector<std::pair<std::string, std::string>>& rows) {
  if (verbosity_.json) return;
  clear();
  std::size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, columns_of(name));
  if (!heading.empty()) fmt::print("\n{}\n", heading);
  for (const auto& [name, value] : rows)
    fmt::print("  {}{}  {}\n", name, std::string(width - columns_of(name), ' '), value);
  std::fflush(stdout);
}

void Console::facts(std::string_view heading,
                    const std::vector<std::pair<std::string, std::string>>& rows) {
  if (!verbosity_.json) return table(heading, rows);
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  if (!heading.empty()) object["name"] = heading;
  for (const auto& [name, value] : rows)
    if (!name.empty()) object[name] = value;
  print(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void Console::print(std::string_view text) {
  clear();
  fmt::print("{}", text);
  std::fflush(stdout);
}

}  // namespace latlas::cli
