// Drawing on stderr.
#include "cli/status_line.hpp"

#include <unistd.h>

#include <cstdio>

#include "report/text.hpp"

namespace ridgeline::cli {

StatusLine::StatusLine(bool quiet) : options_(report::progress_options(STDERR_FILENO, quiet)) {}

void StatusLine::show(const std::string& text) {
  if (options_.mode != report::Progress::Mode::kLive) return;
  const std::string line = report::cut(report::printable(text), options_.columns - 1);
  std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void StatusLine::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace ridgeline::cli
