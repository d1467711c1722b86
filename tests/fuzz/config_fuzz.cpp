// Any bytes as config.json and as a preset.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.hpp"
#include "catalog/families.hpp"
#include "catalog/presets.hpp"
#include "engines/native/checkpoint/model_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ridgeline;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)catalog::parse_preset("fuzz", text);
  const Result<Json> config = parse_json(text, "fuzz");
  if (!config) return 0;
  (void)native::saved_dtype_of(*config, "fuzz");
  const auto type = native::model_type_of(*config, "fuzz");
  const auto names = native::architectures_of(*config, "fuzz");
  if (type && names) (void)catalog::find_architecture(*type, names->front());
  (void)to_line(*config);
  return 0;
}
