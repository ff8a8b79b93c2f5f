#include "latlas/core/digest.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>
#include <string_view>

namespace latlas {
namespace {

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string digest(Bytes bytes) {
  Digest d;
  d.add(bytes);
  return d.hex();
}

/// The bytes 0, 1, 2, …
std::string counted(std::size_t size) {
  std::string out(size, '\0');
  std::iota(out.begin(), out.end(), '\0');
  return out;
}

// xxhash.xxh64(…).hexdigest() of the Python package xxhash 3.
TEST(Digest, AgreesWithTheReferenceOfXxh64) {
  EXPECT_EQ(digest({}), "ef46db3751d8e999");
  EXPECT_EQ(digest(bytes_of("a")), "d24ec4f1a98c6e5b");
  EXPECT_EQ(digest(bytes_of("abc")), "44bc2cf5ad770999");
  EXPECT_EQ(digest(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "f06103773e8585df");
  EXPECT_EQ(digest(bytes_of(std::string(1000000, 'a'))), "dc483aaa9b4fdc40");
  EXPECT_EQ(digest(bytes_of(counted(31))), "c346d2b59b4d8ee1");
  EXPECT_EQ(digest(bytes_of(counted(32))), "cbf59c5116ff32b4");
  EXPECT_EQ(digest(bytes_of(counted(100))), "6ac1e58032166597");
}

TEST(Digest, DoesNotDependOnHowThePiecesAreCut) {
  const std::string values = counted(100);
  const Bytes bytes = bytes_of(values);
  for (std::size_t first = 0; first <= bytes.size(); ++first)
    for (std::size_t second = 0; first + second <= bytes.size(); second += 7) {
      Digest d;
      d.add(bytes.first(first));
      d.add(bytes.subspan(first, second));
      d.add(bytes.subspan(first + second));
      ASSERT_EQ(d.hex(), "6ac1e58032166597") << first << ", " << second;
    }
}

TEST(Digest, OfAPartLeavesRoomForMore) {
  Digest d;
  d.add(bytes_of("a"));
  EXPECT_EQ(d.hex(), "d24ec4f1a98c6e5b");
  d.add(bytes_of("bc"));
  EXPECT_EQ(d.hex(), "44bc2cf5ad770999");
}

}  // namespace
}  // namespace latlas
