// Columns of text files: one value a line, or one column of a table with a header.
//
//   labels.txt                cat⏎dog⏎cat⏎
//   packages.tsv, "section"   fields between tabs; the first line names the columns
//   cells.csv, "type"         fields between commas; "quoted ""fields""" may hold commas and lines
//                             (RFC 4180)
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace latlas {

/// The lines of a text, without their ends; an empty last line is no line.
std::vector<std::string> parse_lines(std::string_view text);

/// The values of one column, the header left out.
/// @param separator  '\t' (fields are taken as they are) or ',' (quotes are understood).
/// @throws IoError  when the header lacks the column (the nearest is suggested), a row is shorter
///                  than the header or a quote stays open; `what` begins the sentence.
std::vector<std::string> parse_column(std::string_view text, char separator,
                                      std::string_view column, std::string_view what);

/// Reads a column of a .tsv or .csv file, or, when `column` is empty, the lines of a file.
std::vector<std::string> read_column(const std::filesystem::path& path, std::string_view column);

/// Texts as categories: numbers 0, 1, … in the order of the names, most frequent first (of equals,
/// the alphabetically first).
struct Categories {
  std::vector<std::int32_t> values;  ///< One a text; index into names.
  std::vector<std::string> names;
};
Categories categories_of(const std::vector<std::string>& texts);

}  // namespace latlas
