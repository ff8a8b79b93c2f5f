#include "latlas/nn/plan.h"

#include <vector>

namespace latlas {

double count_parameters(std::int64_t inputs, const AutoencoderParams& model) {
  std::vector<double> widths = {static_cast<double>(inputs)};
  widths.insert(widths.end(), model.hidden.begin(), model.hidden.end());
  widths.push_back(static_cast<double>(model.latent));
  double count = 0;
  for (std::size_t i = 1; i < widths.size(); ++i)  // the layer and its mirror in the decoder
    count += 2 * widths[i] * widths[i - 1] + widths[i] + widths[i - 1];
  return count;
}

Plan plan_training(std::int64_t rows, std::int64_t validation_rows, double parameters,
                   std::int64_t epochs, double rate) {
  const double each = 3.0 * static_cast<double>(rows) + static_cast<double>(validation_rows);
  // Weights, two moments, packed copies and what a checkpoint holds.
  return {each * parameters * static_cast<double>(epochs) / (0.65 * rate),
          whole_bytes(parameters * 32)};
}

Plan plan_encoding(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, double parameters,
                   double rate) {
  const auto n = static_cast<double>(rows);
  return {n * (parameters + static_cast<double>(inputs)) / (0.35 * rate),
          whole_bytes(parameters * 8 + n * static_cast<double>(outputs) * 4)};
}

}  // namespace latlas
