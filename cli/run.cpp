// latlas run: a recipe, all arrows.
#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/job.h"
#include "cli/pipeline.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"

namespace latlas::cli {

Action add_run(CLI::App& program, Common& common) {
  struct Options {
    std::string recipe, out;
    std::vector<std::string> sets;
    std::string seed;
    PipelineOptions pipeline;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "run", "Train, encode, map, score and draw: a recipe, all of it",
      "  latlas run mnist\n"
      "  latlas run mnist --set training.epochs=4 --set data.train=2000 --out runs/short\n"
      "  latlas run my-recipe.toml --seed 1\n"
      "A stage whose inputs and parameters have not changed is not run again.");
  command->add_option("recipe", options->recipe, "A recipe's name (mnist, synthetic, …) or a .toml")
      ->type_name("");
  command->add_option("--set", options->sets, "section.key=value, over the recipe; repeatable")
      ->type_name("")
      ->allow_extra_args(false);
  command->add_option("--out,-o", options->out, "The run's folder [runs/RECIPE]")->type_name("");
  command->add_option("--seed", options->seed, "Of every draw [the recipe's]")->type_name("");
  command->add_flag("--fresh", options->pipeline.fresh, "Run every stage again");
  command->add_flag("--fetch", options->pipeline.fetch,
                    "Download the dataset when it is not on this machine");
  command->add_flag("--or-synthetic", options->pipeline.or_synthetic,
                    "Take the built-in digits when the dataset cannot be had");

  return [options, &common] {
    require(!options->recipe.empty(), "latlas run: name a recipe, e.g. latlas run mnist");
    const auto path = find_recipe(options->recipe);
    Job job;
    std::vector<Section> sections = job.sections();
    read_recipe(read_text(path), path.string(), sections);
    for (const auto& assignment : options->sets) set_in_recipe(assignment, sections);
    if (!options->seed.empty()) set_in_recipe("seed=" + options->seed, sections);
    job.prepare();

    options->pipeline.recipe = path.stem();
    options->pipeline.folder = options->out.empty() ? std::filesystem::path("runs") / path.stem()
                                                    : std::filesystem::path(options->out);
    Console console(common.verbosity);
    run_pipeline(std::move(job), options->pipeline, console);
  };
}

}  // namespace latlas::cli
