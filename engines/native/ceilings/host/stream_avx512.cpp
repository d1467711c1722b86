// Loops that move bytes, for processors with AVX512; compiled with its flags.
#if defined(__x86_64__)
#define RIDGELINE_STREAM_BYTES 64
#include "engines/native/ceilings/host/stream_loops.hpp"

namespace ridgeline::native::ceilings {

const StreamLoops kAvx512Stream = RIDGELINE_STREAM_LOOPS("avx512");

}  // namespace ridgeline::native::ceilings
#endif
