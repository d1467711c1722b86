// The native engine: answers the messages of the protocol with LibTorch.
#pragma once

#include <memory>
#include <optional>

#include "engines/native/engine/loaded_model.hpp"
#include "engines/native/engine/planned_workload.hpp"
#include "engines/native/generate/greedy.hpp"
#include "protocol/worker.hpp"

namespace ridgeline::native {

class NativeEngine final : public protocol::Engine {
 public:
  NativeEngine();

  Result<Json> hello(const protocol::Request& request) override;
  Result<Json> handle(const protocol::Request& request) override;
  Result<protocol::Runnable*> runnable(const protocol::RunRequest& run) override;
  void on_quit(const protocol::Request& request) override;
  Error describe(const std::exception& exception) override;

 private:
  Result<Json> load_model(const Json& fields);
  Result<Json> plan(const Json& fields);
  Result<Json> cost(const Json& fields);
  Result<Json> memory(const Json& fields);
  Result<Json> profile(const Json& fields);
  Result<Json> inputs(const Json& fields);
  Result<Json> forward(const Json& fields);
  Result<Json> generate(const Json& fields);
  Result<NamedTensors> read_inputs(const Json& fields, std::string_view message);
  Json texts_of(const Generated& generated) const;
  Result<Json> set_run_options(const Json& fields, const NamedTensors& inputs);
  Result<Json> prepare(const Json& fields);
  Result<Json> synthesize(const Json& fields);

  std::int64_t library_bytes_;  ///< resident size with the libraries and nothing else
  std::optional<LoadedModel> loaded_;
  std::unique_ptr<PlannedWorkload> planned_;
};

}  // namespace ridgeline::native
