// Ceilings survive their file; files that are not this machine's are refused in one line.
#include "machine/ceilings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "support/temp_folder.hpp"

namespace ridgeline::machine {
namespace {

using test::TempFolder;
using testing::HasSubstr;

Ceiling read_ceiling() {
  Ceiling ceiling;
  ceiling.id = "read.l2";
  ceiling.kind = "read";
  ceiling.unit = "B/s";
  ceiling.value = 2.5e10;
  ceiling.median = 2.4e10;
  ceiling.samples = 12;
  ceiling.seconds = 0.5;
  ceiling.threads = 2;
  ceiling.level = "l2";
  ceiling.capacity = 2 << 20;
  ceiling.bytes = 1 << 20;
  ceiling.kernel = "avx2";
  return ceiling;
}

Ceiling absent_ceiling() {
  Ceiling ceiling;
  ceiling.id = "gemm.float16";
  ceiling.kind = "gemm";
  ceiling.unit = "FLOP/s";
  ceiling.dtype = "float16";
  ceiling.node = 1;
  ceiling.reason = "not on this device";
  ceiling.enable = "buy one";
  ceiling.error_class = "unsupported";
  return ceiling;
}

CeilingSet cpu_set(int threads) {
  CeilingSet set;
  set.engine = "native";
  set.engine_version = "0.1.0 (torch 2.13.0)";
  set.device = "cpu";
  set.device_name = "AMD EPYC";
  set.threads = threads;
  set.measured_at = "2026-01-31T12:00:00Z";
  set.note = "other processes were running";
  set.ceilings = {read_ceiling(), absent_ceiling()};
  return set;
}

Ceilings some() {
  Ceilings ceilings;
  ceilings.machine = "0123456789abcdef";
  ceilings.put(cpu_set(2));
  ceilings.put(cpu_set(1));
  return ceilings;
}

TEST(Ceilings_Json, comes_back_as_it_went) {
  const Json json = to_json(some());
  const auto back = ceilings_from_json(json, "test");
  ASSERT_TRUE(back) << back.error().line();
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(json.at("schema"), "ridgeline-peaks/1");
  const Json& absent = json.at("sets")[0].at("ceilings")[1];
  EXPECT_TRUE(absent.at("value").is_null());
  EXPECT_EQ(absent.at("reason"), "not on this device");
}

TEST(Ceilings_Json, has_idle_power_as_null_with_its_reason_until_it_is_set) {
  Ceilings ceilings = some();
  EXPECT_TRUE(to_json(ceilings).at("sets")[0].at("idle_power").at("value").is_null());
  EXPECT_TRUE(to_json(ceilings).at("sets")[0].at("idle_power").at("reason").is_string());
  ceilings.sets[0].idle_power.value = 71.5;
  ceilings.sets[0].idle_power.source = "counter";
  const auto back = ceilings_from_json(to_json(ceilings), "test");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->sets[0].idle_power.value, 71.5);
  EXPECT_EQ(back->sets[0].idle_power.source, "counter");
}

TEST(Ceilings_Json, refuses_what_cannot_be) {
  const auto refused = [](const char* pointer, const Json& value) {
    Json json = to_json(some());
    json[Json::json_pointer(pointer)] = value;
    return !ceilings_from_json(json, "test").has_value();
  };
  EXPECT_TRUE(refused("/schema", "ridgeline-peaks/2"));
  EXPECT_TRUE(refused("/machine", 7));
  EXPECT_TRUE(refused("/sets", "none"));
  EXPECT_TRUE(refused("/sets/0", nullptr));
  EXPECT_TRUE(refused("/sets/0/device", ""));
  EXPECT_TRUE(refused("/sets/0/threads", -1));
  EXPECT_TRUE(refused("/sets/0/measured_at", nullptr));
  EXPECT_TRUE(refused("/sets/0/ceilings", Json::object()));
  EXPECT_TRUE(refused("/sets/0/ceilings/0/value", 0));
  EXPECT_TRUE(refused("/sets/0/ceilings/0/value", -5));
  EXPECT_TRUE(refused("/sets/0/ceilings/0/value", "fast"));
  EXPECT_TRUE(refused("/sets/0/ceilings/0/value", nullptr));  // and no reason
  EXPECT_TRUE(refused("/sets/0/ceilings/0/unit", "GB/s"));
  EXPECT_TRUE(refused("/sets/0/ceilings/0/capacity", -1));
  EXPECT_TRUE(refused("/sets/0/idle_power/value", 0));
  EXPECT_FALSE(refused("/sets/0/unknown", 1));
}

TEST(Ceilings_Set, replaces_the_one_of_the_same_conditions) {
  Ceilings ceilings = some();
  CeilingSet newer = cpu_set(2);
  newer.measured_at = "2026-02-01T00:00:00Z";
  ceilings.put(newer);
  ASSERT_EQ(ceilings.sets.size(), 2u);
  EXPECT_EQ(ceilings.sets[0].measured_at, "2026-02-01T00:00:00Z");
  newer.engine_version = "0.2.0";
  ceilings.put(newer);
  newer.cores = "0-1";
  ceilings.put(newer);
  EXPECT_EQ(ceilings.sets.size(), 4u);
}

TEST(Ceilings_Set, knows_what_failed_from_what_is_not_supported) {
  Ceiling ceiling = absent_ceiling();
  EXPECT_FALSE(ceiling.failed());
  ceiling.error_class = "oom.host";
  EXPECT_TRUE(ceiling.failed());
  EXPECT_FALSE(read_ceiling().failed());
  EXPECT_NE(cpu_set(1).find("read.l2"), nullptr);
  EXPECT_EQ(cpu_set(1).find("read"), nullptr);
}

TEST(Ceilings_File, is_written_whole_and_read_again) {
  const TempFolder folder;
  const std::string path = folder.path("a/b/peaks.json");
  ASSERT_TRUE(write_ceilings(path, some()));
  const auto back = read_ceilings(path, "0123456789abcdef");
  ASSERT_TRUE(back) << back.error().line();
  EXPECT_EQ(to_json(*back), to_json(some()));
  // Nothing temporary is left beside it.
  const auto files = std::filesystem::directory_iterator(folder.path("a/b"));
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Ceilings_File, that_is_not_there_is_no_ceilings) {
  const auto none = read_ceilings("/nowhere/peaks.json", "0123456789abcdef");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->sets.empty());
  EXPECT_EQ(none->machine, "0123456789abcdef");
}

TEST(Ceilings_File, of_another_machine_or_damaged_is_refused_in_one_line) {
  const TempFolder folder;
  const auto refusal = [&](const std::string& text) {
    const std::string path = folder.write("peaks.json", text);
    const auto read = read_ceilings(path, "0123456789abcdef");
    EXPECT_FALSE(read);
    const std::string line = read ? "" : read.error().line();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_THAT(line, HasSubstr("--refresh"));
    return line;
  };
  const std::string whole = to_line(to_json(some()));
  EXPECT_THAT(refusal(whole.substr(0, whole.size() / 2)), HasSubstr("cannot be used"));
  EXPECT_THAT(refusal(""), HasSubstr("cannot be used"));
  EXPECT_THAT(refusal("[]"), HasSubstr("damaged"));
  EXPECT_THAT(refusal("{}"), HasSubstr("damaged"));
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("cannot be used"));
  Ceilings other = some();
  other.machine = "fedcba9876543210";
  EXPECT_THAT(refusal(to_line(to_json(other))), HasSubstr("another machine (fedcba9876543210"));
  EXPECT_FALSE(read_ceilings(folder.path(), "0123456789abcdef"));  // a folder
}

TEST(Ceilings_File, that_cannot_be_written_is_an_error_of_the_environment) {
  const TempFolder folder;
  folder.write("file", "x");
  const Status written = write_ceilings(folder.path("file/peaks.json"), some());
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().error_class, ErrorClass::kEnvironment);
}

TEST(Ceilings_Path, follows_the_folders_of_the_user) {
  ::setenv("XDG_CACHE_HOME", "/tmp/cache", 1);
  EXPECT_EQ(*ceilings_path("ab"), "/tmp/cache/ridgeline/peaks-ab.json");
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  ::setenv("HOME", "/home/user", 1);
  EXPECT_EQ(*ceilings_path("ab"), "/home/user/.cache/ridgeline/peaks-ab.json");
  ::unsetenv("XDG_CACHE_HOME");
  EXPECT_EQ(*ceilings_path("ab"), "/home/user/.cache/ridgeline/peaks-ab.json");
  ::unsetenv("HOME");
  ASSERT_FALSE(ceilings_path("ab"));
  EXPECT_EQ(ceilings_path("ab").error().error_class, ErrorClass::kEnvironment);
}

}  // namespace
}  // namespace ridgeline::machine
