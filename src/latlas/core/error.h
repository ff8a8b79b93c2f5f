// Three kinds of failure, told apart by who can mend them.
//
//   InvalidArgument   the caller's mistake: a value out of range, shapes that do not fit, bad data.
//   IoError           the world's mistake: a file that is missing, truncated, unwritable.
//   WouldNotFit       nobody's mistake: the task is larger than the machine.
//
// Each carries one sentence: what is wrong, where, what was expected, what to do.
#pragma once

#include <locale>
#include <sstream>
#include <stdexcept>
#include <string>

namespace latlas {

class InvalidArgument : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A task that cannot fit into this machine; says what would.
class WouldNotFit : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The parts, printed one after another. In the C locale, whatever the host program has set: these
/// texts also stand in files, where 60000 must not become 60.000.
template <class... Parts>
std::string sentence(const Parts&... parts) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  (out << ... << parts);
  return out.str();
}

/// Throws InvalidArgument with the sentence unless the condition holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) throw InvalidArgument(sentence(parts...));
}

}  // namespace latlas
