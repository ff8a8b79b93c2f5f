// The Python host of a long computation: it runs without the interpreter's lock, on as many threads
// as asked for, tells a callback how far it is, and hears Ctrl-C.
#pragma once

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <utility>

#include "latlas/core/parallel.h"
#include "latlas/core/progress.h"

namespace latlas::python {

namespace nb = nanobind;

/// Set in a forked child: the threads of its parent are not there, but their runtime (GNU OpenMP)
/// believes they are, and would wait for them forever. On one thread it needs none.
inline std::atomic<bool> is_forked = false;

class Host {
 public:
  /// @param callback  None, or called with (stage, step, of, loss, val_loss, seconds); it ends the
  ///                  work in good order by returning True, and with its error by raising one.
  /// @param threads   0: as many as there are. In a forked child it is always one.
  Host(nb::object callback, int threads) : callback_(std::move(callback)), threads_(threads) {}

  /// work(progress), without the lock. What the callback or a signal handler raised is raised here:
  /// a signal ends the work wherever it is.
  template <class Work>
  auto run(Work&& work) {
    const auto wanted = [this] { return is_interrupted(); };
    const auto cancellable = [&](const Progress& progress) {
      const Cancellation cancellation(wanted);
      return work(progress);
    };
    try {
      return run_to_good_order(cancellable);
    } catch (const Cancelled&) {
      std::rethrow_exception(error_);
    }
  }

  /// The same for work that has something to keep: a signal is heard when it reports, and ends it
  /// in good order, also where a host around this one would end it at once.
  template <class Work>
  auto run_to_good_order(Work&& work) {
    const auto never = [] { return false; };
    const Cancellation shield(never);
    const auto unlocked = [&] {
      const nb::gil_scoped_release release;
      const ThreadLimit limit(is_forked ? 1 : threads_);
      return work(Progress([this](const Report& report) { return hear(report); }));
    };
    auto result = unlocked();
    if (error_) std::rethrow_exception(error_);
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;

  // Training reports every step: some thousand calls a second, of which those that end an epoch are
  // passed on, and of the others enough to see the bar move.
  bool is_due(const Report& report) {
    const auto now = Clock::now();
    const bool due = report.stage != "training" || !std::isnan(report.val_loss) ||
                     report.step == report.of || now - heard_ > std::chrono::milliseconds(50);
    if (due) heard_ = now;
    return due;
  }

  // Whether a signal handler raised an error.
  bool is_interrupted() {
    if (error_) return true;
    const nb::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return false;
    try {
      throw nb::python_error();
    } catch (...) {
      error_ = std::current_exception();
    }
    return true;
  }

  Next hear(const Report& report) {
    if (error_) return Next::stop;
    if (!is_due(report)) return Next::proceed;
    if (is_interrupted()) return Next::stop;
    const nb::gil_scoped_acquire acquire;
    try {
      if (callback_.is_none()) return Next::proceed;
      const nb::object answer =
          callback_(nb::str(report.stage.data(), report.stage.size()), report.step, report.of,
                    report.loss, report.val_loss, report.seconds);
      return answer.ptr() == Py_True ? Next::stop : Next::proceed;
    } catch (...) {
      error_ = std::current_exception();
      return Next::stop;
    }
  }

  nb::object callback_;
  int threads_;
  Clock::time_point heard_ = Clock::now();
  std::exception_ptr error_;
};

}  // namespace latlas::python
