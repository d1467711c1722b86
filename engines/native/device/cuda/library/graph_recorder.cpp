// Graphs of CUDA. The steps of at::cuda::CUDAGraph, taken one by one: that class leaves the
// allocator in the middle of a recording when one fails, and a failure must cost nothing here.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>

#include <exception>
#include <utility>

#include "engines/native/device/cuda/library.hpp"

namespace ridgeline::native::cuda {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;
using c10::cuda::CUDAGuard;

// Forgets what a call that was allowed to fail left behind.
void clear_error() {
  (void)cudaGetLastError();
}

// torch 2.13 wants to know that a stream records; older ones do not ask.
template <typename Torch>
void mark_recording(Torch& torch, c10::DeviceIndex device, bool begins) {
  if constexpr (requires { torch.markCaptureBegin(device); }) {
    begins ? torch.markCaptureBegin(device) : torch.markCaptureEnd(device);
  }
}

void leave_pool(c10::DeviceIndex device, c10::MempoolId_t pool) noexcept {
  try {
    allocator::releasePool(device, pool);
  } catch (const std::exception&) {
    // The device is lost, and the next use of it says so.
  }
}

class RecordedGraph final : public Graph {
 public:
  // Takes the place of one user of the pool.
  RecordedGraph(c10::DeviceIndex device, c10::MempoolId_t pool, cudaGraph_t graph)
      : device_(device), pool_(pool) {
    const CUDAGuard guard(device_);
    // Kernels keep the priority of the stream that they were recorded on.
    cudaError_t failure =
        cudaGraphInstantiateWithFlags(&ready_, graph, cudaGraphInstantiateFlagUseNodePriority);
    // Code and the graph itself go to the device now, not with the first replay.
    if (failure == cudaSuccess) {
      failure = cudaGraphUpload(ready_, c10::cuda::getCurrentCUDAStream(device_));
    }
    (void)cudaGraphDestroy(graph);
    if (failure != cudaSuccess) release();
    C10_CUDA_CHECK(failure);
  }
  RecordedGraph(const RecordedGraph&) = delete;
  RecordedGraph& operator=(const RecordedGraph&) = delete;
  ~RecordedGraph() override { release(); }

  void replay() override {
    const CUDAGuard guard(device_);
    C10_CUDA_CHECK(cudaGraphLaunch(ready_, c10::cuda::getCurrentCUDAStream(device_)));
  }

 private:
  void release() noexcept {
    if (ready_ != nullptr) (void)cudaGraphExecDestroy(std::exchange(ready_, nullptr));
    leave_pool(device_, pool_);
  }

  c10::DeviceIndex device_;
  c10::MempoolId_t pool_;
  cudaGraphExec_t ready_ = nullptr;
};

class Recorder final : public GraphRecorder {
 public:
  explicit Recorder(c10::DeviceIndex device)
      : device_(device), pool_(at::cuda::graph_pool_handle()) {
    // Its own use of the pool: one that nobody uses any more cannot be taken up again.
    allocator::createOrIncrefPool(device_, pool_);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() override {
    abandon();
    leave_pool(device_, pool_);
  }

  void begin() override {
    const CUDAGuard guard(device_);
    const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream(device_);
    TORCH_CHECK(stream != c10::cuda::getDefaultCUDAStream(device_),
                "the default stream cannot be recorded");
    stream_ = stream.stream();
    // Streams that join the recording get its id, and their memory is of the pool too.
    allocator::beginAllocateToPool(device_, pool_, [this](cudaStream_t asking) {
      return capture_id_ != 0 && id_of(asking) == capture_id_;
    });
    recording_ = true;
    try {
      C10_CUDA_CHECK(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal));
      begun_ = true;
      mark_recording(*allocator::get(), device_, true);
      capture_id_ = id_of(stream_);
    } catch (...) {
      abandon();
      throw;
    }
  }

  std::unique_ptr<Graph> end() override {
    const CUDAGuard guard(device_);
    cudaGraph_t graph = nullptr;
    const cudaError_t failure = stop(graph);
    if (failure == cudaSuccess && graph != nullptr) {
      return std::make_unique<RecordedGraph>(device_, pool_, graph);
    }
    allocator::releasePool(device_, pool_);
    clear_error();
    TORCH_CHECK(failure != cudaSuccess, "nothing was recorded");
    C10_CUDA_CHECK(failure);
    return nullptr;
  }

  void abandon() noexcept override {
    if (!recording_) return;
    try {
      const CUDAGuard guard(device_);
      cudaGraph_t graph = nullptr;
      (void)stop(graph);
      if (graph != nullptr) (void)cudaGraphDestroy(graph);
      allocator::releasePool(device_, pool_);
    } catch (const std::exception&) {
      // The device is lost, and the next use of it says so.
    }
    clear_error();
  }

  std::int64_t pool_bytes() const override {
    std::int64_t bytes = 0;
    for (const auto& segment : allocator::snapshot(pool_).segments) {
      if (segment.owner_private_pool_id == pool_) {
        bytes += static_cast<std::int64_t>(segment.total_size);
      }
    }
    return bytes;
  }

 private:
  // 0 for a stream that is not recorded.
  static c10::CaptureId_t id_of(cudaStream_t stream) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    c10::CaptureId_t id = 0;
    C10_CUDA_CHECK(cudaStreamGetCaptureInfo(stream, &status, &id));
    return status == cudaStreamCaptureStatusActive ? id : 0;
  }

  // Ends the recording on the stream and in the allocator, whatever became of it.
  cudaError_t stop(cudaGraph_t& graph) {
    recording_ = false;
    const cudaError_t failure =
        begun_ ? cudaStreamEndCapture(stream_, &graph) : cudaErrorStreamCaptureUnmatched;
    if (std::exchange(begun_, false)) mark_recording(*allocator::get(), device_, false);
    capture_id_ = 0;
    allocator::endAllocateToPool(device_, pool_);
    return failure;
  }

  c10::DeviceIndex device_;
  c10::MempoolId_t pool_;
  cudaStream_t stream_ = nullptr;
  c10::CaptureId_t capture_id_ = 0;
  bool recording_ = false;
  bool begun_ = false;
};

std::unique_ptr<GraphRecorder> make_recorder(c10::DeviceIndex device) {
  return std::make_unique<Recorder>(device);
}

constexpr Library kLibrary = {kInterface, RIDGELINE_TORCH_VERSION, make_recorder};

}  // namespace
}  // namespace ridgeline::native::cuda

extern "C" const ridgeline::native::cuda::Library* ridgeline_cuda_library() {
  return &ridgeline::native::cuda::kLibrary;
}
