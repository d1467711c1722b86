// Asking for stamps of single ops, and checking the answer.
#include "measure/op_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::measure {
namespace {

constexpr double kLeastSeconds = 0.05;
constexpr double kMostSeconds = 0.5;
constexpr double kCalls = 5;  // wanted of a phase
// A call that counts and one before it: twice this is what a phase may take.
constexpr double kLongestCall = 5;
constexpr std::size_t kMostOps = 1000;

Json without(const std::string& reason, const std::string& enable = {}) {
  return {{"reason", reason}, {"enable", enable.empty() ? Json() : Json(enable)}};
}

// Why the phase is not asked for; empty: it is.
std::string why_left_out(const PhaseToRun& phase) {
  if (phase.name == "preprocess") return "the phase runs no ops of the model";
  if (phase.tokens_per_call > 0) return "its calls are many steps; see the phases it consists of";
  if (phase.call_seconds > kLongestCall) {
    return fmt::format("a call takes {:.1f} s, too long for a pass beside the timing",
                       phase.call_seconds);
  }
  return {};
}

bool is_amount(const Json& value) {
  return value.is_number() && std::isfinite(value.get<double>()) && value.get<double>() >= 0;
}

// Answers come from another process: what a record carries on is what it understands.
Result<Json> checked(const Json& answer) {
  const Json& ops = entry_of(answer, "ops");
  const auto bad = [](const char* what) {
    return Error{ErrorClass::kProtocol, fmt::format("the reply to profile has no usable {}", what)};
  };
  if (!is_amount(entry_of(answer, "seconds")) || !is_amount(entry_of(answer, "calls"))) {
    return bad("seconds and calls");
  }
  if (!ops.is_array() || ops.size() > kMostOps) return bad("list of ops");
  Json kept = Json::array();
  for (const Json& op : ops) {
    if (!is_amount(entry_of(op, "seconds")) || !is_amount(entry_of(op, "calls"))) {
      return bad("op");
    }
    kept.push_back({{"op", text_in(op, "op")},
                    {"class", text_in(op, "class")},
                    {"dtype", text_in(op, "dtype")},
                    {"calls", op.at("calls")},
                    {"seconds", op.at("seconds")}});
  }
  const std::string note = text_in(answer, "note");
  return Json{{"calls", answer.at("calls")},
              {"seconds", answer.at("seconds")},
              {"ops", std::move(kept)},
              {"note", note.empty() ? Json() : Json(note)}};
}

Result<Json> ask(protocol::Worker& worker, const PhaseToRun& phase) {
  const double seconds = std::clamp(kCalls * phase.call_seconds, kLeastSeconds, kMostSeconds);
  RIDGELINE_TRY(const Json answer,
                worker.request("profile", {{"phase", phase.name}, {"seconds", seconds}},
                               protocol::usual_deadlines("profile")));
  return checked(answer);
}

}  // namespace

Result<Json> op_pass(protocol::Worker& worker, const std::vector<PhaseToRun>& phases) {
  Json pass = Json::object();
  for (const PhaseToRun& phase : phases) {
    if (const std::string reason = why_left_out(phase); !reason.empty()) {
      pass[phase.name] = without(reason);
      continue;
    }
    if (!worker.alive()) {
      pass[phase.name] = without("the worker had ended");
      continue;
    }
    Result<Json> ops = ask(worker, phase);
    if (ops) {
      pass[phase.name] = *std::move(ops);
      continue;
    }
    const Error& error = ops.error();
    if (error.error_class == ErrorClass::kInterrupted) return error;
    const bool unknown = error.error_class == ErrorClass::kUnsupported && error.remedy.empty();
    pass[phase.name] = unknown ? without(fmt::format("{} does not time single ops", worker.name()))
                               : without(error.message, error.remedy);
  }
  return pass;
}

}  // namespace ridgeline::measure
