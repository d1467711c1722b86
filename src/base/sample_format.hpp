// The form of a sample file, shared by who writes one (protocol) and who reads one back (results).
//
// Little-endian. A header of 64 bytes, then rows of 48 bytes. Times are CLOCK_MONOTONIC in
// nanoseconds.
#pragma once

#include <cstdint>

namespace ridgeline::samples {

inline constexpr char kMagic[8] = {'R', 'L', 'S', 'A', 'M', 'P', 'L', 'E'};
inline constexpr std::uint32_t kVersion = 1;

/// 2^32 rows are 200 GB: above it a capacity is a mistake, below it sizes cannot overflow.
inline constexpr std::uint64_t kMaxCapacity = 1ull << 32;

/// The row covers several calls that were queued back to back.
inline constexpr std::uint32_t kRowOfManyCalls = 1;
/// The row is one token of the call whose row stands before it.
inline constexpr std::uint32_t kRowOfToken = 2;

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t row_size;
  std::uint64_t capacity;
  std::uint64_t count;  ///< stored with release order after the row
  std::uint64_t dropped;
  std::uint64_t reserved[3];
};
static_assert(sizeof(Header) == 64);

/// One timed call, or one token of it.
struct Row {
  std::uint32_t rank = 0;        ///< of a tensor-parallel group; else 0
  std::uint32_t flags = 0;       ///< kRowOfManyCalls or kRowOfToken; other bits are 0
  std::int64_t begin_ns = 0;     ///< before the work was handed over
  std::int64_t enqueued_ns = 0;  ///< the host was free again (equals done on a CPU)
  std::int64_t done_ns = 0;      ///< the result was there
  std::int64_t device_ns = -1;   ///< time on the device by its own events; -1: unknown
  double items = 1;              ///< units of work done, in the phase's unit
};
static_assert(sizeof(Row) == 48);

}  // namespace ridgeline::samples
