// Checkpoints of t-SNE from outside: parse_tsne_state() either throws or gives a state whose parts
// fit each other.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latlas/core/error.h"
#include "latlas/layout/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto s = latlas::parse_tsne_state(std::as_bytes(std::span(data, size)), "fuzz");
    const std::int64_t n = s.places.rows();
    if (n < 2 || std::ssize(s.order) != n || s.motion.cols() != n) std::abort();
    if (s.motion.rows() != 2 * s.places.cols() || s.iteration > s.last) std::abort();
    std::int64_t sum = 0;
    for (const std::int32_t row : s.order) sum += row;
    if (sum != n * (n - 1) / 2) std::abort();
    for (const auto& t : s.trace)
      if (!std::isfinite(t.kl)) std::abort();
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {  // a shape such as 2^40 × 0, beyond any matrix
  }
  return 0;
}
