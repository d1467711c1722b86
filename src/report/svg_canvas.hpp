// Writes static SVG pictures: shapes and texts by class, colours for light and dark, words for
// screen readers. Coordinates are pixels from the top left corner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ridgeline::report {

/// Text fit for XML: markup characters escaped, control characters and broken UTF-8 replaced.
std::string xml_text(std::string_view text);

/// About how wide a text is at a font size; the fonts of readers differ by a few percent.
double svg_text_width(std::string_view text, double size);

/// `text` cut to about `width` pixels.
std::string svg_cut(std::string_view text, double width, double size);

/// A box that is taken: nothing else may be written there.
struct SvgBox {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;

  bool overlaps(const SvgBox& other) const;
};

/// Classes that svg_canvas knows: "axis", "grid", "minor", "roof", "sheet" (dashed), "whisker",
/// "leader", and for texts "title", "head", "label", "small", "tick", "value"; "s0" … "s7" are the
/// colours of series, for shapes.
class SvgCanvas {
 public:
  enum class Anchor { kStart, kMiddle, kEnd };

  static constexpr int kSeries = 8;
  static constexpr double kFont = 12;
  static constexpr double kSmallFont = 11;
  static constexpr double kTitleFont = 15;

  /// `title` and `description` are what screen readers say of the picture.
  SvgCanvas(double width, std::string_view title, std::string_view description);

  void line(double x1, double y1, double x2, double y2, std::string_view style);
  void polyline(const std::vector<std::pair<double, double>>& points, std::string_view style);
  /// `tip` is what hovering shows; it may be empty.
  void rect(const SvgBox& box, std::string_view style, std::string_view tip = {});
  /// A mark of 5 pixels around its centre: circle, square, diamond, triangle, … by `shape`.
  void mark(double x, double y, int shape, int series, std::string_view tip = {});
  /// `y` is the base line. `degrees` turns the text around its anchor, clockwise.
  void text(double x, double y, std::string_view content, std::string_view style,
            Anchor anchor = Anchor::kStart, double degrees = 0);

  double width() const { return width_; }
  /// The whole picture, `height` pixels high.
  std::string finish(double height) const;

 private:
  double width_;
  std::string title_;
  std::string description_;
  std::string body_;
};

}  // namespace ridgeline::report
