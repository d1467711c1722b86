// The active observer of each thread.
#include "engines/native/ops/op_observer.hpp"

namespace ridgeline::native {

thread_local OpObserver* OpObserver::active_ = nullptr;

}  // namespace ridgeline::native
