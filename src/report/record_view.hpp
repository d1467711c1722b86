// Reading records that may be incomplete or come from elsewhere: what is missing or of a wrong type
// is simply not there.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// The member at a path of keys, or a shared null.
const Json& member(const Json& json, std::initializer_list<std::string_view> path);

std::optional<std::string> text_at(const Json& json, std::initializer_list<std::string_view> path);
std::optional<double> number_at(const Json& json, std::initializer_list<std::string_view> path);
std::optional<bool> bool_at(const Json& json, std::initializer_list<std::string_view> path);

/// The elements of an array member; none when it is not an array.
const Json& list_at(const Json& json, std::initializer_list<std::string_view> path);

/// A metric as a table needs it.
struct MetricView {
  std::optional<double> value;
  std::optional<double> half_width;  ///< the larger distance of the 95 % interval from the value
  std::optional<double> n;
  std::string source;    ///< empty when unknown
  std::string weakest;   ///< of a derived one
  std::string interval;  ///< "between_invocations", "within_invocation" or empty
  std::string reason;    ///< why there is no value
  std::string enable;
};

/// metrics[name], empty when it is not there.
MetricView metric_at(const Json& metrics, std::string_view name);

/// Whether any phase of any record has a value under that name.
bool any_metric(const std::vector<Json>& records, std::string_view name);

/// A scalar as text: strings as they are, numbers and booleans as JSON writes them; null gives
/// nothing.
std::optional<std::string> scalar_text(const Json& value);

}  // namespace ridgeline::report
