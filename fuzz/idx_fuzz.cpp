// IDX bytes from outside: the parsers either throw IoError or give exactly what the header
// promises. The first byte chooses images or labels, as they are or inside an intact gzip stream,
// whose checksum mutations would otherwise hardly ever hit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "../tests/data/gzip_bytes.h"
#include "latlas/core/error.h"
#include "latlas/data/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool images = (data[0] & 1) != 0, wrapped = (data[0] & 2) != 0;
  const std::string_view raw(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string gzip = wrapped ? latlas::test::gzip_stored(raw) : std::string();
  const std::string_view bytes = wrapped ? std::string_view(gzip) : raw;
  try {
    if (images) {
      const auto found = latlas::idx::parse_images(std::as_bytes(std::span(bytes)), "fuzz");
      if (found.pixels.rows() < 1 || found.pixels.cols() != found.height * found.width)
        std::abort();
      if (raw[0] == 0 &&  // plain inside: the pixels are the bytes after the header
          !std::equal(raw.begin() + 16, raw.end(),
                      reinterpret_cast<const char*>(found.pixels.data())))
        std::abort();
    } else {
      const auto found = latlas::idx::parse_labels(std::as_bytes(std::span(bytes)), "fuzz");
      if (found.empty()) std::abort();
      if (raw[0] == 0 && found.size() != raw.size() - 8) std::abort();
    }
  } catch (const latlas::IoError&) {
  }
  return 0;
}
