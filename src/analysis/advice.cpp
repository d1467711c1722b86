// Advice for each limit.
#include "analysis/advice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>

#include "analysis/advice_knobs.hpp"
#include "analysis/advice_list.hpp"
#include "analysis/limit_words.hpp"
#include "analysis/op_classes.hpp"
#include "base/json_values.hpp"

namespace ridgeline::analysis {
namespace {

// Larger batches are another way of using a machine.
constexpr double kMostRows = 64;
// A longer op does not wait for work to be handed over.
constexpr double kShortOp = 50e-6;
// How many times more rows a call is given that leaves the machine idle.
constexpr double kFill = 8;
// Another dtype must be this much faster to be worth its rounding.
constexpr double kFasterDtype = 1.1;

bool is_on(const CaseFacts& facts, std::string_view id) {
  const KnobFact* knob = facts.knob(id);
  return knob != nullptr && knob->is_on();
}

// 1 / (1 - saved), saved being a share of the latency.
std::optional<double> gain_of(double saved) {
  return saved < 1 ? std::optional(1 / (1 - saved)) : std::nullopt;
}

class Adviser {
 public:
  Adviser(const LimitInput& input, const LimitShares& shares)
      : input_(input),
        facts_(*input.facts),
        phase_(*input.phase),
        roofline_(*input.roofline),
        compute_(std::min(1.0, shares.compute.value_or(0))),
        memory_(std::min(1.0, shares.memory.value_or(0))),
        shares_(shares) {}

  void add(std::string_view limit) {
    if (limit == "memory") memory();
    if (limit == "compute") compute();
    if (limit == "host") host();
    if (limit == "input") input();
    if (limit == "capacity") capacity();
    if (limit == "power") power();
    if (limit == "thermal") heat();
    if (limit == "kernels") kernels();
    if (limit == "unknown") unknown();
    // Preparing inputs is work of no knob.
    if (limit != "input" && limit != "unknown") add_knobs(limit, input_, least_work(), list_);
  }

  std::vector<Advice> take() { return list_.take(); }

 private:
  // Latency over the work that the device has at least: bound, ops one after another, the trace,
  // and a launch for each op.
  std::optional<double> least_work() const {
    const auto bound = roofline_.best.bound();
    if (!bound || !phase_.latency || facts_.is_cpu()) return std::nullopt;
    double least = std::max(*bound, roofline_.serial.value_or(0));
    least = std::max(least, traced_seconds(phase_).value_or(0));
    const CeilingFact* launch = facts_.ceiling("launch");
    if (launch != nullptr) least = std::max(least, phase_.cost.calls() * *launch->value);
    return least > 0 ? std::optional(*phase_.latency / least) : std::nullopt;
  }

  double weights() const {
    return roofline_.weights_again ? phase_.cost.op_weights() : phase_.cost.weights;
  }
  double weight_share() const {
    const double bytes = roofline_.bytes.value_or(0);
    return bytes > 0 ? std::min(1.0, weights() / bytes) : 0;
  }

  void measure_again(const char* what, const std::optional<double>& share) {
    if (share.value_or(0) <= kAboveCeiling) return;
    list_.add(AdviceKind::kMeasure,
              fmt::format("Measure the ceilings again on a quiet machine: ridgeline peaks --device "
                          "{} --refresh",
                          facts_.device),
              std::nullopt,
              fmt::format("{} is used to {} of its ceiling", what, share_words(*share)));
  }

  void fewer_bytes() {
    const bool is_wide = facts_.dtype == "float32";
    const bool is_int8 = is_on(facts_, "quantize");
    if (is_wide && !is_int8) {
      list_.add(AdviceKind::kFaster, "Use --dtype bfloat16: half the bytes", gain_of(memory_ * 0.5),
                fmt::format("{} of float32 a call take {} of the time",
                            bytes_words(*roofline_.bytes), share_words(memory_)));
    }
    const KnobFact* quantize = facts_.knob("quantize");
    // Products of 8-bit weights run on processors only.
    if (quantize == nullptr || !quantize->could_be_on() || !facts_.is_cpu()) return;
    const double saved = memory_ * weight_share() * (is_wide ? 0.75 : 0.5);
    list_.add(AdviceKind::kFaster,
              "Use weights in 8 bits, which changes the numbers: --optimize quantize=int8",
              gain_of(saved),
              fmt::format("weights in {} are {} of the bytes, and these take {} of the time",
                          facts_.dtype, share_words(weight_share()), share_words(memory_)));
  }

  // Rows share the weights until products take as long as bytes.
  bool more_rows() {
    const Roof& roof = roofline_.measured.ridge() ? roofline_.measured : roofline_.datasheet;
    if (!roof.ridge() || !roofline_.intensity || weight_share() < kLeads) return false;
    const double rest = std::max(0.0, *roofline_.bytes - weights());
    const auto bytes_time = [&](double k) { return (weights() + k * rest) / *roof.bytes_rate; };
    const auto flops_time = [&](double k) { return k * *roofline_.flops / *roof.flops_rate; };
    const auto& fit = input_.memory->largest_batch.value;
    double k = 1;
    while (2 * k <= kMostRows && flops_time(2 * k) <= bytes_time(2 * k) &&
           (!fit || 2 * k * facts_.batch <= *fit)) {
      k *= 2;
    }
    if (k < 2) return false;
    list_.add(AdviceKind::kRows,
              fmt::format("Where requests can wait for each other, use --batch {:.0f}: all rows "
                          "share one read of the weights",
                          k * facts_.batch),
              k * bytes_time(1) / bytes_time(k),
              fmt::format("by row: weights are {} of the bytes, {:.3g} FLOP/B are {} of the ridge "
                          "at {:.3g}{}",
                          share_words(weight_share()), *roofline_.intensity,
                          share_words(*roofline_.intensity / *roof.ridge()), *roof.ridge(),
                          fit ? fmt::format("; a batch of {:.0f} fits memory", *fit) : ""));
    return true;
  }

  std::string other_engine(const char* what) const {
    const char* others = facts_.engine == "native" ? "native,transformers:compile" : "native";
    return fmt::format("{}: --engine {}", what, others);
  }

  // What is left above the ceilings, of a generation above its prompt and steps.
  void better_kernels(const char* what, double share) {
    const auto bound = roofline_.weights_again ? roofline_.serial : roofline_.best.bound();
    if (share <= 0 || !bound || !(*bound > 0) || !phase_.latency) return;
    list_.add(AdviceKind::kRest, other_engine("Compare the kernels of another engine"),
              *phase_.latency / *bound,
              fmt::format("{} {} of the time already, and the ceilings allow {}", what,
                          share_words(share), seconds_words(*bound)));
  }

  void memory() {
    measure_again("memory", shares_.memory);
    fewer_bytes();
    more_rows();
    better_kernels("moving the bytes takes", memory_);
  }

  void faster_dtype(const char* dtype, const std::string& what) {
    const CeilingFact* now = facts_.ceiling("gemm." + roofline_.measured.dtype);
    const CeilingFact* then = facts_.ceiling(std::string("gemm.") + dtype);
    if (now == nullptr || then == nullptr) return;
    const double ratio = *then->value / *now->value;
    if (ratio < kFasterDtype) return;
    list_.add(AdviceKind::kFaster, what, gain_of(compute_ * (1 - 1 / ratio)),
              fmt::format("products in {} were measured at {} here, in {} at {}; they take {} of "
                          "the time",
                          dtype, flops_rate_words(*then->value), roofline_.measured.dtype,
                          flops_rate_words(*now->value), share_words(compute_)));
  }

  void compute() {
    measure_again("the rate of products", shares_.compute);
    if (facts_.dtype == "float32" && !is_on(facts_, "quantize")) {
      faster_dtype("bfloat16", "Use --dtype bfloat16");
      const KnobFact* tf32 = facts_.knob("tf32");
      if (tf32 != nullptr && !facts_.is_cpu() && tf32->could_be_on()) {
        faster_dtype("tfloat32",
                     "Round the factors of products, which changes the numbers: --optimize "
                     "tf32=on");
      }
    }
    const auto threads = positive_in(entry_of(*facts_.record, "configuration"), "threads");
    if (facts_.is_cpu() && threads && facts_.cores && *threads < *facts_.cores) {
      list_.add(AdviceKind::kFaster, fmt::format("Use --threads {:.0f}", *facts_.cores),
                *facts_.cores / *threads,
                fmt::format("{:.0f} of {:.0f} cores are used, and products take {} of the time",
                            *threads, *facts_.cores, share_words(compute_)));
    }
    better_kernels("matrix products take", compute_);
  }

  void host() {
    const auto bound = roofline_.best.bound();
    if (!bound || !phase_.latency || !(*bound > 0)) return;
    list_.add(
        AdviceKind::kRows,
        fmt::format("Give each call more to do, as --batch {:.0f}", kFill * facts_.batch),
        std::min(kFill, *phase_.latency / *bound),
        fmt::format("by row: the host takes {} whatever the batch, the ceilings allow {}",
                    seconds_words(phase_.host.value_or(*phase_.latency)), seconds_words(*bound)));
  }

  void input() {
    const Request& request = *input_.request;
    if (!request.prepare || !request.model) return;
    const double both = *request.prepare + *request.model;
    const double longer = std::max(*request.prepare, *request.model);
    list_.add(AdviceKind::kFaster, "Prepare the next input while the model works on this one",
              both / longer,
              fmt::format("of a request: {} of preparing can hide behind {} in the model, or the "
                          "other way round",
                          seconds_words(*request.prepare), seconds_words(*request.model)));
    if (*request.prepare < *request.model) return;
    list_.add(AdviceKind::kFaster, "Prepare inputs in several processes at once",
              both / *request.model,
              fmt::format("of a request: the model needs {} of {}", seconds_words(*request.model),
                          seconds_words(both)));
  }

  void capacity() {
    fewer_bytes();
    if (input_.memory->largest_batch.value) {
      list_.add(AdviceKind::kOption, "Shorten the context, or use a device with more memory",
                std::nullopt, input_.memory->largest_batch.how);
    }
  }

  std::optional<double> clock_gain() const {
    const auto& device = facts_.accelerator;
    if (!device || !device->clock_best || !input_.throttle->clock) return std::nullopt;
    return *device->clock_best / *input_.throttle->clock;
  }

  std::string clock_words_of() const {
    if (!clock_gain()) return "no clock was read while it ran";
    return fmt::format("it ran at {} of {}", clock_words(*input_.throttle->clock),
                       clock_words(*facts_.accelerator->clock_best));
  }

  void power() {
    const auto& device = facts_.accelerator;
    const std::string why =
        fmt::format("at the power limit for {} of {}; {}", share_words(*input_.throttle->power),
                    input_.throttle->where, clock_words_of());
    const bool is_lowered = device && device->power_limit && device->power_limit_default &&
                            *device->power_limit < 0.99 * *device->power_limit_default;
    if (is_lowered) {
      list_.add(AdviceKind::kFaster,
                fmt::format("Restore the default power limit: sudo nvidia-smi -i {} -pl {:.0f}",
                            device->address, *device->power_limit_default),
                clock_gain(), why);
      return;
    }
    const auto gain = clock_gain();
    list_.add(gain ? AdviceKind::kFaster : AdviceKind::kOption,
              "Spend fewer joules a call (a narrower dtype, less work), or raise the power limit "
              "where the card allows it: nvidia-smi -q -d POWER shows how far",
              gain, why);
  }

  void heat() {
    const auto gain = clock_gain();
    list_.add(
        gain ? AdviceKind::kFaster : AdviceKind::kOption,
        "Look at cooling and air, let it cool down, and measure again", gain,
        fmt::format("slowed down by heat for {} of {}; {}", share_words(*input_.throttle->heat),
                    input_.throttle->where, clock_words_of()));
  }

  void kernels() {
    const auto bound = roofline_.best.bound();
    if (!bound || !(*bound > 0) || !phase_.latency) return;
    const double serial = std::max(*bound, roofline_.serial.value_or(0));
    const double exposed = (serial - *bound) / *phase_.latency;
    if (facts_.engine == "native" && exposed > 0 && !roofline_.weights_again) {
      list_.add(
          AdviceKind::kFaster, other_engine("Compare with an engine that fuses ops"),
          gain_of(exposed),
          fmt::format("reads and writes between ops take {} of the time", share_words(exposed)));
    }
    const double left = *phase_.latency / serial;
    if (!facts_.disturbance.empty()) {
      list_.add(AdviceKind::kMeasure, "Measure again on a quiet machine: --busy wait", std::nullopt,
                facts_.disturbance);
    }
    if (left >= 2) fill_calls(left);
    list_.add(AdviceKind::kRest,
              facts_.engine == "native"
                  ? "Profile the phase: its kernels are the limit, not the machine"
                  : other_engine("Compare the kernels of another engine"),
              left,
              fmt::format("ops one after another at their ceilings would take {} of {}",
                          seconds_words(serial), seconds_words(*phase_.latency)));
  }

  // Small calls leave the machine idle: more rows in each fill it.
  void fill_calls(double left) {
    if (more_rows()) return;
    const double calls = std::max(1.0, phase_.cost.calls());
    if (*phase_.latency / calls > kShortOp) return;
    list_.add(AdviceKind::kRows,
              fmt::format("Give each call more to do, as --batch {:.0f}", kFill * facts_.batch),
              std::min(kFill, left),
              fmt::format("by row: {:.0f} calls of ops take {} each, and larger ones fill the "
                          "machine better",
                          calls, seconds_words(*phase_.latency / calls)));
  }

  void unknown() {
    if (!phase_.cost.flops || !phase_.cost.bytes) return;
    const Roof& roof = roofline_.measured;
    if (roof.enable.empty() || (roof.flops_rate && roof.bytes_rate)) return;
    list_.add(AdviceKind::kMeasure, "Measure the ceilings: " + roof.enable, std::nullopt,
              roof.reason);
  }

  const LimitInput& input_;
  const CaseFacts& facts_;
  const PhaseFacts& phase_;
  const Roofline& roofline_;
  double compute_;
  double memory_;
  const LimitShares& shares_;
  AdviceList list_;
};

}  // namespace

std::vector<Advice> advice_for(const LimitInput& input, const LimitShares& shares,
                               const Limit& limit) {
  Adviser adviser(input, shares);
  if (limit.id != "mixed") adviser.add(limit.id);
  for (const std::string& one : limit.among) adviser.add(one);
  return adviser.take();
}

std::vector<Advice> advice_for_out_of_memory(const CaseFacts& facts, const MemoryFit& memory) {
  AdviceList list;
  const Json& outcome = entry_of(*facts.record, "outcome");
  const std::string remedy = short_words(text_in(outcome, "remedy"));
  const auto needed = positive_in(outcome, "bytes");
  const std::string why = needed && memory.capacity
                              ? fmt::format("{} were needed, {} is {}", bytes_words(*needed),
                                            memory.capacity_of, bytes_words(*memory.capacity))
                              : fmt::format("the case ended with {}", facts.error_class);
  if (!remedy.empty()) {
    std::string what = remedy;
    what[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(what[0])));
    list.add(AdviceKind::kMeasure, std::move(what), std::nullopt, why);
  }
  if (facts.batch > 1) {
    list.add(AdviceKind::kOption, fmt::format("Use --batch {:.0f}", std::floor(facts.batch / 2)),
             std::nullopt, fmt::format("the batch was {:.0f}; {}", facts.batch, why));
  }
  if (facts.dtype == "float32") {
    list.add(AdviceKind::kOption, "Use --dtype bfloat16: half the bytes", std::nullopt,
             "it ran in float32; " + why);
  }
  return list.take();
}

}  // namespace ridgeline::analysis
