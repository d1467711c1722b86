// Reading the value of a knob that is a switch.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {

/// An error unless the value of `context` is auto, on or off.
inline Status check_switch(const KnobContext& context, std::string_view id) {
  if (context.value == "auto" || context.value == "on" || context.value == "off") return {};
  return bad_input(fmt::format("{} '{}' is unknown", id, context.value), "use auto, on or off");
}

}  // namespace ridgeline::native
