// The table of families: rows are sound, look-ups find them or say what there is.
#include "catalog/families.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <utility>

namespace ridgeline::catalog {
namespace {

TEST(Families_Table, has_each_architecture_once_and_families_together) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::vector<std::string_view> order;
  for (const Architecture& row : architectures()) {
    EXPECT_TRUE(seen.emplace(row.family, row.architecture).second) << row.architecture;
    EXPECT_FALSE(row.task.empty()) << row.architecture;
    if (order.empty() || order.back() != row.family) order.push_back(row.family);
  }
  EXPECT_EQ(order, family_names());
}

TEST(Families_Table, has_aliases_only_of_families_it_knows) {
  for (const FamilyAlias& alias : family_aliases()) {
    EXPECT_TRUE(find_family(alias.model_type)) << alias.model_type;
    EXPECT_NE(alias.model_type, alias.family);
  }
}

TEST(Families_Find, gives_the_row) {
  const Result<Architecture> row = find_architecture("bert", "BertForMaskedLM");
  ASSERT_TRUE(row) << row.error().line();
  EXPECT_EQ(row->modality, "text");
  EXPECT_EQ(row->task, "fill-mask");
  EXPECT_EQ(find_family("bert")->architecture, "BertModel");
}

TEST(Families_Find, names_an_unknown_family_and_the_nearest) {
  const Result<Architecture> row = find_family("bret");
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().error_class, ErrorClass::kUnsupported);
  EXPECT_NE(row.error().message.find("'bret'"), std::string::npos);
  EXPECT_NE(row.error().remedy.find("did you mean bert?"), std::string::npos);
  EXPECT_LT(find_family(std::string(1'000'000, 'x')).error().line().size(), 2000u);
}

TEST(Families_Find, names_an_unknown_architecture_and_what_there_is) {
  const Result<Architecture> row = find_architecture("bert", "BertForMaskedML");
  ASSERT_FALSE(row);
  EXPECT_NE(row.error().remedy.find("did you mean BertForMaskedLM?"), std::string::npos);
  EXPECT_NE(row.error().remedy.find("BertForQuestionAnswering"), std::string::npos);
  EXPECT_FALSE(find_architecture("bert", ""));
  EXPECT_FALSE(find_architecture("", "BertModel"));
}

TEST(Families_Alias, leads_to_the_family) {
  constexpr std::array<FamilyAlias, 1> kAliases = {{{"rebadged", "bert"}}};
  EXPECT_EQ(canonical_family("rebadged", kAliases), "bert");
  EXPECT_EQ(canonical_family("bert", kAliases), "bert");
  EXPECT_EQ(canonical_family("rebadged"), "rebadged");
}

}  // namespace
}  // namespace ridgeline::catalog
