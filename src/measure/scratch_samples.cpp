// Files in memory for samples.
#include "measure/scratch_samples.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ridgeline::measure {

Result<ScratchSamples> ScratchSamples::create(std::uint64_t capacity) {
  Descriptor memory(::memfd_create("ridgeline-samples", MFD_CLOEXEC));
  if (!memory.is_open()) {
    return environment_error(fmt::format("cannot make a file in memory: {}", std::strerror(errno)));
  }
  // The worker runs as the same user and may open it through our process.
  const std::string path = fmt::format("/proc/{}/fd/{}", ::getpid(), memory.get());
  RIDGELINE_TRY(protocol::SampleFile file, protocol::SampleFile::create(path, capacity));
  return ScratchSamples(std::move(memory), std::move(file));
}

std::uint64_t rows_needed(double seconds, double call_seconds) {
  // Half again for the warm-up, and twice that because calls get faster as they warm up.
  const double rows = 3.0 * seconds / std::max(call_seconds, 1e-7);
  return static_cast<std::uint64_t>(std::clamp(rows, 4096.0, static_cast<double>(kMostRows)));
}

}  // namespace ridgeline::measure
