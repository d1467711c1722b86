// What happens now, for a person who waits: one line redrawn on a terminal, plain lines elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ridgeline::report {

enum class Stage { kStart, kLoad, kWarmUp, kMeasure, kEnergy, kTraffic };

/// Where a run stands. Counters start at 1.
struct ProgressState {
  double elapsed_seconds = 0;
  std::optional<double> budget_seconds = {};
  int case_number = 0;
  int cases = 0;
  std::string case_label = {};  ///< "bert-base 1×128 float32"
  int invocation = 0;
  int invocations = 0;
  Stage stage = Stage::kStart;
  std::optional<double> median_seconds = {};
  std::optional<double> half_width_seconds = {};
};

/// A passive object: it writes only inside the calls below, never from a thread of its own. The
/// caller must not call it while a timing run is in flight, only between its pieces.
class Progress {
 public:
  enum class Mode { kQuiet, kPlain, kLive };
  struct Options {
    Mode mode = Mode::kPlain;
    bool color = false;
    std::size_t columns = 80;
  };
  /// Receives text to write; the program passes one that writes to stderr.
  using Write = std::function<void(std::string_view)>;

  Progress(Options options, Write write);

  /// Redraws the line at most four times a second of `now_ns` (CLOCK_MONOTONIC); a change of stage,
  /// case or invocation waits for its turn too. Nothing unless live.
  void update(const ProgressState& state, std::int64_t now_ns);

  /// A finished invocation: a line of its own unless live (there the line is redrawn at once).
  void finish_invocation(const ProgressState& state);

  /// A line that stays: a failed case, a warning. `is_problem` colours it.
  void message(std::string_view text, bool is_problem = false);

  /// Removes the live line; call before anything else is written to the terminal.
  void clear();

  /// The state as one line without colour.
  static std::string line(const ProgressState& state);

 private:
  void draw(const ProgressState& state);

  Options options_;
  Write write_;
  std::optional<std::int64_t> last_draw_ns_;
  bool drawn_ = false;
};

/// How to show progress on descriptor `fd` (2: stderr): live on a terminal, unless TERM is "dumb"
/// or unset; colour unless NO_COLOR is set; nothing when `quiet`.
Progress::Options progress_options(int fd, bool quiet);

}  // namespace ridgeline::report
