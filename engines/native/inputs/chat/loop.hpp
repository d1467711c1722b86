// The state of a {% for %}, which its body sees as `loop`.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "engines/native/inputs/chat/value.hpp"

namespace ridgeline::native::jinja {

/// Items are tested one by one as they are asked for: the body may change what the test sees.
struct Loop {
 public:
  using Accept = std::function<Result<bool>(const Value&)>;

  /// Without `accept`, all items count.
  Loop(std::vector<Value> source, Accept accept);

  /// Goes to the next item; false behind the last one.
  Result<bool> advance();
  const Value& current() const { return items_[position_ - 1]; }
  /// loop.index, loop.last and so on, but not its methods; nothing when there is no such name.
  Result<std::optional<Value>> attribute(std::string_view name);
  /// loop.changed(...): whether the values differ from those of the call before.
  Result<bool> changed(const std::vector<Value>& values, Budget& budget);
  /// How many items were gone to.
  std::size_t position() const { return position_; }
  /// The loop is over: its test cannot be asked any more.
  void finish();

 private:
  Result<bool> pull();
  Result<bool> is_last();
  Result<std::int64_t> length();

  std::vector<Value> source_;
  Accept accept_;
  std::size_t taken_ = 0;
  std::vector<Value> items_;
  std::size_t position_ = 0;
  std::optional<std::vector<Value>> last_changed_;
};

}  // namespace ridgeline::native::jinja
