// Turns families.def into a table.
#include "catalog/families.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/nearest.hpp"

namespace ridgeline::catalog {
namespace {

constexpr Architecture kArchitectures[] = {
#define RIDGELINE_ARCHITECTURE(family, modality, architecture, task) \
  {#family, #modality, #architecture, task},
#include "catalog/families.def"
};

// The empty row keeps the array legal while there is no alias.
constexpr FamilyAlias kAliases[] = {
#define RIDGELINE_ARCHITECTURE(family, modality, architecture, task)
#define RIDGELINE_FAMILY_ALIAS(model_type, family) {#model_type, #family},
#include "catalog/families.def"
    {},
};

constexpr std::array<std::string_view, 4> kModalities = {"text", "vision", "speech", "multimodal"};

constexpr bool modalities_are_known() {
  for (const Architecture& row : kArchitectures) {
    bool known = false;
    for (const std::string_view modality : kModalities) known = known || row.modality == modality;
    if (!known) return false;
  }
  return true;
}
static_assert(modalities_are_known(), "families.def: a modality is misspelled");

}  // namespace

std::span<const Architecture> architectures() {
  return kArchitectures;
}

std::span<const FamilyAlias> family_aliases() {
  return std::span(kAliases).first(std::size(kAliases) - 1);
}

std::span<const std::string_view> modality_names() {
  return kModalities;
}

std::vector<std::string_view> family_names() {
  std::vector<std::string_view> names;
  for (const Architecture& row : kArchitectures) {
    if (std::find(names.begin(), names.end(), row.family) == names.end()) {
      names.push_back(row.family);
    }
  }
  return names;
}

std::string_view canonical_family(std::string_view model_type,
                                  std::span<const FamilyAlias> aliases) {
  for (const FamilyAlias& alias : aliases) {
    if (alias.model_type == model_type) return alias.family;
  }
  return model_type;
}

Result<Architecture> find_family(std::string_view model_type) {
  const std::string_view family = canonical_family(model_type);
  for (const Architecture& row : kArchitectures) {
    if (row.family == family) return row;
  }
  return unsupported(fmt::format("model_type '{}' is not supported", model_type.substr(0, 100)),
                     suggestion(model_type, family_names()));
}

Result<Architecture> find_architecture(std::string_view model_type, std::string_view architecture) {
  RIDGELINE_TRY(const Architecture first, find_family(model_type));
  std::vector<std::string_view> names;
  for (const Architecture& row : kArchitectures) {
    if (row.family != first.family) continue;
    if (row.architecture == architecture) return row;
    names.push_back(row.architecture);
  }
  return unsupported(fmt::format("architecture '{}' of {} is not supported",
                                 architecture.substr(0, 100), first.family),
                     suggestion(architecture, names));
}

}  // namespace ridgeline::catalog
