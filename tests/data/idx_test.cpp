#include "latlas/data/idx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/data/gzip.h"
#include "tests/data/gzip_bytes.h"
#include "tests/data/temporary_folder.h"

namespace latlas {
namespace {

std::string big_endian(std::uint32_t x) {
  return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8),
          static_cast<char>(x)};
}
std::string image_header(std::uint32_t n, std::uint32_t height, std::uint32_t width) {
  return big_endian(0x803) + big_endian(n) + big_endian(height) + big_endian(width);
}
std::string label_header(std::uint32_t n) { return big_endian(0x801) + big_endian(n); }
std::string sevens(int n) {  // 0, 7, 14, … as bytes
  std::string out;
  for (int i = 0; i < n; ++i) out += static_cast<char>(7 * i);
  return out;
}
std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

Bytes bytes_of(const std::string& s) { return std::as_bytes(std::span(s)); }
idx::Images images(const std::string& s) { return idx::parse_images(bytes_of(s), "x"); }
std::vector<std::uint8_t> labels(const std::string& s) {
  return idx::parse_labels(bytes_of(s), "x");
}

template <class Read>
std::string error_of(Read read) {
  try {
    read();
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

const std::string kImages = image_header(3, 4, 5) + sevens(60);
// gzip.compress(kImages, 9, mtime=0) of Python 3.11
const std::string kImagesGzip = from_hex(
    "1f8b08000000000002036360e06066606000611620666560e7139551d632b4b077f30d894eca2c28af6bed993c6be1"
    "8af5dbf61e397de9e683e7efbefe61e612949057d335b176f20c088f4bcd29ae6aece89f361700900ad49c4c00000"
    "0");
// the same of image_header(40, 28, 28) and 31360 zeros: a ratio of 402
const std::string kBlankGzip = from_hex(
    "1f8b0800000000000203edc3310d002000c0b0253c884000fe15c281088e3669cd51ed7bbd0000000000000000"
    "000000000000000000000000000000000000000000007ce40074539ac4907a0000");

void expect_three_images(const idx::Images& found) {
  EXPECT_EQ(found.height, 4);
  EXPECT_EQ(found.width, 5);
  ASSERT_EQ(found.pixels.rows(), 3);
  ASSERT_EQ(found.pixels.cols(), 20);
  for (int i = 0; i < 60; ++i) EXPECT_EQ(found.pixels(i / 20, i % 20), (7 * i) % 256);
}

TEST(IdxReader, ReadsImagesPlainAndGzipped) {
  expect_three_images(images(kImages));
  expect_three_images(images(kImagesGzip));
  expect_three_images(images(test::gzip_stored(kImages)));
}

TEST(IdxReader, ReadsLabelsPlainAndGzipped) {
  const std::string bytes = label_header(4) + std::string("\0\1\x09\xff", 4);
  const std::vector<std::uint8_t> expected = {0, 1, 9, 255};
  EXPECT_EQ(labels(bytes), expected);
  EXPECT_EQ(labels(test::gzip_stored(bytes)), expected);
}

TEST(IdxReader, ReadsGzipMembersGluedTogether) {
  expect_three_images(
      images(test::gzip_stored(kImages.substr(0, 30)) + test::gzip_stored(kImages.substr(30))));
}

TEST(IdxReader, ReadsImagesThatCompressFarBetterThanMost) {
  const idx::Images found = images(kBlankGzip);
  EXPECT_EQ(found.pixels.rows(), 40);
  EXPECT_TRUE(std::all_of(found.pixels.data(), found.pixels.data() + found.pixels.size(),
                          [](std::uint8_t p) { return p == 0; }));
}

// Malformed images, and a part of the sentence that each deserves.
struct Malformed {
  const char* name;
  std::string bytes;
  const char* sentence;
};

std::vector<Malformed> malformed_images() {
  const std::string four_billion = image_header(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF) + sevens(60);
  std::string flipped = kImagesGzip, wrong_length = kImagesGzip;
  flipped[40] = static_cast<char>(flipped[40] ^ 0x10);
  wrong_length.back() = 1;
  std::string wrong_checksum = test::gzip_stored(kImages);
  wrong_checksum[40] = static_cast<char>(wrong_checksum[40] ^ 1);
  return {
      {"empty", "", "x: is empty"},
      {"one byte", std::string(1, '\0'), "truncated within its header"},
      {"half a magic", std::string(2, '\0'), "truncated within its header"},
      {"half a header", kImages.substr(0, 11), "truncated within its header"},
      {"header only", kImages.substr(0, 16), "is truncated"},
      {"one byte short", kImages.substr(0, kImages.size() - 1), "is truncated"},
      {"one byte long", kImages + "x", "holds more bytes"},
      {"text", "<!DOCTYPE html><html></html>", "is not an IDX file of images"},
      {"floats", big_endian(0xD03) + kImages.substr(4), "is not an IDX file of images"},
      {"two dimensions", big_endian(0x802) + kImages.substr(4), "is not an IDX file of images"},
      {"labels", label_header(3) + "abc", "holds labels where images are expected"},
      {"no images", image_header(0, 28, 28), "holds no images"},
      {"no height", image_header(3, 0, 28), "images of 0 × 28 pixels"},
      {"no width", image_header(3, 28, 0), "images of 28 × 0 pixels"},
      {"a header that overflows", four_billion, "is truncated"},
      {"a header that promises more", image_header(60000, 28, 28) + sevens(60), "is truncated"},
      {"gzip magic alone", kImagesGzip.substr(0, 2), "gzip stream breaks off"},
      {"gzip header alone", kImagesGzip.substr(0, 10), "gzip stream breaks off"},
      {"gzip without its end", kImagesGzip.substr(0, 60), "is truncated"},
      {"gzip without its checksum", kImagesGzip.substr(0, kImagesGzip.size() - 8),
       "gzip stream breaks off"},
      {"gzip with a flipped bit", flipped, "x: is damaged"},
      {"gzip with a wrong checksum", wrong_checksum, "x: is damaged"},
      {"gzip with a wrong length", wrong_length, "x: is damaged"},
      {"gzip and trailing bytes", kImagesGzip + "xyz", "bytes after the end of its gzip stream"},
      {"gzip of nothing", test::gzip_stored(""), "truncated within its header"},
      {"gzip of text", test::gzip_stored("hello, world, hello"), "is not an IDX file of images"},
      {"gzip that overflows", test::gzip_stored(four_billion), "is truncated"},
      {"gzip beyond deflate's ratio", test::gzip_stored(image_header(60000, 28, 28)),
       "is truncated"},
      {"gzip beyond likelihood", test::gzip_stored(image_header(3, 100, 100) + sevens(60)),
       "is truncated"},
      {"gzip one byte short", test::gzip_stored(kImages.substr(0, kImages.size() - 1)),
       "is truncated"},
      {"gzip one byte long", test::gzip_stored(kImages + "x"), "holds more bytes"},
      {"gzip of gzip", test::gzip_stored(kImagesGzip), "is not an IDX file of images"},
  };
}

TEST(IdxReader, RejectsMalformedImagesInOneSentence) {
  for (const Malformed& m : malformed_images()) {
    const std::string error = error_of([&] { images(m.bytes); });
    EXPECT_NE(error.find(m.sentence), std::string::npos) << m.name << ": " << error;
    EXPECT_TRUE(error.starts_with("x: ")) << m.name << ": " << error;
  }
}

TEST(IdxReader, RejectsMalformedLabelsInOneSentence) {
  const std::string good = label_header(3) + "abc";
  const std::vector<Malformed> all = {
      {"empty", "", "x: is empty; expected IDX labels"},
      {"half a header", good.substr(0, 6), "truncated within its header"},
      {"one byte short", good.substr(0, good.size() - 1), "promises 3 labels"},
      {"one byte long", good + "d", "holds more bytes than the 3 labels"},
      {"no labels", label_header(0), "holds no labels"},
      {"images", kImages, "holds images where labels are expected"},
      {"four billion", label_header(0xFFFFFFFF) + "abc", "is truncated"},
      {"gzip of four billion", test::gzip_stored(label_header(0xFFFFFFFF) + "abc"), "is truncated"},
  };
  for (const Malformed& m : all) {
    const std::string error = error_of([&] { labels(m.bytes); });
    EXPECT_NE(error.find(m.sentence), std::string::npos) << m.name << ": " << error;
  }
}

TEST(IdxReader, RejectsEveryTruncationAndEveryFlippedBitOfGzip) {
  for (std::size_t n = 0; n < kImagesGzip.size(); ++n)
    EXPECT_THROW(images(kImagesGzip.substr(0, n)), IoError) << n;
  const idx::Images good = images(kImagesGzip);
  for (std::size_t bit = 0; bit < 8 * kImagesGzip.size(); ++bit) {
    std::string bytes = kImagesGzip;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    try {  // a few bits of gzip's header (time, system) mean nothing: then all must be as before
      EXPECT_EQ(sha256(images(bytes).pixels.view()), sha256(good.pixels.view())) << bit;
    } catch (const IoError&) {
    }
  }
}

TEST(Gzip, GivesTheSameBytesInPiecesOfAnySize) {
  const std::string text = sevens(1000);
  const std::string compressed =
      test::gzip_stored(text.substr(0, 400)) + test::gzip_stored(text.substr(400));
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{400}, std::size_t{5000}}) {
    GzipReader reader(bytes_of(compressed), "x");
    std::string found, buffer(piece, '\0');
    for (std::size_t n = piece; n == piece;) {
      n = reader.read(std::as_writable_bytes(std::span(buffer)));
      found.append(buffer, 0, n);
    }
    EXPECT_EQ(found, text) << piece;
  }
}

// Folders of four files.

class IdxFolder : public testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }
  void put_all() const {
    put("train-images-idx3-ubyte", kImages);
    put("train-labels-idx1-ubyte.gz",
        test::gzip_stored(label_header(3) + std::string("\0\2\1", 3)));
    put("t10k-images.idx3-ubyte", image_header(1, 4, 5) + sevens(20));
    put("t10k-labels.idx1-ubyte.gz", label_header(1) + "\3");  // .gz in name only
  }
  std::string error() const {
    return error_of([&] { read_idx_folder(folder_.path()); });
  }
  test::TemporaryFolder folder_;
};

TEST_F(IdxFolder, IsReadInAnySpelling) {
  put_all();
  const Dataset d = read_idx_folder(folder_.path());
  EXPECT_EQ(d.train.rows(), 3);
  EXPECT_EQ(d.test.rows(), 1);
  EXPECT_EQ(d.train_labels, (std::vector<std::uint8_t>{0, 2, 1}));
  EXPECT_EQ(d.test_labels, (std::vector<std::uint8_t>{3}));
  EXPECT_EQ(d.height, 4);
  EXPECT_EQ(d.width, 5);
  EXPECT_EQ(d.class_names, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(d.name, folder_.path().filename().string());
  EXPECT_EQ(read_idx_folder(folder_.path() / "").name, d.name);
  EXPECT_EQ(d.source, "IDX files in " + folder_.path().string());
}

TEST_F(IdxFolder, IsReadTheSameByAnyNumberOfThreads) {
  put_all();
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    const Dataset d = read_idx_folder(folder_.path());
    EXPECT_EQ(sha256(d.train.view()), sha256(images(kImages).pixels.view()));
  }
}

TEST_F(IdxFolder, NamesTheFileThatIsMissing) {
  put_all();
  std::filesystem::remove(folder_.path() / "t10k-labels.idx1-ubyte.gz");
  EXPECT_FALSE(idx::find_files(folder_.path()));
  EXPECT_NE(error().find("lacks t10k-labels-idx1-ubyte "), std::string::npos) << error();
  EXPECT_EQ(error().find("train"), std::string::npos) << error();
}

TEST_F(IdxFolder, MustBeAFolder) {
  EXPECT_NE(error_of([&] { read_idx_folder(folder_.path() / "nowhere"); }).find("is not a folder"),
            std::string::npos);
}

TEST_F(IdxFolder, NamesTheFileAtFault) {
  put_all();
  put("train-labels-idx1-ubyte.gz", "");
  EXPECT_NE(error().find("train-labels-idx1-ubyte.gz: is empty"), std::string::npos) << error();
}

TEST_F(IdxFolder, NamesBothFilesWhenTheirCountsDiffer) {
  put_all();
  put("train-labels-idx1-ubyte.gz", label_header(2) + "ab");
  EXPECT_NE(error().find("train-images-idx3-ubyte: holds 3 images, but "), std::string::npos)
      << error();
  EXPECT_NE(error().find("train-labels-idx1-ubyte.gz holds 2 labels"), std::string::npos)
      << error();
}

TEST_F(IdxFolder, NamesBothFilesWhenTheirShapesDiffer) {
  put_all();
  put("t10k-images.idx3-ubyte", image_header(1, 5, 4) + sevens(20));
  EXPECT_NE(error().find("4 × 5"), std::string::npos) << error();
  EXPECT_NE(error().find("5 × 4"), std::string::npos) << error();
}

}  // namespace
}  // namespace latlas
