// Programs are started with exactly what they were given, and never outlive us.
#include "base/subprocess.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/interrupt.hpp"

namespace ridgeline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

SpawnOptions shell(const std::string& script) {
  SpawnOptions options;
  options.argv = {"sh", "-c", script};
  return options;
}

// Everything it prints until it closes the pipe, within ten seconds.
std::string read_all(const Subprocess& process) {
  std::string text;
  const std::int64_t deadline = now_ns() + 10 * kNsPerSecond;
  while (now_ns() < deadline) {
    pollfd readable{process.output(), POLLIN, 0};
    ::poll(&readable, 1, 1000);
    char buffer[4096];
    const ssize_t got = ::read(process.output(), buffer, sizeof buffer);
    if (got == 0) break;
    if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

// Gone, or dead and only not reaped by whoever inherited it.
bool is_gone(pid_t pid) {
  const std::int64_t deadline = now_ns() + 2 * kNsPerSecond;
  while (now_ns() < deadline) {
    if (::kill(pid, 0) != 0 && errno == ESRCH) return true;
    FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
    if (file == nullptr) return true;
    char state = '?';
    const int fields = std::fscanf(file, "%*d (%*[^)]) %c", &state);
    std::fclose(file);
    if (fields == 1 && (state == 'Z' || state == 'X')) return true;
    ::usleep(5000);
  }
  return false;
}

struct Finished {
  std::string output;
  ExitInfo exit;
};

Finished run_to_end(const SpawnOptions& options) {
  Result<Subprocess> process = Subprocess::start(options);
  if (!process) return {process.error().line(), {}};
  Finished finished;
  finished.output = read_all(*process);
  process->wait_for_exit(seconds(10));
  finished.exit = process->end(milliseconds(0));
  return finished;
}

TEST(Subprocess, reports_output_and_status) {
  const Finished finished = run_to_end(shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(finished.output, "out\nerr\n");
  EXPECT_FALSE(finished.exit.signaled);
  EXPECT_EQ(finished.exit.code, 7);
  EXPECT_FALSE(finished.exit.ended_by_us);
  EXPECT_EQ(finished.exit.describe(), "exited with status 7");
  EXPECT_GT(finished.exit.peak_resident_bytes, 100'000);
}

TEST(Subprocess, names_the_program_that_cannot_be_started) {
  for (const char* program :
       {"/no/such/program", "no-such-program-in-path", "/dev", "/etc/passwd"}) {
    SpawnOptions options;
    options.argv = {program};
    const Result<Subprocess> process = Subprocess::start(options);
    ASSERT_FALSE(process) << program;
    EXPECT_EQ(process.error().error_class, ErrorClass::kEnvironment);
    EXPECT_NE(process.error().message.find(program), std::string::npos);
    EXPECT_GT(process.error().message.size(), std::string(program).size() + 18);
  }
  EXPECT_FALSE(Subprocess::start(SpawnOptions{}));
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a failed start left a zombie";
}

TEST(Subprocess, has_the_mapped_descriptors_and_no_other) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);  // without O_CLOEXEC on purpose
  const int stray = ::fcntl(ends[0], F_DUPFD, 9);
  SpawnOptions options = shell(
      "for f in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do "
      "[ -e /proc/$$/fd/$f ] && printf '%s ' $f; done; cat <&4; echo to-three >&3");
  int back[2];
  ASSERT_EQ(::pipe(back), 0);
  ASSERT_EQ(::write(ends[1], "from-four ", 10), 10);
  ::close(ends[1]);
  options.descriptors = {{back[1], 3}, {ends[0], 4}};
  const Finished finished = run_to_end(options);
  char text[16] = {};
  EXPECT_EQ(::read(back[0], text, sizeof text), 9);
  EXPECT_STREQ(text, "to-three\n");
  EXPECT_EQ(finished.output.substr(0, 20), "0 1 2 3 4 from-four ");
  for (const int fd : {stray, ends[0], back[0], back[1]}) ::close(fd);
}

TEST(Subprocess, maps_descriptors_that_cross) {
  // 3 and 4 of ours are given as 4 and 3: a naive dup2 would lose one of them.
  int first[2];
  int second[2];
  ASSERT_EQ(::pipe2(first, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(second, O_CLOEXEC), 0);
  SpawnOptions options = shell("eval \"echo one >&$A; echo two >&$B\"");
  options.environment = {{"A", std::to_string(second[1])}, {"B", std::to_string(first[1])}};
  options.descriptors = {{first[1], second[1]}, {second[1], first[1]}};
  if (first[1] > 9 || second[1] > 9) GTEST_SKIP() << "sh only redirects single digits";
  EXPECT_EQ(run_to_end(options).output, "");
  char text[8] = {};
  EXPECT_EQ(::read(first[0], text, sizeof text), 4);
  EXPECT_STREQ(text, "one\n");
  for (const int fd : {first[0], first[1], second[0], second[1]}) ::close(fd);
}

TEST(Subprocess, gets_the_environment_and_the_cores) {
  ::setenv("RIDGELINE_TEST_KEEP", "kept", 1);
  ::setenv("RIDGELINE_TEST_REPLACE", "old", 1);
  SpawnOptions options = shell(
      "echo $RIDGELINE_TEST_KEEP $RIDGELINE_TEST_REPLACE; grep Cpus_allowed_list "
      "/proc/self/status");
  options.environment = {{"RIDGELINE_TEST_REPLACE", "new"}};
  options.cores = {0};
  EXPECT_EQ(run_to_end(options).output, "kept new\nCpus_allowed_list:\t0\n");
  options.cores = {-1};
  EXPECT_FALSE(Subprocess::start(options));
}

TEST(Subprocess, does_not_inherit_ignored_or_blocked_signals) {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  const Finished finished = run_to_end(shell("kill -PIPE $$; echo survived"));
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  std::signal(SIGPIPE, before);
  EXPECT_TRUE(finished.exit.signaled);
  EXPECT_EQ(finished.exit.code, SIGPIPE);
  EXPECT_EQ(finished.output, "");
}

TEST(Subprocess_end, kills_descendants_and_the_stubborn) {
  Result<Subprocess> process =
      Subprocess::start(shell("trap '' TERM; sleep 1000 & echo $!; while :; do sleep 1; done"));
  ASSERT_TRUE(process);
  pollfd readable{process->output(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 10'000), 1);
  char text[32] = {};
  ASSERT_GT(::read(process->output(), text, sizeof text - 1), 0);
  const pid_t grandchild = std::atoi(text);
  ASSERT_GT(grandchild, 0);

  const std::int64_t begin = now_ns();
  const ExitInfo exit = process->end(milliseconds(100));
  EXPECT_LT(now_ns() - begin, 5 * kNsPerSecond);
  EXPECT_TRUE(exit.ended_by_us);
  EXPECT_EQ(exit.describe(), "killed by signal 9 (SIGKILL) from Ridgeline");
  EXPECT_TRUE(is_gone(grandchild));
  EXPECT_TRUE(is_gone(process->pid()));
}

TEST(Subprocess_end, wakes_a_stopped_program) {
  Result<Subprocess> process = Subprocess::start(shell("kill -STOP $$; sleep 1000"));
  ASSERT_TRUE(process);
  const ExitInfo exit = process->end(seconds(5));
  EXPECT_TRUE(exit.signaled);
  EXPECT_EQ(exit.code, SIGTERM) << "the grace was of no use";
}

TEST(Subprocess_end, tells_a_foreign_sigkill) {
  const Finished finished = run_to_end(shell("kill -KILL $$"));
  EXPECT_FALSE(finished.exit.ended_by_us);
  EXPECT_EQ(finished.exit.describe().substr(0, 28), "killed by signal 9 (SIGKILL)");
  EXPECT_NE(finished.exit.describe().find("lack of memory"), std::string::npos);
}

TEST(Subprocess_destructor, leaves_no_process) {
  pid_t pid = -1;
  {
    Result<Subprocess> process = Subprocess::start(shell("sleep 1000"));
    ASSERT_TRUE(process);
    pid = process->pid();
    EXPECT_FALSE(process->has_exited());
  }
  EXPECT_TRUE(is_gone(pid));
}

TEST(Subprocess, dies_with_the_thread_that_started_it) {
  pid_t pid = -1;
  std::optional<Subprocess> kept;
  std::thread starter([&] {
    Result<Subprocess> process = Subprocess::start(shell("sleep 1000"));
    if (!process) return;
    pid = process->pid();
    kept.emplace(*std::move(process));
  });
  starter.join();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->wait_for_exit(seconds(5))) << "documented: the death signal follows the thread";
  EXPECT_EQ(kept->end(milliseconds(0)).code, SIGKILL);
}

TEST(Interrupt, is_seen_by_flag_and_descriptor) {
  Interrupt interrupt;
  pollfd readable{interrupt.descriptor(), POLLIN, 0};
  EXPECT_FALSE(interrupt.is_set());
  EXPECT_EQ(::poll(&readable, 1, 0), 0);
  interrupt.set();
  interrupt.set();
  EXPECT_TRUE(interrupt.is_set());
  EXPECT_EQ(::poll(&readable, 1, 0), 1);
}

TEST(Interrupt_on_signals, takes_the_first_signal_only) {
  static Interrupt interrupt;
  interrupt_on_signals(interrupt);
  ::raise(SIGINT);
  EXPECT_TRUE(interrupt.is_set());
  struct sigaction now{};
  ::sigaction(SIGINT, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace
}  // namespace ridgeline
