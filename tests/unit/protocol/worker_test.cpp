// The skeleton of an engine: its answers, its stop, its heartbeats, its timed loop.
#include "protocol/worker.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <new>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "base/clock.hpp"
#include "protocol/line_buffer.hpp"
#include "protocol/sample_file.hpp"
#include "unit/protocol/scratch.hpp"

namespace ridgeline::protocol {
namespace {

// Writes down in which order its functions are called.
class Recorder : public Runnable {
 public:
  void restore() override { calls += 'r'; }
  void enqueue() override {
    calls += 'e';
    if (throw_at > 0 && ++enqueued == throw_at) throw std::runtime_error("call went wrong");
    if (nap_ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(nap_ns));
  }
  void wait() override { calls += 'w'; }
  std::int64_t device_ns() override { return 42; }
  double items() override { return 3; }

  std::string calls;
  int throw_at = 0;
  int enqueued = 0;
  std::int64_t nap_ns = 0;
};

class FakeEngine : public Engine {
 public:
  Result<Json> hello(const Request&) override { return Json{{"name", "fake"}, {"version", "1"}}; }
  Result<Json> handle(const Request& request) override {
    if (request.message == "load") {
      for (int k = 0; k < 10; ++k) {
        request.progress.tick();
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      return Json{{"echo", request.fields.value("model", "")}};
    }
    if (request.message == "plan") throw std::bad_alloc();
    if (request.message == "cost") throw std::runtime_error("what was wrong");
    if (request.message == "memory") throw 7;
    if (request.message == "probe") return unsupported("no probe", "use another engine");
    return unknown_message(request.message);
  }
  Result<Runnable*> runnable(const RunRequest& run) override {
    last = run;
    return &recorder;
  }

  Recorder recorder;
  RunRequest last;
};

// Serves in a thread; talks through pipes.
class Conversation {
 public:
  Conversation() {
    if (::pipe(requests_) != 0 || ::pipe(replies_) != 0) std::abort();
    ServeOptions options;
    options.requests = requests_[0];
    options.replies = replies_[1];
    options.heartbeat = std::chrono::milliseconds(20);
    options.die_with_coordinator = false;
    thread_ = std::thread([this, options] { status = serve(engine, options); });
  }
  ~Conversation() {
    if (thread_.joinable()) {
      send(R"({"message":"quit","id":1000})");
      thread_.join();
    }
    for (const int fd : {requests_[0], requests_[1], replies_[0], replies_[1]}) ::close(fd);
  }

  void send(std::string text) {
    text += '\n';
    ASSERT_EQ(::write(requests_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  // The next line within ten seconds, null else.
  Json receive() {
    for (;;) {
      if (const auto line = lines_.next()) return *parse_json(*line, "test");
      pollfd readable{replies_[0], POLLIN, 0};
      if (::poll(&readable, 1, 10'000) != 1) return Json();
      char buffer[4096];
      const ssize_t got = ::read(replies_[0], buffer, sizeof buffer);
      lines_.append({buffer, static_cast<std::size_t>(got)});
    }
  }
  // The next line that is no heartbeat.
  Json reply() {
    for (;;) {
      Json line = receive();
      if (line.value("event", "") != "heartbeat") return line;
      ++heartbeats;
      progress = line["progress"];
    }
  }
  void join() { thread_.join(); }

  FakeEngine engine;
  int status = -1;
  int heartbeats = 0;
  std::int64_t progress = -1;

 private:
  int requests_[2];
  int replies_[2];
  LineBuffer lines_;
  std::thread thread_;
};

TEST(Protocol_Serve, adds_version_and_process_to_hello) {
  Conversation talk;
  talk.send(R"({"message":"hello","id":1,"protocol":1,"unknown":[1,2]})");
  const Json hello = talk.reply();
  EXPECT_EQ(hello["reply"], "hello");
  EXPECT_EQ(hello["id"], 1);
  EXPECT_EQ(hello["protocol"], 1);
  EXPECT_EQ(hello["name"], "fake");
  EXPECT_EQ(hello["pid"], ::getpid());
  EXPECT_EQ(hello["pgid"], ::getpgrp());
}

TEST(Protocol_Serve, refuses_another_protocol) {
  Conversation talk;
  talk.send(R"({"message":"hello","id":1,"protocol":9})");
  EXPECT_EQ(talk.reply()["class"], "protocol");
}

TEST(Protocol_Serve, sends_heartbeats_with_progress_while_it_works) {
  Conversation talk;
  talk.send(R"({"message":"load","id":5,"model":"m"})");
  const Json loaded = talk.reply();
  EXPECT_EQ(loaded["reply"], "loaded");
  EXPECT_EQ(loaded["echo"], "m");
  EXPECT_GE(talk.heartbeats, 1);
  EXPECT_GE(talk.progress, 1);
}

TEST(Protocol_Serve, turns_whatever_is_thrown_into_an_error_and_goes_on) {
  Conversation talk;
  talk.send(R"({"message":"plan","id":1})");
  EXPECT_EQ(talk.reply()["class"], "oom.host");
  talk.send(R"({"message":"cost","id":2})");
  const Json error = talk.reply();
  EXPECT_EQ(error["class"], "internal");
  EXPECT_EQ(error["message"], "what was wrong");
  talk.send(R"({"message":"memory","id":3})");
  EXPECT_EQ(talk.reply()["class"], "internal");
  talk.send(R"({"message":"probe","id":4})");
  EXPECT_EQ(talk.reply()["remedy"], "use another engine");
  talk.send(R"({"message":"dance","id":5})");
  EXPECT_EQ(talk.reply()["class"], "unsupported");
}

TEST(Protocol_Serve, survives_requests_that_make_no_sense) {
  Conversation talk;
  for (const char* text : {"nonsense", "[]", R"({"message":7,"id":1})", R"({"message":"load"})",
                           R"({"message":"load","id":-5})", R"({"message":"load","id":"x"})", ""}) {
    talk.send(text);
    const Json answer = talk.reply();
    EXPECT_EQ(answer["class"], "protocol") << text;
    EXPECT_EQ(answer["id"], kNoId) << text;
  }
  talk.send(R"({"message":"probe","id":1})");
  EXPECT_EQ(talk.reply()["id"], 1);
}

TEST(Protocol_Serve, ends_with_bye) {
  Conversation talk;
  talk.send(R"({"message":"quit","id":9})");
  EXPECT_EQ(talk.reply()["reply"], "bye");
  talk.join();
  EXPECT_EQ(talk.status, 0);
}

class Running : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<SampleFile> made = SampleFile::create(scratch / "s", 100);
    ASSERT_TRUE(made);
    file.emplace(*std::move(made));
  }
  // `fields` may replace the usual ones; the parser refuses a key that stands twice.
  std::string run(const std::string& fields) const {
    Json request = {
        {"message", "run"}, {"id", 1}, {"phase", "forward"}, {"samples", scratch / "s"}};
    request.update(*parse_json("{" + fields + "}", "test"));
    return to_line(request);
  }
  Json ran(const std::string& fields) {
    talk.send(run(fields));
    Json line = talk.reply();
    if (line.value("event", "") == "started") {
      started = line["ns"];
      line = talk.reply();
    }
    return line;
  }

  Scratch scratch;
  std::optional<SampleFile> file;
  Conversation talk;
  std::int64_t started = 0;
};

TEST_F(Running, writes_a_row_per_call) {
  const std::int64_t before = now_ns();
  const Json ran_reply = ran(R"("until":{"n":3},"sync":"each","pass":"time")");
  EXPECT_EQ(ran_reply["reply"], "ran");
  EXPECT_EQ(ran_reply["rows"], 3);
  EXPECT_EQ(ran_reply["from"], 0);
  EXPECT_EQ(ran_reply["dropped"], 0);
  EXPECT_EQ(ran_reply["stopped"], false);
  EXPECT_GE(ran_reply["wall_ns"], 0);
  EXPECT_EQ(talk.engine.recorder.calls, "rewrewrew");
  ASSERT_EQ(file->count(), 3u);
  EXPECT_GT(started, before);
  std::int64_t last = started;
  for (const SampleRow& row : file->rows()) {
    EXPECT_GE(row.begin_ns, last);
    EXPECT_GE(row.enqueued_ns, row.begin_ns);
    EXPECT_GE(row.done_ns, row.enqueued_ns);
    EXPECT_EQ(row.device_ns, 42);
    EXPECT_EQ(row.items, 3.0);
    EXPECT_EQ(row.flags, 0u);
    last = row.done_ns;
  }
  EXPECT_EQ(ran(R"("until":{"n":2})")["from"], 3);
}

TEST_F(Running, writes_one_row_for_all_calls_at_the_end) {
  const Json ran_reply = ran(R"("until":{"n":4},"sync":"end")");
  EXPECT_EQ(ran_reply["rows"], 1);
  EXPECT_EQ(ran_reply["calls"], 4);
  EXPECT_EQ(talk.engine.recorder.calls,
            "rererere"
            "w");
  EXPECT_EQ(file->rows()[0].items, 12.0);
  EXPECT_EQ(file->rows()[0].flags, kRowOfManyCalls);
}

TEST_F(Running, ends_by_time_after_at_least_one_call) {
  talk.engine.recorder.nap_ns = 2'000'000;
  EXPECT_EQ(ran(R"("until":{"ns":1})")["calls"], 1);
  const Json timed = ran(R"("until":{"ns":20000000,"n":50})");
  EXPECT_GE(timed["calls"], 1);
  EXPECT_LE(timed["calls"], 11);
  EXPECT_GE(timed["wall_ns"], 20'000'000);
  EXPECT_EQ(ran(R"("until":{"ns":20000000,"n":2})")["calls"], 2);
}

TEST_F(Running, counts_rows_that_do_not_fit) {
  const Json ran_reply = ran(R"("until":{"n":130})");
  EXPECT_EQ(ran_reply["calls"], 130);
  EXPECT_EQ(ran_reply["rows"], 100);
  EXPECT_EQ(ran_reply["dropped"], 30);
}

TEST_F(Running, stops_even_when_stop_comes_with_the_request) {
  talk.engine.recorder.nap_ns = 1'000'000;
  talk.send(run(R"("until":{"n":1000000})") + "\n" + R"({"message":"stop"})");
  EXPECT_EQ(talk.reply()["event"], "started");
  const Json ran_reply = talk.reply();
  EXPECT_EQ(ran_reply["stopped"], true);
  EXPECT_GE(ran_reply["calls"], 1);
  EXPECT_LT(ran_reply["calls"], 1000);
  EXPECT_EQ(ran(R"("until":{"n":5})")["stopped"], false) << "a stop is for one run";
}

TEST_F(Running, keeps_the_rows_before_an_exception) {
  talk.engine.recorder.throw_at = 3;
  const Json error = ran(R"("until":{"n":5})");
  EXPECT_EQ(error["class"], "internal");
  EXPECT_EQ(error["message"], "call went wrong");
  EXPECT_EQ(file->count(), 2u);
}

TEST_F(Running, refuses_a_request_that_makes_no_sense) {
  for (const char* fields :
       {R"("until":{})", R"("until":7)", R"("until":{"n":0})", R"("until":{"n":-1})",
        R"("until":{"n":"x"})", R"("x":1)", R"("until":{"n":1},"sync":"never")",
        R"("until":{"n":1},"phase":7)", R"("until":{"n":1},"samples":"/no/such/file")"}) {
    EXPECT_EQ(ran(fields)["class"], "bad_input") << fields;
  }
  EXPECT_EQ(talk.engine.recorder.calls, "");
}

}  // namespace
}  // namespace ridgeline::protocol
