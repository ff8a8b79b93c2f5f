#include "latlas/core/simd.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/hash.h"
#include "latlas/core/random.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/core/simd_test.cpp"
#include "latlas/core/simd-targets.h"
#include "latlas/core/product-inl.h"
HWY_BEFORE_NAMESPACE();
namespace latlas::HWY_NAMESPACE {
namespace {
void exp_of(const float* x, float* y) { store(exp(load(x)), y); }
void log_of(const float* x, float* y) { store(log(load(x)), y); }
void sum_of(const float* x, float* y) { *y = reduce(load(x)); }
void bits_of(const float* x, std::uint32_t* y) { *y = to_bits(load(x) < zero()); }
void first_of(const float* x, int n, float* y) {  // y: 16 loaded, then n stored
  const F16 some = load_first(x, n);
  store(some, y);
  store_first(some + set(1.0F), y + 16, n);
}
void words_of(const float* x, std::uint16_t* y) { store(to_int(load(x)), y); }
void tile_of(const float* a, const float* b, float* y) {  // 3 × 20 by 20 × 16
  F16 c[3][1] = {{zero()}, {zero()}, {zero()}};
  multiply_tile(c, 20, a, 20, 1, b, 16);
  for (int i = 0; i < 3; ++i) store(c[i][0], y + 16 * i);
}
}  // namespace
}  // namespace latlas::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace latlas {
namespace {
HWY_EXPORT(exp_of);
HWY_EXPORT(log_of);
HWY_EXPORT(sum_of);
HWY_EXPORT(bits_of);
HWY_EXPORT(tile_of);
HWY_EXPORT(first_of);
HWY_EXPORT(words_of);

std::vector<float> draws(int n, double low, double high) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    x[static_cast<std::size_t>(i)] =
        static_cast<float>(random::uniform(low, high, {.index = static_cast<std::uint64_t>(i)}));
  return x;
}

/// Everything the file's kernels compute from fixed inputs, under the instruction set given.
std::vector<float> all_results(const std::string& target) {
  simd::select(target);
  std::vector<float> out;
  const auto take = [&](auto&& kernel, const std::vector<float>& x, std::size_t n) {
    std::vector<float> y(n);
    kernel(x.data(), y.data());
    out.insert(out.end(), y.begin(), y.end());
  };
  for (int block = 0; block < 64; ++block) {
    const auto x = draws(16, -90 + block, 90);
    take(LATLAS_DISPATCH(exp_of), x, 16);
    take(LATLAS_DISPATCH(sum_of), x, 1);
    take(LATLAS_DISPATCH(log_of), draws(16, 1e-30, block + 0.01), 16);
  }
  const auto a = draws(60, -1, 1), b = draws(320, -1, 1);
  std::vector<float> y(48);
  LATLAS_DISPATCH(tile_of)(a.data(), b.data(), y.data());
  out.insert(out.end(), y.begin(), y.end());
  simd::select(simd::available().front());
  return out;
}

TEST(Simd, NamesWhatRuns) {
  for (const auto& target : simd::available()) {
    simd::select(target);
    EXPECT_EQ(simd::name(), target);
  }
  simd::select(simd::available().front());
}

TEST(Simd, GivesTheSameBitsUnderEveryInstructionSet) {
  const auto best = all_results(simd::available().front());
  for (const auto& target : simd::available()) EXPECT_EQ(all_results(target), best) << target;
}

TEST(Simd, GivesTheBitsThatEveryMachineGives) {
  const auto best = all_results(simd::available().front());
  EXPECT_EQ(sha256(std::as_bytes(std::span(best))),
            "dfa6d0305ec3693e8ce2ffde6563164a2e36fb7231efd1bc4bc71f3131171563");
}

TEST(Simd, RejectsAnUnknownInstructionSet) { EXPECT_THROW(simd::select("mmx"), InvalidArgument); }

TEST(SimdExp, IsWithinTwoUnitsInTheLastPlace) {
  for (double x = -86.9; x < 87; x += 0.0137) {
    float in[16], out[16];
    for (int i = 0; i < 16; ++i) in[i] = static_cast<float>(x + i * 8e-4);
    LATLAS_DISPATCH(exp_of)(in, out);
    for (int i = 0; i < 16; ++i) {
      const double exact = std::exp(static_cast<double>(in[i]));
      EXPECT_NEAR(out[i] / exact, 1.0, 2 * 0x1p-24 * 1.0) << in[i];
    }
  }
}

TEST(SimdLog, IsWithinThreeUnitsInTheLastPlace) {
  for (double x = 1e-30; x < 1e30; x *= 1.013) {
    float in[16], out[16];
    for (int i = 0; i < 16; ++i) in[i] = static_cast<float>(x * (1 + i * 7e-4));
    LATLAS_DISPATCH(log_of)(in, out);
    for (int i = 0; i < 16; ++i) {
      const double exact = std::log(static_cast<double>(in[i]));
      EXPECT_NEAR(out[i], exact, 3 * 0x1p-24 * std::abs(exact) + 1e-7) << in[i];
    }
  }
}

TEST(SimdExp, IsClampedAndKeepsNaN) {
  const float in[16] = {-87, -88, -1e30F, -INFINITY, 88, 89, 1e30F, INFINITY, NAN, 0, -0.0F};
  for (const auto& target : simd::available()) {
    simd::select(target);
    float out[16];
    LATLAS_DISPATCH(exp_of)(in, out);
    for (int i = 1; i < 4; ++i) EXPECT_EQ(out[i], out[0]);
    for (int i = 5; i < 8; ++i) EXPECT_EQ(out[i], out[4]);
    EXPECT_TRUE(std::isnan(out[8])) << target;
    EXPECT_EQ(out[9], 1);
    EXPECT_EQ(out[10], 1);
  }
  simd::select(simd::available().front());
}

TEST(SimdLoad, OfTheFirstTouchesNoOthers) {
  for (const std::string& target : simd::available()) {
    simd::select(target);
    for (int n = 0; n <= 16; ++n) {
      // The rows end where they end, so that the sanitizers see what is read beyond.
      const std::vector<float> x(static_cast<std::size_t>(n), 3.0F);
      std::vector<float> y(32, -1.0F);
      LATLAS_DISPATCH(first_of)(x.data(), n, y.data());
      for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(y[static_cast<std::size_t>(i)], i < n ? 3.0F : 0.0F) << target << ", " << n;
        EXPECT_EQ(y[static_cast<std::size_t>(16 + i)], i < n ? 4.0F : -1.0F) << target << ", " << n;
      }
    }
  }
  simd::select(simd::available().front());
}

TEST(SimdStore, KeepsSixteenBits) {
  std::vector<float> x(16);
  for (std::size_t i = 0; i < 16; ++i) x[i] = static_cast<float>(i * 4369);  // 0 to 65,535
  for (const std::string& target : simd::available()) {
    simd::select(target);
    std::vector<std::uint16_t> y(17, 7);
    LATLAS_DISPATCH(words_of)(x.data(), y.data());
    for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(y[i], i * 4369) << target;
    EXPECT_EQ(y[16], 7) << target;
  }
  simd::select(simd::available().front());
}

TEST(SimdMask, NumbersLanesFromTheLowestBit) {
  float x[16];
  std::uint32_t expected = 0, bits = 0;
  for (int i = 0; i < 16; ++i) {
    x[i] = i % 3 == 0 ? -1.0F : 1.0F;
    if (i % 3 == 0) expected |= 1U << i;
  }
  LATLAS_DISPATCH(bits_of)(x, &bits);
  EXPECT_EQ(bits, expected);
}

}  // namespace
}  // namespace latlas
#endif
