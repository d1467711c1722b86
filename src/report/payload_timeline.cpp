// Cuts the file of readings into phases and thins it.
#include "report/payload_timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "report/distribution.hpp"
#include "report/record_view.hpp"
#include "results/sample_reader.hpp"

namespace ridgeline::report {
namespace {

constexpr std::uint64_t kMostBytes = 256ull << 20;
// Shown before and behind the windows, in shares of their whole span and at least so long.
constexpr double kMargin = 0.05;
constexpr double kLeastMargin = 0.2;
// No sensor is silent for so many of its usual steps while it is read.
constexpr double kPauseSteps = 20;
constexpr double kLeastPause = 0.05;
constexpr int kSecondDigits = 6;
constexpr int kWattDigits = 5;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Mark {
  std::string name;
  double begin = 0;
  double end = 0;
};

std::vector<Mark> marks_of(const Json& timeline, const std::string& phase) {
  std::vector<Mark> marks;
  for (const Json& mark : list_at(timeline, {"marks"})) {
    const auto name = text_at(mark, {"name"});
    const auto begin = number_at(mark, {"begin"});
    const auto end = number_at(mark, {"end"});
    if (!name || !begin || !end || *end < *begin) continue;
    if (name->starts_with(phase + ", trial ")) {
      marks.push_back({name->substr(phase.size() + 2), *begin, *end});
    }
  }
  return marks;
}

// The readings of a series of the file within [begin, end].
std::optional<PowerSeries> readings(const Json& timeline, const std::string& id, double begin,
                                    double end) {
  for (const Json& one : list_at(timeline, {"series"})) {
    if (text_at(one, {"id"}) != id) continue;
    const Json& seconds = list_at(one, {"seconds"});
    const Json& values = list_at(one, {"values"});
    PowerSeries series;
    for (std::size_t i = 0; i < std::min(seconds.size(), values.size()); ++i) {
      if (!seconds[i].is_number() || !values[i].is_number()) continue;
      const double at = seconds[i].get<double>();
      if (at < begin || at > end) continue;
      if (!series.seconds.empty() && at < series.seconds.back()) continue;
      series.seconds.push_back(at);
      series.watts.push_back(values[i].get<double>());
    }
    return series;
  }
  return std::nullopt;
}

// Puts a pause where nothing was read for far longer than usual.
PowerSeries with_pauses(const PowerSeries& series) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < series.seconds.size(); ++i) {
    steps.push_back(series.seconds[i] - series.seconds[i - 1]);
  }
  if (steps.empty()) return series;
  std::vector<double> sorted = steps;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  const double pause = std::max(kLeastPause, kPauseSteps * *middle);
  PowerSeries result;
  for (std::size_t i = 0; i < series.seconds.size(); ++i) {
    if (i > 0 && steps[i - 1] > pause && !std::isnan(series.watts[i - 1])) {
      result.seconds.push_back(series.seconds[i - 1] + steps[i - 1] / 2);
      result.watts.push_back(kNan);
    }
    result.seconds.push_back(series.seconds[i]);
    result.watts.push_back(series.watts[i]);
  }
  return result;
}

Json to_json(const PowerSeries& series, double origin) {
  Json seconds = Json::array();
  Json values = Json::array();
  for (std::size_t i = 0; i < series.seconds.size(); ++i) {
    seconds.push_back(rounded(series.seconds[i] - origin, kSecondDigits));
    values.push_back(std::isfinite(series.watts[i]) ? Json(rounded(series.watts[i], kWattDigits))
                                                    : Json());
  }
  return {{"seconds", std::move(seconds)}, {"values", std::move(values)}};
}

Json meter_series(const Json& timeline, const Json& meter, const Mark& span, std::size_t most) {
  auto series = readings(timeline, text_at(meter, {"power"}).value_or(""), span.begin, span.end);
  const bool is_read = series && !series->seconds.empty();
  if (!is_read) {
    series = readings(timeline, text_at(meter, {"counter"}).value_or(""), span.begin, span.end);
    if (series) series = power_of_counter(series->seconds, series->watts);
  }
  if (!series || series->seconds.empty()) return nullptr;
  const PowerSeries whole = with_pauses(*series);
  Json json = {{"id", member(meter, {"id"})},
               {"kind", "power"},
               {"unit", "W"},
               {"scope", member(meter, {"scope"})},
               {"device", member(meter, {"device"})},
               {"primary", bool_at(meter, {"primary"}).value_or(false)},
               {"how", is_read ? "read" : "counter"},
               {"of", series->seconds.size()}};
  json.update(to_json(thinned(whole, most), span.begin));
  return json;
}

Json timeline_of(const Json& timeline, const Json& energy, const std::string& phase,
                 std::size_t most) {
  const std::vector<Mark> marks = marks_of(timeline, phase);
  if (marks.empty()) return {{"reason", "the timeline has no window of this phase"}};
  Mark span = marks.front();
  for (const Mark& mark : marks) {
    span.begin = std::min(span.begin, mark.begin);
    span.end = std::max(span.end, mark.end);
  }
  const double margin = std::max(kLeastMargin, kMargin * (span.end - span.begin));
  span.begin -= margin;
  span.end += margin;
  Json json = {{"marks", Json::array()}, {"series", Json::array()}};
  for (const Mark& mark : marks) {
    json["marks"].push_back({{"name", mark.name},
                             {"begin", rounded(mark.begin - span.begin, kSecondDigits)},
                             {"end", rounded(mark.end - span.begin, kSecondDigits)}});
  }
  for (const Json& meter : list_at(energy, {"meters"})) {
    Json series = meter_series(timeline, meter, span, most);
    if (series.is_object()) json["series"].push_back(std::move(series));
  }
  if (json["series"].empty()) return {{"reason", "the timeline has no readings of power"}};
  return json;
}

Result<Json> read_timeline(const std::string& folder, const std::string& name) {
  if (folder.empty()) return bad_input("the timeline is not beside the record");
  RIDGELINE_TRY(const std::string path, results::path_in_folder(folder, name));
  return read_json_file(path, kMostBytes);
}

}  // namespace

PowerSeries thinned(const PowerSeries& series, std::size_t most) {
  const std::size_t size = series.seconds.size();
  if (size <= most || most < 4) return series;
  PowerSeries result;
  const auto keep = [&](std::size_t i) {
    result.seconds.push_back(series.seconds[i]);
    result.watts.push_back(series.watts[i]);
  };
  // Three points at most of each stretch: lowest, highest, and a pause.
  const std::size_t pauses = static_cast<std::size_t>(std::count_if(
      series.watts.begin(), series.watts.end(), [](double watts) { return std::isnan(watts); }));
  const std::size_t left = most > pauses + 4 ? most - pauses - 2 : 2;
  const std::size_t stretches = std::max<std::size_t>(1, left / 2);
  keep(0);
  for (std::size_t stretch = 0; stretch < stretches; ++stretch) {
    const std::size_t begin = 1 + (size - 2) * stretch / stretches;
    const std::size_t end = 1 + (size - 2) * (stretch + 1) / stretches;
    std::vector<std::size_t> kept;
    std::optional<std::size_t> low;
    std::optional<std::size_t> high;
    for (std::size_t i = begin; i < end; ++i) {
      if (std::isnan(series.watts[i])) {
        if (result.watts.size() + kept.size() + 3 < most) kept.push_back(i);
        continue;
      }
      if (!low || series.watts[i] < series.watts[*low]) low = i;
      if (!high || series.watts[i] > series.watts[*high]) high = i;
    }
    if (low) kept.push_back(*low);
    if (high && high != low) kept.push_back(*high);
    std::sort(kept.begin(), kept.end());
    for (const std::size_t i : kept) keep(i);
  }
  keep(size - 1);
  return result;
}

PowerSeries power_of_counter(const std::vector<double>& seconds,
                             const std::vector<double>& joules) {
  PowerSeries series;
  std::optional<std::size_t> tick;
  for (std::size_t i = 1; i < std::min(seconds.size(), joules.size()); ++i) {
    if (joules[i] == joules[i - 1]) continue;
    const bool fell = joules[i] < joules[i - 1];
    if (tick && seconds[i] > seconds[*tick]) {
      series.seconds.push_back(seconds[i]);
      series.watts.push_back(fell ? kNan
                                  : (joules[i] - joules[*tick]) / (seconds[i] - seconds[*tick]));
    }
    tick = i;
  }
  return series;
}

Json power_timelines(const Json& record, const std::string& folder, std::size_t most_points) {
  Json json;
  std::map<std::string, Result<Json>> files;
  for (const Json& phase : list_at(record, {"phases"})) {
    const auto name = text_at(phase, {"name"});
    const Json& energy = member(phase, {"energy"});
    const auto file = text_at(energy, {"timeline"});
    if (!name || !energy.is_object()) continue;
    if (!file) {
      const auto reason = text_at(energy, {"reason"});
      if (reason) json[*name] = {{"reason", *reason}};
      continue;
    }
    // All phases of a case share one file.
    const auto at = files.find(*file);
    const Result<Json>& timeline =
        at != files.end() ? at->second
                          : files.emplace(*file, read_timeline(folder, *file)).first->second;
    json[*name] = timeline ? timeline_of(*timeline, energy, *name, most_points)
                           : Json{{"reason", timeline.error().message}};
  }
  return json;
}

}  // namespace ridgeline::report
