// Which cases belong together, why others do not, and which machines are alike.
#include "analysis/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "analysis/manifest_machine.hpp"
#include "analysis/manifest_matching.hpp"
#include "unit/analysis/side_by_side_records.hpp"

namespace ridgeline::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Change = std::function<void(Json&)>;

Json record(const Change& change = {}, const std::string& id = "0123456789abcdef") {
  Json json = test::engine_record("native", {0.002, 0.002, 0.002});
  json["id"] = id;
  json["workload"]["inputs"]["digest"] = "aa";
  json["engine"]["mode"] = nullptr;
  json["ridgeline"] = {{"version", "0.1.0"}, {"build", {{"compiler", "g++ 12"}}}};
  if (change) change(json);
  return json;
}

Across across(const std::vector<std::string>& names) {
  return *parse_across(names);
}

std::vector<std::string> differing(const Change& change, const Across& ignored = {}) {
  std::vector<std::string> names;
  for (const Unlike& one :
       differences(manifest_of(record()), manifest_of(record(change)), ignored)) {
    names.push_back(one.member);
  }
  return names;
}

Json failed(const std::string& id = "0123456789abcdef") {
  return record(
      [](Json& json) {
        json["outcome"] = {{"status", "failed"}, {"class", "crash"}, {"reason", "x"}};
        json["engine"] = json["model"] = nullptr;
        json["phases"] = json["invocations"] = json["optimizations"] = Json::array();
        json["workload"] = {{"batch", 1}, {"sequence", nullptr}, {"inputs", nullptr}};
      },
      id);
}

TEST(Analysis_Manifest, tells_each_member_that_differs) {
  struct Row {
    const char* member;
    Change change;
  };
  const Row rows[] = {
      {"model", [](Json& r) { r["configuration"]["model"] = "other"; }},
      {"architecture", [](Json& r) { r["model"]["architecture"] = "BertForMaskedLM"; }},
      {"revision", [](Json& r) { r["model"]["revision"] = "abc"; }},
      {"parameters", [](Json& r) { r["model"]["parameters"] = 109'000'001; }},
      {"weights", [](Json& r) { r["model"]["weights"]["source"] = "checkpoint"; }},
      {"dtype", [](Json& r) { r["configuration"]["dtype"] = "bfloat16"; }},
      {"device", [](Json& r) { r["configuration"]["device"] = "cuda:0"; }},
      {"threads", [](Json& r) { r["configuration"]["threads"] = nullptr; }},
      {"cores", [](Json& r) { r["configuration"]["cores"] = "0-1"; }},
      {"seed", [](Json& r) { r["configuration"]["seed"] = 1; }},
      {"engine", [](Json& r) { r["configuration"]["engine"] = "transformers"; }},
      {"mode", [](Json& r) { r["engine"]["mode"] = "compile"; }},
      {"optimize",
       [](Json& r) {
         r["optimizations"] =
             Json::array({{{"id", "attention"}, {"requested", "flash"}, {"applied", true}}});
       }},
      {"batch", [](Json& r) { r["workload"]["batch"] = 8; }},
      {"sequence", [](Json& r) { r["workload"]["sequence"] = 64; }},
      {"text", [](Json& r) { r["workload"]["text"] = Json::array({"a", "b"}); }},
      {"image", [](Json& r) { r["workload"]["image"] = Json::array({"/a.png"}); }},
      {"chat", [](Json& r) { r["workload"]["chat"] = true; }},
      {"inputs", [](Json& r) { r["workload"]["inputs"]["digest"] = "bb"; }}};
  for (const Row& row : rows) {
    EXPECT_THAT(differing(row.change), ElementsAre(row.member));
    EXPECT_TRUE(differing(row.change, across({row.member})).empty()) << row.member;
  }
  EXPECT_TRUE(differing({}).empty());
}

TEST(Analysis_Manifest, looks_past_what_is_not_the_work) {
  EXPECT_TRUE(differing([](Json& r) {
                r["configuration"]["engine"] = "/opt/b/bin/ridgeline-engine-native";
                r["created"] = "2030-01-01T00:00:00Z";
                // In force, not asked for; and the knob of the threads, which is a member itself.
                r["optimizations"] =
                    Json::array({{{"id", "attention"}, {"requested", nullptr}, {"value", "math"}},
                                 {{"id", "threads"}, {"requested", 2}, {"value", "2"}}});
              }).empty());
}

TEST(Analysis_Manifest, agrees_with_what_a_failed_case_does_not_know) {
  EXPECT_TRUE(agree(manifest_of(record()), manifest_of(failed()), {}));
  EXPECT_TRUE(agree(manifest_of(Json(3)), manifest_of(Json::array()), {}));
}

TEST(Analysis_Manifest, ignores_what_follows_from_an_ignored_member) {
  const Change engine = [](Json& r) {
    r["configuration"]["engine"] = "transformers:compile";
    r["engine"]["mode"] = "compile";
    r["model"]["parameters"] = 109'400'000;  // counts a buffer
    r["workload"]["inputs"]["digest"] = "bb";
  };
  EXPECT_TRUE(differing(engine, across({"engine"})).empty());
  EXPECT_THAT(differing(engine, across({"mode"})), ElementsAre("parameters", "engine", "inputs"));
  EXPECT_TRUE(differing(
                  [](Json& r) {
                    r["workload"] = {{"batch", 2}, {"sequence", 9}, {"inputs", {{"digest", "b"}}}};
                  },
                  across({"workload"}))
                  .empty());
}

TEST(Analysis_Manifest, across_engines_only_knobs_of_both_must_agree) {
  const auto knob = [](const char* id, const Json& requested) {
    return Json{{"id", id}, {"requested", requested}, {"applied", true}};
  };
  const Json native = record([&](Json& r) {
    r["optimizations"] = Json::array({knob("attention", nullptr), knob("graph", "on")});
  });
  const auto peer = [&](const Json& attention) {
    return record([&](Json& r) {
      r["configuration"]["engine"] = "transformers:compile";
      r["optimizations"] = Json::array({knob("attention", attention), knob("compile", "default")});
    });
  };
  const auto fits = [&](const Json& other) {
    return agree(manifest_of(native), manifest_of(other), across({"engine"}));
  };
  EXPECT_TRUE(fits(peer(nullptr)));
  EXPECT_FALSE(fits(peer("eager")));
}

TEST(Analysis_Manifest, refuses_to_ignore_what_it_does_not_know) {
  const auto wrong = parse_across({"engin"});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().line(), HasSubstr("did you mean engine?"));
  EXPECT_TRUE(across({"machine"}).machine);
  EXPECT_FALSE(across({"version"}).any());
  EXPECT_THAT(across({"engine", "engine"}).names, ElementsAre("engine"));
}

// --- matching -----------------------------------------------------------------------------------

Change batch(int rows) {
  return [rows](Json& r) {
    r["workload"]["batch"] = rows;
    r["workload"]["inputs"]["digest"] = std::to_string(rows);
  };
}

TEST(Analysis_Matching, pairs_equal_manifests_in_the_order_of_base) {
  const Matching matching = match_cases({record(batch(1)), record(batch(2))},
                                        {record(batch(2), "b"), record(batch(1), "c")}, {});
  EXPECT_THAT(matching.pairs, ElementsAre(std::pair(0u, 1u), std::pair(1u, 0u)));
  EXPECT_TRUE(matching.base.empty() && matching.now.empty() && matching.ambiguous.empty());
}

TEST(Analysis_Matching, names_the_nearest_of_what_has_no_partner) {
  const Matching matching = match_cases({record(batch(1)), record(batch(4), "b")},
                                        {record(batch(1)), record(
                                                               [](Json& r) {
                                                                 batch(8)(r);
                                                                 r["configuration"]["dtype"] =
                                                                     "bfloat16";
                                                               },
                                                               "c")},
                                        {});
  ASSERT_EQ(matching.base.size(), 1u);
  EXPECT_EQ(matching.base[0].record, 1u);
  EXPECT_EQ(matching.base[0].nearest, 0u);
  EXPECT_THAT(matching.base[0].differs,
              ElementsAre(Unlike{"batch", "4", "1"}, Unlike{"inputs", "4", "1"}));
  ASSERT_EQ(matching.now.size(), 1u);
  EXPECT_EQ(matching.now[0].differs.size(), 3u);
  const Matching other =
      match_cases({record()}, {record([](Json& r) { r["configuration"]["model"] = "x"; })}, {});
  EXPECT_FALSE(other.base[0].nearest) << "another model is not near";
}

TEST(Analysis_Matching, says_when_several_fit) {
  const Matching matching = match_cases({record(batch(1)), record(batch(2), "b")},
                                        {record(batch(4), "c")}, across({"batch"}));
  EXPECT_TRUE(matching.pairs.empty() && matching.base.empty());
  ASSERT_EQ(matching.ambiguous.size(), 1u);
  EXPECT_THAT(matching.ambiguous[0].base, ElementsAre(0u, 1u));
  EXPECT_THAT(matching.ambiguous[0].now, ElementsAre(0u));
  EXPECT_THAT(matching.ambiguous[0].members, ElementsAre("batch", "inputs"));
}

TEST(Analysis_Matching, lets_equal_ids_decide_where_manifests_cannot) {
  // With --optimize none and without it: the records look alike, the ids do not.
  const std::vector<Json> base = {record({}, "aaaa"), record({}, "bbbb")};
  const std::vector<Json> now = {record({}, "bbbb"), record({}, "aaaa")};
  EXPECT_THAT(match_cases(base, now, {}).pairs, ElementsAre(std::pair(0u, 1u), std::pair(1u, 0u)));
  const Matching other = match_cases(base, {record({}, "cccc")}, {});
  EXPECT_EQ(other.ambiguous.size(), 1u);
}

TEST(Analysis_Matching, finds_a_failed_case_by_its_id) {
  const Matching matching = match_cases({record(batch(1), "aaaa"), record(batch(8), "bbbb")},
                                        {failed("bbbb"), record(batch(1), "aaaa")}, {});
  EXPECT_THAT(matching.pairs, ElementsAre(std::pair(0u, 1u), std::pair(1u, 0u)));
}

TEST(Analysis_Matching, does_not_take_an_equal_id_for_equal_work) {
  const Matching matching = match_cases(
      {record()}, {record([](Json& r) { r["workload"]["inputs"]["digest"] = "other"; })}, {});
  EXPECT_TRUE(matching.pairs.empty());
  ASSERT_EQ(matching.base.size(), 1u);
  EXPECT_THAT(matching.base[0].differs, ElementsAre(Unlike{"inputs", "aa", "other"}));
}

// --- machines -----------------------------------------------------------------------------------

Json on_machine(const Change& change = {}, const std::string& device = "cuda:0") {
  Json json = record();
  json["configuration"]["device"] = device;
  json["machine"] = {
      {"fingerprint", "f"},
      {"cpu", {{"model", "A"}, {"physical_cores", 8}, {"governor", "performance"}}},
      {"allowed", {{"count", 8}, {"quota_cpus", nullptr}}},
      {"memory", {{"total_bytes", 64e9}, {"limit_bytes", nullptr}}},
      {"os", {{"kernel", "6.1"}}},
      {"accelerators",
       Json::array({{{"name", "H200"}, {"pci_address", "0"}, {"driver_version", "580.1"}}})},
      {"devices", Json::array({{{"name", "H200"}, {"power_limit", 700.0}, {"ecc", true}}})}};
  if (change) change(json);
  return json;
}

std::vector<std::string> names(const std::vector<Unlike>& list) {
  std::vector<std::string> all;
  for (const Unlike& one : list) all.push_back(one.member);
  return all;
}

TEST(Analysis_Machines, tells_what_makes_another_machine) {
  struct Row {
    const char* member;
    Change change;
  };
  const Row rows[] = {
      {"cpu.model", [](Json& r) { r["machine"]["cpu"]["model"] = "B"; }},
      {"cpu.physical_cores", [](Json& r) { r["machine"]["cpu"]["physical_cores"] = 4; }},
      {"allowed CPUs", [](Json& r) { r["machine"]["allowed"]["count"] = 4; }},
      {"allowed.quota_cpus", [](Json& r) { r["machine"]["allowed"]["quota_cpus"] = 2.0; }},
      {"memory", [](Json& r) { r["machine"]["memory"]["total_bytes"] = 32e9; }},
      {"accelerators", [](Json& r) { r["machine"]["accelerators"][0]["name"] = "H100"; }},
      {"devices.power_limit", [](Json& r) { r["machine"]["devices"][0]["power_limit"] = 500.0; }},
      {"devices.ecc", [](Json& r) { r["machine"]["devices"][0]["ecc"] = false; }},
      {"fingerprint", [](Json& r) { r["machine"]["fingerprint"] = "g"; }}};
  for (const Row& row : rows) {
    const MachineLikeness likeness = compare_machines(on_machine(), on_machine(row.change));
    EXPECT_THAT(names(likeness.unlike), ElementsAre(row.member));
    EXPECT_TRUE(likeness.changed.empty()) << row.member;
  }
}

TEST(Analysis_Machines, names_versions_and_settings_without_refusing) {
  const MachineLikeness likeness =
      compare_machines(on_machine(), on_machine([](Json& r) {
                         r["ridgeline"]["version"] = "0.2.0";
                         r["engine"]["versions"]["torch"] = "2.14";
                         r["machine"]["os"]["kernel"] = "6.2";
                         r["machine"]["cpu"]["governor"] = "powersave";
                         // The driver is in the fingerprint.
                         r["machine"]["accelerators"][0]["driver_version"] = "590.1";
                         r["machine"]["fingerprint"] = "g";
                       }));
  EXPECT_TRUE(likeness.unlike.empty());
  EXPECT_THAT(names(likeness.changed),
              ElementsAre("ridgeline", "kernel", "driver", "cpu.governor"));
  Json base = on_machine();
  Json now = on_machine();
  base["engine"]["versions"]["torch"] = "2.13";
  now["engine"]["versions"]["torch"] = "2.14";
  EXPECT_THAT(compare_machines(base, now).changed, ElementsAre(Unlike{"torch", "2.13", "2.14"}));
  now["engine"]["name"] = "transformers";
  EXPECT_TRUE(compare_machines(base, now).changed.empty()) << "of another engine";
}

TEST(Analysis_Machines, leaves_cards_out_of_what_runs_on_the_cpu) {
  const Change other = [](Json& r) {
    r["machine"]["accelerators"][0]["name"] = "H100";
    r["machine"]["devices"][0]["power_limit"] = 1.0;
    r["machine"]["fingerprint"] = "g";
  };
  EXPECT_TRUE(compare_machines(on_machine({}, "cpu"), on_machine(other, "cpu")).unlike.empty());
}

TEST(Analysis_Machines, bears_records_that_say_nothing) {
  for (const Json& odd :
       {Json(), Json("x"), Json{{"machine", 3}}, Json{{"machine", {{"cpu", 1}}}}}) {
    EXPECT_TRUE(compare_machines(odd, on_machine()).unlike.empty());
    EXPECT_TRUE(compare_machines(on_machine(), odd).unlike.empty());
  }
}

}  // namespace
}  // namespace ridgeline::analysis
