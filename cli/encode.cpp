// latlas encode: rows → latents.
#include <fmt/core.h>

#include <memory>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/nn/autoencoder.h"

namespace latlas::cli {

Action add_encode(CLI::App& program, Common& common) {
  struct Options {
    std::string model, data, out = "latents.npy";
    bool decode = false;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command =
      add_command(program, common, "encode", "Read the latents of rows out of a trained model",
                  "  latlas encode model.safetensors mnist:test -o latents.npy\n"
                  "  latlas encode model.safetensors latents.npy --decode -o rows.npy");
  command->add_option("model", o->model, "A model file of latlas train or run")->type_name("");
  command->add_option("data", o->data, "NAME:train, an .npy of rows, or an IDX file")
      ->type_name("");
  command->add_option("--out,-o", o->out, "Where the result goes [latents.npy]")->type_name("");
  command->add_flag("--decode", o->decode, "The way back: latents to rows");

  return [o, &common] {
    require(
        !o->model.empty() && !o->data.empty(),
        "latlas encode: name a model and rows, e.g. latlas encode model.safetensors mnist:test");
    Console console(common.verbosity);
    const Autoencoder model = read_model(o->model);
    require_writable(o->out);
    Input input = load_input(o->data);
    Plan plan =
        plan_encoding(input.rows(), input.cols(), o->decode ? model.inputs() : model.latent(),
                      0.5 * static_cast<double>(model.parameters()), machine_rate());
    plan.bytes += input.rows() * input.cols() * 4;
    announce(plan, "encode fewer rows at a time", console);
    const Matrix result =
        o->decode ? decode(model, as_numbers(std::move(input))) : encode(model, input.samples());
    npy::write(o->out, result);
    if (console.json())
      return console.print(
          fmt::format("{{\"rows\": {}, \"columns\": {}}}\n", result.rows(), result.cols()));
    console.table(
        "", {{o->decode ? "rows" : "latents",
              fmt::format("{} × {} in {}", count_text(result.rows()), result.cols(), o->out)}});
  };
}

}  // namespace latlas::cli
