// The accuracy of the repulsive field against its spacing, for bench/run.py.
//
//   field_bench ROWS.npy PICTURES_FOLDER
//
// For each kind of map (dimensions, degrees of freedom) the rows are laid out with the exact field
// and with grids of several spacings. Printed as JSON: the divergence of each map (exact
// normalizer), and on the exact map the error of the grid's forces (root mean square, relative to
// theirs), of its normalizer, and the seconds of one charge and reading.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/main.h"
#include "latlas/core/npy.h"
#include "latlas/layout/field.h"
#include "latlas/layout/kl.h"
#include "latlas/layout/pca.h"
#include "latlas/layout/tsne.h"
#include "latlas/neighbors/approximate.h"
#include "latlas/render/compose.h"
#include "latlas/render/draw.h"

namespace latlas {
namespace {

struct Kind {
  std::int64_t dimensions;
  double degrees;
  const char* name;
};
constexpr Kind kKinds[] = {
    {1, 1, "line"}, {2, 1, "plane"}, {2, 0.5, "plane, α = ½"}, {3, 1, "space"}};
constexpr double kSpacings[] = {0.25, 1.0 / 3, 0.4, 0.5, 0.75, 1};

struct Measured {
  double force, normalizer, seconds;
};
Measured measure(const Matrix& map, const Matrix& exact, double z, const Kind& kind, double h) {
  GridField field(h, kind.dimensions, kind.degrees);
  std::vector<float> potential(static_cast<std::size_t>(map.rows()));
  Matrix gradient(map.rows(), map.cols());
  std::vector<double> seconds;
  for (int i = 0; i < 6; ++i) {  // the first makes the kernel
    const auto begin = std::chrono::steady_clock::now();
    field.charge(map);
    field.read(map, true, potential, gradient);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  std::sort(seconds.begin(), seconds.end());
  double error = 0, size = 0;
  for (std::int64_t i = 0; i < gradient.size(); ++i) {
    const double f = exact.data()[i];
    error += (gradient.data()[i] - f) * (gradient.data()[i] - f);
    size += f * f;
  }
  return {std::sqrt(error / size), std::abs(field.normalizer() / z - 1), seconds[2]};
}

int run(const std::string& rows_file, const std::filesystem::path& pictures) {
  const Matrix rows = npy::read_matrix(rows_file);
  const Neighbors graph = find_neighbors(rows, {.k = 90});
  const Affinities affinities = perplexity_affinities(graph, {.perplexity = 30});
  const Matrix start = transform(fit_pca(rows, {.components = 3}), rows);
  std::vector<render::Series> forces, divergences;
  std::printf("{\"kinds\": [");
  for (const Kind& kind : kKinds) {
    TsneParams params{.exact_below = 1'000'000};
    params.dimensions = kind.dimensions;
    params.degrees_of_freedom = kind.degrees;
    const auto divergence = [&](const Matrix& map) {
      return kl_divergence(affinities, map, {.degrees_of_freedom = kind.degrees}).value;
    };
    const Matrix map = tsne(affinities, start, params).map;
    const double best = divergence(map);
    std::vector<float> potential(static_cast<std::size_t>(map.rows()));
    Matrix exact(map.rows(), map.cols());
    const double z = exact_field(map, potential, exact, kind.degrees);
    std::printf("%s\n {\"name\": \"%s\", \"exact_kl\": %.5f, \"spacings\": [",
                forces.empty() ? "" : ",", kind.name, best);
    render::Series force{kind.name, {}, {}}, kl{kind.name, {}, {}};
    for (const double h : kSpacings) {
      const Measured m = measure(map, exact, z, kind, h);
      params.exact_below = 0;
      params.grid_spacing = h;
      const double now = divergence(tsne(affinities, start, params).map);
      std::printf(
          "%s\n  {\"spacing\": %.4f, \"force\": %.3e, \"normalizer\": %.3e, \"kl\": %.5f, "
          "\"seconds\": %.5f}",
          force.x.empty() ? "" : ",", h, m.force, m.normalizer, now, m.seconds);
      force.x.push_back(h);
      force.y.push_back(m.force);
      kl.x.push_back(h);
      kl.y.push_back(now - best);
    }
    std::printf("]}");
    std::fflush(stdout);
    forces.push_back(std::move(force));
    divergences.push_back(std::move(kl));
  }
  std::printf("]}\n");
  render::ComposeOptions options{.title = "The field's error against its spacing",
                                 .subtitle =
                                     "root mean square of the forces on the exact field's "
                                     "map, relative to theirs",
                                 .x_label = "spacing, in units of the map",
                                 .y_label = "error of the forces",
                                 .log_y = true};
  render::draw(render::curves(forces, options), pictures / "field_forces.svg");
  options.title = "What the spacing costs the map";
  options.subtitle = "divergence of a map made with the grid, above that made with the exact field";
  options.y_label = "KL above the exact field's";
  options.log_y = false;
  render::draw(render::curves(divergences, options), pictures / "field_divergence.svg");
  return 0;
}

}  // namespace
}  // namespace latlas

int main(int argc, char** argv) {
  return latlas::bench::main_of("field_bench", argc, argv, [](const auto& words) {
    if (words.size() != 2)
      throw latlas::InvalidArgument("usage: field_bench ROWS.npy PICTURES_FOLDER");
    return latlas::run(words[0], words[1]);
  });
}
