// Reading and writing safetensors files as tensors.
#include "engines/native/scope/tensor_file.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <array>
#include <cstring>

#include "engines/native/checkpoint/safetensors_writer.hpp"
#include "engines/native/ops/cpu/parallel.hpp"

namespace ridgeline::native {
namespace {

struct TypeRow {
  TensorType stored;
  at::ScalarType torch;
};

constexpr std::array kTypes = {
    TypeRow{TensorType::kBool, at::kBool},
    TypeRow{TensorType::kU8, at::kByte},
    TypeRow{TensorType::kI8, at::kChar},
    TypeRow{TensorType::kI16, at::kShort},
    TypeRow{TensorType::kI32, at::kInt},
    TypeRow{TensorType::kI64, at::kLong},
    TypeRow{TensorType::kF16, at::kHalf},
    TypeRow{TensorType::kBF16, at::kBFloat16},
    TypeRow{TensorType::kF32, at::kFloat},
    TypeRow{TensorType::kF64, at::kDouble},
    TypeRow{TensorType::kF8E4M3, at::kFloat8_e4m3fn},
    TypeRow{TensorType::kF8E5M2, at::kFloat8_e5m2},
};

std::span<const std::byte> bytes_view(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

// On several threads where it pays: new memory is slow to touch for the first time.
void copy_bytes(std::span<const std::byte> bytes, const at::Tensor& to) {
  constexpr std::int64_t kGrain = 1 << 20;
  auto* target = static_cast<std::byte*>(to.mutable_data_ptr());
  const auto copy = [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(target + begin, bytes.data() + begin, static_cast<std::size_t>(end - begin));
  };
  ops::cpu::parallel_parts(static_cast<std::int64_t>(bytes.size()), kGrain, copy);
}

}  // namespace

Result<at::ScalarType> scalar_type_of(TensorType type) {
  for (const TypeRow& row : kTypes) {
    if (row.stored == type) return row.torch;
  }
  return unsupported(fmt::format("tensors of type {}", tensor_type_name(type)));
}

Result<at::Tensor> copy_of(const TensorView& view, at::Device device) {
  RIDGELINE_TRY(const at::ScalarType type, scalar_type_of(view.type));
  const auto options = at::TensorOptions().dtype(type);
  if (!device.is_cpu() && !view.bytes.empty()) {
    // Nothing computes on this tensor, so it may lie unaligned in a mapping that cannot be written.
    const at::Tensor mapped =
        at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, options);
    return mapped.to(device);
  }
  at::Tensor tensor = at::empty(view.shape, options.device(device));
  // Files do not align tensors, so a view of the mapping would be slow or worse: copy.
  if (!view.bytes.empty()) copy_bytes(view.bytes, tensor);
  return tensor;
}

Result<NamedTensors> read_tensors(const std::string& path) {
  RIDGELINE_TRY(const SafetensorsFile file, SafetensorsFile::open(path));
  NamedTensors tensors;
  for (const auto& [name, view] : file.tensors()) {
    RIDGELINE_TRY(at::Tensor tensor, copy_of(view));
    tensors.emplace_back(name, std::move(tensor));
  }
  return tensors;
}

Status write_tensors(const std::string& path, const NamedTensors& tensors, bool widen) {
  NamedTensors ready;  // keeps the memory alive that the writer borrows
  std::vector<NamedTensor> rows;
  for (const auto& [name, tensor] : tensors) {
    at::Tensor out = tensor.cpu();
    if (widen && out.is_floating_point()) out = out.to(at::kFloat);
    out = out.contiguous();
    NamedTensor row;
    row.name = name;
    for (const TypeRow& type : kTypes) {
      if (type.torch == out.scalar_type()) row.type = type.stored;
    }
    row.shape = out.sizes().vec();
    row.bytes = bytes_view(out);
    ready.emplace_back(name, std::move(out));
    rows.push_back(std::move(row));
  }
  return write_safetensors(path, rows, {{"format", "pt"}});
}

}  // namespace ridgeline::native
