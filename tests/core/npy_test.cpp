#include "latlas/core/npy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <locale>

#include "latlas/core/hash.h"
#include "tests/core/golden_npy.h"
#include "tests/core/helpers.h"

namespace latlas {
namespace {

std::string from_hex(std::string_view digits) {
  const auto value = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    out += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  return out;
}

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A version 1 file of the given dictionary and values.
std::string file_of(const std::string& dictionary, const std::string& values) {
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(dictionary.size() & 255);
  out += static_cast<char>(dictionary.size() >> 8);
  return out + dictionary + values;
}
std::string file_of_shape(const std::string& shape, const std::string& values) {
  return file_of("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }\n", values);
}

Matrix matrix_of(const std::string& file) {
  return npy::to_matrix(npy::parse(bytes_of(file), "a.npy"));
}

void expect_rejected(const std::string& file, std::string_view why) {
  const std::string message =
      message_of<IoError>([&] { npy::to_matrix(npy::parse(bytes_of(file), "a.npy")); });
  EXPECT_TRUE(message.starts_with("a.npy: ")) << message;
  EXPECT_NE(message.find(why), std::string::npos) << message << "\nlacks: " << why;
}

// --- what NumPy wrote --------------------------------------------------------------------------

struct Golden {
  std::string_view file;
  npy::Type type;
  double (*value)(std::int64_t k);
};
const Golden kGolden[] = {
    {golden::k_f2, npy::Type::f2, [](std::int64_t k) { return (7.0 * k - 20) / 4; }},
    {golden::k_f4, npy::Type::f4, [](std::int64_t k) { return (7.0 * k - 20) / 4; }},
    {golden::k_f8, npy::Type::f8, [](std::int64_t k) { return k / 3.0; }},
    {golden::k_u1, npy::Type::u1, [](std::int64_t k) { return 7.0 * k + 3; }},
    {golden::k_u4, npy::Type::u4, [](std::int64_t k) { return 7.0 * k + 3; }},
    {golden::k_i4, npy::Type::i4, [](std::int64_t k) { return 7.0 * k - 20; }},
    {golden::k_i8, npy::Type::i8, [](std::int64_t k) { return 0x1p40 + k; }},
    {golden::k_b1, npy::Type::u1, [](std::int64_t k) { return k % 2 == 1 ? 1.0 : 0.0; }},
    {golden::k_f4_fortran, npy::Type::f4, [](std::int64_t k) { return (7.0 * k - 20) / 4; }},
    {golden::k_f4_version_2, npy::Type::f4, [](std::int64_t k) { return (7.0 * k - 20) / 4; }},
};

TEST(NpyReader, ReadsEveryTypeAndOrderAsNumpyWroteIt) {
  for (const Golden& g : kGolden) {
    const std::string file = from_hex(g.file);
    const npy::Array array = npy::parse(bytes_of(file), "a.npy");
    EXPECT_EQ(array.type, g.type);
    const Matrix m = npy::to_matrix(array);
    ASSERT_EQ(m.rows(), 3);
    ASSERT_EQ(m.cols(), 4);
    for (std::int64_t i = 0; i < 3; ++i)
      for (std::int64_t j = 0; j < 4; ++j)
        EXPECT_EQ(m(i, j), static_cast<float>(g.value(4 * i + j))) << npy::name(g.type) << i << j;
  }
}

TEST(NpyReader, KeepsIntegersWhole) {
  const std::string file = from_hex(golden::k_i8), vector = from_hex(golden::k_i8_vector);
  const auto values = npy::to_integers(npy::parse(bytes_of(file), "a.npy"), "a.npy");
  for (std::int64_t k = 0; k < 12; ++k)
    EXPECT_EQ(values[static_cast<std::size_t>(k)], (std::int64_t{1} << 40) + k);
  EXPECT_EQ(npy::to_integers(npy::parse(bytes_of(vector), "a.npy"), "a.npy"),
            (std::vector<std::int64_t>{3, -1, std::int64_t{1} << 62}));
}

TEST(NpyReader, ReadsAVectorAsOneColumn) {
  const std::string file = from_hex(golden::k_u1_vector);
  const npy::Array array = npy::parse(bytes_of(file), "a.npy");
  EXPECT_EQ(array.dimensions, 1);
  EXPECT_EQ(array.rows, 5);
  EXPECT_EQ(array.cols, 1);
  EXPECT_EQ(npy::to_matrix(array)(4, 0), 5);
}

TEST(NpyReader, ReadsZeroRows) {
  const Matrix m = matrix_of(from_hex(golden::k_f4_no_rows));
  EXPECT_EQ(m.rows(), 0);
  EXPECT_EQ(m.cols(), 4);
}

TEST(NpyReader, GivesEveryHalfItsValue) {
  std::string values(2 * 65536, '\0');
  for (unsigned h = 0; h < 65536; ++h) {
    values[2 * h] = static_cast<char>(h & 255);
    values[2 * h + 1] = static_cast<char>(h >> 8);
  }
  const Matrix m =
      matrix_of(file_of("{'descr': '<f2', 'fortran_order': False, 'shape': (65536,), }", values));
  for (int h = 0; h < 65536; ++h) {
    // IEEE 754 binary16: (−1)^s 2^(e − 15) (1 + f / 1024), or 2^−14 f / 1024 where e = 0.
    const int e = (h >> 10) & 31, f = h & 1023;
    const double sign = h >= 32768 ? -1 : 1;
    const float x = m(h, 0);
    EXPECT_EQ(std::signbit(x), h >= 32768) << h;
    if (e == 31 && f != 0)
      EXPECT_TRUE(std::isnan(x)) << h;
    else if (e == 31)
      EXPECT_TRUE(std::isinf(x)) << h;
    else
      EXPECT_EQ(x, sign * (e == 0 ? std::ldexp(f, -24) : std::ldexp(1024 + f, e - 25))) << h;
  }
}

// --- bytes that are no array -------------------------------------------------------------------

TEST(NpyReader, RejectsAFileThatIsMissingEmptyOrAFolder) {
  const TemporaryFolder folder;
  write_file(folder / "empty.npy", "");
  EXPECT_ERROR(IoError, "missing.npy: cannot be opened", npy::open(folder / "missing.npy"));
  EXPECT_ERROR(IoError, "empty.npy: is empty", npy::open(folder / "empty.npy"));
  EXPECT_ERROR(IoError, "is a folder", npy::open(folder.path()));
}

TEST(NpyReader, RejectsAFileCutAtAnyByte) {
  const std::string file = from_hex(golden::k_f4), second = from_hex(golden::k_f4_version_2);
  for (const std::string& whole : {file, second})
    for (std::size_t n = 0; n < whole.size(); ++n)
      EXPECT_THROW(npy::parse(bytes_of(whole).first(n), "a.npy"), IoError) << n;
}

TEST(NpyReader, SurvivesAnyByteOfTheHeaderChanged) {
  const std::string file = from_hex(golden::k_f4);
  for (std::size_t at = 0; at < 128; ++at)
    for (int byte = 0; byte < 256; ++byte) {
      std::string changed = file;
      changed[at] = static_cast<char>(byte);
      try {
        const npy::Array array = npy::parse(bytes_of(changed), "a.npy");
        ASSERT_EQ(array.rows * array.cols * npy::size_of(array.type), 48);
        npy::to_matrix(array);
      } catch (const IoError&) {
      }
    }
}

TEST(NpyReader, RejectsAnotherMagic) {
  std::string file = from_hex(golden::k_f4);
  file[5] = 'X';
  expect_rejected(file, "is not an .npy file");
  expect_rejected("PK\x03\x04 a zip file, as .npz are", "is not an .npy file");
}

TEST(NpyReader, RejectsVersionThree) {
  expect_rejected(from_hex(golden::k_f4_version_3), "version 3.0; versions 1.0 and 2.0");
}

TEST(NpyReader, RejectsAHeaderLongerThanTheFile) {
  std::string file = from_hex(golden::k_f4);
  file[8] = '\xFF';
  file[9] = '\xFF';
  expect_rejected(file, "truncated within its header");
  std::string second = from_hex(golden::k_f4_version_2);
  second[8] = second[9] = second[10] = second[11] = '\xFF';
  expect_rejected(second, "truncated within its header");
}

TEST(NpyReader, RejectsAHeaderOfMegabytes) {
  std::string file("\x93NUMPY\x02\x00\x00\x00\x10\x00", 12);  // 2^20 bytes
  file.append(1 << 20, ' ');
  expect_rejected(file, "header of 1048576 bytes; 65536 are allowed");
}

TEST(NpyReader, RejectsShapesThatLie) {
  const std::string twelve(48, '\0');
  expect_rejected(file_of_shape("(3, 5)", twelve),
                  "promises 3 × 5 values of 4 bytes, the file holds 48");
  expect_rejected(file_of_shape("(3, 3)", twelve), "holds 12 bytes more than the 3 × 3 values");
  expect_rejected(file_of_shape("(-3, 4)", twelve), "not a list of whole numbers");
  expect_rejected(file_of_shape("(3.0, 4)", twelve), "not an .npy dictionary");
  expect_rejected(file_of_shape("(281474976710656, 65536)", twelve), "promises");  // 2^64 values
  expect_rejected(file_of_shape("(4294967296, 1073741824)", twelve),
                  "promises");  // 2^62, 2^64 bytes
  expect_rejected(file_of_shape("(99999999999999999999, 1)", twelve), "beyond any memory");
  expect_rejected(file_of_shape("(18446744073709551617, 12)", twelve), "beyond any memory");
  expect_rejected(file_of_shape("(0, 281474976710656)", ""), "rows of 281474976710656 values");
  expect_rejected(file_of_shape("(281474976710656, 0)", ""), "rows without a value");
  expect_rejected(from_hex(golden::k_f4_no_columns), "4 rows without a value");
}

TEST(NpyReader, RejectsTrailingBytes) {
  expect_rejected(from_hex(golden::k_f4) + "x", "holds 1 bytes more");
}

TEST(NpyReader, RejectsDimensionsOtherThanOneAndTwo) {
  expect_rejected(from_hex(golden::k_f4_scalar), "has 0 dimensions");
  expect_rejected(from_hex(golden::k_f4_cube), "has 3 dimensions");
}

TEST(NpyReader, RejectsWhatIsNoPlainArrayOfNumbers) {
  expect_rejected(from_hex(golden::k_objects), "pickled Python objects");
  expect_rejected(from_hex(golden::k_structured), "structured array");
  expect_rejected(from_hex(golden::k_f4_big_endian), "big-endian");
  expect_rejected(from_hex(golden::k_text), "type '<U3'");
  expect_rejected(from_hex(golden::k_complex), "type '<c16'");
}

TEST(NpyReader, RejectsHeadersThatAreNoDictionaryOfTheThreeKeys) {
  const std::string four(4, '\0');
  const auto rejected = [&](const std::string& dictionary, std::string_view why) {
    expect_rejected(file_of(dictionary, four), why);
  };
  rejected("", "not an .npy dictionary");
  rejected("{", "not an .npy dictionary");
  rejected("{'descr': '<f4'}", "lacks descr, fortran_order or shape");
  rejected("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
           "descr twice");
  rejected("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}", "shape twice");
  rejected("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "neither True nor False");
  rejected("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'extra': 1}", "unknown key");
  rejected("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", "text after");
  rejected("{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}", "not an .npy dictionary");
  rejected("{'descr': '<f4', 'fortran_order': False, 'shape': 1}", "not an .npy dictionary");
  rejected("{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}", "not an .npy dictionary");
  rejected("{'descr': '" + std::string(500, '\x01') + "', 'fortran_order': False, 'shape': (1,)}",
           "type '????????????????????????????????????????…'");
}

TEST(NpyReader, RejectsFractionsWhereWholeNumbersAreExpected) {
  const std::string file = from_hex(golden::k_f4);
  EXPECT_ERROR(InvalidArgument, "a.npy: holds -3.25 in row 0, column 1, where whole numbers",
               npy::to_integers(npy::parse(bytes_of(file), "a.npy"), "a.npy"));
  const float odd[] = {std::nanf(""), INFINITY, -INFINITY, 1e19F};
  for (const float x : odd) {
    const std::string one =
        file_of_shape("(1,)", std::string(reinterpret_cast<const char*>(&x), 4));
    EXPECT_THROW(npy::to_integers(npy::parse(bytes_of(one), "a.npy"), "a.npy"), InvalidArgument)
        << x;
  }
}

// --- writing -----------------------------------------------------------------------------------

TEST(NpyWriter, WritesTheBytesThatNumpyWrites) {
  const TemporaryFolder folder;
  const auto expect_bytes = [&](std::string_view hex, const auto& rows) {
    npy::write(folder / "a.npy", rows);
    EXPECT_EQ(read_text(folder / "a.npy"), from_hex(hex));
  };
  Matrix f4(3, 4);
  BasicMatrix<double> f8(3, 4);
  BasicMatrix<std::int32_t> i4(3, 4);
  BasicMatrix<std::uint8_t> u1(3, 4);
  for (std::int32_t k = 0; k < 12; ++k) {
    f4(k / 4, k % 4) = static_cast<float>(7 * k - 20) / 4;
    f8(k / 4, k % 4) = k / 3.0;
    i4(k / 4, k % 4) = 7 * k - 20;
    u1(k / 4, k % 4) = static_cast<std::uint8_t>(7 * k + 3);
  }
  expect_bytes(golden::k_f4, f4);
  expect_bytes(golden::k_f8, std::as_const(f8).view());
  expect_bytes(golden::k_i4, std::as_const(i4).view());
  expect_bytes(golden::k_u1, std::as_const(u1).view());
  expect_bytes(golden::k_f4_no_rows, Matrix(0, 4));
  expect_bytes(golden::k_u1_vector,
               std::span<const std::uint8_t>(std::vector<std::uint8_t>{3, 1, 4, 1, 5}));
  expect_bytes(golden::k_i8_vector, std::span<const std::int64_t>(
                                        std::vector<std::int64_t>{3, -1, std::int64_t{1} << 62}));
}

TEST(NpyWriter, WritesStridedRowsAsIfTheyStoodTogether) {
  const TemporaryFolder folder;
  Matrix wide(3, 7);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 7; ++j) wide(i, j) = static_cast<float>(10 * i + j);
  npy::write(folder / "a.npy", ConstRows(wide.data() + 1, 3, 4, 7));
  const Matrix back = npy::read_matrix(folder / "a.npy");
  ASSERT_EQ(back.cols(), 4);
  for (std::int64_t i = 0; i < 3; ++i)
    for (std::int64_t j = 0; j < 4; ++j) EXPECT_EQ(back(i, j), 10 * i + j + 1);
}

TEST(NpyWriter, KeepsEveryBitOfAFloat) {
  const TemporaryFolder folder;
  Matrix m(1, 6);
  const std::uint32_t bits[] = {0x80000000, 0x00000001, 0x7F800000,
                                0xFF800000, 0x7FC12345, 0x3F800001};
  std::memcpy(m.data(), bits, sizeof bits);
  npy::write(folder / "a.npy", m);
  EXPECT_EQ(sha256(npy::read_matrix(folder / "a.npy")), sha256(m));
}

TEST(NpyWriter, IgnoresTheLocaleOfItsHost) {
  struct Grouping : std::numpunct<char> {
    std::string do_grouping() const override { return "\3"; }
    char do_thousands_sep() const override { return '.'; }
  };
  const TemporaryFolder folder;
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new Grouping));
  npy::write(folder / "a.npy", Matrix(1234, 1));
  std::locale::global(before);
  EXPECT_EQ(npy::read_matrix(folder / "a.npy").rows(), 1234);
}

TEST(NpyWriter, NamesAFolderThatIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_ERROR(IoError, "none/a.npy: cannot be created",
               npy::write(folder / "none/a.npy", Matrix(1, 1)));
}

TEST(NpyFile, StaysReadableAfterItIsMoved) {
  const TemporaryFolder folder;
  write_file(folder / "a.npy", from_hex(golden::k_f4));
  npy::File first = npy::open(folder / "a.npy");
  const npy::File second = std::move(first);
  EXPECT_EQ(npy::to_matrix(second.array)(0, 1), -3.25F);
}

}  // namespace
}  // namespace latlas
