// One record as the tables and notes show it: what was measured, in words.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace ridgeline::report {

/// Texts of a case; unknown ones are "–".
struct CaseView {
  std::string model;  ///< hub id, preset, or the last part of a path
  std::string engine;
  std::string architecture;
  std::string device;
  std::string weights;  ///< "synthetic!" stands out on purpose
  std::string dtype;
  std::string threads;
  std::string shape;          ///< "8×128": batch × sequence
  std::string optimizations;  ///< "attention=flash"; refused ones say so
  std::string status;         ///< "ok", "partial" or "failed"
  bool synthetic_weights = false;
  bool synthetic_inputs = false;
  bool refused = false;  ///< an optimization that was asked for was not applied
};

CaseView case_view(const Json& record);

/// "prepack=on, attention=flash" of a list like record.optimizations: those that take effect, and
/// those that were asked for and refused, which it says. "–" for none.
std::string optimizations_text(const Json& optimizations);

/// "attention=flash" of an element of record.optimizations.
std::string optimization_text(const Json& optimization);

/// True when it was not applied.
bool is_refused(const Json& optimization);

}  // namespace ridgeline::report
