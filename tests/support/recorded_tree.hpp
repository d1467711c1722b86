// Unpacks a recorded machine (tests/data/machine/NAME.tree) into a temporary folder, as /proc, /sys
// and /etc would look. A tree file holds "@ path" lines, each followed by the text of that file;
// "cpu{0,8}" stands for one file for each alternative.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace ridgeline::test {

class RecordedTree {
 public:
  /// An empty tree, or the recorded one of that name.
  explicit RecordedTree(const std::string& name = "") {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "ridgeline-tree-XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    if (!name.empty()) unpack(std::string(RIDGELINE_SOURCE_DIR) + "/tests/data/machine/" + name);
  }
  RecordedTree(const RecordedTree&) = delete;
  RecordedTree& operator=(const RecordedTree&) = delete;
  ~RecordedTree() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::string root() const { return root_; }

  void write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = std::filesystem::path(root_) / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

  void remove(const std::string& path) const {
    std::filesystem::remove_all(std::filesystem::path(root_) / path);
  }

 private:
  static std::vector<std::string> alternatives(const std::string& path) {
    const auto open = path.find('{');
    const auto close = path.find('}');
    if (open == std::string::npos || close == std::string::npos) return {path};
    std::vector<std::string> paths;
    std::istringstream parts(path.substr(open + 1, close - open - 1));
    for (std::string part; std::getline(parts, part, ',');) {
      paths.push_back(path.substr(0, open) + part + path.substr(close + 1));
    }
    return paths;
  }

  void unpack(const std::string& file) const {
    std::ifstream stream(file + ".tree");
    if (!stream) throw std::runtime_error("no recorded tree " + file);
    std::string path;
    std::string text;
    const auto flush = [&] {
      if (path.empty()) return;
      for (const std::string& one : alternatives(path)) write(one, text);
    };
    for (std::string line; std::getline(stream, line);) {
      if (line.compare(0, 2, "@ ") == 0) {
        flush();
        path = line.substr(2);
        text.clear();
      } else {
        text += line + "\n";
      }
    }
    flush();
  }

  std::string root_;
};

}  // namespace ridgeline::test
