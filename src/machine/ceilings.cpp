// Ceilings as JSON, and finding one.
#include "machine/ceilings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::machine {
namespace {

// More than any machine has; what is above was not written by this program.
constexpr std::size_t kMostSets = 1000;
constexpr std::size_t kMostCeilings = 10'000;
constexpr std::array<std::string_view, 4> kUnits = {"B/s", "FLOP/s", "OP/s", "s"};

Json ceiling_json(const Ceiling& ceiling) {
  return {{"id", ceiling.id},
          {"kind", ceiling.kind},
          {"value", or_null(ceiling.value)},
          {"unit", ceiling.unit},
          {"median", or_null(ceiling.median)},
          {"samples", ceiling.samples},
          {"seconds", ceiling.seconds},
          {"dtype", text_or_null(ceiling.dtype)},
          {"threads", ceiling.threads},
          {"cores", text_or_null(ceiling.cores)},
          {"node", or_null(ceiling.node)},
          {"level", text_or_null(ceiling.level)},
          {"capacity", or_null(ceiling.capacity)},
          {"bytes", or_null(ceiling.bytes)},
          {"size", or_null(ceiling.size)},
          {"round_trip", or_null(ceiling.round_trip)},
          {"power", or_null(ceiling.power)},
          {"kernel", text_or_null(ceiling.kernel)},
          {"note", text_or_null(ceiling.note)},
          {"reason", text_or_null(ceiling.reason)},
          {"enable", text_or_null(ceiling.enable)},
          {"error_class", text_or_null(ceiling.error_class)}};
}

// Reads the members of one object; what is missing keeps its default.
class Reader {
 public:
  Reader(const Json& json, std::string what) : json_(json), what_(std::move(what)) {}

  Status text(const char* key, std::string& to) const {
    RIDGELINE_TRY(to, get_string(json_, key, what_, ""));
    return {};
  }
  Status needed(const char* key, std::string& to) const {
    RIDGELINE_TRY(to, get_string(json_, key, what_));
    return to.empty() ? Status(wrong(key)) : Status();
  }
  /// A finite number above 0, or null.
  Status number(const char* key, std::optional<double>& to) const {
    if (entry_of(json_, key).is_null()) return {};
    RIDGELINE_TRY(const double value, get_number(json_, key, what_));
    if (!std::isfinite(value) || value <= 0) return wrong(key);
    to = value;
    return {};
  }
  Status count(const char* key, std::optional<std::int64_t>& to) const {
    if (entry_of(json_, key).is_null()) return {};
    RIDGELINE_TRY(const std::int64_t value, get_int(json_, key, what_));
    if (value < 0) return wrong(key);
    to = value;
    return {};
  }
  Result<int> small(const char* key) const {
    RIDGELINE_TRY(const std::int64_t value, get_int(json_, key, what_, 0));
    if (value < 0 || value > 65536) return wrong(key);
    return static_cast<int>(value);
  }
  Error wrong(std::string_view key) const {
    return bad_input(fmt::format("{}: '{}' cannot be that", what_, key));
  }

 private:
  const Json& json_;
  std::string what_;
};

Result<Ceiling> read_ceiling(const Json& json, const std::string& what) {
  if (!json.is_object()) return bad_input(fmt::format("{}: a ceiling must be an object", what));
  const Reader reader(json, what);
  Ceiling ceiling;
  RIDGELINE_CHECK(reader.needed("id", ceiling.id));
  RIDGELINE_CHECK(reader.needed("kind", ceiling.kind));
  RIDGELINE_CHECK(reader.needed("unit", ceiling.unit));
  if (std::find(kUnits.begin(), kUnits.end(), ceiling.unit) == kUnits.end()) {
    return reader.wrong("unit");
  }
  RIDGELINE_CHECK(reader.number("value", ceiling.value));
  RIDGELINE_CHECK(reader.number("median", ceiling.median));
  RIDGELINE_CHECK(reader.number("round_trip", ceiling.round_trip));
  RIDGELINE_CHECK(reader.number("power", ceiling.power));
  std::optional<std::int64_t> samples;
  RIDGELINE_CHECK(reader.count("samples", samples));
  ceiling.samples = samples.value_or(0);
  RIDGELINE_TRY(ceiling.seconds, get_number(json, "seconds", what, 0));
  if (!std::isfinite(ceiling.seconds) || ceiling.seconds < 0) return reader.wrong("seconds");
  RIDGELINE_TRY(ceiling.threads, reader.small("threads"));
  if (!entry_of(json, "node").is_null()) {
    RIDGELINE_TRY(ceiling.node, reader.small("node"));
  }
  RIDGELINE_CHECK(reader.count("capacity", ceiling.capacity));
  RIDGELINE_CHECK(reader.count("bytes", ceiling.bytes));
  RIDGELINE_CHECK(reader.count("size", ceiling.size));
  RIDGELINE_CHECK(reader.text("dtype", ceiling.dtype));
  RIDGELINE_CHECK(reader.text("cores", ceiling.cores));
  RIDGELINE_CHECK(reader.text("level", ceiling.level));
  RIDGELINE_CHECK(reader.text("kernel", ceiling.kernel));
  RIDGELINE_CHECK(reader.text("note", ceiling.note));
  RIDGELINE_CHECK(reader.text("reason", ceiling.reason));
  RIDGELINE_CHECK(reader.text("enable", ceiling.enable));
  RIDGELINE_CHECK(reader.text("error_class", ceiling.error_class));
  if (!ceiling.value && ceiling.reason.empty()) return reader.wrong("value");
  return ceiling;
}

Status read_idle_power(const Json& json, const std::string& what, IdlePower& power) {
  const Json& entry = entry_of(json, "idle_power");
  if (!entry.is_object()) return {};
  const Reader reader(entry, what + ".idle_power");
  RIDGELINE_CHECK(reader.number("value", power.value));
  RIDGELINE_CHECK(reader.text("source", power.source));
  RIDGELINE_CHECK(reader.text("reason", power.reason));
  RIDGELINE_CHECK(reader.text("enable", power.enable));
  if (!power.value && power.reason.empty()) return reader.wrong("value");
  return {};
}

Result<CeilingSet> read_set(const Json& json, const std::string& what) {
  if (!json.is_object()) return bad_input(fmt::format("{}: a set must be an object", what));
  const Reader reader(json, what);
  CeilingSet set;
  RIDGELINE_CHECK(reader.needed("engine", set.engine));
  RIDGELINE_CHECK(reader.text("engine_version", set.engine_version));
  RIDGELINE_CHECK(reader.needed("device", set.device));
  RIDGELINE_CHECK(reader.text("device_name", set.device_name));
  RIDGELINE_CHECK(reader.text("pci_address", set.pci_address));
  RIDGELINE_CHECK(reader.number("memory", set.memory));
  RIDGELINE_TRY(set.threads, reader.small("threads"));
  RIDGELINE_CHECK(reader.text("cores", set.cores));
  RIDGELINE_CHECK(reader.needed("measured_at", set.measured_at));
  RIDGELINE_CHECK(reader.text("note", set.note));
  RIDGELINE_CHECK(read_idle_power(json, what, set.idle_power));
  const Json& list = entry_of(json, "ceilings");
  if (!list.is_array() || list.size() > kMostCeilings) return reader.wrong("ceilings");
  for (const Json& one : list) {
    RIDGELINE_TRY(set.ceilings.emplace_back(), read_ceiling(one, what + ".ceilings"));
  }
  return set;
}

}  // namespace

bool Ceiling::failed() const {
  return !value && !error_class.empty() &&
         error_class_from(error_class) != ErrorClass::kUnsupported;
}

const Ceiling* CeilingSet::find(std::string_view id) const {
  const auto at = std::find_if(ceilings.begin(), ceilings.end(),
                               [&](const Ceiling& ceiling) { return ceiling.id == id; });
  return at == ceilings.end() ? nullptr : &*at;
}

bool CeilingSet::same_conditions(const CeilingSet& other) const {
  return engine == other.engine && engine_version == other.engine_version &&
         device == other.device && threads == other.threads && cores == other.cores;
}

void Ceilings::put(CeilingSet set) {
  const auto at = std::find_if(sets.begin(), sets.end(),
                               [&](const CeilingSet& one) { return one.same_conditions(set); });
  if (at != sets.end()) {
    *at = std::move(set);
  } else {
    sets.push_back(std::move(set));
  }
}

Json to_json(const CeilingSet& set) {
  Json ceilings = Json::array();
  for (const Ceiling& ceiling : set.ceilings) ceilings.push_back(ceiling_json(ceiling));
  return {{"engine", set.engine},
          {"engine_version", text_or_null(set.engine_version)},
          {"device", set.device},
          {"device_name", text_or_null(set.device_name)},
          {"pci_address", text_or_null(set.pci_address)},
          {"memory", or_null(set.memory)},
          {"threads", set.threads},
          {"cores", text_or_null(set.cores)},
          {"measured_at", set.measured_at},
          {"note", text_or_null(set.note)},
          {"ceilings", std::move(ceilings)},
          {"idle_power",
           {{"value", or_null(set.idle_power.value)},
            {"unit", "W"},
            {"source", text_or_null(set.idle_power.source)},
            {"reason", set.idle_power.value ? Json(nullptr) : Json(set.idle_power.reason)},
            {"enable", text_or_null(set.idle_power.enable)}}}};
}

Json to_json(const Ceilings& ceilings) {
  Json sets = Json::array();
  for (const CeilingSet& set : ceilings.sets) sets.push_back(to_json(set));
  return {{"schema", kPeaksSchema}, {"machine", ceilings.machine}, {"sets", std::move(sets)}};
}

Result<Ceilings> ceilings_from_json(const Json& json, std::string_view what) {
  if (!json.is_object()) return bad_input(fmt::format("{}: not a JSON object", what));
  RIDGELINE_TRY(const std::string schema, get_string(json, "schema", what));
  if (schema != kPeaksSchema) {
    return bad_input(fmt::format("{}: its schema is not {}", what, kPeaksSchema));
  }
  Ceilings ceilings;
  RIDGELINE_TRY(ceilings.machine, get_string(json, "machine", what));
  const Json& sets = entry_of(json, "sets");
  if (!sets.is_array() || sets.size() > kMostSets) {
    return bad_input(fmt::format("{}: 'sets' must be a list of at most {}", what, kMostSets));
  }
  for (std::size_t i = 0; i < sets.size(); ++i) {
    RIDGELINE_TRY(ceilings.sets.emplace_back(),
                  read_set(sets[i], fmt::format("{}: sets[{}]", what, i)));
  }
  return ceilings;
}

}  // namespace ridgeline::machine
