// Ceilings beside the datasheet, as JSON: what reports and scripts read.
#include <fmt/format.h>
#include <time.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_values.hpp"
#include "study/peaks.hpp"

namespace ridgeline::study {
namespace {

using machine::Ceiling;
using machine::Limit;

// A count that is wrong, or a row that is another product's, shows here first.
constexpr double kMostShare = 1.05;

std::optional<std::int64_t> seconds_of(const std::string& utc) {
  tm parts{};
  const char* end = ::strptime(utc.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return static_cast<std::int64_t>(::timegm(&parts));
}

// The limit that a ceiling stands beside; null: the datasheet says nothing of it.
const Limit* limit_of(const DevicePeaks& device, const Ceiling& ceiling) {
  if (ceiling.kind == "gemm") return &device.datasheet.rate(ceiling.dtype);
  const bool streams = ceiling.kind == "read" || ceiling.kind == "write" ||
                       ceiling.kind == "copy" || ceiling.kind == "triad";
  // Caches have no row, one node has a part of the memory, and one thread cannot ask for all of it.
  const bool whole = ceiling.level == "memory" && !ceiling.node &&
                     (ceiling.threads == 0 || ceiling.threads == device.set.threads);
  return streams && whole ? &device.datasheet.bandwidth : nullptr;
}

std::string flag_of(const DevicePeaks& device, const Ceiling& ceiling, double share) {
  const std::string head =
      fmt::format("{} is {:.0f} % of the datasheet value: ", ceiling.id, 100 * share);
  if (device.set.device == "cpu" && ceiling.kind == "gemm") {
    return head + "that one is at base clock, and these cores ran above it";
  }
  return head + fmt::format("the count is wrong, or {} is not the row of this device",
                            device.datasheet.name);
}

Json device_json(const DevicePeaks& device, const std::string& now) {
  Json json = machine::to_json(device.set);
  json["cached"] = device.cached;
  const auto then = seconds_of(device.set.measured_at);
  const auto today = seconds_of(now);
  json["age_seconds"] = then && today && *today >= *then ? Json(*today - *then) : Json(nullptr);
  json["datasheet"] = machine::to_json(device.datasheet);
  Json flags = Json::array();
  for (std::size_t i = 0; i < device.set.ceilings.size(); ++i) {
    const Ceiling& ceiling = device.set.ceilings[i];
    const Limit* limit = limit_of(device, ceiling);
    Json& entry = json["ceilings"][i];
    entry["datasheet"] = nullptr;
    entry["share"] = nullptr;
    if (limit == nullptr) continue;
    entry["datasheet"] = {{"value", limit->value ? Json(*limit->value) : Json(nullptr)},
                          {"unit", ceiling.unit},
                          {"source", text_or_null(limit->source)},
                          {"reason", text_or_null(limit->reason)},
                          {"enable", text_or_null(limit->enable)}};
    if (!limit->value || !ceiling.value) continue;
    const double share = *ceiling.value / *limit->value;
    entry["share"] = share;
    if (share > kMostShare) flags.push_back(flag_of(device, ceiling, share));
  }
  json["flags"] = std::move(flags);
  return json;
}

}  // namespace

Json to_json(const Peaks& peaks, const std::string& now) {
  Json sets = Json::array();
  for (const DevicePeaks& device : peaks.devices) sets.push_back(device_json(device, now));
  return {{"schema", machine::kPeaksSchema}, {"machine", peaks.machine}, {"sets", std::move(sets)}};
}

}  // namespace ridgeline::study
