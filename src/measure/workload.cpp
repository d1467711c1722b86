// Workloads as JSON and as words.
#include "measure/workload.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

namespace ridgeline::measure {
namespace {

struct Media {
  const char* key;
  std::vector<std::string> Workload::* member;
};

constexpr std::array kMedia = {Media{"text", &Workload::texts}, Media{"image", &Workload::images},
                               Media{"audio", &Workload::audio}};

}  // namespace

std::span<const WorkloadAxis> workload_axes() {
  static constexpr std::array kAxes = {WorkloadAxis{"sequence", &Workload::sequence},
                                       WorkloadAxis{"depth", &Workload::depth},
                                       WorkloadAxis{"new_tokens", &Workload::new_tokens},
                                       WorkloadAxis{"image_size", &Workload::image_size},
                                       WorkloadAxis{"audio_seconds", &Workload::audio_seconds}};
  return kAxes;
}

Json to_json(const Workload& workload) {
  Json json = {{"batch", workload.batch}};
  for (const WorkloadAxis& axis : workload_axes()) {
    const std::string key(axis.key);
    if (const auto& value = workload.*axis.member) {
      json[key] = *value;
    } else if (key == "sequence") {
      json[key] = nullptr;
    }
  }
  for (const Media& media : kMedia) {
    if (!(workload.*media.member).empty()) json[media.key] = workload.*media.member;
  }
  if (workload.chat) json["chat"] = true;
  return json;
}

Json wire_workload(const Workload& workload) {
  Json json = to_json(workload);
  for (const Media& media : kMedia) {
    const std::vector<std::string>& given = workload.*media.member;
    if (given.empty()) continue;
    Json rows = Json::array();
    for (std::int64_t row = 0; row < workload.batch; ++row) {
      rows.push_back(given[static_cast<std::size_t>(row) % given.size()]);
    }
    json[media.key] = std::move(rows);
  }
  return json;
}

std::string describe(const Workload& workload) {
  std::string line = fmt::format("batch={}", workload.batch);
  for (const WorkloadAxis& axis : workload_axes()) {
    if (const auto& value = workload.*axis.member) line += fmt::format(" {}={}", axis.key, *value);
  }
  for (const Media& media : kMedia) {
    const std::size_t count = (workload.*media.member).size();
    if (count > 0) line += fmt::format(" {}s={}", media.key, count);
  }
  if (workload.chat) line += " chat";
  return line;
}

}  // namespace ridgeline::measure
