#include "cli/fetching.h"

#include <fmt/core.h>

#include <chrono>

#include "cli/interrupt.h"
#include "latlas/data/catalog.h"
#include "latlas/data/fetch.h"

namespace latlas::cli {

void fetch_named(const std::string& name, Console& console) {
  const KnownDataset& dataset = known_dataset(name);
  const auto folder = dataset_folder(name);
  console.say(
      fmt::format("fetching {} ({}) into {}", name, bytes_text(dataset.size()), folder.string()));
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return seconds_since(begin); };
  const Progress bar = console.progress("bytes");
  const Fetched fetched = fetch_dataset(name, folder, [&](const Transfer& t) {
    return bar({.stage = "fetching", .step = t.done, .of = t.size, .seconds = seconds()});
  });
  if (fetched == Fetched::stopped) {
    console.say("stopped; the same command goes on from here");
    throw Interrupted{interrupted_by()};
  }
  console.finish("fetched", folder.string(), seconds());
}

}  // namespace latlas::cli
