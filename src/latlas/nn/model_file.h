// How a model's blocks of weights and moments lie in a safetensors file; for this room only.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/safetensors.h"
#include "latlas/nn/autoencoder.h"

namespace latlas {

constexpr std::int64_t kWidest = 1 << 20;  // numbers a layer may take or give

/// Tensors and the values they show, at addresses that stay.
struct TensorList {
  std::vector<safetensors::Tensor> tensors;
  std::deque<Matrix> values;
};

/// The layers as text: "dense 784 32 relu; dense 32 784 sigmoid".
std::string describe(const Autoencoder& model);
/// Adds the parts of a block a layer, named prefix + "encoder.0.kernel" and so on.
void add_blocks(const Autoencoder& model, const std::string& prefix,
                const std::vector<const Matrix*>& blocks, TensorList& list);
/// Their way back; throws IoError for parts that are missing, misshapen or not finite.
void read_blocks(const safetensors::Contents& contents, const Autoencoder& model,
                 const std::string& prefix, std::vector<Matrix>& blocks, std::string_view what);

}  // namespace latlas
