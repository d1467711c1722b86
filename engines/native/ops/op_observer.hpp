// Who wants to know when an op begins and ends; nobody while something is timed.
#pragma once

#include <c10/core/ScalarType.h>

#include <string_view>

#include "engines/native/ops/ledger.hpp"

namespace ridgeline::native {

/// Told of every op of one thread, in order; an op inside another one begins and ends within it.
class OpObserver {
 public:
  virtual ~OpObserver() = default;
  virtual void begin(std::string_view name, OpClass op_class, at::ScalarType arithmetic) = 0;
  virtual void end() = 0;

  /// That of this thread, or nullptr.
  static OpObserver* active() { return active_; }

 private:
  friend class OpObserverGuard;
  static thread_local OpObserver* active_;
};

/// Makes an observer the active one of this thread for the life of the guard.
class OpObserverGuard {
 public:
  explicit OpObserverGuard(OpObserver& observer) : previous_(OpObserver::active_) {
    OpObserver::active_ = &observer;
  }
  ~OpObserverGuard() { OpObserver::active_ = previous_; }
  OpObserverGuard(const OpObserverGuard&) = delete;
  OpObserverGuard& operator=(const OpObserverGuard&) = delete;

 private:
  OpObserver* previous_;
};

}  // namespace ridgeline::native
