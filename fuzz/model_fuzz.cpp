// Models from outside, and checkpoints of their training: parse_model() and parse_state() either
// throw or give weights of the shapes that the layers have.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latlas/core/error.h"
#include "latlas/nn/autoencoder.h"
#include "latlas/nn/train.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const auto model = latlas::parse_model(bytes, "fuzz");
    const latlas::Matrix one(1, model.inputs());
    if (latlas::encode(model, one).cols() != model.latent()) std::abort();
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {
  }
  try {
    static const latlas::Autoencoder model = latlas::make_autoencoder(4, {.latent = 2});
    const auto state = latlas::parse_state(bytes, "fuzz", model);
    if (state.weights.size() != state.first.size() || state.step < 0) std::abort();
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {
  }
  return 0;
}
