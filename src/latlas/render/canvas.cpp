// The only door to Cairo and Pango.
//
// Letters are placed at fractions of a pixel, unhinted, so that a line is equally long at every
// size and in every format, and the layout made for one holds for all.

#include "latlas/render/canvas.h"

#include <cairo/cairo-pdf.h>
#include <cairo/cairo.h>
#include <pango/pangocairo.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "latlas/core/error.h"
#include "latlas/core/parallel.h"
#include "latlas/render/png.h"

namespace latlas::render {
namespace {

template <class T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};
using Cairo = std::unique_ptr<cairo_t, Destroy<cairo_t, cairo_destroy>>;
using Surface = std::unique_ptr<cairo_surface_t, Destroy<cairo_surface_t, cairo_surface_destroy>>;
using Font = std::unique_ptr<PangoFontDescription,
                             Destroy<PangoFontDescription, pango_font_description_free>>;
struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using Layout = std::unique_ptr<PangoLayout, Unref>;
using Context = std::unique_ptr<PangoContext, Unref>;

void check(cairo_status_t status) {
  if (status == CAIRO_STATUS_NO_MEMORY) throw std::bad_alloc();
  if (status != CAIRO_STATUS_SUCCESS)
    throw IoError(sentence("figure: Cairo says: ", cairo_status_to_string(status)));
}

/// A context of our own for each thread: Pango's are not to be shared.
PangoContext* context() {
  thread_local const Context made = [] {
    Context c(pango_font_map_create_context(pango_cairo_font_map_get_default()));
    pango_cairo_context_set_resolution(c.get(), 72);  // a unit is a point
    pango_context_set_round_glyph_positions(c.get(), FALSE);
    cairo_font_options_t* options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    pango_cairo_context_set_font_options(c.get(), options);
    cairo_font_options_destroy(options);
    return c;
  }();
  return made.get();
}

Layout layout_of(const std::string& text, const TextStyle& style) {
  const Font font(pango_font_description_new());
  pango_font_description_set_family(font.get(), std::string(kFontFamilies).c_str());
  pango_font_description_set_weight(font.get(),
                                    style.bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
  pango_font_description_set_size(font.get(),
                                  static_cast<int>(std::lround(style.size * PANGO_SCALE)));
  Layout layout(pango_layout_new(context()));
  pango_layout_set_font_description(layout.get(), font.get());
  pango_layout_set_single_paragraph_mode(layout.get(), TRUE);
  pango_layout_set_text(layout.get(), text.data(), static_cast<int>(text.size()));
  return layout;
}

void set_source(cairo_t* cairo, const Paint& paint) {
  cairo_set_source_rgba(cairo, paint.color.red / 255.0, paint.color.green / 255.0,
                        paint.color.blue / 255.0, paint.opacity);
}

/// Pixels as Cairo keeps them: premultiplied, four bytes in the machine's order.
Surface surface_of(const Picture& picture) {
  Surface surface(cairo_image_surface_create(
      picture.opaque ? CAIRO_FORMAT_RGB24 : CAIRO_FORMAT_ARGB32, picture.width, picture.height));
  check(cairo_surface_status(surface.get()));
  cairo_surface_flush(surface.get());
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  parallel_for(picture.height, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::uint8_t* from = picture.rgba.data() + i * picture.width * 4;
      unsigned char* to = data + i * stride;
      for (int j = 0; j < picture.width; ++j, from += 4, to += 4) {
        const std::uint32_t alpha = from[3];
        const auto times = [&](std::uint32_t value) { return (value * alpha + 127) / 255; };
        const std::uint32_t pixel =
            alpha << 24 | times(from[0]) << 16 | times(from[1]) << 8 | times(from[2]);
        std::memcpy(to, &pixel, 4);
      }
    }
  });
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

/// What PNG and PDF have in common: everything but the bytes at the end.
class CairoCanvas : public Canvas {
 public:
  void rectangle(const Box& box, const Paint& paint) override {
    set_source(cairo(), paint);
    cairo_rectangle(cairo(), box.left, box.top, box.width(), box.height());
    cairo_fill(cairo());
  }

  void polyline(std::span<const Point> points, double width, const Paint& paint,
                bool dashed) override {
    if (points.empty()) return;
    set_source(cairo(), paint);
    cairo_set_line_width(cairo(), width);
    cairo_set_line_join(cairo(), CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(cairo(), dashed ? CAIRO_LINE_CAP_BUTT : CAIRO_LINE_CAP_ROUND);
    const double dash[] = {4 * width, 2.5 * width};
    cairo_set_dash(cairo(), dash, dashed ? 2 : 0, 0);
    cairo_move_to(cairo(), points[0].x, points[0].y);
    for (const Point& p : points.subspan(1)) cairo_line_to(cairo(), p.x, p.y);
    cairo_stroke(cairo());
    cairo_set_dash(cairo(), dash, 0, 0);
  }

  void dots(std::span<const Point> centers, double radius, const Paint& paint) override {
    if (centers.empty()) return;
    set_source(cairo(), paint);
    cairo_set_line_width(cairo(), 2 * radius);
    cairo_set_line_cap(cairo(), CAIRO_LINE_CAP_ROUND);
    for (const Point& p : centers) {
      cairo_move_to(cairo(), p.x, p.y);
      cairo_line_to(cairo(), p.x, p.y);
    }
    cairo_stroke(cairo());
  }

  void rings(std::span<const Point> centers, double radius, double stroke,
             const Paint& paint) override {
    if (centers.empty()) return;
    set_source(cairo(), paint);
    cairo_set_line_width(cairo(), stroke);
    for (const Point& p : centers) {
      cairo_new_sub_path(cairo());
      cairo_arc(cairo(), p.x, p.y, radius, 0, 2 * 3.14159265358979323846);
      cairo_close_path(cairo());
    }
    cairo_stroke(cairo());
  }

  void image(const Box& box, const Picture& picture) override {
    const Surface surface = surface_of(picture);
    cairo_save(cairo());
    // Pixel on pixel it is a plain copy.
    double left = box.left, top = box.top, width = box.width();
    cairo_user_to_device(cairo(), &left, &top);
    double height = box.height();
    cairo_user_to_device_distance(cairo(), &width, &height);
    const bool aligned =
        std::abs(width - picture.width) < 0.01 && std::abs(height - picture.height) < 0.01 &&
        std::abs(left - std::round(left)) < 0.01 && std::abs(top - std::round(top)) < 0.01;
    if (aligned) {
      cairo_identity_matrix(cairo());
      cairo_set_source_surface(cairo(), surface.get(), std::round(left), std::round(top));
    } else {
      cairo_translate(cairo(), box.left, box.top);
      cairo_scale(cairo(), box.width() / picture.width, box.height() / picture.height);
      cairo_set_source_surface(cairo(), surface.get(), 0, 0);
    }
    cairo_pattern_set_filter(cairo_get_source(cairo()), CAIRO_FILTER_NEAREST);
    cairo_paint(cairo());
    cairo_restore(cairo());
  }

  void text(Point start, const std::string& text, const TextStyle& style, bool upward) override {
    const Layout layout = layout_of(text, style);
    cairo_save(cairo());
    cairo_translate(cairo(), start.x, start.y);
    if (upward) cairo_rotate(cairo(), -3.14159265358979323846 / 2);
    cairo_translate(cairo(), 0,
                    -static_cast<double>(pango_layout_get_baseline(layout.get())) / PANGO_SCALE);
    if (style.halo > 0) {
      set_source(cairo(), {style.halo_color, 0.9});
      cairo_set_line_width(cairo(), 2 * style.halo);
      cairo_set_line_join(cairo(), CAIRO_LINE_JOIN_ROUND);
      cairo_move_to(cairo(), 0, 0);
      pango_cairo_layout_path(cairo(), layout.get());
      cairo_stroke(cairo());
    }
    set_source(cairo(), {style.color});
    cairo_move_to(cairo(), 0, 0);
    pango_cairo_show_layout(cairo(), layout.get());
    cairo_restore(cairo());
  }

  void clip(const Box& box) override {
    cairo_save(cairo());
    cairo_rectangle(cairo(), box.left, box.top, box.width(), box.height());
    cairo_clip(cairo());
  }
  void unclip() override { cairo_restore(cairo()); }

 protected:
  void begin(Surface surface) {
    check(cairo_surface_status(surface.get()));
    surface_ = std::move(surface);
    cairo_.reset(cairo_create(surface_.get()));
    check(cairo_status(cairo()));
  }
  void end() {
    check(cairo_status(cairo()));
    cairo_.reset();
    cairo_surface_flush(surface());
  }
  cairo_t* cairo() { return cairo_.get(); }
  cairo_surface_t* surface() { return surface_.get(); }

 private:
  Surface surface_;
  Cairo cairo_;
};

class PngCanvas : public CairoCanvas {
 public:
  PngCanvas(double width, double height, double dpi, Color background) : dpi_(dpi) {
    const auto pixels = [&](double points) {
      return std::max(1, static_cast<int>(std::lround(points * dpi / 72)));
    };
    begin(Surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, pixels(width), pixels(height))));
    set_source(cairo(), {background});
    cairo_paint(cairo());
    cairo_scale(cairo(), dpi / 72, dpi / 72);
  }

  std::string finish() override {
    end();
    const int width = cairo_image_surface_get_width(surface());
    const int height = cairo_image_surface_get_height(surface());
    const unsigned char* data = cairo_image_surface_get_data(surface());
    const int stride = cairo_image_surface_get_stride(surface());
    std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * 3);
    parallel_for(height, 64, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const unsigned char* from = data + i * stride;
        std::uint8_t* to = pixels.data() + i * width * 3;
        for (int j = 0; j < width; ++j, from += 4, to += 3) {
          std::uint32_t pixel = 0;
          std::memcpy(&pixel, from, 4);
          to[0] = static_cast<std::uint8_t>(pixel >> 16);
          to[1] = static_cast<std::uint8_t>(pixel >> 8);
          to[2] = static_cast<std::uint8_t>(pixel);
        }
      }
    });
    return encode_png(pixels, width, height, 3, dpi_);
  }

 private:
  double dpi_;
};

class PdfCanvas : public CairoCanvas {
 public:
  PdfCanvas(double width, double height, const std::string& title) {
    const auto append = [](void* to, const unsigned char* data, unsigned int length) {
      static_cast<std::string*>(to)->append(reinterpret_cast<const char*>(data), length);
      return CAIRO_STATUS_SUCCESS;
    };
    begin(Surface(cairo_pdf_surface_create_for_stream(append, &bytes_, width, height)));
    if (!title.empty())
      cairo_pdf_surface_set_metadata(surface(), CAIRO_PDF_METADATA_TITLE, title.c_str());
    // Cairo would write the time of day; the same figure is to give the same bytes.
    cairo_pdf_surface_set_metadata(surface(), CAIRO_PDF_METADATA_CREATE_DATE,
                                   "1970-01-01T00:00:00Z");
  }

  std::string finish() override {
    end();
    cairo_surface_finish(surface());
    check(cairo_surface_status(surface()));
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

}  // namespace

TextSize measure(const std::string& text, const TextStyle& style) {
  const auto extents = [&](const std::string& of) {
    const Layout layout = layout_of(of, style);
    PangoRectangle ink, logical;
    pango_layout_get_extents(layout.get(), &ink, &logical);
    const int baseline = pango_layout_get_baseline(layout.get());
    return TextSize{static_cast<double>(logical.width) / PANGO_SCALE,
                    static_cast<double>(baseline - ink.y) / PANGO_SCALE,
                    static_cast<double>(ink.y + ink.height - baseline) / PANGO_SCALE};
  };
  return {extents(text).width, extents("H").ascent, extents("g").descent};
}

std::string clean_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto left = static_cast<gssize>(text.size() - i);
    const gunichar c = text[i] == '\0' ? 0 : g_utf8_get_char_validated(text.data() + i, left);
    if (c == static_cast<gunichar>(-1) || c == static_cast<gunichar>(-2)) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    const auto length = static_cast<std::size_t>(g_utf8_skip[static_cast<guchar>(text[i])]);
    const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029;
    if (control)
      out += ' ';
    else if (c == 0xFFFE || c == 0xFFFF)  // XML has no such characters
      out += "\xEF\xBF\xBD";
    else
      out.append(text.substr(i, length));
    i += length;
  }
  return out;
}

std::unique_ptr<Canvas> png_canvas(double width, double height, double dpi, Color background) {
  return std::make_unique<PngCanvas>(width, height, dpi, background);
}

std::unique_ptr<Canvas> pdf_canvas(double width, double height, const std::string& title) {
  return std::make_unique<PdfCanvas>(width, height, title);
}

}  // namespace latlas::render
