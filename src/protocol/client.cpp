// Worker: the handshake, one exchange at a time, and the end of the process.
#include "protocol/client.hpp"

#include <fmt/format.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.hpp"
#include "protocol/exchange.hpp"
#include "protocol/messages.hpp"

namespace ridgeline::protocol {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

constexpr nanoseconds kKillGrace = milliseconds(200);

// A process's pipes close a moment before it can be reaped.
constexpr nanoseconds kExitDelay = milliseconds(500);

}  // namespace

struct Worker::State {
  explicit State(Channel opened) : channel(std::move(opened)) {}

  Channel channel;
  const Interrupt* interrupt = nullptr;
  std::string name = "worker";
  std::int64_t next_id = 1;
  std::int64_t spawn_ns = 0;
  Json hello;
  std::atomic<bool> running{false};  // a "run" is under way

  Error fail(const ExchangeFailure& failure, std::string_view message);
};

// Ends the worker and says everything about it in one line.
Error Worker::State::fail(const ExchangeFailure& failure, std::string_view message) {
  const bool died = failure.lost && channel.wait_for_exit(kExitDelay);
  const ExitInfo exit = channel.end(died || failure.at_once ? nanoseconds(0) : kKillGrace);
  Error error{failure.error_class, {}};
  if (died) {
    error.error_class = exit.out_of_memory ? ErrorClass::kOomHost : ErrorClass::kCrash;
    error.message = fmt::format("{} died during '{}': {}", name, message, exit.describe());
  } else {
    error.message =
        fmt::format("{} {} during '{}' and was ended", name,
                    failure.lost ? "closed its pipe but ran on" : failure.reason, message);
  }
  const std::string last = channel.log().last_line();
  if (!last.empty()) error.message += fmt::format(" (its last words: {})", last);
  if (exit.out_of_memory) {
    error.remedy = "use a smaller batch, sequence, dtype or model, or free memory";
  } else if (!channel.log().path().empty() && channel.log().total() > 0 &&
             error.error_class != ErrorClass::kInterrupted) {
    error.remedy = "see " + channel.log().path();
  }
  return error;
}

Deadlines usual_deadlines(std::string_view message) {
  // Importing a Python framework from a cold disk takes a minute; compiling a large model ten.
  if (message == "hello") return {seconds(180), seconds(0)};
  if (message == "load" || message == "synthesize") return {seconds(3600), seconds(600)};
  if (message == "plan") return {seconds(3600), seconds(1200)};
  if (message == "run") return {seconds(0), seconds(300)};
  if (message == "quit") return {seconds(10), seconds(0)};
  if (message == "memory") return {seconds(60), seconds(0)};
  return {seconds(3600), seconds(600)};
}

Worker::Worker(std::unique_ptr<State> state) : state_(std::move(state)) {}

Worker::~Worker() {
  kill();
}

Result<std::unique_ptr<Worker>> Worker::start(const WorkerCommand& command,
                                              const Interrupt* interrupt,
                                              const Deadlines& deadlines) {
  const std::int64_t begin = now_ns();
  RIDGELINE_TRY(Channel channel, Channel::open(command));
  std::unique_ptr<Worker> worker(new Worker(std::make_unique<State>(std::move(channel))));
  State& state = *worker->state_;
  state.interrupt = interrupt;
  state.name = command.argv.front().substr(command.argv.front().rfind('/') + 1);
  RIDGELINE_TRY(state.hello, worker->request("hello", {{"protocol", kProtocolVersion}}, deadlines));
  state.spawn_ns = now_ns() - begin;

  const Result<std::int64_t> protocol = get_int(state.hello, "protocol", "hello");
  const Result<std::string> name = get_string(state.hello, "name", "hello");
  if (!protocol || !name) {
    return state.fail({ErrorClass::kProtocol, "sent no protocol version or no name"}, "hello");
  }
  if (*protocol != kProtocolVersion) {
    return state.fail({ErrorClass::kProtocol,
                       fmt::format("speaks protocol {} and not {}", *protocol, kProtocolVersion)},
                      "hello");
  }
  state.name = excerpt(*name, 60);
  return worker;
}

Result<Json> Worker::request(std::string_view message, const Json& fields,
                             const Deadlines& deadlines, const Events& events) {
  State& state = *state_;
  if (!alive()) {
    return Error{ErrorClass::kCrash, fmt::format("{} is gone ({}): it cannot do '{}'", state.name,
                                                 state.channel.exit_info()->describe(), message)};
  }
  if (state.interrupt != nullptr && state.interrupt->is_set()) {
    return Error{ErrorClass::kInterrupted, "interrupted"};
  }
  const auto expected = reply_name(message);
  if (!expected) {
    return Error{ErrorClass::kInternal, fmt::format("'{}' is no message with a reply", message)};
  }
  const std::int64_t id = state.next_id++;
  const std::string line = encode_request(message, id, fields);
  if (line.size() > kMaxLine) {
    return bad_input(fmt::format("'{}' would be a line of {} bytes; the limit is {}", message,
                                 line.size(), kMaxLine));
  }
  state.channel.forget_stop();
  state.running.store(message == "run");
  state.channel.send(line);
  Exchange exchange(state.channel, {message, *expected, id}, deadlines, events, state.interrupt);
  ExchangeResult result = exchange.finish();
  state.running.store(false);
  if (auto* failure = std::get_if<ExchangeFailure>(&result)) return state.fail(*failure, message);
  if (auto* error = std::get_if<Error>(&result)) return std::move(*error);
  return std::get<Json>(std::move(result));
}

void Worker::stop() {
  if (state_->running.load()) state_->channel.wake_for_stop();
}

Status Worker::quit(std::chrono::nanoseconds limit) {
  State& state = *state_;
  if (!alive()) return {};
  const std::int64_t deadline = now_ns() + limit.count();
  // Ctrl-C must not keep a worker from going in good order: it has nothing left to do.
  const Interrupt* const interrupt = std::exchange(state.interrupt, nullptr);
  const Result<Json> bye = request("quit", Json::object(), {limit, nanoseconds(0)});
  state.interrupt = interrupt;
  if (!alive()) return bye ? Status() : Status(bye.error());
  const nanoseconds left(std::max<std::int64_t>(deadline - now_ns(), 0));
  if (!state.channel.wait_for_exit(left)) {
    return state.fail({ErrorClass::kTimeout, "did not exit"}, "quit");
  }
  const ExitInfo exit = state.channel.end(nanoseconds(0));
  if (!bye) return bye.error();
  if (!exit.clean()) {
    return Error{ErrorClass::kCrash,
                 fmt::format("{} answered 'quit', but {}", state.name, exit.describe())};
  }
  return {};
}

void Worker::kill() {
  state_->channel.end(nanoseconds(0));
}

bool Worker::alive() const {
  return !state_->channel.exit_info().has_value();
}
const Json& Worker::hello() const {
  return state_->hello;
}
const std::string& Worker::name() const {
  return state_->name;
}
int Worker::pid() const {
  return state_->channel.pid();
}
std::int64_t Worker::spawn_ns() const {
  return state_->spawn_ns;
}
const std::optional<ExitInfo>& Worker::exit_info() const {
  return state_->channel.exit_info();
}
std::string Worker::last_log_line() const {
  return state_->channel.log().last_line();
}

}  // namespace ridgeline::protocol
