// The plan: what work will need, before it begins. Every room says so of its own.
//
// Times are multiply-adds over their measured rate, each step with the share of that rate that it
// reaches, and with what else it does counted as so many of them. The factors were fitted to runs
// on MNIST; the times are meant to be right within a factor of two where nothing else runs.
#pragma once

#include <cstdint>

namespace latlas {

struct Plan {
  double seconds = 0;
  std::int64_t bytes = 0;

  /// Steps one after another: times add, the larger memory holds.
  Plan& operator+=(const Plan& other);
};

/// The yardstick of every plan: multiply-adds a second of all threads, measured (some
/// milliseconds).
double machine_rate();

/// So many bytes; more than memory can hold where the number is absurd.
std::int64_t whole_bytes(double bytes);

}  // namespace latlas
