// Turns flags from one form into the other.
#include "measure/flags.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

namespace ridgeline::measure {
namespace {

using Severity = results::Flag::Severity;

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarn:
      return "warn";
    case Severity::kInvalid:
      return "invalid";
  }
  return "";
}

}  // namespace

std::vector<results::Flag> record_flags(const std::vector<machine::Flag>& flags) {
  std::vector<results::Flag> converted;
  for (const machine::Flag& flag : flags) {
    converted.push_back({flag.id, flag.severity == "warn" ? Severity::kWarn : Severity::kInfo,
                         flag.detail, flag.advice});
  }
  return converted;
}

Json flags_json(const std::vector<results::Flag>& flags) {
  Json list = Json::array();
  for (const results::Flag& flag : flags) {
    list.push_back({{"id", flag.id},
                    {"severity", name_of(flag.severity)},
                    {"detail", flag.detail},
                    {"advice", flag.advice}});
  }
  return list;
}

}  // namespace ridgeline::measure
