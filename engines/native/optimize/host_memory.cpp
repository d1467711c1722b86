// Knobs `keep_memory` and `huge_pages`: where tensors on the CPU get their memory from.
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>

#include "engines/native/ops/cpu/allocator.hpp"
#include "engines/native/optimize/knobs.hpp"

namespace ridgeline::native {
namespace {

constexpr std::int64_t kHugePage = std::int64_t{2} << 20;
// Where a weight begins: on a line of every cache.
constexpr std::int64_t kAlignment = 128;

bool is_choice(const std::string& value) {
  return value == "auto" || value == "on" || value == "off";
}

// Pages that live as long as a tensor on them does.
class Pages {
 public:
  explicit Pages(std::int64_t bytes) : size_(static_cast<std::size_t>(bytes + kHugePage)) {
    mapped_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped_ == MAP_FAILED) return;
    const auto address = reinterpret_cast<std::intptr_t>(mapped_);
    first_ = static_cast<char*>(mapped_) + (kHugePage - address % kHugePage) % kHugePage;
    advised_ = ::madvise(mapped_, size_, MADV_HUGEPAGE) == 0;
  }
  ~Pages() {
    if (mapped_ != MAP_FAILED) ::munmap(mapped_, size_);
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  bool ready() const { return mapped_ != MAP_FAILED && advised_; }
  char* at(std::int64_t offset) const { return first_ + offset; }

 private:
  std::size_t size_;
  void* mapped_;
  char* first_ = nullptr;
  bool advised_ = false;
};

std::int64_t room_of(const at::Tensor& tensor) {
  // Rows may lie further apart than they are long; the last one then needs as much.
  const std::int64_t elements = tensor.size(0) * tensor.stride(0);
  const std::int64_t bytes = elements * static_cast<std::int64_t>(tensor.element_size());
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// The tensor that row products stream, if nothing else uses it: a table that is looked up too stays
// where it is.
at::Tensor* streamed(ops::ProductWeight& weight) {
  at::Tensor* const found = weight.int8.rows.defined()                    ? &weight.int8.rows
                            : weight.row_kernel && weight.plain.defined() ? &weight.plain
                                                                          : nullptr;
  return found != nullptr && found->use_count() == 1 && found->stride(1) == 1 ? found : nullptr;
}

void move_to(at::Tensor& tensor, const std::shared_ptr<Pages>& pages, std::int64_t offset) {
  char* const to = pages->at(offset);
  const std::int64_t elements = tensor.size(0) * tensor.stride(0);
  std::memcpy(to, tensor.const_data_ptr(),
              static_cast<std::size_t>(elements) * tensor.element_size());
  tensor = at::from_blob(to, tensor.sizes(), tensor.strides(), [pages](void*) {}, tensor.options());
}

// Moves all streamed weights, in the order of declaration, which is that of use.
std::string move_weights(Declarations& declarations) {
  std::int64_t bytes = 0;
  declarations.change_product_weights([&](ops::ProductWeight& weight) {
    if (const at::Tensor* tensor = streamed(weight)) bytes += room_of(*tensor);
  });
  if (bytes < kHugePage) return "fewer weights than fill one huge page";
  const auto pages = std::make_shared<Pages>(bytes);
  if (!pages->ready()) return "the system refuses huge pages";
  std::int64_t offset = 0;
  declarations.change_product_weights([&](ops::ProductWeight& weight) {
    at::Tensor* const tensor = streamed(weight);
    if (tensor == nullptr) return;
    const std::int64_t room = room_of(*tensor);
    move_to(*tensor, pages, offset);
    offset += room;
  });
  return "";
}

bool streams_weights(Declarations& declarations) {
  bool found = false;
  declarations.change_product_weights(
      [&](ops::ProductWeight& weight) { found |= streamed(weight) != nullptr; });
  return found;
}

}  // namespace

Result<KnobOutcome> apply_keep_memory(KnobContext& context) {
  if (!is_choice(context.value)) {
    return bad_input(fmt::format("keep_memory '{}' is unknown", context.value),
                     "use auto, on or off");
  }
  if (context.value != "off") {
    ops::cpu::keep_freed_memory(ops::cpu::has_huge_pages());
    return KnobOutcome{true, "on", ""};
  }
  // A process that loads a second model may have it in force from the first.
  if (!ops::cpu::keeps_freed_memory()) return KnobOutcome{true, "off", ""};
  return KnobOutcome{false, "on", "an earlier model of this process has it on"};
}

Result<KnobOutcome> apply_huge_pages(KnobContext& context) {
  if (!is_choice(context.value)) {
    return bad_input(fmt::format("huge_pages '{}' is unknown", context.value),
                     "use auto, on or off");
  }
  KnobOutcome outcome{.applied = context.value == "off", .value = "off", .reason = ""};
  if (!outcome.applied) {
    if (!context.device.is_cpu()) {
      outcome.reason = "only weights in host memory have such pages";
    } else if (!ops::cpu::has_huge_pages()) {
      outcome.reason = "transparent huge pages are off on this system";
    } else if (!streams_weights(*context.declarations)) {
      outcome.reason = "no product of few rows streams its weights (row_kernel)";
    } else {
      outcome.reason = move_weights(*context.declarations);
    }
    outcome.applied = outcome.reason.empty();
    if (outcome.applied) outcome.value = "on";
  }
  // The last step of loading: what was freed on the way is no use to what comes.
  ops::cpu::release_freed_memory();
  return outcome;
}

}  // namespace ridgeline::native
