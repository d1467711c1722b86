// The table of model families and architectures (families.def), and how to find a row.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::catalog {

/// A row of families.def; all views are of static storage.
struct Architecture {
  std::string_view family;        ///< `model_type` of config.json
  std::string_view modality;      ///< text, vision, speech or multimodal
  std::string_view architecture;  ///< class name of transformers
  std::string_view task;          ///< pipeline tag of the hub
};

/// A `model_type` that means another family.
struct FamilyAlias {
  std::string_view model_type;
  std::string_view family;
};

/// All rows, in the order of the file.
std::span<const Architecture> architectures();
std::span<const FamilyAlias> family_aliases();

/// Names of the families, each once, in the order of the file.
std::vector<std::string_view> family_names();

/// The modalities, in the order reports list them.
std::span<const std::string_view> modality_names();

/// The family a `model_type` means: itself unless it is in the table of aliases.
std::string_view canonical_family(std::string_view model_type,
                                  std::span<const FamilyAlias> aliases = family_aliases());

/// The first row of a family (aliases followed); unknown: an error that lists the families.
Result<Architecture> find_family(std::string_view model_type);

/// The row of an architecture within its family; unknown: an error that lists what there is.
Result<Architecture> find_architecture(std::string_view model_type, std::string_view architecture);

}  // namespace ridgeline::catalog
