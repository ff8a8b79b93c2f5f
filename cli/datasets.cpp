// latlas datasets: what can be had by name, and fetching it.
#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/fetching.h"
#include "cli/flags.h"
#include "latlas/core/error.h"
#include "latlas/data/catalog.h"

namespace latlas::cli {
namespace {

void list_datasets(Console& console) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const KnownDataset& d : known_datasets()) {
    const auto folder = find_dataset(d.name);
    rows.emplace_back(d.name, fmt::format("{}; {} + {} images of {} × {}, {}, {}", d.description,
                                          count_text(d.train_rows), count_text(d.test_rows),
                                          d.height, d.width, bytes_text(d.size()), d.license));
    rows.emplace_back("", folder ? "here: " + folder->string()
                                 : fmt::format("not here; latlas datasets fetch {}", d.name));
  }
  rows.emplace_back("synthetic",
                    "digits drawn by latlas itself; 60,000 + 10,000 images of 28 × 28");
  rows.emplace_back("", "always here");
  console.facts("datasets", rows);
}

}  // namespace

Action add_datasets(CLI::App& program, Common& common) {
  auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* command = add_command(program, common, "datasets", "List known datasets, or fetch one",
                                  "  latlas datasets\n"
                                  "  latlas datasets fetch mnist\n"
                                  "Files go to $LATLAS_DATA, or to the user's cache folder.");
  CLI::App* fetch = command->add_subcommand("fetch", "Download a dataset, verified and resumable");
  fetch->allow_extras();
  fetch->add_option("name", *names, "mnist, fashion-mnist, kmnist")->type_name("");
  return [names, fetch, &common] {
    Console console(common.verbosity);
    if (!fetch->parsed()) return list_datasets(console);
    reject_unknown_words(*fetch);
    require(!names->empty(), "latlas datasets fetch: name a dataset; latlas datasets lists them");
    for (const auto& name : *names) known_dataset(name);
    for (const auto& name : *names) fetch_named(name, console);
  };
}

}  // namespace latlas::cli
