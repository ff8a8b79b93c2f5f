#include "latlas/core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <exception>
#include <limits>
#include <mutex>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace latlas {
namespace {

thread_local int limit_of_this_thread = 0;
thread_local Cancellation* cancellation_of_this_thread = nullptr;

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

inline void pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  asm volatile("yield");
#endif
}

// Waits while `value` holds `old`: awake at first, since the next phase mostly comes within
// microseconds, then asleep, since a thread that spins on a busy machine keeps others from the
// very work it waits for.
template <class T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int spin = 0; spin < 2000; ++spin) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  value.wait(old, std::memory_order_acquire);
}

// One thread conducts: it publishes a phase, works on it, and waits until every tile that anybody
// took is done. The others take tiles while there are some. A phase is one number, left_: its
// generation and how many tiles are left. Taking a tile is a compare-and-swap on both, so a thread
// that slept through a phase cannot take a tile of a later one by mistake; and since the conductor
// waits for all tiles taken, who holds a tile may use what the phase points to.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }

  // The conductor's part.
  void run(std::int64_t tiles, FunctionRef<void(std::int64_t tile, int worker)> work) {
    work_ = &work;
    done_.store(0, std::memory_order_relaxed);
    ++generation_;
    left_.store(std::uint64_t{generation_} << 32 | static_cast<std::uint32_t>(tiles),
                std::memory_order_release);
    signal_.store(generation_, std::memory_order_release);
    signal_.notify_all();
    help(0);
    for (auto done = done_.load(std::memory_order_acquire);
         done != static_cast<std::uint32_t>(tiles); done = done_.load(std::memory_order_acquire))
      wait_while(done_, done);
  }

  void dismiss() {
    dismissed_.store(true, std::memory_order_relaxed);
    signal_.store(++generation_, std::memory_order_release);
    signal_.notify_all();
  }

  // The others' part: until dismissed.
  void serve(int worker) {
    std::uint32_t seen = 0;
    for (;;) {
      wait_while(signal_, seen);
      seen = signal_.load(std::memory_order_acquire);
      if (dismissed_.load(std::memory_order_relaxed)) return;
      help(worker);
    }
  }

 private:
  void help(int worker) {
    std::uint64_t left = left_.load(std::memory_order_acquire);
    while ((left & 0xFFFFFFFFU) != 0) {
      if (!left_.compare_exchange_weak(left, left - 1, std::memory_order_acquire)) continue;
      (*work_)(static_cast<std::int64_t>((left - 1) & 0xFFFFFFFFU), worker);
      done_.fetch_add(1, std::memory_order_release);
      if (worker != 0) done_.notify_one();
      left = left_.load(std::memory_order_acquire);
    }
  }

  int size_;
  FunctionRef<void(std::int64_t, int)>* work_ = nullptr;
  std::uint32_t generation_ = 0;
  std::atomic<bool> dismissed_{false};
  alignas(64) std::atomic<std::uint64_t> left_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};
  alignas(64) std::atomic<std::uint32_t> signal_{0};
};

thread_local Team* team_of_this_thread = nullptr;  // which it conducts

// Tiles run by the conductor are inside parallel work like all others.
class NoTeam {
 public:
  NoTeam() : before_(std::exchange(team_of_this_thread, nullptr)) {}
  ~NoTeam() { team_of_this_thread = before_; }
  NoTeam(const NoTeam&) = delete;
  NoTeam& operator=(const NoTeam&) = delete;

 private:
  Team* before_;
};

}  // namespace

FlushDenormals::FlushDenormals() : before_(flush_on()) {}
FlushDenormals::~FlushDenormals() { flush_back(before_); }

int threads() {
  if (team_of_this_thread != nullptr) return team_of_this_thread->size();
  if (omp_in_parallel()) return 1;
  return limit_of_this_thread > 0 ? limit_of_this_thread : std::max(1, omp_get_max_threads());
}

ThreadLimit::ThreadLimit(int limit) : before_(limit_of_this_thread) {
  if (limit > 0) limit_of_this_thread = limit;
}
ThreadLimit::~ThreadLimit() { limit_of_this_thread = before_; }

Cancellation::Cancellation(FunctionRef<bool()> wanted, Given)
    : wanted_(wanted), before_(std::exchange(cancellation_of_this_thread, this)) {}
Cancellation::~Cancellation() { cancellation_of_this_thread = before_; }

void Cancellation::check() {
  Cancellation* const innermost = cancellation_of_this_thread;
  if (innermost == nullptr) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - innermost->asked_ < std::chrono::milliseconds(50)) return;
  innermost->asked_ = now;
  if (innermost->wanted_()) throw Cancelled{};
}

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
      Cancellation::check();
      work(t * tile, t * tile + std::min(tile, n - t * tile), worker);
    } catch (const Cancelled&) {
      error.keep(-1);  // spares all tiles
    } catch (...) {
      error.keep(t);
    }
  };
  if (team == 1) {
    const NoTeam none;
    const FlushDenormals flush;
    for (std::int64_t t = 0; t < tiles; ++t) run_tile(t, 0);
  } else if (Team* standing = team_of_this_thread;
             standing != nullptr && tiles <= std::numeric_limits<std::int32_t>::max()) {
    const NoTeam none;
    const FlushDenormals flush;
    standing->run(tiles, run_tile);
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

void with_team(FunctionRef<void()> body) {
  const int size = threads();
  if (size == 1 || team_of_this_thread != nullptr) return body();
  std::exception_ptr error;
  Team team(size);
#pragma omp parallel num_threads(size)
  {
    if (omp_get_thread_num() == 0) {
      team_of_this_thread = &team;
      try {
        body();
      } catch (...) {
        error = std::current_exception();
      }
      team_of_this_thread = nullptr;
      team.dismiss();
    } else {
      const FlushDenormals flush;
      team.serve(omp_get_thread_num());
    }
  }
  if (error) std::rethrow_exception(error);
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
