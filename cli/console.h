// What a person sees: progress while the work runs (on stderr), results at its end (on stdout).
//
// On a terminal a bar moves in place; elsewhere each stage leaves plain lines. Quiet leaves nothing
// but results, notes and errors; JSON leaves the numbers alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "latlas/core/progress.h"

namespace latlas::cli {

struct Verbosity {
  bool quiet = false;
  bool json = false;
};

class Console {
 public:
  explicit Console(Verbosity verbosity);

  /// A sentence that the user should know of, e.g. where a limit acted.
  void note(std::string_view sentence);
  /// A line of the plan or the story.
  void say(std::string_view line);

  /// The callback to hand to the library; shows its reports and passes on Ctrl-C.
  /// @param unit  what a step is, e.g. "steps".
  Progress progress(std::string unit);
  /// Ends the bar and leaves one line: stage, what came out, seconds.
  void finish(std::string_view stage, std::string_view outcome, double seconds);
  /// One line for a stage that was not run again.
  void kept(std::string_view stage);

  /// Results, on stdout: names and values, aligned, under a heading.
  void table(std::string_view heading,
             const std::vector<std::pair<std::string, std::string>>& rows);
  /// The same where the rows are all there is to say: as JSON, an object of texts.
  void facts(std::string_view heading,
             const std::vector<std::pair<std::string, std::string>>& rows);
  /// Results for machines, on stdout.
  void print(std::string_view text);

  bool json() const { return verbosity_.json; }

 private:
  void show(const Report& report, const std::string& unit);
  void clear();

  Verbosity verbosity_;
  bool terminal_ = false, bar_shown_ = false;
  double shown_at_ = -1;
};

std::string bytes_text(std::int64_t bytes);  ///< "1.4 GB"
std::string seconds_text(double seconds);    ///< "0.4 s", "2 min 10 s"
std::string count_text(std::int64_t count);  ///< "60,000"
/// The text with bytes that are not UTF-8 replaced: names of files need not be.
std::string utf8_text(const std::string& text);
std::string number_text(double value, int digits);

}  // namespace latlas::cli
