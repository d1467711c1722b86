// Declaring parameters: names, shapes, spellings.
#include "engines/native/scope/scope.hpp"

#include <ATen/ops/cat.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridgeline::native {

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Parameter& Parameter::stacked(const std::vector<std::string>& names) {
  Shape share = shape_;
  share[0] /= static_cast<std::int64_t>(names.size());
  Spelling spelling;
  for (const std::string& name : names) spelling.stored.push_back({full(name), share});
  spelling.combine = [](const std::vector<at::Tensor>& parts) { return at::cat(parts, 0); };
  spellings_ = {std::move(spelling)};
  return *this;
}

Parameter& Parameter::part_of(const std::string& name, std::int64_t begin, std::int64_t total) {
  Shape whole = shape_;
  whole[0] = total;
  const std::int64_t rows = shape_[0];
  Spelling spelling;
  spelling.stored = {{full(name), whole}};
  spelling.combine = [begin, rows](const std::vector<at::Tensor>& parts) {
    return parts[0].narrow(0, begin, rows).clone();
  };
  spellings_ = {std::move(spelling)};
  return *this;
}

Parameter& Parameter::transposed() {
  Spelling& spelling = spellings_.back();
  spelling.stored[0].shape = {shape_[1], shape_[0]};
  spelling.combine = [](const std::vector<at::Tensor>& parts) { return parts[0].t().contiguous(); };
  return *this;
}

Parameter& Parameter::also(const std::string& name) {
  return also(Spelling{{{full(name), shape_}}, nullptr});
}

Parameter& Parameter::also(Spelling spelling) {
  spellings_.push_back(std::move(spelling));
  return *this;
}

Parameter& Parameter::tied_to(const std::string& logical) {
  tied_to_ = logical;
  return *this;
}

Parameter& Parameter::optional() {
  optional_ = true;
  return *this;
}

Parameter& Parameter::product_weight() {
  product_weight_ = true;
  return *this;
}

void Declarations::change_product_weights(const std::function<void(at::Tensor&)>& change) {
  for (Parameter& parameter : parameters_) {
    if (parameter.product_weight_ && parameter.slot_->defined()) change(*parameter.slot_);
  }
}

Scope Scope::operator/(std::string_view child) const {
  Scope scope = *this;
  if (!child.empty()) scope.prefix_ += std::string(child) + ".";
  return scope;
}

Parameter& Scope::parameter(at::Tensor& slot, const std::string& name, Shape shape,
                            Init init) const {
  Parameter& parameter = declarations_->parameters_.emplace_back();
  parameter.slot_ = &slot;
  parameter.prefix_ = prefix_;
  parameter.name_ = prefix_ + name;
  parameter.shape_ = std::move(shape);
  parameter.init_ = init;
  parameter.spellings_ = {Spelling{{{parameter.name_, parameter.shape_}}, nullptr}};
  return parameter;
}

}  // namespace ridgeline::native
