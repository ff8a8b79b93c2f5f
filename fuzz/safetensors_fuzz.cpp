// Safetensors bytes from outside: parse() either throws IoError or gives tensors that cover the
// values exactly.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latlas/core/error.h"
#include "latlas/core/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto contents = latlas::safetensors::parse(std::as_bytes(std::span(data, size)), "fuzz");
    const std::byte* at = nullptr;
    for (const auto& tensor : contents.tensors) {
      auto bytes = static_cast<std::uint64_t>(latlas::safetensors::size_of(tensor.type));
      for (const std::int64_t n : tensor.shape) bytes *= static_cast<std::uint64_t>(n);
      if (bytes != tensor.values.size()) std::abort();
      if (at != nullptr && tensor.values.data() != at) std::abort();
      at = tensor.values.data() + tensor.values.size();
      if (tensor.type == latlas::safetensors::Type::f32 && tensor.shape.size() == 2)
        latlas::safetensors::to_matrix(tensor, "fuzz");
    }
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {  // a shape such as 2^40 × 0, beyond any matrix
  }
  return 0;
}
