// Counting how invocations ended.
#include "measure/case_state.hpp"

namespace ridgeline::measure {

void add_samples(const std::string& phase, std::vector<double> calls, TokenSeries tokens,
                 CaseInvocation& invocation) {
  invocation.samples.emplace_back(phase, std::move(calls));
  if (!tokens.device.empty()) {
    invocation.samples.emplace_back(device_name(phase), std::move(tokens.device));
  }
  invocation.samples.emplace_back(host_name(phase), std::move(tokens.host));
  if (tokens.first.empty()) return;
  invocation.samples.emplace_back(ttft_name(phase), std::move(tokens.first));
  invocation.samples.emplace_back(tpot_name(phase), std::move(tokens.mean));
  invocation.samples.emplace_back(itl_name(phase), std::move(tokens.gaps));
}

int CaseState::succeeded() const {
  int count = 0;
  for (const CaseInvocation& invocation : invocations) {
    count += invocation.part.outcome.status == results::Outcome::Status::kOk ? 1 : 0;
  }
  return count;
}

int CaseState::failed() const {
  return static_cast<int>(invocations.size()) - succeeded();
}

const Error* CaseState::last_error() const {
  for (auto it = invocations.rbegin(); it != invocations.rend(); ++it) {
    if (it->part.outcome.error) return &*it->part.outcome.error;
  }
  return nullptr;
}

bool is_final(ErrorClass error_class) {
  switch (error_class) {
    case ErrorClass::kBadInput:
    case ErrorClass::kUnsupported:
    case ErrorClass::kOomHost:
    case ErrorClass::kOomDevice:
    case ErrorClass::kEnvironment:
      return true;
    case ErrorClass::kCrash:
    case ErrorClass::kTimeout:
    case ErrorClass::kProtocol:
    case ErrorClass::kInterrupted:
    case ErrorClass::kInternal:
      return false;
  }
  return false;
}

}  // namespace ridgeline::measure
