// Loops that move bytes, for processors with AVX2; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_STREAM_BYTES 32
#include "engines/native/ceilings/host/stream_loops.hpp"

namespace ridgeline::native::ceilings {

const StreamLoops kAvx2Stream = RIDGELINE_STREAM_LOOPS("avx2");

}  // namespace ridgeline::native::ceilings
#endif
