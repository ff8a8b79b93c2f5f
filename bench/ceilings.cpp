#include "bench/ceilings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>

#include "latlas/core/parallel.h"
#include "latlas/core/progress.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/ceilings.cpp"
#include "latlas/core/simd-targets.h"

#include "latlas/core/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {
// Twelve registers of independent multiply-adds; returns the operations done.
double multiply_adds(std::int64_t rounds, float* out) {
  constexpr int kRegisters = 12;
  hn::Vec<DF> c[kRegisters], a = hn::Set(DF(), 0.999F), b = hn::Set(DF(), 1e-3F);
  for (int i = 0; i < kRegisters; ++i) c[i] = hn::Set(DF(), static_cast<float>(i));
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int i = 0; i < kRegisters; ++i) c[i] = fused(c[i], a, b);
  }
  hn::Vec<DF> sum = c[0];
  for (int i = 1; i < kRegisters; ++i) sum = hn::Add(sum, c[i]);
  *out = hn::GetLane(sum);
  return 2.0 * kLanes * kRegisters * static_cast<double>(rounds);
}

// The sum of n floats, n a multiple of eight vectors.
float sum_of(const float* x, std::int64_t n) {
  hn::Vec<DF> s[8];
  for (auto& v : s) v = hn::Zero(DF());
  for (std::int64_t i = 0; i < n; i += 8 * kLanes)
    for (int k = 0; k < 8; ++k) s[k] = hn::Add(s[k], hn::LoadU(DF(), x + i + k * kLanes));
  for (int k = 1; k < 8; ++k) s[0] = hn::Add(s[0], s[k]);
  return hn::GetLane(s[0]);
}
}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
HWY_EXPORT(multiply_adds);
HWY_EXPORT(sum_of);
namespace {

std::atomic<std::uint64_t> sink{0};  // keeps what is computed from being left out

/// The best rate of `rounds`: work() says how much it did.
double best_rate(int rounds, const std::function<double()>& work) {
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    const double done = work();
    best = std::max(best, done / seconds_since(begin));
  }
  return best;
}

template <class Index>
double load_rate(const std::vector<float>& pairs, const std::vector<Index>& at) {
  const auto n = static_cast<std::int64_t>(at.size());
  return best_rate(9, [&] {
    parallel_for(n, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
      std::uint64_t sum[4] = {};
      for (std::int64_t e = begin; e + 4 <= end; e += 4)
        for (int k = 0; k < 4; ++k) {
          std::uint64_t pair;  // one load of eight bytes
          std::memcpy(&pair, pairs.data() + 2 * at[static_cast<std::size_t>(e + k)], sizeof pair);
          sum[k] += pair;
        }
      sink += sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
    });
    return static_cast<double>(n);
  });
}

}  // namespace

namespace bench {

double multiply_add_rate(int threads) {
  return best_rate(50, [&] {
    std::vector<double> done(static_cast<std::size_t>(threads));
    parallel_for(threads, 1, [&](std::int64_t t, std::int64_t) {
      float out;
      done[static_cast<std::size_t>(t)] = LATLAS_DISPATCH(multiply_adds)(2'000'000, &out);
      sink += out > 0;
    });
    double sum = 0;
    for (const double d : done) sum += d;
    return sum;
  });
}

double read_rate(int threads) {
  const std::int64_t each = 1 << 26;  // floats of a thread
  std::vector<std::vector<float>> arrays(static_cast<std::size_t>(threads));
  return best_rate(6, [&] {  // the first round makes the arrays
    parallel_for(threads, 1, [&](std::int64_t t, std::int64_t) {
      auto& array = arrays[static_cast<std::size_t>(t)];
      if (array.empty()) array.assign(each, 1.0F);
      sink += LATLAS_DISPATCH(sum_of)(array.data(), each) > 0;
    });
    return 4.0 * static_cast<double>(each) * threads;
  });
}

double pair_load_rate(const std::vector<float>& pairs, const std::vector<std::uint16_t>& at) {
  return load_rate(pairs, at);
}
double pair_load_rate(const std::vector<float>& pairs, const std::vector<std::int32_t>& at) {
  return load_rate(pairs, at);
}

}  // namespace bench
}  // namespace latlas
#endif
