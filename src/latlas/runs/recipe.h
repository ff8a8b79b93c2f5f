// A recipe: a whole run as one readable TOML file.
//
//   seed = 0
//   [training]
//   epochs = 50          # passes over the training data
//
// A recipe is a list of sections, each a name and the fields of one parameter struct; what the
// sections mean is the program's business. Reading sets the fields that the text names and leaves
// the others at their defaults.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/params.h"

namespace latlas {

struct Section {
  std::string name;  ///< Empty: the keys at the top of the file.
  std::vector<Field> fields;
};

/// Sets the fields named in the text. Throws InvalidArgument with file, line and what was expected
/// for bad TOML, unknown sections and keys (the nearest name is suggested) and wrong types.
/// Ranges are checked by check_recipe().
void read_recipe(std::string_view text, std::string_view what, std::vector<Section>& sections);

/// Sets one field from "section.key=value" (or "key=value" at the top).
void set_in_recipe(std::string_view assignment, std::vector<Section>& sections);

/// Throws InvalidArgument for the first value out of range.
void check_recipe(const std::vector<Section>& sections);

/// The recipe with every value filled in and every field explained; reads back to the same bits.
std::string recipe_text(const std::vector<Section>& sections, std::string_view heading);

/// Name, value and newline of every field that changes results, for hashing.
std::string fingerprint(const std::vector<Field>& fields);

}  // namespace latlas
