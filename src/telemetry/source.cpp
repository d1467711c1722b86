// Names of quantities, and absences as JSON.
#include "telemetry/source.hpp"

#include <nlohmann/json.hpp>

namespace ridgeline::telemetry {

std::string_view name_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::kEnergy:
      return "energy";
    case Quantity::kPower:
      return "power";
    case Quantity::kBandwidth:
      return "bandwidth";
  }
  return "";
}

std::string_view unit_of(Quantity quantity) {
  switch (quantity) {
    case Quantity::kEnergy:
      return "J";
    case Quantity::kPower:
      return "W";
    case Quantity::kBandwidth:
      return "B/s";
  }
  return "";
}

Json to_json(const std::vector<Absence>& absences) {
  Json list = Json::array();
  for (const Absence& absence : absences) {
    list.push_back({{"quantity", name_of(absence.quantity)},
                    {"reason", absence.reason},
                    {"enable", absence.enable.empty() ? Json(nullptr) : Json(absence.enable)}});
  }
  return list;
}

}  // namespace ridgeline::telemetry
