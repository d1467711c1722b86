// Bounded reads of config.json fields.
#include "engines/native/models/config_reader.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ridgeline::native {
namespace {

constexpr std::string_view kWhat = "config.json";
constexpr std::int64_t kLargestSize = 1 << 24;
constexpr std::int64_t kMostLayers = 4096;

}  // namespace

template <typename T>
T ConfigReader::keep(Result<T> result, T fallback) {
  if (result) return *std::move(result);
  fail(std::move(result).error());
  return fallback;
}

std::int64_t ConfigReader::bounded(std::string_view key, std::int64_t fallback, std::int64_t low,
                                   std::int64_t high) {
  const std::int64_t value = keep(get_int(config_, key, kWhat, fallback), fallback);
  if (value >= low && value <= high) return value;
  fail(bad_input(fmt::format("{}: '{}' is {}, outside {} to {}", kWhat, key, value, low, high)));
  return fallback;
}

std::int64_t ConfigReader::size(std::string_view key, std::int64_t fallback) {
  return bounded(key, fallback, 1, kLargestSize);
}

std::int64_t ConfigReader::layers(std::string_view key, std::int64_t fallback) {
  return bounded(key, fallback, 0, kMostLayers);
}

double ConfigReader::number(std::string_view key, double fallback) {
  return keep(get_number(config_, key, kWhat, fallback), fallback);
}

std::optional<std::int64_t> ConfigReader::optional_integer(std::string_view key) {
  const auto found = config_.is_object() ? config_.find(key) : config_.end();
  if (found == config_.end() || found->is_null()) return std::nullopt;
  return keep(get_int(config_, key, kWhat), std::int64_t{0});
}

bool ConfigReader::flag(std::string_view key, bool fallback) {
  return keep(get_bool(config_, key, kWhat, fallback), fallback);
}

std::string ConfigReader::text(std::string_view key, std::string_view fallback) {
  return keep(get_string(config_, key, kWhat, fallback), std::string(fallback));
}

std::int64_t ConfigReader::labels() {
  const auto map = config_.is_object() ? config_.find("id2label") : config_.end();
  if (map != config_.end() && map->is_object() && !map->empty()) {
    return static_cast<std::int64_t>(map->size());
  }
  return size("num_labels", 2);
}

void ConfigReader::fail(Error error) {
  if (!error_) error_ = std::move(error);
}

Status ConfigReader::status() const {
  if (error_) return *error_;
  return {};
}

}  // namespace ridgeline::native
