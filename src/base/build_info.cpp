// Facts of the build, for records.
#include "base/build_info.hpp"

#include <nlohmann/json.hpp>

namespace ridgeline {

Json build_info() {
#ifdef __OPTIMIZE__
  constexpr bool kOptimized = true;
#else
  constexpr bool kOptimized = false;
#endif
  return {
      {"version", RIDGELINE_VERSION}, {"compiler", "g++ " __VERSION__}, {"optimized", kOptimized}};
}

}  // namespace ridgeline
