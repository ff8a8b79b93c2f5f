// Bounds of statistical tests are five or more standard errors; the draws are fixed, so a test
// that passes once passes always.
#include "latlas/core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

#include "latlas/core/hash.h"

namespace latlas {
namespace {

using random::Stream;

#ifdef LATLAS_EMULATED
constexpr std::uint64_t kDraws = 20000;
#else
constexpr std::uint64_t kDraws = 400000;
#endif

TEST(Philox, AgreesWithTheKnownAnswersOfRandom123) {
  // kat_vectors of Random123 1.14, philox4x32 with ten rounds.
  using Words = std::array<std::uint32_t, 4>;
  EXPECT_EQ(random::philox({0, 0, 0, 0}, {0, 0}),
            (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(random::philox({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      random::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, DependsOnEveryPartOfTheAddress) {
  const random::Address at{.seed = 1, .stream = Stream::test, .sub = 2, .index = 3};
  std::vector<std::uint64_t> draws = {random::bits(at)};
  for (int bit = 0; bit < 64; ++bit) {
    random::Address other = at;
    other.seed ^= std::uint64_t{1} << bit;
    draws.push_back(random::bits(other));
    other = at;
    other.index ^= std::uint64_t{1} << bit;
    draws.push_back(random::bits(other));
    other = at;
    other.sub ^= 1U << (bit % 32);
    if (bit < 32) draws.push_back(random::bits(other));
  }
  random::Address other = at;
  other.stream = Stream::noise;
  draws.push_back(random::bits(other));
  std::sort(draws.begin(), draws.end());
  EXPECT_EQ(std::unique(draws.begin(), draws.end()), draws.end());
}

TEST(RandomUniform, FillsItsIntervalEvenly) {
  // 64 bins: χ² has 63 degrees of freedom, mean 63, deviation √126 = 11.2.
  std::vector<double> bins(64);
  double sum = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double x = random::uniform({.index = i});
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    ++bins[static_cast<std::size_t>(x * 64)];
    sum += x;
  }
  const double expected = kDraws / 64.0, n = kDraws;
  double chi2 = 0;
  for (const double b : bins) chi2 += (b - expected) * (b - expected) / expected;
  EXPECT_LT(chi2, 63 + 6 * 11.2);
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1 / 12.0 / n));
}

TEST(RandomUniform, LeavesOutItsUpperEnd) {
  // Between neighbors of floating point every draw rounds to one end or the other.
  const double low = 1, high = std::nextafter(low, 2);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(random::uniform(low, high, {.index = i}), low);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const double x = random::uniform(-3, 5, {.index = i});
    EXPECT_GE(x, -3);
    EXPECT_LT(x, 5);
  }
}

TEST(RandomNormal, HasTheMomentsOfTheNormalDistribution) {
  // The k-th moment's variance is (E x^2k − (E x^k)²) / n, with E x^2, 4, 6, 8 = 1, 3, 15, 105.
  double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
  std::uint64_t within = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const double x = random::normal({.index = i});
    ASSERT_TRUE(std::isfinite(x));
    m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
    within += std::abs(x) < 1 ? 1 : 0;
  }
  const double n = kDraws;
  EXPECT_NEAR(m1 / n, 0, 5 * std::sqrt(1 / n));
  EXPECT_NEAR(m2 / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(m3 / n, 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(m4 / n, 3, 5 * std::sqrt((105 - 9) / n));
  EXPECT_NEAR(static_cast<double>(within) / n, 0.6826894921, 5 * std::sqrt(0.683 * 0.317 / n));
}

TEST(RandomNormal, OfNeighboringAddressesIsUncorrelated) {
  double sum = 0;
  for (std::uint64_t i = 0; i < kDraws; ++i)
    sum += random::normal({.index = i}) * random::normal({.index = i + 1});
  EXPECT_NEAR(sum / kDraws, 0, 5 / std::sqrt(static_cast<double>(kDraws)));
}

TEST(RandomBelow, IsEvenForSmallNumbers) {
  for (std::uint64_t n = 1; n <= 10; ++n) {
    std::vector<double> counts(n);
    const std::uint64_t draws = kDraws / 10;
    for (std::uint64_t i = 0; i < draws; ++i)
      ++counts.at(random::below(n, {.sub = static_cast<std::uint32_t>(n), .index = i}));
    const double p = 1.0 / static_cast<double>(n), d = static_cast<double>(draws);
    for (const double c : counts) EXPECT_NEAR(c, d * p, 5 * std::sqrt(d * p * (1 - p)) + 1e-9) << n;
  }
}

TEST(RandomBelow, TurnsAwayWhatWouldBias) {
  // The range 3 · 2^62 is three quarters of that of the raw draws: a quarter of them must be turned
  // away, else multiples of 3 would come twice as often as other numbers.
  const std::uint64_t n = std::uint64_t{3} << 62;
  std::uint64_t thirds[3] = {}, residues[3] = {};
  for (std::uint64_t i = 0; i < kDraws; ++i) {
    const std::uint64_t x = random::below(n, {.index = i});
    ASSERT_LT(x, n);
    ++thirds[x >> 62];
    ++residues[x % 3];
  }
  const double expected = kDraws / 3.0, deviation = std::sqrt(kDraws * 2.0 / 9);
  for (int t = 0; t < 3; ++t) {
    EXPECT_NEAR(static_cast<double>(thirds[t]), expected, 5 * deviation);
    EXPECT_NEAR(static_cast<double>(residues[t]), expected, 5 * deviation);
  }
}

TEST(RandomShuffle, PermutesAndDependsOnItsAddress) {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 100U, 1000U}) {
    std::vector<std::int32_t> a(n), b, c;
    std::iota(a.begin(), a.end(), 0);
    b = c = a;
    const std::vector<std::int32_t> ordered = a;
    random::shuffle(a, {.stream = Stream::shuffle, .sub = 1});
    random::shuffle(b, {.stream = Stream::shuffle, .sub = 1});
    random::shuffle(c, {.stream = Stream::shuffle, .sub = 2});
    EXPECT_EQ(a, b);
    if (n >= 100) {
      EXPECT_NE(a, c);
    }
    std::sort(a.begin(), a.end());
    EXPECT_EQ(a, ordered);
  }
}

TEST(RandomShuffle, GivesEveryPermutationItsShare) {
  std::map<std::vector<std::int32_t>, double> counts;
  const std::uint64_t draws = kDraws / 10;
  for (std::uint64_t i = 0; i < draws; ++i) {
    std::vector<std::int32_t> v = {0, 1, 2, 3};
    random::shuffle(v, {.stream = Stream::shuffle, .sub = static_cast<std::uint32_t>(i)});
    ++counts[v];
  }
  EXPECT_EQ(counts.size(), 24U);
  const double p = 1.0 / 24, d = static_cast<double>(draws);
  for (const auto& [permutation, count] : counts)
    EXPECT_NEAR(count, d * p, 5 * std::sqrt(d * p * (1 - p)));
}

TEST(Random, GivesTheBitsThatEveryMachineGives) {
  std::vector<double> values;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const random::Address at{.seed = 7, .stream = Stream::start, .sub = 3, .index = i << 20};
    values.push_back(random::uniform(-1, 1, at));
    values.push_back(random::normal(at));
    values.push_back(static_cast<double>(random::below(i + 1, at)));
  }
  EXPECT_EQ(sha256(std::as_bytes(std::span(values))),
            "0234f13727f9e8349465309d9df055baf1edc4ea4e32ab04a9cac69c262011ed");
}

}  // namespace
}  // namespace latlas
