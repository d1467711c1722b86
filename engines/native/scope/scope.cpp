// Declaring parameters: names, shapes, spellings.
#include "engines/native/scope/scope.hpp"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <c10/util/accumulate.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace ridgeline::native {

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Parameter& Parameter::stacked(const std::vector<std::string>& names) {
  const auto share = shape_[0] / static_cast<std::int64_t>(names.size());
  return stacked(names, std::vector<std::int64_t>(names.size(), share));
}

Parameter& Parameter::stacked(const std::vector<std::string>& names,
                              const std::vector<std::int64_t>& rows) {
  Spelling spelling;
  std::vector<Shape> zeros(names.size());  // empty for parts that are stored
  for (std::size_t i = 0; i < names.size(); ++i) {
    Shape part = shape_;
    part[0] = rows[i];
    if (names[i].empty()) {
      spelling.made_up += c10::multiply_integers(part);
      zeros[i] = std::move(part);
    } else {
      spelling.stored.push_back({full(names[i]), std::move(part)});
    }
  }
  spelling.combine = [zeros = std::move(zeros)](const std::vector<at::Tensor>& stored) {
    std::vector<at::Tensor> parts;
    std::size_t next = 0;
    for (const Shape& shape : zeros) {
      parts.push_back(shape.empty() ? stored[next++] : at::zeros(shape, stored[0].options()));
    }
    return at::cat(parts, 0);
  };
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

Parameter& Parameter::convolution() {
  convolution_ = true;
  return *this;
}

void Declarations::change_convolution_weights(const std::function<void(at::Tensor&)>& change) {
  for (Parameter& parameter : parameters_) {
    if (parameter.convolution_) change(*parameter.slot_);
  }
}

void Declarations::change_product_weights(const std::function<void(ops::ProductWeight&)>& change) {
  for (Parameter& parameter : parameters_) {
    if (parameter.product_ != nullptr && parameter.product_->any().defined()) {
      change(*parameter.product_);
    }
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

Parameter& Scope::parameter(ops::ProductWeight& slot, const std::string& name, Shape shape,
                            Init init) const {
  Parameter& declared = parameter(slot.plain, name, std::move(shape), init);
  declared.product_ = &slot;
  return declared;
}

}  // namespace ridgeline::native
