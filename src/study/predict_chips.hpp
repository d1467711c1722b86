// The chips that a prediction is for: rows of the hardware table by name, or this machine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "machine/datasheet.hpp"
#include "measure/configuration.hpp"
#include "measure/efficiency.hpp"
#include "study/predict_model.hpp"

namespace ridgeline::study {

/// A device to predict for.
struct Chip {
  std::string name;
  std::string vendor;
  std::string kind;  ///< as in the hardware table; "gpu" or "cpu" decides which constants hold
  bool here = false;
  DeviceRates rates;
  machine::Datasheet datasheet;    ///< its limits; of a row that is several devices, one's share
  std::vector<double> capacities;  ///< B of memory, every size there is, smallest first
  std::string capacity_of;         ///< "device memory", "host memory that is free"
  std::string no_capacity;         ///< why there is none
  std::optional<double> power;     ///< W, the vendor's limit
  std::string missing;             ///< why no time can be predicted at all; empty: it can
  std::vector<std::string> notes;

  bool is_accelerator() const { return kind != "cpu"; }
};

/// A chip of a row. One that drivers show as several devices stands for one of them.
Chip chip_of(const machine::DatasheetRow& row);

/// This machine's device as the configuration names it: by measured ceilings where there are some
/// for these threads, else by the datasheet. `engine` is the hello of the engine. Environment
/// error: neither says what memory or products can do.
Result<Chip> chip_here(const measure::MachineLimits& limits,
                       const measure::Configuration& configuration, const Json& engine);

/// The row that a name means: by the whole name (with or without its vendor), else by its last
/// words, by some words, by a part; the first of these that any row meets decides. Letter case,
/// blanks, '-' and '_' do not matter. "all": every row, in the order of the table. Several: an
/// error that lists them. None: an error with the nearest name.
Result<std::vector<const machine::DatasheetRow*>> find_rows(
    std::string_view name, const std::vector<machine::DatasheetRow>& rows);

}  // namespace ridgeline::study
