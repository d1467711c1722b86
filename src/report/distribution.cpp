// Samples to quantiles and histograms.
#include "report/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.hpp"
#include "base/statistics.hpp"
#include "report/record_view.hpp"
#include "results/sample_reader.hpp"

namespace ridgeline::report {
namespace {

// Finer than any plot, and half the bytes of all digits.
constexpr int kPlotDigits = 5;
// Below so many values the ends hold nothing worth cutting off.
constexpr std::size_t kFewValues = 200;
constexpr double kTail = 0.005;

Json rounded_list(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(rounded(value, kPlotDigits));
  return list;
}

// Bins by Freedman and Diaconis: as wide as 2 · interquartile range / ∛n.
std::size_t bins_for(std::span<const double> ascending, double low, double high,
                     std::size_t most_bins) {
  const double spread = quantile_sorted(ascending, 0.75) - quantile_sorted(ascending, 0.25);
  const double width = 2 * spread / std::cbrt(static_cast<double>(ascending.size()));
  if (!(width > 0)) return most_bins;
  const double bins = std::ceil((high - low) / width);
  return static_cast<std::size_t>(std::clamp(bins, 1.0, static_cast<double>(most_bins)));
}

// What one invocation says of one phase.
struct Source {
  std::string path;
  std::int64_t first_row = 0;
  std::int64_t end_row = 0;
};

Result<Source> source_of(const Json& phase, const std::string& folder) {
  const auto name = text_at(phase, {"samples"});
  if (!name || name->empty()) return bad_input("no samples were kept");
  const Json& rows = list_at(phase, {"rows"});
  if (rows.size() != 2 || !rows[0].is_number_integer() || !rows[1].is_number_integer()) {
    return bad_input("the record does not say which rows are the timed calls");
  }
  if (folder.empty()) return bad_input("the samples are not beside the record");
  Source source;
  RIDGELINE_TRY(source.path, results::path_in_folder(folder, *name));
  source.first_row = rows[0].get<std::int64_t>();
  source.end_row = rows[1].get<std::int64_t>();
  return source;
}

Result<std::vector<double>> sorted_calls(const Json& phase, const std::string& folder) {
  RIDGELINE_TRY(const Source source, source_of(phase, folder));
  RIDGELINE_TRY(auto seconds,
                results::read_call_seconds(source.path, source.first_row, source.end_row));
  if (seconds.empty()) return bad_input("no calls were timed");
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

Json distribution_of(const Json& record, const std::string& phase, const std::string& folder) {
  Json invocations = Json::array();
  std::vector<double> all;
  std::string reason = "no invocation has this phase";
  for (const Json& invocation : list_at(record, {"invocations"})) {
    const Json& part = member(invocation, {"phases", phase});
    if (!part.is_object()) continue;
    Json one = {{"index", member(invocation, {"index"})}};
    const auto calls = sorted_calls(part, folder);
    if (calls) {
      one["n"] = calls->size();
      one["quantiles"] = rounded_list(quantiles_of(*calls));
      const std::size_t known = all.size();
      all.insert(all.end(), calls->begin(), calls->end());
      std::inplace_merge(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(known), all.end());
    } else {
      reason = calls.error().message;
      one["n"] = 0;
      one["reason"] = reason;
    }
    invocations.push_back(std::move(one));
  }
  Json json = {{"n", all.size()}, {"invocations", std::move(invocations)}, {"histogram", nullptr}};
  if (all.empty()) {
    json["reason"] = reason;
    return json;
  }
  const Histogram histogram = histogram_of(all);
  json["histogram"] = {{"edges", rounded_list(histogram.edges)}, {"counts", histogram.counts}};
  return json;
}

}  // namespace

double rounded(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return value;
  return std::strtod(fmt::format("{:.{}e}", value, digits - 1).c_str(), nullptr);
}

std::vector<double> quantiles_of(std::span<const double> ascending, std::size_t count) {
  std::vector<double> quantiles;
  quantiles.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double share = count < 2 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1);
    quantiles.push_back(quantile_sorted(ascending, share));
  }
  return quantiles;
}

Histogram histogram_of(std::span<const double> ascending, std::size_t most_bins) {
  Histogram histogram;
  if (ascending.empty()) return histogram;
  double low = ascending.front();
  double high = ascending.back();
  if (ascending.size() >= kFewValues) {
    const double trimmed_low = quantile_sorted(ascending, kTail);
    const double trimmed_high = quantile_sorted(ascending, 1 - kTail);
    if (trimmed_low < trimmed_high) {
      low = trimmed_low;
      high = trimmed_high;
    }
  }
  std::size_t bins = 1;
  if (low < high) {
    bins = bins_for(ascending, low, high, most_bins);
  } else {
    // Half a percent to each side, so that the bar can be seen.
    const double margin = low > 0 ? 0.005 * low : 1e-9;
    low -= margin;
    high += margin;
  }
  const double width = (high - low) / static_cast<double>(bins);
  for (std::size_t i = 0; i <= bins; ++i) {
    histogram.edges.push_back(i == bins ? high : low + width * static_cast<double>(i));
  }
  histogram.counts.assign(bins, 0);
  for (const double value : ascending) {
    const double at = std::floor((value - low) / width);
    const double bin = std::clamp(at, 0.0, static_cast<double>(bins - 1));
    ++histogram.counts[static_cast<std::size_t>(bin)];
  }
  return histogram;
}

Json distributions(const Json& record, const std::string& folder) {
  Json json = Json::object();
  for (const Json& phase : list_at(record, {"phases"})) {
    const auto name = text_at(phase, {"name"});
    if (name) json[*name] = distribution_of(record, *name, folder);
  }
  return json;
}

}  // namespace ridgeline::report
