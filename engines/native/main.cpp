// The native engine's worker: a process of its own, started and measured by the coordinator.
#include <c10/core/InferenceMode.h>

#include <nlohmann/json.hpp>

#include "engines/native/engine/native_engine.hpp"
#include "protocol/worker.hpp"

int main() {
  // Thread-local and for good: nothing here ever needs a gradient or a version counter.
  const c10::InferenceMode inference;
  ridgeline::native::NativeEngine engine;
  return ridgeline::protocol::serve(engine);
}
