// Reads domains that are numbers in files.
#include "telemetry/file_source.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "base/clock.hpp"

namespace ridgeline::telemetry {
namespace {

using Combine = FileChannel::Combine;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double mean_of(const std::vector<SensorFile>& files) {
  double sum = 0;
  int count = 0;
  for (const SensorFile& file : files) {
    const double value = file.read();
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? kNaN : sum / count;
}

double value_of(const FileChannel& channel) {
  if (channel.files.empty()) return kNaN;
  if (channel.combine == Combine::kMean) return channel.scale * mean_of(channel.files);
  const bool product = channel.combine == Combine::kProduct;
  double total = product ? 1 : 0;
  for (const SensorFile& file : channel.files) {
    const double value = file.read();
    total = product ? total * value : total + value;
  }
  return channel.scale * total;
}

class FileSource final : public Source {
 public:
  FileSource(std::string_view name, FileFindings findings)
      : name_(name), findings_(std::move(findings)) {}

  std::string_view name() const override { return name_; }
  const Probe& probe() const override { return findings_.probe; }

  void read(std::span<const std::size_t> domains, std::vector<Reading>& readings) override {
    for (const std::size_t index : domains) {
      const std::int64_t begin = now_ns();
      const double value =
          index < findings_.channels.size() ? value_of(findings_.channels[index]) : kNaN;
      const std::int64_t end = now_ns();
      readings.push_back({index, begin + (end - begin) / 2, value});
    }
  }

 private:
  std::string_view name_;
  FileFindings findings_;
};

}  // namespace

void FileFindings::add(Domain domain, FileChannel channel) {
  probe.domains.push_back(std::move(domain));
  channels.push_back(std::move(channel));
}

void FileFindings::add(Domain domain, SensorFile file, double scale) {
  FileChannel channel;
  channel.files.push_back(std::move(file));
  channel.scale = scale;
  add(std::move(domain), std::move(channel));
}

std::unique_ptr<Source> make_file_source(std::string_view name, FileFindings findings) {
  return std::make_unique<FileSource>(name, std::move(findings));
}

}  // namespace ridgeline::telemetry
