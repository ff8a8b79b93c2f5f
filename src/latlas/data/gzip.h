// gzip bytes, inflated into memory that the caller owns. The only door to zlib.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "latlas/core/file.h"

namespace latlas {

/// Whether the bytes begin like gzip (1f 8b), whatever the file is called.
bool is_gzip(Bytes bytes);

/// The most bytes that `compressed` bytes of gzip can hold: deflate spends at least two bits on at
/// most 258 bytes, a ratio of 1032. A claim beyond this needs no inflating to be found out.
std::size_t most_inflated(std::size_t compressed);

/// Inflates a gzip stream (of one or more members) piece by piece, checksums included.
class GzipReader {
 public:
  /// @param what  begins every error sentence, e.g. the path. The bytes must outlive the reader.
  GzipReader(Bytes compressed, std::string_view what);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `out` as far as the stream reaches and returns how many bytes that were; fewer than
  /// asked for means that the stream has ended, and that its checksum and length were right.
  /// @throws IoError  for damaged, truncated or trailing bytes.
  std::size_t read(std::span<std::byte> out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace latlas
