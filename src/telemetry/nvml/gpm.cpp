// Samples NVML GPM and sums its rates.
#include "telemetry/nvml/gpm.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ridgeline::telemetry::nvml {
namespace {

constexpr std::int64_t kRefreshNs = 100'000'000;
constexpr int kPatience = 8;  // pairs
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

constexpr const char* kOfCycles = "share of elapsed cycles, not of time: read it beside the clocks";

constexpr GpmRow kRows[] = {
    {kGpmDram, Kind::kTraffic, "traffic.dram", "dram", GpmRow::Rate::kDramShare,
     "share of the theoretical bandwidth at the memory clock of the interval"},
    {kGpmPcieTx, Kind::kTraffic, "traffic.pcie_tx", "pcie_tx", GpmRow::Rate::kMebibytes,
     "from the GPU"},
    {kGpmPcieRx, Kind::kTraffic, "traffic.pcie_rx", "pcie_rx", GpmRow::Rate::kMebibytes,
     "to the GPU"},
    {kGpmNvlinkTx, Kind::kTraffic, "traffic.nvlink_tx", "nvlink_tx", GpmRow::Rate::kMebibytes,
     "all links"},
    {kGpmNvlinkRx, Kind::kTraffic, "traffic.nvlink_rx", "nvlink_rx", GpmRow::Rate::kMebibytes,
     "all links"},
    {kGpmSm, Kind::kActivity, "activity.sm", "sm", GpmRow::Rate::kShare, kOfCycles},
    {kGpmSmOccupancy, Kind::kActivity, "activity.sm_occupancy", "sm_occupancy",
     GpmRow::Rate::kShare, kOfCycles},
    {kGpmTensor, Kind::kActivity, "activity.tensor", "tensor", GpmRow::Rate::kShare, kOfCycles},
    {kGpmFp64, Kind::kActivity, "activity.fp64", "fp64", GpmRow::Rate::kShare, kOfCycles},
    {kGpmFp32, Kind::kActivity, "activity.fp32", "fp32", GpmRow::Rate::kShare, kOfCycles},
    {kGpmFp16, Kind::kActivity, "activity.fp16", "fp16", GpmRow::Rate::kShare, kOfCycles},
};
constexpr std::size_t kRowCount = std::size(kRows);
static_assert(kRowCount <= std::size(GpmMetrics{}.metrics));

}  // namespace

std::span<const GpmRow> gpm_rows() {
  return kRows;
}

GpmCounter::GpmCounter(std::shared_ptr<const Library> library, DeviceHandle device, Clock clock)
    : library_(std::move(library)),
      device_(device),
      clock_(std::move(clock)),
      has_(kRowCount, 1),
      committed_(kRowCount, 0.0),
      shown_(kRowCount, kNan),
      failures_(kRowCount, 0),
      request_(std::make_unique<GpmMetrics>()) {
  std::uint32_t bits = 0;
  if (call((*library_)->memory_bus_width, device_, &bits) == Return::kSuccess) {
    bus_width_bits_ = bits;
  }
}

GpmCounter::~GpmCounter() {
  for (const Sample& sample : {base_, latest_}) {
    if (sample.handle != nullptr) call((*library_)->gpm_sample_free, sample.handle);
  }
  if (set_streaming_) call((*library_)->gpm_set_streaming, device_, 0u);
}

GpmCounter::Opened GpmCounter::open(std::shared_ptr<const Library> library, DeviceHandle device,
                                    Clock clock) {
  using Step = Opened::Step;
  const Functions& functions = library->functions();
  GpmSupport support{kGpmVersion, 0};
  const Return asked = call(functions.gpm_support, device, &support);
  if (asked != Return::kSuccess) return {nullptr, asked, Step::kSupport};
  if (support.supported == 0) return {nullptr, Return::kNotSupported, Step::kSupport};

  std::unique_ptr<GpmCounter> counter(new GpmCounter(std::move(library), device, std::move(clock)));
  Return begun = counter->begin();
  if (begun == Return::kSuccess) return {std::move(counter)};
  std::uint32_t streaming = 1;
  const Return state = call(functions.gpm_streaming, device, &streaming);
  if (state != Return::kSuccess || streaming != 0) return {nullptr, begun, Step::kSample};
  const Return set = call(functions.gpm_set_streaming, device, 1u);
  if (set != Return::kSuccess) return {nullptr, set, Step::kStreaming};
  counter->set_streaming_ = true;
  begun = counter->begin();
  if (begun != Return::kSuccess) return {nullptr, begun, Step::kSample};
  return {std::move(counter)};
}

Return GpmCounter::begin() {
  for (Sample* sample : {&base_, &latest_}) {
    if (sample->handle == nullptr) {
      const Return made = call((*library_)->gpm_sample_alloc, &sample->handle);
      if (made != Return::kSuccess) return made;
    }
    const Return taken = take(*sample);
    if (taken != Return::kSuccess) return taken;
  }
  // Too close for values, but it tells which metrics the GPU does not have, and whether it may be
  // asked at all.
  for (std::size_t row = 0; row < kRowCount; ++row) request_rows_.push_back(row);
  const Return computed = compute();
  request_rows_.clear();
  if (computed == Return::kNoPermission || computed == Return::kNotSupported ||
      computed == Return::kFunctionNotFound) {
    return computed;
  }
  for (std::size_t row = 0; row < kRowCount; ++row) {
    const bool needs_width = kRows[row].rate == GpmRow::Rate::kDramShare;
    has_[row] = request_->metrics[row].status != Return::kNotSupported &&
                (!needs_width || knows_bandwidth());
    if (has_[row]) request_rows_.push_back(row);
  }
  show_nothing();
  std::fill(failures_.begin(), failures_.end(), 0);
  return Return::kSuccess;
}

Return GpmCounter::take(Sample& sample) {
  const std::int64_t before = clock_();
  const Return taken = call((*library_)->gpm_sample_get, device_, sample.handle);
  const std::int64_t after = clock_();
  sample.ns = before + (after - before) / 2;
  if (taken != Return::kSuccess) return taken;
  std::uint32_t megahertz = 0;
  const Return read = call((*library_)->clock, device_, kClockMemory, &megahertz);
  sample.memory_hz = read == Return::kSuccess && megahertz > 0 ? megahertz * 1e6 : kNan;
  return taken;
}

void GpmCounter::update() {
  if (tried_ && clock_() - latest_.ns < kRefreshNs) return;
  tried_ = true;
  if (take(latest_) != Return::kSuccess) return show_nothing();
  if (!based_) {
    based_ = true;
    shown_ = committed_;
  } else if (compute() != Return::kSuccess || !may_commit()) {
    return;
  }
  committed_ = shown_;
  // The sample of the last pair becomes the first of the next; its buffer takes the next sample.
  std::swap(base_.handle, latest_.handle);
  base_.ns = latest_.ns;
  base_.memory_hz = latest_.memory_hz;
}

Return GpmCounter::compute() {
  GpmMetrics& request = *request_;
  request.version = kGpmVersion;
  request.count = static_cast<std::uint32_t>(request_rows_.size());
  request.first = base_.handle;
  request.second = latest_.handle;
  for (std::size_t i = 0; i < request_rows_.size(); ++i) {
    request.metrics[i] = {};
    request.metrics[i].metric = kRows[request_rows_[i]].metric;
    request.metrics[i].status = Return::kNoData;
    request.metrics[i].value = kNan;
  }
  const Return computed = call((*library_)->gpm_metrics, &request);
  if (computed != Return::kSuccess) {
    show_nothing();
    return computed;
  }
  for (std::size_t i = 0; i < request_rows_.size(); ++i) {
    const std::size_t row = request_rows_[i];
    const GpmMetric& metric = request.metrics[i];
    const bool good =
        metric.status == Return::kSuccess && std::isfinite(metric.value) && metric.value >= 0;
    shown_[row] = good ? committed_[row] + increment(kRows[row], metric.value) : kNan;
    failures_[row] = std::isfinite(shown_[row]) ? 0 : failures_[row] + 1;
  }
  return computed;
}

bool GpmCounter::may_commit() const {
  return std::all_of(request_rows_.begin(), request_rows_.end(), [&](std::size_t row) {
    return failures_[row] == 0 || failures_[row] >= kPatience;
  });
}

double GpmCounter::increment(const GpmRow& row, double rate) const {
  const double seconds = static_cast<double>(latest_.ns - base_.ns) * 1e-9;
  switch (row.rate) {
    case GpmRow::Rate::kShare:
      return rate / 100 * seconds;
    case GpmRow::Rate::kMebibytes:
      return rate * 1048576 * seconds;
    case GpmRow::Rate::kDramShare: {
      // Two transfers a clock; the clock is the mean of both ends of the interval.
      const double hertz = (base_.memory_hz + latest_.memory_hz) / 2;
      return rate / 100 * (2 * hertz * bus_width_bits_ / 8) * seconds;
    }
  }
  return kNan;
}

void GpmCounter::show_nothing() {
  std::fill(shown_.begin(), shown_.end(), kNan);
}

}  // namespace ridgeline::telemetry::nvml
