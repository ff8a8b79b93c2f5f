#include "cli/interrupt.h"

#include <csignal>

namespace latlas::cli {
namespace {

volatile std::sig_atomic_t arrived = 0;

void remember(int signal) {
  arrived = signal;
  std::signal(signal, SIG_DFL);  // the next one ends the program
}

}  // namespace

void watch_for_interrupts() {
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

int interrupted_by() { return arrived; }

}  // namespace latlas::cli
