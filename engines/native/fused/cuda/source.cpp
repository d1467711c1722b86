// Puts the parts of the CUDA source together, behind the numbers they are compiled for.
#include "engines/native/fused/cuda/source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ridgeline::native::fused {
namespace {

const char* stored_name(at::ScalarType dtype) {
  switch (dtype) {
    case at::kBFloat16:
      return "STORED_BFLOAT16";
    case at::kHalf:
      return "STORED_FLOAT16";
    default:
      return "STORED_FLOAT32";
  }
}

const char* activation_name(ops::Activation activation) {
  switch (activation) {
    case ops::Activation::kSilu:
      return "ACTIVATION_SILU";
    case ops::Activation::kGeluTanh:
      return "ACTIVATION_GELU_TANH";
    case ops::Activation::kGelu:
      return "ACTIVATION_GELU";
    default:
      return "ACTIVATION_RELU";
  }
}

std::string tuning_lines(const char* name, const ProductShape& shape, const ProductTuning& tuning) {
  // Rows under way, rounded down to a power of two.
  int rows = 1;
  while (2 * rows * shape.vectors <= tuning.in_flight) rows *= 2;
  return fmt::format(
      "#define {0}_WARPS {1}\n#define {0}_TEAMS {2}\n#define {0}_VECTORS {3}\n"
      "#define {0}_IN_FLIGHT {4}\n#define {0}_RESIDENT {5}\n",
      name, shape.team_warps, shape.teams, shape.vectors, rows * shape.vectors, tuning.resident);
}

}  // namespace

ProductShape product_shape(std::int64_t columns, at::ScalarType dtype, int warps) {
  // 32 lanes with a vector of 16 bytes each.
  const std::int64_t span = std::int64_t{512} / static_cast<std::int64_t>(c10::elementSize(dtype));
  const std::int64_t spans = (columns + span - 1) / span;
  ProductShape shape;
  shape.vectors = static_cast<int>((spans + warps - 1) / warps);
  shape.team_warps = static_cast<int>((spans + shape.vectors - 1) / shape.vectors);
  shape.teams = std::max(1, warps / shape.team_warps);
  return shape;
}

std::string decode_source(const DecodeShape& shape, const DecodeTuning& tuning) {
  const nn::GatedDecoderShape& d = shape.decoder;
  std::string source = fmt::format("#define {}\n#define {}\n", stored_name(shape.dtype),
                                   activation_name(d.activation));
  const auto define = [&](const char* name, std::int64_t value) {
    source += fmt::format("#define {} {}\n", name, value);
  };
  define("HIDDEN", d.hidden);
  define("INTERMEDIATE", d.intermediate);
  define("HEADS", d.heads);
  define("KV_HEADS", d.kv_heads);
  define("HEAD_DIM", d.head_dim);
  define("PAIRS", shape.pairs);
  define("VOCABULARY", d.vocab_size);
  define("QKV_BIAS", d.qkv_bias ? 1 : 0);
  define("OUTPUT_BIAS", d.output_bias ? 1 : 0);
  define("MLP_BIAS", d.mlp_bias ? 1 : 0);
  source += fmt::format("#define EPSILON {:.9e}f\n#define SCALE {:.9e}f\n", d.norm_eps,
                        1.0 / std::sqrt(static_cast<double>(d.head_dim)));
  define("ATTENTION_BURST", tuning.attention_burst);
  define("ATTENTION_RESIDENT", tuning.attention_resident);
  const auto add = [&](const char* name, std::int64_t columns, const ProductTuning& one) {
    source += tuning_lines(name, product_shape(columns, shape.dtype, one.warps), one);
  };
  add("HEADS_PRODUCT", d.hidden, tuning.heads);
  add("OUTPUT_PRODUCT", d.heads * d.head_dim, tuning.output);
  add("GATE_PRODUCT", d.hidden, tuning.gate);
  add("DOWN_PRODUCT", d.intermediate, tuning.down);
  add("LOGITS_PRODUCT", d.hidden, tuning.logits);
  return source + kCommonSource + kProductSource + kAttentionSource;
}

}  // namespace ridgeline::native::fused
