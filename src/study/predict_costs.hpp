// Costs of models and workloads, asked of one native worker that loads nothing.
#pragma once

#include <memory>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/json.hpp"
#include "measure/configuration.hpp"
#include "protocol/client.hpp"
#include "study/predict_work.hpp"

namespace ridgeline::study {

/// The engine that counts, and whose times are predicted.
inline constexpr const char* kCountingEngine = "native";

class Costs {
 public:
  /// Starts the worker; `interrupt`, which may be null, must outlive it.
  static Result<Costs> start(const Interrupt* interrupt);

  /// What the model does for that workload. Milliseconds, whatever its size.
  Result<ModelWork> of(const measure::Configuration& configuration,
                       const measure::Workload& workload);

  const Json& hello() const { return worker_->hello(); }
  void end();

 private:
  explicit Costs(std::unique_ptr<protocol::Worker> worker) : worker_(std::move(worker)) {}

  std::unique_ptr<protocol::Worker> worker_;
};

}  // namespace ridgeline::study
