// Run folders: creating, resuming after a kill, locking, reading.
#include "results/run_folder.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "results/json_lines.hpp"

namespace ridgeline::results {
namespace {

namespace fs = std::filesystem;

Json record_of(std::string_view id, std::string_view status = "ok") {
  Json outcome = {{"status", status}};
  if (status != "ok") outcome["class"] = "crash";
  return {{"schema", "ridgeline/1"}, {"id", id}, {"outcome", outcome}};
}

Json invocation_of(std::string_view configuration, int index) {
  return {{"configuration", configuration}, {"index", index}};
}

class Results_RunFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "ridgeline-run-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    path_ = root_ + "/runs/one";
  }
  void TearDown() override { fs::remove_all(root_); }

  Result<RunFolder> create() const {
    return RunFolder::create(path_, {{"models", {"m"}}}, "ridgeline run m", {{"cpu", "x"}});
  }
  void append_raw(const std::string& name, std::string_view text) const {
    std::ofstream(path_ + "/" + name, std::ios::binary | std::ios::app) << text;
  }
  std::string text_of(const std::string& name) const { return *read_text_file(path_ + "/" + name); }

  std::string root_;
  std::string path_;
};

TEST_F(Results_RunFolder, is_made_with_everything_in_it) {
  EXPECT_FALSE(is_run_folder(path_));
  const auto folder = create();
  ASSERT_TRUE(folder) << folder.error().line();
  EXPECT_TRUE(is_run_folder(path_));
  EXPECT_EQ(folder->plan()->dump(), R"({"models":["m"]})");
  EXPECT_EQ(text_of("command.txt"), "ridgeline run m\n");
  EXPECT_EQ(text_of("machine.json"), "{\"cpu\":\"x\"}\n");
  for (const char* name : {"samples", "logs"}) EXPECT_TRUE(fs::is_directory(path_ + "/" + name));
}

TEST_F(Results_RunFolder, gets_a_new_name_each_time) {
  const std::string path = new_run_path(root_);
  EXPECT_NE(path, new_run_path(root_));
  EXPECT_EQ(path.size(), root_.size() + 1 + 16 + 1 + 8) << path;
}

TEST_F(Results_RunFolder, never_takes_a_folder_of_someone_else) {
  fs::create_directories(path_);
  ASSERT_TRUE(write_text_file(path_ + "/thesis.tex", "x"));
  const auto folder = create();
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().message.find("thesis.tex"), std::string::npos) << folder.error().line();
  EXPECT_FALSE(fs::exists(path_ + "/lock"));
}

TEST_F(Results_RunFolder, never_takes_records_that_lie_in_a_folder) {
  fs::create_directories(path_);
  ASSERT_TRUE(write_text_file(path_ + "/records.jsonl", "{}\n"));
  EXPECT_FALSE(create());
  ASSERT_TRUE(write_text_file(path_ + "/lock", ""));
  EXPECT_FALSE(create());
}

TEST_F(Results_RunFolder, takes_over_a_creation_that_was_cut_short) {
  fs::create_directories(path_ + "/samples");
  for (const char* name : {"lock", "records.jsonl", "command.txt", "plan.json.tmp123"}) {
    ASSERT_TRUE(write_text_file(path_ + "/" + name, ""));
  }
  EXPECT_FALSE(is_run_folder(path_));
  EXPECT_TRUE(create());
}

TEST_F(Results_RunFolder, is_not_made_twice) {
  ASSERT_TRUE(create());
  const auto again = create();
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().line().find("resume"), std::string::npos);
}

TEST_F(Results_RunFolder, says_when_it_cannot_be_made_or_opened) {
  ASSERT_TRUE(write_text_file(root_ + "/file", "x"));
  EXPECT_FALSE(RunFolder::create(root_ + "/file/run", {}, "", {}));
  EXPECT_FALSE(RunFolder::create("", {}, "", {}));
  EXPECT_FALSE(RunFolder::open(root_));
  EXPECT_FALSE(RunFolder::open(root_ + "/missing"));
}

TEST_F(Results_RunFolder, remembers_what_is_finished) {
  {
    auto folder = create();
    ASSERT_TRUE(folder->append_record(record_of("aa")));
    ASSERT_TRUE(folder->append_record(record_of("bb", "failed")));
    ASSERT_TRUE(folder->append_record(record_of("cc", "partial")));
    ASSERT_TRUE(folder->append_invocation(invocation_of("k", 0)));
    EXPECT_EQ(folder->finished_cases(), (std::set<std::string>{"aa", "bb"}));
  }
  const auto folder = RunFolder::open(path_);
  ASSERT_TRUE(folder) << folder.error().line();
  EXPECT_EQ(folder->finished_cases(), (std::set<std::string>{"aa", "bb"}));
  EXPECT_TRUE(folder->has_invocation("k", 0));
  EXPECT_FALSE(folder->has_invocation("k", 1));
  EXPECT_FALSE(folder->has_invocation("l", 0));
  EXPECT_EQ(folder->invocations()->size(), 1u);
}

TEST_F(Results_RunFolder, refuses_lines_that_resuming_could_not_read) {
  auto folder = create();
  EXPECT_FALSE(folder->append_record({{"schema", "ridgeline/1"}}));
  EXPECT_FALSE(folder->append_record({{"id", "aa"}}));
  EXPECT_FALSE(folder->append_invocation({{"index", 1}}));
  EXPECT_EQ(text_of("records.jsonl") + text_of("invocations.jsonl"), "");
}

TEST_F(Results_RunFolder, drops_a_line_that_a_kill_cut_short) {
  for (const std::string& cut : {std::string("{\"schema\":\"ridg"), std::string(200'000, 'x')}) {
    fs::remove_all(path_);
    {
      auto folder = create();
      ASSERT_TRUE(folder->append_record(record_of("aa")));
      ASSERT_TRUE(folder->append_invocation(invocation_of("k", 0)));
    }
    append_raw("records.jsonl", cut);
    append_raw("invocations.jsonl", cut);
    auto folder = RunFolder::open(path_);
    ASSERT_TRUE(folder) << folder.error().line();
    EXPECT_EQ(folder->finished_cases(), std::set<std::string>{"aa"});
    ASSERT_TRUE(folder->append_record(record_of("bb")));
    EXPECT_EQ(read_records(path_, {false, true})->size(), 2u);
  }
}

TEST_F(Results_RunFolder, drops_a_first_line_that_was_cut_short) {
  ASSERT_TRUE(create());
  append_raw("records.jsonl", "{\"id\"");
  ASSERT_TRUE(RunFolder::open(path_));
  EXPECT_EQ(text_of("records.jsonl"), "");
}

TEST_F(Results_RunFolder, names_the_line_that_is_damaged) {
  {
    auto folder = create();
    ASSERT_TRUE(folder->append_record(record_of("aa")));
  }
  append_raw("records.jsonl", "{\"id\":\n");
  const auto folder = RunFolder::open(path_);
  ASSERT_FALSE(folder);
  EXPECT_NE(folder.error().line().find("records.jsonl:2"), std::string::npos);
}

TEST_F(Results_RunFolder, belongs_to_one_process) {
  const auto folder = create();
  ASSERT_TRUE(folder);
  const auto second = RunFolder::open(path_);  // a second open file is a second owner for flock
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().line().find("in use by another ridgeline, process " +
                                       std::to_string(::getpid())),
            std::string::npos)
      << second.error().line();
}

TEST_F(Results_RunFolder, is_free_again_after_kill) {
  ASSERT_TRUE(create());
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto folder = RunFolder::open(path_);
    const char answer = folder ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  EXPECT_FALSE(RunFolder::open(path_));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(RunFolder::open(path_));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(Results_RunFolder, keeps_whole_lines_when_the_disk_is_full) {
  auto folder = create();
  ASSERT_TRUE(folder->append_record(record_of("aa")));
  const std::string before = text_of("records.jsonl");
  // A limit on the size of files stands in for a full disk.
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {before.size() + 10, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = folder->append_record(record_of("bb"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(status);
  EXPECT_EQ(text_of("records.jsonl"), before);
  EXPECT_EQ(folder->finished_cases().count("bb"), 0u);
  EXPECT_TRUE(folder->append_record(record_of("bb")));
}

TEST_F(Results_RunFolder, keeps_hostile_names_inside) {
  EXPECT_EQ(RunFolder::samples_path("aa", 2, "forward"), "samples/aa/2-forward.bin");
  EXPECT_EQ(RunFolder::samples_path("../..", 0, "/etc/passwd"), "samples/_____/0-_etc_passwd.bin");
  EXPECT_EQ(RunFolder::log_path("aa", 3), "logs/aa-3.log");
  EXPECT_LT(RunFolder::log_path(std::string(5000, 'x'), 0).size(), 200u);
  const auto folder = create();
  const auto full = folder->absolute(RunFolder::samples_path("aa", 2, "forward"));
  ASSERT_TRUE(full);
  EXPECT_EQ(full->front(), '/');
  EXPECT_TRUE(fs::is_directory(path_ + "/samples/aa"));
}

TEST_F(Results_RunFolder, gives_readers_the_latest_record_of_a_case) {
  auto folder = create();
  ASSERT_TRUE(folder->append_record(record_of("aa", "partial")));
  ASSERT_TRUE(folder->append_record(record_of("bb")));
  ASSERT_TRUE(folder->append_record(record_of("aa")));
  append_raw("records.jsonl", "{\"cut");
  const auto records = read_records(path_);  // also while the run goes on
  ASSERT_TRUE(records) << records.error().line();
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ((*records)[0].at("id"), Json("aa"));
  EXPECT_EQ((*records)[0].at("outcome").at("status"), Json("ok"));
  EXPECT_EQ(read_records(path_ + "/records.jsonl", {true, false})->size(), 3u);
  const auto strict = read_records(path_, {false, true});
  ASSERT_FALSE(strict);
  EXPECT_NE(strict.error().line().find("records.jsonl:4"), std::string::npos);
}

TEST_F(Results_RunFolder, tells_readers_which_line_is_bad) {
  const std::string path = root_ + "/some.jsonl";
  for (const char* bad : {"nonsense", "[]", "1", "{}", R"({"schema":"ridgeline/2","id":"a"})",
                          R"({"schema":"ridgeline/1","id":1,"outcome":{"status":"ok"}})",
                          R"({"schema":"ridgeline/1","id":"a"})", "\x01\xff"}) {
    ASSERT_TRUE(write_text_file(path, to_line(record_of("aa")) + "\n\n" + bad + "\n"));
    const auto records = read_records(path);
    ASSERT_FALSE(records) << bad;
    EXPECT_NE(records.error().line().find("some.jsonl:3"), std::string::npos)
        << records.error().line();
  }
  EXPECT_FALSE(read_records(root_ + "/missing"));
  EXPECT_FALSE(read_records("/dev/zero"));
}

TEST_F(Results_RunFolder, stops_at_a_line_without_end) {
  const std::string path = root_ + "/endless.jsonl";
  const Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT, 0644));
  ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(kMaxLineBytes) * 4), 0);  // sparse
  const auto records = read_records(path);
  ASSERT_FALSE(records);
  EXPECT_NE(records.error().line().find("longer than"), std::string::npos);
}

}  // namespace
}  // namespace ridgeline::results
