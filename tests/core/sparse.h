// Address space without memory behind it: it reads as zeros, and a page of it takes memory once it
// is written to.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>

#include "latlas/core/matrix.h"

namespace latlas {

template <class T>
class Sparse {
 public:
  explicit Sparse(std::int64_t count) : bytes_(static_cast<std::size_t>(count) * sizeof(T)) {
#ifndef LATLAS_EMULATED  // an emulator may keep a record of every page
    void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    ::madvise(memory, bytes_, MADV_NOHUGEPAGE);
    values_ = static_cast<T*>(memory);
#endif
  }
  ~Sparse() {
    if (values_ != nullptr) ::munmap(values_, bytes_);
  }
  Sparse(const Sparse&) = delete;
  Sparse& operator=(const Sparse&) = delete;

  explicit operator bool() const { return values_ != nullptr; }
  T* data() const { return values_; }
  T& operator[](std::int64_t i) const { return values_[i]; }

 private:
  std::size_t bytes_;
  T* values_ = nullptr;
};

#define SKIP_UNLESS(sparse) \
  if (!(sparse)) GTEST_SKIP() << "this machine does not lend so much address space"

/// The rows given, 2^24 and some values apart: of 300, the last lie beyond value 2^32.
class FarRows {
 public:
  explicit FarRows(ConstRows rows)
      : rows_(rows.rows()), cols_(rows.cols()), values_(rows_ * kStep) {
    for (std::int64_t i = 0; values_ && i < rows_; ++i)
      std::copy_n(rows.row(i), cols_, values_.data() + i * kStep);
  }
  explicit operator bool() const { return static_cast<bool>(values_); }
  ConstRows view() const { return {values_.data(), rows_, cols_, kStep}; }

 private:
  static constexpr std::int64_t kStep = (std::int64_t{1} << 24) + 16;
  std::int64_t rows_, cols_;
  Sparse<float> values_;
};

}  // namespace latlas
