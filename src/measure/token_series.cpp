// Token rows to series.
#include "measure/token_series.hpp"

namespace ridgeline::measure {
namespace {

double seconds(std::int64_t ns) {
  return 1e-9 * static_cast<double>(ns);
}

bool is_token(const protocol::SampleRow& row) {
  return (row.flags & protocol::kRowOfToken) != 0;
}

}  // namespace

TokenSeries token_series(std::span<const protocol::SampleRow> rows) {
  TokenSeries series;
  for (std::size_t at = 0; at < rows.size();) {
    const protocol::SampleRow& call = rows[at++];
    if (is_token(call)) continue;
    if (call.device_ns >= 0) series.device.push_back(seconds(call.device_ns));
    series.host.push_back(seconds(call.enqueued_ns - call.begin_ns));
    const std::size_t first = at;
    while (at < rows.size() && is_token(rows[at])) ++at;
    const std::size_t tokens = at - first;
    if (tokens == 0) continue;
    series.first.push_back(seconds(rows[first].done_ns - call.begin_ns));
    for (std::size_t i = first + 1; i < at; ++i) {
      series.gaps.push_back(seconds(rows[i].done_ns - rows[i].begin_ns));
    }
    if (tokens > 1) {
      series.mean.push_back(seconds(rows[at - 1].done_ns - rows[first].done_ns) /
                            static_cast<double>(tokens - 1));
    }
  }
  return series;
}

std::vector<double> call_seconds(std::span<const protocol::SampleRow> rows) {
  std::vector<double> calls;
  for (const protocol::SampleRow& row : rows) {
    if (!is_token(row)) calls.push_back(seconds(row.done_ns - row.begin_ns));
  }
  return calls;
}

std::string ttft_name(const std::string& phase) {
  return phase + "/ttft";
}
std::string tpot_name(const std::string& phase) {
  return phase + "/tpot";
}
std::string itl_name(const std::string& phase) {
  return phase + "/itl";
}
std::string device_name(const std::string& phase) {
  return phase + "/device";
}
std::string host_name(const std::string& phase) {
  return phase + "/host";
}

}  // namespace ridgeline::measure
