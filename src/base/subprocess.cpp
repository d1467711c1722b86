// Subprocess on fork and exec; only async-signal-safe calls between the two.
#include "base/subprocess.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/clock.hpp"
#include "base/oom_kills.hpp"

namespace ridgeline {
namespace {

// Everything the child needs, made before the fork: after it nothing may allocate.
struct Prepared {
  std::string program;
  std::vector<std::string> texts;  // owns what envp points to
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<std::pair<int, int>> descriptors;  // {source, number in the child}
  cpu_set_t cores;
  bool pin = false;
  int null_input = -1;
  int output = -1;
  int failure = -1;  // pipe on which the child reports why it could not exec
  pid_t parent = -1;
  int open_limit = 1024;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Error start_error(const std::string& program, int number) {
  return environment_error(fmt::format("cannot start {}: {}", program, std::strerror(number)));
}

Result<Pipe> make_pipe(const std::string& program) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return start_error(program, errno);
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

bool is_program(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

// execvp is not async-signal-safe, so PATH is searched here.
Result<std::string> find_program(const std::string& name) {
  if (name.empty()) return bad_input("no program to start");
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  rest += ':';
  for (std::size_t from = 0, to = 0; (to = rest.find(':', from)) != std::string::npos;
       from = to + 1) {
    const std::string folder = rest.substr(from, to - from);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (is_program(candidate)) return candidate;
  }
  return start_error(name, ENOENT);
}

void prepare_environment(const SpawnOptions& options, Prepared& prepared) {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view key = text.substr(0, text.find('='));
    const bool replaced = std::any_of(options.environment.begin(), options.environment.end(),
                                      [&](const auto& added) { return added.first == key; });
    if (!replaced) prepared.texts.emplace_back(text);
  }
  for (const auto& [key, value] : options.environment) {
    prepared.texts.push_back(fmt::format("{}={}", key, value));
  }
  for (std::string& text : prepared.texts) prepared.envp.push_back(text.data());
  prepared.envp.push_back(nullptr);
}

[[noreturn]] void give_up(int failure, int number) {
  [[maybe_unused]] const ssize_t put = ::write(failure, &number, sizeof number);
  ::_exit(127);
}

// Closes at exec whatever was open; the descriptors that the program gets are dup'ed afterwards.
void close_all_at_exec(int open_limit) {
  constexpr unsigned kCloseRangeCloexec = 1u << 2;
  if (::syscall(SYS_close_range, 3u, ~0u, kCloseRangeCloexec) == 0) return;
  for (int fd = 3; fd < open_limit; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

// A handler or an ignored signal of ours must not reach the program.
void reset_signals() {
  struct sigaction usual{};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &usual, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// The child between fork and exec.
[[noreturn]] void run_child(Prepared& p) {
  reset_signals();
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the line above: then no signal will ever come.
  if (::getppid() != p.parent) ::_exit(127);

  close_all_at_exec(p.open_limit);
  // First out of the way of every wanted number, then each to its own.
  int floor = 16;
  for (const auto& [source, target] : p.descriptors) floor = std::max(floor, target + 1);
  const int failure = ::fcntl(p.failure, F_DUPFD_CLOEXEC, floor);
  if (failure < 0) give_up(p.failure, errno);
  for (auto& [source, target] : p.descriptors) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, floor);
    if (source < 0) give_up(failure, errno);
  }
  for (const auto& [source, target] : p.descriptors) {
    if (::dup2(source, target) < 0) give_up(failure, errno);
  }
  if (p.pin && ::sched_setaffinity(0, sizeof p.cores, &p.cores) != 0) give_up(failure, errno);
  ::execve(p.program.c_str(), p.argv.data(), p.envp.data());
  give_up(failure, errno);
}

Result<Prepared> prepare(const SpawnOptions& options) {
  Prepared p;
  if (options.argv.empty()) return bad_input("no program to start");
  RIDGELINE_TRY(p.program, find_program(options.argv.front()));
  for (const std::string& argument : options.argv) {
    p.argv.push_back(const_cast<char*>(argument.c_str()));
  }
  p.argv.push_back(nullptr);
  prepare_environment(options, p);
  CPU_ZERO(&p.cores);
  p.pin = !options.cores.empty();
  for (const int core : options.cores) {
    if (core < 0 || core >= CPU_SETSIZE) return bad_input(fmt::format("no such core: {}", core));
    CPU_SET(core, &p.cores);
  }
  p.parent = ::getpid();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    p.open_limit = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 16));
  }
  return p;
}

std::int64_t to_ns(const timeval& time) {
  return time.tv_sec * kNsPerSecond + time.tv_usec * 1000;
}

}  // namespace

Result<Subprocess> Subprocess::start(const SpawnOptions& options) {
  RIDGELINE_TRY(Prepared prepared, prepare(options));
  RIDGELINE_TRY(Pipe output, make_pipe(prepared.program));
  RIDGELINE_TRY(Pipe failure, make_pipe(prepared.program));
  const Descriptor null_input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!null_input.is_open()) return start_error(prepared.program, errno);
  prepared.failure = failure.write.get();
  prepared.descriptors = options.descriptors;
  prepared.descriptors.insert(
      prepared.descriptors.end(),
      {{null_input.get(), 0}, {output.write.get(), 1}, {output.write.get(), 2}});

  // No handler of ours may run in the child, which has not reset them yet.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int fork_errno = errno;
  if (pid == 0) run_child(prepared);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return start_error(prepared.program, fork_errno);

  ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  Subprocess process(pid, std::move(output.read));
  failure.write.reset();
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure.read.get(), &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof number)) return start_error(prepared.program, number);
  return process;
}

Subprocess::Subprocess(pid_t pid, Descriptor output)
    : pid_(pid),
      output_(std::move(output)),
      pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
      oom_kills_(oom_kill_count()) {
  if (pidfd_.is_open()) ::fcntl(pidfd_.get(), F_SETFD, FD_CLOEXEC);
}

Subprocess::Subprocess(Subprocess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::move(other.output_)),
      pidfd_(std::move(other.pidfd_)),
      oom_kills_(other.oom_kills_),
      exit_(other.exit_) {}

Subprocess::~Subprocess() {
  if (pid_ > 0) end(std::chrono::nanoseconds(0));
}

bool Subprocess::has_exited() const {
  if (exit_ || pid_ <= 0) return true;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return errno == ECHILD;
  }
  return info.si_pid == pid_;
}

bool Subprocess::wait_for_exit(std::chrono::nanoseconds limit) const {
  const std::int64_t deadline = now_ns() + limit.count();
  while (!has_exited()) {
    const std::int64_t left = deadline - now_ns();
    if (left <= 0) return false;
    // Without a pidfd there is nothing to sleep on but time.
    const std::int64_t nap = pidfd_.is_open() ? left : std::min<std::int64_t>(left, 2'000'000);
    const timespec timeout{nap / kNsPerSecond, nap % kNsPerSecond};
    pollfd exited{pidfd_.get(), POLLIN, 0};
    ::ppoll(&exited, 1, &timeout, nullptr);
  }
  return true;
}

const ExitInfo& Subprocess::end(std::chrono::nanoseconds grace) {
  if (exit_) return *exit_;
  ExitInfo info;
  // While the leader is not reaped, neither its id nor the group's can belong to anyone else.
  info.ended_by_us = !has_exited();
  if (info.ended_by_us && grace.count() > 0) {
    ::kill(-pid_, SIGTERM);
    ::kill(-pid_, SIGCONT);  // a stopped process does not see the signal before
    wait_for_exit(grace);
  }
  ::kill(-pid_, SIGKILL);

  int status = 0;
  rusage usage{};
  pid_t reaped = 0;
  do {
    reaped = ::wait4(pid_, &status, 0, &usage);
  } while (reaped < 0 && errno == EINTR);
  if (reaped == pid_) {
    info.signaled = WIFSIGNALED(status);
    info.code = info.signaled ? WTERMSIG(status) : WEXITSTATUS(status);
    info.peak_resident_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
    info.user_ns = to_ns(usage.ru_utime);
    info.system_ns = to_ns(usage.ru_stime);
  } else {
    info.code = -1;
  }
  if (info.signaled && info.code == SIGKILL && !info.ended_by_us) {
    const auto kills = oom_kill_count();
    info.out_of_memory = kills && oom_kills_ && *kills > *oom_kills_;
  }
  exit_ = info;
  pidfd_.reset();
  return *exit_;
}

std::string signal_name(int signal) {
  constexpr std::pair<int, const char*> kNames[] = {
      {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
      {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
      {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
      {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"},
      {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"}};
  for (const auto& [number, name] : kNames) {
    if (number == signal) return name;
  }
  return fmt::format("signal {}", signal);
}

std::string ExitInfo::describe() const {
  if (code < 0) return "ended in an unknown way";
  if (!signaled) return fmt::format("exited with status {}", code);
  std::string text = fmt::format("killed by signal {} ({})", code, signal_name(code));
  if (ended_by_us) return text + " from Ridgeline";
  if (out_of_memory) return text + ": the kernel ended it for lack of memory";
  if (code == SIGKILL) text += ", perhaps for lack of memory";
  return text;
}

}  // namespace ridgeline
