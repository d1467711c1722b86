# Finds LibTorch inside a torch wheel, without find_package(Torch): on a CUDA wheel that asks for a
# whole CUDA toolkit even for a CPU program (pytorch#73427), and all we need is headers and libraries.
#
# Input:   TORCH_ROOT    the wheel's `torch` folder (optional: .venv first, then python3's own)
#          CUDA_INCLUDE  folder of cuda_runtime_api.h (optional: the nvidia wheels beside torch first,
#                        then /usr/local/cuda)
# Output:  TorchWheel_FOUND, TorchWheel_VERSION, TorchWheel_ROOT, TorchWheel_HAS_CUDA,
#          TorchWheel_CUDA_INCLUDE (empty where there is none)
# Targets: TorchWheel::torch  (libtorch_cpu + libc10; RPATH is the wheel's lib folder)
#          TorchWheel::cuda   (the same with libtorch_cuda + libc10_cuda and CUDA's headers; only of a
#                              CUDA build of torch, and where those headers are)

set(TORCH_ROOT "" CACHE PATH "The `torch` folder of an installed or unpacked wheel")
set(CUDA_INCLUDE "" CACHE PATH "The folder of cuda_runtime_api.h")

function(_torch_wheel_locate out)
  if(TORCH_ROOT)
    set(${out} "${TORCH_ROOT}" PARENT_SCOPE)
    return()
  endif()
  file(GLOB in_venv "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(in_venv)
    list(GET in_venv 0 first)
    set(${out} "${first}" PARENT_SCOPE)
    return()
  endif()
  # find_spec locates the package without importing it (importing loads a gigabyte of libraries).
  execute_process(
    COMMAND python3 -c "import importlib.util as u; s = u.find_spec('torch'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

_torch_wheel_locate(TorchWheel_ROOT)
if(TorchWheel_ROOT AND EXISTS "${TorchWheel_ROOT}/version.py")
  file(READ "${TorchWheel_ROOT}/version.py" _version_py)
  string(REGEX MATCH "__version__ = '([^']+)'" _ "${_version_py}")
  set(TorchWheel_VERSION "${CMAKE_MATCH_1}")
endif()

find_library(TorchWheel_C10 c10 PATHS "${TorchWheel_ROOT}/lib" NO_DEFAULT_PATH NO_CACHE)
find_library(TorchWheel_CPU torch_cpu PATHS "${TorchWheel_ROOT}/lib" NO_DEFAULT_PATH NO_CACHE)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchWheel
  REQUIRED_VARS TorchWheel_ROOT TorchWheel_C10 TorchWheel_CPU
  VERSION_VAR TorchWheel_VERSION
  REASON_FAILURE_MESSAGE "no torch wheel found: run `make setup`, or give -DTORCH_ROOT=<...>/site-packages/torch")

# A CPU wheel ships the c10/cuda headers too, but not this generated one.
set(TorchWheel_HAS_CUDA FALSE)
if(EXISTS "${TorchWheel_ROOT}/lib/libtorch_cuda.so"
   AND EXISTS "${TorchWheel_ROOT}/include/c10/cuda/impl/cuda_cmake_macros.h")
  set(TorchWheel_HAS_CUDA TRUE)
endif()

# CUDA 13 has its compiler's headers, which those of the runtime include, in a wheel of their own.
set(TorchWheel_CUDA_INCLUDE "")
file(GLOB _cuda_folders "${TorchWheel_ROOT}/../nvidia/*/include")
foreach(_folder "${CUDA_INCLUDE}" ${_cuda_folders} /usr/local/cuda/include)
  if(NOT TorchWheel_CUDA_INCLUDE AND EXISTS "${_folder}/cuda_runtime_api.h"
     AND EXISTS "${_folder}/crt/host_defines.h")
    set(TorchWheel_CUDA_INCLUDE "${_folder}")
  endif()
endforeach()

if(TorchWheel_FOUND AND NOT TARGET TorchWheel::torch)
  add_library(TorchWheel::torch INTERFACE IMPORTED)
  # The wheel's include folder also holds fmt, pybind11 and others in versions of their own, which
  # would hide the system's. So only torch's headers are shown, through links.
  set(_torch_headers "${PROJECT_BINARY_DIR}/torch-include")
  file(MAKE_DIRECTORY "${_torch_headers}")
  foreach(_folder ATen c10 torch caffe2)
    file(CREATE_LINK "${TorchWheel_ROOT}/include/${_folder}" "${_torch_headers}/${_folder}" SYMBOLIC)
  endforeach()
  target_include_directories(TorchWheel::torch SYSTEM INTERFACE "${_torch_headers}")
  target_compile_definitions(TorchWheel::torch INTERFACE AT_PER_OPERATOR_HEADERS)
  target_link_libraries(TorchWheel::torch INTERFACE "${TorchWheel_CPU}" "${TorchWheel_C10}")
  # A CUDA wheel's libtorch_cpu needs libraries of the nvidia wheels, which it finds by itself at run
  # time; when only the torch wheel was unpacked they are absent at link time, and that is fine.
  target_link_options(TorchWheel::torch INTERFACE
    "-Wl,--allow-shlib-undefined" "-Wl,-rpath,${TorchWheel_ROOT}/lib")
endif()

if(TorchWheel_HAS_CUDA AND TorchWheel_CUDA_INCLUDE AND NOT TARGET TorchWheel::cuda)
  add_library(TorchWheel::cuda INTERFACE IMPORTED)
  target_include_directories(TorchWheel::cuda SYSTEM INTERFACE "${TorchWheel_CUDA_INCLUDE}")
  # Functions of libcudart come with libtorch_cuda, which brings its own: none is linked here.
  target_link_libraries(TorchWheel::cuda INTERFACE
    "${TorchWheel_ROOT}/lib/libtorch_cuda.so" "${TorchWheel_ROOT}/lib/libc10_cuda.so"
    TorchWheel::torch)
endif()
