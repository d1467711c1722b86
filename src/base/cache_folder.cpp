// The cache folder by the XDG base directory specification.
#include "base/cache_folder.hpp"

#include <cstdlib>

namespace ridgeline {

Result<std::string> cache_folder() {
  // The specification says that a relative path is to be ignored.
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && cache[0] == '/') return std::string(cache) + "/ridgeline";
  const char* home = std::getenv("HOME");
  if (home != nullptr && home[0] == '/') return std::string(home) + "/.cache/ridgeline";
  return environment_error("neither XDG_CACHE_HOME nor HOME names a folder", "set HOME");
}

}  // namespace ridgeline
