// The loads, stores and transpositions of core/simd-inl.h: they move numbers and change none.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "latlas/core/random.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/core/simd_moves_test.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {
void transposed(const float* x, float* y) { transpose(x, 16, y, 16); }
void quads(const float* x, float* y) {  // 64 in quadruples → four F16 → 64 in quadruples
  F16 a[4];
  load_quads(x, a);
  for (int i = 0; i < 4; ++i) store(a[i], y + 16 * i);
  store_quads(a, y + 64);
}
void pairs(const float* x, float* y) {
  F16 a, b;
  load_pairs(x, a, b);
  store(a, y);
  store(b, y + 16);
  store_pairs(a, b, y + 32);
}
void gathered(const float* xy, const std::int32_t* index, float* y) {
  std::uint16_t narrow[16];
  for (int i = 0; i < 16; ++i) narrow[i] = static_cast<std::uint16_t>(index[i]);
  F16 a, b;
  gather_pairs(xy, index, a, b);
  store(a, y);
  store(b, y + 16);
  gather_pairs(xy, narrow, a, b);
  store(a, y + 32);
  store(b, y + 48);
}
void words(const std::uint16_t* x, float* y) { store(load(x), y); }
void row_sums(float* x, float* y) {
  for (int i = 0; i < 16; ++i) y[16 + i] = reduce(load(x + 16 * i));
  store(reduce_rows(x), y);
}
void four(const float* x, float* y) { store4(fma4(load4(x), x[4], load4(x + 5)), y); }
}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(transposed);
HWY_EXPORT(quads);
HWY_EXPORT(pairs);
HWY_EXPORT(gathered);
HWY_EXPORT(words);
HWY_EXPORT(row_sums);
HWY_EXPORT(four);

class SimdMoves : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { simd::select(GetParam()); }
  void TearDown() override { simd::select(simd::available().front()); }
  static std::vector<float> counting(std::size_t n) {
    std::vector<float> x(n);
    std::iota(x.begin(), x.end(), 0.0F);
    return x;
  }
};
INSTANTIATE_TEST_SUITE_P(All, SimdMoves, testing::ValuesIn(simd::available()),
                         [](const auto& info) { return info.param; });

TEST_P(SimdMoves, TransposeTurnsRowsIntoColumns) {
  const auto x = counting(256);
  std::vector<float> y(256);
  LATLAS_DISPATCH(transposed)(x.data(), y.data());
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 16; ++j) EXPECT_EQ(y[16 * i + j], x[16 * j + i]);
}

TEST_P(SimdMoves, QuadsAndPairsComeApartAndTogether) {
  const auto x = counting(64);
  std::vector<float> y(128);
  LATLAS_DISPATCH(quads)(x.data(), y.data());
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(y[16 * (i % 4) + i / 4], x[i]);
  EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin() + 64));
  LATLAS_DISPATCH(pairs)(x.data(), y.data());
  for (std::size_t i = 0; i < 32; ++i) EXPECT_EQ(y[16 * (i % 2) + i / 2], x[i]);
  EXPECT_TRUE(std::equal(x.begin(), x.begin() + 32, y.begin() + 32));
}

TEST_P(SimdMoves, GathersPairsAtWideAndNarrowIndices) {
  const auto xy = counting(1000);
  std::vector<std::int32_t> index;
  for (std::uint64_t i = 0; i < 16; ++i)
    index.push_back(static_cast<std::int32_t>(random::below(500, {.index = i})));
  std::vector<float> y(64);
  LATLAS_DISPATCH(gathered)(xy.data(), index.data(), y.data());
  for (std::size_t i = 0; i < 16; ++i)
    for (const std::size_t at : {0, 32}) {
      EXPECT_EQ(y[at + i], static_cast<float>(2 * index[i]));
      EXPECT_EQ(y[at + 16 + i], static_cast<float>(2 * index[i] + 1));
    }
}

TEST_P(SimdMoves, WordsBecomeTheirValues) {
  std::vector<std::uint16_t> x;
  for (int i = 0; i < 16; ++i) x.push_back(static_cast<std::uint16_t>(i * 4369));  // 0 … 65535
  std::vector<float> y(16);
  LATLAS_DISPATCH(words)(x.data(), y.data());
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(y[i], static_cast<float>(x[i]));
}

TEST_P(SimdMoves, ReduceRowsIsReduceOfEveryRowToTheBit) {
  std::vector<float> x(256), y(32);
  for (std::size_t i = 0; i < 256; ++i)
    x[i] = static_cast<float>(random::normal({.index = i}) * (i % 7 == 0 ? 1e4 : 1));
  LATLAS_DISPATCH(row_sums)(x.data(), y.data());
  EXPECT_TRUE(std::equal(y.begin(), y.begin() + 16, y.begin() + 16));
}

TEST_P(SimdMoves, FourFloatsAreMultipliedAndAddedWithOneRounding) {
  const float e = 1.0F + 0x1p-23F;
  const std::vector<float> x = {e, e, 2, 3, e, -1, 0, 1, 2};
  std::vector<float> y(4);
  LATLAS_DISPATCH(four)(x.data(), y.data());
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(y[i], std::fma(x[i], e, x[5 + i]));
}

}  // namespace
}  // namespace latlas
#endif
