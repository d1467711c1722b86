// The kernels of the device probes, as CUDA source, and the shapes in which they are launched.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engines/native/ceilings/host/ceiling.hpp"

namespace ridgeline::native::ceilings {

/// Arrays are whole multiples of this: then every shape below covers them without a remainder.
inline constexpr std::int64_t kArrayStep = std::int64_t{1} << 20;

/// Of what a vector load or store moves.
inline constexpr std::int64_t kVectorBytes = 16;

/// CUDA C++ (C++17) for NVRTC: the kernels of one bandwidth kind. Parameters of "read_…": (const
/// void* from, std::int64_t tiles, std::uint64_t* sums), "write_…": (void* to, tiles, std::uint64_t
/// word), "copy_…": (void* to, const void* from, tiles), "triad_…": (void* to, const void* a, const
/// void* b, tiles, float scale), in float32. A tile is threads × loads vectors. Reads leave one sum
/// of their 64-bit words a block, mod 2^64.
std::string device_source(Kind kind);

/// How the tiles are shared out.
enum class Spread {
  kResident,     ///< as many blocks as fit at a time, tiles dealt out in turns
  kOneTileEach,  ///< as many blocks as tiles
};

/// One way to launch a bandwidth kernel.
struct Shape {
  const char* kernel;  ///< without the kind: "plain_4" → "read_plain_4"
  int loads;           ///< independent vectors in flight for each thread
  unsigned threads;    ///< of a block; the kernel is compiled for it
  Spread spread;
};

/// The most promising first.
inline constexpr std::array kShapes = {
    Shape{"once_8", 8, 512, Spread::kResident},    Shape{"plain_8", 8, 512, Spread::kResident},
    Shape{"once_4", 4, 512, Spread::kResident},    Shape{"plain_4", 4, 1024, Spread::kResident},
    Shape{"tile_4", 4, 256, Spread::kOneTileEach}, Shape{"tile_2", 2, 512, Spread::kOneTileEach},
    Shape{"chunked_8", 8, 512, Spread::kResident}, Shape{"once_16", 16, 256, Spread::kResident},
};

/// "read", "write", "copy" or "triad".
const char* kernel_prefix(Kind kind);

}  // namespace ridgeline::native::ceilings
