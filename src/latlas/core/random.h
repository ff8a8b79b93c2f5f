// Random numbers that are addressed, not consumed: the draw at (seed, stream, index) is always the
// same, whoever asks, in whatever order and on whatever thread.
//
// Philox4x32-10: Salmon, Moraes, Dror & Shaw, Parallel random numbers: as easy as 1, 2, 3, 2011.
// Key = seed, counter = (index, stream). Our own distributions, since those of the standard
// library differ from one implementation to the next.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace latlas::random {

/// What a draw is for; the same index in another stream is an independent number. Add at the end:
/// the numbers are part of every result.
enum class Stream : std::uint32_t {
  weights = 1,
  shuffle = 2,
  digits = 3,
  drawing_order = 4,
  start = 5,
  sample = 6,
  test = 7,
  partition = 8,
  noise = 9,
  spectral = 10,
  negatives = 11,
};

/// Where a draw stands. `sub` numbers independent sequences of one stream (an epoch, a row).
struct Address {
  std::uint64_t seed = 0;
  Stream stream = Stream::test;
  std::uint32_t sub = 0;
  std::uint64_t index = 0;
};

/// The raw generator: ten rounds of Philox on a 128-bit counter with a 64-bit key.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

std::array<std::uint32_t, 4> words(const Address& at);
std::uint64_t bits(const Address& at);
/// Uniform in [0, 1), 53 bits.
double uniform(const Address& at);
/// Uniform in [low, high), low < high.
double uniform(double low, double high, const Address& at);
/// Normal with mean 0 and deviation 1 (Box–Muller).
double normal(const Address& at);
/// Uniform in {0, …, n − 1} without bias, n ≥ 1. (Lemire, Fast random integer generation, 2019;
/// rejected draws go on with the next words of the same address.)
std::uint64_t below(std::uint64_t n, const Address& at);
/// Permutes the values (Fisher–Yates; the draw for place i is at index + i + 1). Give each shuffle
/// of a stream its own `sub`.
void shuffle(std::span<std::int32_t> values, const Address& at);

}  // namespace latlas::random
