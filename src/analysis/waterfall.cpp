// Six steps from the datasheet to the clock on the wall.
#include "analysis/waterfall.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/limit_words.hpp"

namespace ridgeline::analysis {
namespace {

// Below this share of its time a phase is not taken to be throttled.
constexpr double kThrottled = 0.01;

// Fills up a latency step by step.
class Builder {
 public:
  explicit Builder(double latency) : latency_(latency) { result_.latency = latency; }

  double reached() const { return reached_; }

  /// Up to `level` in all: nothing where that is already reached, at most the latency.
  void raise_to(WaterfallStep step, double level) { add(std::move(step), level - reached_); }

  void add(WaterfallStep step, double seconds) {
    const double left = latency_ - reached_;
    if (seconds > left) {
      step.how += fmt::format("; {} in all, cut at the latency", seconds_words(reached_ + seconds));
    }
    step.seconds = std::clamp(seconds, 0.0, std::max(0.0, left));
    reached_ += step.seconds;
    result_.steps.push_back(std::move(step));
  }

  Waterfall finish(WaterfallStep last) {
    last.seconds = std::max(0.0, latency_ - reached_);
    result_.steps.push_back(std::move(last));
    return std::move(result_);
  }

 private:
  double latency_;
  double reached_ = 0;
  Waterfall result_;
};

std::string side_of(const BoundTimes& times) {
  return *times.compute > *times.memory
             ? fmt::format("the matrix products take {}", seconds_words(*times.compute))
             : fmt::format("the bytes take {}", seconds_words(*times.memory));
}

void add_bounds(const Roofline& roofline, Builder& builder) {
  WaterfallStep sheet{"datasheet", "Datasheet bound", 0, {}, "datasheet"};
  const auto by_sheet = roofline.by_datasheet.bound();
  if (by_sheet) {
    sheet.how = side_of(roofline.by_datasheet) + " at the vendor's figures";
  } else {
    sheet.label += ", not known";
    sheet.how = "not known: " + (roofline.datasheet.reason.empty() ? "FLOPs or bytes are not stated"
                                                                   : roofline.datasheet.reason);
  }
  builder.raise_to(std::move(sheet), by_sheet.value_or(0));

  WaterfallStep ceiling{"ceiling", "Measured ceilings", 0, {}, "modelled"};
  const auto measured = roofline.by_measured.bound();
  if (!measured) {
    ceiling.label += ", not known";
    ceiling.how =
        "not known: " + (roofline.measured.reason.empty() ? "FLOPs or bytes are not stated"
                                                          : roofline.measured.reason);
  } else {
    ceiling.how = side_of(roofline.by_measured) + " at the ceilings that were measured here";
    if (by_sheet) ceiling.how += ": what these are below the vendor's figures";
    if (by_sheet && *measured < *by_sheet) ceiling.how += "; they are not below them";
  }
  builder.raise_to(std::move(ceiling), measured.value_or(0));
}

void add_clock(const Roofline& roofline, const Throttle& throttle, Builder& builder) {
  WaterfallStep step{"clock", "Clock", 0, {}, "modelled"};
  const auto share = throttle.largest();
  const auto best = roofline.by_measured.bound();
  const auto steady = roofline.by_steady.bound();
  if (!share) {
    step.how = "not known: the record does not tell whether clocks were held down";
  } else if (*share < kThrottled) {
    step.how = "clocks were not held down by power or heat";
  } else if (!best || !steady || !(*steady > *best)) {
    step.how = fmt::format(
        "clocks were held down for {} of {}, but the ceilings show no difference between their "
        "best and what they keep up",
        share_words(*share), throttle.where);
  } else {
    step.how = fmt::format(
        "clocks were held down for {} of {}: the ceilings' medians under steady load instead of "
        "their best",
        share_words(*share), throttle.where);
    builder.add(std::move(step), *steady - *best);
    return;
  }
  builder.add(std::move(step), 0);
}

void add_exposed(const PhaseFacts& phase, const Roofline& roofline, Builder& builder) {
  WaterfallStep step{"exposed", "Ops one after another", 0, {}, "modelled"};
  const auto bound = roofline.best.bound();
  if (!bound || !roofline.serial) {
    step.how = phase.cost.ops.empty() ? "not known: the cost names no ops"
                                      : "not known: an op has no ceiling";
    builder.add(std::move(step), 0);
    return;
  }
  if (roofline.weights_again) {
    step.how = fmt::format(
        "the prompt and each further step at their own ceilings, one after another, take {}, the "
        "call as a whole {}",
        seconds_words(*roofline.serial), seconds_words(*bound));
  } else {
    step.how = fmt::format(
        "{:.0f} calls of ops, each at its own ceilings and one after another, take {}, the phase "
        "as a whole {}: reads and writes between ops, which fusing saves",
        phase.cost.calls(), seconds_words(*roofline.serial), seconds_words(*bound));
  }
  builder.add(std::move(step), *roofline.serial - *bound);
}

void add_launch(const CaseFacts& facts, const PhaseFacts& phase, Builder& builder) {
  WaterfallStep step{"launch", "Launch gaps", 0, {}, "timed"};
  double gap = 0;
  if (facts.is_cpu()) {
    step.how = "none on a CPU: the host itself does the work";
  } else if (!phase.device) {
    step.how = "not known: the engine has no time on the device";
  } else {
    gap = *phase.latency - *phase.device;
    step.how = fmt::format(
        "latency less the {} from the first to the last work on the device; gaps between kernels "
        "lie within these",
        seconds_words(*phase.device));
  }
  builder.add(std::move(step), gap);
}

}  // namespace

Waterfall waterfall_of(const CaseFacts& facts, const PhaseFacts& phase, const Roofline& roofline,
                       const Throttle& throttle) {
  if (!phase.latency) {
    Waterfall none;
    const std::string why = phase.reason_of("latency");
    none.reason = why.empty() ? "the record has no latency of this phase" : why;
    return none;
  }
  Builder builder(*phase.latency);
  add_bounds(roofline, builder);
  add_clock(roofline, throttle, builder);
  add_exposed(phase, roofline, builder);
  add_launch(facts, phase, builder);
  const bool is_known = builder.reached() > 0 && roofline.best.bound();
  WaterfallStep last{
      "kernels", is_known ? "Kernels" : "Unexplained", 0, {}, is_known ? "modelled" : "timed"};
  last.how = is_known ? "the rest: kernels below their ceilings, and gaps between them"
                      : "the rest: without ceilings and costs nothing more can be said";
  return builder.finish(std::move(last));
}

}  // namespace ridgeline::analysis
