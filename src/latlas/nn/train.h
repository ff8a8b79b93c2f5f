// Training an autoencoder: the rows are both its input and its target.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "latlas/core/params.h"
#include "latlas/core/progress.h"
#include "latlas/nn/autoencoder.h"
#include "latlas/nn/samples.h"

namespace latlas {

struct TrainParams {
  std::int64_t epochs = 50;                  ///< Passes over the data; more fit closer.
  std::int64_t batch_size = 256;             ///< Rows a step; larger steps are fewer and smoother.
  double learning_rate = 1e-3;               ///< Larger learns faster, too large not at all.
  double beta1 = 0.9;                        ///< Adam: memory of the gradient.
  double beta2 = 0.999;                      ///< Adam: memory of its square.
  double epsilon = 1e-7;                     ///< Adam: keeps small gradients from large steps.
  std::string loss = "binary_crossentropy";  ///< Or "mean_squared_error".
  std::uint64_t seed = 0;                    ///< Of the order of the rows.
  bool shuffle = true;                       ///< A new order every epoch.
};
std::vector<Field> fields(TrainParams& params);

/// What one epoch left. `loss` is the mean over the epoch, while the weights were changing;
/// `val_loss` that of the validation rows after it, NaN when there are none.
struct Epoch {
  std::int64_t epoch = 0;  ///< 1, 2, …
  double loss = 0, val_loss = 0;
  double seconds = 0;  ///< Of this epoch, validation included.
};
using History = std::vector<Epoch>;

/// Everything that training needs to go on to the same bits, at any step.
struct TrainState {
  std::int64_t step = 0;              ///< Steps done.
  double loss_sum = 0;                ///< Σ loss over the rows of the epoch that has begun.
  double seconds = 0;                 ///< Spent in the epoch that has begun.
  History history;                    ///< Epochs done.
  std::vector<Matrix> weights;        ///< A block a layer.
  std::vector<Matrix> first, second;  ///< Adam's moments, of the same shapes.
};
/// As safetensors. The model's layers are named in the metadata and checked when read.
void write_state(const std::filesystem::path& path, const TrainState& state,
                 const Autoencoder& model);
/// @throws IoError  when the file is no such state; InvalidArgument when it belongs to other
/// layers.
TrainState parse_state(Bytes bytes, std::string_view what, const Autoencoder& model);
TrainState read_state(const std::filesystem::path& path, const Autoencoder& model);

/// The steps of training, for who wants to stand between them; train() is the loop over it.
///
///   Trainer trainer(model, data, validation, params);
///   while (trainer.epoch(progress)) write_state("checkpoint.safetensors", trainer.state(), model);
class Trainer {
 public:
  /// Model, data and validation must outlive the trainer. Validation may have no rows.
  /// @throws InvalidArgument  when there is no row, shapes do not fit, values are NaN or infinite
  /// (or outside [0, 1] under binary cross-entropy), or a parameter leaves its range.
  Trainer(Autoencoder& model, Samples data, Samples validation, const TrainParams& params);
  ~Trainer();

  /// Trains to the end of the epoch. False when all epochs were done already, or when the host
  /// said stop; the model then holds the weights reached so far.
  /// The host hears of every step: step and of count steps, loss is the mean of the epoch so far;
  /// val_loss is a number in the last report of an epoch only, after its validation.
  /// @throws InvalidArgument  when the loss becomes NaN or infinite: the learning rate is too
  /// large.
  bool epoch(const Progress& progress = {});

  bool done() const;
  std::int64_t steps_per_epoch() const;
  const History& history() const;
  TrainState state() const;
  /// Goes on from that state; data, parameters and model must be those it was taken with.
  void resume(const TrainState& state);

 private:
  bool run_epoch(const Progress& progress);

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Trains the model in place by Adam on batches of reshuffled rows, validates after every epoch.
/// Stops in good order when the host says stop, with the epochs done so far.
/// @throws InvalidArgument  as Trainer does.
/// Cost: 6 · parameters operations a row and epoch, 2 more for validation rows.
History train(Autoencoder& model, const Samples& data, const Samples& validation,
              const TrainParams& params = {}, const Progress& progress = {});

/// The mean loss of the rows under the model.
double evaluate_loss(const Autoencoder& model, const Samples& rows,
                     const std::string& loss = "binary_crossentropy");

/// "epoch,loss,val_loss,seconds" and a line an epoch.
std::string to_csv(const History& history);

}  // namespace latlas
