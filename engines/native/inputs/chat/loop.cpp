// The attributes of `loop`.
#include "engines/native/inputs/chat/loop.hpp"

namespace ridgeline::native::jinja {

Loop::Loop(std::vector<Value> source, Accept accept)
    : source_(std::move(source)), accept_(std::move(accept)) {
  if (!accept_) items_ = std::exchange(source_, {});
}

Result<bool> Loop::pull() {
  while (taken_ < source_.size()) {
    const Value item = source_[taken_++];
    RIDGELINE_TRY(const bool counts, accept_(item));
    if (!counts) continue;
    items_.push_back(item);
    return true;
  }
  return false;
}

Result<bool> Loop::advance() {
  if (position_ == items_.size()) {
    RIDGELINE_TRY(const bool has_more, pull());
    if (!has_more) return false;
  }
  ++position_;
  return true;
}

Result<bool> Loop::is_last() {
  if (position_ < items_.size()) return false;
  RIDGELINE_TRY(const bool has_more, pull());
  return !has_more;
}

Result<std::int64_t> Loop::length() {
  for (;;) {
    RIDGELINE_TRY(const bool has_more, pull());
    if (!has_more) return static_cast<std::int64_t>(items_.size());
  }
}

void Loop::finish() {
  source_.clear();
  accept_ = nullptr;
}

Result<std::optional<Value>> Loop::attribute(std::string_view name) {
  using Found = std::optional<Value>;
  const auto index = static_cast<std::int64_t>(position_);
  if (name == "index") return Found(Value::integer(index));
  if (name == "index0") return Found(Value::integer(index - 1));
  if (name == "first") return Found(Value::boolean(index == 1));
  if (name == "depth") return Found(Value::integer(1));
  if (name == "depth0") return Found(Value::integer(0));
  if (name == "previtem") {
    return Found(index > 1 ? items_[position_ - 2] : Value::undefined("there is no previous item"));
  }
  if (name == "last" || name == "nextitem") {
    RIDGELINE_TRY(const bool last, is_last());
    if (name == "last") return Found(Value::boolean(last));
    return Found(last ? Value::undefined("there is no next item") : items_[position_]);
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    RIDGELINE_TRY(const std::int64_t all, length());
    if (name == "length") return Found(Value::integer(all));
    return Found(Value::integer(all - index + (name == "revindex" ? 1 : 0)));
  }
  return Found();
}

Result<bool> Loop::changed(const std::vector<Value>& values, Budget& budget) {
  bool same = last_changed_ && last_changed_->size() == values.size();
  for (std::size_t i = 0; same && i < values.size(); ++i) {
    RIDGELINE_TRY(same, equal((*last_changed_)[i], values[i], budget));
  }
  if (!same) last_changed_ = values;
  return !same;
}

}  // namespace ridgeline::native::jinja
