// Splitting and checking names of engines.
#include "measure/engine_name.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "measure/range_list.hpp"

namespace ridgeline::measure {
namespace {

std::size_t colon_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return name.find(':', slash == std::string_view::npos ? 0 : slash);
}

bool fits_mode(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

}  // namespace

EngineName parse_engine(std::string_view name) {
  const std::size_t colon = colon_of(name);
  if (colon == std::string_view::npos) return {std::string(name), {}};
  return {std::string(name.substr(0, colon)), std::string(name.substr(colon + 1))};
}

Status check_engine(std::string_view name, std::string_view where) {
  const EngineName parts = parse_engine(name);
  const bool has_mode = colon_of(name) != std::string_view::npos;
  const bool mode_is_good =
      !has_mode ||
      (!parts.mode.empty() && std::all_of(parts.mode.begin(), parts.mode.end(), fits_mode));
  if (!parts.program.empty() && mode_is_good) return {};
  return bad_input(fmt::format("{}: {} is not an engine", where, in_quotes(name)),
                   "write native, transformers or transformers:compile");
}

}  // namespace ridgeline::measure
