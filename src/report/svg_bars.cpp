// Lays out bar charts.
#include "report/svg_bars.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "report/format.hpp"
#include "report/record_view.hpp"
#include "report/svg_canvas.hpp"

namespace ridgeline::report {
namespace {

constexpr double kWidth = 760;
constexpr double kMargin = 16;
constexpr double kMostLabel = 300;
constexpr double kRow = 24;
constexpr double kBar = 14;
constexpr double kValueRoom = 150;
constexpr std::size_t kMostBars = 40;

enum class Bars {
  kLatency,  // seconds a call
  kEnergy,   // joules an item of the phase, idle power included
};

struct Bar {
  std::string label;
  double value = 0;
  std::optional<double> half_width;
  int series = 0;
};

struct Panel {
  std::string name;
  std::vector<Bar> bars;
  std::size_t left_out = 0;
};

// The metric of a phase that a chart shows, and the item it is for.
struct Shown {
  std::string metric;
  std::string item;
};

Shown shown_of(const Json& phase, Bars what) {
  if (what == Bars::kLatency) return {"latency", ""};
  std::string item = text_at(phase, {"unit"}).value_or("");
  const Json& metrics = member(phase, {"metrics"});
  // The phase's own unit first; some phases give energy for other items only.
  for (const std::string& one : {item, std::string("token"), std::string("sequence"),
                                 std::string("image"), std::string("audio_second")}) {
    const std::string name = fmt::format("energy_per_{}.gross", one);
    if (!one.empty() && metric_at(metrics, name).value) return {name, one};
  }
  return {"", ""};
}

std::vector<Panel> panels_of(const Json& payload, Bars what) {
  std::vector<Panel> panels;
  int number = 0;
  for (const Json& one : list_at(payload, {"cases"})) {
    const std::string label = text_at(one, {"label"}).value_or("?");
    for (const Json& phase : list_at(one, {"record", "phases"})) {
      const Shown shown = shown_of(phase, what);
      const MetricView metric = metric_at(member(phase, {"metrics"}), shown.metric);
      if (!metric.value || *metric.value <= 0) continue;
      std::string name = text_at(phase, {"name"}).value_or("?");
      if (!shown.item.empty()) name += fmt::format(": energy per {}", shown.item);
      auto at = std::find_if(panels.begin(), panels.end(),
                             [&](const Panel& panel) { return panel.name == name; });
      if (at == panels.end()) at = panels.insert(panels.end(), Panel{name, {}, 0});
      if (at->bars.size() >= kMostBars) {
        ++at->left_out;
        continue;
      }
      at->bars.push_back({label, *metric.value, metric.half_width, number});
    }
    ++number;
  }
  return panels;
}

std::string value_text(const Bar& bar, Bars what) {
  if (what == Bars::kEnergy) return format_energy(bar.value);
  return bar.half_width ? format_time(bar.value, *bar.half_width) : format_time(bar.value);
}

double label_room(const std::vector<Panel>& panels) {
  double room = 60;
  for (const Panel& panel : panels) {
    for (const Bar& bar : panel.bars) {
      room = std::max(room, svg_text_width(bar.label, SvgCanvas::kFont));
    }
  }
  return std::min(room, kMostLabel);
}

// Draws a panel from `y` on, gives the y below it.
double draw(SvgCanvas& canvas, const Panel& panel, double y, double labels, Bars what) {
  canvas.text(kMargin, y + 14,
              fmt::format("{}{}", panel.name, what == Bars::kEnergy ? "" : ": latency"), "head");
  y += 24;
  const double left = kMargin + labels + 10;
  const double room = kWidth - left - kValueRoom - kMargin;
  double longest = 0;
  for (const Bar& bar : panel.bars) {
    longest = std::max(longest, bar.value + bar.half_width.value_or(0));
  }
  canvas.line(left, y - 2, left, y + kRow * static_cast<double>(panel.bars.size()) - 4, "axis");
  for (const Bar& bar : panel.bars) {
    const double middle = y + kBar / 2 + 2;
    const auto length = [&](double value) { return room * std::clamp(value / longest, 0.0, 1.0); };
    canvas.text(left - 8, middle + 4, svg_cut(bar.label, labels, SvgCanvas::kFont), "small",
                SvgCanvas::Anchor::kEnd);
    const std::string value = value_text(bar, what);
    canvas.rect({left, y + 2, std::max(1.0, length(bar.value)), kBar},
                fmt::format("s{}", bar.series % SvgCanvas::kSeries),
                fmt::format("{}, {}: {}", bar.label, panel.name, value));
    double end = left + length(bar.value);
    if (bar.half_width && *bar.half_width > 0) {
      const double low = left + length(bar.value - *bar.half_width);
      end = left + length(bar.value + *bar.half_width);
      canvas.line(low, middle, end, middle, "whisker");
      canvas.line(low, middle - 3, low, middle + 3, "whisker");
      canvas.line(end, middle - 3, end, middle + 3, "whisker");
    }
    canvas.text(end + 8, middle + 4, value, "value");
    y += kRow;
  }
  if (panel.left_out > 0) {
    canvas.text(left, y + 12, fmt::format("and {} more", panel.left_out), "small");
    y += kRow;
  }
  return y + 10;
}

std::string reason_of(const Json& payload) {
  for (const Json& one : list_at(payload, {"cases"})) {
    for (const Json& phase : list_at(one, {"record", "phases"})) {
      const std::string reason = metric_at(member(phase, {"metrics"}), "energy.gross").reason;
      if (!reason.empty()) return ": " + reason;
    }
  }
  return {};
}

std::string words_of(const std::vector<Panel>& panels, Bars what) {
  std::string words;
  for (const Panel& panel : panels) {
    words += panel.name + ": ";
    for (const Bar& bar : panel.bars) {
      words += fmt::format("{} {}{}", bar.label, value_text(bar, what),
                           &bar == &panel.bars.back() ? ". " : "; ");
    }
  }
  return words;
}

bool any_interval(const std::vector<Panel>& panels) {
  return std::any_of(panels.begin(), panels.end(), [](const Panel& panel) {
    return std::any_of(panel.bars.begin(), panel.bars.end(),
                       [](const Bar& bar) { return bar.half_width.has_value(); });
  });
}

}  // namespace

std::string bars_svg(const Json& payload) {
  const std::vector<Panel> latency = panels_of(payload, Bars::kLatency);
  const std::vector<Panel> energy = panels_of(payload, Bars::kEnergy);
  const std::string title = energy.empty() ? "Latency" : "Latency and energy";
  const std::string no_energy =
      energy.empty() ? fmt::format("Energy was not measured{}", reason_of(payload)) : "";
  SvgCanvas canvas(
      kWidth, title,
      fmt::format("Latency. {}{}{}", words_of(latency, Bars::kLatency),
                  energy.empty() ? no_energy : "Energy. ", words_of(energy, Bars::kEnergy)));
  constexpr double kRoom = kWidth - 2 * kMargin;
  const auto note = [&](double y, const std::string& text) {
    canvas.text(kMargin, y, svg_cut(text, kRoom, SvgCanvas::kSmallFont), "small");
  };
  canvas.text(kMargin, 28, title, "title");
  note(46, text_at(payload, {"title"}).value_or(""));
  double y = 62;
  const double labels = std::max(label_room(latency), label_room(energy));
  if (latency.empty()) {
    note(y + 14, "No latency was measured");
    y += 28;
  }
  for (const Panel& panel : latency) y = draw(canvas, panel, y, labels, Bars::kLatency);
  for (const Panel& panel : energy) y = draw(canvas, panel, y, labels, Bars::kEnergy);
  if (any_interval(latency) || any_interval(energy)) {
    note(y + 8, "lines at the ends of bars: 95 % intervals; every scale begins at 0");
    y += 18;
  }
  if (!no_energy.empty()) {
    note(y + 8, no_energy);
    y += 18;
  }
  return canvas.finish(y + 6);
}

}  // namespace ridgeline::report
