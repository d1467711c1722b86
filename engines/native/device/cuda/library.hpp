// libridgeline-cuda.so: what only a CUDA build of torch has headers for. It lies beside the program
// and is opened after the CUDA half of torch, so that a program without either runs on the CPU.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <string>

#include "base/error.hpp"
#include "engines/native/device/graph.hpp"

namespace ridgeline::native::cuda {

/// What the library hands out. Both sides are compiled from this header; `torch` and `interface`
/// are compared before anything else is touched.
struct Library {
  int interface;      ///< kInterface of the header that it was compiled with
  const char* torch;  ///< release of torch that it was compiled with
  std::unique_ptr<GraphRecorder> (*make_recorder)(c10::DeviceIndex device);
};

/// Raised with every change of Library or GraphRecorder.
inline constexpr int kInterface = 1;
inline constexpr const char* kFileName = "libridgeline-cuda.so";
/// extern "C", returns const Library*.
inline constexpr const char* kEntry = "ridgeline_cuda_library";

/// Opens and checks a library of that path; it stays open to the end. The error says whether it is
/// missing, cannot be linked (no CUDA half of torch), or belongs to another build.
Result<const Library*> open_library(const std::string& path);

/// The library beside this program, opened once.
Result<const Library*> library();

}  // namespace ridgeline::native::cuda
