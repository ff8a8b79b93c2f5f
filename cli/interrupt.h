// Ctrl-C and kill: the first asks the work to end in good order, the second ends the program.
#pragma once

namespace latlas::cli {

/// Takes SIGINT and SIGTERM from now on.
void watch_for_interrupts();
/// The signal that arrived, 0 when none has.
int interrupted_by();

/// Thrown by a command that ended early because of a signal, after saving what it had.
struct Interrupted {
  int signal;
};

}  // namespace latlas::cli
