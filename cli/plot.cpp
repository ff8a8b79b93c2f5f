// latlas plot: a map → a figure.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "cli/commands.h"
#include "cli/figures.h"
#include "cli/input.h"
#include "cli/views.h"
#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/render/compose.h"
#include "latlas/render/draw.h"

namespace latlas::cli {
namespace {

struct Options {
  std::string map, labels, placed, placed_labels, out = "map.png", title, subtitle, theme = "light",
                                                  palette = "automatic";
  double dpi = 200, width = 10, height = 8;
  bool ticks = false;
};

void run_plot(const Options& o, const Common& common) {
  require(!o.map.empty(), "latlas plot: name a map, e.g. latlas plot map.npy -o map.png");
  const render::Theme theme = theme_named(o.theme);
  const auto palettes = palette_names();
  require(std::find(palettes.begin(), palettes.end(), o.palette) != palettes.end(),
          "latlas plot: --palette is '", o.palette, "'; known are automatic, petroff, okabe_ito");
  require(o.width >= 1 && o.width <= 100 && o.height >= 1 && o.height <= 100,
          "latlas plot: a page of ", o.width, " × ", o.height,
          " inches; both must lie between 1 and 100");
  render::format_of(o.out);
  require_writable(o.out);
  Console console(common.verbosity);
  const Matrix map = load_rows(o.map);
  const Matrix placed = o.placed.empty() ? Matrix() : load_rows(o.placed);
  const LabelSet labels = o.labels.empty() ? LabelSet{} : load_labels(o.labels, map.rows());
  require(o.placed_labels.empty() || !labels.empty(),
          "latlas plot: --new-labels need --labels beside them");
  const LabelSet placed_labels = o.placed_labels.empty()
                                     ? LabelSet{}
                                     : load_labels_like(o.placed_labels, placed.rows(), labels);

  const Views views = views_of(map, labels.values, placed, placed_labels.values, o.map);

  render::ComposeOptions options;
  options.title = o.title.empty() ? std::filesystem::path(o.map).stem().string() : o.title;
  options.subtitle =
      o.subtitle.empty() ? fmt::format("{} points", count_text(map.rows())) : o.subtitle;
  if (o.subtitle.empty() && !views.how.empty()) options.subtitle += ", " + views.how;
  options.theme = theme;
  options.ticks = o.ticks;
  options.width = o.width;
  options.height = o.height;
  render::Figure figure = figure_of(views, labels.names, options);
  figure.palette = palette_named(o.palette);
  render::draw(figure, o.out, {.dpi = o.dpi});
  console.facts("", {{"figure", o.out}});
}

}  // namespace

Action add_plot(CLI::App& program, Common& common) {
  auto o = std::make_shared<Options>();
  CLI::App* command = add_command(
      program, common, "plot", "Draw a map as PNG, SVG or PDF",
      "  latlas plot map.npy --labels labels.npy -o map.png\n"
      "  latlas plot map.npy --labels packages.tsv:section --title \"Debian packages\" -o map.pdf\n"
      "  latlas plot train_map.npy --new test_map.npy --theme dark -o both.svg");
  command->add_option("map", o->map, "An .npy of n × 2 places (or n × 1, n × 3)")->type_name("");
  command->add_option("--out,-o", o->out, "The figure: .png, .svg or .pdf [map.png]")
      ->type_name("");
  command->add_option("--labels", o->labels, "Classes: .npy, lines of text, or table.tsv:column")
      ->type_name("");
  command->add_option("--new", o->placed, "A second map, drawn on top (test points)")
      ->type_name("");
  command->add_option("--new-labels", o->placed_labels, "Its classes")->type_name("");
  command->add_option("--title", o->title, "[the file's name]")->type_name("");
  command->add_option("--subtitle", o->subtitle, "[the number of points]")->type_name("");
  command->add_option("--theme", o->theme, "light or dark [light]")->type_name("");
  command
      ->add_option("--palette", o->palette,
                   "petroff, okabe_ito or automatic: by the classes [automatic]")
      ->type_name("");
  command->add_option("--dpi", o->dpi, "Pixels an inch [200]")->type_name("");
  command->add_option("--width", o->width, "Inches [10]")->type_name("");
  command->add_option("--height", o->height, "Inches [8]")->type_name("");
  command->add_flag("--ticks", o->ticks, "Numbers on the axes (where the unit means something)");
  return [o, &common] { run_plot(*o, common); };
}

}  // namespace latlas::cli
