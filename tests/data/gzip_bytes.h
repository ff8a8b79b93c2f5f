// gzip made by hand: stored blocks, so that tests and fuzz targets need no compressor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace latlas::test {

inline std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

inline void append_little_endian(std::string& to, std::uint64_t value, int bytes) {
  for (int b = 0; b < bytes; ++b) to += static_cast<char>(value >> (8 * b));
}

/// One gzip member that holds the bytes in stored blocks.
inline std::string gzip_stored(std::string_view bytes) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  const std::uint32_t crc = crc32(bytes);
  const std::size_t size = bytes.size();
  do {
    const std::string_view block = bytes.substr(0, 65535);
    bytes.remove_prefix(block.size());
    out += static_cast<char>(bytes.empty());
    append_little_endian(out, block.size(), 2);
    append_little_endian(out, ~block.size(), 2);
    out += block;
  } while (!bytes.empty());
  append_little_endian(out, crc, 4);
  append_little_endian(out, size, 4);
  return out;
}

}  // namespace latlas::test
