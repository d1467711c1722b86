// Draws the progress of a run.
#include "report/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "base/clock.hpp"
#include "report/format.hpp"
#include "report/text.hpp"

namespace ridgeline::report {
namespace {

constexpr std::int64_t kMinimumGapNs = kNsPerSecond / 4;
constexpr std::string_view kClearLine = "\r\x1b[K";
constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kReset = "\x1b[0m";

std::string_view stage_name(Stage stage) {
  switch (stage) {
    case Stage::kStart:
      return "start";
    case Stage::kLoad:
      return "load";
    case Stage::kWarmUp:
      return "warm-up";
    case Stage::kMeasure:
      return "measure";
    case Stage::kEnergy:
      return "energy pass, beyond the budget";
    case Stage::kTraffic:
      return "traffic pass, beyond the budget";
  }
  return "";
}

std::string clock_part(const ProgressState& state) {
  return state.budget_seconds
             ? fmt::format("[{:.0f}/{:.0f} s]", state.elapsed_seconds, *state.budget_seconds)
             : fmt::format("[{:.0f} s]", state.elapsed_seconds);
}

std::string number_part(const ProgressState& state) {
  if (!state.median_seconds) return "";
  return state.half_width_seconds ? format_time(*state.median_seconds, *state.half_width_seconds)
                                  : format_time(*state.median_seconds);
}

}  // namespace

Progress::Progress(Options options, Write write) : options_(options), write_(std::move(write)) {}

std::string Progress::line(const ProgressState& state) {
  std::string text = clock_part(state);
  if (state.cases > 0) text += fmt::format(" case {}/{}", state.case_number, state.cases);
  if (!state.case_label.empty()) text += " " + printable(state.case_label);
  if (state.invocations > 0) {
    text += fmt::format(" · invocation {}/{}", state.invocation, state.invocations);
  }
  text += fmt::format(" · {}", stage_name(state.stage));
  if (const std::string number = number_part(state); !number.empty()) text += " · " + number;
  return text;
}

void Progress::draw(const ProgressState& state) {
  // One column stays free: a full line would wrap, and could not be cleared.
  std::string text = cut(line(state), options_.columns > 1 ? options_.columns - 1 : 1);
  const auto clock_end = text.find(']');
  if (options_.color && clock_end != std::string::npos) {
    text.insert(clock_end + 1, kReset);
    text.insert(0, kDim);
  }
  write_(std::string(kClearLine) + text);
  drawn_ = true;
}

void Progress::update(const ProgressState& state, std::int64_t now_ns) {
  if (options_.mode != Mode::kLive) return;
  if (last_draw_ns_ && now_ns - *last_draw_ns_ < kMinimumGapNs) return;
  last_draw_ns_ = now_ns;
  draw(state);
}

void Progress::finish_invocation(const ProgressState& state) {
  if (options_.mode == Mode::kLive) {
    draw(state);
    return;
  }
  if (options_.mode == Mode::kQuiet) return;
  std::string text = clock_part(state);
  if (state.cases > 0) text += fmt::format(" case {}/{}", state.case_number, state.cases);
  if (!state.case_label.empty()) text += " " + printable(state.case_label);
  text += fmt::format(" · invocation {}/{} done", state.invocation, state.invocations);
  if (const std::string number = number_part(state); !number.empty()) text += " · " + number;
  write_(text + "\n");
}

void Progress::message(std::string_view text, bool is_problem) {
  if (options_.mode == Mode::kQuiet) return;
  clear();
  const bool red = is_problem && options_.color;
  write_(fmt::format("{}{}{}\n", red ? kRed : "", printable(text), red ? kReset : ""));
}

void Progress::clear() {
  if (!drawn_) return;
  write_(kClearLine);
  drawn_ = false;
}

Progress::Options progress_options(int fd, bool quiet) {
  Progress::Options options;
  if (quiet) {
    options.mode = Progress::Mode::kQuiet;
    return options;
  }
  const char* term = std::getenv("TERM");
  const bool can_redraw = term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
  if (::isatty(fd) != 1 || !can_redraw) return options;
  options.mode = Progress::Mode::kLive;
  const char* no_color = std::getenv("NO_COLOR");
  options.color = no_color == nullptr || *no_color == '\0';
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) options.columns = size.ws_col;
  return options;
}

}  // namespace ridgeline::report
