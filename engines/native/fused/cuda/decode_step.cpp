// Compiling the kernels of a decoding step, and launching them in their order.
#include "engines/native/fused/cuda/decode_step.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ridgeline::native::fused {
namespace {

constexpr std::int64_t kVectorBytes = 16;
constexpr unsigned kAttentionThreads = 256;  // of source_attention.cpp, as the next one
constexpr std::int64_t kMostSplits = 64;
// Tokens for which a block of the attention is worth its while.
constexpr std::int64_t kTokensOfSplit = 32;
constexpr unsigned kEmbedThreads = 256;
constexpr int kOldestGeneration = 8;  // bfloat16 conversions, loads past L1
constexpr std::int64_t kMostSumBytes = std::int64_t{24} * 1024;
constexpr unsigned kFreelyGranted = 48 * 1024;  // shared bytes that no kernel needs to ask for
// What a block may have on the smallest multiprocessor that is supported.
constexpr std::int64_t kSharedBytes = std::int64_t{99} * 1024;

std::int64_t element_bytes(const DecodeShape& shape) {
  return static_cast<std::int64_t>(c10::elementSize(shape.dtype));
}

std::int64_t attention_shared_bytes(const DecodeShape& shape) {
  const nn::GatedDecoderShape& d = shape.decoder;
  const std::int64_t group = d.heads / d.kv_heads;
  // AttentionMemory.
  const std::int64_t warps = kAttentionThreads / 32;
  const std::int64_t bytes = 4 * warps * group * d.head_dim + 8 * warps * group +
                             4 * group * kMostSplits + std::int64_t{4};
  return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
}

void check(const Status& status) {
  if (!status) throw std::runtime_error(status.error().line());
}

template <typename T = void>
T* address(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}

unsigned blocks_for(std::int64_t count, std::int64_t each) {
  return static_cast<unsigned>((count + each - 1) / each);
}

}  // namespace

std::string why_no_cuda_kernels(const DecodeShape& shape) {
  const nn::GatedDecoderShape& d = shape.decoder;
  const std::int64_t vector = kVectorBytes / element_bytes(shape);
  const std::int64_t group = d.heads / d.kv_heads;
  if (shape.dtype != at::kFloat && shape.dtype != at::kBFloat16 && shape.dtype != at::kHalf) {
    return "the kernels take float32, bfloat16 and float16 only";
  }
  if (d.activation != ops::Activation::kSilu && d.activation != ops::Activation::kGelu &&
      d.activation != ops::Activation::kGeluTanh && d.activation != ops::Activation::kRelu) {
    return "the kernels have no code for this activation";
  }
  if (d.hidden % vector != 0 || d.intermediate % vector != 0 || d.head_dim % vector != 0) {
    return fmt::format("a width is no multiple of {}", vector);
  }
  if (d.head_dim / vector > 32 || group > 8) {
    return fmt::format("heads of {} features or groups of {} are too large", d.head_dim, group);
  }
  if (d.intermediate * element_bytes(shape) + kMostSumBytes > kSharedBytes) {
    return fmt::format("{} activations do not fit into shared memory", d.intermediate);
  }
  if (attention_shared_bytes(shape) > kSharedBytes) {
    return fmt::format("attention of groups of {} heads does not fit into shared memory", group);
  }
  return "";
}

Status CudaDecodeKernels::add_product(const Work& work, const ProductTuning& tuning) {
  RIDGELINE_TRY(cuda::Kernel kernel, module_.kernel(work.kernel));
  Product product{std::move(kernel), {}};
  const ProductShape spread = product_shape(work.columns, shape_.dtype, tuning.warps);
  cuda::Grid& grid = product.grid;
  grid.threads = static_cast<unsigned>(spread.team_warps * spread.teams) * 32;
  grid.overlap = true;
  const std::int64_t wanted = static_cast<std::int64_t>(multiprocessors_) * tuning.blocks_of_sm;
  // The sums of all warps of a team for all rows of a block lie in shared memory.
  const std::int64_t sum_bytes = work.unit_rows * spread.team_warps * std::int64_t{4};
  const std::int64_t fewest = (work.units * sum_bytes + kMostSumBytes - 1) / kMostSumBytes;
  const std::int64_t blocks = std::min(work.units, std::max(wanted, fewest));
  const std::int64_t input_bytes =
      work.shared_input ? kVectorBytes * grid.threads * spread.vectors : 0;
  grid.blocks = static_cast<unsigned>(blocks);
  grid.shared_bytes =
      static_cast<unsigned>(input_bytes + (work.units + blocks - 1) / blocks * sum_bytes);
  if (grid.shared_bytes > kFreelyGranted) {
    RIDGELINE_CHECK(product.kernel.allow_shared(grid.shared_bytes));
  }
  products_.push_back(std::move(product));
  return {};
}

Result<std::shared_ptr<const CudaDecodeKernels>> CudaDecodeKernels::build(
    const DecodeShape& shape, at::Device device, const DecodeTuning& tuning) {
  if (std::string reason = why_no_cuda_kernels(shape); !reason.empty()) {
    return unsupported(std::move(reason));
  }
  RIDGELINE_TRY(const cuda::Capability capability, cuda::capability_of(device));
  if (capability.major < kOldestGeneration) {
    return unsupported(
        fmt::format("the kernels need compute capability {}.0, this device has {}.{}",
                    kOldestGeneration, capability.major, capability.minor));
  }
  RIDGELINE_TRY(cuda::Module module,
                cuda::compile_module(decode_source(shape, tuning), "decode_step.cu", device));
  RIDGELINE_TRY(cuda::Kernel embed, module.kernel("embed"));
  RIDGELINE_TRY(cuda::Kernel attend, module.kernel("attend"));
  std::shared_ptr<CudaDecodeKernels> kernels(
      new CudaDecodeKernels(shape, device, std::move(module), std::move(embed), std::move(attend)));
  RIDGELINE_TRY(const cuda::Driver* const driver, cuda::Driver::get());
  RIDGELINE_TRY(kernels->multiprocessors_,
                driver->attribute(cuda::DeviceAttribute::kMultiprocessors,
                                  device.has_index() ? device.index() : 0));
  kernels->attend_shared_ = static_cast<unsigned>(attention_shared_bytes(shape));
  if (kernels->attend_shared_ > kFreelyGranted) {
    RIDGELINE_CHECK(kernels->attend_.allow_shared(kernels->attend_shared_));
  }
  const nn::GatedDecoderShape& d = shape.decoder;
  const std::int64_t pairs = (d.heads + 2 * d.kv_heads) * d.head_dim / 2;
  const std::int64_t query = d.heads * d.head_dim;
  const std::pair<Work, ProductTuning> products[] = {
      {{"project_heads", pairs, 2, d.hidden}, tuning.heads},
      {{"project_output", d.hidden, 1, query}, tuning.output},
      {{"project_gate", d.intermediate, 2, d.hidden}, tuning.gate},
      {{"project_down", d.hidden, 1, d.intermediate, /*shared_input=*/true}, tuning.down},
      {{"project_logits", d.vocab_size, 1, d.hidden}, tuning.logits}};
  for (const auto& [work, one] : products) RIDGELINE_CHECK(kernels->add_product(work, one));
  return std::shared_ptr<const CudaDecodeKernels>(std::move(kernels));
}

std::unique_ptr<DecodeStep> CudaDecodeKernels::step(DecoderTensors tensors) const {
  return std::make_unique<CudaDecodeStep>(shared_from_this(), std::move(tensors));
}

CudaDecodeStep::CudaDecodeStep(std::shared_ptr<const CudaDecodeKernels> kernels,
                               DecoderTensors tensors)
    : kernels_(std::move(kernels)), tensors_(std::move(tensors)) {
  const nn::GatedDecoderShape& d = kernels_->shape().decoder;
  const auto floats = at::TensorOptions().dtype(at::kFloat).device(kernels_->device());
  x_ = at::empty({d.hidden}, floats);
  query_ = at::empty({d.heads, d.head_dim}, floats);
  attended_ = at::empty({d.heads, d.head_dim}, floats);
  hidden_ = at::empty({d.intermediate}, floats.dtype(kernels_->shape().dtype));
  sums_ = at::empty({kMostSplits, d.heads, d.head_dim}, floats);
  states_ = at::empty({kMostSplits, d.heads, 2}, floats);
  arrivals_ = at::zeros({d.kv_heads}, floats.dtype(at::kInt));
}

void CudaDecodeStep::attend(std::size_t index, const nn::KvCache& cache,
                            const c10::Stream& stream) const {
  const nn::KvCache::View kept = cache.all(static_cast<std::int64_t>(index));
  const std::int64_t slot = cache.length() % cache.slots();
  const std::int64_t visible = cache.visible(1);
  const std::int64_t heads = kernels_->shape().decoder.kv_heads;
  // A block a multiprocessor.
  const std::int64_t wanted = std::max<std::int64_t>(1, kernels_->multiprocessors_ / heads);
  const std::int64_t splits =
      std::min({(visible + kTokensOfSplit - 1) / kTokensOfSplit, wanted, kMostSplits});
  const cuda::Grid grid = {.blocks = static_cast<unsigned>(heads * splits),
                           .threads = kAttentionThreads,
                           .shared_bytes = kernels_->attend_shared_,
                           .overlap = true};
  check(kernels_->attend_.launch(grid, stream, address(query_), address(kept.key),
                                 address(kept.value), visible, slot, cache.slots(), address(sums_),
                                 address(states_), address(arrivals_), address(attended_)));
}

void CudaDecodeStep::layer(std::size_t index, const nn::Rotary::Angles& angles,
                           const nn::KvCache& cache, const c10::Stream& stream) const {
  const auto launch = [&](std::size_t product, auto... arguments) {
    const CudaDecodeKernels::Product& one = kernels_->products_[product];
    check(one.kernel.launch(one.grid, stream, arguments...));
  };
  const nn::GatedLayerTensors& layer = tensors_.layers[index];
  const nn::KvCache::View kept = cache.all(static_cast<std::int64_t>(index));
  const std::int64_t slot = cache.length() % cache.slots();
  launch(0, address(layer.heads.plain), address(layer.heads_bias), address(x_),
         address(layer.attention_norm), address(angles.cosine), address(angles.sine),
         address(query_), address(kept.key), address(kept.value), slot, cache.slots());
  attend(index, cache, stream);
  launch(1, address(layer.output.plain), address(layer.output_bias), address(attended_),
         address(x_));
  launch(2, address(layer.gate_up.plain), address(layer.gate_up_bias), address(x_),
         address(layer.mlp_norm), address(hidden_));
  launch(3, address(layer.down.plain), address(layer.down_bias), address(hidden_), address(x_));
}

at::Tensor CudaDecodeStep::operator()(const at::Tensor& token, const nn::Rotary::Angles& angles,
                                      const nn::KvCache& cache) {
  const nn::GatedDecoderShape& d = kernels_->shape().decoder;
  const c10::Stream stream = cuda::current_stream(kernels_->device());
  const at::Tensor logits =
      at::empty({1, d.vocab_size},
                at::TensorOptions().dtype(kernels_->shape().dtype).device(kernels_->device()));
  // The first kernel does not overlap what came before it: see its comment.
  check(kernels_->embed_.launch(
      {.blocks = blocks_for(d.hidden, kEmbedThreads), .threads = kEmbedThreads}, stream,
      address(tensors_.table), address(token), address(x_)));
  for (std::size_t i = 0; i < tensors_.layers.size(); ++i) layer(i, angles, cache, stream);
  const CudaDecodeKernels::Product& last = kernels_->products_.back();
  check(last.kernel.launch(last.grid, stream, address(tensors_.head.plain), address(x_),
                           address(tensors_.last_norm), address(logits)));
  return logits;
}

}  // namespace ridgeline::native::fused
