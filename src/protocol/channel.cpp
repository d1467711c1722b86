// Channel: one poll() over replies, log, exit, requests, interrupt and stop.
#include "protocol/channel.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "base/clock.hpp"

namespace ridgeline::protocol {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 17;

// Larger than the usual 64 KiB: a worker that prints much waits for us less often. May be refused.
constexpr int kPipeSize = 1 << 18;

// write() to a pipe that nobody reads raises SIGPIPE, which would end the coordinator; a library
// must not change the process's disposition, so the signal is blocked and swallowed here.
ssize_t write_without_sigpipe(int fd, const char* data, std::size_t size) {
  sigset_t pipe_signal;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigpending(&pending);
  const bool was_pending = ::sigismember(&pending, SIGPIPE) == 1;
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t put = ::write(fd, data, size);
  const int number = errno;
  if (put < 0 && number == EPIPE && !was_pending) {
    const timespec none{};
    while (::sigtimedwait(&pipe_signal, nullptr, &none) < 0 && errno == EINTR) {
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return put;
}

struct PipeEnds {
  Descriptor read;
  Descriptor write;
};

Result<PipeEnds> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return environment_error(fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  return PipeEnds{Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

Result<Channel> Channel::open(const WorkerCommand& command) {
  RIDGELINE_TRY(CappedLog log, CappedLog::open(command.log_path));
  RIDGELINE_TRY(PipeEnds requests, make_pipe());
  RIDGELINE_TRY(PipeEnds replies, make_pipe());
  ::fcntl(requests.write.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(replies.read.get(), F_SETFL, O_NONBLOCK);
  SpawnOptions options;
  options.argv = command.argv;
  options.environment = command.environment;
  options.cores = command.cores;
  options.descriptors = {{requests.read.get(), kRequestDescriptor},
                         {replies.write.get(), kReplyDescriptor}};
  ::fcntl(replies.read.get(), F_SETPIPE_SZ, kPipeSize);
  RIDGELINE_TRY(Subprocess process, Subprocess::start(options));
  ::fcntl(process.output(), F_SETPIPE_SZ, kPipeSize);
  return Channel(std::move(process), std::move(requests.write), std::move(replies.read),
                 std::move(log));
}

Channel::Channel(Subprocess process, Descriptor requests, Descriptor replies, CappedLog log)
    : process_(std::move(process)),
      requests_(std::move(requests)),
      replies_(std::move(replies)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      log_(std::move(log)) {}

void Channel::send(std::string_view line) {
  outgoing_.erase(0, sent_);
  sent_ = 0;
  outgoing_.append(line);
  outgoing_ += '\n';
  write_requests();
}

Wake Channel::wait(std::int64_t deadline_ns, const Interrupt* interrupt) {
  for (;;) {
    if (next_line()) return Wake::kLine;
    if (lines_.overlong()) return Wake::kOverlong;
    if (exited_ || !requests_.is_open() || !replies_.is_open()) {
      // What was written before the end is still in the pipe.
      const std::size_t before = lines_.partial().size();
      read_replies();
      const bool more = replies_.is_open() && lines_.partial().size() != before;
      if (more && now_ns() < deadline_ns) continue;
      if (next_line()) return Wake::kLine;
      return Wake::kClosed;
    }
    if (now_ns() >= deadline_ns) return Wake::kDeadline;
    const Ready ready = poll_once(deadline_ns, interrupt);
    if (ready.interrupt) return Wake::kInterrupt;
    if (ready.stop) return Wake::kStop;
  }
}

bool Channel::next_line() {
  const auto line = lines_.next();
  if (line) line_ = *line;
  return line.has_value();
}

Channel::Ready Channel::poll_once(std::int64_t deadline_ns, const Interrupt* interrupt) {
  enum : std::size_t { kReplies, kLog, kExit, kRequests, kInterruptEvent, kWake, kCount };
  const bool writing = sent_ < outgoing_.size();
  pollfd watched[kCount] = {
      {replies_.get(), POLLIN, 0},
      {log_closed_ ? -1 : process_.output(), POLLIN, 0},
      {exited_ ? -1 : process_.exit_descriptor(), POLLIN, 0},
      {writing ? requests_.get() : -1, POLLOUT, 0},
      {interrupt == nullptr ? -1 : interrupt->descriptor(), POLLIN, 0},
      {wake_.get(), POLLIN, 0},
  };
  const std::int64_t left = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
  const timespec timeout{left / kNsPerSecond, left % kNsPerSecond};
  const int ready = ::ppoll(watched, kCount, &timeout, nullptr);
  Ready result;
  result.interrupt = interrupt != nullptr && interrupt->is_set();
  if (ready <= 0) return result;
  if (watched[kReplies].revents != 0) read_replies();
  if (watched[kLog].revents != 0) drain_log();
  if (watched[kExit].revents != 0) exited_ = true;
  if (watched[kRequests].revents != 0) write_requests();
  result.stop = watched[kWake].revents != 0;
  if (result.stop) forget_stop();
  return result;
}

void Channel::write_requests() {
  while (requests_.is_open() && sent_ < outgoing_.size()) {
    const ssize_t put =
        write_without_sigpipe(requests_.get(), outgoing_.data() + sent_, outgoing_.size() - sent_);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return;
    if (put < 0) {
      requests_.reset();
      return;
    }
    sent_ += static_cast<std::size_t>(put);
  }
  outgoing_.clear();
  sent_ = 0;
}

void Channel::read_replies() {
  if (!replies_.is_open()) return;
  char buffer[kChunk];
  const ssize_t got = ::read(replies_.get(), buffer, sizeof buffer);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    replies_.reset();
    return;
  }
  lines_.append({buffer, static_cast<std::size_t>(got)});
}

// True when there may be more at once.
bool Channel::drain_log() {
  char buffer[kChunk];
  const ssize_t got = ::read(process_.output(), buffer, sizeof buffer);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got <= 0) {
    log_closed_ = true;
    return false;
  }
  log_.append({buffer, static_cast<std::size_t>(got)});
  return true;
}

void Channel::wake_for_stop() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(wake_.get(), &one, sizeof one);
}

void Channel::forget_stop() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof count);
}

bool Channel::wait_for_exit(std::chrono::nanoseconds limit) {
  const std::int64_t deadline = now_ns() + limit.count();
  while (!process_.has_exited()) {
    const std::int64_t left = deadline - now_ns();
    if (left <= 0) return false;
    // A worker that prints on its way out must find the pipe drained; a closed one or a kernel
    // without pidfd leaves only short naps.
    const bool can_sleep = process_.exit_descriptor() >= 0;
    const std::int64_t nap = can_sleep ? left : std::min<std::int64_t>(left, 2'000'000);
    const timespec timeout{nap / kNsPerSecond, nap % kNsPerSecond};
    pollfd watched[2] = {{log_closed_ ? -1 : process_.output(), POLLIN, 0},
                         {process_.exit_descriptor(), POLLIN, 0}};
    if (::ppoll(watched, 2, &timeout, nullptr) > 0 && watched[0].revents != 0) drain_log();
  }
  exited_ = true;
  return true;
}

const ExitInfo& Channel::end(std::chrono::nanoseconds grace) {
  if (process_.exit_info()) return *process_.exit_info();
  process_.end(grace);
  exited_ = true;
  requests_.reset();
  replies_.reset();
  // A pipe holds at most 1 MiB; a descendant that escaped the group must not keep us here.
  for (int chunk = 0; chunk < 32 && !log_closed_ && drain_log(); ++chunk) {
  }
  log_.finish();
  return *process_.exit_info();
}

}  // namespace ridgeline::protocol
