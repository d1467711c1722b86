// What happens now, in one line that is redrawn, on a terminal only.
#pragma once

#include <string>

#include "report/progress.hpp"

namespace ridgeline::cli {

class StatusLine {
 public:
  explicit StatusLine(bool quiet);
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Replaces the line; `text` is cut to the width of the terminal, and may come from a worker.
  void show(const std::string& text);
  void clear();

 private:
  const report::Progress::Options options_;
  bool drawn_ = false;
};

}  // namespace ridgeline::cli
