// Static pictures: points where they were measured, escaped texts, room for names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/svg_bars.hpp"
#include "report/svg_canvas.hpp"
#include "report/svg_roofline.hpp"
#include "report/svg_roofline_data.hpp"
#include "support/approved.hpp"
#include "support/report_fixture.hpp"

namespace ridgeline::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

Json metric(double value) {
  return {{"value", value}, {"unit", "x"}, {"source", "timed"}};
}

Json one_case(const std::string& label, double intensity, double rate) {
  const Json metrics = {{"latency", metric(0.002)},
                        {"arithmetic_intensity", metric(intensity)},
                        {"flops_rate", metric(rate)},
                        {"ceiling.flops_rate", metric(800e12)},
                        {"ceiling.bytes_rate", metric(4.6e12)},
                        {"datasheet.flops_rate", metric(989e12)},
                        {"datasheet.bytes_rate", metric(4.8e12)},
                        {"energy_per_token.gross", metric(0.25)}};
  return {
      {"label", label},
      {"record",
       {{"configuration", {{"dtype", "bfloat16"}, {"device", "cuda:0"}}},
        {"phases", Json::array({{{"name", "decode"}, {"unit", "token"}, {"metrics", metrics}}})}}}};
}

Json payload_of(const std::vector<Json>& cases) {
  return {{"title", "llama on H200"}, {"cases", cases}};
}

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t times = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++times;
  return times;
}

TEST(Svg_Text, is_fit_for_xml) {
  EXPECT_EQ(xml_text("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(xml_text("x\x01y\nz"), "x?y?z");
  EXPECT_EQ(xml_text("\xEF\xBF\xBF"), "?");
  EXPECT_EQ(xml_text("\xFF"), "\xEF\xBF\xBD");
}

TEST(Svg_Text, is_cut_to_its_room) {
  EXPECT_EQ(svg_cut("short", 200, 12), "short");
  const std::string shorter = svg_cut(std::string(500, 'm'), 200, 12);
  EXPECT_LE(svg_text_width(shorter, 12), 200);
  EXPECT_THAT(shorter, HasSubstr("…"));
}

TEST(Svg_Roofline, has_one_roof_for_each_distinct_pair_of_ceilings) {
  Json other = one_case("c", 1, 1e12);
  other["record"]["phases"][0]["metrics"]["ceiling.flops_rate"] = metric(400e12);
  const RooflineData data =
      roofline_data(payload_of({one_case("a", 1, 3e12), one_case("b", 500, 5e14), other}));
  EXPECT_THAT(data.points, SizeIs(3));
  EXPECT_THAT(data.roofs, SizeIs(3));
  EXPECT_NEAR(data.roofs[0].ridge(), 800e12 / 4.6e12, 1e-6);
  EXPECT_DOUBLE_EQ(data.roofs[0].at(1), 4.6e12);
  EXPECT_DOUBLE_EQ(data.roofs[0].at(1e6), 800e12);
}

// From the axes' own ticks: a point's height says its rate.
TEST(Svg_Roofline, draws_a_point_where_it_was_measured) {
  const std::string svg = roofline_svg(payload_of({one_case("a", 10, 1e12)}));
  // Ticks of the decades around it, by their texts.
  const auto y_of = [&](const std::string& tick) {
    const std::size_t end = svg.find(">" + tick + "<");
    const std::size_t at = svg.rfind("y=\"", end);
    return std::stod(svg.substr(at + 3)) - 4;
  };
  const std::size_t mark = svg.find("<circle");
  const double y = std::stod(svg.substr(svg.find("cy=\"", mark) + 4));
  EXPECT_NEAR(y, y_of("1 T"), 0.02);
  EXPECT_LT(y_of("10 T"), y);
}

TEST(Svg_Roofline, draws_a_point_above_a_roof_above_it) {
  const auto height = [](double rate) {
    const std::string svg = roofline_svg(payload_of({one_case("a", 1, rate)}));
    return std::stod(svg.substr(svg.find("cy=\"", svg.find("<circle")) + 4));
  };
  EXPECT_LT(height(9e12), height(4.6e12));
}

TEST(Svg_Roofline, names_few_points_and_numbers_many) {
  EXPECT_THAT(roofline_svg(payload_of({one_case("alpha", 1, 3e12)})),
              HasSubstr(">alpha · decode</text>"));
  std::vector<Json> many;
  for (int i = 0; i < 12; ++i) many.push_back(one_case(fmt::format("case{}", i), 1 + i, 1e12));
  const std::string svg = roofline_svg(payload_of(many));
  EXPECT_THAT(svg, HasSubstr(">12  case11 · decode: 1.000 TFLOP/s</text>"));
  for (int i = 0; i < 100; ++i) many.push_back(one_case("more", 1, 1e12));
  EXPECT_LT(roofline_svg(payload_of(many)).size(), 200'000u);
}

TEST(Svg_Roofline, takes_any_numbers) {
  for (const double value : {1e-300, 1e300, 1.0}) {
    const std::string svg = roofline_svg(payload_of({one_case("a", value, 1e12 * value)}));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_LT(svg.size(), 200'000u);
  }
  EXPECT_THAT(roofline_svg(Json()), HasSubstr("No phase has a FLOP rate"));
}

TEST(Svg_Bars, have_a_panel_for_latency_and_one_for_energy) {
  const std::string svg = bars_svg(payload_of({one_case("a", 1, 1), one_case("b", 1, 1)}));
  EXPECT_THAT(svg, HasSubstr(">decode: latency</text>"));
  EXPECT_THAT(svg, HasSubstr(">decode: energy per token</text>"));
  EXPECT_EQ(count(svg, ">250.0 mJ</text>"), 2u);
}

TEST(Svg_Bars, say_what_was_not_measured) {
  EXPECT_THAT(bars_svg(Json()), HasSubstr("No latency was measured"));
  EXPECT_THAT(bars_svg(test::mixed_payload()), HasSubstr("Energy was not measured: no RAPL"));
}

TEST(Svg, lets_no_markup_of_data_through) {
  Json payload = payload_of({one_case("</text><script>x</script>\"'&", 1, 3e12)});
  payload["title"] = "<script>";
  for (const std::string& svg : {roofline_svg(payload), bars_svg(payload)}) {
    EXPECT_THAT(svg, Not(HasSubstr("<script")));
    EXPECT_THAT(svg, HasSubstr("<!-- ridgeline-report/1 -->"));
  }
}

TEST(Svg, is_as_approved) {
  test::expect_approved("report_bars.svg", bars_svg(test::mixed_payload()));
  test::expect_approved(
      "report_roofline.svg",
      roofline_svg(payload_of({one_case("llama 1×512", 1, 3.9e12), one_case("llama 8×512", 8, 2e13),
                               one_case("llama 64×512", 400, 5e14)})));
}

}  // namespace
}  // namespace ridgeline::report
