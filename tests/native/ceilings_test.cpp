// Ceilings that need torch, and the seam to NVRTC: as far as a machine without a GPU can tell.
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engines/native/ceilings/device_kernels.hpp"
#include "engines/native/ceilings/gemm.hpp"
#include "engines/native/ceilings/launch.hpp"
#include "engines/native/ceilings/products.hpp"
#include "engines/native/device/cuda/driver.hpp"
#include "engines/native/device/cuda/nvrtc.hpp"
#include "tests/support/temp_folder.hpp"

namespace ridgeline::native {
namespace {

using ceilings::GemmDtype;
using ceilings::Kind;
using testing::HasSubstr;
using testing::StartsWith;

ceilings::Request cpu_request(Kind kind) {
  ceilings::Request request;
  request.kind = kind;
  request.placement = *ceilings::place_threads(0, "");
  request.seconds = 0.02;
  return request;
}

TEST(Ceilings_gemm, counts_two_operations_a_product_and_names_the_winner) {
  for (const GemmDtype dtype :
       {GemmDtype::kFloat64, GemmDtype::kFloat32, GemmDtype::kBfloat16, GemmDtype::kInt8}) {
    ceilings::Request request = cpu_request(Kind::kGemm);
    request.dtype = dtype;
    request.size = 64;
    const auto found = ceilings::gemm_rate(request);
    ASSERT_TRUE(found) << found.error().line();
    EXPECT_EQ(found->size, 64);
    EXPECT_EQ(std::fmod(*found->flops_per_repetition, 2. * 64 * 64 * 64), 0);
    EXPECT_EQ(found->unit, dtype == GemmDtype::kInt8 ? "OP/s" : "FLOP/s");
    EXPECT_GE(found->value, found->median);
    EXPECT_GT(found->median, 0);
    EXPECT_FALSE(found->kernel.empty());
  }
}

TEST(Ceilings_gemm, chooses_a_size_and_leaves_the_threads_of_torch_as_they_were) {
  const int threads = at::get_num_threads();
  ceilings::Request request = cpu_request(Kind::kGemm);
  request.placement = *ceilings::place_threads(1, "");
  const auto found = ceilings::gemm_rate(request);
  ASSERT_TRUE(found) << found.error().line();
  EXPECT_GE(*found->size, 192);
  EXPECT_EQ(found->threads, 1);
  EXPECT_EQ(at::get_num_threads(), threads);
}

TEST(Ceilings_gemm, refuses_what_the_cpu_cannot_do_and_what_does_not_fit) {
  ceilings::Request request = cpu_request(Kind::kGemm);
  for (const GemmDtype dtype : {GemmDtype::kTfloat32, GemmDtype::kFloat8}) {
    request.dtype = dtype;
    EXPECT_EQ(ceilings::gemm_rate(request).error().error_class, ErrorClass::kUnsupported);
  }
  request.dtype = GemmDtype::kFloat64;
  request.size = 131072;
  const auto large = ceilings::gemm_rate(request);
  if (large) GTEST_SKIP() << "more than half a terabyte of memory";
  EXPECT_EQ(large.error().error_class, ErrorClass::kOomHost);
  EXPECT_GT(large.error().bytes_needed.value_or(0), std::int64_t{1} << 38);
}

TEST(Ceilings_products, all_ways_of_a_dtype_multiply_without_an_error) {
  for (const GemmDtype dtype : {GemmDtype::kFloat64, GemmDtype::kFloat32, GemmDtype::kBfloat16,
                                GemmDtype::kFloat16, GemmDtype::kInt8}) {
    const auto ways = ceilings::products(dtype, at::kCPU, 32);
    EXPECT_FALSE(ways.empty());
    for (const auto& way : ways) EXPECT_NO_THROW(way.run()) << way.name;
  }
}

TEST(Ceilings_launch, of_a_cpu_is_the_cost_of_a_tiny_operation) {
  const auto found = ceilings::launch_latency(cpu_request(Kind::kLaunch));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->unit, "s");
  EXPECT_GT(found->value, 1e-8);
  EXPECT_LT(found->value, 1e-3);
  EXPECT_FALSE(found->round_trip);
}

// --- NVRTC ------------------------------------------------------------------------------------

std::string error_of(const Result<cuda::Image>& image) {
  return image ? "" : image.error().line();
}

TEST(Nvrtc, a_missing_or_broken_library_is_an_error_that_says_how_to_get_it) {
  const test::TempFolder folder;
  folder.write("libnvrtc.so.13", "no library");
  const std::vector<std::string> folders = {folder.path()};
  const auto opened = cuda::Nvrtc::open(folders);
  if (opened) GTEST_SKIP() << "NVRTC is installed here";
  EXPECT_EQ(opened.error().error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(opened.error().line(), HasSubstr("libnvrtc.so.13 or libnvrtc.so.12 was not found"));
  EXPECT_THAT(opened.error().remedy, HasSubstr("nvidia-cuda-nvrtc"));
}

TEST(Nvrtc, compiles_the_bandwidth_kernels_for_every_generation) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  for (const Kind kind : {Kind::kRead, Kind::kWrite, Kind::kCopy, Kind::kTriad}) {
    for (const cuda::Capability device : {cuda::Capability{8, 0}, cuda::Capability{9, 0}}) {
      const auto image = nvrtc->compile(ceilings::device_source(kind), "bandwidth.cu", device);
      ASSERT_TRUE(image) << image.error().line();
      EXPECT_FALSE(image->is_ptx);
      EXPECT_EQ(image->arch, "sm_" + device.digits());
      EXPECT_THAT(image->bytes, StartsWith("\x7F"
                                           "ELF"));
      for (const ceilings::Shape& shape : ceilings::kShapes) {
        const std::string name = std::string(ceilings::kernel_prefix(kind)) + "_" + shape.kernel;
        EXPECT_THAT(image->bytes, HasSubstr(".text." + name));
      }
    }
  }
}

TEST(Nvrtc, gives_portable_code_for_a_newer_device_and_errors_of_the_source) {
  const auto nvrtc = cuda::Nvrtc::open();
  if (!nvrtc) GTEST_SKIP() << nvrtc.error().line();
  const std::string source = "extern \"C\" __global__ void one(int* p) { *p = 1; }";
  const auto newer = nvrtc->compile(source, "one.cu", {99, 0});
  ASSERT_TRUE(newer) << newer.error().line();
  EXPECT_TRUE(newer->is_ptx);
  EXPECT_THAT(newer->bytes, HasSubstr(".visible .entry one"));
  EXPECT_EQ(newer->bytes.back(), '\0');
  EXPECT_EQ(nvrtc->compile(source, "one.cu", {1, 0}).error().error_class, ErrorClass::kUnsupported);
  EXPECT_THAT(error_of(nvrtc->compile("void f() { undeclared(); }", "bad.cu", {9, 0})),
              HasSubstr("bad.cu(1): error"));
}

TEST(CudaDriver, is_an_environment_error_where_there_is_none) {
  const auto driver = cuda::Driver::get();
  if (driver) GTEST_SKIP() << "there is a CUDA driver";
  EXPECT_EQ(driver.error().error_class, ErrorClass::kEnvironment);
  EXPECT_THAT(driver.error().line(), HasSubstr("nvidia-smi"));
}

// What the launches rely on: every shape covers an array without a remainder.
TEST(DeviceKernels, tiles_of_every_shape_divide_arrays) {
  for (const ceilings::Shape& shape : ceilings::kShapes) {
    const std::int64_t tile = std::int64_t{shape.threads} * shape.loads * ceilings::kVectorBytes;
    EXPECT_EQ(ceilings::kArrayStep % tile, 0) << shape.kernel;
    EXPECT_EQ(shape.threads % 32, 0U) << shape.kernel;
  }
}

}  // namespace
}  // namespace ridgeline::native
