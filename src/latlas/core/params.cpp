#include "latlas/core/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "latlas/core/error.h"

namespace latlas {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it by itself

template <class Number>
std::string shortest(Number x) {  // the shortest text that reads back to the same number
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  return {buffer, end};
}

std::string bounds(const Field& f) {
  const bool below = f.low != -kNoLimit, above = f.high != kNoLimit;
  if (below && above) return sentence("between ", shortest(f.low), " and ", shortest(f.high));
  return below ? sentence("at least ", shortest(f.low)) : sentence("at most ", shortest(f.high));
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

void check_number(const Field& f, double x, std::string_view what) {
  require(!std::isnan(x) && x >= f.low && x <= f.high, what, ": ", f.name, " is ", shortest(x),
          ", it must be ", bounds(f));
}

template <class Number>
Number parse_number(const Field& f, std::string_view text, const char* kind) {
  Number x{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  require(error == std::errc() && end == text.data() + text.size() && !text.empty(), f.name, ": '",
          text, "' is not ", kind);
  return x;
}

}  // namespace

void check(const std::vector<Field>& fields, std::string_view what) {
  for (const Field& f : fields) {
    std::visit(
        Overloaded{[&](const double* x) { check_number(f, *x, what); },
                   [&](const std::int64_t* x) { check_number(f, static_cast<double>(*x), what); },
                   [&](const std::uint64_t* x) { check_number(f, static_cast<double>(*x), what); },
                   [](const bool*) {},
                   [&](const std::vector<std::int64_t>* xs) {
                     for (const auto x : *xs) check_number(f, static_cast<double>(x), what);
                   },
                   [&](const std::string* s) {
                     require(f.choices.empty() || std::find(f.choices.begin(), f.choices.end(),
                                                            *s) != f.choices.end(),
                             what, ": ", f.name, " is '", *s, "', it must be one of ",
                             joined(f.choices));
                   }},
        f.value);
  }
}

std::string to_text(const Field& field) {
  return std::visit(Overloaded{[](const double* x) { return shortest(*x); },
                               [](const std::int64_t* x) { return shortest(*x); },
                               [](const std::uint64_t* x) { return shortest(*x); },
                               [](const bool* x) { return std::string(*x ? "true" : "false"); },
                               [](const std::string* s) { return *s; },
                               [](const std::vector<std::int64_t>* xs) {
                                 std::string out;
                                 for (const auto x : *xs) out += (out.empty() ? "" : ",") + shortest(x);
                                 return out;
                               }},
                    field.value);
}

void parse(Field& field, std::string_view text) {
  std::visit(
      Overloaded{
          [&](double* x) { *x = parse_number<double>(field, text, "a number"); },
          [&](std::int64_t* x) { *x = parse_number<std::int64_t>(field, text, "a whole number"); },
          [&](std::uint64_t* x) {
            *x = parse_number<std::uint64_t>(field, text, "a whole number of 0 or more");
          },
          [&](bool* x) {
            require(text == "true" || text == "false", field.name, ": '", text,
                    "' is neither true nor false");
            *x = text == "true";
          },
          [&](std::string* s) { *s = text; },
          [&](std::vector<std::int64_t>* xs) {
            std::vector<std::int64_t> values;
            std::size_t at = 0;
            while (at < text.size()) {
              const std::size_t comma = std::min(text.find(',', at), text.size());
              values.push_back(parse_number<std::int64_t>(field, text.substr(at, comma - at),
                                                          "a list of whole numbers"));
              at = comma + 1;
            }
            *xs = std::move(values);
          }},
      field.value);
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const auto& c : candidates) {  // Levenshtein, one row at a time
    std::vector<std::size_t> row(c.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < c.size(); ++j) {
        const std::size_t replaced = diagonal + (name[i] == c[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = c;
    }
  }
  return best;
}

Field& find(std::vector<Field>& fields, std::string_view name, std::string_view what) {
  std::vector<std::string> names;
  for (Field& f : fields) {
    if (f.name == name) return f;
    names.push_back(f.name);
  }
  const std::string near = nearest_name(name, names);
  throw InvalidArgument(near.empty()
                            ? sentence(what, ": '", name, "' is unknown; known are ", joined(names))
                            : sentence(what, ": '", name, "' is unknown; did you mean '", near, "'?"));
}

}  // namespace latlas
