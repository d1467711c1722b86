// A source whose domains are numbers in files: what RAPL, hwmon and cpufreq have in common.
#pragma once

#include <string_view>
#include <vector>

#include "telemetry/sensor_file.hpp"
#include "telemetry/source.hpp"

namespace ridgeline::telemetry {

/// The files behind one domain. The value is `scale` times their sum, mean or product.
struct FileChannel {
  enum class Combine {
    kSum,      ///< of all files; one that fails makes the whole NaN, never a part of the sum
    kMean,     ///< of the files that can be read; NaN when none can
    kProduct,  ///< of all files: voltage times current
  };
  std::vector<SensorFile> files;
  double scale = 1;
  Combine combine = Combine::kSum;
};

/// What was found, before it becomes a source: channels[i] reads probe.domains[i].
struct FileFindings {
  Probe probe;
  std::vector<FileChannel> channels;

  void add(Domain domain, FileChannel channel);
  void add(Domain domain, SensorFile file, double scale);
};

/// `name` must outlive the source: a literal.
std::unique_ptr<Source> make_file_source(std::string_view name, FileFindings findings);

}  // namespace ridgeline::telemetry
