// Everything that can go wrong, at every message: the class of the error is right, the time is
// bounded, no process is left, and the next worker works.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "protocol/client.hpp"
#include "protocol/sample_file.hpp"
#include "unit/protocol/scripted_worker.hpp"

namespace ridgeline::protocol {
namespace {

using std::chrono::milliseconds;

constexpr const char* kMessages[] = {"hello", "load",   "plan", "cost",
                                     "run",   "memory", "stop", "quit"};

struct Kind {
  const char* name;
  std::optional<ErrorClass> wanted;  // at a message with a reply; empty: the worker goes on
  std::optional<ErrorClass> at_stop;
};

constexpr auto kFine = std::nullopt;
constexpr Kind kKinds[] = {
    {"crash", ErrorClass::kCrash, ErrorClass::kCrash},
    {"abort", ErrorClass::kCrash, ErrorClass::kCrash},
    {"exit", ErrorClass::kCrash, ErrorClass::kCrash},
    {"sigkill_self", ErrorClass::kCrash, ErrorClass::kCrash},
    {"half_line", ErrorClass::kCrash, ErrorClass::kCrash},
    {"hang", ErrorClass::kTimeout, ErrorClass::kTimeout},
    {"hang_with_heartbeat", ErrorClass::kTimeout, ErrorClass::kTimeout},
    {"ignore_stop", kFine, ErrorClass::kTimeout},
    {"garbage", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"nan", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"non_object", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"wrong_id", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"wrong_name", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"huge_line", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"close_pipe", ErrorClass::kProtocol, ErrorClass::kProtocol},
    {"oom", ErrorClass::kOomDevice, kFine},
    {"bad_alloc", ErrorClass::kOomHost, kFine},
    {"error", ErrorClass::kUnsupported, kFine},
    {"slow", kFine, kFine},
    {"flood_stdout", kFine, kFine},
};

std::string script_with(const std::string& kind, const std::string& at) {
  const char* bytes = kind == "huge_line" ? "1000000000" : "1000000";
  return R"({"heartbeat_ms":20,"faults":[{"at":")" + at + R"(","kind":")" + kind +
         R"(","class":"unsupported","duration_ns":50000000,"bytes":)" + bytes + "}]}";
}

// What became of one conversation.
struct Story {
  std::string failed_at;  // "" when all went well
  Error error;
};

// The whole conversation; `hasty` is the deadline at the message `at`, where a fault is awaited.
Story converse(const std::string& script, const std::string& at, const Deadlines& hasty,
               const Scratch& scratch) {
  const auto limit = [&](const char* message) { return at == message ? hasty : kPatient; };
  Result<SampleFile> file = SampleFile::create(scratch / "s", 100'000);
  if (!file) return {"create", file.error()};
  auto worker = Worker::start(scripted(script, scratch / "log"), nullptr, limit("hello"));
  if (!worker) return {"hello", worker.error()};
  Worker& w = **worker;
  const Json empty = Json::object();
  if (auto r = w.request("load", {{"model", "scripted"}}, limit("load")); !r) {
    return {"load", r.error()};
  }
  if (auto r = w.request("plan", {{"workload", empty}}, limit("plan")); !r) {
    return {"plan", r.error()};
  }
  if (auto r = w.request("cost", empty, limit("cost")); !r) return {"cost", r.error()};
  if (auto r = w.request("run", run_fields(scratch / "s", 3), limit("run")); !r) {
    return {"run", r.error()};
  }
  if (auto r = w.request("memory", empty, limit("memory")); !r) return {"memory", r.error()};
  Events events;
  events.on_started = [&](std::int64_t) { w.stop(); };
  if (auto r = w.request("run", run_fields(scratch / "s", 90'000), limit("stop"), events); !r) {
    return {"stop", r.error()};
  }
  const auto quit_limit = at == "quit" ? hasty.total : kPatient.total;
  if (auto r = w.quit(quit_limit); !r) return {"quit", r.error()};
  return {};
}

class Protocol_Chaos : public ::testing::TestWithParam<Kind> {};

TEST_P(Protocol_Chaos, ends_as_it_should_at_every_message) {
  const Kind& kind = GetParam();
  for (const std::string at : kMessages) {
    const Scratch scratch;
    const auto wanted = at == "stop" ? kind.at_stop : kind.wanted;
    const bool hangs = wanted == ErrorClass::kTimeout;
    const Deadlines hasty = hangs ? Deadlines{milliseconds(300), {}} : kPatient;
    const std::int64_t begin = now_ns();
    const Story story = converse(script_with(kind.name, at), at, hasty, scratch);
    SCOPED_TRACE(at + ": " + story.error.line());
    EXPECT_LT(now_ns() - begin, 15 * kNsPerSecond);
    EXPECT_TRUE(has_no_child());
    EXPECT_EQ(story.failed_at, wanted ? at : "");
    if (wanted) {
      EXPECT_EQ(wire_name(story.error.error_class), wire_name(*wanted));
      EXPECT_FALSE(story.error.message.empty());
      EXPECT_LT(story.error.line().size(), 800u);
    }
  }
  const Scratch scratch;
  EXPECT_EQ(converse("{}", "", kPatient, scratch).failed_at, "") << "a healthy worker afterwards";
}

std::string name_of(const ::testing::TestParamInfo<Kind>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(faults, Protocol_Chaos, ::testing::ValuesIn(kKinds), name_of);

TEST(Protocol_ChaosInTheLoop, keeps_the_rows_before_the_fault) {
  for (const char* kind : {"crash", "error", "hang"}) {
    const Scratch scratch;
    Result<SampleFile> file = SampleFile::create(scratch / "s", 100);
    auto worker = planned_worker(R"({"faults":[{"at":"run","kind":")" + std::string(kind) +
                                 R"(","call":4}]})");
    ASSERT_TRUE(file && worker);
    const auto ran =
        (*worker)->request("run", run_fields(scratch / "s", 50), {milliseconds(1000), {}});
    EXPECT_FALSE(ran);
    EXPECT_EQ(file->count(), 4u) << kind;
  }
}

TEST(Protocol_Chaos_Group, one_dead_worker_leaves_the_other_alone) {
  auto first = planned_worker(R"({"faults":[{"at":"cost","kind":"crash"}]})");
  auto second = planned_worker("{}");
  ASSERT_TRUE(first && second);
  EXPECT_FALSE((*first)->request("cost", Json::object(), kPatient));
  EXPECT_TRUE((*second)->request("cost", Json::object(), kPatient));
  EXPECT_TRUE((*second)->quit());
}

}  // namespace
}  // namespace ridgeline::protocol
