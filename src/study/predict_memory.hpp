// Whether a workload fits into a memory, and the largest ones that do.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "study/predict_work.hpp"

namespace ridgeline::study {

/// Kept free of what a memory has: the context of the driver and libraries, and what an allocator
/// cannot use because it lies in pieces. An assumption, not a measurement.
inline constexpr double kReserveBytes = 1024.0 * 1024 * 1024;
inline constexpr double kReserveShare = 0.05;

/// Bytes of a memory of that size that a model can have; never below 0.
double usable_bytes(double capacity);

/// The largest peak of the phases that are measured.
double peak_of(const ModelWork& work);

/// The phase with that peak.
const PhaseMemory& memory_at_peak(const ModelWork& work);

/// A whole number that is searched for, or why there is none.
struct Largest {
  std::optional<std::int64_t> value;
  std::string
      limited_by;  ///< of a value: "memory", or "model" where the model refuses the next one
  std::string reason;
};

/// What a peak is as one size of the workload grows; an error where the model refuses that size.
using PeakOfSize = std::function<Result<double>(std::int64_t size)>;

/// Remembers answers: many chips ask about the same sizes.
PeakOfSize remembered(PeakOfSize peak);

/// The largest size up to `most` whose peak fits into `usable` bytes. Peaks grow nearly in
/// proportion, so a line through the last two answers finds it in a few questions; the answer was
/// always asked for, and so was the next size.
Largest largest_size(const PeakOfSize& peak, double usable, std::int64_t most);

}  // namespace ridgeline::study
