// Lines are encoded, cut and classified; what breaks the protocol is named.
#include "protocol/messages.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "protocol/capped_log.hpp"
#include "protocol/line_buffer.hpp"
#include "unit/protocol/scratch.hpp"

namespace ridgeline::protocol {
namespace {

Json parsed(const std::string& text) {
  Result<Json> json = parse_json(text, "test");
  return json ? *json : Json();
}

TEST(Protocol_Messages, have_the_names_of_the_contract) {
  EXPECT_EQ(reply_name("load"), "loaded");
  EXPECT_EQ(reply_name("run"), "ran");
  EXPECT_EQ(reply_name("quit"), "bye");
  EXPECT_EQ(reply_name("inputs"), "inputs");
  EXPECT_EQ(reply_name("stop"), std::nullopt);
  EXPECT_EQ(reply_name("no such"), std::nullopt);
}

TEST(Protocol_Messages, encode_one_line_with_name_and_id_first) {
  EXPECT_EQ(encode_request("load", 7, {{"model", "a\nb"}, {"id", 99}}),
            R"({"message":"load","id":7,"model":"a\nb"})");
  EXPECT_EQ(encode_request("quit", 8, Json()), R"({"message":"quit","id":8})");
  EXPECT_EQ(encode_event("started", 3, {{"ns", 5}}), R"({"event":"started","id":3,"ns":5})");
}

TEST(Protocol_Messages, replace_bytes_that_are_no_utf8) {
  const std::string line = encode_reply("loaded", 1, {{"model", "\xff\xfe"}});
  EXPECT_TRUE(parse_json(line, "test"));
}

TEST(Protocol_Messages, carry_an_error_there_and_back) {
  const Error error{ErrorClass::kOomDevice, "no room", "smaller batch", 12'345};
  const Json line = parsed(encode_error(4, error));
  const auto incoming = classify(line);
  ASSERT_TRUE(incoming);
  EXPECT_EQ(incoming->kind, LineKind::kError);
  EXPECT_EQ(incoming->id, 4);
  const Error back = decode_error(line);
  EXPECT_EQ(back.error_class, ErrorClass::kOomDevice);
  EXPECT_EQ(back.message, "no room");
  EXPECT_EQ(back.remedy, "smaller batch");
  EXPECT_EQ(back.bytes_needed, 12'345);
}

TEST(Protocol_Messages, take_an_error_without_its_fields) {
  const Error error = decode_error(parsed(R"({"reply":"error","id":1,"message":7,"bytes":"x"})"));
  EXPECT_EQ(error.error_class, ErrorClass::kInternal);
  EXPECT_EQ(error.message, "the worker gave no reason");
  EXPECT_EQ(error.bytes_needed, std::nullopt);
}

TEST(Protocol_Messages, refuse_lines_without_name_or_id) {
  for (const char* text : {"[]", "1", "null", "{}", R"({"reply":1,"id":1})", R"({"event":[]})",
                           R"({"reply":"loaded"})", R"({"reply":"loaded","id":"1"})",
                           R"({"reply":"loaded","id":1.5})"}) {
    const auto incoming = classify(parsed(text));
    ASSERT_FALSE(incoming) << text;
    EXPECT_EQ(incoming.error().error_class, ErrorClass::kProtocol);
  }
  EXPECT_TRUE(classify(parsed(R"({"event":"log","text":"x"})"))) << "events need no id";
}

TEST(Protocol_Excerpt, is_short_and_printable) {
  EXPECT_EQ(excerpt("a\x1b[31m\n\xff"), "a?[31m??");
  EXPECT_EQ(excerpt("abcdef", 3), "abc...");
}

TEST(Protocol_LineBuffer, cuts_lines_wherever_the_pieces_end) {
  const std::string text = "one\n\ntwo\nthree";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    LineBuffer buffer;
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      buffer.append(std::string_view(text).substr(at, piece));
      while (const auto line = buffer.next()) lines.emplace_back(*line);
    }
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two"})) << piece;
    EXPECT_EQ(buffer.partial(), "three");
  }
}

TEST(Protocol_LineBuffer, stops_at_its_limit) {
  LineBuffer exact(4);
  exact.append("1234\n");
  EXPECT_EQ(exact.next(), "1234");
  exact.append("12345\n6\n");
  EXPECT_EQ(exact.next(), std::nullopt);
  EXPECT_TRUE(exact.overlong());
  LineBuffer open(4);
  open.append("12345");
  EXPECT_EQ(open.next(), std::nullopt);
  EXPECT_TRUE(open.overlong());
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Protocol_CappedLog, keeps_a_short_log_whole) {
  const Scratch scratch;
  for (const std::size_t length : {0, 5, 10, 11, 4096, 4105, 4106}) {
    const std::string path = scratch / ("log" + std::to_string(length));
    Result<CappedLog> log = CappedLog::open(path, 10, 4096);
    ASSERT_TRUE(log);
    std::string text;
    for (std::size_t k = 0; k < length; ++k) text += static_cast<char>('a' + k % 26);
    for (const char c : text) log->append({&c, 1});
    log->finish();
    EXPECT_EQ(read_file(path), text) << length;
  }
}

TEST(Protocol_CappedLog, goes_on_behind_the_log_of_a_worker_before_it) {
  const Scratch scratch;
  for (const char* text : {"first\n", "second\n"}) {
    Result<CappedLog> log = CappedLog::open(scratch / "log", 10, 4096);
    ASSERT_TRUE(log);
    log->append(text);
    log->finish();
  }
  EXPECT_EQ(read_file(scratch / "log"), "first\nsecond\n");
}

TEST(Protocol_CappedLog, keeps_head_and_tail_of_a_long_one) {
  const Scratch scratch;
  Result<CappedLog> log = CappedLog::open(scratch / "log", 10, 5000);
  ASSERT_TRUE(log);
  log->append("0123456789");
  for (int k = 0; k < 1000; ++k) log->append(std::string(1000, 'm'));
  EXPECT_LE(log->held(), 10'000u) << "a flood must not fill the memory";
  log->append(std::string(5000, 't'));
  log->finish();
  EXPECT_EQ(read_file(scratch / "log"),
            "0123456789\n[... 1000000 bytes left out ...]\n" + std::string(5000, 't'));
  EXPECT_EQ(log->total(), 1'005'010u);
}

TEST(Protocol_CappedLog, gives_the_last_line_with_something_in_it) {
  CappedLog log = *CappedLog::open("");
  EXPECT_EQ(log.last_line(), "");
  log.append("first\nsecond\x1b[0m\n\n  \n");
  EXPECT_EQ(log.last_line(), "second?[0m");
  log.append("half a line");
  EXPECT_EQ(log.last_line(), "half a line");
}

TEST(Protocol_CappedLog, says_where_it_cannot_write) {
  const Result<CappedLog> log = CappedLog::open("/no/such/folder/log");
  ASSERT_FALSE(log);
  EXPECT_NE(log.error().message.find("/no/such/folder/log"), std::string::npos);
}

}  // namespace
}  // namespace ridgeline::protocol
