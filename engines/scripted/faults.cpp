// The faults, each as close to the real thing as it can be had on purpose.
#include "engines/scripted/faults.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "protocol/messages.hpp"

namespace ridgeline::scripted {
namespace {

constexpr std::array<std::string_view, 20> kKinds = {
    "crash",      "abort",      "exit",         "sigkill_self", "hang",      "hang_with_heartbeat",
    "slow",       "garbage",    "flood_stdout", "nan",          "error",     "non_object",
    "oom",        "wrong_id",   "wrong_name",   "huge_line",    "bad_alloc", "half_line",
    "close_pipe", "ignore_stop"};

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void write_many(int fd, std::string_view block, std::int64_t bytes) {
  for (std::int64_t left = bytes; left > 0; left -= static_cast<std::int64_t>(block.size())) {
    write_all(fd,
              block.substr(0, std::min<std::size_t>(block.size(), static_cast<std::size_t>(left))));
  }
}

[[noreturn]] void sleep_for_ever() {
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

// A sanitizer's handler would turn the signal into something else.
[[noreturn]] void die_of(int signal) {
  std::signal(signal, SIG_DFL);
  ::kill(::getpid(), signal);
  sleep_for_ever();
}

void work_slowly(std::int64_t duration_ns, protocol::Progress& progress) {
  const std::int64_t end = now_ns() + duration_ns;
  while (now_ns() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    progress.tick();
  }
}

// The faults that end or block the process.
void end_or_block(std::string_view kind) {
  if (kind == "crash") die_of(SIGSEGV);
  if (kind == "abort") die_of(SIGABRT);
  if (kind == "sigkill_self") die_of(SIGKILL);
  if (kind == "exit") std::_Exit(3);
  if (kind == "hang") ::raise(SIGSTOP);
  if (kind == "hang_with_heartbeat") sleep_for_ever();
  if (kind == "close_pipe") {
    ::close(protocol::kReplyDescriptor);
    sleep_for_ever();
  }
}

// The faults that answer with something else than the reply.
void answer_wrongly(const Fault& fault, std::int64_t id) {
  const int replies = protocol::kReplyDescriptor;
  if (fault.kind == "garbage") write_all(replies, "\x01\xff garbage {]\n");
  if (fault.kind == "nan") {
    write_all(replies, fmt::format(R"({{"reply":"ran","id":{},"wall_ns":NaN}})", id) + "\n");
  }
  if (fault.kind == "non_object") write_all(replies, "[1,2,3]\n");
  if (fault.kind == "wrong_id") {
    write_all(replies, fmt::format(R"({{"reply":"loaded","id":{}}})", id + 1000) + "\n");
  }
  if (fault.kind == "wrong_name") {
    write_all(replies, fmt::format(R"({{"reply":"something","id":{}}})", id) + "\n");
  }
  if (fault.kind == "huge_line") {
    write_all(replies, R"({"reply":")");
    write_many(replies, std::string(1 << 16, 'x'), fault.bytes);
    write_all(replies, "\"}\n");
  }
  if (fault.kind == "half_line") {
    write_all(replies, R"({"reply":"loa)");
    std::_Exit(0);
  }
}

}  // namespace

bool is_fault_kind(std::string_view kind) {
  return std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end();
}

std::optional<Error> commit(const Fault& fault, std::int64_t id, protocol::Progress& progress) {
  write_all(STDERR_FILENO, fmt::format("scripted fault {} at {}\n", fault.kind, fault.at));
  end_or_block(fault.kind);
  answer_wrongly(fault, id);
  if (fault.kind == "slow") work_slowly(fault.duration_ns, progress);
  if (fault.kind == "flood_stdout") {
    write_many(STDOUT_FILENO, std::string(4095, 'f') + '\n', fault.bytes);
  }
  if (fault.kind == "bad_alloc") throw std::bad_alloc();
  if (fault.kind == "error") {
    return Error{fault.error_class, "the script asked for an error", "change the script"};
  }
  if (fault.kind == "oom") {
    return Error{ErrorClass::kOomDevice, "device memory is exhausted, says the script",
                 "use a smaller batch", fault.bytes};
  }
  return std::nullopt;
}

}  // namespace ridgeline::scripted
