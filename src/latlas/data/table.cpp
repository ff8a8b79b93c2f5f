#include "latlas/data/table.h"

#include <algorithm>
#include <map>

#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/params.h"

namespace latlas {
namespace {

// Reads the fields of one row, moving `at` behind its line end.
class Rows {
 public:
  Rows(std::string_view text, char separator, std::string_view what)
      : text_(text), separator_(separator), what_(what) {}

  bool done() const { return at_ >= text_.size(); }
  std::int64_t line() const { return line_; }

  std::vector<std::string> next() {
    ++line_;
    std::vector<std::string> fields(1);
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' || c == '\r') {  // first, since parse_lines() separates by line ends alone
        at_ += c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n' ? 2 : 1;
        break;
      } else if (c == separator_) {
        fields.emplace_back();
        ++at_;
      } else if (separator_ == ',' && c == '"' && fields.back().empty()) {
        quoted(fields.back());
      } else {
        fields.back() += c;
        ++at_;
      }
    }
    return fields;
  }

 private:
  void quoted(std::string& field) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += '"';
        ++at_;
      } else {
        ++at_;
        return;
      }
    }
    throw IoError(sentence(what_, ", row ", line_, ": a quoted field is never closed"));
  }

  std::string_view text_;
  char separator_;
  std::string_view what_;
  std::size_t at_ = 0;
  std::int64_t line_ = 0;
};

}  // namespace

std::vector<std::string> parse_lines(std::string_view text) {
  std::vector<std::string> lines;
  Rows rows(text, '\n', "");
  while (!rows.done()) lines.push_back(rows.next().front());
  return lines;
}

std::vector<std::string> parse_column(std::string_view text, char separator,
                                      std::string_view column, std::string_view what) {
  Rows rows(text, separator, what);
  const std::vector<std::string> header = rows.done() ? std::vector<std::string>() : rows.next();
  const auto found = std::find(header.begin(), header.end(), column);
  if (found == header.end()) {
    const std::string near = nearest_name(column, header);
    throw IoError(near.empty() ? sentence(what, ": has no column '", column, "' in its first line")
                               : sentence(what, ": has no column '", column, "'; did you mean '",
                                          near, "'?"));
  }
  const auto place = static_cast<std::size_t>(found - header.begin());
  std::vector<std::string> values;
  while (!rows.done()) {
    std::vector<std::string> fields = rows.next();
    if (fields.size() <= place)
      throw IoError(sentence(what, ", row ", rows.line(), ": has ", fields.size(),
                             " fields where the first line names ", header.size()));
    values.push_back(std::move(fields[place]));
  }
  return values;
}

std::vector<std::string> read_column(const std::filesystem::path& path, std::string_view column) {
  const std::string text = read_text(path);
  if (column.empty()) return parse_lines(text);
  return parse_column(text, path.extension() == ".csv" ? ',' : '\t', column, path.string());
}

Categories categories_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& text : texts) ++counts[text];
  std::vector<std::pair<std::string, std::int32_t>> ordered(counts.begin(), counts.end());
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Categories out;
  std::map<std::string, std::int32_t> number;
  for (const auto& [name, count] : ordered) {
    number[name] = static_cast<std::int32_t>(out.names.size());
    out.names.push_back(name);
  }
  for (const auto& text : texts) out.values.push_back(number[text]);
  return out;
}

}  // namespace latlas
