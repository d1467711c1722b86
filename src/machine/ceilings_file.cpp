// Where the ceilings of a machine are remembered.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/cache_folder.hpp"
#include "base/file.hpp"
#include "machine/ceilings.hpp"

namespace ridgeline::machine {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostBytes = 16ull << 20;
constexpr const char* kAgain = "measure again with `ridgeline peaks --refresh`";

}  // namespace

Result<std::string> ceilings_path(const std::string& fingerprint) {
  RIDGELINE_TRY(const std::string folder, cache_folder());
  return fmt::format("{}/peaks-{}.json", folder, fingerprint);
}

Result<Ceilings> read_ceilings(const std::string& path, const std::string& fingerprint) {
  std::error_code failure;
  Ceilings none;
  none.machine = fingerprint;
  if (!fs::exists(fs::symlink_status(path, failure))) return none;
  Result<Json> json = read_json_file(path, kMostBytes);
  if (!json) {
    return bad_input(fmt::format("the measured ceilings cannot be used: {}", json.error().message),
                     kAgain);
  }
  Result<Ceilings> ceilings = ceilings_from_json(*json, path);
  if (!ceilings) {
    return bad_input(fmt::format("the measured ceilings are damaged: {}", ceilings.error().message),
                     kAgain);
  }
  if (ceilings->machine != fingerprint) {
    return bad_input(fmt::format("{} holds the ceilings of another machine ({}; this one is {})",
                                 path, ceilings->machine.substr(0, 40), fingerprint),
                     kAgain);
  }
  return ceilings;
}

Status write_ceilings(const std::string& path, const Ceilings& ceilings) {
  std::error_code failure;
  fs::create_directories(fs::path(path).parent_path(), failure);
  if (failure) {
    return environment_error(
        fmt::format("cannot make the folder of {}: {}", path, failure.message()),
        "set XDG_CACHE_HOME to a folder that can be written");
  }
  // Texts come from engines: what is not UTF-8 in them must not throw.
  const std::string text =
      to_json(ceilings).dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  const Status written = write_text_file(path, text);
  if (!written) return environment_error(written.error().message, written.error().remedy);
  return {};
}

}  // namespace ridgeline::machine
