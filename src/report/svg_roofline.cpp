// Draws the roofline.
#include "report/svg_roofline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/svg_canvas.hpp"
#include "report/svg_roofline_data.hpp"

namespace ridgeline::report {
namespace {

using Anchor = SvgCanvas::Anchor;

constexpr double kWidth = 760;
constexpr double kLeft = 84;
constexpr double kRight = 20;
constexpr double kHead = 58;
constexpr double kPlotHeight = 380;
constexpr double kBelow = 52;
constexpr double kLineHeight = 18;
constexpr double kMarkRoom = 8;
// More names than this only hide each other: a number at each point and a list below.
constexpr std::size_t kMostNamed = 6;
constexpr std::size_t kMostListed = 40;
constexpr std::size_t kMostRoofs = 8;
constexpr double kSample = 34;
constexpr int kMostDecades = 30;

std::string decade_text(int exponent) {
  constexpr std::string_view kPrefixes[] = {"", " k", " M", " G", " T", " P", " E"};
  if (exponent < 0 || exponent > 20) return fmt::format("1e{}", exponent);
  return fmt::format("{}{}", std::lround(std::pow(10, exponent % 3)),
                     kPrefixes[static_cast<std::size_t>(exponent / 3)]);
}

std::string plain_decade(int exponent) {
  if (exponent >= -4 && exponent <= 5) return fmt::format("{:g}", std::pow(10, exponent));
  return fmt::format("1e{}", exponent);
}

std::string bandwidth_text(double bytes_rate) {
  return format_bytes(bytes_rate) + "/s";
}

// One logarithmic axis.
struct Scale {
  double low = 0;  // decimal logarithms
  double high = 1;
  double begin = 0;  // pixels
  double end = 1;

  double at(double value) const {
    return begin + (std::log10(value) - low) / (high - low) * (end - begin);
  }
  double value_at(double pixels) const {
    return std::pow(10, low + (pixels - begin) / (end - begin) * (high - low));
  }
};

std::string_view style_of(const Roof& roof) {
  return roof.measured ? "roof" : "sheet";
}

RooflineData data_of(const Json& payload) {
  RooflineData data = roofline_data(payload);
  if (data.roofs.size() > kMostRoofs) data.roofs.resize(kMostRoofs);
  return data;
}

class Roofline {
 public:
  explicit Roofline(const Json& payload)
      : data_(data_of(payload)),
        title_(text_at(payload, {"title"}).value_or("")),
        top_(kHead + kLineHeight * static_cast<double>(data_.roofs.size()) + 10),
        canvas_(kWidth, "Roofline", description()) {}

  std::string draw();

 private:
  std::string description() const;
  void choose_scales();
  void draw_grid();
  void draw_roofs();
  void draw_legend();
  void draw_roof(const Roof& roof);
  void name_roof(const Roof& roof);
  void draw_points();
  bool place_names(std::vector<SvgBox>& boxes) const;
  void write_names(const std::vector<SvgBox>& boxes);
  double number_points(double y);
  std::string name_of(const RooflinePoint& point) const;
  SvgBox mark_box(const RooflinePoint& point) const;
  bool crosses_roof(const SvgBox& box) const;
  bool is_free(const SvgBox& box, const std::vector<SvgBox>& more) const;

  RooflineData data_;
  std::string title_;
  double top_;
  SvgCanvas canvas_;
  Scale x_;
  Scale y_;
  std::vector<SvgBox> taken_;
};

std::string Roofline::description() const {
  std::string text;
  for (const Roof& roof : data_.roofs) {
    text += fmt::format("{} roof ({}): {} and {}. ", roof.measured ? "Measured" : "Datasheet",
                        roof.name, format_flops(roof.flops_rate), bandwidth_text(roof.bytes_rate));
  }
  for (const RooflinePoint& point : data_.points) {
    text += fmt::format("{}, {}: {} at {} FLOP/B. ", point.label, point.phase,
                        format_flops(point.rate), format_significant(point.intensity, 3));
  }
  return text.empty() ? "No phase has a FLOP rate and an arithmetic intensity" : text;
}

void Roofline::choose_scales() {
  double least_x = std::numeric_limits<double>::max();
  double most_x = 0;
  double least_y = least_x;
  double most_y = 0;
  const auto take = [&](double x, double y) {
    least_x = std::min(least_x, x);
    most_x = std::max(most_x, x);
    least_y = std::min(least_y, y);
    most_y = std::max(most_y, y);
  };
  for (const RooflinePoint& point : data_.points) take(point.intensity, point.rate);
  for (const Roof& roof : data_.roofs) {
    take(roof.ridge(), roof.flops_rate);
    // The slanted part is worth seeing down to the leftmost point.
    take(least_x, roof.at(least_x));
  }
  const auto scale = [](double least, double most, double margin, double begin, double end) {
    Scale made{std::floor(std::log10(least) - margin), std::ceil(std::log10(most) + margin), begin,
               end};
    made.high = std::min(made.high, made.low + kMostDecades);
    return made;
  };
  x_ = scale(least_x, most_x, 0.15, kLeft, kWidth - kRight);
  y_ = scale(least_y, most_y, 0.15, top_ + kPlotHeight, top_);
}

void Roofline::draw_grid() {
  const auto each_decade = [](const Scale& scale, const auto& draw) {
    for (int decade = static_cast<int>(scale.low); decade <= static_cast<int>(scale.high);
         ++decade) {
      draw(decade);
    }
  };
  const bool minor = x_.high - x_.low <= 6 && y_.high - y_.low <= 6;
  const auto minor_lines = [&](const Scale& scale, int decade, const auto& line) {
    if (!minor || decade >= static_cast<int>(scale.high)) return;
    for (int i = 2; i <= 9; ++i) line(scale.at(i * std::pow(10, decade)));
  };
  each_decade(x_, [&](int decade) {
    minor_lines(x_, decade, [&](double x) { canvas_.line(x, y_.end, x, y_.begin, "minor"); });
  });
  each_decade(y_, [&](int decade) {
    minor_lines(y_, decade, [&](double y) { canvas_.line(x_.begin, y, x_.end, y, "minor"); });
  });
  each_decade(x_, [&](int decade) {
    const double x = x_.at(std::pow(10, decade));
    canvas_.line(x, y_.end, x, y_.begin, "grid");
    canvas_.text(x, y_.begin + 18, plain_decade(decade), "tick", Anchor::kMiddle);
  });
  each_decade(y_, [&](int decade) {
    const double y = y_.at(std::pow(10, decade));
    canvas_.line(x_.begin, y, x_.end, y, "grid");
    canvas_.text(x_.begin - 8, y + 4, decade_text(decade), "tick", Anchor::kEnd);
  });
  canvas_.line(x_.begin, y_.begin, x_.end, y_.begin, "axis");
  canvas_.line(x_.begin, y_.begin, x_.begin, y_.end, "axis");
  canvas_.text((x_.begin + x_.end) / 2, y_.begin + 38, "arithmetic intensity, FLOP/B", "label",
               Anchor::kMiddle);
  canvas_.text(22, (y_.begin + y_.end) / 2, "attained, FLOP/s", "label", Anchor::kMiddle, -90);
}

// What each line stands for, above the plot, where no point can be.
void Roofline::draw_legend() {
  for (std::size_t i = 0; i < data_.roofs.size(); ++i) {
    const Roof& roof = data_.roofs[i];
    const double y = kHead + kLineHeight * static_cast<double>(i);
    canvas_.polyline({{kLeft, y + 6}, {kLeft + kSample, y + 6}}, style_of(roof));
    canvas_.text(
        kLeft + kSample + 8, y + 10,
        svg_cut(
            fmt::format("{}: {} and {} ({})", roof.measured ? "measured here" : "datasheet",
                        format_flops(roof.flops_rate), bandwidth_text(roof.bytes_rate), roof.name),
            kWidth - kLeft - kSample - 28, SvgCanvas::kSmallFont),
        "small");
  }
}

// At the right end of a flat part, where several roofs must be told apart; left out where there is
// no room.
void Roofline::name_roof(const Roof& roof) {
  const double width = svg_text_width(roof.name, SvgCanvas::kSmallFont);
  const double line = y_.at(roof.flops_rate);
  for (const double base : {line - 5, line + 13}) {
    for (double right = x_.end - 4; right - width > x_.at(roof.ridge()); right -= 24) {
      const SvgBox box{right - width, base - 10, width, 12};
      if (!is_free(box, {})) continue;
      canvas_.text(right, base, roof.name, "small", Anchor::kEnd);
      taken_.push_back(box);
      return;
    }
  }
}

void Roofline::draw_roof(const Roof& roof) {
  const double least = std::max(std::pow(10, x_.low), std::pow(10, y_.low) / roof.bytes_rate);
  const double most = std::pow(10, x_.high);
  std::vector<std::pair<double, double>> line = {{x_.at(least), y_.at(roof.at(least))}};
  if (roof.ridge() > least && roof.ridge() < most) {
    line.emplace_back(x_.at(roof.ridge()), y_.at(roof.flops_rate));
  }
  line.emplace_back(x_.at(most), y_.at(roof.at(most)));
  canvas_.polyline(line, style_of(roof));
}

void Roofline::draw_roofs() {
  for (const Roof& roof : data_.roofs) draw_roof(roof);
  const auto several = [&](bool measured) {
    return std::count_if(data_.roofs.begin(), data_.roofs.end(),
                         [&](const Roof& roof) { return roof.measured == measured; }) > 1;
  };
  for (const Roof& roof : data_.roofs) {
    if (several(roof.measured)) name_roof(roof);
  }
}

std::string Roofline::name_of(const RooflinePoint& point) const {
  return fmt::format("{} · {}", point.label, point.phase);
}

SvgBox Roofline::mark_box(const RooflinePoint& point) const {
  return {x_.at(point.intensity) - kMarkRoom, y_.at(point.rate) - kMarkRoom, 2 * kMarkRoom,
          2 * kMarkRoom};
}

// A roof only rises, so it misses a box when it passes above or below both of its ends.
bool Roofline::crosses_roof(const SvgBox& box) const {
  return std::any_of(data_.roofs.begin(), data_.roofs.end(), [&](const Roof& roof) {
    const double left = y_.at(roof.at(x_.value_at(box.x)));
    const double right = y_.at(roof.at(x_.value_at(box.x + box.width)));
    return left > box.y && right < box.y + box.height;
  });
}

bool Roofline::is_free(const SvgBox& box, const std::vector<SvgBox>& more) const {
  if (box.x < x_.begin || box.x + box.width > x_.end) return false;
  if (box.y < y_.end || box.y + box.height > y_.begin || crosses_roof(box)) return false;
  const auto hits = [&](const SvgBox& other) { return box.overlaps(other); };
  if (std::any_of(taken_.begin(), taken_.end(), hits)) return false;
  if (std::any_of(more.begin(), more.end(), hits)) return false;
  return std::none_of(data_.points.begin(), data_.points.end(),
                      [&](const RooflinePoint& point) { return box.overlaps(mark_box(point)); });
}

void Roofline::draw_points() {
  for (const RooflinePoint& point : data_.points) {
    canvas_.mark(x_.at(point.intensity), y_.at(point.rate), point.series, point.series,
                 fmt::format("{}: {} at {} FLOP/B", name_of(point), format_flops(point.rate),
                             format_significant(point.intensity, 3)));
  }
}

// A place for each name, beside its point or a little away; false when one finds none.
bool Roofline::place_names(std::vector<SvgBox>& boxes) const {
  constexpr double kHeight = 14;
  for (const RooflinePoint& point : data_.points) {
    const double width = svg_text_width(name_of(point), SvgCanvas::kFont);
    const double x = x_.at(point.intensity);
    const double y = y_.at(point.rate);
    std::optional<SvgBox> place;
    for (double away = 0; away <= 3 * kLineHeight && !place; away += kLineHeight) {
      for (const double dy : {away, -away}) {
        const double flush = x_.end - 4 - width - x;
        for (const double dx : {11.0, -11 - width, -width / 2, flush}) {
          const SvgBox box{x + dx, y - kHeight / 2 + dy, width, kHeight};
          if (!place && is_free(box, boxes)) place = box;
        }
      }
    }
    if (!place) return false;
    boxes.push_back(*place);
  }
  return true;
}

void Roofline::write_names(const std::vector<SvgBox>& boxes) {
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const RooflinePoint& point = data_.points[i];
    const SvgBox& box = boxes[i];
    const double x = x_.at(point.intensity);
    const double y = y_.at(point.rate);
    const double middle = box.y + box.height / 2;
    // A thin line where the name had to move away from its point.
    if (std::abs(middle - y) > kLineHeight + 2) {
      const double to_x = std::clamp(x, box.x, box.x + box.width);
      canvas_.line(x, y, to_x, middle < y ? box.y + box.height : box.y, "leader");
    }
    canvas_.text(box.x, box.y + 11, name_of(point), "label");
  }
}

// A number at each point, and below the picture what it stands for; gives the y below.
double Roofline::number_points(double y) {
  const bool listed = data_.points.size() <= kMostListed;
  for (std::size_t i = 0; listed && i < data_.points.size(); ++i) {
    const RooflinePoint& point = data_.points[i];
    const std::string number = fmt::format("{}", i + 1);
    const double width = svg_text_width(number, SvgCanvas::kSmallFont);
    const double at_x = x_.at(point.intensity);
    const double at_y = y_.at(point.rate);
    SvgBox box{at_x + 9, at_y - 6, width, 12};
    for (int step = 0; step < 16 && !is_free(box, {}); ++step) {
      const double angle = step * std::numbers::pi / 4;
      const double away = 14 + 10 * (step / 8);
      box.x = at_x + away * std::cos(angle) - width / 2;
      box.y = at_y + away * std::sin(angle) - 6;
    }
    canvas_.text(box.x, box.y + 10, number, "value");
    taken_.push_back(box);
    canvas_.mark(kLeft + 6, y + 8, point.series, point.series);
    canvas_.text(kLeft + 20, y + 12,
                 svg_cut(fmt::format("{}  {}: {}", i + 1, name_of(point), format_flops(point.rate)),
                         kWidth - kLeft - 40, SvgCanvas::kFont),
                 "label");
    y += kLineHeight;
  }
  if (!listed) {
    canvas_.text(kLeft, y + 12,
                 fmt::format("{} phases; the report names them", data_.points.size()), "small");
    y += kLineHeight;
  }
  return y + 8;
}

std::string Roofline::draw() {
  canvas_.text(16, 28, "Roofline", "title");
  canvas_.text(16, 46, svg_cut(title_, kWidth - 32, SvgCanvas::kSmallFont), "small");
  if (data_.points.empty()) {
    canvas_.text(16, 76, description(), "label");
    return canvas_.finish(96);
  }
  choose_scales();
  draw_grid();
  draw_legend();
  draw_roofs();
  draw_points();
  double height = top_ + kPlotHeight + kBelow;
  std::vector<SvgBox> boxes;
  if (data_.points.size() <= kMostNamed && place_names(boxes)) {
    write_names(boxes);
  } else {
    height = number_points(height);
  }
  if (data_.roofs.empty()) {
    canvas_.text(kLeft, height, "no ceilings are known: `ridgeline peaks` measures them", "small");
    height += 14;
  }
  return canvas_.finish(height);
}

}  // namespace

std::string roofline_svg(const Json& payload) {
  return Roofline(payload).draw();
}

}  // namespace ridgeline::report
