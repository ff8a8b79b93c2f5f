#include "latlas/runs/recipe.h"

#include <cmath>
#include <optional>

namespace latlas {
namespace {
struct BrokenAssumption {};  // of the parser, about bytes that it did not expect
[[noreturn]] void broken_assumption() { throw BrokenAssumption(); }
}  // namespace
}  // namespace latlas

// toml++ 3.3 asserts in places what malformed text can violate ("[#"): such text is an error here,
// in every build (with NDEBUG the library would take its assumptions for true).
#undef NDEBUG
#define TOML_ASSERT(condition) ((condition) ? static_cast<void>(0) : ::latlas::broken_assumption())
#include <toml++/toml.h>

#include "latlas/core/error.h"
#include "latlas/core/overloaded.h"

namespace latlas {
namespace {

// The code point that begins at text[at], moving at behind it; nothing when it is not UTF-8.
std::optional<char32_t> next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(at);
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  char32_t c = lead & (0xFFU >> (length + 1));
  bool valid = lead >= 0xC2 && lead <= 0xF4;
  for (std::size_t i = 1; i < length; ++i) {
    valid = valid && (byte(at + i) & 0xC0U) == 0x80;
    c = (c << 6) | (byte(at + i) & 0x3FU);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (!valid || c < kSmallest[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
    return std::nullopt;
  at += length;
  return c;
}

// toml++ 3.3 runs into undefined behavior at some letters beyond ASCII ("D\uFEFB"), so it is shown
// none: those in comments are blanked, those in "texts" escaped, those elsewhere are an error.
std::string in_ascii(std::string_view text, std::string_view what) {
  enum class Place { bare, comment, text, literal };
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  Place in = Place::bare;
  int line = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
      ++at;
      if (c == '\n') {
        in = Place::bare;
        ++line;
      } else if (in == Place::bare) {
        in = c == '#' ? Place::comment : c == '"' ? Place::text : c == '\'' ? Place::literal : in;
      } else if (in == Place::text && c == '\\' && at < text.size() &&
                 static_cast<unsigned char>(text[at]) < 0x80 && text[at] != '\n') {
        out += text[at++];
      } else if ((in == Place::text && c == '"') || (in == Place::literal && c == '\'')) {
        in = Place::bare;
      }
      continue;
    }
    const std::optional<char32_t> point = next_code_point(text, at);
    require(point.has_value(), what, ", line ", line, ": is not UTF-8 text");
    require(in == Place::comment || in == Place::text, what, ", line ", line,
            ": letters beyond ASCII are allowed in comments and in \"texts\" only");
    if (in == Place::comment) continue;
    out += "\\U";
    for (int shift = 28; shift >= 0; shift -= 4) out += kHex[(*point >> shift) & 15U];
  }
  return out;
}

std::string place(std::string_view what, const toml::node& node) {
  return sentence(what, ", line ", node.source().begin.line);
}

std::string full_name(const Section& section, const Field& field) {
  return section.name.empty() ? field.name : section.name + "." + field.name;
}

Section& find_section(std::vector<Section>& sections, std::string_view name,
                      std::string_view what) {
  std::vector<std::string> names;
  for (Section& s : sections) {
    if (s.name == name) return s;
    if (!s.name.empty()) names.push_back(s.name);
  }
  const std::string near = nearest_name(name, names);
  std::string known;
  for (const auto& n : names) known += (known.empty() ? "" : ", ") + n;
  throw InvalidArgument(
      near.empty()
          ? sentence(what, ": section '", name, "' is unknown; known are ", known)
          : sentence(what, ": section '", name, "' is unknown; did you mean '", near, "'?"));
}

// Sets one field from one TOML value of the fitting type; whole numbers serve as real ones.
void assign(Field& field, const std::string& name, const toml::node& node, std::string_view what) {
  const auto expect = [&](bool fits, const char* kind) {
    require(fits, place(what, node), ": ", name, " must be ", kind);
  };
  std::visit(Overloaded{[&](double* x) {
                          const auto value = node.value<double>();
                          expect(node.is_number() && value && std::isfinite(*value), "a number");
                          *x = *value;
                        },
                        [&](std::int64_t* x) {
                          expect(node.is_integer(), "a whole number");
                          *x = node.as_integer()->get();
                        },
                        [&](std::uint64_t* x) {
                          expect(node.is_integer() && node.as_integer()->get() >= 0,
                                 "a whole number of 0 or more");
                          *x = static_cast<std::uint64_t>(node.as_integer()->get());
                        },
                        [&](bool* x) {
                          expect(node.is_boolean(), "true or false");
                          *x = node.as_boolean()->get();
                        },
                        [&](std::string* s) {
                          expect(node.is_string(), "a text in quotes");
                          *s = node.as_string()->get();
                        },
                        [&](std::vector<std::int64_t>* xs) {
                          expect(node.is_array(), "a list of whole numbers");
                          std::vector<std::int64_t> values;
                          for (const toml::node& item : *node.as_array()) {
                            expect(item.is_integer(), "a list of whole numbers");
                            values.push_back(item.as_integer()->get());
                          }
                          *xs = std::move(values);
                        }},
             field.value);
}

void read_table(const toml::table& table, Section& section, std::string_view what) {
  for (const auto& [key, node] : table) {
    if (section.name.empty() && node.is_table()) continue;
    Field& field = find(section.fields, key.str(), place(what, node));
    assign(field, full_name(section, field), node, what);
  }
}

std::string quoted_text(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_value(const Field& field) {
  const std::string text = to_text(field);
  if (std::holds_alternative<std::string*>(field.value)) return quoted_text(text);
  if (std::holds_alternative<std::vector<std::int64_t>*>(field.value)) return "[" + text + "]";
  if (std::holds_alternative<double*>(field.value) &&
      text.find_first_of(".en") == std::string::npos)
    return text + ".0";
  return text;
}

}  // namespace

void read_recipe(std::string_view text, std::string_view what, std::vector<Section>& sections) {
  toml::table table;
  try {
    table = toml::parse(in_ascii(text, what));
  } catch (const toml::parse_error& error) {
    throw InvalidArgument(sentence(what, ", line ", error.source().begin.line, ", column ",
                                   error.source().begin.column, ": ", error.description()));
  } catch (const BrokenAssumption&) {
    throw InvalidArgument(sentence(what, ": is not valid TOML"));
  }
  read_table(table, find_section(sections, "", what), what);
  for (const auto& [key, node] : table)
    if (const toml::table* section = node.as_table())
      read_table(*section, find_section(sections, key.str(), place(what, node)), what);
}

void set_in_recipe(std::string_view assignment, std::vector<Section>& sections) {
  constexpr std::string_view what = "--set";
  const std::size_t equals = assignment.find('=');
  require(equals != std::string_view::npos && equals > 0, what, ": '", assignment,
          "' is not of the form section.key=value");
  const std::string_view name = assignment.substr(0, equals);
  const std::size_t dot = name.find('.');
  Section& section =
      find_section(sections, dot == std::string_view::npos ? "" : name.substr(0, dot), what);
  Field& field = find(section.fields, dot == std::string_view::npos ? name : name.substr(dot + 1),
                      section.name.empty() ? std::string(what) : sentence(what, " ", section.name));
  parse(field, assignment.substr(equals + 1));
}

void check_recipe(const std::vector<Section>& sections) {
  for (const Section& s : sections) check(s.fields, s.name.empty() ? "recipe" : s.name);
}

std::string recipe_text(const std::vector<Section>& sections, std::string_view heading) {
  std::string out = sentence("# ", heading, "\n");
  for (const Section& section : sections) {
    if (!section.name.empty()) out += sentence("\n[", section.name, "]\n");
    std::size_t width = 0;
    for (const Field& f : section.fields)
      width = std::max(width, f.name.size() + 3 + toml_value(f).size());
    for (const Field& f : section.fields) {
      std::string line = f.name + " = " + toml_value(f);
      line.append(width - line.size() + 2, ' ');
      out += line + "# " + f.help + "\n";
    }
  }
  return out;
}

std::string fingerprint(const std::vector<Field>& fields) {
  std::string out;
  for (const Field& f : fields)
    if (f.changes_result) out += f.name + "=" + to_text(f) + "\n";
  return out;
}

}  // namespace latlas
