// Which factory builds which family: the rows of families.def, as a table.
#include <fmt/format.h>

#include "engines/native/models/model.hpp"

namespace ridgeline::native {

// The rows of families.def name the factories: make_<family>, defined in models/<family>.cpp. A
// family has several rows; declaring its factory again is harmless, and the first match wins.
#define RIDGELINE_ARCHITECTURE(family, modality, architecture, task) \
  Result<std::unique_ptr<Model>> make_##family(Scope scope, const ModelRequest& request);
#include "catalog/families.def"

namespace {

struct Row {
  std::string_view family;
  ModelFactory factory;
};

#define RIDGELINE_ARCHITECTURE(family, modality, architecture, task) Row{#family, make_##family},
constexpr Row kFactories[] = {
#include "catalog/families.def"
};

}  // namespace

Result<ModelFactory> find_factory(std::string_view family) {
  for (const Row& row : kFactories) {
    if (row.family == family) return row.factory;
  }
  return unsupported(fmt::format("the native engine does not build family '{}'", family),
                     "see `ridgeline list families`");
}

}  // namespace ridgeline::native
