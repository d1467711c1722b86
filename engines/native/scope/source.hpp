// Where stored tensors come from: a checkpoint, a seeded generator, or nowhere (shapes only).
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace ridgeline::native {

class Checkpoint;

using Shape = std::vector<std::int64_t>;

/// "[2, 3]".
std::string to_string(const Shape& shape);

/// How a synthetic parameter is drawn. Values are chosen so that activations stay of order one
/// through any depth: weights are scaled by the square root of their fan-in.
enum class Init { kWeight, kEmbedding, kNormWeight, kBias };

/// What a tensor is read as, and where to.
struct Placement {
  at::ScalarType dtype;  ///< of floating-point tensors; others keep theirs
  at::Device device = at::kCPU;
};

/// Stored tensors by name.
class Source {
 public:
  virtual ~Source() = default;

  /// "checkpoint", "synthetic" or "meta".
  virtual std::string_view name() const = 0;

  /// Whether a tensor of this name can be read. Sources that make tensors up have all of them.
  virtual bool has(std::string_view stored) const = 0;

  /// The stored shape, or nothing when the source takes whatever shape is asked for.
  virtual std::optional<Shape> shape_of(std::string_view stored) const = 0;

  /// Reads a tensor into memory of its own on the device asked for (a source of shapes alone gives
  /// meta tensors). Work on an accelerator may still be under way when this returns. `shape` equals
  /// shape_of() where that is known.
  virtual Result<at::Tensor> read(std::string_view stored, const Shape& shape, Init init,
                                  const Placement& placement) = 0;

  /// Whether two stored tensors hold the same bytes (tied tensors that a file holds twice).
  virtual bool same_bytes(std::string_view a, std::string_view b) const = 0;

  /// Every stored name; empty for sources that make tensors up.
  virtual std::vector<std::string> names() const = 0;

  /// Whether reading for another device than the CPU is moving bytes there, not making them there.
  virtual bool moves_bytes() const { return false; }

  /// Something to say about how the tensors were read; empty when it is the usual way.
  virtual std::string note() const { return {}; }
};

/// Tensors of a checkpoint folder. Keeps the files mapped.
std::unique_ptr<Source> checkpoint_source(Checkpoint checkpoint);

/// Random tensors, each seeded by `seed` and the hash of its stored name: the same on every machine
/// and device, in any order, with any number of threads. An accelerator makes its own.
std::unique_ptr<Source> synthetic_source(std::uint64_t seed);

/// Meta tensors: shapes without memory.
std::unique_ptr<Source> meta_source();

}  // namespace ridgeline::native
