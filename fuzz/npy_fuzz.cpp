// .npy bytes from outside: parse() either throws IoError or gives an array that fits its bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latlas/core/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto array = latlas::npy::parse(std::as_bytes(std::span(data, size)), "fuzz");
    const auto held = static_cast<std::int64_t>(array.values.size());
    if (array.rows * array.cols * latlas::npy::size_of(array.type) != held) std::abort();
    if (array.rows * array.cols <= 4096) latlas::npy::to_matrix(array);
  } catch (const latlas::IoError&) {
  }
  return 0;
}
