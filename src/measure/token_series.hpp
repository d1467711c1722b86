// What rows say beside the latency of calls: time to first token, time per token, gaps between
// tokens, time on the device and of the host.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "protocol/sample_file.hpp"
#include "results/record.hpp"

namespace ridgeline::measure {

struct CaseState;

/// Series of one invocation, in seconds and in order.
struct TokenSeries {
  std::vector<double> first;   ///< a call: from its begin to its first token (TTFT)
  std::vector<double> mean;    ///< a call: (end to end - TTFT) / (tokens - 1) (TPOT)
  std::vector<double> gaps;    ///< all: between two tokens of a call (ITL)
  std::vector<double> device;  ///< a call: time on the device by its own events, where it has them
  std::vector<double> host;    ///< a call: from its begin until the host was free again
};

/// Rows are calls, each followed by the rows of its tokens; calls without tokens give only what
/// device and host took.
TokenSeries token_series(std::span<const protocol::SampleRow> rows);

/// Seconds of the calls among the rows.
std::vector<double> call_seconds(std::span<const protocol::SampleRow> rows);

/// Names under which the series of a phase stand among an invocation's samples.
std::string ttft_name(const std::string& phase);
std::string tpot_name(const std::string& phase);
std::string itl_name(const std::string& phase);
std::string device_name(const std::string& phase);
std::string host_name(const std::string& phase);

}  // namespace ridgeline::measure
