// Commands that ask an engine one thing: start a worker, ask, end it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "cli/command.hpp"
#include "measure/configuration.hpp"

namespace ridgeline::cli {

/// The hello of an engine; `python` as in measure::engine_command().
Result<Json> engine_hello(const std::string& engine, const std::string& python,
                          const Context& context);

/// The reply to one message. With `load_first` the model is loaded before; otherwise the fields of
/// `load` go into the message itself.
Result<Json> ask_engine(const measure::Configuration& configuration, std::string_view message,
                        Json fields, bool load_first, const Context& context);

/// A path as the worker must see it: absolute.
std::string absolute_path(const std::string& path);

}  // namespace ridgeline::cli
