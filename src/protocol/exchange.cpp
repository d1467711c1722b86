// Exchange: a loop over Channel::wait().
#include "protocol/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.hpp"
#include "protocol/messages.hpp"

namespace ridgeline::protocol {
namespace {

// What a run may still take after it was told to stop because of Ctrl-C: one long call.
constexpr std::int64_t kInterruptGraceNs = 2 * kNsPerSecond;
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

double in_seconds(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerSecond);
}

std::optional<std::int64_t> integer(const Json& line, const char* key) {
  const auto it = line.find(key);
  if (it == line.end() || !it->is_number_integer()) return std::nullopt;
  return it->get<std::int64_t>();
}

ExchangeFailure broke_protocol(std::string reason) {
  return {ErrorClass::kProtocol, std::move(reason)};
}

}  // namespace

Exchange::Exchange(Channel& channel, const Asked& asked, const Deadlines& deadlines,
                   const Events& events, const Interrupt* interrupt)
    : channel_(channel),
      asked_(asked),
      deadlines_(deadlines),
      events_(events),
      interrupt_(interrupt),
      begin_ns_(now_ns()),
      moved_ns_(begin_ns_) {}

ExchangeResult Exchange::finish() {
  for (;;) {
    std::optional<ExchangeResult> result;
    switch (channel_.wait(deadline(), interrupt_)) {
      case Wake::kLine:
        result = take_line();
        break;
      case Wake::kInterrupt:
        result = on_interrupt();
        break;
      case Wake::kStop:
        channel_.send(encode_stop());
        break;
      case Wake::kDeadline:
        result = too_late();
        break;
      case Wake::kOverlong:
        result = broke_protocol(fmt::format("sent a line longer than {} MiB", kMaxLine >> 20));
        break;
      case Wake::kClosed:
        result = ExchangeFailure{ErrorClass::kProtocol, {}, true};
        break;
    }
    if (!result) continue;
    auto* failure = std::get_if<ExchangeFailure>(&*result);
    // After Ctrl-C it does not matter any more how the worker went.
    if (failure != nullptr && give_up_ns_) {
      return ExchangeFailure{ErrorClass::kInterrupted, "was interrupted", false, true};
    }
    return *std::move(result);
  }
}

std::int64_t Exchange::deadline() const {
  std::int64_t earliest = give_up_ns_.value_or(kNever);
  if (deadlines_.total.count() > 0) {
    earliest = std::min(earliest, begin_ns_ + deadlines_.total.count());
  }
  if (deadlines_.no_progress.count() > 0) {
    earliest = std::min(earliest, moved_ns_ + deadlines_.no_progress.count());
  }
  return earliest;
}

std::optional<ExchangeResult> Exchange::take_line() {
  const std::string_view text = channel_.line();
  const Result<Json> line = parse_json(text, "a reply");
  if (!line) {
    return broke_protocol(
        fmt::format("sent '{}' ({})", excerpt(text), excerpt(line.error().message)));
  }
  const Result<Incoming> incoming = classify(*line);
  if (!incoming) {
    return broke_protocol(
        fmt::format("sent '{}' ({})", excerpt(text), excerpt(incoming.error().message)));
  }
  if (incoming->kind == LineKind::kEvent) {
    // Events of an earlier request may have been overtaken by its reply.
    if (incoming->id == asked_.id) take_event(incoming->name, *line);
    return std::nullopt;
  }
  // An error without id is about a line of ours that could not be read: that is this request.
  const bool about_us =
      incoming->id == asked_.id || (incoming->kind == LineKind::kError && incoming->id == kNoId);
  if (!about_us) {
    return broke_protocol(
        fmt::format("answered request {} instead of {}", incoming->id, asked_.id));
  }
  if (give_up_ns_) {
    // It stopped in time, so it may live on; what it measured is in the sample file.
    return Error{ErrorClass::kInterrupted, "interrupted"};
  }
  if (incoming->kind == LineKind::kError) return decode_error(*line);
  if (incoming->name != asked_.reply) {
    return broke_protocol(
        fmt::format("replied '{}' instead of '{}'", excerpt(incoming->name), asked_.reply));
  }
  return *line;
}

void Exchange::take_event(std::string_view name, const Json& line) {
  const std::int64_t now = now_ns();
  heard_ns_ = now;
  if (name == "started") {
    moved_ns_ = now;
    if (events_.on_started) events_.on_started(integer(line, "ns").value_or(now));
    return;
  }
  if (name != "heartbeat") return;
  const auto progress = integer(line, "progress");
  cpu_ns_ = integer(line, "cpu_ns");
  if (progress && progress != progress_) {
    progress_ = progress;
    moved_ns_ = now;
    cpu_at_move_ns_ = cpu_ns_;
  }
  if (progress && events_.on_progress) events_.on_progress(*progress);
}

std::optional<ExchangeResult> Exchange::on_interrupt() {
  interrupt_ = nullptr;
  if (asked_.message != "run") {
    return ExchangeFailure{ErrorClass::kInterrupted, "was interrupted", false, true};
  }
  channel_.send(encode_stop());
  give_up_ns_ = now_ns() + kInterruptGraceNs;
  return std::nullopt;
}

ExchangeFailure Exchange::too_late() const {
  const std::int64_t now = now_ns();
  if (give_up_ns_) return {ErrorClass::kInterrupted, "was interrupted", false, true};
  if (deadlines_.total.count() > 0 && now >= begin_ns_ + deadlines_.total.count()) {
    return {ErrorClass::kTimeout,
            fmt::format("gave no reply within {:.3g} s", in_seconds(deadlines_.total.count()))};
  }
  std::string reason =
      fmt::format("made no progress for {:.3g} s", in_seconds(deadlines_.no_progress.count()));
  if (!heard_ns_ || *heard_ns_ <= moved_ns_) {
    reason += ", nothing was heard of it";
  } else if (cpu_ns_ && cpu_at_move_ns_) {
    reason += fmt::format(", its heartbeats went on and it used {:.3g} s of CPU time",
                          in_seconds(*cpu_ns_ - *cpu_at_move_ns_));
  } else {
    reason += ", its heartbeats went on";
  }
  return {ErrorClass::kTimeout, std::move(reason)};
}

}  // namespace ridgeline::protocol
