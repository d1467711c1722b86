// Reading, judging and writing the check of one output.
#include "study/verify_outputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/json_values.hpp"

namespace ridgeline::study {
namespace {

bool has_few_values(const OutputCheck& check) {
  return std::accumulate(check.shape.begin(), check.shape.end(), std::int64_t{1},
                         std::multiplies<>()) < kFewValues;
}

}  // namespace

Result<OutputCheck> output_from(const Json& entry) {
  OutputCheck check;
  RIDGELINE_TRY(check.name, get_string(entry, "name", "verified"));
  for (const Json& size : entry_of(entry, "shape")) {
    if (size.is_number_integer()) check.shape.push_back(size.get<std::int64_t>());
  }
  check.max_error = number_in(entry, "max_error");
  check.relative_error = number_in(entry, "relative_error");
  check.cosine = number_in(entry, "cosine");
  check.top1_agreement = number_in(entry, "top1_agreement");
  // The peer's shape stands in `shape`, and ours beside it where they differ.
  const Json& ours = entry_of(entry, "expected_shape");
  if (ours.is_array()) check.reason = fmt::format("native gives the shape {}", to_line(ours));
  if (check.reason.empty() && entry_of(entry, "finite") == false) {
    check.reason = "some values are not finite";
  }
  return check;
}

std::optional<double> largest_error(const std::vector<OutputCheck>& own) {
  std::optional<double> largest;
  for (const OutputCheck& one : own) {
    if (one.relative_error) largest = std::max(largest.value_or(0), *one.relative_error);
  }
  return largest;
}

void judge(OutputCheck& check, const VerifyBound& row, const OutputCheck* peer,
           const std::optional<double>& largest) {
  if (peer != nullptr) {
    check.peer_error = has_few_values(check) ? largest : peer->relative_error;
  }
  check.bound = bound_of(row, check.peer_error);
  if (!check.reason.empty()) return;
  const bool is_zero = check.max_error && *check.max_error == 0;
  if (!row.is_direct && peer != nullptr && !peer->reason.empty()) {
    check.reason = "of the peer: " + peer->reason;
  } else if (check.peer_error.value_or(0) > kUselessError) {
    check.reason = fmt::format("{} is no use here: the peer itself is off by {:.2g}", row.dtype,
                               *check.peer_error);
  } else if (!is_zero && !check.relative_error) {
    check.reason = "the error is not known";
  } else if (!is_zero && !(*check.relative_error <= *check.bound)) {
    check.reason =
        fmt::format("off by {:.2g}, {:.2g} is allowed", *check.relative_error, *check.bound);
  }
}

Json to_json(const OutputCheck& check) {
  return {{"name", check.name},
          {"shape", check.shape},
          {"max_error", or_null(check.max_error)},
          {"relative_error", or_null(check.relative_error)},
          {"cosine", or_null(check.cosine)},
          {"top1_agreement", or_null(check.top1_agreement)},
          {"peer_error", or_null(check.peer_error)},
          {"bound", or_null(check.bound)},
          {"passed", check.passed()},
          {"reason", text_or_null(check.reason)}};
}

}  // namespace ridgeline::study
