// Products of ATen and oneDNN, by dtype.
#include "engines/native/ceilings/products.hpp"

#include <ATen/Context.h>
#include <ATen/core/List.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/_int_mm.h>
#include <ATen/ops/_scaled_mm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <array>

#include "engines/native/ops/ops.hpp"

namespace ridgeline::native::ceilings {
namespace {

struct DtypeRow {
  GemmDtype dtype;
  std::string_view name;
  at::ScalarType stored;
  at::ScalarType result;
};

constexpr std::array kDtypes = {
    DtypeRow{GemmDtype::kFloat64, "float64", at::kDouble, at::kDouble},
    DtypeRow{GemmDtype::kFloat32, "float32", at::kFloat, at::kFloat},
    DtypeRow{GemmDtype::kTfloat32, "tfloat32", at::kFloat, at::kFloat},
    DtypeRow{GemmDtype::kBfloat16, "bfloat16", at::kBFloat16, at::kBFloat16},
    DtypeRow{GemmDtype::kFloat16, "float16", at::kHalf, at::kHalf},
    DtypeRow{GemmDtype::kInt8, "int8", at::kChar, at::kInt},
    DtypeRow{GemmDtype::kFloat8, "float8_e4m3", at::kFloat8_e4m3fn, at::kBFloat16},
};

const DtypeRow& row_of(GemmDtype dtype) {
  return kDtypes[static_cast<std::size_t>(dtype)];
}

at::Tensor random_matrix(at::ScalarType dtype, c10::Device device, std::int64_t size) {
  const auto options = at::TensorOptions().device(device);
  if (dtype == at::kChar) return at::randint(-127, 128, {size, size}, options.dtype(dtype));
  return at::randn({size, size}, options.dtype(at::kFloat)).to(dtype);
}

// What does the work below ATen, for the name.
std::string_view library_of(c10::Device device) {
  return device.is_cpu() ? "" : " (cuBLAS)";
}

void add_plain(std::vector<Product>& ways, c10::Device device, const at::Tensor& a,
               const at::Tensor& b, at::Tensor out) {
  const std::string name = std::string("ATen mm").append(library_of(device));
  ways.push_back({name, [=]() mutable { at::mm_out(out, a, b); }});
  ways.push_back(
      {name + ", second operand transposed", [=, b = b.t()]() mutable { at::mm_out(out, a, b); }});
}

// As the knob prepack runs linear layers.
void add_packed(std::vector<Product>& ways, const at::Tensor& a, const at::Tensor& b) {
  if (!at::globalContext().hasMKLDNN()) return;
  ops::ProductWeight weight;
  try {
    weight.packed = ops::pack_weight(b);
    ops::linear(a.narrow(0, 0, 1), weight, {});
  } catch (const c10::Error&) {
    return;  // oneDNN has no such product on this CPU
  }
  ways.push_back({"oneDNN packed linear", [=] { ops::linear(a, weight, {}); }});
}

void add_int8(std::vector<Product>& ways, c10::Device device, const at::Tensor& a,
              const at::Tensor& b, at::Tensor out) {
  const std::string name = std::string("ATen _int_mm").append(library_of(device));
  ways.push_back({name, [=]() mutable { at::_int_mm_out(out, a, b); }});
  if (!device.is_cpu()) {
    ways.push_back({name + ", second operand transposed",
                    [=, b = b.t()]() mutable { at::_int_mm_out(out, a, b); }});
  }
}

// oneDNN's quantised product has no C++ function in the headers: its operators are reached by name.
using PrepackArguments = at::Tensor(at::Tensor, std::optional<c10::List<std::int64_t>>);
using QuantisedArguments = at::Tensor(at::Tensor, double, std::int64_t, at::Tensor, at::Tensor,
                                      at::Tensor, std::optional<at::Tensor>, double, std::int64_t,
                                      std::optional<at::ScalarType>, std::string_view,
                                      c10::List<std::optional<at::Scalar>>, std::string_view);

// Unsigned times signed, what the CPU's integer instructions compute; the other signs may run in a
// reference loop.
void add_quantised(std::vector<Product>& ways, const at::Tensor& a, const at::Tensor& b) {
  if (!at::globalContext().hasMKLDNN()) return;
  auto& dispatcher = c10::Dispatcher::singleton();
  const auto prepack = dispatcher.findSchema({"onednn::qlinear_prepack", ""});
  const auto product = dispatcher.findSchema({"onednn::qlinear_pointwise", ""});
  if (!prepack || !product) return;
  const std::int64_t size = a.size(0);
  const at::Tensor unsigned_a = a.view(at::kByte);
  const at::Tensor scales = at::ones({size});
  const at::Tensor zero_points = at::zeros({size}, at::kLong);
  try {
    const at::Tensor packed =
        prepack->typed<PrepackArguments>().call(b, c10::List<std::int64_t>({size, size}));
    const auto call = product->typed<QuantisedArguments>();
    const c10::List<std::optional<at::Scalar>> none;
    const auto run = [=] {
      call.call(unsigned_a, 1.0, 0, packed, scales, zero_points, std::nullopt, 1.0, 0, at::kFloat,
                "none", none, "");
    };
    run();
    ways.push_back({"oneDNN packed quantised linear, uint8 by int8", run});
  } catch (const c10::Error&) {
    return;  // not on this CPU
  }
}

void add_scaled(std::vector<Product>& ways, const at::Tensor& a, const at::Tensor& b,
                at::Tensor out) {
  const at::Tensor one = at::ones({}, a.options().dtype(at::kFloat));
  for (const bool fast : {false, true}) {
    ways.push_back(
        {fast ? "ATen _scaled_mm (cuBLAS), fast accumulation" : "ATen _scaled_mm (cuBLAS)",
         [=, b = b.t()]() mutable {
           at::_scaled_mm_out(out, a, b, one, one, std::nullopt, std::nullopt, out.scalar_type(),
                              fast);
         }});
  }
}

}  // namespace

std::string_view name_of(GemmDtype dtype) {
  return row_of(dtype).name;
}

std::vector<Product> products(GemmDtype dtype, c10::Device device, std::int64_t size) {
  const DtypeRow& row = row_of(dtype);
  const at::Tensor a = random_matrix(row.stored, device, size);
  const at::Tensor b = random_matrix(row.stored, device, size);
  const at::Tensor out =
      at::empty({size, size}, at::TensorOptions().dtype(row.result).device(device));
  std::vector<Product> ways;
  switch (dtype) {
    case GemmDtype::kInt8:
      if (device.is_cpu()) add_quantised(ways, a, b);
      add_int8(ways, device, a, b, out);
      break;
    case GemmDtype::kFloat8:
      add_scaled(ways, a, b, out);
      break;
    default:
      if (device.is_cpu() && dtype != GemmDtype::kFloat64) add_packed(ways, a, b);
      add_plain(ways, device, a, b, out);
  }
  return ways;
}

std::int64_t product_bytes(GemmDtype dtype, std::int64_t size) {
  const DtypeRow& row = row_of(dtype);
  // Operands, result, a packed operand, and the float32 that an operand is drawn in.
  const auto stored = static_cast<std::int64_t>(c10::elementSize(row.stored));
  const auto result = static_cast<std::int64_t>(c10::elementSize(row.result));
  return size * size * (3 * stored + 2 * result + 4);
}

Tf32Guard::Tf32Guard(bool allowed) : before_(at::globalContext().allowTF32CuBLAS()) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
}

Tf32Guard::~Tf32Guard() {
  at::globalContext().setAllowTF32CuBLAS(before_);
}

}  // namespace ridgeline::native::ceilings
