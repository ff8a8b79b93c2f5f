// What this machine can do at most, measured: the denominators of "share of the ceiling".
#pragma once

#include <cstdint>
#include <vector>

namespace latlas::bench {

/// Multiply-adds of registers alone, two operations each, on `threads` threads: FLOP/s, the best of
/// fifty rounds.
double multiply_add_rate(int threads);

/// Reading an array far larger than the caches, once: bytes a second, the best of five rounds.
double read_rate(int threads);

/// Loading pairs of floats of a table at given places, 16-bit or 32-bit indices read in order, and
/// adding them up: loads a second, the best of nine rounds. What any sweep over the edges of a
/// graph must do at least.
double pair_load_rate(const std::vector<float>& pairs, const std::vector<std::uint16_t>& at);
double pair_load_rate(const std::vector<float>& pairs, const std::vector<std::int32_t>& at);

}  // namespace latlas::bench
