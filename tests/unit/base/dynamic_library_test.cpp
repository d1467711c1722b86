// Libraries opened at run time.
#include "base/dynamic_library.hpp"

#include <gmock/gmock.h>

#include "support/temp_folder.hpp"

namespace ridgeline {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Base_DynamicLibrary, finds_functions_by_name) {
  const auto library = DynamicLibrary::open("libm.so.6");
  ASSERT_TRUE(library.has_value()) << library.error().message;
  EXPECT_EQ(library->name(), "libm.so.6");
  auto* floor = library->function<double(double)>("floor");
  ASSERT_NE(floor, nullptr);
  EXPECT_EQ(floor(2.5), 2.0);
  EXPECT_EQ(library->find("no_such_function"), nullptr);
}

TEST(Base_DynamicLibrary, says_in_one_line_why_it_does_not_open) {
  const test::TempFolder folder;
  const std::string broken = folder.write("libbroken.so", "not an ELF file");
  for (const std::string& name : {std::string("libno-such-library.so.1"), broken, std::string()}) {
    const auto library = DynamicLibrary::open(name);
    ASSERT_FALSE(library.has_value()) << name;
    EXPECT_EQ(library.error().error_class, ErrorClass::kEnvironment);
    EXPECT_THAT(library.error().message, HasSubstr(name));
    EXPECT_THAT(library.error().line(), Not(HasSubstr("\n")));
  }
}

TEST(Base_DynamicLibrary, moves_and_closes_once) {
  auto first = DynamicLibrary::open("libm.so.6");
  auto second = DynamicLibrary::open("libm.so.6");
  ASSERT_TRUE(first.has_value() && second.has_value());
  DynamicLibrary moved = *std::move(first);
  EXPECT_NE(moved.find("cos"), nullptr);
  EXPECT_EQ(first->find("cos"), nullptr);
  moved = *std::move(second);
  EXPECT_NE(moved.find("cos"), nullptr);
}

}  // namespace
}  // namespace ridgeline
