// Row by row to the first difference.
#include "study/token_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_values.hpp"

namespace ridgeline::study {
namespace {

struct Sequences {
  const TensorFile* file = nullptr;
  const TensorFile::Tensor* ids = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  std::int64_t at(std::int64_t row, std::int64_t column) const {
    return file->integer(*ids, static_cast<std::size_t>(row * columns + column));
  }
};

Result<Sequences> sequences_of(const TensorFile& file, std::string_view whose) {
  const TensorFile::Tensor* ids = file.find("sequences");
  if (ids == nullptr || ids->dtype != "I64" || ids->shape.size() != 2) {
    return Error{ErrorClass::kProtocol,
                 fmt::format("the {} engine wrote no sequences of tokens", whose)};
  }
  return Sequences{&file, ids, ids->shape[0], ids->shape[1]};
}

// |logit(a) − logit(b)| over the largest one of our step that made `column`.
std::optional<double> gap_of(const TensorFile& file, const Sequences& ours, std::int64_t row,
                             std::int64_t column, std::int64_t a, std::int64_t b) {
  const TensorFile::Tensor* logits = file.find("logits");
  if (logits == nullptr || logits->dtype != "F32" || logits->shape.size() != 3) return std::nullopt;
  const std::int64_t steps = logits->shape[1];
  const std::int64_t vocabulary = logits->shape[2];
  const std::int64_t step = column - (ours.columns - steps);
  const auto known = [&](std::int64_t token) { return token >= 0 && token < vocabulary; };
  if (logits->shape[0] != ours.rows || step < 0 || step >= steps || !known(a) || !known(b)) {
    return std::nullopt;
  }
  const auto first = static_cast<std::size_t>((row * steps + step) * vocabulary);
  const auto value = [&](std::int64_t token) {
    return static_cast<double>(file.number(*logits, first + static_cast<std::size_t>(token)));
  };
  double largest = 0;
  for (std::int64_t token = 0; token < vocabulary; ++token) {
    largest = std::max(largest, std::abs(value(token)));
  }
  const double gap = std::abs(value(a) - value(b));
  if (!std::isfinite(gap) || !std::isfinite(largest)) return std::nullopt;
  return largest > 0 ? gap / largest : 0;
}

}  // namespace

Result<TokenCheck> check_tokens(const TensorFile& ours, const TensorFile& theirs,
                                std::int64_t prompt, double swap) {
  RIDGELINE_TRY(const Sequences a, sequences_of(ours, "native"));
  RIDGELINE_TRY(const Sequences b, sequences_of(theirs, "other"));
  if (a.rows != b.rows) {
    return Error{ErrorClass::kProtocol, fmt::format("{} rows of tokens and {}", a.rows, b.rows)};
  }
  TokenCheck check;
  const std::int64_t columns = std::min(a.columns, b.columns);
  check.tokens = a.rows * std::max<std::int64_t>(columns - prompt, 0);
  for (std::int64_t row = 0; row < a.rows; ++row) {
    std::int64_t column = 0;
    while (column < columns && a.at(row, column) == b.at(row, column)) ++column;
    check.equal += std::max<std::int64_t>(column - prompt, 0);
    if (column == columns) continue;
    Divergence one{row, column - prompt + 1, a.at(row, column), b.at(row, column), {}, false};
    one.gap = gap_of(ours, a, row, column, one.ours, one.theirs);
    one.is_rounding = one.token > 0 && one.gap && *one.gap <= swap;
    if (!one.is_rounding && check.reason.empty()) {
      check.reason =
          fmt::format("row {} parts at new token {}, and not by rounding", row, one.token);
    }
    check.divergences.push_back(one);
  }
  if (check.divergences.empty() && a.columns != b.columns) {
    check.reason = fmt::format("{} columns of tokens and {}", a.columns, b.columns);
  }
  if (check.tokens == 0 && check.reason.empty()) check.reason = "no token was generated";
  return check;
}

Json to_json(const TokenCheck& check) {
  Json divergences = Json::array();
  for (const Divergence& one : check.divergences) {
    divergences.push_back({{"row", one.row},
                           {"token", one.token},
                           {"ours", one.ours},
                           {"theirs", one.theirs},
                           {"gap", or_null(one.gap)},
                           {"is_rounding", one.is_rounding}});
  }
  return {{"tokens", check.tokens},
          {"equal", check.equal},
          {"divergences", std::move(divergences)},
          {"passed", check.passed()},
          {"reason", text_or_null(check.reason)}};
}

}  // namespace ridgeline::study
