// The client never waits for ever: deadlines, stop, Ctrl-C, floods, and a coordinator that dies.
#include "protocol/client.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/clock.hpp"
#include "protocol/messages.hpp"
#include "protocol/sample_file.hpp"
#include "unit/protocol/scripted_worker.hpp"

namespace ridgeline::protocol {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

double seconds_since(std::int64_t begin) {
  return static_cast<double>(now_ns() - begin) * 1e-9;
}

WorkerCommand shell(const std::string& script) {
  WorkerCommand command;
  command.argv = {"/bin/sh", "-c", script};
  return command;
}

// The error of a worker that never gets through its hello.
Error hello_error(const WorkerCommand& command, const Deadlines& deadlines = kPatient) {
  auto worker = Worker::start(command, nullptr, deadlines);
  EXPECT_FALSE(worker);
  EXPECT_TRUE(has_no_child());
  return worker ? Error{} : worker.error();
}

TEST(Protocol_Client, tells_programs_that_are_no_worker) {
  EXPECT_EQ(hello_error({{"/no/such/engine"}}).error_class, ErrorClass::kEnvironment);
  const Error dead = hello_error(shell("echo 'torch is missing' >&2; exit 9"));
  EXPECT_EQ(dead.error_class, ErrorClass::kCrash);
  EXPECT_NE(dead.message.find("exited with status 9"), std::string::npos) << dead.message;
  EXPECT_NE(dead.message.find("torch is missing"), std::string::npos) << dead.message;
  EXPECT_EQ(hello_error(shell("sleep 1000"), {milliseconds(100), {}}).error_class,
            ErrorClass::kTimeout);
}

TEST(Protocol_Client, refuses_another_protocol_and_a_nameless_hello) {
  const auto hello = [](const std::string& fields) {
    return shell(R"(read line <&3; echo '{"reply":"hello","id":1,)" + fields +
                 "}' >&4; sleep 1000");
  };
  const Error version = hello_error(hello(R"("protocol":2,"name":"x")"));
  EXPECT_EQ(version.error_class, ErrorClass::kProtocol);
  EXPECT_NE(version.message.find("speaks protocol 2"), std::string::npos) << version.message;
  EXPECT_EQ(hello_error(hello(R"("name":"x")")).error_class, ErrorClass::kProtocol);
  EXPECT_EQ(hello_error(hello(R"("protocol":1)")).error_class, ErrorClass::kProtocol);
}

TEST(Protocol_Client, ignores_events_of_others_and_unknown_ones) {
  const auto worker = Worker::start(shell(R"(read line <&3
echo '{"event":"heartbeat","id":77,"progress":1}' >&4
echo '{"event":"log","text":"x"}' >&4
echo '{"event":"dance","id":1}' >&4
echo '{"reply":"hello","id":1,"protocol":1,"name":"x","new":{}}' >&4; sleep 1000)"),
                                    nullptr, kPatient);
  EXPECT_TRUE(worker) << worker.error().line();
}

TEST(Protocol_Client, takes_an_error_without_id_as_the_answer) {
  const Error error = hello_error(shell(R"(read line <&3
echo '{"reply":"error","id":-1,"class":"protocol","message":"what?"}' >&4; sleep 1000)"));
  EXPECT_EQ(error.error_class, ErrorClass::kProtocol);
  EXPECT_EQ(error.message, "what?");
}

TEST(Protocol_Deadlines, let_the_slow_work_on) {
  auto worker = Worker::start(
      scripted(
          R"({"heartbeat_ms":20,"faults":[{"at":"load","kind":"slow","duration_ns":1500000000}]})"),
      nullptr, kPatient);
  ASSERT_TRUE(worker);
  int beats = 0;
  Events events;
  events.on_progress = [&](std::int64_t) { ++beats; };
  const auto loaded =
      (*worker)->request("load", {{"model", "scripted"}}, {seconds(30), milliseconds(700)}, events);
  EXPECT_TRUE(loaded) << loaded.error().line();
  EXPECT_GE(beats, 3);
}

TEST(Protocol_Deadlines, end_the_hung_whether_silent_or_not) {
  const auto error_of = [](const std::string& kind, const Deadlines& deadlines) {
    auto worker = Worker::start(
        scripted(R"({"heartbeat_ms":20,"faults":[{"at":"load","kind":")" + kind + "\"}]}"), nullptr,
        kPatient);
    const std::int64_t begin = now_ns();
    const auto loaded = (*worker)->request("load", {{"model", "scripted"}}, deadlines);
    EXPECT_LT(seconds_since(begin), 5);
    EXPECT_FALSE((*worker)->alive());
    EXPECT_TRUE(has_no_child());
    return loaded ? Error{} : loaded.error();
  };
  const Error silent = error_of("hang", {seconds(30), milliseconds(300)});
  EXPECT_EQ(silent.error_class, ErrorClass::kTimeout);
  EXPECT_NE(silent.message.find("nothing was heard"), std::string::npos) << silent.message;
  const Error stuck = error_of("hang_with_heartbeat", {seconds(30), milliseconds(300)});
  EXPECT_EQ(stuck.error_class, ErrorClass::kTimeout);
  EXPECT_NE(stuck.message.find("heartbeats went on and it used"), std::string::npos)
      << stuck.message;
  const Error late = error_of("hang_with_heartbeat", {milliseconds(300), {}});
  EXPECT_NE(late.message.find("no reply within 0.3 s"), std::string::npos) << late.message;
}

TEST(Protocol_Deadlines, hold_for_a_worker_that_does_not_read) {
  auto worker = planned_worker("{}");
  ASSERT_TRUE(worker);
  ::kill((*worker)->pid(), SIGSTOP);
  const auto loaded =
      (*worker)->request("load", {{"model", std::string(1'000'000, 'x')}}, {milliseconds(200), {}});
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().error_class, ErrorClass::kTimeout);
}

TEST(Protocol_Client, notices_a_death_between_two_requests) {
  auto worker = planned_worker("{}");
  ASSERT_TRUE(worker);
  ::kill((*worker)->pid(), SIGKILL);
  ::usleep(20'000);
  const auto cost = (*worker)->request("cost", Json::object(), kPatient);
  ASSERT_FALSE(cost);
  EXPECT_EQ(cost.error().error_class, ErrorClass::kCrash);
  EXPECT_NE(cost.error().message.find("SIGKILL"), std::string::npos) << cost.error().message;
  EXPECT_TRUE((*worker)->exit_info()->signaled);
  EXPECT_FALSE((*worker)->exit_info()->ended_by_us);
}

TEST(Protocol_Stop, ends_a_long_run_early) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 1000);
  auto worker = planned_worker("{}");
  ASSERT_TRUE(file && worker);
  (*worker)->stop();  // of no run: forgotten
  Events events;
  std::thread stopper;
  events.on_started = [&](std::int64_t) {
    stopper = std::thread([&] {
      ::usleep(30'000);
      (*worker)->stop();
    });
  };
  const std::int64_t begin = now_ns();
  const auto ran =
      (*worker)->request("run", run_fields(scratch / "s", 1'000'000), kPatient, events);
  stopper.join();
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_LT(seconds_since(begin), 10);
  EXPECT_EQ((*ran)["stopped"], true);
  EXPECT_GE(file->count(), 1u);
  const auto again = (*worker)->request("run", run_fields(scratch / "s", 3), kPatient);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)["stopped"], false);
  EXPECT_EQ((*again)["calls"], 3);
}

TEST(Protocol_Interrupt, stops_a_run_and_keeps_its_rows) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 1000);
  Interrupt interrupt;
  auto worker = planned_worker("{}", &interrupt);
  ASSERT_TRUE(file && worker);
  Events events;
  events.on_started = [&](std::int64_t) { interrupt.set(); };
  const auto ran =
      (*worker)->request("run", run_fields(scratch / "s", 1'000'000), kPatient, events);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().error_class, ErrorClass::kInterrupted);
  EXPECT_TRUE((*worker)->alive()) << "it answered, so it may leave in good order";
  EXPECT_GE(file->count(), 1u);
  EXPECT_EQ((*worker)->request("cost", Json::object(), kPatient).error().error_class,
            ErrorClass::kInterrupted);
  EXPECT_TRUE((*worker)->quit()) << "quit still works after Ctrl-C";
}

TEST(Protocol_Interrupt, ends_what_does_not_stop) {
  const Scratch scratch;
  ASSERT_TRUE(SampleFile::create(scratch / "s", 10));
  Interrupt interrupt;
  auto worker =
      planned_worker(R"({"faults":[{"at":"run","kind":"hang_with_heartbeat"}]})", &interrupt);
  ASSERT_TRUE(worker);
  std::thread user([&] {
    ::usleep(50'000);
    interrupt.set();
  });
  const std::int64_t begin = now_ns();
  const auto ran = (*worker)->request("run", run_fields(scratch / "s", 10), kPatient);
  user.join();
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().error_class, ErrorClass::kInterrupted);
  EXPECT_FALSE((*worker)->alive());
  EXPECT_GT(seconds_since(begin), 1.5) << "a run may finish its call";
  EXPECT_LT(seconds_since(begin), 6);
}

TEST(Protocol_Interrupt, ends_anything_else_at_once) {
  Interrupt interrupt;
  auto worker = Worker::start(
      scripted(R"({"faults":[{"at":"load","kind":"hang_with_heartbeat"}]})"), &interrupt, kPatient);
  ASSERT_TRUE(worker);
  std::thread user([&] {
    ::usleep(30'000);
    interrupt.set();
  });
  const std::int64_t begin = now_ns();
  const auto loaded = (*worker)->request("load", {{"model", "scripted"}}, kPatient);
  user.join();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().error_class, ErrorClass::kInterrupted);
  EXPECT_LT(seconds_since(begin), 1.5);
  EXPECT_TRUE(has_no_child());
  EXPECT_EQ(Worker::start(scripted("{}"), &interrupt).error().error_class,
            ErrorClass::kInterrupted);
}

TEST(Protocol_Flood, of_100_MB_neither_blocks_nor_fills_the_disk) {
  const Scratch scratch;
  ASSERT_TRUE(SampleFile::create(scratch / "s", 10));
  auto worker =
      planned_worker(R"({"faults":[{"at":"run","kind":"flood_stdout","bytes":100000000}]})",
                     nullptr, scratch / "log");
  ASSERT_TRUE(worker) << worker.error().line();
  const auto ran = (*worker)->request("run", run_fields(scratch / "s", 3), kPatient);
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_TRUE((*worker)->quit());
  EXPECT_LT(std::filesystem::file_size(scratch / "log"), (std::size_t{1} << 20) + 200);
  std::ifstream file(scratch / "log");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(" bytes left out ...]"), std::string::npos);
  EXPECT_EQ(text.str().substr(0, 14), "scripted fault") << "the head is kept";
}

TEST(Protocol_Client, survives_a_closed_pipe_without_sigpipe) {
  // The shell answers and closes its requests: the next write has no reader.
  auto worker = Worker::start(shell(R"(read line <&3; exec 3<&-
echo '{"reply":"hello","id":1,"protocol":1,"name":"x"}' >&4; sleep 1000)"),
                              nullptr, kPatient);
  ASSERT_TRUE(worker) << worker.error().line();
  const auto cost = (*worker)->request("cost", Json::object(), kPatient);
  ASSERT_FALSE(cost);
  EXPECT_EQ(cost.error().error_class, ErrorClass::kProtocol);
  EXPECT_TRUE(has_no_child());
}

TEST(Protocol_Client, ends_descendants_too) {
  auto worker = Worker::start(shell(R"(read line <&3; sleep 1000 & sleep 1000 &
echo '{"reply":"hello","id":1,"protocol":1,"name":"x"}' >&4; wait)"),
                              nullptr, kPatient);
  ASSERT_TRUE(worker) << worker.error().line();
  const pid_t group = (*worker)->pid();
  worker->reset();
  EXPECT_TRUE(group_is_gone(group));
}

// A coordinator in a process of its own that dies of SIGKILL while its worker does `kind`.
pid_t worker_of_killed_coordinator(const std::string& kind) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  const pid_t coordinator = ::fork();
  if (coordinator == 0) {
    auto worker = Worker::start(scripted(R"({"faults":[{"at":"load","kind":")" + kind + "\"}]}"),
                                nullptr, kPatient);
    const pid_t pid = worker ? (*worker)->pid() : -1;
    if (::write(ends[1], &pid, sizeof pid) != sizeof pid || !worker) ::_exit(1);
    (void)(*worker)->request("load", {{"model", "scripted"}}, kPatient);
    ::_exit(1);
  }
  pid_t pid = -1;
  if (::read(ends[0], &pid, sizeof pid) != sizeof pid) pid = -1;
  ::usleep(100'000);
  ::kill(coordinator, SIGKILL);
  ::waitpid(coordinator, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
  return pid;
}

TEST(Protocol_CoordinatorDeath, ends_the_worker) {
  for (const char* kind : {"hang", "hang_with_heartbeat"}) {
    const pid_t pid = worker_of_killed_coordinator(kind);
    ASSERT_GT(pid, 0);
    EXPECT_TRUE(group_is_gone(pid)) << kind;
  }
}

TEST(Protocol_CoordinatorDeath, is_seen_by_the_end_of_requests_alone) {
  // We stay alive, so the kernel's death signal plays no part; the main thread is stuck.
  int requests[2];
  int replies[2];
  ASSERT_EQ(::pipe2(requests, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(replies, O_CLOEXEC), 0);
  SpawnOptions options;
  options.argv = {RIDGELINE_SCRIPTED_ENGINE, "--script",
                  R"({"faults":[{"at":"hello","kind":"hang_with_heartbeat"}]})"};
  options.descriptors = {{requests[0], kRequestDescriptor}, {replies[1], kReplyDescriptor}};
  Result<Subprocess> process = Subprocess::start(options);
  ASSERT_TRUE(process);
  ::close(requests[0]);
  const std::string hello = "{\"message\":\"hello\",\"id\":1}\n";
  ASSERT_EQ(::write(requests[1], hello.data(), hello.size()), static_cast<ssize_t>(hello.size()));
  EXPECT_FALSE(process->wait_for_exit(milliseconds(100)));
  ::close(requests[1]);
  EXPECT_TRUE(process->wait_for_exit(seconds(10)));
  EXPECT_FALSE(process->end(milliseconds(0)).ended_by_us);
  ::close(replies[0]);
  ::close(replies[1]);
}

}  // namespace
}  // namespace ridgeline::protocol
