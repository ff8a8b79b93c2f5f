#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "latlas/core/parallel.h"

namespace latlas {
namespace {

TEST(Team, RunsEveryTileOfEveryPhaseOnce) {
  for (const int n : {1, 2, 3, 7}) {
    const ThreadLimit limit(n);
    std::vector<int> counts(100, 0);
    with_team([&] {
      for (int phase = 0; phase < 2000; ++phase)
        parallel_for(100, 7, [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t i = begin; i < end; ++i) ++counts[static_cast<std::size_t>(i)];
        });
    });
    EXPECT_EQ(counts, std::vector<int>(100, 2000)) << n;
  }
}

TEST(Team, NumbersWorkersBelowThreads) {
  const ThreadLimit limit(3);
  std::atomic<bool> bad{false};
  with_team([&] {
    EXPECT_EQ(threads(), 3);
    for (int phase = 0; phase < 200; ++phase)
      parallel_for_worker(50, 1, [&](std::int64_t, std::int64_t, int worker) {
        if (worker < 0 || worker >= 3 || threads() != 1) bad = true;
      });
    EXPECT_EQ(threads(), 3);
  });
  EXPECT_FALSE(bad);
}

TEST(Team, LetsTilesStartWorkOfTheirOwn) {
  const ThreadLimit limit(2);
  std::atomic<int> sum{0};
  with_team([&] {
    parallel_for(10, 1, [&](std::int64_t, std::int64_t) {
      parallel_for(10, 1, [&](std::int64_t, std::int64_t) { ++sum; });
    });
    with_team([&] { parallel_for(10, 1, [&](std::int64_t, std::int64_t) { ++sum; }); });
  });
  EXPECT_EQ(sum, 110);
}

TEST(Team, HandsErrorsOfTilesAndOfTheBodyToTheCaller) {
  const ThreadLimit limit(2);
  int phases = 0;
  EXPECT_THROW(with_team([&] {
                 ++phases;
                 parallel_for(10, 1, [](std::int64_t begin, std::int64_t) {
                   if (begin == 5) throw std::runtime_error("five");
                 });
                 ++phases;
               }),
               std::runtime_error);
  EXPECT_EQ(phases, 1);
  EXPECT_THROW(with_team([] { throw std::runtime_error("body"); }), std::runtime_error);
}

}  // namespace
}  // namespace latlas
