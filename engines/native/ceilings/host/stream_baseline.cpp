// Loops that move bytes, for any processor.

#define RIDGELINE_STREAM_BYTES 16
#include "engines/native/ceilings/host/stream_loops.hpp"

namespace ridgeline::native::ceilings {

const StreamLoops kBaselineStream = RIDGELINE_STREAM_LOOPS("baseline");

}  // namespace ridgeline::native::ceilings
