#include "latlas/core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>
#include <limits>
#include <mutex>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace latlas {
namespace {

thread_local int limit_of_this_thread = 0;

#if defined(__x86_64__)
constexpr unsigned kFlush = 0x8040;  // FTZ | DAZ
std::uint64_t flush_on() {
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | kFlush);
  return before;
}
void flush_back(std::uint64_t before) { _mm_setcsr(static_cast<unsigned>(before)); }
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FPCR.FZ
std::uint64_t flush_on() {
  std::uint64_t before;
  asm volatile("mrs %0, fpcr" : "=r"(before));
  asm volatile("msr fpcr, %0" : : "r"(before | kFlush));
  return before;
}
void flush_back(std::uint64_t before) { asm volatile("msr fpcr, %0" : : "r"(before)); }
#else
#error "latlas: x86-64 or ARM64"
#endif

std::int64_t tiles_of(std::int64_t n, std::int64_t tile) {  // n + tile may overflow
  return n <= 0 ? 0 : (n - 1) / tile + 1;
}

// Keeps the error of the lowest tile. Tiles above it need not run any more; those below still do.
class FirstError {
 public:
  void keep(std::int64_t tile) {
    const std::lock_guard lock(mutex_);
    if (tile >= tile_.load(std::memory_order_relaxed)) return;
    tile_.store(tile, std::memory_order_relaxed);
    error_ = std::current_exception();
  }
  bool spares(std::int64_t tile) const { return tile > tile_.load(std::memory_order_relaxed); }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::atomic<std::int64_t> tile_{std::numeric_limits<std::int64_t>::max()};
  std::exception_ptr error_;
};

}  // namespace

FlushDenormals::FlushDenormals() : before_(flush_on()) {}
FlushDenormals::~FlushDenormals() { flush_back(before_); }

int threads() {
  if (omp_in_parallel()) return 1;
  return limit_of_this_thread > 0 ? limit_of_this_thread : std::max(1, omp_get_max_threads());
}

ThreadLimit::ThreadLimit(int limit) : before_(limit_of_this_thread) {
  if (limit > 0) limit_of_this_thread = limit;
}
ThreadLimit::~ThreadLimit() { limit_of_this_thread = before_; }

void parallel_for_worker(std::int64_t n, std::int64_t tile,
                         FunctionRef<void(std::int64_t, std::int64_t, int)> work) {
  assert(tile >= 1);
  if (n <= 0) return;
  const std::int64_t tiles = tiles_of(n, tile);
  const int team = static_cast<int>(std::min<std::int64_t>(threads(), tiles));
  FirstError error;
  const auto run_tile = [&](std::int64_t t, int worker) {
    if (error.spares(t)) return;
    try {
      work(t * tile, t * tile + std::min(tile, n - t * tile), worker);
    } catch (...) {
      error.keep(t);
    }
  };
  if (team == 1) {
    const FlushDenormals flush;
    for (std::int64_t t = 0; t < tiles; ++t) run_tile(t, 0);
  } else {
#pragma omp parallel num_threads(team)
    {
      const FlushDenormals flush;
      const int worker = omp_get_thread_num();
#pragma omp for schedule(dynamic, 1) nowait
      for (std::int64_t t = 0; t < tiles; ++t) run_tile(t, worker);
    }
  }
  error.rethrow();
}

void parallel_for(std::int64_t n, std::int64_t tile,
                  FunctionRef<void(std::int64_t, std::int64_t)> work) {
  parallel_for_worker(n, tile,
                      [&](std::int64_t begin, std::int64_t end, int) { work(begin, end); });
}

double ordered_sum(std::int64_t n, std::int64_t tile,
                   FunctionRef<double(std::int64_t, std::int64_t)> part) {
  std::vector<double> parts(static_cast<std::size_t>(tiles_of(n, tile)));
  parallel_for(n, tile, [&](std::int64_t begin, std::int64_t end) {
    parts[static_cast<std::size_t>(begin / tile)] = part(begin, end);
  });
  double sum = 0;
  for (const double p : parts) sum += p;
  return sum;
}

std::int64_t first_where(std::int64_t n, std::int64_t tile, FunctionRef<bool(std::int64_t)> test) {
  std::atomic<std::int64_t> first{n};
  parallel_for(n, tile, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end && i < first.load(std::memory_order_relaxed); ++i) {
      if (!test(i)) continue;
      std::int64_t seen = first.load();
      while (i < seen && !first.compare_exchange_weak(seen, i)) {
      }
      return;
    }
  });
  return first.load();
}

}  // namespace latlas
