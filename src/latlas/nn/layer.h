// Layers: what a model is a list of.
//
// A layer turns rows of inputs() numbers into rows of outputs() numbers, each row by itself, so a
// batch can be cut anywhere. With x the input, z the value before the activation and y the output,
// all n rows:
//
//   forward           y = activation(z(x))                              n × inputs → n × outputs
//   forward_loss      the last layer: loss(y, target) and dz = ∂loss/∂z at once
//   activation_gradient  dz = dy ⊙ activation'(z), in place             n × outputs
//   backward          dx from dz                                        n × outputs → n × inputs
//   update            the gradient of a tile of weights, summed over the rows of the whole batch in
//                     their order, and Adam's step on it at once
//
// Forward and backward are called for micro-batches of a few rows, by many threads; update for
// tiles of weights, by many threads, after all of those.
//
// Rows that come from the trainer are padded: they may be read, and are zero, up to padded(cols).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/matrix.h"
#include "latlas/core/product.h"
#include "latlas/nn/adam.h"
#include "latlas/nn/loss.h"

namespace latlas {

/// Rows of a micro-batch at most: their activations stay in the nearest caches.
constexpr std::int64_t kMicroRows = 32;

/// The length to which the trainer's rows are padded: whole cache lines, and an odd number of
/// them, so that the lines of a column spread over all sets of the cache.
constexpr std::int64_t padded(std::int64_t cols) { return 16 * ((cols + 15) / 16 | 1); }

/// Rows of `cols` numbers in padded memory, zero at first.
class PaddedRows {
 public:
  PaddedRows() = default;
  PaddedRows(std::int64_t rows, std::int64_t cols) : memory_(rows, padded(cols)), cols_(cols) {}
  Rows rows(std::int64_t begin, std::int64_t end) {
    return {memory_.row(begin), end - begin, cols_, memory_.cols()};
  }

 private:
  Matrix memory_;
  std::int64_t cols_ = 0;
};

/// A named part of a layer's weights, e.g. "kernel", inputs × outputs.
struct Part {
  std::string name;
  Rows values;
};

class Layer {
 public:
  virtual ~Layer() = default;

  virtual std::string_view kind() const = 0;  ///< "dense"
  virtual std::int64_t inputs() const = 0;
  virtual std::int64_t outputs() const = 0;
  virtual Activation activation() const = 0;
  virtual std::int64_t parameters() const = 0;  ///< trained numbers
  virtual std::unique_ptr<Layer> copy() const = 0;

  /// All weights in one block, with padding; moments have its shape.
  virtual Matrix& weights() = 0;
  virtual const Matrix& weights() const = 0;
  /// The named parts of a block of that shape.
  virtual std::vector<Part> parts(Matrix& block) const = 0;
  /// Random weights, zero biases. `number` tells the layers of a model apart.
  virtual void initialize(std::uint64_t seed, std::uint32_t number) = 0;
  /// Says whether much of the input is exactly zero, so that skipping zeros pays. Changes only
  /// time.
  virtual void expect_zeros(bool expected) = 0;
  /// To be called before backward(), and after weights() were changed other than by update().
  virtual void prepare_backward() = 0;

  virtual void forward(ConstRows x, Rows y) const = 0;
  /// At most kMicroRows padded rows. Returns the sum of the loss over all their values; writes its
  /// gradient by z unless dz is empty.
  virtual double forward_loss(ConstRows x, ConstRows target, Loss loss, Rows dz) const = 0;
  /// From y = f(z): dy becomes dz.
  void activation_gradient(ConstRows y, Rows dy) const;
  /// At most kMicroRows rows.
  virtual void backward(ConstRows dz, Rows dx) const = 0;
  /// Tiles of weights, which update() takes one at a time.
  virtual std::int64_t tiles() const = 0;
  /// x and dz: all rows of the batch, padded. first and second: Adam's moments.
  virtual void update(std::int64_t tile, ConstRows x, ConstRows dz, Matrix& first, Matrix& second,
                      const AdamStep& step) = 0;
};

/// y = activation(x W + b).  W: inputs × outputs, b: one a column; Glorot-uniform weights:
/// uniform in ±√(6 / (inputs + outputs)) (Glorot & Bengio, 2010).
std::unique_ptr<Layer> dense(std::int64_t inputs, std::int64_t outputs, Activation activation);

}  // namespace latlas
