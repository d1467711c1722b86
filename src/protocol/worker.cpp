// The worker's main thread: takes requests from the reader, asks the engine, answers.
#include "protocol/worker.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.hpp"
#include "protocol/request_reader.hpp"

namespace ridgeline::protocol {
namespace {

Result<LoopLimits> parse_until(const Json& fields) {
  const auto until = fields.find("until");
  if (until == fields.end() || !until->is_object()) {
    return bad_input("run: 'until' must be an object with n, ns or both");
  }
  LoopLimits limits;
  RIDGELINE_TRY(limits.calls, get_int(*until, "n", "run: until", 0));
  RIDGELINE_TRY(limits.ns, get_int(*until, "ns", "run: until", 0));
  if (limits.calls < 0 || limits.ns < 0 || (limits.calls == 0 && limits.ns == 0)) {
    return bad_input("run: 'until' needs n or ns above 0");
  }
  return limits;
}

Result<RunRequest> parse_run(std::int64_t id, const Json& fields) {
  RunRequest run;
  run.id = id;
  RIDGELINE_TRY(run.phase, get_string(fields, "phase", "run"));
  RIDGELINE_TRY(run.samples, get_string(fields, "samples", "run"));
  RIDGELINE_TRY(run.pass, get_string(fields, "pass", "run", "time"));
  RIDGELINE_TRY(const std::string sync, get_string(fields, "sync", "run", "each"));
  if (sync != "each" && sync != "end") {
    return bad_input(fmt::format("run: sync is each or end, not '{}'", excerpt(sync)));
  }
  run.sync = sync == "end" ? Sync::kEnd : Sync::kEach;
  RIDGELINE_TRY(run.until, parse_until(fields));
  return run;
}

class Server {
 public:
  Server(Engine& engine, const ServeOptions& options) : engine_(engine), reader_(engine, options) {}

  int run() {
    for (;;) {
      const QueuedRequest request = reader_.next();
      const Request view{request.message, request.id, *request.fields, reader_.progress()};
      if (request.message == "quit") {
        quit(view);
        return 0;
      }
      const Result<Json> answer = guarded([&] { return dispatch(view); });
      const auto reply = reply_name(request.message);
      if (answer) {
        send_reply(reply.value_or(request.message), view.id, *answer);
      } else {
        reader_.answer(encode_error(view.id, answer.error()));
      }
    }
  }

 private:
  Result<Json> dispatch(const Request& request) {
    if (request.message == "hello") return hello(request);
    if (request.message == "run") return run_phase(request);
    return engine_.handle(request);
  }

  Result<Json> hello(const Request& request) {
    RIDGELINE_TRY(const std::int64_t protocol,
                  get_int(request.fields, "protocol", "hello", kProtocolVersion));
    if (protocol != kProtocolVersion) {
      return Error{ErrorClass::kProtocol,
                   fmt::format("this engine speaks protocol {}, the coordinator {}",
                               kProtocolVersion, protocol),
                   "use an engine and a coordinator of the same release"};
    }
    RIDGELINE_TRY(const Json described, engine_.hello(request));
    Json fields = {{"protocol", kProtocolVersion}};
    fields.update(described);
    fields["pid"] = ::getpid();
    fields["pgid"] = ::getpgrp();
    return fields;
  }

  Result<Json> run_phase(const Request& request) {
    RIDGELINE_TRY(const RunRequest run, parse_run(request.id, request.fields));
    RIDGELINE_TRY(SampleWriter samples, SampleWriter::open(run.samples));
    RIDGELINE_TRY(Runnable* const runnable, engine_.runnable(run));
    const std::uint64_t rows_before = samples.count();
    const std::uint64_t dropped_before = samples.dropped();
    reader_.send(encode_event("started", run.id, {{"ns", now_ns()}}));
    const LoopResult loop =
        timed_loop(*runnable, samples, run.sync, run.until, reader_.stop_flag(), request.progress);
    return Json{{"from", rows_before},
                {"rows", samples.count() - rows_before},
                {"dropped", samples.dropped() - dropped_before},
                {"calls", loop.calls},
                {"wall_ns", loop.wall_ns},
                {"cpu_ns", loop.cpu_ns},
                {"voluntary_switches", loop.voluntary_switches},
                {"involuntary_switches", loop.involuntary_switches},
                {"major_faults", loop.major_faults},
                {"minor_faults", loop.minor_faults},
                {"stopped", loop.stopped}};
  }

  void quit(const Request& request) {
    // Whatever goes wrong while letting go, the coordinator gets its answer.
    const Result<Json> done = guarded([&]() -> Result<Json> {
      engine_.on_quit(request);
      return Json::object();
    });
    if (done) {
      send_reply("bye", request.id, *done);
    } else {
      reader_.answer(encode_error(request.id, done.error()));
    }
  }

  template <typename Function>
  Result<Json> guarded(Function function) {
    try {
      return function();
    } catch (const std::exception& e) {
      return engine_.describe(e);
    } catch (...) {
      return Error{ErrorClass::kInternal, "the engine threw something that is no exception"};
    }
  }

  void send_reply(std::string_view name, std::int64_t id, const Json& fields) {
    const std::string line = encode_reply(name, id, fields);
    if (line.size() <= kMaxLine) {
      reader_.answer(line);
      return;
    }
    reader_.answer(encode_error(
        id, {ErrorClass::kInternal, fmt::format("the reply '{}' would be {} bytes long, above {}",
                                                name, line.size(), kMaxLine)}));
  }

  Engine& engine_;
  RequestReader reader_;
};

}  // namespace

Error Engine::describe(const std::exception& exception) {
  if (dynamic_cast<const std::bad_alloc*>(&exception) != nullptr) {
    return {ErrorClass::kOomHost, "host memory is exhausted (std::bad_alloc)",
            "use a smaller batch, sequence, dtype or model"};
  }
  return {ErrorClass::kInternal, exception.what()};
}

Error unknown_message(std::string_view message) {
  return unsupported(fmt::format("this engine has no message '{}'", excerpt(message)));
}

int serve(Engine& engine, const ServeOptions& options) {
  ::fcntl(options.requests, F_SETFD, FD_CLOEXEC);
  ::fcntl(options.replies, F_SETFD, FD_CLOEXEC);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return Server(engine, options).run();
}

}  // namespace ridgeline::protocol
