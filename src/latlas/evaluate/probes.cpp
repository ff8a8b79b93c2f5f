// The linear probe solves (XᵀX + λ I) W = Xᵀ Y, with X the centered training rows, each column over
// its deviation, and Y one column a class less its mean; a test row x gets the class of the largest
// entry of xᵀ W + mean(Y).
#include "latlas/evaluate/probes.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "latlas/core/eigen.h"
#include "latlas/core/error.h"
#include "latlas/core/parallel.h"

namespace latlas {
namespace {

constexpr std::int64_t kTile = 1024;  // rows; sums run tile by tile
constexpr std::int64_t kStrip = 16;   // rows of the normal matrix that one thread adds to

std::vector<std::int32_t> classes_of(Labels labels) {
  std::vector<std::int32_t> classes(labels.begin(), labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  return classes;
}

std::size_t place_of(std::int32_t label, const std::vector<std::int32_t>& classes) {
  return static_cast<std::size_t>(std::lower_bound(classes.begin(), classes.end(), label) -
                                  classes.begin());
}

/// Standardizes columns: (x − mean) · factor; factor 0 for a column that does not vary.
struct Columns {
  std::vector<double> mean, factor;

  explicit Columns(ConstRows x)
      : mean(static_cast<std::size_t>(x.cols())), factor(static_cast<std::size_t>(x.cols())) {
    const auto n = static_cast<double>(x.rows());
    parallel_for(x.cols(), kStrip, [&](std::int64_t begin, std::int64_t end) {
      const auto each = [&](auto&& add) {
        for (std::int64_t i = 0; i < x.rows(); ++i)
          for (std::int64_t j = begin; j < end; ++j)
            add(static_cast<std::size_t>(j), static_cast<double>(x.row(i)[j]));
      };
      each([&](std::size_t j, double v) { mean[j] += v; });
      for (std::int64_t j = begin; j < end; ++j) mean[static_cast<std::size_t>(j)] /= n;
      each([&](std::size_t j, double v) { factor[j] += (v - mean[j]) * (v - mean[j]); });
      for (std::int64_t j = begin; j < end; ++j) {
        double& f = factor[static_cast<std::size_t>(j)];
        f = f > 0 ? 1 / std::sqrt(f / n) : 0;
      }
    });
  }
  void standardize(const float* x, double* out) const {
    for (std::size_t j = 0; j < mean.size(); ++j)
      out[j] = (static_cast<double>(x[j]) - mean[j]) * factor[j];
  }
};

}  // namespace

std::vector<Field> fields(ProbeParams& p) {
  return {{.name = "ridge",
           .value = &p.ridge,
           .help = "penalty on the weights; larger is smoother",
           .low = 1e-12,
           .high = 1e12}};
}

Score knn_accuracy(ConstRows train, Labels train_labels, ConstRows test, Labels test_labels,
                   const EvaluateParams& params) {
  return label_accuracy(train, train_labels, test, test_labels, params);
}

Score probe_accuracy(ConstRows train, Labels train_labels, ConstRows test, Labels test_labels,
                     const ProbeParams& params) {
  ProbeParams p = params;
  check(fields(p), "probe");
  const std::int64_t n = train.rows(), d = train.cols();
  require(n >= 1 && d >= 1 && test.rows() >= 1, "probe: training rows ", n, " × ", d, " and ",
          test.rows(), " test rows; at least one of each is needed");
  require(test.cols() == d, "probe: test rows have ", test.cols(), " columns, training rows ", d);
  require(static_cast<std::int64_t>(train_labels.size()) == n &&
              static_cast<std::int64_t>(test_labels.size()) == test.rows(),
          "probe: ", train_labels.size(), " and ", test_labels.size(), " labels for ", n, " and ",
          test.rows(), " rows; one a row is needed");
  require_finite(train, "probe: training rows");
  require_finite(test, "probe: test rows");

  const std::vector<std::int32_t> classes = classes_of(train_labels);
  const auto c = static_cast<std::int64_t>(classes.size());
  const Columns columns(train);
  std::vector<double> share(classes.size());
  for (const std::int32_t label : train_labels)
    share[place_of(label, classes)] += 1 / static_cast<double>(n);

  BasicMatrix<double> normal(d, d), right(d, c), batch(kTile, d);
  for (std::int64_t first = 0; first < n; first += kTile) {
    const std::int64_t count = std::min(kTile, n - first);
    parallel_for(kTile, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        if (i < count)
          columns.standardize(train.row(first + i), batch.row(i));
        else
          std::fill_n(batch.row(i), d, 0.0);
      }
    });
    parallel_for(d, kStrip, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = 0; r < count; r += 4) {  // four rows a pass over the sums
        const double *x0 = batch.row(r), *x1 = x0 + d, *x2 = x1 + d, *x3 = x2 + d;
        for (std::int64_t i = begin; i < end; ++i) {
          double* sum = normal.row(i);
          const double a = x0[i], b = x1[i], e = x2[i], f = x3[i];
          for (std::int64_t j = 0; j <= i; ++j)
            sum[j] += (a * x0[j] + b * x1[j]) + (e * x2[j] + f * x3[j]);
        }
      }
      for (std::int64_t r = 0; r < count; ++r) {  // Σ x is 0, so that Y needs no centering
        const std::size_t mine =
            place_of(train_labels[static_cast<std::size_t>(first + r)], classes);
        for (std::int64_t i = begin; i < end; ++i)
          right(i, static_cast<std::int64_t>(mine)) += batch(r, i);
      }
    });
  }
  for (std::int64_t i = 0; i < d; ++i) normal(i, i) += p.ridge * static_cast<double>(n);
  const BasicMatrix<double> weights = solve_positive(normal, right);

  const double correct = ordered_sum(test.rows(), 256, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> x(static_cast<std::size_t>(d)), output(classes.size());
    double count = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      columns.standardize(test.row(i), x.data());
      output = share;
      for (std::int64_t j = 0; j < d; ++j)
        for (std::int64_t k = 0; k < c; ++k)
          output[static_cast<std::size_t>(k)] += x[static_cast<std::size_t>(j)] * weights(j, k);
      const auto best = std::max_element(output.begin(), output.end()) - output.begin();
      count += classes[static_cast<std::size_t>(best)] == test_labels[static_cast<std::size_t>(i)];
    }
    return count;
  });
  return {correct / static_cast<double>(test.rows()), 0, test.rows()};
}

}  // namespace latlas
