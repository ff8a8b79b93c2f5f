// metrics.json from outside: Metrics::parse() either throws or gives numbers that it can write and
// read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "latlas/core/error.h"
#include "latlas/runs/run_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const std::string once = latlas::Metrics::parse(text, "fuzz").json();
    if (latlas::Metrics::parse(once, "fuzz").json() != once) std::abort();
  } catch (const latlas::IoError&) {
  }
  return 0;
}
