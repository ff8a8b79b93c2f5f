#include "latlas/data/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>

#include "latlas/core/error.h"

namespace latlas {

bool is_gzip(Bytes bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

std::size_t most_inflated(std::size_t compressed) {
  constexpr std::size_t kRatio = 1032, kMost = std::numeric_limits<std::size_t>::max();
  return compressed > kMost / kRatio ? kMost : compressed * kRatio;
}

struct GzipReader::State {
  Bytes rest;  // compressed bytes that zlib has not taken yet
  std::string what;
  z_stream stream{};
  bool ended = false;

  [[noreturn]] void fail(const char* why) const { throw IoError(sentence(what, ": ", why)); }
};

GzipReader::GzipReader(Bytes compressed, std::string_view what)
    : state_(std::make_unique<State>()) {
  state_->rest = compressed;
  state_->what = what;
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&state_->stream, kGzipOnly) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(&state_->stream); }

std::size_t GzipReader::read(std::span<std::byte> out) {
  State& s = *state_;
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
  std::size_t filled = 0;
  while (filled < out.size() && !s.ended) {
    const std::size_t offered = std::min(s.rest.size(), kMostAtOnce);
    const std::size_t room = std::min(out.size() - filled, kMostAtOnce);
    s.stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(s.rest.data()));
    s.stream.avail_in = static_cast<uInt>(offered);
    s.stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
    s.stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&s.stream, Z_NO_FLUSH);
    s.rest = s.rest.subspan(offered - s.stream.avail_in);
    filled += room - s.stream.avail_out;

    if (result == Z_STREAM_END) {
      if (s.rest.empty()) {
        s.ended = true;
      } else if (is_gzip(s.rest)) {
        inflateReset(&s.stream);  // gzip files may be glued together; what follows goes on
      } else {
        s.fail("has bytes after the end of its gzip stream; fetch it again");
      }
    } else if (result == Z_BUF_ERROR) {
      s.fail("is truncated: its gzip stream breaks off; fetch it again");
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK) {
      s.fail(
          "is damaged: its gzip stream does not inflate to what its checksum says; fetch it again");
    }
  }
  return filled;
}

}  // namespace latlas
