// The table of element types.
#include "engines/native/checkpoint/tensor_type.hpp"

#include <array>

namespace ridgeline::native {
namespace {

struct Row {
  TensorType type;
  std::string_view name;
  std::size_t size;
};

// In the order of the enumeration: rows are found by index.
constexpr std::array kRows = {
    Row{TensorType::kBool, "BOOL", 1},      Row{TensorType::kU8, "U8", 1},
    Row{TensorType::kI8, "I8", 1},          Row{TensorType::kF8E5M2, "F8_E5M2", 1},
    Row{TensorType::kF8E4M3, "F8_E4M3", 1}, Row{TensorType::kI16, "I16", 2},
    Row{TensorType::kU16, "U16", 2},        Row{TensorType::kF16, "F16", 2},
    Row{TensorType::kBF16, "BF16", 2},      Row{TensorType::kI32, "I32", 4},
    Row{TensorType::kU32, "U32", 4},        Row{TensorType::kF32, "F32", 4},
    Row{TensorType::kF64, "F64", 8},        Row{TensorType::kI64, "I64", 8},
    Row{TensorType::kU64, "U64", 8},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].type) != i) return false;
  }
  return true;
}
static_assert(in_order());

const Row& row(TensorType type) {
  return kRows[static_cast<std::size_t>(type)];
}

}  // namespace

std::string_view tensor_type_name(TensorType type) {
  return row(type).name;
}

std::size_t item_size(TensorType type) {
  return row(type).size;
}

std::optional<TensorType> tensor_type_from(std::string_view name) {
  for (const Row& candidate : kRows) {
    if (candidate.name == name) return candidate.type;
  }
  return std::nullopt;
}

}  // namespace ridgeline::native
