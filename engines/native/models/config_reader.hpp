// Reads the fields of a config.json with bounds, so that a hostile file ends in one clear line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

namespace ridgeline::native {

/// Reads many fields and keeps the first error; ask status() once at the end.
///
///   ConfigReader read(config);
///   c.hidden_size = read.size("hidden_size", 768);
///   RIDGELINE_CHECK(read.status());
class ConfigReader {
 public:
  explicit ConfigReader(const Json& config) : config_(config) {}

  /// A size: an integer from 1 to 2^24 (no real config is near it, products of two stay exact).
  std::int64_t size(std::string_view key, std::int64_t fallback);
  /// A count of layers: 0 to 4096.
  std::int64_t layers(std::string_view key, std::int64_t fallback);
  double number(std::string_view key, double fallback);
  /// An integer that may be missing or null, as token ids are.
  std::optional<std::int64_t> optional_integer(std::string_view key);
  bool flag(std::string_view key, bool fallback);
  std::string text(std::string_view key, std::string_view fallback);
  /// Number of labels: the length of id2label, else num_labels, else 2, as transformers has it.
  std::int64_t labels();
  /// Notes an error found by the caller, unless there is one already.
  void fail(Error error);

  Status status() const;

 private:
  std::int64_t bounded(std::string_view key, std::int64_t fallback, std::int64_t low,
                       std::int64_t high);
  template <typename T>
  T keep(Result<T> result, T fallback);

  const Json& config_;
  std::optional<Error> error_;
};

}  // namespace ridgeline::native
