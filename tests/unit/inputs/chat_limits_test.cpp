// Hostile chat templates: every one ends soon with one clear error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engines/native/inputs/chat/chat.hpp"
#include "engines/native/inputs/chat/limits.hpp"

namespace ridgeline::native {
namespace {

using ::testing::HasSubstr;

std::string repeated(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

std::string render(std::string_view source) {
  const auto text = render_template(source, Json::object());
  return text ? *text : "error: " + text.error().line();
}

std::string nested(std::string_view open, std::string_view inside, std::string_view close,
                   int times) {
  std::string out = repeated(open, times);
  out += inside;
  return out + repeated(close, times);
}

TEST(Chat_Limits, nesting_is_bounded_in_the_text) {
  constexpr int kDeep = 20000;
  for (const std::string& hostile :
       {nested("(", "1", ")", kDeep), nested("[", "1", "]", kDeep), nested("-", "1", "", kDeep),
        nested("not ", "1", "", kDeep), nested("", "1", "+1", kDeep), nested("", "a", ".b", kDeep),
        nested("", "a", "|trim", kDeep), nested("1 if 0 else ", "1", "", kDeep)}) {
    EXPECT_THAT(render("{{ " + hostile + " }}"), HasSubstr("too deep"));
  }
  EXPECT_THAT(render(nested("{% if 1 %}", "", "{% endif %}", kDeep)), HasSubstr("too deep"));
  EXPECT_THAT(render("{% set " + nested("(", "a", ")", kDeep) + " = 1 %}"), HasSubstr("too deep"));
}

TEST(Chat_Limits, what_real_templates_nest_is_far_inside) {
  constexpr int kUsual = 40;
  EXPECT_EQ(render(nested("{% if 1 %}", "{{ " + nested("(", "1", ")", kUsual) + " }}",
                          "{% endif %}", kUsual)),
            "1");
  EXPECT_EQ(render("{% macro f(n) %}{{ f(n - 1) if n }}{% endmacro %}x{{ f(60) }}"), "x");
}

TEST(Chat_Limits, recursion_is_bounded) {
  for (const char* hostile :
       {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% if 1 %}{{ ((1 + f() | length)) }}{% endif %}{% endmacro %}{{ f() }}",
        "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}"}) {
    EXPECT_THAT(render(hostile), HasSubstr("recurses too deeply"));
  }
}

TEST(Chat_Limits, values_do_not_nest_without_bound) {
  EXPECT_THAT(render("{% set n = namespace(x=1) %}{% for i in range(1000) %}"
                     "{% set n.x = [n.x] %}{% endfor %}"),
              HasSubstr("nests lists or dicts too deeply"));
}

TEST(Chat_Limits, memory_and_time_are_bounded) {
  for (const char* hostile :
       {"{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}"
        "{% endfor %}",
        "{% set x = 'a' * 9000000000000 %}", "{% set x = [1] * 9000000000000 %}",
        "{% set x = 'a' * 9000 %}{% set x = x.replace('a', x * 9) %}{{ x.replace('a', x) }}"}) {
    EXPECT_THAT(render(hostile), HasSubstr("too much text or runs too long")) << hostile;
  }
  EXPECT_THAT(render("{% set x = 'a' * 40000000 %}{{ x }}{{ x }}"), HasSubstr("makes more than"));
}

TEST(Chat_Limits, numbers_that_make_text_are_bounded) {
  for (const char* hostile :
       {"{{ 'a' | center(1000000000) }}", "{{ 'a'.ljust(1000000000) }}", "{{ '1'.zfill(99999) }}",
        "{{ 'a' | indent(1000000000) }}", "{{ [1] | tojson(indent=1000000000) }}",
        "{{ '%1000000000d' % 1 }}", "{{ '%.1000000000f' % 1 }}", "{{ '%*d' % (1000000000, 1) }}",
        "{{ strftime_now('%1000000000d') }}", "{{ range(1000000000) }}",
        "{{ [1] | batch(1000000000, 0) | list }}", "{{ 10 ** 1000000000 }}"}) {
    EXPECT_THAT(render(hostile), HasSubstr("error: line 1: ")) << hostile;
  }
}

TEST(Chat_Limits, the_size_of_a_template_is_bounded) {
  EXPECT_THAT(render(std::string(jinja::kMaxTemplateBytes + 1, 'a')), HasSubstr("is larger than"));
}

}  // namespace
}  // namespace ridgeline::native
