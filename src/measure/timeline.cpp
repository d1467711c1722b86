// Collecting series, and their form in a file.
#include "measure/timeline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace ridgeline::measure {
namespace {

// Microseconds are enough for sensors, and keep the file small.
double rounded(double seconds) {
  return 1e-6 * std::round(1e6 * seconds);
}

}  // namespace

void PowerTimeline::add(const std::vector<telemetry::Series>& series) {
  for (const telemetry::Series& one : series) {
    const auto same = std::find_if(series_.begin(), series_.end(), [&](const auto& known) {
      return known.source == one.source && known.domain.id == one.domain.id;
    });
    if (same == series_.end()) {
      series_.push_back(one);
      continue;
    }
    same->ns.insert(same->ns.end(), one.ns.begin(), one.ns.end());
    same->values.insert(same->values.end(), one.values.begin(), one.values.end());
    same->failed += one.failed;
  }
}

void PowerTimeline::mark(std::string name, const telemetry::Span& span) {
  marks_.push_back({std::move(name), span});
}

Json PowerTimeline::to_json() const {
  std::int64_t origin = std::numeric_limits<std::int64_t>::max();
  for (const telemetry::Series& one : series_) {
    if (!one.ns.empty()) origin = std::min(origin, one.ns.front());
  }
  const auto seconds = [&](std::int64_t ns) {
    return rounded(1e-9 * static_cast<double>(ns - origin));
  };
  Json marks = Json::array();
  for (const TimelineMark& one : marks_) {
    marks.push_back({{"name", one.name},
                     {"begin", seconds(one.span.begin_ns)},
                     {"end", seconds(one.span.end_ns)}});
  }
  Json list = Json::array();
  for (const telemetry::Series& one : series_) {
    Json times = Json::array();
    for (const std::int64_t ns : one.ns) times.push_back(seconds(ns));
    list.push_back({{"source", one.source},
                    {"id", one.domain.id},
                    {"kind", name_of(one.domain.kind)},
                    {"unit", unit_of(one.domain.kind)},
                    {"scope", one.domain.scope},
                    {"device", one.domain.device},
                    {"seconds", std::move(times)},
                    {"values", one.values}});
  }
  return {{"schema", "ridgeline-timeline/1"},
          {"origin_ns", origin},
          {"marks", std::move(marks)},
          {"series", std::move(list)}};
}

}  // namespace ridgeline::measure
