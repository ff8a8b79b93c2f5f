#include "latlas/core/hash.h"

#include <gtest/gtest.h>

#include "tests/core/helpers.h"

namespace latlas {
namespace {

Bytes bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// NIST, FIPS 180 example vectors.
constexpr const char* kEmpty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, AgreesWithTheVectorsOfNist) {
  EXPECT_EQ(sha256(Bytes{}), kEmpty);
  EXPECT_EQ(sha256(bytes_of("abc")), kAbc);
  EXPECT_EQ(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(bytes_of(std::string(1000000, 'a'))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowThePiecesAreCut) {
  Sha256 hash;
  for (const char* piece : {"a", "", "b", "c"}) hash.add(bytes_of(piece));
  EXPECT_EQ(hash.hex(), kAbc);
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const TemporaryFolder folder;
  write_file(folder / "abc", "abc");
  write_file(folder / "empty", "");
  EXPECT_EQ(sha256_of_file(folder / "abc"), kAbc);
  EXPECT_EQ(sha256_of_file(folder / "empty"), kEmpty);
  EXPECT_ERROR(IoError, "none: cannot be opened", sha256_of_file(folder / "none"));
}

TEST(Sha256, OfRowsLeavesOutWhatStandsBetweenThem) {
  Matrix wide(3, 8);
  for (std::int64_t i = 0; i < wide.size(); ++i) wide.data()[i] = static_cast<float>(i);
  const ConstRows window(wide.data(), 3, 5, 8);
  EXPECT_EQ(sha256(window), sha256(copy_of(window)));
  EXPECT_NE(sha256(window), sha256(wide));
  EXPECT_EQ(sha256(Matrix(0, 5)), kEmpty);
}

}  // namespace
}  // namespace latlas
