// Compares text with an approved file in tests/approved/. RIDGELINE_APPROVE=1 rewrites the file
// instead: look at the difference before it is committed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace ridgeline::test {

inline void expect_approved(const std::string& name, const std::string& text) {
  const std::filesystem::path file =
      std::filesystem::path(RIDGELINE_SOURCE_DIR) / "tests" / "approved" / name;
  const char* approve = std::getenv("RIDGELINE_APPROVE");
  if (approve != nullptr && std::string(approve) == "1") {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return;
  }
  std::ifstream stream(file, std::ios::binary);
  ASSERT_TRUE(stream) << file << " is missing; RIDGELINE_APPROVE=1 writes it";
  std::ostringstream approved;
  approved << stream.rdbuf();
  EXPECT_EQ(text, approved.str()) << "differs from " << file
                                  << "; if it should, RIDGELINE_APPROVE=1 rewrites it";
}

}  // namespace ridgeline::test
