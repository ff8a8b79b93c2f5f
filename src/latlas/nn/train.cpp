// A step of training has two phases, each over all threads:
//
//   1  micro-batches of kMicroRows rows pass forward through the layers, meet the loss, and pass
//      backward; every layer's input x and gradient dz are left in the batch's buffers;
//   2  tiles of weights: each sums its gradient xᵀ dz over the rows of the batch, in their order,
//      in registers, and takes Adam's step at once. No gradient is ever stored.
//
// Every number is thus one chain of additions in a fixed order, and the result does not depend on
// how many threads there are.
#include "latlas/nn/train.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/core/safetensors.h"
#include "latlas/nn/model_file.h"

namespace latlas {
namespace {

constexpr double kManyZeros =
    0.6;  // from about here on, looking for zeros costs less than it saves
constexpr std::int64_t kAhead = 2 * kMicroRows;  // how far rows are asked for in advance

// What the rows of a batch leave on their way: x[l] enters layer l, dz[l] is the gradient by its
// value before the activation.
struct Activations {
  std::vector<PaddedRows> x, dz;

  Activations() = default;
  Activations(const Autoencoder& model, std::int64_t rows, bool gradients) {
    for (const auto& layer : model.layers) {
      x.emplace_back(rows, layer->inputs());
      if (gradients) dz.emplace_back(rows, layer->outputs());
    }
  }
};

// Rows [begin, end) of the activations, x[0] filled: forward to the sum of their losses.
double forward(const Autoencoder& model, Activations& a, std::int64_t begin, std::int64_t end,
               Loss loss) {
  const std::size_t last = model.layers.size() - 1;
  const auto x = [&](std::size_t l) { return a.x[l].rows(begin, end); };
  for (std::size_t l = 0; l < last; ++l) model.layers[l]->forward(x(l), x(l + 1));
  return model.layers[last]->forward_loss(x(last), x(0), loss,
                                          a.dz.empty() ? Rows() : a.dz[last].rows(begin, end));
}

// … and back from dz of the last layer to dz of the first.
void backward(const Autoencoder& model, Activations& a, std::int64_t begin, std::int64_t end) {
  for (std::size_t l = model.layers.size() - 1; l > 0; --l) {
    const Rows dx = a.dz[l - 1].rows(begin, end);
    model.layers[l]->backward(a.dz[l].rows(begin, end), dx);
    model.layers[l - 1]->activation_gradient(a.x[l].rows(begin, end), dx);
  }
}

// The mean loss of rows under the model.
double mean_loss(const Autoencoder& model, const Samples& rows, Loss loss) {
  const std::int64_t n = rows.rows();
  if (n == 0) return std::numeric_limits<double>::quiet_NaN();
  std::vector<Activations> scratch(static_cast<std::size_t>(threads()));
  for (Activations& s : scratch) s = Activations(model, kMicroRows, false);
  std::vector<double> parts(static_cast<std::size_t>((n + kMicroRows - 1) / kMicroRows));
  parallel_for_worker(n, kMicroRows, [&](std::int64_t begin, std::int64_t end, int worker) {
    Activations& a = scratch[static_cast<std::size_t>(worker)];
    const Rows x = a.x[0].rows(0, end - begin);
    for (std::int64_t i = begin; i < end; ++i) rows.copy_row(i, x.row(i - begin));
    parts[static_cast<std::size_t>(begin / kMicroRows)] = forward(model, a, 0, end - begin, loss);
  });
  return std::accumulate(parts.begin(), parts.end(), 0.0) /
         (static_cast<double>(n) * static_cast<double>(rows.cols()));
}

void require_fitting(const Autoencoder& model, const Samples& rows, Loss loss, const char* what) {
  require(rows.cols() == model.inputs(), what, " has rows of ", rows.cols(),
          " values, the model takes ", model.inputs());
  rows.require_valid(loss == Loss::binary_crossentropy, what);
  require(
      loss != Loss::binary_crossentropy || model.layers.back()->activation() == Activation::sigmoid,
      "train: binary_crossentropy needs a sigmoid output, the model's is ",
      name(model.layers.back()->activation()), "; choose mean_squared_error or another output");
}

}  // namespace

std::vector<Field> fields(TrainParams& p) {
  return {
      {"epochs", &p.epochs, "passes over the data; more fit closer", 0, 1e6},
      {"batch_size", &p.batch_size, "rows a step; larger steps are fewer and smoother", 1, 1e6},
      {"learning_rate", &p.learning_rate, "larger learns faster, too large not at all", 1e-12, 1e3},
      {"beta1", &p.beta1, "Adam: memory of the gradient", 0, 0.999999},
      {"beta2", &p.beta2, "Adam: memory of its square", 0, 0.99999999},
      {"epsilon", &p.epsilon, "Adam: keeps small gradients from large steps", 1e-12, 1},
      {.name = "loss", .value = &p.loss, .help = "what is made small", .choices = loss_names()},
      {.name = "seed", .value = &p.seed, .help = "of the order of the rows"},
      {.name = "shuffle", .value = &p.shuffle, .help = "a new order every epoch"}};
}

struct Trainer::Impl {
  Autoencoder& model;
  Samples data, validation;
  TrainParams params;
  Loss loss;
  std::int64_t rows, steps_per_epoch;
  Activations batch;
  std::vector<double> parts;        // losses of the batch's micro-batches
  std::vector<std::int32_t> order;  // of the rows in this epoch
  std::vector<std::int64_t> tiles;  // of all layers before each layer
  std::int64_t step = 0;
  double loss_sum = 0, seconds_before = 0;
  History history;
  std::vector<Matrix> first, second;

  Impl(Autoencoder& m, Samples d, Samples v, const TrainParams& p)
      : model(m), data(d), validation(v), params(p) {
    check(fields(params), "train");
    loss = loss_named(params.loss, "train");
    rows = data.rows();
    require(rows >= 1, "train: the data have no rows");
    require(rows <= std::numeric_limits<std::int32_t>::max(), "train: ", rows,
            " rows; at most 2147483647 are trained on");
    require_fitting(model, data, loss, "train: data");
    if (validation.rows() > 0) require_fitting(model, validation, loss, "train: validation");
    const std::int64_t batch_rows = std::min(params.batch_size, rows);
    steps_per_epoch = (rows + batch_rows - 1) / batch_rows;
    batch = Activations(model, batch_rows, true);
    parts.resize(static_cast<std::size_t>((batch_rows + kMicroRows - 1) / kMicroRows));
    order.resize(static_cast<std::size_t>(rows));
    tiles.push_back(0);
    for (const auto& layer : model.layers) {
      tiles.push_back(tiles.back() + layer->tiles());
      first.emplace_back(layer->weights().rows(), layer->weights().cols());
      second.emplace_back(layer->weights().rows(), layer->weights().cols());
    }
    model.layers[0]->expect_zeros(data.share_of_zeros() > kManyZeros);
    prepare_layers();
  }

  void prepare_layers() {
    // The first layer's input gradient is nobody's input.
    for (std::size_t l = 1; l < model.layers.size(); ++l) model.layers[l]->prepare_backward();
  }

  std::int64_t epochs_done() const { return static_cast<std::int64_t>(history.size()); }

  void order_rows() {
    std::iota(order.begin(), order.end(), 0);
    if (params.shuffle)
      random::shuffle(
          order, {params.seed, random::Stream::shuffle, static_cast<std::uint32_t>(epochs_done())});
  }

  // One step, on the rows order[begin, end).
  void take_step(std::int64_t begin, std::int64_t end) {
    const std::int64_t n = end - begin;
    parallel_for(n, kMicroRows, [&](std::int64_t b, std::int64_t e) {
      const Rows x = batch.x[0].rows(b, e);
      for (std::int64_t i = b; i < e; ++i) data.copy_row(row_at(begin + i), x.row(i - b));
      // Rows that some thread needs next; they come from anywhere in the data.
      for (std::int64_t i = begin + b + kAhead; i < std::min(rows, begin + e + kAhead); ++i)
        data.prefetch(row_at(i));
      parts[static_cast<std::size_t>(b / kMicroRows)] = forward(model, batch, b, e, loss);
      backward(model, batch, b, e);
    });
    add_loss(n);

    const double scale = 1.0 / (static_cast<double>(n) * static_cast<double>(model.inputs()));
    const AdamStep adam = adam_step(
        {params.learning_rate, params.beta1, params.beta2, params.epsilon}, step + 1, scale);
    parallel_for(tiles.back(), 1, [&](std::int64_t t, std::int64_t) {
      const auto l = static_cast<std::size_t>(std::upper_bound(tiles.begin(), tiles.end(), t) -
                                              tiles.begin() - 1);
      model.layers[l]->update(t - tiles[l], batch.x[l].rows(0, n), batch.dz[l].rows(0, n), first[l],
                              second[l], adam);
    });
    ++step;
  }

  std::int64_t row_at(std::int64_t i) const { return order[static_cast<std::size_t>(i)]; }

  void add_loss(std::int64_t n) {
    const auto count = static_cast<std::size_t>((n + kMicroRows - 1) / kMicroRows);
    double sum = 0;
    for (const double part : std::span(parts).first(count)) sum += part;
    require(std::isfinite(sum), "train: the loss became ", sum, " in epoch ", epochs_done() + 1,
            ", step ", step % steps_per_epoch + 1, "; lower the learning rate (now ",
            params.learning_rate, ")");
    loss_sum += sum;
  }

  double mean_so_far(std::int64_t rows_done) const {
    return loss_sum / (static_cast<double>(rows_done) * static_cast<double>(model.inputs()));
  }

  Report report(std::int64_t rows_done, double seconds) const {
    return {.stage = "training",
            .step = step,
            .of = params.epochs * steps_per_epoch,
            .loss = mean_so_far(rows_done),
            .seconds = seconds};
  }
};

Trainer::Trainer(Autoencoder& model, Samples data, Samples validation, const TrainParams& params)
    : impl_(std::make_unique<Impl>(model, data, validation, params)) {}
Trainer::~Trainer() = default;

bool Trainer::done() const { return impl_->epochs_done() >= impl_->params.epochs; }
std::int64_t Trainer::steps_per_epoch() const { return impl_->steps_per_epoch; }
const History& Trainer::history() const { return impl_->history; }

bool Trainer::epoch(const Progress& progress) {
  if (done()) return false;
  bool go_on = false;
  with_team([&] { go_on = run_epoch(progress); });
  return go_on;
}

bool Trainer::run_epoch(const Progress& progress) {
  Impl& s = *impl_;
  const auto began = std::chrono::steady_clock::now();
  double seconds_of_earlier_epochs = 0;
  for (const Epoch& e : s.history) seconds_of_earlier_epochs += e.seconds;
  const auto seconds_in_all = [&] {
    return seconds_of_earlier_epochs + s.seconds_before + seconds_since(began);
  };

  s.order_rows();
  for (std::int64_t at = s.step % s.steps_per_epoch; at < s.steps_per_epoch; ++at) {
    const std::int64_t begin = at * s.params.batch_size;
    const std::int64_t end = std::min(s.rows, begin + s.params.batch_size);
    s.take_step(begin, end);
    const bool last = at + 1 == s.steps_per_epoch;  // reported with its validation
    if (!last && wants_stop(progress, s.report(end, seconds_in_all()))) {
      s.seconds_before += seconds_since(began);
      return false;
    }
  }

  const double val_loss = mean_loss(s.model, s.validation, s.loss);
  require(s.validation.rows() == 0 || std::isfinite(val_loss), "train: the validation loss became ",
          val_loss, " in epoch ", s.epochs_done() + 1, "; lower the learning rate");
  s.history.push_back({s.epochs_done() + 1, s.mean_so_far(s.rows), val_loss,
                       s.seconds_before + seconds_since(began)});
  Report report = s.report(s.rows, seconds_of_earlier_epochs + s.history.back().seconds);
  report.val_loss = val_loss;
  s.loss_sum = s.seconds_before = 0;
  return !wants_stop(progress, report);
}

TrainState Trainer::state() const {
  const Impl& s = *impl_;
  TrainState state{s.step, s.loss_sum, s.seconds_before, s.history, {}, {}, {}};
  for (std::size_t l = 0; l < s.model.layers.size(); ++l) {
    state.weights.push_back(copy_of(s.model.layers[l]->weights()));
    state.first.push_back(copy_of(s.first[l]));
    state.second.push_back(copy_of(s.second[l]));
  }
  return state;
}

void Trainer::resume(const TrainState& state) {
  Impl& s = *impl_;
  const std::size_t layers = s.model.layers.size();
  const auto fits = [&](const std::vector<Matrix>& blocks) {
    if (blocks.size() != layers) return false;
    for (std::size_t l = 0; l < layers; ++l)
      if (blocks[l].rows() != s.first[l].rows() || blocks[l].cols() != s.first[l].cols())
        return false;
    return true;
  };
  require(fits(state.weights) && fits(state.first) && fits(state.second),
          "train: the checkpoint belongs to a model with other layers");
  require(state.step >= 0 &&
              state.step / s.steps_per_epoch == static_cast<std::int64_t>(state.history.size()),
          "train: the checkpoint has ", state.history.size(), " epochs in ", state.step,
          " steps, this training takes ", s.steps_per_epoch,
          " steps an epoch; resume with the same data and batch_size");
  for (std::size_t l = 0; l < layers; ++l) {
    s.model.layers[l]->weights() = copy_of(state.weights[l]);
    s.first[l] = copy_of(state.first[l]);
    s.second[l] = copy_of(state.second[l]);
  }
  s.prepare_layers();
  s.step = state.step;
  s.loss_sum = state.loss_sum;
  s.seconds_before = state.seconds;
  s.history = state.history;
}

History train(Autoencoder& model, const Samples& data, const Samples& validation,
              const TrainParams& params, const Progress& progress) {
  Trainer trainer(model, data, validation, params);
  while (trainer.epoch(progress)) {
  }
  return trainer.history();
}

double evaluate_loss(const Autoencoder& model, const Samples& rows, const std::string& loss_name) {
  const Loss loss = loss_named(loss_name, "evaluate_loss");
  require_fitting(model, rows, loss, "evaluate_loss: data");
  return mean_loss(model, rows, loss);
}

std::string to_csv(const History& history) {
  const auto number = [](double x) {
    Field field{"", &x, ""};
    return std::isnan(x) ? std::string() : to_text(field);
  };
  std::string out = "epoch,loss,val_loss,seconds\n";
  for (const Epoch& e : history)
    out += sentence(e.epoch, ',', number(e.loss), ',', number(e.val_loss), ',', number(e.seconds),
                    '\n');
  return out;
}

// --- checkpoints ---------------------------------------------------------------------------------
//
// Tensors weights.…, first.…, second.… with the names of the model file; history, F64, a row
// {loss, val_loss, seconds} an epoch; progress, F64, {step, loss_sum, seconds}.

void write_state(const std::filesystem::path& path, const TrainState& state,
                 const Autoencoder& model) {
  const auto addresses = [](const std::vector<Matrix>& blocks) {
    std::vector<const Matrix*> out;
    for (const Matrix& block : blocks) out.push_back(&block);
    return out;
  };
  TensorList list;
  add_blocks(model, "weights.", addresses(state.weights), list);
  add_blocks(model, "first.", addresses(state.first), list);
  add_blocks(model, "second.", addresses(state.second), list);
  BasicMatrix<double> history(static_cast<std::int64_t>(state.history.size()), 3), now(1, 3);
  for (std::size_t e = 0; e < state.history.size(); ++e) {
    const auto i = static_cast<std::int64_t>(e);
    history(i, 0) = state.history[e].loss;
    history(i, 1) = state.history[e].val_loss;
    history(i, 2) = state.history[e].seconds;
  }
  now(0, 0) = static_cast<double>(state.step);
  now(0, 1) = state.loss_sum;
  now(0, 2) = state.seconds;
  list.tensors.push_back(safetensors::tensor_of("history", history.view()));
  list.tensors.push_back(safetensors::tensor_of("progress", now.view()));
  safetensors::write(path, list.tensors,
                     {{"format", "latlas checkpoint"}, {"layers", describe(model)}});
}

TrainState parse_state(Bytes bytes, std::string_view what, const Autoencoder& model) {
  const safetensors::Contents contents = safetensors::parse(bytes, what);
  const auto& metadata = contents.metadata;
  const auto format = metadata.find("format"), layers = metadata.find("layers");
  if (format == metadata.end() || format->second != "latlas checkpoint" || layers == metadata.end())
    throw IoError(sentence(what, ": is no latlas checkpoint"));
  require(layers->second == describe(model), what, ": belongs to the layers '", layers->second,
          "', the model has '", describe(model), "'");
  TrainState state;
  read_blocks(contents, model, "weights.", state.weights, what);
  read_blocks(contents, model, "first.", state.first, what);
  read_blocks(contents, model, "second.", state.second, what);
  const auto history = safetensors::to_doubles(safetensors::find(contents, "history", what), what);
  const auto now = safetensors::to_doubles(safetensors::find(contents, "progress", what), what);
  if (history.cols() != 3 || now.rows() != 1 || now.cols() != 3 || !(now(0, 0) >= 0) ||
      !(now(0, 0) < 9e15))
    throw IoError(sentence(what, ": has a history or progress of another shape"));
  for (std::int64_t i = 0; i < history.rows(); ++i)
    state.history.push_back({i + 1, history(i, 0), history(i, 1), history(i, 2)});
  state.step = static_cast<std::int64_t>(now(0, 0));
  state.loss_sum = now(0, 1);
  state.seconds = now(0, 2);
  return state;
}

TrainState read_state(const std::filesystem::path& path, const Autoencoder& model) {
  const MappedFile file(path);
  return parse_state(file.bytes(), path.string(), model);
}

}  // namespace latlas
