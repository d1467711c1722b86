// Phases that were measured, and what the time model says of them: data/validation.csv. The
// constants of the model are fitted to them: data/validation_fit.csv.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "study/predict_model.hpp"

namespace ridgeline::study {

/// A measured phase. Rates are those that its class counts from: the datasheet's of a GPU, measured
/// ceilings of a CPU.
struct ValidationRow {
  std::string device;
  std::string device_class;  ///< "gpu" or "cpu": the kind of the hardware table
  std::string model;         ///< a preset
  std::string phase;
  std::string dtype;
  std::int64_t batch = 1;
  std::optional<std::int64_t> sequence;
  std::optional<std::int64_t> depth;
  bool recorded = false;  ///< ran as a recorded graph, decoding by fused kernels
  double flops_rate = 0;  ///< FLOP/s of products in `dtype`
  double bytes_rate = 0;  ///< B/s
  double measured = 0;    ///< s, median
  double predicted = 0;   ///< s, by constants that are fitted to all other rows of the class
  std::string source;     ///< the command that measured it, and where it is written down

  /// "bert-base 1×128 bfloat16 forward".
  std::string describe() const;
};

/// The constants of a class of devices.
struct FittedClass {
  std::string device_class;
  TimeConstants constants;
};

/// Reads the CSV texts; an error names the line.
Result<std::vector<ValidationRow>> parse_validation(std::string_view csv);
Result<std::vector<FittedClass>> parse_fit(std::string_view csv);

/// The tables that the build embeds, read once.
const Result<std::vector<ValidationRow>>& validation_table();
const Result<std::vector<FittedClass>>& fit_table();

/// How well a class is predicted, by rows that were left out of their own fit.
struct ValidationError {
  std::size_t rows = 0;
  double median = 0;      ///< |predicted / measured - 1|
  double worst = 0;       ///< the largest of them
  std::string worst_row;  ///< describe() of it
  /// The largest measured / predicted, of rows that ran as recorded graphs, and of the others.
  double longest_recorded = 1;
  double longest_plain = 1;
  std::vector<std::string> devices;
};

/// Of the rows of one class; nothing when there are none.
std::optional<ValidationError> error_of(const std::vector<ValidationRow>& rows,
                                        std::string_view device_class);

}  // namespace ridgeline::study
