// From data to marks on paper.
//
//   check → colors and ranges → room for title, legend, ticks and notes; what is left is the panel
//   → grid and axes → marks in their order → names → legend, texts
//
// Lengths are points (1/72 inch). The size of a dot follows from how many there are: together
// they cover about a third of the panel, within bounds that keep one visible and none clumsy.

#include "latlas/render/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "latlas/core/error.h"
#include "latlas/core/file.h"
#include "latlas/core/math.h"
#include "latlas/core/parallel.h"
#include "latlas/core/random.h"
#include "latlas/render/canvas.h"
#include "latlas/render/check.h"
#include "latlas/render/places.h"
#include "latlas/render/raster.h"
#include "latlas/render/scale.h"
#include "latlas/render/sheet.h"
#include "latlas/render/text.h"
#include "latlas/render/ticks.h"

namespace latlas::render {
namespace {

constexpr double kMargin = 22;      // around everything
constexpr double kHair = 0.7;       // width of grid lines and axes
constexpr double kShare = 0.35;     // of the panel that the dots would cover side by side
constexpr double kTextShare = 0.2;  // of the height, for title, subtitle, footnote each, at most
constexpr double kSmallest = 0.42, kLargest = 2.6;  // radius of a dot

// --- the painter ---------------------------------------------------------------------------------

struct Key {  // an entry of the legend
  enum class Kind { dot, ring, line, dashed, box } kind = Kind::dot;
  Color color;
  std::string name;
};

class Painter {
 public:
  Painter(const Figure& figure, const DrawParams& params, Format format)
      : f_(figure),
        params_(params),
        format_(format),
        inks_(inks(figure.theme)),
        width_(figure.width * 72),
        height_(figure.height * 72) {
    scale_text();
    if (height_ == 0) height_ = height_of_sheet();
    require(height_ <= kMaxInches * 72, "figure: a sheet of ", height_ / 72,
            " inches is too high; show fewer images");
    check_size(figure.width, height_ / 72, params.dpi);
    const std::string title = clean_text(figure.title);
    if (format == Format::png) canvas_ = png_canvas(width_, height_, params.dpi, inks_.background);
    if (format == Format::pdf) canvas_ = pdf_canvas(width_, height_, title);
    if (format == Format::svg) canvas_ = svg_canvas(width_, height_, params.dpi, title);
  }

  std::string paint() {
    if (format_ != Format::png) canvas_->rectangle({0, 0, width_, height_}, {inks_.background});
    choose_colors();
    Box room = {kMargin, kMargin, width_ - kMargin, height_ - kMargin};
    place_footnote(room);
    place_title(room);
    if (f_.sheet) {
      draw_sheet(*canvas_, *f_.sheet, room, inks_, params_.dpi);
    } else {
      place_legend(room);
      place_panel(room);
      draw_grid();
      draw_marks();
      draw_axes();
      draw_names();
      draw_inside_legend();
    }
    draw_footnote();
    return canvas_->finish();
  }

 private:
  // Type: sizes for a figure of 10 × 8 inches, smaller on small ones.
  void scale_text() {
    const double area = f_.sheet ? width_ / 720 : std::sqrt(width_ * height_ / (720 * 576));
    const double t = std::clamp(area, 0.62, 1.6);
    title_ = {.size = 16 * t, .color = inks_.text, .bold = true};
    subtitle_ = {.size = 11 * t, .color = inks_.quiet_text};
    label_ = {.size = 10.5 * t, .color = inks_.text};
    tick_ = {.size = 9.5 * t, .color = inks_.quiet_text};
    legend_ = {.size = 10.5 * t, .color = inks_.text};
    footnote_ = {.size = 9.5 * t, .color = inks_.quiet_text};
    name_ = {.size = 12.5 * t,
             .color = inks_.text,
             .bold = true,
             .halo = 2.2 * t,
             .halo_color = inks_.background};
  }

  // Colors of categories; marks without one take the palette's in turn.
  void choose_colors() {
    std::int32_t highest = static_cast<std::int32_t>(f_.categories.size()) - 1;
    for (const Mark& mark : f_.marks)
      if (const auto* p = std::get_if<Points>(&mark))
        for (const std::int32_t label : p->labels.view()) {
          highest = std::max(highest, label);
          unlabeled_ = unlabeled_ || label < 0;
          labeled_ = true;
        }
    category_colors_ = category_colors(highest + 1, f_.palette, f_.theme);
    const auto own = category_colors(static_cast<int>(f_.marks.size()), f_.palette, f_.theme);
    for (const Mark& mark : f_.marks) {
      const auto& wish =
          std::visit([](const auto& m) -> const std::optional<Color>& { return m.color; }, mark);
      mark_colors_.push_back(wish.value_or(own[mark_colors_.size()]));
    }
  }
  Color none_color() const { return mixed(inks_.background, inks_.quiet_text, 0.55); }
  std::string category_name(int category) const {
    const auto c = static_cast<std::size_t>(category);
    return c < f_.categories.size() ? clean_text(f_.categories[c]) : std::to_string(category);
  }

  // The lines of a text that is to leave room for the picture.
  std::vector<std::string> lines_of(const std::string& text, const TextStyle& style,
                                    double room) const {
    std::vector<std::string> lines = wrapped(clean_text(text), style, room);
    if (height_ == 0) return lines;  // the height will be what they need
    const auto most = std::max<std::size_t>(
        1, static_cast<std::size_t>(kTextShare * height_ / (1.4 * style.size)));
    if (lines.size() > most) {
      lines.resize(most);
      lines.back() = fitted(lines.back() + "…", style, room);
    }
    return lines;
  }

  double paragraph(const std::string& text, const TextStyle& style, double left, double top,
                   double room) {
    for (const std::string& line : lines_of(text, style, room)) {
      const TextSize size = measure(line, style);
      canvas_->text({left, top + size.ascent}, line, style, false);
      last_line_ = {left + size.width, top + size.ascent};
      top += style.size * 1.4;
    }
    return top;
  }

  double height_of(const std::string& text, const TextStyle& style, double room) const {
    return style.size * 1.4 * static_cast<double>(lines_of(text, style, room).size());
  }
  double height_of_sheet() const {
    const double room = width_ - 2 * kMargin;
    double height = 2 * kMargin + natural_height(*f_.sheet, room, params_.dpi) + 2;
    if (!f_.title.empty() || !f_.subtitle.empty()) height += 8;
    height += height_of(f_.title, title_, room) + height_of(f_.subtitle, subtitle_, room);
    if (!f_.footnote.empty()) height += height_of(f_.footnote, footnote_, room) + 10;
    return height;
  }

  void place_title(Box& room) {
    const double top = room.top;
    if (!f_.title.empty())
      room.top = paragraph(f_.title, title_, room.left, room.top, room.width()) - 1;
    if (!f_.subtitle.empty())
      room.top = paragraph(f_.subtitle, subtitle_, room.left, room.top, room.width());
    if (room.top > top) room.top += 8;
  }

  void place_footnote(Box& room) {
    if (f_.footnote.empty() && !may_leave_names_out()) return;
    // Where names may be left out, there must be room to say so.
    const auto lines = lines_of(may_leave_names_out() ? footnote_with(kMaxCategories) : f_.footnote,
                                footnote_, room.width());
    const double count = static_cast<double>(std::max<std::size_t>(1, lines.size()));
    footnote_top_ = room.bottom - footnote_.size * (1.4 * count - 0.4);
    room.bottom = footnote_top_ - 10;
  }
  bool may_leave_names_out() const { return f_.name_categories && category_colors_.size() > 20; }

  std::string footnote_with(int names_left_out) const {
    if (names_left_out == 0) return f_.footnote;
    return sentence(names_left_out, names_left_out == 1 ? " name" : " names",
                    " found no room in the map", f_.footnote.empty() ? "" : " · ", f_.footnote);
  }

  void draw_footnote() {
    const std::string text = footnote_with(names_left_out_);
    if (text.empty()) return;
    if (footnote_top_ == 0) footnote_top_ = height_ - kMargin / 2 - footnote_.size;
    paragraph(text, footnote_, kMargin, footnote_top_, width_ - 2 * kMargin);
  }

  // --- legend ---

  std::vector<Key> keys() const {
    std::vector<Key> keys;
    bool sets_of_classes = false;
    for (std::size_t i = 0; i < f_.marks.size(); ++i) {
      const Color color = mark_colors_[i];
      if (const auto* p = std::get_if<Points>(&f_.marks[i])) {
        if (p->name.empty()) continue;
        const bool classes = !p->labels.view().empty();
        sets_of_classes = sets_of_classes || classes;
        keys.push_back({p->shape == Shape::ring ? Key::Kind::ring : Key::Kind::dot,
                        classes ? inks_.quiet_text : color, p->name});
      } else if (const auto* l = std::get_if<Line>(&f_.marks[i])) {
        if (!l->name.empty() && l->end_label.empty())
          keys.push_back({l->dashed ? Key::Kind::dashed : Key::Kind::line, color, l->name});
      } else if (const auto* b = std::get_if<Bars>(&f_.marks[i])) {
        if (!b->name.empty()) keys.push_back({Key::Kind::box, color, b->name});
      }
    }
    if (keys.size() == 1 && sets_of_classes) keys.clear();  // nothing to tell apart
    if (labeled_ && !f_.name_categories)
      for (std::size_t c = 0; c < category_colors_.size(); ++c)
        keys.push_back({Key::Kind::dot, category_colors_[c], category_name(static_cast<int>(c))});
    if (unlabeled_) keys.push_back({Key::Kind::dot, none_color(), "none"});
    for (Key& key : keys) key.name = clean_text(key.name);
    return keys;
  }

  double key_width() const { return legend_.size * 1.5; }  // marker and the space after it
  double line_height() const { return legend_.size * 1.6; }

  void draw_key(const Key& key, double left, double baseline) {
    const double middle = baseline - measure("x", legend_).ascent / 2, r = legend_.size * 0.36;
    const Point center{left + r, middle};
    const Point ends[] = {{left - r * 0.4, middle}, {left + 2.4 * r, middle}};
    switch (key.kind) {
      case Key::Kind::dot:
        canvas_->dots({&center, 1}, r, {key.color});
        break;
      case Key::Kind::ring:
        canvas_->rings({&center, 1}, r - 0.6, 1.2, {key.color});
        break;
      case Key::Kind::line:
        canvas_->polyline(ends, 2.2, {key.color}, false);
        break;
      case Key::Kind::dashed:
        canvas_->polyline(ends, 1.6, {key.color}, true);
        break;
      case Key::Kind::box:
        canvas_->rectangle({left, middle - r, left + 2 * r, middle + r}, {key.color});
        break;
    }
    canvas_->text({left + key_width(), baseline}, key.name, legend_, false);
  }

  // Outside: on the title's last line or a line below it where there is room, else in columns at
  // the right.
  void place_legend(Box& room) {
    std::vector<Key> entries = keys();
    if (entries.empty() || f_.legend == LegendPlace::none) return;
    const bool points = std::any_of(entries.begin(), entries.end(), [](const Key& k) {
      return k.kind == Key::Kind::dot || k.kind == Key::Kind::ring;
    });
    if (f_.legend == LegendPlace::inside || (f_.legend == LegendPlace::automatic && !points)) {
      inside_keys_ = std::move(entries);
      return;
    }
    const auto per_column =
        std::max<std::size_t>(1, static_cast<std::size_t>(room.height() / line_height()));
    const auto columns_of = [&](std::size_t count) {
      return (count + per_column - 1) / per_column;
    };
    const double widest = width_ * (columns_of(entries.size()) > 1 ? 0.17 : 0.28);
    for (Key& key : entries) key.name = fitted(key.name, legend_, widest - key_width());

    const double gap = legend_.size * 1.7;
    double line = -gap;
    for (const Key& key : entries) line += key_width() + measure(key.name, legend_).width + gap;
    const bool beside_title = last_line_.x > 0 && last_line_.x + 2 * gap + line <= room.right;
    if (beside_title || line <= room.width()) {
      double left = beside_title ? room.right - line : room.left;
      const double baseline =
          beside_title ? last_line_.y : room.top + measure("x", legend_).ascent + 1;
      for (const Key& key : entries) {
        draw_key(key, left, baseline);
        left += key_width() + measure(key.name, legend_).width + gap;
      }
      if (!beside_title) room.top += line_height() + 6;
      return;
    }

    double column_width = 0;
    for (const Key& key : entries)
      column_width = std::max(column_width, key_width() + measure(key.name, legend_).width + 14);
    const auto fit =
        std::max<std::size_t>(1, static_cast<std::size_t>(room.width() * 0.45 / column_width));
    std::string more;
    if (columns_of(entries.size()) > fit) {
      const std::size_t shown = fit * per_column - 1;
      more = sentence("… and ", entries.size() - shown, " more");
      entries.resize(shown);
    }
    const std::size_t columns = columns_of(entries.size() + (more.empty() ? 0 : 1));
    const std::size_t rows = (entries.size() + (more.empty() ? 0 : 1) + columns - 1) / columns;
    const double left = room.right - static_cast<double>(columns) * column_width + 14;
    for (std::size_t i = 0; i <= entries.size(); ++i) {
      const Point at{left + static_cast<double>(i / rows) * column_width,
                     room.top + (static_cast<double>(i % rows) + 0.7) * line_height()};
      if (i < entries.size())
        draw_key(entries[i], at.x, at.y);
      else if (!more.empty())
        canvas_->text(at, more, tick_, false);
    }
    room.right = left - 18;
  }

  // Inside: the corner that covers the least of the marks.
  void draw_inside_legend() {
    if (inside_keys_.empty()) return;
    double width = 0;
    for (Key& key : inside_keys_) {
      key.name = fitted(key.name, legend_, panel_.width() * 0.5);
      width = std::max(width, key_width() + measure(key.name, legend_).width);
    }
    const double height = line_height() * static_cast<double>(inside_keys_.size());
    const double inset = 12;
    std::array<Box, 4> corners;
    for (std::size_t c = 0; c < 4; ++c) {
      const double left = c % 2 == 0 ? panel_.right - inset - width : panel_.left + inset;
      const double top = c < 2 ? panel_.top + inset : panel_.bottom - inset - height;
      corners[c] = {left, top, left + width, top + height};
    }
    std::array<std::int64_t, 4> covered{};
    const auto cover = [&](double x, double y) {
      for (std::size_t c = 0; c < 4; ++c)
        covered[c] += Box{x - 4, y - 4, x + 4, y + 4}.meets(corners[c]) ? 1 : 0;
    };
    for (const Mark& mark : f_.marks) {
      if (const auto* l = std::get_if<Line>(&mark)) {
        for (std::size_t i = 0; i + 1 < l->x.size(); ++i)
          for (int step = 0; step < 16; ++step) {
            const double t = step / 16.0;
            cover(x_(l->x[i]) * (1 - t) + x_(l->x[i + 1]) * t,
                  y_(l->y[i]) * (1 - t) + y_(l->y[i + 1]) * t);
          }
      } else if (const auto* b = std::get_if<Bars>(&mark)) {
        for (std::size_t i = 0; i < b->heights.size(); ++i)
          for (int step = 0; step <= 16; ++step)
            cover(x_(static_cast<double>(i + 1)), y_(b->heights[i] * step / 16.0));
      } else if (const auto* p = std::get_if<Points>(&mark)) {
        for (std::int64_t i = 0; i < p->at.view().rows(); ++i)
          cover(x_(p->at.view()(i, 0)), y_(p->at.view()(i, 1)));
      }
    }
    const auto best = static_cast<std::size_t>(std::min_element(covered.begin(), covered.end()) -
                                               covered.begin());
    const Box& box = corners[best];
    canvas_->rectangle({box.left - 6, box.top - 4, box.right + 6, box.bottom + 4},
                       {inks_.background, 0.85});
    for (std::size_t i = 0; i < inside_keys_.size(); ++i)
      draw_key(inside_keys_[i], box.left,
               box.top + (static_cast<double>(i) + 0.68) * line_height());
  }

  // --- panel, axes ---

  void place_panel(Box room) {
    const auto [data_x, data_y] = ranges_of(f_.marks);
    const bool bars = std::any_of(f_.marks.begin(), f_.marks.end(),
                                  [](const Mark& m) { return std::holds_alternative<Bars>(m); });
    const bool points = point_count() > 0;
    const double share = f_.equal_aspect ? 0.025 : points ? 0.04 : 0.06;
    const auto [x0, x1] = with_margin(data_x, f_.x, bars ? 0 : points ? share : 0.02);
    const auto [y0, y1] = with_margin(data_y, f_.y, share);

    if (!f_.x.label.empty()) room.bottom -= label_.size * 1.5;
    if (f_.x.ticks) room.bottom -= tick_.size * 1.3 + 7;
    const bool framed = f_.x.ticks || f_.y.ticks;
    if (framed) room.top += tick_.size * 0.4;  // half of the highest tick's text
    if (!f_.y.label.empty()) room.left += label_.size * 1.7;
    place_end_labels(room);

    // The width of the widest tick needs the ticks, and they the final range; with equal aspect
    // that needs the panel. One more round settles it.
    double tick_room = f_.y.ticks ? 30 : 0;
    for (int round = 0; round < 2; ++round) {
      panel_ = {room.left + tick_room, room.top, std::max(room.right, room.left + tick_room + 20),
                std::max(room.bottom, room.top + 20)};
      snap(panel_);
      x_ = {x0, x1, panel_.left, panel_.right, f_.x.log};
      y_ = {y0, y1, panel_.bottom, panel_.top, f_.y.log};
      if (f_.equal_aspect && !f_.x.log && !f_.y.log) equalize();
      if (!f_.y.ticks) break;
      y_ticks_ = ticks(y_.low, y_.high, f_.y, panel_.height() / (f_.equal_aspect ? 64 : 48));
      tick_room = 7;
      for (const Tick& tick : y_ticks_)
        tick_room = std::max(tick_room, measure(tick.text, tick_).width + 7);
    }
    if (f_.x.ticks) x_ticks_ = ticks(x_.low, x_.high, f_.x, panel_.width() / 64);
  }

  /// Panel edges on whole pixels, so that a raster fits it exactly.
  void snap(Box& box) const {
    const double pixel = 72 / params_.dpi;
    box = {std::ceil(box.left / pixel) * pixel, std::ceil(box.top / pixel) * pixel,
           std::floor(box.right / pixel) * pixel, std::floor(box.bottom / pixel) * pixel};
  }

  /// Widens the range of one axis until a unit is equally long on both.
  void equalize() {
    const double unit =
        std::min(panel_.width() / (x_.high - x_.low), panel_.height() / (y_.high - y_.low));
    const auto widen = [&](Scale& scale, double length) {
      const double middle = scale.low + (scale.high - scale.low) / 2, half = length / unit / 2;
      scale.low = middle - half;
      scale.high = middle + half;
    };
    widen(x_, panel_.width());
    widen(y_, panel_.height());
  }

  void draw_grid() {
    for (const Tick& tick : y_ticks_) {
      const Point line[] = {{panel_.left, y_(tick.value)}, {panel_.right, y_(tick.value)}};
      canvas_->polyline(line, kHair, {inks_.grid}, false);
    }
    if (!f_.equal_aspect) return;
    for (const Tick& tick : x_ticks_) {
      const Point line[] = {{x_(tick.value), panel_.top}, {x_(tick.value), panel_.bottom}};
      canvas_->polyline(line, kHair, {inks_.grid}, false);
    }
  }

  void draw_axes() {
    for (const Tick& tick : y_ticks_) {
      const TextSize size = measure(tick.text, tick_);
      canvas_->text({panel_.left - 7 - size.width, y_(tick.value) + size.ascent / 2}, tick.text,
                    tick_, false);
    }
    for (const Tick& tick : x_ticks_) {
      const double x = x_(tick.value);
      const Point mark[] = {{x, panel_.bottom}, {x, panel_.bottom + 3}};
      canvas_->polyline(mark, kHair, {inks_.axis}, false);
      const TextSize size = measure(tick.text, tick_);
      canvas_->text({x - size.width / 2, panel_.bottom + 7 + size.ascent}, tick.text, tick_, false);
    }
    if (f_.x.ticks) {
      const Point line[] = {{panel_.left, panel_.bottom}, {panel_.right, panel_.bottom}};
      canvas_->polyline(line, kHair, {inks_.axis}, false);
    }
    if (!f_.x.label.empty()) {
      const std::string text = fitted(clean_text(f_.x.label), label_, panel_.width());
      const double below = f_.x.ticks ? tick_.size * 1.3 + 7 : 0;
      canvas_->text({(panel_.left + panel_.right - measure(text, label_).width) / 2,
                     panel_.bottom + below + label_.size * 1.2},
                    text, label_, false);
    }
    if (!f_.y.label.empty()) {
      const std::string text = fitted(clean_text(f_.y.label), label_, panel_.height());
      canvas_->text({kMargin + label_.size * 0.9,
                     (panel_.top + panel_.bottom + measure(text, label_).width) / 2},
                    text, label_, true);
    }
  }

  // --- marks ---

  void draw_marks() {
    canvas_->clip(panel_);
    for (std::size_t i = 0; i < f_.marks.size(); ++i) {
      const auto* points = std::get_if<Points>(&f_.marks[i]);
      const bool raster = points != nullptr && is_raster(*points);
      if (!raster) finish_ground();
      if (points != nullptr) draw_points(*points, mark_colors_[i]);
      if (const auto* bars = std::get_if<Bars>(&f_.marks[i])) draw_bars(*bars, mark_colors_[i]);
      if (const auto* line = std::get_if<Line>(&f_.marks[i])) {
        canvas_->unclip();  // lines lie within the data; their round ends may touch the frame
        draw_line(*line, mark_colors_[i]);
        canvas_->clip(panel_);
      }
    }
    finish_ground();
    canvas_->unclip();
    draw_end_labels();
  }

  void draw_bars(const Bars& bars, Color color) {
    for (std::size_t i = 0; i < bars.heights.size(); ++i) {
      const double x = static_cast<double>(i + 1), zero = y_(0), tip = y_(bars.heights[i]);
      canvas_->rectangle({x_(x - 0.38), std::min(zero, tip), x_(x + 0.38), std::max(zero, tip)},
                         {color});
    }
  }

  void draw_line(const Line& line, Color color) {
    std::vector<Point> points;
    for (std::size_t i = 0; i < line.x.size(); ++i)
      points.push_back({x_(line.x[i]), y_(line.y[i])});
    if (points.size() > 1) canvas_->polyline(points, line.width, {color}, line.dashed);
    if (line.markers || points.size() == 1) canvas_->dots(points, line.width * 0.9 + 0.7, {color});
  }

  /// Points of all sets, which share the panel.
  std::int64_t point_count() const {
    std::int64_t count = 0;
    for (const Mark& mark : f_.marks)
      if (const auto* p = std::get_if<Points>(&mark)) count += p->at.view().rows();
    return count;
  }

  double radius_of(const Points& p) const {
    if (p.radius > 0) return p.radius;
    const double n = static_cast<double>(std::max<std::int64_t>(1, point_count()));
    const double area = kShare * panel_.width() * panel_.height() / n;
    const double r = std::clamp(std::sqrt(area / math::kPi), kSmallest, kLargest);
    return p.shape == Shape::ring ? 1.1 * r + 0.3 : r;
  }
  static double stroke_of(double radius) { return std::clamp(radius * 0.35, 0.3, 1.0); }

  bool is_raster(const Points& p) const {
    return format_ == Format::png || p.at.view().rows() > params_.vector_points;
  }

  void draw_points(const Points& p, Color color) {
    const ConstRows at = p.at.view();
    if (at.rows() == 0) return;
    const double n = static_cast<double>(at.rows());
    const double faintest = std::clamp(1.0 - 0.105 * (math::log(n) / math::log(10) - 1), 0.35, 0.9);
    std::vector<Color> colors = {color};
    std::vector<std::int32_t> category;
    if (!p.labels.view().empty()) {
      colors = category_colors_;
      colors.push_back(none_color());
      if (p.shape == Shape::ring)
        for (Color& c : colors) c = mixed(c, inks_.text, 0.35);
      for (const std::int32_t label : p.labels.view())
        category.push_back(label < 0 ? static_cast<std::int32_t>(colors.size()) - 1 : label);
    }
    const double radius = radius_of(p);
    if (is_raster(p))
      draw_raster(p, category, colors, radius, faintest);
    else
      draw_paths(p, category, colors, radius, p.opacity > 0 ? p.opacity : std::max(0.75, faintest));
  }

  void draw_raster(const Points& p, const std::vector<std::int32_t>& category,
                   const std::vector<Color>& colors, double radius, double faintest) {
    const ConstRows at = p.at.view();
    const double pixels = params_.dpi / 72;
    std::vector<float> x(static_cast<std::size_t>(at.rows())), y(x.size());
    parallel_for(at.rows(), 4096, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        x[static_cast<std::size_t>(i)] = static_cast<float>((x_(at(i, 0)) - panel_.left) * pixels);
        y[static_cast<std::size_t>(i)] = static_cast<float>((y_(at(i, 1)) - panel_.top) * pixels);
      }
    });
    Splats splats{.x = x, .y = y, .category = category, .colors = colors};
    splats.radius = std::max(radius * pixels, 0.4);
    splats.stroke = p.shape == Shape::ring ? std::max(stroke_of(radius) * pixels, 0.5) : 0;
    splats.opacity = p.opacity;
    splats.faintest = faintest;
    const Picture layer = rasterize(splats, static_cast<int>(std::lround(panel_.width() * pixels)),
                                    static_cast<int>(std::lround(panel_.height() * pixels)));
    if (!ground_open_) return canvas_->image(panel_, layer);
    if (!ground_) ground_ = paper(layer.width, layer.height);
    blend(*ground_, layer);
  }

  // Raster layers at the bottom become one opaque image, grid included: half the bytes, and viewers
  // of PDF that shrink colors and transparency separately leave no dark rims.
  Picture paper(int width, int height) const {
    Picture p{width, height,
              std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 4), true};
    const double pixels = params_.dpi / 72;
    const auto shares = [&](int count, const std::vector<Tick>& ticks, const Scale& scale,
                            double origin) {
      std::vector<double> share(static_cast<std::size_t>(count), 0);  // of each row under a line
      for (const Tick& tick : ticks) {
        const double from = (scale(tick.value) - origin - kHair / 2) * pixels;
        const double to = from + kHair * pixels;
        for (int i = std::max(0, static_cast<int>(from)); i < count && i < to; ++i)
          share[static_cast<std::size_t>(i)] =
              std::max(0.0, std::min(to, i + 1.0) - std::max(from, static_cast<double>(i)));
      }
      return share;
    };
    const auto rows = shares(height, y_ticks_, y_, panel_.top);
    const auto columns =
        shares(width, f_.equal_aspect ? x_ticks_ : std::vector<Tick>(), x_, panel_.left);
    parallel_for(height, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (int j = 0; j < width; ++j) {
          const double share =
              std::max(rows[static_cast<std::size_t>(i)], columns[static_cast<std::size_t>(j)]);
          const Color c = share > 0 ? mixed(inks_.background, inks_.grid, share) : inks_.background;
          std::uint8_t* to = p.rgba.data() + 4 * (i * width + j);
          to[0] = c.red;
          to[1] = c.green;
          to[2] = c.blue;
          to[3] = 255;
        }
    });
    return p;
  }

  static void blend(Picture& ground, const Picture& layer) {
    parallel_for(ground.height, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * ground.width * 4; i < end * ground.width * 4; i += 4) {
        const std::uint8_t* from = layer.rgba.data() + i;
        std::uint8_t* to = ground.rgba.data() + i;
        const std::uint32_t alpha = from[3];
        for (int c = 0; c < 3 && alpha > 0; ++c)
          to[c] = static_cast<std::uint8_t>((from[c] * alpha + to[c] * (255 - alpha) + 127) / 255);
      }
    });
  }

  void finish_ground() {
    if (ground_) canvas_->image(panel_, *ground_);
    ground_.reset();
    ground_open_ = false;
  }

  // One path a category. Which lies on top is drawn by lot, but those with few points, less than
  // a tenth of the most, lie above the others.
  void draw_paths(const Points& p, const std::vector<std::int32_t>& category,
                  const std::vector<Color>& colors, double radius, double opacity) {
    const ConstRows at = p.at.view();
    std::vector<std::vector<Point>> paths(colors.size());
    for (std::int64_t i = 0; i < at.rows(); ++i) {
      const auto c = category.empty() ? 0 : category[static_cast<std::size_t>(i)];
      paths[static_cast<std::size_t>(c)].push_back({x_(at(i, 0)), y_(at(i, 1))});
    }
    std::vector<std::int32_t> order(colors.size());
    std::iota(order.begin(), order.end(), 0);
    random::shuffle(order, {.seed = params_.seed, .stream = random::Stream::drawing_order});
    std::size_t most = 0;
    for (const auto& path : paths) most = std::max(most, path.size());
    std::stable_partition(order.begin(), order.end(), [&](std::int32_t c) {
      return paths[static_cast<std::size_t>(c)].size() * 10 >= most;
    });
    for (const std::int32_t c : order) {
      const auto& path = paths[static_cast<std::size_t>(c)];
      const Paint paint{colors[static_cast<std::size_t>(c)], opacity};
      if (p.shape == Shape::ring)
        canvas_->rings(path, radius, stroke_of(radius), paint);
      else
        canvas_->dots(path, radius, paint);
    }
  }

  // --- texts in the panel ---

  void place_end_labels(Box& room) {
    double widest = 0;
    for (const Mark& mark : f_.marks)
      if (const auto* l = std::get_if<Line>(&mark); l != nullptr && !l->x.empty())
        widest = std::max(widest, measure(clean_text(l->end_label), end_label_style({})).width);
    if (widest > 0) room.right -= std::min(widest, room.width() * 0.4) + 8;
  }
  TextStyle end_label_style(Color color) const {
    return {.size = label_.size, .color = color, .bold = true};
  }

  // Labels beside the last vertices, pushed apart where they would touch.
  void draw_end_labels() {
    struct Label {
      double y;
      std::string text;
      Color color;
    };
    std::vector<Label> labels;
    double left = panel_.left;
    for (std::size_t i = 0; i < f_.marks.size(); ++i)
      if (const auto* l = std::get_if<Line>(&f_.marks[i]);
          l != nullptr && !l->end_label.empty() && !l->x.empty()) {
        labels.push_back({y_(l->y.back()), clean_text(l->end_label), mark_colors_[i]});
        left = std::max(left, panel_.right + 8);
      }
    std::stable_sort(labels.begin(), labels.end(),
                     [](const Label& a, const Label& b) { return a.y < b.y; });
    const double apart = label_.size * 1.35;
    for (std::size_t i = 1; i < labels.size(); ++i)
      labels[i].y = std::max(labels[i].y, labels[i - 1].y + apart);
    double lowest = panel_.bottom - apart / 3;
    for (std::size_t i = labels.size(); i-- > 0; lowest -= apart)
      labels[i].y = std::min(labels[i].y, lowest);
    for (const Label& label : labels) {
      // Pale colors make poor letters: darken (or lighten) until they read.
      Color color = label.color;
      while (contrast(color, inks_.background) < 4.5) color = mixed(color, inks_.text, 0.15);
      const TextStyle style = end_label_style(color);
      const std::string text = fitted(label.text, style, width_ - kMargin - left);
      canvas_->text({left, label.y + measure("x", style).ascent / 2}, text, style, false);
    }
  }

  // Each category's name at its densest place, among all labeled sets.
  void draw_names() {
    if (!f_.name_categories) return;
    std::vector<Point> points;
    std::vector<std::int32_t> category;
    for (const Mark& mark : f_.marks)
      if (const auto* p = std::get_if<Points>(&mark)) {
        const auto labels = p->labels.view();
        for (std::size_t i = 0; i < labels.size(); ++i) {
          const auto row = static_cast<std::int64_t>(i);
          points.push_back({x_(p->at.view()(row, 0)), y_(p->at.view()(row, 1))});
          category.push_back(labels[i]);
        }
      }
    const auto places =
        densest_places(points, category, static_cast<int>(category_colors_.size()), panel_);
    TextStyle style = name_;
    if (places.size() > 12) style.size *= places.size() > 40 ? 0.72 : 0.84;
    std::vector<std::string> texts;
    std::vector<Point> sizes;
    for (const auto& place : places) {
      texts.push_back(fitted(category_name(place.category), style, panel_.width() * 0.3));
      const TextSize size = measure(texts.back(), style);
      sizes.push_back({size.width + 6, size.ascent + size.descent + 4});
    }
    const auto names = place_names(places, sizes, panel_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!names[i].placed) ++names_left_out_;
      if (!names[i].placed || !names[i].moved) continue;
      const Box& box = names[i].box;
      const Point line[] = {places[i].at,
                            {std::clamp(places[i].at.x, box.left + 3, box.right - 3),
                             places[i].at.y < box.top ? box.top : box.bottom}};
      canvas_->polyline(line, 2.4, {inks_.background, 0.8}, false);
      canvas_->polyline(line, 0.8, {inks_.text}, false);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!names[i].placed) continue;
      const TextSize size = measure(texts[i], style);
      canvas_->text({names[i].box.left + 3, names[i].box.top + 2 + size.ascent}, texts[i], style,
                    false);
    }
  }

  const Figure& f_;
  const DrawParams& params_;
  const Format format_;
  const Inks inks_;
  const double width_;
  double height_;
  std::unique_ptr<Canvas> canvas_;
  TextStyle title_, subtitle_, label_, tick_, legend_, footnote_, name_;

  std::vector<Color> category_colors_, mark_colors_;
  bool labeled_ = false, unlabeled_ = false;
  std::vector<Key> inside_keys_;
  Point last_line_;  // where the title's, or the subtitle's, last line ends
  double footnote_top_ = 0;
  int names_left_out_ = 0;
  Box panel_;
  std::optional<Picture> ground_;  // the raster layers so far, while nothing else lies in the panel
  bool ground_open_ = true;
  Scale x_, y_;
  std::vector<Tick> x_ticks_, y_ticks_;
};

}  // namespace

std::vector<Field> fields(DrawParams& p) {
  return {{"dpi", &p.dpi, "pixels an inch; larger gives finer and larger pictures", 10, 2400},
          {"vector_points", &p.vector_points,
           "sets of more points become an image in SVG and PDF; larger gives larger files", 0, 1e7},
          {"seed", &p.seed, "of the order in which categories are stacked in SVG and PDF"}};
}

Format format_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (extension == ".png") return Format::png;
  if (extension == ".svg") return Format::svg;
  if (extension == ".pdf") return Format::pdf;
  throw InvalidArgument(
      sentence("figure: '", path.string(),
               "' does not end in .png, .svg or .pdf, which are what we can draw"));
}

std::string draw(const Figure& figure, Format format, const DrawParams& params) {
  check(figure, params);
  return Painter(figure, params, format).paint();
}

void draw(const Figure& figure, const std::filesystem::path& path, const DrawParams& params) {
  const std::string bytes = draw(figure, format_of(path), params);
  write_file(path, bytes);
}

}  // namespace latlas::render
