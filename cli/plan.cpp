// Times are multiply-adds over their measured rate, each step with the share of that rate that it
// reaches, and with what else it does counted as so many of them. The factors were fitted to runs
// on MNIST; the times are meant to be right within a factor of two where nothing else runs.
#include "cli/plan.h"

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/machine.h"
#include "latlas/core/parallel.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/preset.h"
#include "latlas/neighbors/approximate.h"

namespace latlas::cli {

Plan& Plan::operator+=(const Plan& other) {
  seconds += other.seconds;
  bytes = std::max(bytes, other.bytes);
  return *this;
}

namespace {

// So many bytes; more than memory can hold where the number is absurd.
std::int64_t whole(double bytes) { return static_cast<std::int64_t>(std::min(bytes, 9e18)); }

}  // namespace

double machine_rate() {
  const auto cores = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  return machine::multiply_add_rate() * std::min(threads(), cores);
}

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
  return {each * parameters * static_cast<double>(epochs) / (0.65 * rate), whole(parameters * 32)};
}

Plan plan_encoding(std::int64_t rows, std::int64_t inputs, std::int64_t outputs, double parameters,
                   double rate) {
  const auto n = static_cast<double>(rows);
  return {n * (parameters + static_cast<double>(inputs)) / (0.35 * rate),
          whole(parameters * 8 + n * static_cast<double>(outputs) * 4)};
}

Plan plan_pca(std::int64_t rows, std::int64_t cols, std::int64_t components, double rate) {
  const auto less = static_cast<double>(std::min(rows, cols));
  const double entries = static_cast<double>(rows) * static_cast<double>(cols);
  const double each = less + 230 + 12 * static_cast<double>(components);  // products, passes
  return {
      (entries * each + 50 * less * less * less) / rate,
      whole(less * less * 24 + static_cast<double>(rows) * static_cast<double>(components) * 4)};
}

Plan plan_neighbors(std::int64_t rows, std::int64_t queries, std::int64_t cols, std::int64_t k,
                    double rate) {
  const auto n = static_cast<double>(rows), m = static_cast<double>(queries);
  const auto d = static_cast<double>(cols);
  return {n * m * (d / 0.8 + 20) / rate, whole(n * d * 8 + m * static_cast<double>(k) * 8)};
}

namespace {

// Groups that a row looks at when a sample decides: about 20 to 40 for latents of some ten thousand
// to a million rows, 60 to 90 for embeddings of text.
double probes_of(std::int64_t cols, const NeighborsParams& params) {
  return params.probes > 0 ? static_cast<double>(params.probes)
                           : std::min(32 + 0.1 * static_cast<double>(cols), 96.0);
}

Plan plan_approximate(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                      const NeighborsParams& params, double rate) {
  const auto n = static_cast<double>(rows), m = static_cast<double>(queries);
  const auto d = static_cast<double>(cols), k = static_cast<double>(params.k);
  const double looked = std::min(96 * probes_of(cols, params), n);
  // The order of the rows and the sample; the groups looked at; the sweeps over neighbors'
  // neighbors, of which most were seen.
  const double prepared = n * (d * (384 + 12 * std::log2(n + 1)) + 20000);
  const double scanned = m * (looked * (d / 0.3 + 80) + 4000 * k + 50000);
  const double near = std::min(k + 1, 32.0);
  const double swept =
      static_cast<double>(std::min<std::int64_t>(params.sweeps, 2)) * near * near * (2 * d + 200);
  return {(prepared + scanned + (rows == queries ? m * swept : 0)) / rate,
          whole(n * (d * 8 + 100) + m * (k * 16 + 116))};
}

}  // namespace

Plan plan_search(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                 const NeighborsParams& params, double rate) {
  if (queries == 0) return {};
  return searches_exactly(queries, rows, cols, params)
             ? plan_neighbors(rows, queries, cols, params.k, rate)
             : plan_approximate(rows, queries, cols, params, rate);
}

Plan plan_queries(std::int64_t rows, std::int64_t queries, std::int64_t cols,
                  const NeighborsParams& params, double rate) {
  if (queries == 0) return {};
  return index_searches_exactly(rows, params) ? plan_neighbors(rows, queries, cols, params.k, rate)
                                              : plan_approximate(rows, queries, cols, params, rate);
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
          whole(near * 48 + (all_pairs ? 0 : 128 * nodes))};
}

Plan plan_umap(std::int64_t rows, std::int64_t k, const UmapParams& params, double rate) {
  const double each = static_cast<double>(rows) * static_cast<double>(k);
  const auto epochs = static_cast<double>(umap_epochs(params, rows));
  const double spectrum = params.init == "spectral" ? 2e4 * each : 0;
  const double epoch = (140 + 25 * params.negative_sample_rate) * each;
  return {(epochs * epoch + spectrum) / rate, whole(each * 50 + static_cast<double>(rows) * 300)};
}

Plan plan_kl(std::int64_t rows, double rate) {
  const KlParams params;
  const auto all = static_cast<double>(rows);
  const bool exact = rows <= params.exact_rows;  // of which half are looked at
  return {(exact ? 10 * all : 20 * static_cast<double>(params.sample_rows)) * all / rate, 0};
}

std::int64_t measured_rows(std::int64_t rows, const EvaluateParams& params) {
  return rows <= params.exact_rows ? rows : std::min(rows, params.sample_rows);
}

Plan plan_scores(std::int64_t rows, std::int64_t cols, const EvaluateParams& params, double rate) {
  const std::int64_t measured = measured_rows(rows, params);
  const double near = static_cast<double>(rows) * static_cast<double>(measured);
  const auto all = static_cast<double>(rows);
  // A pair of spearman waits for two rows from memory and is sorted twice.
  const double far = std::min(all * (all - 1) / 2, static_cast<double>(params.sample_pairs));
  const auto width = static_cast<double>(cols);
  return {
      (near * (2 * width + 330) + far * (4e4 + 16 * width)) / rate,
      whole(all * width * 8 + static_cast<double>(measured) * static_cast<double>(params.k) * 16)};
}

Plan plan_figures(std::int64_t files, std::int64_t points, double dpi) {
  const double pixels = 80 * dpi * dpi;  // of 10 × 8 inches
  return {
      static_cast<double>(files) * (0.01 + 1.5e-8 * pixels + 2e-7 * static_cast<double>(points)),
      static_cast<std::int64_t>(12 * pixels) + points * 40};
}

void announce(const Plan& plan, const std::string& advice, Console& console,
              const std::string& more) {
  const std::int64_t available = machine::available_memory();
  if (plan.bytes > available)
    throw WouldNotFit(sentence("this needs ", bytes_text(plan.bytes), " of memory, ",
                               bytes_text(available), " are free; ", advice));
  console.say(sentence("plan        about ", seconds_text(std::max(plan.seconds, 0.1)), " and ",
                       bytes_text(plan.bytes), " on ", threads(),
                       threads() == 1 ? " thread" : " threads", more));
}

}  // namespace latlas::cli
