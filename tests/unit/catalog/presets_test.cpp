// Every preset is whole and of a family in the catalog; every suite names presets that exist.
#include "catalog/presets.hpp"

#include <gtest/gtest.h>

#include <set>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "catalog/suites.hpp"

namespace ridgeline::catalog {
namespace {

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(Presets_Data, are_whole) {
  const Result<std::vector<Preset>> all = presets();
  ASSERT_TRUE(all) << all.error().line();
  ASSERT_EQ(all->size(), preset_names().size());
  for (const Preset& preset : *all) {
    SCOPED_TRACE(preset.name);
    EXPECT_NE(preset.reference.find('/'), std::string::npos);
    EXPECT_FALSE(preset.description.empty());
    EXPECT_GE(*get_int(*preset.workload, "batch", "workload"), 1);
    const Result<std::string> type = get_string(*preset.config, "model_type", "config");
    ASSERT_TRUE(type);
    EXPECT_EQ(canonical_family(*type), preset.architecture.family);
    const Json& named = preset.config->at("architectures");
    ASSERT_TRUE(named.is_array() && !named.empty());
    EXPECT_TRUE(find_architecture(*type, named[0].get<std::string>()));
    EXPECT_EQ(preset_for(preset.reference), preset.name) << "two presets stand for one model";
  }
  EXPECT_TRUE(std::is_sorted(all->begin(), all->end(),
                             [](const Preset& a, const Preset& b) { return a.name < b.name; }));
}

TEST(Presets_Data, of_text_encoders_fit_their_positions_and_heads) {
  const Result<std::vector<Preset>> all = presets();
  ASSERT_TRUE(all);
  for (const Preset& preset : *all) {
    if (preset.architecture.family != "bert") continue;
    SCOPED_TRACE(preset.name);
    const auto of = [](const Json& json, const char* key) { return *get_int(json, key, "preset"); };
    EXPECT_LE(of(*preset.workload, "sequence"), of(*preset.config, "max_position_embeddings"));
    EXPECT_EQ(of(*preset.config, "hidden_size") % of(*preset.config, "num_attention_heads"), 0);
  }
}

TEST(Presets_Find, gives_the_published_sizes) {
  const Result<Preset> preset = find_preset("bert-large");
  ASSERT_TRUE(preset) << preset.error().line();
  EXPECT_EQ(*get_int(*preset->config, "hidden_size", "c"), 1024);
  EXPECT_EQ(*get_int(*preset->config, "num_hidden_layers", "c"), 24);
  EXPECT_EQ(preset_for("google-bert/bert-large-uncased"), "bert-large");
  EXPECT_EQ(preset_for("nobody/nothing"), "");
}

TEST(Presets_Find, suggests_the_nearest) {
  const Result<Preset> preset = find_preset("bert-bsae");
  ASSERT_FALSE(preset);
  EXPECT_NE(preset.error().remedy.find("did you mean bert-base?"), std::string::npos);
}

TEST(Presets_Parse, refuses_what_lacks_a_field_or_a_family) {
  const Json whole =
      Json::parse(R"({"reference":"a/b","description":"d","config":{"model_type":"bert"},)"
                  R"("architecture":"BertModel","workload":{"batch":1}})");
  ASSERT_TRUE(parse_preset("p", whole.dump()));
  for (const char* key : {"reference", "description", "config", "architecture", "workload"}) {
    for (const Json& value : {Json(), Json(1), Json("no such thing"), Json::object()}) {
      if (value.is_string() && std::string_view(key) != "architecture" && !whole[key].is_object()) {
        continue;  // any text will do there
      }
      Json broken = whole;
      broken[key] = value;
      const Result<Preset> preset = parse_preset("p", broken.dump());
      EXPECT_FALSE(preset) << broken.dump();
    }
  }
  for (const char* text : {"", "[]", "null", "{"}) EXPECT_FALSE(parse_preset("p", text)) << text;
}

TEST(Suites_Presets, exist_and_follow_the_modality) {
  for (const std::string_view suite : suite_names()) {
    const Result<std::vector<std::string>> names = suite_presets(suite);
    ASSERT_TRUE(names) << suite;
    for (const std::string& name : *names) {
      const Result<Preset> preset = find_preset(name);
      ASSERT_TRUE(preset) << suite << ": " << name;
      const auto modalities = modality_names();
      if (std::find(modalities.begin(), modalities.end(), suite) != modalities.end()) {
        EXPECT_EQ(preset->architecture.modality, suite);
      }
    }
  }
  EXPECT_EQ(suite_presets("all")->size(), preset_names().size());
  EXPECT_TRUE(contains(*suite_presets("text"), "bert-large"));
  // One of each modality.
  std::set<std::string_view> modalities;
  const Result<std::vector<std::string>> quick = suite_presets("quick");
  ASSERT_TRUE(quick);
  for (const std::string& name : *quick) {
    EXPECT_TRUE(modalities.insert(find_preset(name)->architecture.modality).second) << name;
  }
  EXPECT_EQ(modalities.size(), modality_names().size());
}

TEST(Suites_Presets, have_every_modality_as_a_suite) {
  for (const std::string_view modality : modality_names()) {
    EXPECT_NE(std::find(suite_names().begin(), suite_names().end(), modality), suite_names().end());
  }
}

TEST(Suites_Presets, say_which_suites_can_be_run) {
  const Result<std::vector<std::string>> wrong = suite_presets("quik");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().error_class, ErrorClass::kBadInput);
  EXPECT_NE(wrong.error().remedy.find("did you mean quick?"), std::string::npos);
}

}  // namespace
}  // namespace ridgeline::catalog
