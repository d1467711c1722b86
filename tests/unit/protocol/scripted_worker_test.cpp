// The helpers of the tests with scripted workers, and a whole healthy conversation.
#include "unit/protocol/scripted_worker.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "protocol/sample_file.hpp"

namespace ridgeline::protocol {
namespace {

// Live members of a process group.
int members(pid_t group) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "stat");
    std::string text;
    std::getline(file, text);
    const std::size_t end = text.rfind(')');
    if (end == std::string::npos) continue;
    char state = '?';
    int parent = 0;
    int its_group = 0;
    if (std::sscanf(text.c_str() + end + 1, " %c %d %d", &state, &parent, &its_group) != 3)
      continue;
    if (its_group == group && state != 'Z' && state != 'X') ++count;
  }
  return count;
}

}  // namespace

WorkerCommand scripted(const std::string& script, const std::string& log_path) {
  WorkerCommand command;
  command.argv = {RIDGELINE_SCRIPTED_ENGINE, "--script", script};
  command.log_path = log_path;
  return command;
}

Result<std::unique_ptr<Worker>> planned_worker(const std::string& script,
                                               const Interrupt* interrupt,
                                               const std::string& log_path) {
  RIDGELINE_TRY(auto worker, Worker::start(scripted(script, log_path), interrupt, kPatient));
  RIDGELINE_CHECK(worker->request("load", {{"model", "scripted"}}, kPatient));
  RIDGELINE_CHECK(worker->request("plan", {{"workload", Json::object()}}, kPatient));
  return worker;
}

Json run_fields(const std::string& samples, std::int64_t calls) {
  return {{"phase", "forward"}, {"until", {{"n", calls}}}, {"samples", samples}};
}

bool group_is_gone(pid_t group) {
  const std::int64_t deadline = now_ns() + 2 * kNsPerSecond;
  while (members(group) > 0) {
    if (now_ns() > deadline) return false;
    ::usleep(5000);
  }
  return true;
}

bool has_no_child() {
  siginfo_t info{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

namespace {

TEST(Protocol_Worker, holds_a_whole_conversation) {
  const Scratch scratch;
  Result<SampleFile> file = SampleFile::create(scratch / "s", 100);
  ASSERT_TRUE(file);
  auto worker =
      planned_worker(R"({"phases":{"forward":{"duration_ns":1000000}}})", nullptr, scratch / "log");
  ASSERT_TRUE(worker) << worker.error().line();
  Worker& w = **worker;
  EXPECT_EQ(w.name(), "scripted");
  EXPECT_EQ(w.hello()["pid"], w.pid());
  EXPECT_EQ(w.hello()["pgid"], w.pid()) << "the worker leads a group of its own";
  EXPECT_GT(w.spawn_ns(), 0);

  std::int64_t started = 0;
  Events events;
  events.on_started = [&](std::int64_t ns) { started = ns; };
  const auto ran = w.request("run", run_fields(scratch / "s", 5), kPatient, events);
  ASSERT_TRUE(ran) << ran.error().line();
  EXPECT_EQ((*ran)["rows"], 5);
  ASSERT_EQ(file->count(), 5u);
  EXPECT_GE(file->rows()[0].begin_ns, started) << "one clock for both";
  EXPECT_LE(file->rows()[4].done_ns, now_ns());
  for (const SampleRow& row : file->rows()) EXPECT_GE(row.done_ns - row.begin_ns, 1'000'000);

  EXPECT_TRUE(w.request("cost", Json::object(), kPatient));
  EXPECT_TRUE(w.request("memory", {{"phase", "forward"}}, kPatient));
  const auto unknown = w.request("generate", Json::object(), kPatient);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().error_class, ErrorClass::kUnsupported);
  EXPECT_TRUE(w.alive()) << "an error that the worker reports does not end it";

  const Status quit = w.quit();
  EXPECT_TRUE(quit) << quit.error().line();
  ASSERT_TRUE(w.exit_info());
  EXPECT_TRUE(w.exit_info()->clean());
  EXPECT_FALSE(w.exit_info()->ended_by_us);
  EXPECT_GT(w.exit_info()->peak_resident_bytes, 1'000'000);
  EXPECT_TRUE(w.quit()) << "quitting twice is no error";
  EXPECT_FALSE(w.request("cost", Json::object(), kPatient));
  EXPECT_TRUE(has_no_child());
}

TEST(Protocol_Worker, passes_lines_that_are_longer_than_a_pipe) {
  auto worker = Worker::start(scripted("{}"), nullptr, kPatient);
  ASSERT_TRUE(worker);
  const std::string name(1'000'000, 'n');
  const auto loaded =
      (*worker)->request("load", {{"model", R"({"name":")" + name + "\"}"}}, kPatient);
  ASSERT_TRUE(loaded) << loaded.error().line();
  EXPECT_EQ((*loaded)["model"]["reference"], name);
  const auto too_long =
      (*worker)->request("load", {{"model", std::string(kMaxLine, 'x')}}, kPatient);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().error_class, ErrorClass::kBadInput);
  EXPECT_TRUE((*worker)->quit());
}

TEST(Protocol_Worker, keeps_its_descriptors_from_its_children) {
  auto worker = Worker::start(scripted("{}"), nullptr, kPatient);
  ASSERT_TRUE(worker);
  for (const int fd : {kRequestDescriptor, kReplyDescriptor}) {
    std::ifstream info("/proc/" + std::to_string((*worker)->pid()) + "/fdinfo/" +
                       std::to_string(fd));
    std::string word;
    std::string flags;
    while (info >> word) {
      if (word == "flags:") info >> flags;
    }
    ASSERT_FALSE(flags.empty());
    EXPECT_NE(std::stol(flags, nullptr, 8) & 02000000, 0) << "close-on-exec of " << fd;
  }
}

}  // namespace
}  // namespace ridgeline::protocol
