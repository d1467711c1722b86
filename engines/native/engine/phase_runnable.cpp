// Calling a phase, with the device's own clock around the calls.
#include "engines/native/engine/phase_runnable.hpp"

namespace ridgeline::native {

PhaseRunnable::PhaseRunnable(const Phase& phase, const RecordedPhase* recorded,
                             DeviceBackend& backend)
    : phase_(&phase), recorded_(recorded), backend_(&backend), clock_(backend.clock()) {}

void PhaseRunnable::restore() {
  // Outputs go before the clock starts: freeing them is not the model's work.
  outputs_.clear();
  if (phase_->restore) phase_->restore();
}

void PhaseRunnable::enqueue() {
  if (!under_way_) clock_->begin();
  under_way_ = true;
  if (recorded_ != nullptr) {
    recorded_->graph->replay();
  } else {
    outputs_ = phase_->call();
  }
}

void PhaseRunnable::wait() {
  clock_->end();
  under_way_ = false;
  backend_->wait();
}

std::span<const std::int64_t> PhaseRunnable::token_times() {
  if (!phase_->token_times) return {};
  return *phase_->token_times;
}

}  // namespace ridgeline::native
