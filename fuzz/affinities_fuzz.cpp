// Weights from outside: parse_affinities() either throws or gives valid affinities.
#include <cstddef>
#include <cstdint>

#include "latlas/core/error.h"
#include "latlas/layout/affinities.h"
#include "latlas/layout/affinities_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  latlas::Affinities affinities;
  try {
    affinities = latlas::parse_affinities(std::as_bytes(std::span(data, size)), "fuzz");
  } catch (const latlas::IoError&) {
    return 0;
  } catch (const latlas::InvalidArgument&) {
    return 0;
  }
  latlas::require_valid(affinities, "fuzz");  // must not throw
  return 0;
}
