// Sentences with measured values.
#include "analysis/limit_evidence.hpp"

#include <fmt/format.h>

#include <cctype>

#include "analysis/limit_words.hpp"

namespace ridgeline::analysis {
namespace {

const char* kind_words(bool is_datasheet) {
  return is_datasheet ? "of the datasheet" : "that were measured";
}

std::string above_words(double share) {
  return share > kAboveCeiling ? ", so this ceiling is too low or out of date" : "";
}

// "84 % of the 4.68 TB/s that were measured" in its own sentence.
std::string memory_evidence(const LimitInput& input, double share) {
  const Roofline& roofline = *input.roofline;
  const bool is_sheet = roofline.memory_is_datasheet;
  const Roof& roof = is_sheet ? roofline.datasheet : roofline.measured;
  const std::string level =
      roof.level == "memory" ? "from memory" : fmt::format("from the {} cache", roof.level);
  return fmt::format("A call moves {}{} {} at {}, {} of the {} {}{}", bytes_words(*roofline.bytes),
                     roofline.weights_again ? " (weights once in each step)" : "", level,
                     bytes_rate_words(*roofline.bytes_rate), share_words(share),
                     bytes_rate_words(roof.bytes_rate.value_or(0)), kind_words(is_sheet),
                     above_words(share));
}

std::string compute_evidence(const LimitInput& input, double share) {
  const Roofline& roofline = *input.roofline;
  const bool is_sheet = roofline.compute_is_datasheet;
  const Roof& roof = is_sheet ? roofline.datasheet : roofline.measured;
  return fmt::format("A call makes {} at {}, {} of the {} {} for {} products{}",
                     flops_words(*roofline.flops), flops_rate_words(*roofline.flops_rate),
                     share_words(share), flops_rate_words(roof.flops_rate.value_or(0)),
                     kind_words(is_sheet), roof.dtype, above_words(share));
}

std::string power_evidence(const LimitInput& input) {
  const auto& device = input.facts->accelerator;
  const Throttle& throttle = *input.throttle;
  std::string text =
      fmt::format("The device was at its power limit{} for at least {} of {}",
                  device && device->power_limit ? fmt::format(" of {:.0f} W", *device->power_limit)
                                                : std::string(),
                  share_words(*throttle.power), throttle.where);
  if (throttle.clock && device && device->clock_best) {
    text += fmt::format(", at {} instead of {}", clock_words(*throttle.clock),
                        clock_words(*device->clock_best));
  }
  return text;
}

std::string heat_evidence(const LimitInput& input) {
  const auto& device = input.facts->accelerator;
  const Throttle& throttle = *input.throttle;
  std::string text = fmt::format("Heat slowed it down for at least {} of {}",
                                 share_words(*throttle.heat), throttle.where);
  if (throttle.clock && device && device->clock_best) {
    text += fmt::format(", to {} instead of {}", clock_words(*throttle.clock),
                        clock_words(*device->clock_best));
  }
  return text;
}

std::string host_evidence(const LimitInput& input, const LimitShares& shares) {
  const PhaseFacts& phase = *input.phase;
  std::string text;
  if (shares.host && *shares.host >= kHostBusy) {
    text = fmt::format("The host was busy handing over work for {} of {} ({})",
                       seconds_words(*phase.host), seconds_words(*phase.latency),
                       share_words(*shares.host));
  } else {
    text = fmt::format("The device worked for {} of {} ({})", seconds_words(*phase.device),
                       seconds_words(*phase.latency), share_words(*phase.device / *phase.latency));
  }
  if (const auto bound = input.roofline->best.bound()) {
    text += fmt::format(", while the ceilings allow {}", seconds_words(*bound));
  }
  return text;
}

std::string input_evidence(const LimitInput& input, const LimitShares& shares) {
  const Request& request = *input.request;
  if (!request.prepare) return "No time of preparing inputs is known";
  if (!request.model) {
    return fmt::format("Inputs are prepared on the host in {}", seconds_words(*request.prepare));
  }
  std::string text =
      fmt::format("A request spends {} on preparing its input and {} in the model ({} of both)",
                  seconds_words(*request.prepare), seconds_words(*request.model),
                  share_words(*request.prepare / (*request.prepare + *request.model)));
  if (input.phase->name != "preprocess" && shares.compute && shares.memory) {
    text += fmt::format("; of the phase itself memory takes {} and products {}",
                        share_words(*shares.memory), share_words(*shares.compute));
  }
  return text;
}

std::string capacity_evidence(const LimitInput& input, const LimitShares& shares) {
  const MemoryFit& memory = *input.memory;
  return fmt::format(
      "{}; a larger batch would share the weights, but of {} {} at most {:.0f} row{} fit",
      memory_evidence(input, *shares.memory), bytes_words(*memory.capacity), memory.capacity_of,
      *memory.largest_batch.value, *memory.largest_batch.value == 1 ? "" : "s");
}

std::string kernels_evidence(const LimitInput& input, const LimitShares& shares) {
  const PhaseFacts& phase = *input.phase;
  const Roofline& roofline = *input.roofline;
  std::string text = fmt::format(
      "No ceiling explains half of the {}: memory takes {} of it and matrix products {}",
      seconds_words(*phase.latency), share_words(*shares.memory), share_words(*shares.compute));
  const auto bound = roofline.best.bound();
  if (roofline.serial && bound && *roofline.serial - *bound >= 0.1 * *phase.latency) {
    text += fmt::format("; reads and writes between ops take another {}",
                        share_words((*roofline.serial - *bound) / *phase.latency));
  }
  const double calls = phase.cost.calls();
  if (calls >= 1) {
    text += fmt::format("; {:.0f} calls of ops take {} each", calls,
                        seconds_words(*phase.latency / calls));
  }
  return text;
}

std::string unknown_evidence(const LimitInput& input, const LimitShares& shares) {
  const PhaseFacts& phase = *input.phase;
  if (!phase.latency) {
    const std::string why = phase.reason_of("latency");
    return "The phase has no latency: " + (why.empty() ? "the record has none" : why);
  }
  if (!phase.cost.flops || !phase.cost.bytes) {
    return "FLOPs and bytes of this phase are not known: " +
           (phase.cost.reason.empty() ? "no engine states them" : phase.cost.reason);
  }
  const Roof& roof = input.roofline->measured;
  std::string text = "There is no ceiling to compare with: " + roof.reason;
  if (shares.memory) {
    text = fmt::format("Memory takes {} of it, the rate of matrix products is not known: {}",
                       share_words(*shares.memory), roof.reason);
  } else if (shares.compute) {
    text = fmt::format("Matrix products take {} of it, the rate of memory is not known: {}",
                       share_words(*shares.compute), roof.reason);
  }
  if (!roof.enable.empty()) text += fmt::format("; `{}` tells", roof.enable);
  return text;
}

std::string clause_of(std::string_view id, const LimitInput& input, const LimitShares& shares) {
  if (id == "memory") return memory_evidence(input, *shares.memory);
  if (id == "compute") return compute_evidence(input, *shares.compute);
  if (id == "power") return power_evidence(input);
  if (id == "thermal") return heat_evidence(input);
  if (id == "host") return host_evidence(input, shares);
  if (id == "input") return input_evidence(input, shares);
  if (id == "capacity") return capacity_evidence(input, shares);
  if (id == "kernels") return kernels_evidence(input, shares);
  return unknown_evidence(input, shares);
}

}  // namespace

std::string evidence_of(std::string_view id, const LimitInput& input, const LimitShares& shares) {
  std::string text = clause_of(id, input, shares);
  // The other ceiling shows that this one leads.
  if (id == "memory" && shares.compute) {
    text += fmt::format("; matrix products take {}", share_words(*shares.compute));
  } else if (id == "compute" && shares.memory) {
    text += fmt::format("; memory takes {}", share_words(*shares.memory));
  }
  return text + ".";
}

std::string mixed_evidence(const std::vector<std::string>& among, const LimitInput& input,
                           const LimitShares& shares) {
  std::string text;
  for (const std::string& id : among) {
    std::string clause = clause_of(id, input, shares);
    if (!text.empty())
      clause[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(clause[0])));
    text += (text.empty() ? "" : "; ") + clause;
  }
  return text + ".";
}

}  // namespace ridgeline::analysis
