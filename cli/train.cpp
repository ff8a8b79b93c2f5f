// latlas train: rows → a model.
#include "latlas/nn/train.h"

#include <fmt/core.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/plan.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/npy.h"
#include "latlas/runs/run_directory.h"

namespace latlas::cli {

Action add_train(CLI::App& program, Common& common) {
  struct Options {
    std::string data, validation, out = "model.safetensors", history, latents;
    std::int64_t latents_every = 1;
    AutoencoderParams model;
    TrainParams training;
  };
  auto o = std::make_shared<Options>();
  CLI::App* command =
      add_command(program, common, "train", "Train an autoencoder on rows of numbers or images",
                  "  latlas train mnist:train --validation mnist:test -o model.safetensors\n"
                  "  latlas train vectors.npy --latent 16 --hidden 128 --loss mean_squared_error\n"
                  "       --output-activation linear --epochs 20\n"
                  "  latlas train mnist:train --latents latents --latents-every 5");
  command->add_option("data", o->data, "NAME:train, an .npy of rows, or an IDX file")
      ->type_name("");
  command->add_option("--validation", o->validation, "Rows to validate on after every epoch")
      ->type_name("");
  command->add_option("--out,-o", o->out, "The model's file [model.safetensors]")->type_name("");
  command->add_option("--history", o->history, "Also write the losses of each epoch as CSV")
      ->type_name("");
  command
      ->add_option("--latents", o->latents,
                   "Also write the rows' latents after epochs into this folder: epoch_0000.npy, …")
      ->type_name("");
  command->add_option("--latents-every", o->latents_every, "Epochs from one to the next [1]")
      ->type_name("");
  add_flags(*command, without(fields(o->model), "seed"), "Model");
  add_flags(*command, fields(o->training), "Training");

  return [o, &common] {
    require(!o->data.empty(), "latlas train: name the rows, e.g. latlas train mnist:train");
    o->model.seed = o->training.seed;
    check(fields(o->model), "model");
    check(fields(o->training), "training");
    require(o->training.epochs >= 1, "latlas train: --epochs is ", o->training.epochs,
            ", it must be at least 1");
    require(o->latents_every >= 1, "latlas train: --latents-every is ", o->latents_every,
            ", it must be at least 1");
    Console console(common.verbosity);
    require_writable(o->out);
    const auto latents_of = [&](std::int64_t epoch) {
      return std::filesystem::path(o->latents) / fmt::format("epoch_{:04}.npy", epoch);
    };
    if (!o->latents.empty()) {
      std::error_code failed;
      std::filesystem::create_directories(o->latents, failed);
      require_writable(latents_of(0));
    }
    if (!o->history.empty()) require_writable(o->history);
    const Input data = load_input(o->data);
    const Input validation = o->validation.empty() ? Input{} : load_input(o->validation);
    const Plan plan =
        plan_training(data.rows(), validation.rows(), count_parameters(data.cols(), o->model),
                      o->training.epochs, machine_rate());
    announce(plan, "use a smaller model", console);
    Autoencoder model = make_autoencoder(data.cols(), o->model);
    console.say(summary(model));

    const auto begin = std::chrono::steady_clock::now();
    const auto keep_latents = [&](std::int64_t epoch) {
      if (!o->latents.empty() && epoch % o->latents_every == 0)
        npy::write(latents_of(epoch), encode(model, data.samples()));
    };
    Trainer trainer(model, data.samples(), validation.samples(), o->training);
    const Progress progress = console.progress("steps");
    keep_latents(0);
    while (trainer.epoch(progress)) keep_latents(std::ssize(trainer.history()));
    const History& history = trainer.history();
    const double seconds = seconds_since(begin);
    write_model(o->out, model, {{"loss", o->training.loss}, {"data", utf8_text(o->data)}});
    if (!o->history.empty()) write_file(o->history, to_csv(history));
    if (interrupted_by() != 0) {
      console.note(fmt::format("stopped after {} epochs; the weights so far are in {}",
                               history.size(), o->out));
      throw Interrupted{interrupted_by()};
    }

    const Epoch& last = history.back();  // all epochs, at least one, are done
    Metrics metrics;
    metrics.set("model.loss", last.loss);
    metrics.set("model.val_loss", last.val_loss);
    metrics.set("model.epochs", static_cast<double>(history.size()));
    metrics.set("model.seconds", seconds);
    metrics.set("model.parameters", static_cast<double>(model.parameters()));
    if (console.json()) return console.print(metrics.json());
    std::vector<std::pair<std::string, std::string>> rows = {
        {"loss", number_text(last.loss, 4)}, {"model", o->out}, {"time", seconds_text(seconds)}};
    if (validation.rows() > 0)
      rows.insert(rows.begin() + 1, {"val_loss", number_text(last.val_loss, 4)});
    console.table(fmt::format("trained {} epochs", history.size()), rows);
  };
}

}  // namespace latlas::cli
