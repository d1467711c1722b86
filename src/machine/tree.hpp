// Small files of /proc and /sys, read below a root folder so that recorded trees can stand in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ridgeline::machine {

class Tree {
 public:
  /// `root` is "/" for this machine, or a folder that holds `proc` and `sys`.
  explicit Tree(std::string root);

  /// The text of a file of at most 16 MiB without surrounding blanks and NULs; paths are relative
  /// to the root ("proc/cpuinfo"). Empty files and unreadable ones give nothing.
  std::optional<std::string> text(const std::string& path) const;

  /// A file that holds one decimal integer.
  std::optional<std::int64_t> integer(const std::string& path) const;

  /// Names in a folder, sorted; none when it cannot be read.
  std::vector<std::string> list(const std::string& path) const;

  bool exists(const std::string& path) const;

  /// Why text(path) gave nothing: "/sys/x is not there", "/sys/x may not be read", …
  std::string why(const std::string& path) const;

 private:
  std::string root_;
};

/// `text` without blanks, line ends and NULs at both ends.
std::string_view trim(std::string_view text);

/// A whole decimal integer, or nothing.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// Splits into lines, without the line ends.
std::vector<std::string_view> split_lines(std::string_view text);

/// "key : value" or "key: value" of a line, both trimmed; nothing without a colon.
std::optional<std::pair<std::string_view, std::string_view>> key_value(std::string_view line);

}  // namespace ridgeline::machine
