#include "latlas/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "latlas/core/random.h"
#include "tests/core/helpers.h"

namespace latlas {
namespace {

constexpr int kThreadCounts[] = {1, 2, 3, 7};

TEST(ParallelFor, CallsEveryIndexOnceInTilesOfTheSizeGiven) {
  for (const int count : kThreadCounts) {
    const ThreadLimit limit(count);
    for (const std::int64_t n : {0, 1, 2, 63, 64, 65, 1000})
      for (const std::int64_t tile : {1, 2, 64, 999, 1000, 1001}) {
        std::vector<std::atomic<int>> calls(static_cast<std::size_t>(n));
        parallel_for(n, tile, [&](std::int64_t begin, std::int64_t end) {
          EXPECT_EQ(begin % tile, 0);
          EXPECT_EQ(end, std::min(n, begin + tile));
          for (std::int64_t i = begin; i < end; ++i) ++calls[static_cast<std::size_t>(i)];
        });
        for (const auto& c : calls) EXPECT_EQ(c, 1);
      }
  }
}

TEST(ParallelFor, DoesNothingForZeroAndFewer) {
  parallel_for(0, 8, [](std::int64_t, std::int64_t) { FAIL(); });
  parallel_for(-5, 8, [](std::int64_t, std::int64_t) { FAIL(); });
  EXPECT_EQ(ordered_sum(0, 8, [](std::int64_t, std::int64_t) { return 1.0; }), 0);
  EXPECT_EQ(ordered_sum(-5, 8, [](std::int64_t, std::int64_t) { return 1.0; }), 0);
  EXPECT_EQ(first_where(0, 8, [](std::int64_t) { return true; }), 0);
}

TEST(ParallelFor, ReachesTheEndOfThe64BitNumbers) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t last = 0;
  const ThreadLimit limit(1);
  parallel_for(kMost, kMost / 2, [&](std::int64_t, std::int64_t end) { last = end; });
  EXPECT_EQ(last, kMost);
}

TEST(ParallelFor, NumbersWorkersBelowTheThreadCount) {
  for (const int count : kThreadCounts) {
    const ThreadLimit limit(count);
    EXPECT_EQ(threads(), count);
    std::vector<std::atomic<int>> busy(static_cast<std::size_t>(count));
    parallel_for_worker(200, 1, [&](std::int64_t, std::int64_t, int worker) {
      ASSERT_GE(worker, 0);
      ASSERT_LT(worker, count);
      EXPECT_EQ(busy[static_cast<std::size_t>(worker)]++, 0) << "two tiles share a worker";
      std::this_thread::yield();
      --busy[static_cast<std::size_t>(worker)];
    });
  }
}

TEST(ParallelFor, ThrowsTheErrorOfTheLowestTile) {
  for (const int count : kThreadCounts) {
    const ThreadLimit limit(count);
    for (int repeat = 0; repeat < 20; ++repeat)
      EXPECT_ERROR(InvalidArgument, "tile 17",
                   parallel_for(1000, 1, [](std::int64_t begin, std::int64_t) {
                     require(begin < 17 || begin % 2 == 0, "tile ", begin);
                   }));
  }
}

TEST(ParallelFor, RunsOnAfterAnError) {
  EXPECT_THROW(
      parallel_for(8, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("x"); }),
      std::runtime_error);
  std::atomic<int> calls{0};
  parallel_for(8, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  EXPECT_EQ(calls, 8);
}

TEST(ParallelFor, RunsNestedCallsOnTheThreadThatMakesThem) {
  const ThreadLimit limit(3);
  std::vector<std::atomic<int>> calls(12 * 12);
  parallel_for(12, 1, [&](std::int64_t i, std::int64_t) {
    const auto outer = std::this_thread::get_id();
    EXPECT_EQ(threads(), 1);
    parallel_for_worker(12, 1, [&](std::int64_t j, std::int64_t, int worker) {
      EXPECT_EQ(worker, 0);
      EXPECT_EQ(std::this_thread::get_id(), outer);
      ++calls[static_cast<std::size_t>(12 * i + j)];
    });
  });
  for (const auto& c : calls) EXPECT_EQ(c, 1);
}

TEST(ParallelFor, MayBeCalledFromManyThreadsAtOnce) {
  std::vector<std::thread> hosts;
  std::vector<double> sums(4);
  for (std::size_t h = 0; h < sums.size(); ++h)
    hosts.emplace_back([&, h] {
      sums[h] = ordered_sum(1000, 7, [](std::int64_t begin, std::int64_t end) {
        return static_cast<double>(end - begin);
      });
    });
  for (auto& host : hosts) host.join();
  for (const double s : sums) EXPECT_EQ(s, 1000);
}

TEST(OrderedSum, GivesTheSameBitsForAnyNumberOfThreads) {
  const auto sum = [] {
    return ordered_sum(10000, 64, [](std::int64_t begin, std::int64_t end) {
      double part = 0;
      for (std::int64_t i = begin; i < end; ++i)
        part += random::normal({.index = static_cast<std::uint64_t>(i)}) * std::ldexp(1, i % 40);
      return part;
    });
  };
  const ThreadLimit one(1);
  const double expected = sum();
  for (int count = 2; count <= 7; ++count) {
    const ThreadLimit limit(count);
    EXPECT_EQ(std::bit_cast<std::uint64_t>(sum()), std::bit_cast<std::uint64_t>(expected));
  }
}

TEST(FirstWhere, FindsTheLowest) {
  for (const int count : kThreadCounts) {
    const ThreadLimit limit(count);
    for (const std::int64_t at : {0, 1, 63, 64, 500, 999}) {
      const auto test = [&](std::int64_t i) { return i == at || (i > at && i % 3 == 0); };
      EXPECT_EQ(first_where(1000, 64, test), at);
    }
    EXPECT_EQ(first_where(1000, 64, [](std::int64_t) { return false; }), 1000);
  }
}

TEST(ThreadLimit, HoldsWhileItLives) {
  const int before = threads();
  EXPECT_GE(before, 1);
  {
    const ThreadLimit outer(5);
    EXPECT_EQ(threads(), 5);
    {
      const ThreadLimit inner(2), unchanged(0);
      EXPECT_EQ(threads(), 2);
    }
    EXPECT_EQ(threads(), 5);
    std::thread([&] { EXPECT_EQ(threads(), before) << "the limit is this thread's own"; }).join();
  }
  EXPECT_EQ(threads(), before);
}

TEST(Cancellation, EndsParallelWorkSoonAfterItIsWanted) {
  for (const int threads : {1, 3}) {
    const ThreadLimit limit(threads);
    std::atomic<std::int64_t> tiles{0};
    const auto caller = std::this_thread::get_id();
    const auto wanted = [&] {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      return tiles > 20;
    };
    const Cancellation cancellation(wanted);
    const auto work = [&](std::int64_t, std::int64_t) {
      ++tiles;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    };
    EXPECT_THROW(parallel_for(10'000, 1, work), Cancelled);
    EXPECT_GT(tiles, 20);
    EXPECT_LT(tiles, 200);
    tiles = 0;
    EXPECT_THROW(with_team([&] { parallel_for(10'000, 1, work); }), Cancelled);
    EXPECT_LT(tiles, 200);
  }
}

TEST(Cancellation, HoldsWhileItLives) {
  const ThreadLimit limit(1);  // so that this thread has a second tile
  const auto wanted = [] { return true; };
  const auto work = [](std::int64_t, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
  };
  {
    const Cancellation outer(wanted);
    {
      const auto never = [] { return false; };
      const Cancellation inner(never);
      EXPECT_NO_THROW(parallel_for(4, 1, work));
    }
    EXPECT_THROW(parallel_for(4, 1, work), Cancelled);
  }
  EXPECT_NO_THROW(parallel_for(4, 1, work));
}

/// Half of the least normal float: 0 where denormals are flushed.
float half_of_least() {
  volatile float least = std::numeric_limits<float>::min();
  return least * 0.5F;
}

TEST(FlushDenormals, HoldsWhileItLives) {
  EXPECT_NE(half_of_least(), 0);
  {
    const FlushDenormals outer;
    EXPECT_EQ(half_of_least(), 0);
    { const FlushDenormals inner; }
    EXPECT_EQ(half_of_least(), 0);
  }
  EXPECT_NE(half_of_least(), 0);
}

TEST(ParallelFor, FlushesDenormalsInEveryThreadAndNotAfterwards) {
  for (const int count : kThreadCounts) {
    const ThreadLimit limit(count);
    parallel_for(50, 1, [](std::int64_t, std::int64_t) { EXPECT_EQ(half_of_least(), 0); });
    EXPECT_NE(half_of_least(), 0);
    EXPECT_THROW(
        parallel_for(50, 1, [](std::int64_t, std::int64_t) { throw std::runtime_error("x"); }),
        std::runtime_error);
    EXPECT_NE(half_of_least(), 0);
  }
}

}  // namespace
}  // namespace latlas
