#include "latlas/core/matrix.h"

#include <sys/mman.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "latlas/core/parallel.h"

namespace latlas {
namespace {

bool row_is_finite(ConstRows rows, std::int64_t i) {
  // NaN and infinity are the values whose exponent is all ones. Counted in integers, which the
  // compiler may add in any order, so that it takes whole registers at a time.
  constexpr std::uint32_t kExponent = 0x7F800000;
  std::uint32_t bad = 0;
  for (const float x : rows[i])
    bad += static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(x) & kExponent) == kExponent);
  return bad == 0;
}

constexpr std::uint64_t kHugePage = std::uint64_t{1} << 21;

std::uint64_t rounded_up(std::uint64_t bytes, std::uint64_t to) {
  return (bytes + to - 1) / to * to;
}

// Anonymous memory that begins at a huge page's border.
void* map_zeroed(std::uint64_t bytes) {
  void* memory =
      mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* const first = static_cast<std::uint8_t*>(memory);
  const std::uint64_t before = (kHugePage - std::bit_cast<std::uintptr_t>(first)) % kHugePage;
  if (before > 0) munmap(first, before);
  munmap(first + before + bytes, kHugePage - before);
#ifdef MADV_HUGEPAGE
  madvise(first + before, bytes, MADV_HUGEPAGE);  // where it is refused, small pages do
#endif
  return first + before;
}

}  // namespace

void Release::operator()(void* memory) const noexcept {
  if (mapped > 0)
    munmap(memory, mapped);
  else
    std::free(memory);
}

std::unique_ptr<void, Release> zeroed_memory(std::uint64_t bytes) {
  constexpr std::uint64_t kLarge = 2 * kHugePage;
  if (bytes > std::numeric_limits<std::uint64_t>::max() / 4) throw std::bad_alloc();
  if (bytes >= kLarge) {
    const std::uint64_t mapped = rounded_up(bytes, 65536);  // a multiple of all page sizes
    return {map_zeroed(mapped), Release{mapped}};
  }
  const std::uint64_t whole = rounded_up(std::max<std::uint64_t>(bytes, 1), 64);
  void* memory = std::aligned_alloc(64, whole);
  if (memory == nullptr) throw std::bad_alloc();
  std::memset(memory, 0, whole);
  return {memory, Release{}};
}

Matrix copy_of(ConstRows rows, std::span<const std::int32_t> list) {
  Matrix out(static_cast<std::int64_t>(list.size()), rows.cols());
  parallel_for(out.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      std::copy_n(rows.row(list[static_cast<std::size_t>(i)]), rows.cols(), out.row(i));
  });
  return out;
}

void require_finite(ConstRows rows, const char* what) {
  const std::int64_t bad =
      first_where(rows.rows(), 1024, [&](std::int64_t i) { return !row_is_finite(rows, i); });
  if (bad == rows.rows()) return;
  std::int64_t column = 0;
  while (std::isfinite(rows(bad, column))) ++column;
  const float value = rows(bad, column);
  throw InvalidArgument(sentence(what, " holds ", std::isnan(value) ? "NaN" : "infinity",
                                 " in row ", bad, ", column ", column,
                                 " (counted from 0); remove or fill such values first"));
}

std::vector<double> column_means(ConstRows rows) {
  constexpr std::int64_t kTile = 512;
  const std::int64_t d = rows.cols(), tiles = (rows.rows() + kTile - 1) / kTile;
  BasicMatrix<double> sums(tiles, d);
  parallel_for(rows.rows(), kTile, [&](std::int64_t begin, std::int64_t end) {
    double* sum = sums.row(begin / kTile);
    for (std::int64_t i = begin; i < end; ++i)
      for (std::int64_t j = 0; j < d; ++j) sum[j] += static_cast<double>(rows.row(i)[j]);
  });
  std::vector<double> mean(static_cast<std::size_t>(d));
  for (std::int64_t t = 0; t < tiles; ++t)
    for (std::int64_t j = 0; j < d; ++j) mean[static_cast<std::size_t>(j)] += sums(t, j);
  for (double& m : mean) m /= static_cast<double>(rows.rows());
  return mean;
}

Matrix unit_rows(ConstRows rows, const char* what) {
  Matrix unit(rows.rows(), rows.cols());
  parallel_for(rows.rows(), 1024, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      double square = 0;
      for (const float x : rows[i]) square += static_cast<double>(x) * static_cast<double>(x);
      require(square > 0, what, ": row ", i,
              " (counted from 0) has norm 0 and no direction; cosine needs one, remove such rows");
      const double norm = std::sqrt(square);
      for (std::int64_t j = 0; j < rows.cols(); ++j)
        unit(i, j) = static_cast<float>(rows(i, j) / norm);
    }
  });
  return unit;
}

}  // namespace latlas
