// Calibrating domains, and the file that remembers it.
#include "telemetry/calibration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/json_values.hpp"
#include "base/statistics.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/window_energy.hpp"

namespace ridgeline::telemetry {
namespace {

constexpr std::string_view kSchema = "ridgeline-sensors/1";

// Seconds between changes of a momentary value.
std::vector<double> change_gaps(const Series& series) {
  std::vector<double> gaps;
  std::optional<std::int64_t> last;
  for (std::size_t i = 1; i < series.values.size(); ++i) {
    if (series.values[i] == series.values[i - 1]) continue;
    if (last) gaps.push_back(1e-9 * static_cast<double>(series.ns[i] - *last));
    last = series.ns[i];
  }
  return gaps;
}

std::int64_t ticks_in(const Series& series) {
  std::int64_t count = 0;
  for (const Segment& segment : ticks_of(series))
    count += static_cast<std::int64_t>(segment.size());
  return count;
}

Status read_optional(const Json& json, const char* key, std::string_view what,
                     std::optional<double>& value) {
  if (!json.contains(key) || json.at(key).is_null()) return {};
  RIDGELINE_TRY(value, get_number(json, key, what));
  return {};
}

Result<std::vector<Calibration>> read_cache(const std::string& path,
                                            const std::string& fingerprint) {
  RIDGELINE_TRY(const std::string text, read_text_file(path, 1 << 20));
  RIDGELINE_TRY(const Json json, parse_json(text, path));
  RIDGELINE_TRY(const std::string schema, get_string(json, "schema", path));
  RIDGELINE_TRY(const std::string machine, get_string(json, "fingerprint", path));
  if (schema != kSchema || machine != fingerprint) {
    return bad_input(fmt::format("{}: of another machine or version", path));
  }
  std::vector<Calibration> all;
  for (const Json& one : json.value("sensors", Json::array())) {
    RIDGELINE_TRY(all.emplace_back(), calibration_from_json(one, path));
  }
  return all;
}

}  // namespace

bool Calibration::is_valid() const {
  if (is_counter && changes == 0) return false;
  return !cross_check || std::abs(*cross_check - 1) <= kLargestDisagreement;
}

double read_cost(const DomainRef& domain, int repetitions, double pause_seconds) {
  std::vector<double> seconds;
  std::vector<Reading> readings;
  readings.reserve(4);
  const std::size_t index[] = {domain.domain};
  for (int i = 0; i < repetitions; ++i) {
    readings.clear();
    std::this_thread::sleep_for(std::chrono::duration<double>(pause_seconds));
    const std::int64_t begin = now_ns();
    domain.source->read(index, readings);
    seconds.push_back(1e-9 * static_cast<double>(now_ns() - begin));
  }
  return mean(seconds);
}

Calibration calibrate(const Series& series, double read_seconds) {
  Calibration calibration;
  calibration.source = series.source;
  calibration.id = series.domain.id;
  calibration.read_seconds = read_seconds;
  calibration.created = utc_timestamp();
  calibration.is_counter = is_cumulative(series.domain.kind);
  if (calibration.is_counter) {
    calibration.changes = ticks_in(series);
    calibration.update_period = update_period(series);
  } else {
    std::vector<double> gaps = change_gaps(series);
    calibration.changes = static_cast<std::int64_t>(gaps.size()) + (gaps.empty() ? 0 : 1);
    if (gaps.size() >= 2) calibration.update_period = median_in_place(gaps);
  }
  return calibration;
}

Json to_json(const Calibration& calibration) {
  return {{"source", calibration.source},
          {"id", calibration.id},
          {"update_period", or_null(calibration.update_period)},
          {"read_seconds", calibration.read_seconds},
          {"changes", calibration.changes},
          {"counter", calibration.is_counter},
          {"cross_check", or_null(calibration.cross_check)},
          {"valid", calibration.is_valid()},
          {"created", calibration.created}};
}

Result<Calibration> calibration_from_json(const Json& json, std::string_view what) {
  Calibration calibration;
  RIDGELINE_TRY(calibration.source, get_string(json, "source", what));
  RIDGELINE_TRY(calibration.id, get_string(json, "id", what));
  RIDGELINE_CHECK(read_optional(json, "update_period", what, calibration.update_period));
  RIDGELINE_TRY(calibration.read_seconds, get_number(json, "read_seconds", what));
  RIDGELINE_TRY(calibration.changes, get_int(json, "changes", what));
  RIDGELINE_TRY(calibration.is_counter, get_bool(json, "counter", what, false));
  RIDGELINE_CHECK(read_optional(json, "cross_check", what, calibration.cross_check));
  RIDGELINE_TRY(calibration.created, get_string(json, "created", what));
  return calibration;
}

CalibrationCache::CalibrationCache(std::string folder, std::string fingerprint)
    : folder_(std::move(folder)), fingerprint_(std::move(fingerprint)) {
  if (folder_.empty()) return;
  auto read = read_cache(fmt::format("{}/sensors-{}.json", folder_, fingerprint_), fingerprint_);
  if (read) all_ = std::move(*read);
}

const Calibration* CalibrationCache::find(std::string_view source, std::string_view id) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Calibration& one) {
    return one.source == source && one.id == id;
  });
  return found == all_.end() ? nullptr : &*found;
}

void CalibrationCache::put(Calibration calibration) {
  for (Calibration& one : all_) {
    if (one.source != calibration.source || one.id != calibration.id) continue;
    one = std::move(calibration);
    return;
  }
  all_.push_back(std::move(calibration));
}

Status CalibrationCache::save() const {
  if (folder_.empty()) return {};
  Json sensors = Json::array();
  for (const Calibration& one : all_) sensors.push_back(to_json(one));
  const Json json = {
      {"schema", kSchema}, {"fingerprint", fingerprint_}, {"sensors", std::move(sensors)}};
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    return environment_error(fmt::format("cannot make {}: {}", folder_, error.message()));
  }
  return write_text_file(fmt::format("{}/sensors-{}.json", folder_, fingerprint_),
                         json.dump(2) + "\n");
}

}  // namespace ridgeline::telemetry
