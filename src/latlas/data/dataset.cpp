#include "latlas/data/dataset.h"

#include <string_view>
#include <utility>

#include "latlas/core/parallel.h"

namespace latlas {
namespace {

void keep_first(ByteMatrix& rows, std::vector<std::uint8_t>& labels, std::int64_t count,
                std::string_view name, std::string_view part) {
  require(count >= 0 && count <= rows.rows(), "dataset ", name, ": ", count, " ", part,
          " rows were asked for, it has ", rows.rows(), " (0 keeps them all)");
  if (count == 0 || count == rows.rows()) return;
  rows = copy_of(rows.view().rows(0, count));
  labels.resize(static_cast<std::size_t>(count));
}

}  // namespace

Matrix scaled(MatrixView<const std::uint8_t> pixels) {
  Matrix out(pixels.rows(), pixels.cols());
  parallel_for(pixels.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* from = pixels.row(i);
      float* to = out.row(i);
      for (std::int64_t j = 0; j < pixels.cols(); ++j) to[j] = static_cast<float>(from[j]) / 255.0F;
    }
  });
  return out;
}

Dataset first_rows(Dataset&& dataset, std::int64_t train, std::int64_t test) {
  Dataset out = std::move(dataset);
  keep_first(out.train, out.train_labels, train, out.name, "training");
  keep_first(out.test, out.test_labels, test, out.name, "test");
  return out;
}

}  // namespace latlas
