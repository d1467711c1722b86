// One question to one worker.
#include "cli/one_shot.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "measure/engine_locator.hpp"
#include "protocol/client.hpp"

namespace ridgeline::cli {
namespace {

Result<std::unique_ptr<protocol::Worker>> start(const std::string& engine,
                                                const std::string& python, const Context& context) {
  RIDGELINE_TRY(const auto command, measure::engine_command(engine, python));
  return protocol::Worker::start(command, context.interrupt);
}

}  // namespace

Result<Json> engine_hello(const std::string& engine, const std::string& python,
                          const Context& context) {
  RIDGELINE_TRY(const auto worker, start(engine, python, context));
  Json hello = worker->hello();
  (void)worker->quit();  // the answer is here; how it ends does not matter
  return hello;
}

Result<Json> ask_engine(const measure::Configuration& configuration, std::string_view message,
                        Json fields, bool load_first, const Context& context) {
  RIDGELINE_TRY(const auto worker,
                start(configuration.engine, configuration.engine_python, context));
  const Json load = measure::load_fields(configuration);
  if (load_first) {
    RIDGELINE_TRY(const Json loaded,
                  worker->request("load", load, protocol::usual_deadlines("load")));
    fields["optimizations"] = load.at("optimizations");
  } else {
    fields.update(load);
  }
  RIDGELINE_TRY(Json reply, worker->request(message, fields, protocol::usual_deadlines(message)));
  (void)worker->quit();
  return reply;
}

std::string absolute_path(const std::string& path) {
  std::error_code failure;
  const auto absolute = std::filesystem::absolute(path, failure);
  return failure ? path : absolute.string();
}

}  // namespace ridgeline::cli
