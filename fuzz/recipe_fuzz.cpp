// Recipe text from outside: read_recipe() either throws InvalidArgument or sets fields in place.
#include <cstddef>
#include <cstdint>
#include <string>

#include "latlas/core/error.h"
#include "latlas/runs/recipe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint64_t seed = 0;
  double perplexity = 30;
  std::int64_t epochs = 50;
  bool shuffle = true;
  std::string method = "tsne";
  std::vector<std::int64_t> hidden;
  std::vector<latlas::Section> sections = {
      {"", {{.name = "seed", .value = &seed, .help = ""}}},
      {"training",
       {{.name = "epochs", .value = &epochs, .help = "", .low = 1, .high = 1e6},
        {.name = "shuffle", .value = &shuffle, .help = ""},
        {.name = "hidden", .value = &hidden, .help = "", .low = 1, .high = 1e6}}},
      {"map",
       {{.name = "perplexity", .value = &perplexity, .help = "", .low = 1, .high = 1e6},
        {.name = "method", .value = &method, .help = "", .choices = {"tsne", "pca"}}}}};
  try {
    latlas::read_recipe({reinterpret_cast<const char*>(data), size}, "fuzz", sections);
    latlas::check_recipe(sections);
    // What was accepted reads back to the same text.
    const std::string text = latlas::recipe_text(sections, "fuzz");
    latlas::read_recipe(text, "fuzz", sections);
    if (latlas::recipe_text(sections, "fuzz") != text) __builtin_trap();
  } catch (const latlas::InvalidArgument&) {
  }
  return 0;
}
