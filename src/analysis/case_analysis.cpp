// Puts the parts of an analysis together.
#include "analysis/case_analysis.hpp"

#include "analysis/case_analysis_facts.hpp"

namespace ridgeline::analysis {
namespace {

PhaseAnalysis analyse_phase(const CaseFacts& facts, const PhaseFacts& phase,
                            const MemoryFit& memory, const Request& request) {
  PhaseAnalysis result;
  result.name = phase.name;
  result.roofline = roofline_of(facts, phase);
  const Throttle throttle = throttle_of(facts, phase);
  const LimitInput input{&facts, &phase, &result.roofline, &throttle, &memory, &request};
  result.shares = shares_of(input);
  result.limit = limit_of(input, result.shares);
  result.advice = advice_for(input, result.shares, result.limit);
  result.waterfall = waterfall_of(facts, phase, result.roofline, throttle);
  result.classes = op_classes_of(facts, phase, result.roofline);
  result.energy = energy_efficiency_of(facts, phase, result.roofline);
  return result;
}

// A case of which nothing was measured because memory ran out.
PhaseAnalysis without_memory(const CaseFacts& facts, const MemoryFit& memory) {
  PhaseFacts none;
  none.name = "case";
  PhaseAnalysis result = analyse_phase(facts, none, memory, {});
  result.limit = out_of_memory(facts, memory);
  result.advice = advice_for_out_of_memory(facts, memory);
  return result;
}

}  // namespace

CaseAnalysis analyse(const Json& record) {
  const CaseFacts facts = read_facts(record);
  CaseAnalysis analysis;
  analysis.memory = memory_fit_of(facts);
  const Request request = request_of(facts);
  for (const PhaseFacts& phase : facts.phases) {
    analysis.phases.push_back(analyse_phase(facts, phase, analysis.memory, request));
  }
  const bool is_oom = facts.error_class == "oom.host" || facts.error_class == "oom.device";
  if (analysis.phases.empty() && is_oom) {
    analysis.phases.push_back(without_memory(facts, analysis.memory));
  }
  return analysis;
}

}  // namespace ridgeline::analysis
