// latlas, the program: maps of latent spaces from the shell.
//
// Exit codes: 0 done; 2 wrong usage or bad input; 3 refused, would not fit; 4 files that cannot be
// read or written; 130 and 143 stopped by a signal.
#include <fmt/core.h>

#include <cstdio>
#include <new>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/interrupt.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/simd.h"

namespace latlas::cli {

CLI::App* add_command(CLI::App& program, Common& common, const std::string& name,
                      const std::string& what, const std::string& examples) {
  CLI::App* command = program.add_subcommand(name, what);
  command->allow_extras();
  command->footer("\nExamples:\n" + examples);
  command
      ->add_option("--threads", common.threads, "Threads to use; results do not depend on it [all]")
      ->check(CLI::Range(0, 1024))
      ->type_name("")
      ->group("Program");
  command->add_flag("--quiet,-q", common.verbosity.quiet, "No progress, only results and notes")
      ->group("Program");
  command->add_flag("--json", common.verbosity.json, "Results as JSON on stdout")->group("Program");
  return command;
}

namespace {

constexpr const char* kAbout =
    "latlas draws atlases of latent spaces: it trains an autoencoder, reads out the latents, lays\n"
    "them out with PCA and t-SNE, scores the maps and draws the figures.";

constexpr const char* kTour =
    "\nBegin with:\n"
    "  latlas run mnist                             the whole job, from bytes to figures\n"
    "  latlas map embeddings.npy -o map.npy         a t-SNE map of vectors of any origin\n"
    "  latlas plot map.npy --labels labels.npy -o map.png\n"
    "\nEach command explains itself: latlas map --help";

// Results that could not be written are no results.
int finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
    throw IoError("standard output cannot be written");
  return 0;
}

int run(int argc, char** argv) {
  CLI::App program(kAbout, "latlas");
  program.footer(kTour);
  program.set_version_flag("--version", "latlas " LATLAS_VERSION);
  program.require_subcommand(0, 1);
  program.get_formatter()->column_width(34);

  Common common;
  std::vector<std::pair<std::string, Action>> actions;
  actions.emplace_back("run", add_run(program, common));
  actions.emplace_back("train", add_train(program, common));
  actions.emplace_back("encode", add_encode(program, common));
  actions.emplace_back("neighbors", add_neighbors(program, common));
  actions.emplace_back("map", add_map(program, common));
  actions.emplace_back("align", add_align(program, common));
  actions.emplace_back("sequence", add_sequence(program, common));
  actions.emplace_back("plot", add_plot(program, common));
  actions.emplace_back("evaluate", add_evaluate(program, common));
  actions.emplace_back("info", add_info(program, common));
  actions.emplace_back("datasets", add_datasets(program, common));

  program.allow_extras();
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return program.exit(asked);
  } catch (const CLI::ParseError& error) {
    throw InvalidArgument(sentence("latlas: ", error.what()));
  }
  for (const auto& [name, action] : actions) {
    const CLI::App* command = program.get_subcommand(name);
    if (!command->parsed()) continue;
    reject_unknown_words(*command);
    const ThreadLimit limit(common.threads);
    simd::prepare();
    watch_for_interrupts();
    action();
    // A signal that came too late to stop anything is still the user's wish.
    if (interrupted_by() != 0) throw Interrupted{interrupted_by()};
    return finish_output();
  }
  if (const auto words = program.remaining(); !words.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, action] : actions) names.push_back(name);
    const std::string near = nearest_name(words.front(), names);
    throw InvalidArgument(
        near.empty()
            ? sentence("latlas: '", words.front(), "' is no command; see latlas --help")
            : sentence("latlas: '", words.front(), "' is no command; did you mean '", near, "'?"));
  }
  fmt::print("{}", program.help());
  return finish_output();
}

int fail(int code, std::string_view sentence) {
  fmt::print(stderr, "error: {}\n", sentence);
  return code;
}

}  // namespace
}  // namespace latlas::cli

int main(int argc, char** argv) {
  using namespace latlas;
  try {
    return cli::run(argc, argv);
  } catch (const cli::Interrupted& interrupted) {
    return 128 + interrupted.signal;
  } catch (const InvalidArgument& error) {
    return cli::fail(2, error.what());
  } catch (const WouldNotFit& error) {
    return cli::fail(3, error.what());
  } catch (const IoError& error) {
    return cli::fail(4, error.what());
  } catch (const std::bad_alloc&) {
    return cli::fail(3, "memory ran out; try fewer rows");
  } catch (const std::exception& error) {
    return cli::fail(4, error.what());
  }
}
