#include "cli/figures.h"

#include <fmt/core.h>

#include "cli/console.h"
#include "cli/mapping.h"
#include "cli/views.h"
#include "latlas/core/error.h"
#include "latlas/render/compose.h"
#include "latlas/render/draw.h"

namespace latlas::cli {
namespace {

using render::ComposeOptions;
using render::Figure;

// "784-128-32-128-784"
std::string widths(const Gallery& g) {
  const std::string ends = std::to_string(g.inputs);
  std::string text = ends;
  const auto& hidden = g.job.model.hidden;
  for (const auto w : hidden) text += fmt::format("-{}", w);
  text += fmt::format("-{}", g.job.model.latent);
  for (auto w = hidden.rbegin(); w != hidden.rend(); ++w) text += fmt::format("-{}", *w);
  return text + "-" + ends;
}

std::string subtitle(const Gallery& g) {
  return fmt::format("{} · autoencoder {}, {} epochs · {} training and {} test points",
                     g.job.data.name, widths(g), g.history.size(), count_text(g.pca_train.rows()),
                     count_text(g.pca_test.rows()));
}

// "trustworthiness 0.987 · recall@15 0.412 · …", of the scores there are.
std::string scores(const Gallery& g, const std::string& map) {
  std::string text;
  const auto add = [&](const std::string& label, const std::string& name, int digits) {
    const auto value = g.metrics.get(name);
    if (value)
      text += fmt::format("{}{} {:.{}f}", text.empty() ? "" : " · ", label, *value, digits);
  };
  add("trustworthiness", "quality." + map + ".trustworthiness", 3);
  add("continuity", "quality." + map + ".continuity", 3);
  const std::string k = std::to_string(g.job.evaluate.k);
  add("recall@" + k, "quality." + map + ".recall_at_" + k, 3);
  add("label accuracy", "quality." + map + ".label_accuracy", 3);
  add("of test points", "quality." + map + ".test_label_accuracy", 3);
  if (map == "tsne") add("KL", "tsne.kl", 3);
  return text;
}

std::string component_label(const Gallery& g, std::size_t i) {
  if (i >= g.variance_ratios.size()) return fmt::format("PC {}", i + 1);
  return fmt::format("PC {} ({:.1f} % of variance)", i + 1, 100 * g.variance_ratios[i]);
}

ComposeOptions options(const Gallery& g, std::string title, const std::string& map) {
  ComposeOptions o;
  o.title = std::move(title);
  o.subtitle = subtitle(g);
  o.footnote = scores(g, map);
  o.theme = theme_named(g.job.figures.theme);
  if (map == "pca") {
    o.ticks = true;
    o.x_label = component_label(g, 0);
    o.y_label = component_label(g, 1);
  }
  return o;
}

ComposeOptions plain(const Gallery& g, std::string title) {
  ComposeOptions o = options(g, std::move(title), "");
  o.footnote.clear();
  return o;
}

// The options of a map's figure, with how it is seen.
ComposeOptions seen(const Gallery& g, const std::string& title, const std::string& map,
                    const Views& views) {
  ComposeOptions o = options(g, title_of(map) + title, map);
  if (!views.how.empty()) o.subtitle += " · " + views.how;
  o.copies = views.copies;
  return o;
}

Figure parts(const Gallery& g, const std::string& map, ConstRows train, ConstRows test) {
  Views views = views_of(train, {}, test, {}, map);
  Matrix far = placed_at(views, test.rows(), g.far);
  Figure figure = render::scatter_train_test(std::move(views.map), std::move(views.placed),
                                             seen(g, " of the latent space", map, views));
  fit_to(views, figure);
  render::circle(figure, std::move(far), far_name(g.far.size()));
  return figure;
}

Figure classes(const Gallery& g, const std::string& map, ConstRows train, ConstRows test) {
  Views views = views_of(train, g.train_labels.values, test, g.test_labels.values, map);
  Matrix far = placed_at(views, test.rows(), g.far);
  Figure figure = render::scatter_train_test(
      std::move(views.map), views.labels, std::move(views.placed), views.placed_labels,
      g.train_labels.names, seen(g, " of the latent space, by class", map, views));
  fit_to(views, figure);
  render::circle(figure, std::move(far), far_name(g.far.size()));
  return figure;
}

Figure losses(const Gallery& g) {
  render::Series train{"training", {}}, validation{"validation", {}};
  for (const Epoch& e : g.history) {
    train.y.push_back(e.loss);
    validation.y.push_back(e.val_loss);
  }
  ComposeOptions o = plain(g, "Loss of the autoencoder");
  o.x_label = "epoch";
  o.y_label = g.job.training.loss == "binary_crossentropy" ? "binary cross-entropy a pixel"
                                                           : "mean squared error a pixel";
  return render::curves({train, validation}, o);
}

Figure variance(const Gallery& g) {
  ComposeOptions o = plain(g, "Variance explained by the principal components");
  o.x_label = "component";
  return render::variance_bars(g.variance_ratios, o);
}

Figure sheet(const Gallery& g) {
  return render::image_sheet(
      g.originals, g.reconstructions,
      {.height = static_cast<int>(g.height), .width = static_cast<int>(g.width)},
      plain(g, "Test images above their reconstructions"));
}

}  // namespace

std::vector<std::string> palette_names() { return {"automatic", "petroff", "okabe_ito"}; }

render::Palette palette_named(const std::string& name) {
  return name == "okabe_ito" ? render::Palette::okabe_ito
         : name == "petroff" ? render::Palette::petroff
                             : render::Palette::automatic;
}

render::Theme theme_named(const std::string& name) {
  require(name == "light" || name == "dark", "--theme is '", name, "'; known are light, dark");
  return name == "dark" ? render::Theme::dark : render::Theme::light;
}

std::vector<std::string> draw_gallery(const Gallery& g, const std::filesystem::path& folder) {
  std::vector<std::pair<std::string, Figure>> figures;
  figures.emplace_back("pca", parts(g, "pca", g.pca_train, g.pca_test));
  figures.emplace_back("pca_classes", classes(g, "pca", g.pca_train, g.pca_test));
  figures.emplace_back("tsne", parts(g, "tsne", g.tsne_train, g.tsne_test));
  figures.emplace_back("tsne_classes", classes(g, "tsne", g.tsne_train, g.tsne_test));
  if (!g.umap_train.empty()) {
    figures.emplace_back("umap", parts(g, "umap", g.umap_train, g.umap_test));
    figures.emplace_back("umap_classes", classes(g, "umap", g.umap_train, g.umap_test));
  }
  figures.emplace_back("loss", losses(g));
  figures.emplace_back("explained_variance", variance(g));
  if (!g.originals.empty() && g.height * g.width == g.originals.cols())
    figures.emplace_back("reconstructions", sheet(g));

  std::error_code error;
  std::filesystem::create_directories(folder / "figures", error);
  if (error)
    throw IoError(
        sentence((folder / "figures").string(), ": cannot be made (", error.message(), ")"));
  render::DrawParams draw_params{.dpi = g.job.figures.dpi};
  std::vector<std::string> files;
  for (auto& [name, figure] : figures) {
    figure.palette = palette_named(g.job.figures.palette);
    for (const auto& format : formats_of(g.job.figures)) {
      files.push_back(fmt::format("figures/{}.{}", name, format));
      render::draw(figure, folder / files.back(), draw_params);
    }
  }
  return files;
}

}  // namespace latlas::cli
