// Graph files from outside, or the two arrays of one, each in a half of the bytes: parse_graph()
// either throws a named error or gives a graph in which every row lists other rows.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "latlas/core/error.h"
#include "latlas/neighbors/graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto array = latlas::npy::parse(std::as_bytes(std::span(data, size / 2)), "fuzz");
    const auto rest = std::as_bytes(std::span(data + size / 2, size - size / 2));
    const auto graph = latlas::parse_graph(array, "fuzz", latlas::npy::parse(rest, "fuzz"), "fuzz");
    for (std::int64_t i = 0; i < graph.rows(); ++i)
      for (const std::int32_t j : graph.index[i])
        if (j < 0 || j >= graph.rows() || j == i) std::abort();
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {
  }
  try {
    const auto graph = latlas::parse_graph(std::as_bytes(std::span(data, size)), "fuzz");
    for (std::int64_t i = 0; i < graph.rows(); ++i)
      for (const std::int32_t j : graph.index[i])
        if (j < 0 || j >= graph.rows() || j == i) std::abort();
  } catch (const latlas::IoError&) {
  } catch (const latlas::InvalidArgument&) {
  }
  return 0;
}
