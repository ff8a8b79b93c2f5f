#include "latlas/core/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "latlas/core/error.h"

namespace latlas::safetensors {
namespace {

static_assert(std::endian::native == std::endian::little, "latlas reads and writes in place");

constexpr std::uint64_t kLongestHeader = 100'000'000;
constexpr std::string_view kMetadata = "__metadata__";

struct Known {
  std::string_view name;
  Type type;
  std::int64_t size;
};
constexpr std::array<Known, 6> kTypes = {{{"F16", Type::f16, 2},
                                          {"F32", Type::f32, 4},
                                          {"F64", Type::f64, 8},
                                          {"I32", Type::i32, 4},
                                          {"I64", Type::i64, 8},
                                          {"U8", Type::u8, 1}}};

const Known& known(Type type) {
  for (const Known& k : kTypes)
    if (k.type == type) return k;
  throw InvalidArgument("safetensors: unknown type");
}

using Json = nlohmann::json;

// Reads one header; `what` begins every sentence.
class HeaderReader {
 public:
  HeaderReader(std::string_view what, Bytes values) : what_(what), values_(values) {}

  Contents read(std::string_view text) const {
    const Json header = parse_strictly(text);
    Contents contents;
    std::uint64_t at = 0;
    std::vector<std::pair<std::uint64_t, Tensor>> tensors;  // by where their values begin
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadata)
        contents.metadata = metadata(entry);
      else
        tensors.push_back(tensor(name, entry));
    }
    // Tensors without values begin where another does; they come before it.
    std::stable_sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first, a.second.values.size()) <
             std::pair(b.first, b.second.values.size());
    });
    for (auto& [begin, t] : tensors) {
      if (begin != at)
        fail("the values of '", t.name, "' begin at byte ", begin, ", expected ", at,
             ": values must follow each other without gap or overlap");
      at += t.values.size();
      contents.tensors.push_back(std::move(t));
    }
    if (at != values_.size())
      fail("its tensors take ", at, " bytes, the file holds ", values_.size(), " after its header");
    return contents;
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw IoError(sentence(what_, ": ", parts...));
  }

  // JSON proper lets a key occur twice and nest without end; this does not.
  Json parse_strictly(std::string_view text) const {
    if (text.empty() || text.front() != '{') fail("its header does not begin with '{'");
    std::vector<std::set<std::string>> open;
    std::string repeated;
    bool deep = false;
    const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
      if (depth > 3) deep = true;
      if (event == Json::parse_event_t::object_start) open.emplace_back();
      if (event == Json::parse_event_t::object_end) open.pop_back();
      if (event == Json::parse_event_t::key &&
          !open.back().insert(parsed.get<std::string>()).second)
        repeated = parsed.get<std::string>();
      return !deep;
    };
    // Callbacks see arrays of arrays one by one, but recursion is the parser's own stack on the
    // heap, so even deep nesting is only slow; it is refused once the callback has seen it.
    Json header = Json::parse(text, watch, false);
    if (deep) fail("its header nests too deeply");
    if (header.is_discarded() || !header.is_object()) fail("its header is not valid JSON");
    if (!repeated.empty()) fail("its header names '", repeated, "' twice");
    return header;
  }

  std::map<std::string, std::string> metadata(const Json& entry) const {
    if (!entry.is_object()) fail("its __metadata__ is not an object of texts");
    std::map<std::string, std::string> out;
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) fail("its metadata '", key, "' is not a text");
      out[key] = value.get<std::string>();
    }
    return out;
  }

  std::uint64_t whole_number(const Json& value, const std::string& name, const char* part) const {
    if (!value.is_number_unsigned())
      fail("the ", part, " of '", name, "' is not a list of whole numbers of 0 or more");
    return value.get<std::uint64_t>();
  }

  std::pair<std::uint64_t, Tensor> tensor(const std::string& name, const Json& entry) const {
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") ||
        !entry.contains("shape") || !entry.contains("data_offsets"))
      fail("'", name, "' does not have exactly dtype, shape and data_offsets");
    const Json &dtype = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
    Tensor out;
    out.name = name;
    const auto type = std::find_if(kTypes.begin(), kTypes.end(), [&](const Known& k) {
      return dtype.is_string() && dtype.get_ref<const std::string&>() == k.name;
    });
    if (type == kTypes.end())
      fail("'", name, "' is of type ", dtype.dump(-1, ' ', false, Json::error_handler_t::replace),
           "; read are F16, F32, F64, I64, U8");
    out.type = type->type;

    if (!shape.is_array() || shape.size() > 8)
      fail("the shape of '", name, "' is not a list of at most 8 whole numbers");
    std::uint64_t size = static_cast<std::uint64_t>(type->size);
    bool too_large = false, empty = false;
    for (const Json& value : shape) {
      const std::uint64_t n = whole_number(value, name, "shape");
      if (n > std::numeric_limits<std::int64_t>::max())
        fail("the shape of '", name, "' is too large");
      out.shape.push_back(static_cast<std::int64_t>(n));
      empty = empty || n == 0;
      if (n != 0 && size > std::numeric_limits<std::int64_t>::max() / n)
        too_large = true;
      else
        size *= n == 0 ? 1 : n;
    }
    if (empty) size = 0;
    if (too_large && !empty) fail("the shape of '", name, "' is too large");

    if (!offsets.is_array() || offsets.size() != 2)
      fail("the data_offsets of '", name, "' are not two numbers");
    const std::uint64_t begin = whole_number(offsets[0], name, "data_offsets");
    const std::uint64_t end = whole_number(offsets[1], name, "data_offsets");
    if (begin > end || end > values_.size())
      fail("the data_offsets of '", name, "' are ", begin, " and ", end, ", the file holds ",
           values_.size(), " bytes of values");
    if (end - begin != size)
      fail("'", name, "' needs ", size, " bytes for its shape, its data_offsets give ",
           end - begin);
    out.values = values_.subspan(begin, size);
    return {begin, std::move(out)};
  }

  std::string_view what_;
  Bytes values_;
};

template <class T>
BasicMatrix<T> to(const Tensor& t, Type wanted, std::string_view what) {
  if (t.type != wanted)
    throw IoError(
        sentence(what, ": '", t.name, "' is of type ", name(t.type), ", expected ", name(wanted)));
  if (t.shape.empty() || t.shape.size() > 2)
    throw IoError(sentence(what, ": '", t.name, "' has ", t.shape.size(),
                           " dimensions, expected one or two"));
  const bool vector = t.shape.size() == 1;
  BasicMatrix<T> out(vector ? 1 : t.shape[0], vector ? t.shape[0] : t.shape[1]);
  if (!t.values.empty()) std::memcpy(out.data(), t.values.data(), t.values.size());
  return out;
}

template <class T>
Tensor of(std::string name, Type type, MatrixView<const T> rows) {
  require(rows.contiguous() || rows.rows() <= 1, "safetensors: the rows of '", name,
          "' are not contiguous");
  return {
      std::move(name),
      type,
      {rows.rows(), rows.cols()},
      std::as_bytes(std::span(rows.data(), static_cast<std::size_t>(rows.rows() * rows.cols())))};
}

}  // namespace

std::string_view name(Type type) { return known(type).name; }
std::int64_t size_of(Type type) { return known(type).size; }

Contents parse(Bytes bytes, std::string_view what) {
  const auto fail = [&](const auto&... why) { throw IoError(sentence(what, ": ", why...)); };
  std::uint64_t length = 0;
  if (bytes.size() < sizeof length)
    fail("is truncated: a safetensors file begins with 8 bytes, this one has ", bytes.size());
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kLongestHeader)
    fail("is no safetensors file: it claims a header of ", length, " bytes; at most ",
         kLongestHeader, " are allowed");
  if (length > bytes.size() - sizeof length)
    fail("is truncated: it claims a header of ", length, " bytes, ", bytes.size() - sizeof length,
         " follow");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + sizeof length, length);
  return HeaderReader(what, bytes.subspan(sizeof length + length)).read(text);
}

File open(const std::filesystem::path& path) {
  File out{MappedFile(path), {}};
  out.contents = parse(out.file.bytes(), path.string());
  return out;
}

const Tensor& find(const Contents& contents, std::string_view name, std::string_view what) {
  for (const Tensor& t : contents.tensors)
    if (t.name == name) return t;
  throw IoError(sentence(what, ": lacks the tensor '", name, "'"));
}

Matrix to_matrix(const Tensor& t, std::string_view what) { return to<float>(t, Type::f32, what); }
BasicMatrix<double> to_doubles(const Tensor& t, std::string_view what) {
  return to<double>(t, Type::f64, what);
}

Tensor tensor_of(std::string name, ConstRows rows) { return of(std::move(name), Type::f32, rows); }
Tensor tensor_of(std::string name, MatrixView<const double> rows) {
  return of(std::move(name), Type::f64, rows);
}

std::string header_of(const std::vector<Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[std::string(kMetadata)] = metadata;
  std::uint64_t at = 0;
  for (const Tensor& t : tensors) {
    require(t.name != kMetadata && !header.contains(t.name), "safetensors: the name '", t.name,
            "' occurs twice or is reserved");
    std::int64_t size = size_of(t.type);
    for (const std::int64_t n : t.shape) size *= n;
    require(size == static_cast<std::int64_t>(t.values.size()), "safetensors: '", t.name, "' has ",
            t.values.size(), " bytes of values, its shape needs ", size);
    header[t.name] = {
        {"dtype", name(t.type)}, {"shape", t.shape}, {"data_offsets", {at, at + t.values.size()}}};
    at += t.values.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw InvalidArgument("safetensors: a name or its metadata are not valid UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  require(text.size() <= kLongestHeader, "safetensors: the header would be longer than ",
          kLongestHeader, " bytes");
  std::string out(sizeof(std::uint64_t), '\0');
  const std::uint64_t length = text.size();
  std::memcpy(out.data(), &length, sizeof length);
  return out + text;
}

void write(const std::filesystem::path& path, const std::vector<Tensor>& tensors,
           const std::map<std::string, std::string>& metadata) {
  const std::string header = header_of(tensors, metadata);
  FileWriter file(path);
  file.write(header);
  for (const Tensor& t : tensors) file.write(t.values);
  file.commit();
}

}  // namespace latlas::safetensors
