// Collects pieces of advice and puts the most promising first.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/advice.hpp"

namespace ridgeline::analysis {

/// What kind of advice it is, in the order in which it is shown.
enum class AdviceKind {
  kMeasure,  ///< a figure is missing or wrong
  kFaster,   ///< the same work in less time
  kRows,     ///< more rows in little more time
  kRest,     ///< what is left for kernels
  kOption,   ///< no figure
};

class AdviceList {
 public:
  /// Left out when `high` promises less than 2 %, or when it stands there already.
  void add(AdviceKind kind, std::string what, std::optional<double> high, std::string why);

  /// The first four.
  std::vector<Advice> take();

 private:
  struct Entry {
    AdviceKind kind;
    Advice advice;
  };
  std::vector<Entry> entries_;
};

}  // namespace ridgeline::analysis
