// Parameters described once. A parameter struct has a function
//
//   std::vector<Field> fields(TsneParams& p);
//
// that lists its members with range and help. That list feeds the range check at the public
// boundary, the recipe file, the program's flags, the manifest and the Python keywords.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace latlas {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct Field {
  using Target = std::variant<double*, std::int64_t*, std::uint64_t*, bool*, std::string*,
                              std::vector<std::int64_t>*>;
  std::string name;                         ///< snake_case; the flag is the same with dashes.
  Target value;                             ///< The member itself.
  std::string help;                         ///< One line; says what larger does.
  double low = -kNoLimit, high = kNoLimit;  ///< Allowed, both ends included.
  std::vector<std::string> choices = {};    ///< For strings: what is allowed; empty allows all.
  bool changes_result = true;               ///< false: changes only the time taken.
};

/// Throws InvalidArgument naming the first field outside its range: value, bounds, field. Numbers
/// must be finite, also where a range has no end.
void check(const std::vector<Field>& fields, std::string_view what);

/// The field's value as text that parse() reads back to the same bits.
std::string to_text(const Field& field);

/// Sets the field from text ("30", "1e-3", "true", "pca", "512,256"); throws InvalidArgument naming
/// field, text and expectation. Does not check the range.
void parse(Field& field, std::string_view text);

/// The field of that name; throws InvalidArgument with the nearest name when there is none.
Field& find(std::vector<Field>& fields, std::string_view name, std::string_view what);

/// The candidate closest to `name` by edit distance (of several, the first); empty when none comes
/// within half of its length or, in names of three and more letters, two edits.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace latlas
