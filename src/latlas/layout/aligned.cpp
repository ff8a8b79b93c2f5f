#include "latlas/layout/aligned.h"

#include <algorithm>
#include <cmath>

#include "latlas/core/error.h"

namespace latlas {
namespace {

double distance_between(ConstRows a, ConstRows b) {
  double sum = 0;
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t c = 0; c < a.cols(); ++c) {
      const double d = static_cast<double>(a(i, c)) - static_cast<double>(b(i, c));
      sum += d * d;
    }
  return std::sqrt(sum / static_cast<double>(std::max<std::int64_t>(1, a.rows())));
}

/// Mean square distance of the rows from their center.
double spread_of(ConstRows map) {
  const std::vector<double> center = column_means(map);
  double sum = 0;
  for (std::int64_t i = 0; i < map.rows(); ++i)
    for (std::int64_t c = 0; c < map.cols(); ++c) {
      const double d = static_cast<double>(map(i, c)) - center[static_cast<std::size_t>(c)];
      sum += d * d;
    }
  return sum / static_cast<double>(std::max<std::int64_t>(1, map.rows()));
}

}  // namespace

std::vector<Field> fields(AlignedParams& p) {
  return {{"alignment", &p.alignment,
           "pull between the maps of a sequence; larger is calmer, and each map fits worse", 0,
           1000}};
}

AlignedResult aligned_tsne(std::int64_t steps, const AffinitiesAt& affinities, ConstRows start,
                           const TsneParams& params, const AlignedParams& aligned,
                           const Progress& progress,
                           const std::function<void(std::int64_t, const TsneResult&)>& finished) {
  AlignedParams a = aligned;
  check(fields(a), "aligned_tsne");
  require(steps >= 1, "aligned_tsne: there is no step");
  AlignedResult out;
  for (std::int64_t done = 0; done < steps; ++done) {
    const std::int64_t step = steps - 1 - done;
    const Affinities now = affinities(step);
    require(now.rows() == start.rows(), "aligned_tsne: step ", step, " has ", now.rows(),
            " rows, the start has ", start.rows());
    const Progress inner = [&](const Report& report) {
      Report whole = report;
      whole.step += done * params.iterations;
      whole.of += (steps - 1) * params.iterations;
      return wants_stop(progress, whole) ? Next::stop : Next::proceed;
    };
    if (done == 0) {
      out.maps.push_back(tsne(now, start, params, inner));
    } else {
      TsneParams following = params;
      following.keep_start = true;
      const Matrix& after = out.maps.back().map;
      const Anchors anchors{copy_of(after), a.alignment / std::max(spread_of(after), 1e-3)};
      out.maps.push_back(
          tsne(now, after, following, inner, {.anchors = a.alignment > 0 ? &anchors : nullptr}));
    }
    if (out.maps.back().stopped) {
      out.maps.pop_back();
      break;
    }
    if (finished) finished(step, out.maps.back());
  }
  std::reverse(out.maps.begin(), out.maps.end());
  for (std::size_t t = 1; t < out.maps.size(); ++t)
    out.moved.push_back(distance_between(out.maps[t - 1].map, out.maps[t].map));
  return out;
}

}  // namespace latlas
