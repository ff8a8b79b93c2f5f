#include "latlas/core/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "latlas/core/parallel.h"

namespace latlas::npy {
namespace {

static_assert(std::endian::native == std::endian::little, "latlas reads and writes in place");

struct Known {
  std::string_view descr, name;
  Type type;
  std::int64_t size;
};
constexpr std::array<Known, 8> kTypes = {{{"<f2", "f2", Type::f2, 2},
                                          {"<f4", "f4", Type::f4, 4},
                                          {"<f8", "f8", Type::f8, 8},
                                          {"|u1", "u1", Type::u1, 1},
                                          {"<i4", "i4", Type::i4, 4},
                                          {"<i8", "i8", Type::i8, 8},
                                          {"<u4", "u4", Type::u4, 4},
                                          {"|b1", "u1", Type::u1, 1}}};

const Known& known(Type type) {
  for (const Known& k : kTypes)
    if (k.type == type) return k;
  throw InvalidArgument("npy: unknown type");
}

constexpr std::int64_t kMostColumns = std::int64_t{1} << 31;

// A file's text as part of a sentence: short, without the characters that disturb a terminal.
std::string printable(std::string_view text) {
  std::string out(text.substr(0, 40));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '?';
  return out + (text.size() > 40 ? "…" : "");
}

// The header is a Python dictionary of three known keys; this reads just that language.
class Header {
 public:
  Header(std::string_view text, std::string_view what) : text_(text), what_(what) {}

  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;

  void read() {
    bool seen[3] = {false, false, false};
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        once(seen[0], key);
        if (peek() == '[') fail("holds a structured array; save one plain array instead");
        descr = quoted();
      } else if (key == "fortran_order") {
        once(seen[1], key);
        fortran_order = boolean();
      } else if (key == "shape") {
        once(seen[2], key);
        tuple();
      } else {
        fail("has an unknown key in its header");
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip();
    if (at_ != text_.size()) fail("has text after its header's dictionary");
    if (!seen[0] || !seen[1] || !seen[2]) fail("lacks descr, fortran_order or shape in its header");
  }

  [[noreturn]] void fail(std::string_view why) const { throw IoError(sentence(what_, ": ", why)); }

 private:
  void once(bool& seen, const std::string& key) const {
    if (seen) throw IoError(sentence(what_, ": names ", key, " twice in its header"));
    seen = true;
  }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail("has a header that is not an .npy dictionary");
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail("has a header that is not an .npy dictionary");
    const std::size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) fail("has a header that is not an .npy dictionary");
    std::string out(text_.substr(at_, end - at_));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    skip();
    for (const std::string_view word : {"False", "True"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("has a fortran_order that is neither True nor False");
  }
  void tuple() {
    expect('(');
    while (!accept(')')) {
      std::int64_t n = 0;
      if (peek() < '0' || peek() > '9') fail("has a shape that is not a list of whole numbers");
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        n = n * 10 + (text_[at_++] - '0');
        if (n > (std::int64_t{1} << 48)) fail("claims a shape beyond any memory");
      }
      shape.push_back(n);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
  }

  std::string_view text_, what_;
  std::size_t at_ = 0;
};

float from_half(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000U) << 16;
  const std::uint32_t exponent = (h >> 10) & 31U, mantissa = h & 0x3FFU;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (mantissa << 13));
  if (exponent == 0) {  // zero and denormals: mantissa · 2^-24, exact in float32
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

template <class T>
T load(const std::byte* at) {  // values need not be aligned
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class Visit>
void visit_type(Type type, Visit visit) {
  switch (type) {
    case Type::f2:
      return visit([](const std::byte* p) { return from_half(load<std::uint16_t>(p)); });
    case Type::f4:
      return visit([](const std::byte* p) { return load<float>(p); });
    case Type::f8:
      return visit([](const std::byte* p) { return load<double>(p); });
    case Type::u1:
      return visit([](const std::byte* p) { return load<std::uint8_t>(p); });
    case Type::i4:
      return visit([](const std::byte* p) { return load<std::int32_t>(p); });
    case Type::i8:
      return visit([](const std::byte* p) { return load<std::int64_t>(p); });
    case Type::u4:
      return visit([](const std::byte* p) { return load<std::uint32_t>(p); });
  }
}

// Value (i, j) stands at (i · cols + j), or in Fortran order at (j · rows + i).
std::int64_t step_of_row(const Array& a) { return a.fortran_order ? 1 : a.cols; }
std::int64_t step_of_col(const Array& a) { return a.fortran_order ? a.rows : 1; }

std::string header(std::string_view descr, const std::string& shape) {
  std::string dict =
      sentence("{'descr': '", descr, "', 'fortran_order': False, 'shape': ", shape, ", }");
  dict.append(63 - (10 + dict.size()) % 64, ' ');
  dict += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(dict.size() & 255);
  out += static_cast<char>(dict.size() >> 8);
  return out + dict;
}

template <class T>
void write_rows(const std::filesystem::path& path, std::string_view descr,
                MatrixView<const T> rows) {
  FileWriter file(path);
  file.write(header(descr, sentence("(", rows.rows(), ", ", rows.cols(), ")")));
  if (rows.contiguous())
    file.write(
        std::as_bytes(std::span(rows.data(), static_cast<std::size_t>(rows.rows() * rows.cols()))));
  else
    for (std::int64_t i = 0; i < rows.rows(); ++i) file.write(std::as_bytes(rows[i]));
  file.commit();
}

template <class T>
void write_vector(const std::filesystem::path& path, std::string_view descr,
                  std::span<const T> values) {
  FileWriter file(path);
  file.write(header(descr, sentence("(", values.size(), ",)")));
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace

std::string_view name(Type type) { return known(type).name; }
std::int64_t size_of(Type type) { return known(type).size; }

Array parse(Bytes bytes, std::string_view what) {
  const auto fail = [&](const auto&... why) { throw IoError(sentence(what, ": ", why...)); };
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  constexpr std::string_view kMagic = "\x93NUMPY";
  const std::string_view magic(text, std::min(bytes.size(), kMagic.size()));
  if (magic.empty()) fail("is empty; an .npy file is expected");
  if (magic != kMagic.substr(0, magic.size()))
    fail("is not an .npy file (expected the six bytes \\x93NUMPY at its beginning)");
  if (bytes.size() < 10) fail("is truncated within its header");
  const int major = static_cast<int>(bytes[6]), minor = static_cast<int>(bytes[7]);
  if ((major != 1 && major != 2) || minor != 0)
    fail("is .npy version ", major, ".", minor, "; versions 1.0 and 2.0 are read");
  const std::size_t begin = major == 1 ? 10 : 12;
  if (bytes.size() < begin) fail("is truncated within its header");
  const std::size_t length =
      major == 1 ? load<std::uint16_t>(bytes.data() + 8) : load<std::uint32_t>(bytes.data() + 8);
  if (length > bytes.size() - begin) fail("is truncated within its header");
  if (length > 65536) fail("has a header of ", length, " bytes; 65536 are allowed");

  Header header(std::string_view(text + begin, length), what);
  header.read();
  Array array;
  const Known* type = nullptr;
  for (const Known& k : kTypes)
    if (k.descr == header.descr || ("<" + std::string(k.name) == header.descr)) type = &k;
  if (type == nullptr) {
    if (header.descr.find('O') != std::string::npos)
      fail("holds pickled Python objects, which latlas never runs; save a plain array instead");
    if (!header.descr.empty() && header.descr[0] == '>')
      fail("is big-endian; save it with array.astype('<f4')");
    fail("has values of type '", printable(header.descr),
         "'; read are f2, f4, f8, u1, i4, i8, u4 and bool");
  }
  array.type = type->type;
  array.fortran_order = header.fortran_order;
  array.dimensions = static_cast<int>(header.shape.size());
  if (array.dimensions < 1 || array.dimensions > 2)
    fail("has ", array.dimensions, " dimensions; one or two are read (reshape it to rows)");
  array.rows = header.shape[0];
  if (array.dimensions == 2) array.cols = header.shape[1];

  if (array.cols == 0 && array.rows > 0)
    fail("has ", array.rows, " rows without a value; each row needs one at least");
  if (array.cols > kMostColumns) fail("claims rows of ", array.cols, " values");
  // rows ≤ 2^48: the product is checked before it is formed.
  const auto held = static_cast<std::int64_t>(bytes.size() - begin - length);
  if (array.cols > 0 && array.rows > held / type->size / array.cols)
    fail("is truncated: its header promises ", array.rows, " × ", array.cols, " values of ",
         type->size, " bytes, the file holds ", held, " bytes of them");
  const std::int64_t promised = array.rows * array.cols * type->size;
  if (promised != held)
    fail("holds ", held - promised, " bytes more than the ", array.rows, " × ", array.cols,
         " values that its header promises");
  array.values = bytes.subspan(begin + length);
  return array;
}

Matrix to_matrix(const Array& a) {
  Matrix out(a.rows, a.cols);
  const std::int64_t size = size_of(a.type), by_row = step_of_row(a), by_col = step_of_col(a);
  visit_type(a.type, [&](auto value) {
    parallel_for(a.rows, 4096, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < a.cols; ++j)
          out(i, j) = static_cast<float>(value(a.values.data() + (i * by_row + j * by_col) * size));
    });
  });
  return out;
}

std::vector<std::int64_t> to_integers(const Array& a, std::string_view what) {
  std::vector<std::int64_t> out;
  out.reserve(static_cast<std::size_t>(a.rows * a.cols));
  const std::int64_t size = size_of(a.type), by_row = step_of_row(a), by_col = step_of_col(a);
  visit_type(a.type, [&](auto value) {
    for (std::int64_t i = 0; i < a.rows; ++i)
      for (std::int64_t j = 0; j < a.cols; ++j) {
        const auto x = value(a.values.data() + (i * by_row + j * by_col) * size);
        if constexpr (std::is_floating_point_v<decltype(x)>)
          require(std::abs(x) < 9e15 && x == std::floor(x), what, ": holds ", x, " in row ", i,
                  ", column ", j, ", where whole numbers are expected");
        out.push_back(static_cast<std::int64_t>(x));
      }
  });
  return out;
}

File open(const std::filesystem::path& path) {
  File out{MappedFile(path), {}};
  out.array = parse(out.file.bytes(), path.string());
  return out;
}

Matrix read_matrix(const std::filesystem::path& path) { return to_matrix(open(path).array); }

std::vector<std::int64_t> read_integers(const std::filesystem::path& path) {
  const File file = open(path);
  return to_integers(file.array, path.string());
}

void write(const std::filesystem::path& path, ConstRows rows) { write_rows(path, "<f4", rows); }
void write(const std::filesystem::path& path, MatrixView<const double> rows) {
  write_rows(path, "<f8", rows);
}
void write(const std::filesystem::path& path, MatrixView<const std::int32_t> rows) {
  write_rows(path, "<i4", rows);
}
void write(const std::filesystem::path& path, MatrixView<const std::uint8_t> rows) {
  write_rows(path, "|u1", rows);
}
void write(const std::filesystem::path& path, std::span<const std::uint8_t> values) {
  write_vector(path, "|u1", values);
}
void write(const std::filesystem::path& path, std::span<const std::int64_t> values) {
  write_vector(path, "<i8", values);
}

}  // namespace latlas::npy
