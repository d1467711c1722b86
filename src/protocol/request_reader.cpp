// RequestReader: one poll() loop over the requests, the heartbeat's time and the main thread's end.
#include "protocol/request_reader.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"

namespace ridgeline::protocol {
namespace {

// A coordinator has one request under way; more than a few queued ones are no coordinator's.
constexpr std::size_t kMaxQueued = 64;

std::int64_t cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return t.tv_sec * kNsPerSecond + t.tv_nsec;
}

}  // namespace

RequestReader::RequestReader(Engine& engine, const ServeOptions& options)
    : engine_(engine), options_(options), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  // Signals are the main thread's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { read_loop(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

RequestReader::~RequestReader() {
  finished_.store(true);
  wake();
  thread_.join();
}

QueuedRequest RequestReader::next() {
  QueuedRequest request;
  {
    std::unique_lock lock(queue_mutex_);
    queue_filled_.wait(lock, [this] { return !queue_.empty(); });
    request = std::move(queue_.front());
    queue_.pop_front();
  }
  begin_beats(request.id);
  return request;
}

void RequestReader::begin_beats(std::int64_t id) {
  {
    const std::lock_guard lock(write_mutex_);
    if (current_id_ == id) return;
    current_id_ = id;
    next_beat_ns_ = now_ns() + options_.heartbeat.count();
  }
  wake();
}

void RequestReader::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
}

void RequestReader::answer(std::string_view line) {
  const std::lock_guard lock(write_mutex_);
  current_id_ = kNoId;
  write_locked(line);
}

void RequestReader::send(std::string_view line) {
  const std::lock_guard lock(write_mutex_);
  write_locked(line);
}

void RequestReader::write_locked(std::string_view line) {
  // Two parts and no copy: a heartbeat must not allocate.
  char newline = '\n';
  iovec parts[2] = {{const_cast<char*>(line.data()), line.size()}, {&newline, 1}};
  int first = 0;
  while (first < 2) {
    const ssize_t put = ::writev(options_.replies, parts + first, 2 - first);
    if (put < 0 && errno == EINTR) continue;
    // Nobody reads any more: the reader thread sees the same at its end and acts on it.
    if (put < 0) return;
    auto rest = static_cast<std::size_t>(put);
    while (first < 2 && rest >= parts[first].iov_len) rest -= parts[first++].iov_len;
    if (first < 2) {
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + rest;
      parts[first].iov_len -= rest;
    }
  }
}

void RequestReader::read_loop() {
  for (;;) {
    std::int64_t wait_ns = -1;
    {
      const std::lock_guard lock(write_mutex_);
      if (current_id_ != kNoId) wait_ns = std::max<std::int64_t>(next_beat_ns_ - now_ns(), 0);
    }
    pollfd watched[2] = {{wake_.get(), POLLIN, 0}, {closed_ ? -1 : options_.requests, POLLIN, 0}};
    const timespec timeout{wait_ns / kNsPerSecond, wait_ns % kNsPerSecond};
    const int ready = ::ppoll(watched, 2, wait_ns < 0 ? nullptr : &timeout, nullptr);
    if (ready < 0 && errno != EINTR) return;
    if (finished_.load()) return;
    if (ready > 0 && watched[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
    }
    if (ready > 0 && watched[1].revents != 0) read_some();
    beat(now_ns());
  }
}

void RequestReader::read_some() {
  char buffer[1 << 16];
  const ssize_t got = ::read(options_.requests, buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    closed_ = true;
    // After "quit" the main thread ends by itself.
    if (!quit_seen_) coordinator_gone();
    return;
  }
  lines_.append({buffer, static_cast<std::size_t>(got)});
  while (const auto line = lines_.next()) take_line(*line);
  if (lines_.overlong()) {
    send(encode_error(kNoId, {ErrorClass::kProtocol,
                              fmt::format("a request is longer than {} bytes", kMaxLine)}));
    closed_ = true;
    coordinator_gone();
  }
}

void RequestReader::take_line(std::string_view line) {
  Result<Json> parsed = parse_json(line, "a request");
  if (!parsed) {
    send(encode_error(kNoId, {ErrorClass::kProtocol, parsed.error().message}));
    return;
  }
  QueuedRequest request;
  const Result<std::string> message = get_string(*parsed, "message", "a request");
  if (!message) {
    send(encode_error(kNoId, {ErrorClass::kProtocol, message.error().message}));
    return;
  }
  if (*message == "stop") {
    if (engine_.on_stop()) stop_.store(true, std::memory_order_relaxed);
    return;
  }
  const Result<std::int64_t> id = get_int(*parsed, "id", *message);
  if (!id || *id < 0) {
    send(encode_error(kNoId, {ErrorClass::kProtocol, "a request needs an id of 0 or more"}));
    return;
  }
  request.message = *message;
  request.id = *id;
  request.fields = std::make_shared<const Json>(*std::move(parsed));
  if (request.message == "run") stop_.store(false, std::memory_order_relaxed);
  if (request.message == "quit") quit_seen_ = true;
  enqueue(std::move(request));
}

void RequestReader::enqueue(QueuedRequest request) {
  {
    // From here on, not only from next(): the main thread may still be busy with the last reply.
    const std::lock_guard lock(write_mutex_);
    if (current_id_ == kNoId) {
      current_id_ = request.id;
      next_beat_ns_ = now_ns() + options_.heartbeat.count();
    }
  }
  bool full = false;
  {
    const std::lock_guard lock(queue_mutex_);
    full = queue_.size() >= kMaxQueued;
    if (!full) queue_.push_back(std::move(request));
  }
  queue_filled_.notify_one();
  if (full) {
    send(encode_error(request.id, {ErrorClass::kProtocol, "too many requests are waiting"}));
  }
}

void RequestReader::beat(std::int64_t now) {
  const std::lock_guard lock(write_mutex_);
  if (current_id_ == kNoId || now < next_beat_ns_) return;
  next_beat_ns_ = now + options_.heartbeat.count();
  // Formatted by hand: the allocator may be what the main thread is being timed on.
  char line[160];
  const auto written = fmt::format_to_n(
      line, sizeof line, R"({{"event":"heartbeat","id":{},"progress":{},"cpu_ns":{}}})",
      current_id_, progress_.value(), cpu_ns());
  write_locked({line, std::min(written.size, sizeof line)});
}

void RequestReader::coordinator_gone() {
  if (!options_.die_with_coordinator) return;
  // Children of ours (compilers, data loaders) would outlive us: they get no death signal.
  if (::getpgrp() == ::getpid()) ::kill(0, SIGKILL);
  ::_exit(1);
}

}  // namespace ridgeline::protocol
