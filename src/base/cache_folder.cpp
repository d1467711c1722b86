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
  return environment_error("no folder for caches: neither XDG_CACHE_HOME nor HOME is set",
                           "set XDG_CACHE_HOME to a folder that can be written");
}

}  // namespace ridgeline
