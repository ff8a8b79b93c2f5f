// The machine: what the plan and the manifest say of it.
#pragma once

#include <cstdint>
#include <string>

namespace latlas::machine {

std::string processor();          ///< Its model name, e.g. "AMD EPYC".
std::string system();             ///< Kernel and architecture, e.g. "Linux x86_64".
std::int64_t available_memory();  ///< Bytes that a new task may take (control groups heeded).
std::int64_t peak_memory();       ///< Bytes this process has held at most, so far.

/// Multiply-adds a second of one thread, measured in about two milliseconds: the yardstick of
/// every time that a plan promises.
double multiply_add_rate();

}  // namespace latlas::machine
