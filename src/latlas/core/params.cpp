#include "latlas/core/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <numeric>

#include "latlas/core/error.h"

namespace latlas {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce aggregates

template <class Number>
std::string shortest(Number x) {  // the shortest text that reads back to the same number
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, x).ptr;
  return {buffer, end};
}

std::string readable(double x) {  // 100000, not 1e+05; both are as short
  const bool whole = x == std::floor(x) && std::abs(x) < 1e15;
  return whole ? shortest(static_cast<std::int64_t>(x)) : shortest(x);
}
template <std::integral Integer>
std::string readable(Integer x) {
  return shortest(x);
}

std::string bounds(const Field& f) {
  const bool below = f.low != -kNoLimit, above = f.high != kNoLimit;
  if (below && above) return sentence("between ", readable(f.low), " and ", readable(f.high));
  if (below) return sentence("at least ", readable(f.low));
  if (above) return sentence("at most ", readable(f.high));
  return "a finite number";
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

template <class Number>
void check_number(const Field& f, Number x, std::string_view what) {
  const auto value = static_cast<double>(x);
  if (std::isfinite(value) && value >= f.low && value <= f.high) return;
  throw InvalidArgument(
      sentence(what, ": ", f.name, " is ", readable(x), ", it must be ", bounds(f)));
}

template <class Number>
Number parse_number(const Field& f, std::string_view text, const char* kind) {
  Number x{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), x);
  const bool all_read = end == text.data() + text.size() && !text.empty();
  require(error != std::errc::result_out_of_range || !all_read, f.name, ": '", text,
          "' is beyond what 64 bits hold");
  require(error == std::errc() && all_read, f.name, ": '", text, "' is not ", kind);
  return x;
}

}  // namespace

void check(const std::vector<Field>& fields, std::string_view what) {
  for (const Field& f : fields) {
    std::visit(
        Overloaded{[&](const double* x) { check_number(f, *x, what); },
                   [&](const std::int64_t* x) { check_number(f, *x, what); },
                   [&](const std::uint64_t* x) { check_number(f, *x, what); }, [](const bool*) {},
                   [&](const std::vector<std::int64_t>* xs) {
                     for (const auto x : *xs) check_number(f, x, what);
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
                                 for (const auto x : *xs)
                                   out += (out.empty() ? "" : ",") + shortest(x);
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
            std::size_t at = text.empty() ? 1 : 0;  // no text, no numbers; "1," names two
            while (at <= text.size()) {
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
  if (name.empty()) return best;
  std::size_t best_distance =
      std::max(std::min<std::size_t>(2, name.size() - 1), name.size() / 2) + 1;
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
  throw InvalidArgument(
      near.empty() ? sentence(what, ": '", name, "' is unknown; known are ", joined(names))
                   : sentence(what, ": '", name, "' is unknown; did you mean '", near, "'?"));
}

}  // namespace latlas
