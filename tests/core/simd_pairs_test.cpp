#include "latlas/core/simd_pairs.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "latlas/core/random.h"

namespace latlas {
namespace {

TEST(PairProduct, IsTheSumOfTheProducts) {
  if (!has_pair_product()) GTEST_SKIP() << "this processor has no such instruction";
  for (const std::int64_t pairs : {1, 7, 64}) {
    std::vector<std::int32_t> queries(static_cast<std::size_t>(kPairRows * pairs)),
        panel(static_cast<std::size_t>(kPairColumns * pairs)), out(kPairRows * kPairColumns);
    const auto draw = [&](std::vector<std::int32_t>& x, std::uint32_t sub) {
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = static_cast<std::int32_t>(
                   random::below(std::uint64_t{1} << 32, {.sub = sub, .index = i})) &
               0x07FF'07FF;
      for (std::size_t i = 0; i < x.size(); i += 3) x[i] = -x[i];
    };
    draw(queries, 1);
    draw(panel, 2);
    pair_product(pairs, queries.data(), panel.data(), out.data());
    const auto low = [](std::int32_t x) {
      return static_cast<std::int64_t>(static_cast<std::int16_t>(x));
    };
    const auto high = [](std::int32_t x) { return static_cast<std::int64_t>(x >> 16); };
    for (std::int64_t i = 0; i < kPairRows; ++i)
      for (std::int64_t j = 0; j < kPairColumns; ++j) {
        std::int64_t sum = 0;
        for (std::int64_t k = 0; k < pairs; ++k) {
          const std::int32_t a = queries[static_cast<std::size_t>(i * pairs + k)],
                             b = panel[static_cast<std::size_t>(k * kPairColumns + j)];
          sum += low(a) * low(b) + high(a) * high(b);
        }
        ASSERT_EQ(out[static_cast<std::size_t>(i * kPairColumns + j)], sum);
      }
  }
}

}  // namespace
}  // namespace latlas
