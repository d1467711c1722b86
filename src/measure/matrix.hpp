// A plan spread out: every configuration with its cases.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "measure/configuration.hpp"
#include "measure/plan.hpp"

namespace ridgeline::measure {

/// Most cases of one plan.
inline constexpr std::size_t kMaxCases = 10'000;

struct Case {
  std::string id;  ///< case_id() of the configuration and the workload
  Workload workload;
};

struct ConfigurationCases {
  std::string id;  ///< id_of() the configuration
  Configuration configuration;
  std::vector<Case> cases;
};

struct Matrix {
  std::vector<ConfigurationCases> configurations;
  std::vector<std::string> notes;  ///< what a user may not expect, one line each

  std::size_t case_count() const;
};

/// engine × model × architecture × weights × dtype × device × threads × cores × each knob, in this
/// order with the last one fastest; each with batch × sequence, or batch × the texts. Equal
/// combinations are merged. `plan` must be resolved. Above kMaxCases is an error, and so are texts
/// of a batch that do not fit in a message.
Result<Matrix> expand(const Plan& plan, const PlanContext& context);

/// For --dry-run: one line a case, then the notes and the totals.
std::string describe(const Plan& plan, const Matrix& matrix);

}  // namespace ridgeline::measure
