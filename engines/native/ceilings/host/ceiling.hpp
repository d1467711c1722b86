// What a probe asks for and what it answers: one ceiling of one device.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace ridgeline::native::ceilings {

enum class Kind { kRead, kWrite, kCopy, kTriad, kGemm, kLaunch, kHostToDevice, kDeviceToHost };

/// Arrays that a bandwidth kind touches, as STREAM counts them, without the reads of lines that are
/// only written: read 1, write 1, copy 2, triad 3; 1 for transfers; 0 for the others.
constexpr int arrays_of(Kind kind) {
  switch (kind) {
    case Kind::kRead:
    case Kind::kWrite:
    case Kind::kHostToDevice:
    case Kind::kDeviceToHost:
      return 1;
    case Kind::kCopy:
      return 2;
    case Kind::kTriad:
      return 3;
    case Kind::kGemm:
    case Kind::kLaunch:
      return 0;
  }
  return 0;
}

/// The answer to a probe. Rates are work / time of a repetition; for launches `value` is the median
/// time of one.
struct Ceiling {
  double value = 0;  ///< of the best repetition
  std::string unit;  ///< "B/s", "FLOP/s", "OP/s" (integers) or "s"
  double median = 0;
  std::int64_t samples = 0;  ///< repetitions of the kernel that won; warm-up is not counted
  double seconds = 0;        ///< that all repetitions took, those of kernels that lost included
  /// Of these, the last ones, in which nothing but the load ran; 0: there were pauses.
  double steady_seconds = 0;
  std::string kernel;  ///< the one that won: "own avx512, non-temporal stores"
  std::string note = {};
  std::optional<std::int64_t> bytes = {};  ///< working set of all arrays
  std::optional<std::int64_t> bytes_per_repetition = {};
  std::optional<double> flops_per_repetition = {};
  std::optional<std::int64_t> size = {};  ///< rows and columns of a gemm
  std::optional<int> threads = {};        ///< on the CPU
  std::optional<double> round_trip = {};  ///< s, of a launch: until the host has seen its end
};

}  // namespace ridgeline::native::ceilings
