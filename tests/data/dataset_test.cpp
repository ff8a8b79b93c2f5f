#include "latlas/data/dataset.h"

#include <gtest/gtest.h>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"

namespace latlas {
namespace {

TEST(Scaled, IsTheCorrectlyRoundedQuotient) {
  ByteMatrix all(2, 128);
  for (int v = 0; v < 256; ++v) all(v / 128, v % 128) = static_cast<std::uint8_t>(v);
  const Matrix out = scaled(all);
  for (int v = 0; v < 256; ++v)  // double has more than twice float's digits: rounded twice is once
    EXPECT_EQ(out(v / 128, v % 128), static_cast<float>(v / 255.0)) << v;
  EXPECT_EQ(out(1, 127), 1.0F);
}

TEST(Scaled, TakesRowsApartAndNoRows) {
  ByteMatrix wide(3, 10);
  wide(2, 3) = 255;
  const Matrix out = scaled(MatrixView<const std::uint8_t>(wide.data(), 3, 4, 10));
  EXPECT_EQ(out.cols(), 4);
  EXPECT_EQ(out(2, 3), 1.0F);
  EXPECT_EQ(scaled(ByteMatrix(0, 784)).rows(), 0);
}

TEST(Scaled, GivesTheSameBitsForAnyThreadsAndInstructions) {
  ByteMatrix rows(1000, 7);
  for (std::int64_t i = 0; i < rows.size(); ++i) rows.data()[i] = static_cast<std::uint8_t>(i);
  const std::string expected = sha256(scaled(rows));
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    for (const auto& target : simd::available()) {
      simd::select(target);
      EXPECT_EQ(sha256(scaled(rows)), expected);
    }
  }
  simd::select(simd::available().front());
}

Dataset five_and_three() {
  Dataset d;
  d.name = "d";
  d.train = ByteMatrix(5, 2);
  d.test = ByteMatrix(3, 2);
  for (int i = 0; i < 5; ++i) d.train(i, 0) = static_cast<std::uint8_t>(i);
  d.train_labels = {0, 1, 2, 3, 4};
  d.test_labels = {0, 1, 2};
  return d;
}

TEST(FirstRows, KeepsImagesWithTheirLabels) {
  const Dataset d = first_rows(five_and_three(), 2, 1);
  EXPECT_EQ(d.train.rows(), 2);
  EXPECT_EQ(d.train(1, 0), 1);
  EXPECT_EQ(d.train_labels, (std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(d.test.rows(), 1);
  EXPECT_EQ(d.test_labels.size(), 1U);
}

TEST(FirstRows, KeepsAllForZero) {
  const Dataset d = first_rows(five_and_three(), 0, 3);
  EXPECT_EQ(d.train.rows(), 5);
  EXPECT_EQ(d.test.rows(), 3);
}

TEST(FirstRows, RejectsMoreThanThereAre) {
  EXPECT_THROW(first_rows(five_and_three(), 6, 0), InvalidArgument);
  EXPECT_THROW(first_rows(five_and_three(), 0, 4), InvalidArgument);
  EXPECT_THROW(first_rows(five_and_three(), -1, 0), InvalidArgument);
}

}  // namespace
}  // namespace latlas
