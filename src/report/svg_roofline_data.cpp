// Payload to points and roofs.
#include "report/svg_roofline_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "report/record_view.hpp"

namespace ridgeline::report {
namespace {

// Roofs that lie closer than this are one line in the picture.
constexpr double kSameRoof = 0.03;

std::optional<double> positive(const Json& metrics, const char* name) {
  const auto value = metric_at(metrics, name).value;
  return value && *value > 0 ? value : std::nullopt;
}

bool is_near(double a, double b) {
  return std::abs(a - b) <= kSameRoof * std::max(a, b);
}

// What a roof belongs to: dtype, then what else tells sets of ceilings apart.
std::string roof_name(const Json& record) {
  std::string name = text_at(record, {"configuration", "dtype"}).value_or("");
  const auto device = text_at(record, {"configuration", "device"});
  if (device) name += (name.empty() ? "" : ", ") + *device;
  const auto threads = number_at(record, {"configuration", "threads"});
  if (device == "cpu" && threads) {
    name += fmt::format(", {:.0f} thread{}", *threads, *threads == 1 ? "" : "s");
  }
  return name;
}

void add_roof(const Json& record, const Json& metrics, const char* group, bool measured,
              std::vector<Roof>& roofs) {
  const auto flops = positive(metrics, fmt::format("{}.flops_rate", group).c_str());
  const auto bytes = positive(metrics, fmt::format("{}.bytes_rate", group).c_str());
  if (!flops || !bytes) return;
  const bool known = std::any_of(roofs.begin(), roofs.end(), [&](const Roof& roof) {
    return roof.measured == measured && is_near(roof.flops_rate, *flops) &&
           is_near(roof.bytes_rate, *bytes);
  });
  if (!known) roofs.push_back({*flops, *bytes, measured, roof_name(record)});
}

}  // namespace

double Roof::at(double intensity) const {
  return std::min(flops_rate, bytes_rate * intensity);
}

RooflineData roofline_data(const Json& payload) {
  RooflineData data;
  int number = 0;
  for (const Json& one : list_at(payload, {"cases"})) {
    const Json& record = member(one, {"record"});
    for (const Json& phase : list_at(record, {"phases"})) {
      const Json& metrics = member(phase, {"metrics"});
      const auto intensity = positive(metrics, "arithmetic_intensity");
      const auto rate = positive(metrics, "flops_rate");
      if (!intensity || !rate) continue;
      data.points.push_back({text_at(one, {"label"}).value_or("?"),
                             text_at(phase, {"name"}).value_or("?"), *intensity, *rate, number});
      add_roof(record, metrics, "ceiling", true, data.roofs);
      add_roof(record, metrics, "datasheet", false, data.roofs);
    }
    ++number;
  }
  return data;
}

}  // namespace ridgeline::report
