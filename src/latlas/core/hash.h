// SHA-256, by which every array and file of a run is known.
#pragma once

#include <memory>
#include <string>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"

namespace latlas {

/// Hashes bytes piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(Bytes bytes);
  /// 64 lowercase hexadecimal digits; the object is spent and must not be used again.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(Bytes bytes);
std::string sha256_of_file(const std::filesystem::path& path);
/// Of the values, row after row, as stored in memory (little-endian); shape and padding left out.
template <class T>
std::string sha256(MatrixView<T> rows) {
  if (rows.contiguous())
    return sha256(
        std::as_bytes(std::span(rows.data(), static_cast<std::size_t>(rows.rows() * rows.cols()))));
  Sha256 hash;
  for (std::int64_t i = 0; i < rows.rows(); ++i) hash.add(std::as_bytes(rows[i]));
  return hash.hex();
}
inline std::string sha256(const Matrix& m) { return sha256(m.view()); }

}  // namespace latlas
