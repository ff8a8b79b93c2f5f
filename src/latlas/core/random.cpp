#include "latlas/core/random.h"

#include <cassert>
#include <cmath>
#include <utility>

#include "latlas/core/math.h"

namespace latlas::random {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * c[0], b = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(a)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

std::array<std::uint32_t, 4> words(const Address& at) {
  return philox({static_cast<std::uint32_t>(at.index), static_cast<std::uint32_t>(at.index >> 32),
                 at.sub, static_cast<std::uint32_t>(at.stream)},
                {static_cast<std::uint32_t>(at.seed), static_cast<std::uint32_t>(at.seed >> 32)});
}

std::uint64_t bits(const Address& at) {
  const auto w = words(at);
  return (std::uint64_t{w[1]} << 32) | w[0];
}

double uniform(const Address& at) { return static_cast<double>(bits(at) >> 11) * 0x1p-53; }

double uniform(double low, double high, const Address& at) {
  const double x = low + (high - low) * uniform(at);
  return x < high ? x : std::nextafter(high, low);  // the sum may round up to the end left out
}

double normal(const Address& at) {
  const auto w = words(at);
  const double u = (static_cast<double>(((std::uint64_t{w[1]} << 32) | w[0]) >> 11) + 1) * 0x1p-53;
  const double turn = static_cast<double>(((std::uint64_t{w[3]} << 32) | w[2]) >> 11) * 0x1p-53;
  return std::sqrt(-2.0 * math::log(u)) * math::sincos_turn(turn).cos;
}

std::uint64_t below(std::uint64_t n, const Address& at) {
  assert(n >= 1);
  // The high word of draw · n is uniform once the low words below 2^64 mod n are turned away.
  auto w = words(at);
  for (;;) {
    const std::uint64_t draw = (std::uint64_t{w[1]} << 32) | w[0];
    const auto product = static_cast<unsigned __int128>(draw) * n;
    if (static_cast<std::uint64_t>(product) >= (0 - n) % n)
      return static_cast<std::uint64_t>(product >> 64);
    w = philox(w, {static_cast<std::uint32_t>(at.seed), static_cast<std::uint32_t>(at.seed >> 32)});
  }
}

void shuffle(std::span<std::int32_t> values, const Address& at) {
  Address draw = at;
  for (std::size_t i = values.size(); i > 1; --i) {
    draw.index = at.index + i;
    std::swap(values[i - 1], values[static_cast<std::size_t>(below(i, draw))]);
  }
}

}  // namespace latlas::random
