// Model references: folders, presets, and a hub cache laid out as huggingface_hub does it.
#include "catalog/model_reference.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "support/temp_folder.hpp"

namespace ridgeline::catalog {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCommit = "0123456789abcdef0123456789abcdef01234567";
constexpr const char* kOther = "fedcba9876543210fedcba9876543210fedcba98";

Environment environment_of(std::map<std::string, std::string> values) {
  return [values](const char* name) -> std::optional<std::string> {
    const auto it = values.find(name);
    return it == values.end() ? std::nullopt : std::optional(it->second);
  };
}

/// A cache with one model: `main` and a pull request point to commits, files are links to blobs.
class HubCache : public testing::Test {
 protected:
  HubCache() {
    const std::string repository = "hub/models--org--model";
    folder_.write(repository + "/blobs/aa", "{}");
    for (const char* commit : {kCommit, kOther}) {
      const std::string snapshot = folder_.path(repository + "/snapshots/" + commit);
      fs::create_directories(snapshot);
      fs::create_symlink("../../blobs/aa", snapshot + "/config.json");
    }
    folder_.write(repository + "/refs/main", kCommit);
    folder_.write(repository + "/refs/refs/pr/1", std::string(kOther) + "\n");
  }

  Result<ModelReference> resolve(std::string_view reference) const {
    return resolve_model(reference, environment_of({{"HF_HUB_CACHE", folder_.path("hub")},
                                                    {"HOME", folder_.path("home")}}));
  }

  test::TempFolder folder_;
};

using ModelReference_Hub = HubCache;
using ModelReference_Folder = HubCache;

TEST_F(ModelReference_Hub, finds_the_snapshot_of_a_branch) {
  const Result<ModelReference> model = resolve("org/model");
  ASSERT_TRUE(model) << model.error().line();
  EXPECT_EQ(model->kind, ModelKind::kHub);
  EXPECT_EQ(model->reference, "org/model");
  EXPECT_EQ(model->revision, kCommit);
  EXPECT_EQ(model->folder, folder_.path("hub/models--org--model/snapshots/") + kCommit);
  EXPECT_TRUE(fs::exists(model->folder + "/config.json"));
}

TEST_F(ModelReference_Hub, finds_a_given_revision) {
  EXPECT_EQ(resolve("org/model@main")->revision, kCommit);
  EXPECT_EQ(resolve("org/model@refs/pr/1")->revision, kOther);
  EXPECT_EQ(resolve(std::string("org/model@") + kOther)->revision, kOther);
  EXPECT_FALSE(resolve("org/model@v9"));
  EXPECT_FALSE(resolve(std::string("org/model@") + std::string(kOther).substr(0, 8)));
}

TEST_F(ModelReference_Hub, finds_models_without_an_organization) {
  folder_.write(std::string("hub/models--bert/snapshots/") + kCommit + "/config.json", "{}");
  folder_.write("hub/models--bert/refs/main", kCommit);
  EXPECT_EQ(resolve("bert")->revision, kCommit);
}

TEST_F(ModelReference_Hub, says_how_to_get_a_model_and_where_it_looked) {
  const Result<ModelReference> model = resolve("google-bert/bert-base-uncased");
  ASSERT_FALSE(model);
  const std::string line = model.error().line();
  EXPECT_NE(line.find("hf download google-bert/bert-base-uncased"), std::string::npos) << line;
  EXPECT_NE(line.find(folder_.path("hub")), std::string::npos) << line;
  EXPECT_NE(line.find("preset bert-base with --weights synthetic"), std::string::npos) << line;
  EXPECT_NE(resolve("bert-bas").error().remedy.find("did you mean the preset bert-base?"),
            std::string::npos);
  EXPECT_NE(resolve("org/model@v9").error().remedy.find("--revision v9"), std::string::npos);
}

TEST_F(ModelReference_Hub, never_leaves_the_cache) {
  folder_.write("secret/config.json", "{}");
  folder_.write("hub/models--org--model/refs/evil", "../../../secret");
  folder_.write("hub/models--org--model/outside", kCommit);
  folder_.write("hub/models--org--model/refs/empty", "");
  folder_.write("hub/models--org--model/refs/long", std::string(100'000, 'a'));
  for (const char* reference :
       {"org/model@../outside", "org/model@/etc", "org/model@", "org/model@evil", "org/model@empty",
        "org/model@long", "org/model@a//b", "org/model@..", "org/../model", "org/model/x", "a b",
        "org--model", "-x/y", "x/.y", "\xff", "org/model@main@main", "@main", "--help"}) {
    const Result<ModelReference> model = resolve(reference);
    ASSERT_FALSE(model) << reference;
    EXPECT_EQ(model.error().error_class, ErrorClass::kBadInput);
  }
  EXPECT_FALSE(resolve(std::string("org/model\0", 10)));
  EXPECT_FALSE(resolve(std::string(1'000'000, 'a')));
  EXPECT_FALSE(resolve(""));
}

TEST_F(ModelReference_Hub, notices_a_half_finished_download) {
  fs::remove(folder_.path("hub/models--org--model/blobs/aa"));
  EXPECT_NE(resolve("org/model").error().message.find("config.json"), std::string::npos);
  fs::remove_all(folder_.path("hub/models--org--model/snapshots"));
  EXPECT_NE(resolve("org/model").error().message.find("revision main"), std::string::npos);
}

TEST_F(ModelReference_Folder, is_taken_by_its_path) {
  const std::string path = fs::path(folder_.write("m/config.json", "{}")).parent_path().string();
  const Result<ModelReference> model = resolve(path);
  ASSERT_TRUE(model) << model.error().line();
  EXPECT_EQ(model->kind, ModelKind::kFolder);
  EXPECT_EQ(model->folder, path);
  EXPECT_EQ(model->revision, "");
  EXPECT_TRUE(resolve(path + "/"));
  folder_.write("home/models/x/config.json", "{}");
  EXPECT_EQ(resolve("~/models/x")->folder, folder_.path("home/models/x"));
  EXPECT_EQ(resolve("~/models/x")->reference, "~/models/x");
}

TEST_F(ModelReference_Folder, must_exist_when_it_is_a_path) {
  const auto message = [&](const std::string& reference) {
    const Result<ModelReference> model = resolve(reference);
    EXPECT_FALSE(model) << reference;
    return model.has_value() ? "" : model.error().message;
  };
  EXPECT_NE(message(folder_.path("nowhere")).find("no such folder"), std::string::npos);
  EXPECT_NE(message("./nowhere").find("no such folder"), std::string::npos);
  EXPECT_NE(message("~/nowhere").find("no such folder"), std::string::npos);
  EXPECT_NE(message("~stranger/x").find("no such folder"), std::string::npos);
  EXPECT_NE(message(folder_.path("hub")).find("no config.json"), std::string::npos);
  EXPECT_NE(message(folder_.write("f", "x")).find("is a file"), std::string::npos);
}

TEST_F(ModelReference_Folder, wins_over_a_preset_when_it_holds_a_model) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_.path());
  fs::create_directory("bert-base");
  EXPECT_EQ(resolve("bert-base")->kind, ModelKind::kPreset);
  folder_.write("bert-base/config.json", "{}");
  EXPECT_EQ(resolve("bert-base")->kind, ModelKind::kFolder);
  fs::current_path(before);
}

TEST(ModelReference_Preset, is_found_by_name) {
  const Result<ModelReference> model = resolve_model("minilm-l6", environment_of({}));
  ASSERT_TRUE(model) << model.error().line();
  EXPECT_EQ(model->kind, ModelKind::kPreset);
  EXPECT_EQ(model->preset, "minilm-l6");
  EXPECT_EQ(model->folder, "");
}

TEST(ModelReference_HubCache, follows_the_variables_of_huggingface_hub) {
  std::map<std::string, std::string> values = {{"HOME", "/home/u"}, {"V", "v"}};
  const auto cache = [&] { return hub_cache_folder(environment_of(values)); };
  EXPECT_EQ(cache(), "/home/u/.cache/huggingface/hub");
  values["XDG_CACHE_HOME"] = "~/xdg";
  EXPECT_EQ(cache(), "/home/u/xdg/huggingface/hub");
  values["HF_HOME"] = "/hf/$V/${V}w/$UNSET/${V";
  EXPECT_EQ(cache(), "/hf/v/vw/$UNSET/${V/hub");
  values["HUGGINGFACE_HUB_CACHE"] = "/legacy";
  EXPECT_EQ(cache(), "/legacy");
  values["HF_HUB_CACHE"] = "/new";
  EXPECT_EQ(cache(), "/new");
  values["HF_HUB_CACHE"] = "";
  EXPECT_EQ(cache(), "/legacy");
}

TEST(ModelReference_Environment, always_knows_a_home) {
  EXPECT_TRUE(process_environment()("HOME"));
  EXPECT_FALSE(process_environment()("RIDGELINE_NO_SUCH_VARIABLE"));
}

}  // namespace
}  // namespace ridgeline::catalog
