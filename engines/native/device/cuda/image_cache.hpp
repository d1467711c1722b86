// Compiled kernels on disk, so that the second start of a program does not compile them again.
#pragma once

#include <string>

#include "engines/native/device/cuda/nvrtc.hpp"

namespace ridgeline::native::cuda {

/// The image that Nvrtc::compile gives, from `kernels/` in the cache folder if it was compiled
/// there before: under the hash of source, architecture and compiler version. A file that is
/// damaged is compiled anew and replaced; a folder that cannot be written costs nothing but the
/// compilation.
Result<Image> compile_once(const Nvrtc& nvrtc, const std::string& source, const std::string& name,
                           Capability device);

/// The same in a given folder, which is made when it is not there.
Result<Image> compile_once(const Nvrtc& nvrtc, const std::string& source, const std::string& name,
                           Capability device, const std::string& folder);

}  // namespace ridgeline::native::cuda
