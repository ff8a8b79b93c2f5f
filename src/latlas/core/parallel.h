// Threads. Work is cut into tiles of a fixed size, never into one slice a thread, so that results
// do not depend on how many threads there are: each tile fills its own slots, and sums are taken
// tile by tile in order. The only door to OpenMP.
//
// Inside parallel work denormal numbers are flushed to zero in every thread: they carry nothing
// here and cost a hundred times a normal operation. Errors thrown by a tile reach the caller (of
// several, that of the lowest tile).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace latlas {

/// A reference to a callable, without ownership or allocation; lives as long as the callable.
template <class Signature>
class FunctionRef;
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      FunctionRef(F&& f)  // NOLINT(*-explicit-constructor,*-forwarding-reference-overload)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(args...);
        }) {}
  R operator()(Args... args) const { return call_(object_, args...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

/// Threads that parallel work uses now: the innermost ThreadLimit, else what OpenMP was told
/// (OMP_NUM_THREADS, threadpoolctl), else the processors this process may use.
int threads();

/// Limits the threads of parallel work started by this thread while it lives; 0 changes nothing.
class ThreadLimit {
 public:
  explicit ThreadLimit(int limit);
  ~ThreadLimit();
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  int before_;
};

/// What parallel work throws when its host wants no more of it.
struct Cancelled {};

/// While it lives, parallel work started by this thread asks `wanted` some twenty times a second,
/// on this thread, between two tiles; once it answers true, work ends by throwing Cancelled. For
/// hosts with nothing to keep of half a result; where there is something, Progress ends it in good
/// order.
class Cancellation {
 public:
  /// @param wanted  a callable that outlives this: no temporary.
  template <class Wanted>
  explicit Cancellation(Wanted& wanted) : Cancellation(FunctionRef<bool()>(wanted), kGiven) {}
  ~Cancellation();
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  /// Throws Cancelled when the innermost of this thread is wanted.
  static void check();

 private:
  enum Given { kGiven };
  Cancellation(FunctionRef<bool()> wanted, Given);

  FunctionRef<bool()> wanted_;
  std::chrono::steady_clock::time_point asked_ = std::chrono::steady_clock::now();
  Cancellation* before_;
};

/// Calls work(begin, end) for every tile [0, tile), [tile, 2 tile), … of [0, n), in any order and
/// on any thread. The tile size, 1 or more, must not depend on the number of threads. Called from
/// inside parallel work, all tiles run on the calling thread.
void parallel_for(std::int64_t n, std::int64_t tile,
                  FunctionRef<void(std::int64_t begin, std::int64_t end)> work);

/// The same, telling each call which worker runs it: 0 ≤ worker < threads(). For scratch memory
/// only: what a tile computes must not depend on it.
void parallel_for_worker(std::int64_t n, std::int64_t tile,
                         FunctionRef<void(std::int64_t begin, std::int64_t end, int worker)> work);

/// Σ over tiles of part(begin, end), added in the order of the tiles.
double ordered_sum(std::int64_t n, std::int64_t tile,
                   FunctionRef<double(std::int64_t begin, std::int64_t end)> part);

/// The lowest i in [0, n) for which test(i) is true; n when there is none. Beyond it, test may be
/// called or not; so it must not throw.
std::int64_t first_where(std::int64_t n, std::int64_t tile, FunctionRef<bool(std::int64_t i)> test);

/// Runs body() on this thread while a team of threads() stands by: parallel work that body starts
/// begins at once instead of gathering a team each time, and does not wait for a thread that came
/// too late to take a tile. For long loops of short parallel phases. Threads without work wait
/// awake for some microseconds, then sleep. What body throws reaches the caller.
void with_team(FunctionRef<void()> body);

/// Flushes denormals to zero on this thread while it lives (parallel work does so by itself).
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace latlas
