// Materialising declarations: choose a spelling for each, check all of them, then read.
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unordered_map>
#include <unordered_set>

#include "base/clock.hpp"
#include "engines/native/device/device.hpp"
#include "engines/native/scope/scope.hpp"

namespace ridgeline::native {
namespace {

std::int64_t numel(const Shape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) count *= size;
  return count;
}

// "a, b, c and 12 more"
std::string listing(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 5;
  const std::size_t shown = std::min(kShown, names.size());
  std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + shown, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

}  // namespace

void Declarations::rename_prefix(std::string logical, std::string stored) {
  prefix_renames_.emplace_back(std::move(logical), std::move(stored));
}

void Declarations::ignore(std::string part) {
  ignored_.push_back(std::move(part));
}

std::int64_t Declarations::bytes_needed(at::ScalarType dtype) const {
  std::int64_t bytes = 0;
  for (const Parameter& parameter : parameters_) {
    if (parameter.tied_to_.empty()) {
      bytes += numel(parameter.shape_) * static_cast<std::int64_t>(c10::elementSize(dtype));
    }
  }
  return bytes;
}

std::vector<std::string> Declarations::candidates(const std::string& stored) const {
  std::vector<std::string> names = {stored};
  for (const auto& [logical, other] : prefix_renames_) {
    if (stored.starts_with(logical)) names.push_back(other + stored.substr(logical.size()));
  }
  return names;
}

bool Declarations::resolve(const Source& source, const Spelling& spelling,
                           std::vector<std::string>& resolved) const {
  resolved.clear();
  for (const Stored& stored : spelling.stored) {
    bool found = false;
    for (const std::string& name : candidates(stored.name)) {
      if (!source.has(name)) continue;
      resolved.push_back(name);
      found = true;
      break;
    }
    if (!found) return false;
  }
  return true;
}

Result<std::vector<Declarations::Choice>> Declarations::choose(const Source& source) {
  std::vector<Choice> choices;
  std::vector<std::string> missing;
  std::vector<std::string> misshaped;
  const bool made_up = source.names().empty();
  for (Parameter& parameter : parameters_) {
    Choice choice{&parameter, nullptr, {}};
    // A source that makes tensors up "has" every name: a tied parameter must not be made twice.
    const bool tied_here = made_up && !parameter.tied_to_.empty();
    for (const Spelling& spelling : parameter.spellings_) {
      if (tied_here || !resolve(source, spelling, choice.resolved)) continue;
      choice.spelling = &spelling;
      break;
    }
    if (choice.spelling == nullptr && parameter.tied_to_.empty() && !parameter.optional_) {
      missing.push_back(parameter.spellings_.front().stored.front().name);
    }
    for (std::size_t i = 0; choice.spelling != nullptr && i < choice.resolved.size(); ++i) {
      const auto found = source.shape_of(choice.resolved[i]);
      const Shape& wanted = choice.spelling->stored[i].shape;
      if (found && *found != wanted) {
        misshaped.push_back(fmt::format("{} is {}, the config asks for {}", choice.resolved[i],
                                        to_string(*found), to_string(wanted)));
      }
    }
    choices.push_back(std::move(choice));
  }
  if (!missing.empty()) {
    return bad_input(fmt::format("{} tensor(s) missing: {}", missing.size(), listing(missing)),
                     "check that config.json and the weights belong together");
  }
  if (!misshaped.empty()) {
    return bad_input(
        fmt::format("{} tensor(s) of a wrong shape: {}", misshaped.size(), listing(misshaped)),
        "check that config.json and the weights belong together");
  }
  const std::vector<std::string> left = unused(source);
  if (!left.empty()) {
    return bad_input(fmt::format("{} tensor(s) unused: {}", left.size(), listing(left)),
                     "check the architecture: another --architecture may use them");
  }
  return choices;
}

std::vector<std::string> Declarations::unused(const Source& source) const {
  // Every spelling counts as used, also those not taken: an older one may stand beside a newer one.
  std::unordered_set<std::string> known;
  for (const Parameter& parameter : parameters_) {
    for (const Spelling& spelling : parameter.spellings_) {
      for (const Stored& stored : spelling.stored) {
        for (std::string& name : candidates(stored.name)) known.insert(std::move(name));
      }
    }
  }
  std::vector<std::string> left;
  for (std::string& name : source.names()) {
    bool expected = known.contains(name);
    for (const std::string& part : ignored_) expected |= name.find(part) != std::string::npos;
    if (!expected) left.push_back(std::move(name));
  }
  return left;
}

bool Declarations::shares_tied(const Choice& choice, const Choice* target,
                               const Source& source) const {
  if (choice.spelling == nullptr) return true;
  return target != nullptr && target->resolved.size() == 1 && choice.resolved.size() == 1 &&
         source.same_bytes(choice.resolved[0], target->resolved[0]);
}

Status Declarations::read(const Choice& choice, Source& source, const Placement& placement,
                          Materialised& done) {
  std::vector<at::Tensor> parts;
  for (std::size_t i = 0; i < choice.resolved.size(); ++i) {
    RIDGELINE_TRY(at::Tensor part, source.read(choice.resolved[i], choice.spelling->stored[i].shape,
                                               choice.parameter->init_, placement));
    parts.push_back(std::move(part));
  }
  at::Tensor tensor = choice.spelling->combine ? choice.spelling->combine(parts) : parts[0];
  done.parameters += tensor.numel() - choice.spelling->made_up;
  done.bytes += tensor.numel() * static_cast<std::int64_t>(tensor.element_size());
  *choice.parameter->slot_ = std::move(tensor);
  return {};
}

Result<Materialised> Declarations::materialise(Source& source, at::ScalarType dtype,
                                               at::Device device) {
  RIDGELINE_TRY(const std::vector<Choice> choices, choose(source));
  std::unordered_map<std::string, const Choice*> by_name;
  for (const Choice& choice : choices) by_name[choice.parameter->name_] = &choice;

  Materialised done;
  const Placement placement{dtype, device};
  const std::int64_t begin = now_ns();
  std::vector<Parameter*> tied;
  for (const Choice& choice : choices) {
    Parameter& parameter = *choice.parameter;
    if (!parameter.tied_to_.empty()) {
      const auto target = by_name.find(parameter.tied_to_);
      // A file may hold both of a tied pair: equal bytes stay one tensor, different ones are two.
      if (shares_tied(choice, target == by_name.end() ? nullptr : target->second, source)) {
        tied.push_back(&parameter);
        continue;
      }
    }
    if (choice.spelling != nullptr) RIDGELINE_CHECK(read(choice, source, placement, done));
  }
  synchronize(device);
  (source.moves_bytes() && !device.is_cpu() ? done.transfer_ns : done.read_ns) = now_ns() - begin;
  done.note = source.note();
  for (Parameter* parameter : tied) {
    const auto target = by_name.find(parameter->tied_to_);
    if (target == by_name.end() || !target->second->parameter->slot_->defined()) {
      return Error{ErrorClass::kInternal, fmt::format("{} is tied to {}, which was not declared",
                                                      parameter->name_, parameter->tied_to_)};
    }
    *parameter->slot_ = *target->second->parameter->slot_;
  }
  return done;
}

std::vector<Stored> Declarations::stored() const {
  std::vector<Stored> all;
  for (const Parameter& parameter : parameters_) {
    if (!parameter.tied_to_.empty()) continue;
    for (const Stored& stored : parameter.spellings_.front().stored) all.push_back(stored);
  }
  return all;
}

Status Declarations::for_each_stored(
    Source& source, at::ScalarType dtype,
    const std::function<Status(const std::string&, at::Tensor)>& visit) const {
  for (const Parameter& parameter : parameters_) {
    if (!parameter.tied_to_.empty()) continue;
    for (const Stored& stored : parameter.spellings_.front().stored) {
      RIDGELINE_TRY(at::Tensor tensor,
                    source.read(stored.name, stored.shape, parameter.init_, {dtype}));
      RIDGELINE_CHECK(visit(stored.name, std::move(tensor)));
    }
  }
  return {};
}

}  // namespace ridgeline::native
