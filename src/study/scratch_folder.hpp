// A temporary folder that goes with its owner.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"

namespace ridgeline::study {

class ScratchFolder {
 public:
  /// A new folder under TMPDIR, else /tmp.
  static Result<ScratchFolder> create();

  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ScratchFolder(ScratchFolder&& other) noexcept;
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  /// Removes it with all that is in it.
  ~ScratchFolder();

  /// The path of a file or folder in it.
  std::string at(const std::string& name) const { return path_ + "/" + name; }

  /// An environment error when fewer than so many bytes are free there; `purpose` says what for.
  Status check_room(double bytes, const std::string& purpose) const;

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // empty: moved from
};

}  // namespace ridgeline::study
