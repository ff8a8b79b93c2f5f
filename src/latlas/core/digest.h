// A fast digest, by which data is told from other data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "latlas/core/file.h"

namespace latlas {

/// XXH64 with seed 0 (Y. Collet, xxHash fast digest algorithm, doc/xxhash_spec.md, 0.1.1) of bytes
/// that come piece by piece. It notices other data by accident, at a chance of 2⁻⁶⁴ of a mistake,
/// but not by intent: what comes from outside is known by its SHA-256 (hash.h).
class Digest {
 public:
  void add(Bytes bytes);
  /// 16 lowercase hexadecimal digits, of what was added so far.
  std::string hex() const;

 private:
  static constexpr std::size_t kStripe = 32;
  void add_stripe(const std::byte* stripe);

  std::array<std::uint64_t, 4> lanes_ = {0x60ea27eeadc0b5d6, 0xc2b2ae3d27d4eb4f, 0,
                                         0x61c8864e7a143579};
  std::array<std::byte, kStripe> rest_ = {};  // the first size_ % 32 bytes of a stripe
  std::uint64_t size_ = 0;
};

}  // namespace latlas
