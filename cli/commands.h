// The commands of the program, one an arrow, and `run`, which is all of them. Each function adds
// its command to the program; the returned action is called when the user asked for it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "cli/console.h"

namespace latlas::cli {

/// What every command shares.
struct Common {
  Verbosity verbosity;
  int threads = 0;  ///< 0: all.
};

using Action = std::function<void()>;

Action add_run(CLI::App& program, Common& common);
Action add_train(CLI::App& program, Common& common);
Action add_encode(CLI::App& program, Common& common);
Action add_neighbors(CLI::App& program, Common& common);
Action add_map(CLI::App& program, Common& common);
Action add_align(CLI::App& program, Common& common);
Action add_sequence(CLI::App& program, Common& common);
Action add_plot(CLI::App& program, Common& common);
Action add_evaluate(CLI::App& program, Common& common);
Action add_info(CLI::App& program, Common& common);
Action add_datasets(CLI::App& program, Common& common);

/// A command that knows --threads, --quiet and --json, leaves unknown words to
/// reject_unknown_words(), and ends its help with the example.
CLI::App* add_command(CLI::App& program, Common& common, const std::string& name,
                      const std::string& what, const std::string& examples);

}  // namespace latlas::cli
