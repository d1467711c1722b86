// Inner loops for any processor.
#define RIDGELINE_LANES 4
#include "engines/native/ops/cpu/step_loops.hpp"

namespace ridgeline::native::ops::cpu {

const Loops kBaselineLoops = RIDGELINE_LOOPS("baseline");

}  // namespace ridgeline::native::ops::cpu
