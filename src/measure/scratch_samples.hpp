// A sample file in memory without a name, which therefore cannot be left behind.
#pragma once

#include <cstdint>
#include <utility>

#include "base/descriptor.hpp"
#include "base/error.hpp"
#include "protocol/sample_file.hpp"

namespace ridgeline::measure {

/// On a disk, write-back would stall the timed loop.
class ScratchSamples {
 public:
  /// Room for `capacity` rows, allocated now.
  static Result<ScratchSamples> create(std::uint64_t capacity);
  protocol::SampleFile& file() { return file_; }

 private:
  ScratchSamples(Descriptor memory, protocol::SampleFile file)
      : memory_(std::move(memory)), file_(std::move(file)) {}

  Descriptor memory_;
  protocol::SampleFile file_;
};

/// Rows for `seconds` of calls of `call_seconds` each, generous and bounded: calls get faster as
/// they warm up.
std::uint64_t rows_needed(double seconds, double call_seconds);

/// What no sample file exceeds: 100 MB of rows.
inline constexpr std::uint64_t kMostRows = 1 << 21;

}  // namespace ridgeline::measure
