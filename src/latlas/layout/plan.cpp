#include "latlas/layout/plan.h"

#include <algorithm>

#include "latlas/core/eigen.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/preset.h"

namespace latlas {

Plan plan_pca(std::int64_t rows, std::int64_t cols, std::int64_t components, double rate) {
  const auto less = static_cast<double>(std::min(rows, cols)), n = static_cast<double>(rows);
  const auto found = static_cast<double>(components);
  const double products = n * static_cast<double>(cols) * (less + 230 + 12 * found);
  // All pairs are found on one thread; some, by about eighty products with a basis of twice as many
  // rows, at half the rate, since in double.
  const bool all = finds_all_pairs(std::min(rows, cols), components);
  const double pairs = less * less * (all ? 120 * less : 350 * found);
  return {(products + pairs) / rate, whole_bytes(less * less * 24 + n * found * 4)};
}

Plan plan_tsne(std::int64_t rows, std::int64_t k, const TsneParams& given, double rate) {
  const TsneParams params = with_preset(given);
  // A descent that ends by its rule usually does so in less than half of the default iterations.
  constexpr double kUsual = 450;
  const auto most = static_cast<double>(params.iterations);
  const double iterations = params.stop_below > 0 ? std::min(most, kUsual) : most;
  const double near = static_cast<double>(rows) * static_cast<double>(k), edges = 1.4 * near;
  const bool all_pairs = rows < params.exact_below;
  const double exact = all_pairs ? 12.0 * static_cast<double>(rows) * static_cast<double>(rows) : 0;
  const double grid = all_pairs ? 0 : 4e8 + 900.0 * static_cast<double>(rows);
  const double nodes =
      params.dimensions == 3 ? std::max(8'388'608.0, 16.0 * static_cast<double>(rows)) : 1'600'000;
  return {iterations * (75 * edges + exact + grid) / rate,
          whole_bytes(near * 56 + (all_pairs ? 0 : 128 * nodes))};
}

Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate) {
  const double each = static_cast<double>(rows) * static_cast<double>(k);
  const auto epochs = static_cast<double>(umap_epochs(params, rows));
  const double spectrum = params.init == "spectral" ? 2e4 * each : 0;
  const double epoch = (140 + 25 * params.negative_sample_rate) * each;
  return {(epochs * epoch + spectrum) / rate,
          whole_bytes(each * 50 + static_cast<double>(rows) * 300)};
}

Plan plan_kl(std::int64_t rows, double rate) {
  const KlParams params;
  const auto all = static_cast<double>(rows);
  const bool exact = rows <= params.exact_rows;  // of which half are looked at
  return {(exact ? 10 * all : 20 * static_cast<double>(params.sample_rows)) * all / rate, 0};
}

}  // namespace latlas
