// Parameter structs as command-line flags: one flag a field.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "latlas/core/params.h"

namespace latlas::cli {

/// Adds --name for every field (underscores become dashes), with its help and default. The members
/// that the fields point to must outlive the parsing.
void add_flags(CLI::App& command, std::vector<Field> fields, const std::string& group);

/// The fields but the one of that name.
std::vector<Field> without(std::vector<Field> fields, std::string_view name);

/// Throws InvalidArgument for words on the command line that the command does not know, with the
/// nearest flag.
void reject_unknown_words(const CLI::App& command);

}  // namespace latlas::cli
