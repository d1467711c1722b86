// Watches torch's calls, and the allocations between them.
#include "engines/native/device/tensors_read.hpp"

#include <ATen/record_function.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <memory>
#include <unordered_map>
#include <unordered_set>

namespace ridgeline::native {
namespace {

class Watch final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* address, std::int64_t bytes, std::size_t, std::size_t,
                         c10::Device) override {
    if (bytes > 0) made_.insert(address);
  }
  bool memoryProfilingEnabled() const override { return true; }

  void see(const c10::IValue& value) {
    if (value.isTensor()) {
      see(value.toTensor());
    } else if (value.isTensorList()) {
      for (const at::Tensor& tensor : value.toTensorVector()) see(tensor);
    } else if (value.isList()) {
      for (const c10::IValue& part : value.toListRef()) see(part);
    }
  }

  std::vector<c10::Storage> read() const {
    std::vector<c10::Storage> all;
    all.reserve(read_.size());
    for (const auto& [address, storage] : read_) all.push_back(storage);
    return all;
  }

 private:
  void see(const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.has_storage()) return;
    const c10::Storage& storage = tensor.storage();
    if (storage.data() == nullptr || made_.contains(storage.data())) return;
    read_.emplace(storage.data(), storage);
  }

  std::unordered_set<const void*> made_;
  std::unordered_map<const void*, c10::Storage> read_;
};

// Callbacks are plain functions.
thread_local Watch* active = nullptr;

std::unique_ptr<at::ObserverContext> on_call(const at::RecordFunction& call) {
  if (active == nullptr) return nullptr;
  for (const c10::IValue& input : call.inputs()) active->see(input);
  return nullptr;
}

class Callback {
 public:
  Callback()
      : handle_(
            at::addThreadLocalCallback(at::RecordFunctionCallback(on_call).needsInputs(true).scopes(
                {at::RecordScope::FUNCTION}))) {}
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() {
    at::removeCallback(handle_);
    active = nullptr;
  }

 private:
  at::CallbackHandle handle_;
};

}  // namespace

std::vector<c10::Storage> tensors_read(const std::function<void()>& work) {
  const auto watch = std::make_shared<Watch>();
  const c10::DebugInfoGuard memory(c10::DebugInfoKind::PROFILER_STATE, watch);
  const Callback callback;
  active = watch.get();
  work();
  return watch->read();
}

}  // namespace ridgeline::native
