// The template language, beside what the oracle test compares: errors, lines and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engines/native/inputs/chat/chat.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

std::string render(std::string_view source, const Json& variables = Json::object()) {
  const auto text = render_template(source, variables);
  return text ? *text : "error: " + text.error().line();
}

TEST(Chat_Language, takes_white_space_away_around_tags) {
  EXPECT_EQ(render("  {% if true %}\n  a\n  {% endif %}\nb\n"), "  a\nb");
  EXPECT_EQ(render("a  {%- if true -%}  b  {%- endif %}  c"), "ab  c");
  EXPECT_EQ(render("  {%+ if true +%}\n{{- 'x' -}}  {% endif %}"), "  x");
  EXPECT_EQ(render("{% raw %}{{ x }}{% endraw %}{# gone #}"), "{{ x }}");
}

TEST(Chat_Language, keeps_names_of_loops_to_themselves_and_changes_namespaces) {
  EXPECT_EQ(render("{% set a = 1 %}{% for x in [2, 3] %}{% set a = x %}{% endfor %}{{ a }}"), "1");
  EXPECT_EQ(render("{% set n = namespace(a=1) %}{% for x in [2, 3] %}{% set n.a = x %}"
                   "{% endfor %}{{ n.a }}"),
            "3");
}

TEST(Chat_Language, prints_undefined_values_as_nothing_but_does_not_compute_with_them) {
  EXPECT_EQ(render("[{{ x }}{{ x is defined }}{{ x | default('d') }}]"), "[Falsed]");
  EXPECT_EQ(render("{{ x + 1 }}"), "error: line 1: 'x' is undefined");
  EXPECT_EQ(render("\n\n{{ m.a.b }}", {{"m", Json::object()}}),
            "error: line 3: 'dict object' has no attribute 'a'");
}

TEST(Chat_Language, names_the_line_of_an_error_inside_of_a_macro) {
  EXPECT_EQ(render("{% macro m() %}\n{{ 1 / 0 }}{% endmacro %}\n\n{{ m() }}"),
            "error: line 2: division by zero");
}

TEST(Chat_Language, hides_what_changes_lists_and_what_python_hides) {
  EXPECT_THAT(render("{{ [1].append(2) }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(render("{{ ''.__class__.__mro__ }}"), HasSubstr("has no attribute '__class__'"));
}

TEST(Chat_Language, names_what_it_does_not_support) {
  EXPECT_THAT(render("{{ 'x' | urlize }}"), HasSubstr("there is no filter 'urlize'"));
  EXPECT_THAT(render("{{ 1 is prime }}"), HasSubstr("there is no test 'prime'"));
  EXPECT_THAT(render("{% include 'other' %}"), HasSubstr("'{% include %}' is not supported"));
  EXPECT_THAT(render("{% for x in [] recursive %}{% endfor %}"), HasSubstr("recursive loops"));
  EXPECT_THAT(render("{{ 'x'.encode('utf-8') }}"), HasSubstr("is not supported"));
  EXPECT_THAT(render("{{ 9223372036854775808 }}"), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(render("{{ 9223372036854775807 + 1 }}"), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(render("{{ range }}"), HasSubstr("cannot be printed"));
  EXPECT_THAT(render("{{ [1] | map('string') }}"), HasSubstr("a generator cannot be printed"));
  EXPECT_THAT(render("{{ '{:>8}'.format(1) }}"), HasSubstr("inside of '{...}'"));
}

TEST(Chat_Language, refuses_variables_that_are_no_object_or_no_text) {
  EXPECT_THAT(render("x", Json::array()), HasSubstr("are an object"));
  EXPECT_THAT(render("x", {{"a", "\xff"}}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(render("x", {{"a", UINT64_MAX}}), HasSubstr("beyond 64 bits"));
}

TEST(Chat_Language, keeps_loops_and_namespaces_usable_behind_their_block) {
  EXPECT_EQ(render("{% set n = namespace() %}{% for x in [1, 2, 3] if x != 2 %}"
                   "{% set n.l = loop %}{% break %}{% endfor %}{{ n.l.last }}{{ n.l.index }}"),
            "True1");
  EXPECT_EQ(render("{% set n = namespace() %}{% set n.self = [n] %}{{ n.self == n.self }}"),
            "True");
}

}  // namespace
}  // namespace ridgeline::native
