// Scope binds parameters. A module declares what it needs and how checkpoints spell it; afterwards
// one call materialises everything from a source. So one constructor loads, synthesises and plans.
//
//   struct Head : Module {
//     explicit Head(Scope scope) { scope.parameter(weight_, "weight", {2, 768}, Init::kWeight); }
//     at::Tensor weight_;
//   };
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/ops/ops.hpp"
#include "engines/native/scope/source.hpp"

namespace ridgeline::native {

/// Base of everything that holds parameters: a Scope keeps pointers to them, so modules stay put.
struct Module {
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
};

/// A tensor as files store it.
struct Stored {
  std::string name;
  Shape shape;
};

/// One way in which files spell a logical parameter: the stored tensors, and how they make it up.
struct Spelling {
  std::vector<Stored> stored;
  /// Logical parameter from the stored tensors, in order. Empty: the one stored tensor itself.
  std::function<at::Tensor(const std::vector<at::Tensor>&)> combine;
  /// Elements of the logical parameter that no file stores, such as biases that are always zero.
  std::int64_t made_up = 0;
};

/// A declared parameter. The functions refine the declaration and return it for chaining; names are
/// relative to the scope that declared it unless they say otherwise.
class Parameter {
 public:
  /// Rows of several stored tensors, one after the other: a fused weight from separate ones. Row
  /// counts are equal shares.
  Parameter& stacked(const std::vector<std::string>& names);
  /// The same with a row count for each. An empty name stands for rows of zeros.
  Parameter& stacked(const std::vector<std::string>& names, const std::vector<std::int64_t>& rows);
  /// Rows [begin, begin + shape[0]) of a stored tensor of `total` rows: a part of a fused weight.
  Parameter& part_of(const std::string& name, std::int64_t begin, std::int64_t total);
  /// Stored with its two dimensions exchanged.
  Parameter& transposed();
  /// A further spelling, tried when the ones before are not in the file.
  Parameter& also(const std::string& name);
  Parameter& also(Spelling spelling);
  /// When no spelling is in the file: the parameter declared under this absolute logical name.
  Parameter& tied_to(const std::string& logical);
  /// May be missing: the tensor then stays undefined.
  Parameter& optional();
  /// The weight of a convolution: optimizations may change its layout.
  Parameter& convolution();

 private:
  friend class Scope;
  friend class Declarations;

  std::string full(const std::string& name) const { return prefix_ + name; }

  at::Tensor* slot_ = nullptr;
  std::string prefix_;
  std::string name_;  // absolute logical name
  Shape shape_;
  Init init_ = Init::kWeight;
  std::vector<Spelling> spellings_;
  std::string tied_to_;
  bool optional_ = false;
  bool convolution_ = false;
  ops::ProductWeight* product_ = nullptr;
};

/// What materialising found.
struct Materialised {
  std::int64_t parameters = 0;  ///< elements, tied ones once
  std::int64_t bytes = 0;       ///< bytes on the device, tied ones once
  /// File to host memory, or generator to the memory of the device.
  std::int64_t read_ns = 0;
  /// File to device memory: bytes of a file go there without a copy in between.
  std::int64_t transfer_ns = 0;
  std::string note = {};  ///< what was unusual about it; mostly empty
};

/// Everything declared by one model.
class Declarations {
 public:
  /// The same stored names under another prefix: "bert." ↔ "" when a base model was saved alone.
  void rename_prefix(std::string logical, std::string stored);
  /// Stored tensors that may stay unused: names that contain `part`.
  void ignore(std::string part);

  /// Bytes that all parameters need in `dtype`, tied ones once.
  std::int64_t bytes_needed(at::ScalarType dtype) const;

  /// Fills every declared tensor. Missing, mis-shaped and unused tensors are one error that names
  /// them; nothing is read before all names and shapes are known to fit.
  Result<Materialised> materialise(Source& source, at::ScalarType dtype, at::Device device);

  /// Calls `change` on every materialised weight of a matrix product.
  void change_product_weights(const std::function<void(ops::ProductWeight&)>& change);
  /// Calls `change` on every weight of a convolution: materialised, or undefined before that.
  void change_convolution_weights(const std::function<void(at::Tensor&)>& change);

  /// Reads what a file of this model would hold, tensor by tensor, in the order of declaration.
  Status for_each_stored(Source& source, at::ScalarType dtype,
                         const std::function<Status(const std::string&, at::Tensor)>& visit) const;

  /// Names and shapes that a file of this model would hold.
  std::vector<Stored> stored() const;

 private:
  friend class Scope;
  struct Choice {
    Parameter* parameter;
    const Spelling* spelling;           // nullptr: tied or left out
    std::vector<std::string> resolved;  // stored names as the source has them
  };

  Result<std::vector<Choice>> choose(const Source& source);
  std::vector<std::string> candidates(const std::string& stored) const;
  bool resolve(const Source& source, const Spelling& spelling,
               std::vector<std::string>& resolved) const;
  std::vector<std::string> unused(const Source& source) const;
  bool shares_tied(const Choice& choice, const Choice* target, const Source& source) const;
  Status read(const Choice& choice, Source& source, const Placement& placement, Materialised& done);

  std::deque<Parameter> parameters_;
  std::vector<std::pair<std::string, std::string>> prefix_renames_;
  std::vector<std::string> ignored_;
};

/// A place in the tree of names. Cheap to copy; pass by value.
class Scope {
 public:
  explicit Scope(Declarations& declarations) : declarations_(&declarations) {}

  /// The scope of a child: "layer" under "encoder" is "encoder.layer".
  Scope operator/(std::string_view child) const;
  Scope operator/(std::int64_t index) const { return *this / std::to_string(index); }

  /// Declares a parameter. `slot` is filled by materialise() and must stay where it is.
  Parameter& parameter(at::Tensor& slot, const std::string& name, Shape shape, Init init) const;
  /// The same for the weight of ops::linear(): optimizations may change its layout.
  Parameter& parameter(ops::ProductWeight& slot, const std::string& name, Shape shape,
                       Init init) const;

  Declarations& declarations() const { return *declarations_; }
  const std::string& prefix() const { return prefix_; }

 private:
  Declarations* declarations_;
  std::string prefix_;  // empty, or ends with a dot
};

}  // namespace ridgeline::native
