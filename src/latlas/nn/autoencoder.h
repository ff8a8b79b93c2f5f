// The autoencoder: an encoder that compresses a row into a few numbers, its latent, and a decoder
// that restores the row from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "latlas/core/file.h"
#include "latlas/core/matrix.h"
#include "latlas/core/params.h"
#include "latlas/nn/layer.h"
#include "latlas/nn/samples.h"

namespace latlas {

struct AutoencoderParams {
  std::vector<std::int64_t> hidden = {};  ///< Widths between input and latent, e.g. {512, 128}; the
                                          ///< decoder mirrors them. More and wider fit closer.
  std::int64_t latent = 32;               ///< Numbers a row is compressed to; more lose less.
  std::string activation = "relu";        ///< Of hidden layers.
  std::string latent_activation = "relu";
  std::string output_activation = "sigmoid";
  std::uint64_t seed = 0;  ///< Of the initial weights.
};
std::vector<Field> fields(AutoencoderParams& params);

/// The layers in their order; the first `encoder_layers` of them end in the latent.
struct Autoencoder {
  std::vector<std::unique_ptr<Layer>> layers;
  std::size_t encoder_layers = 0;

  std::int64_t inputs() const { return layers.front()->inputs(); }
  std::int64_t latent() const { return layers[encoder_layers - 1]->outputs(); }
  std::int64_t parameters() const;
};
Autoencoder copy_of(const Autoencoder& model);

/// inputs → hidden… → latent → …hidden → inputs, all dense.
/// @throws InvalidArgument  when inputs < 1 or a parameter leaves its range.
Autoencoder make_autoencoder(std::int64_t inputs, const AutoencoderParams& params = {});

/// Rows → latents, n × latent.
/// @throws InvalidArgument  when the rows are not as long as the model's input, or hold NaN or
/// infinity. Cost: O(n · parameters); a row's result does not depend on the others.
Matrix encode(const Autoencoder& model, const Samples& rows);
/// Latents → rows, n × inputs.
Matrix decode(const Autoencoder& model, ConstRows latents);
/// decode(encode(rows)) without keeping the latents.
Matrix reconstruct(const Autoencoder& model, const Samples& rows);

/// A table of the layers: kind, activation, output shape, parameters, and their sum.
std::string summary(const Autoencoder& model);

/// Writes the weights as safetensors ("encoder.0.kernel", "encoder.0.bias", …, "decoder.0.kernel",
/// …); the metadata describe the layers, so that the file is all one needs. `more` is added to
/// them.
void write_model(const std::filesystem::path& path, const Autoencoder& model,
                 const std::map<std::string, std::string>& more = {});
/// @throws IoError  when the file is no such model.
Autoencoder read_model(const std::filesystem::path& path);
/// The same in memory: the bytes of that file, and the model in them. `what` begins the sentence.
std::string model_bytes(const Autoencoder& model,
                        const std::map<std::string, std::string>& more = {});
Autoencoder parse_model(Bytes bytes, std::string_view what);

}  // namespace latlas
