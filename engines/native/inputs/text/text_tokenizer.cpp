// Encoding: texts to ids, truncation, special tokens, padding.
#include "engines/native/inputs/text/text_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engines/native/inputs/text/pipeline.hpp"
#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Ids = std::vector<std::int64_t>;

// Padded batches above this (3 GiB in three tensors) are an error and not a crash.
constexpr std::size_t kMaxElements = 1u << 27;

/// Encodes texts one after the other and keeps its buffers.
class Encoder {
 public:
  explicit Encoder(const TextTokenizer::Pipeline& pipeline) : pipeline_(pipeline) {}

  /// The ids of `text` without special tokens; may stop once there are more than `enough`.
  Status encode(std::string_view text, std::size_t enough, Ids& ids) {
    pieces_.clear();
    pipeline_.added.split(text, false, pieces_);
    for (const AddedVocabulary::Piece& piece : pieces_) {
      if (ids.size() > enough) return {};
      if (piece.id) {
        ids.push_back(*piece.id);
      } else {
        const bool at_start = piece.text.data() == text.data();
        RIDGELINE_CHECK(encode_piece({piece.text, at_start}, enough, ids));
      }
    }
    return {};
  }

 private:
  Status encode_piece(const Word& piece, std::size_t enough, Ids& ids) {
    std::string_view normalized = piece.text;
    if (pipeline_.normalizer != nullptr) {
      normalized_.clear();
      RIDGELINE_CHECK(pipeline_.normalizer->normalize(piece.text, normalized_));
      normalized = normalized_;
    }
    inner_pieces_.clear();
    pipeline_.added.split(normalized, true, inner_pieces_);
    for (const AddedVocabulary::Piece& inner : inner_pieces_) {
      if (inner.id) {
        ids.push_back(*inner.id);
        continue;
      }
      const bool at_start = piece.at_start && inner.text.data() == normalized.data();
      RIDGELINE_CHECK(encode_words({inner.text, at_start}, enough, ids));
    }
    return {};
  }

  Status encode_words(const Word& text, std::size_t enough, Ids& ids) {
    words_.clear();
    if (pipeline_.pre_tokenizer != nullptr) {
      RIDGELINE_CHECK(pipeline_.pre_tokenizer->split(text, words_));
    } else {
      words_.words.push_back(text);
    }
    for (const Word& word : words_.words) {
      if (ids.size() > enough) return {};
      RIDGELINE_CHECK(pipeline_.model->tokenize(word.text, ids));
    }
    return {};
  }

  const TextTokenizer::Pipeline& pipeline_;
  std::vector<AddedVocabulary::Piece> pieces_;
  std::vector<AddedVocabulary::Piece> inner_pieces_;
  WordList words_;
  std::string normalized_;
};

void keep(Ids& ids, std::size_t count, bool truncate_left) {
  if (ids.size() <= count) return;
  if (truncate_left) {
    ids.erase(ids.begin(), ids.end() - static_cast<std::ptrdiff_t>(count));
  } else {
    ids.resize(count);
  }
}

// "longest_first" of the tokenizers library: the longer one gives way until both are equal.
void truncate_pair(Ids& first, Ids& second, std::size_t limit, bool truncate_left) {
  if (first.size() + second.size() <= limit) return;
  const bool swapped = first.size() > second.size();
  std::size_t shorter = std::min(first.size(), second.size());
  std::size_t longer = shorter > limit ? shorter : std::max(shorter, limit - shorter);
  if (shorter + longer > limit) {
    shorter = limit / 2;
    longer = shorter + limit % 2;
  }
  keep(first, swapped ? longer : shorter, truncate_left);
  keep(second, swapped ? shorter : longer, truncate_left);
}

struct Row {
  Ids ids;
  Ids type_ids;
};

// Copies a row into the batch and fills what is left of it.
void place(const Row& row, std::int64_t pad_id, bool pad_left, TokenizedBatch& batch) {
  const auto width = static_cast<std::size_t>(batch.sequence);
  const std::size_t padding = width - row.ids.size();
  const auto append = [&](Ids& out, const Ids& values, std::int64_t fill) {
    if (pad_left) out.insert(out.end(), padding, fill);
    out.insert(out.end(), values.begin(), values.end());
    if (!pad_left) out.insert(out.end(), padding, fill);
  };
  append(batch.input_ids, row.ids, pad_id);
  append(batch.attention_mask, Ids(row.ids.size(), 1), 0);
  append(batch.token_type_ids, row.type_ids, 0);
}

Result<Row> encode_row(Encoder& encoder, const TextTokenizer::Pipeline& pipeline,
                       bool add_special_tokens, std::string_view text, const std::string* pair) {
  std::size_t limit = std::numeric_limits<std::size_t>::max();
  if (pipeline.max_length) {
    limit = static_cast<std::size_t>(*pipeline.max_length);
    if (add_special_tokens) limit -= pipeline.post_processor.added(pair != nullptr);
  }
  // Of a pair that shares an odd number of places, the longer one gets the odd one: then the whole
  // lengths count.
  const bool counts_all = pipeline.truncate_left || (pair != nullptr && limit % 2 == 1);
  const std::size_t enough = counts_all ? std::numeric_limits<std::size_t>::max() : limit;
  Ids first;
  Ids second;
  RIDGELINE_CHECK(encoder.encode(text, enough, first));
  Row row;
  if (pair == nullptr) {
    keep(first, limit, pipeline.truncate_left);
    pipeline.post_processor.process(first, std::nullopt, add_special_tokens, row.ids, row.type_ids);
    return row;
  }
  RIDGELINE_CHECK(encoder.encode(*pair, enough, second));
  truncate_pair(first, second, limit, pipeline.truncate_left);
  pipeline.post_processor.process(first, std::span<const std::int64_t>(second), add_special_tokens,
                                  row.ids, row.type_ids);
  return row;
}

Status check_texts(std::span<const std::string> texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() > kMaxTextBytes) {
      return bad_input(fmt::format("text {} is longer than {} bytes", i + 1, kMaxTextBytes));
    }
    if (const auto at = invalid_utf8_at(texts[i])) {
      return bad_input(fmt::format("text {} is not valid UTF-8 at byte {}", i + 1, *at));
    }
  }
  return {};
}

}  // namespace

TextTokenizer::TextTokenizer(std::shared_ptr<const Pipeline> pipeline)
    : pipeline_(std::move(pipeline)) {}

Result<TextTokenizer> TextTokenizer::load(const std::string& folder) {
  RIDGELINE_TRY(Pipeline pipeline, load_pipeline(folder));
  return TextTokenizer(std::make_shared<const Pipeline>(std::move(pipeline)));
}

Result<TokenizedBatch> TextTokenizer::encode(std::span<const std::string> texts,
                                             std::span<const std::string> pairs) const {
  return encode(texts, pairs, {});
}

Result<TokenizedBatch> TextTokenizer::encode(std::span<const std::string> texts,
                                             std::span<const std::string> pairs,
                                             const EncodeOptions& options) const {
  if (texts.empty()) return bad_input("there are no texts to tokenize");
  if (!pairs.empty() && pairs.size() != texts.size()) {
    return bad_input(fmt::format("{} texts but {} second texts", texts.size(), pairs.size()));
  }
  const auto pad_id = pipeline_->pad_id ? pipeline_->pad_id : options.pad_fallback;
  if (texts.size() > 1 && !pad_id) {
    return bad_input("several texts need padding, and the tokenizer has no pad_token");
  }
  RIDGELINE_CHECK(check_texts(texts));
  RIDGELINE_CHECK(check_texts(pairs));

  Encoder encoder(*pipeline_);
  std::vector<Row> rows;
  std::size_t width = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    RIDGELINE_TRY(Row row, encode_row(encoder, *pipeline_, options.add_special_tokens, texts[i],
                                      pairs.empty() ? nullptr : &pairs[i]));
    width = std::max(width, row.ids.size());
    rows.push_back(std::move(row));
  }
  if (width > kMaxElements / rows.size()) {
    return Error{ErrorClass::kOomHost,
                 fmt::format("{} texts padded to {} tokens are too large", rows.size(), width),
                 "give fewer or shorter texts"};
  }
  TokenizedBatch batch;
  batch.batch = static_cast<std::int64_t>(rows.size());
  batch.sequence = static_cast<std::int64_t>(width);
  batch.has_attention_mask = pipeline_->attention_mask;
  batch.has_token_type_ids = pipeline_->token_type_ids;
  for (Ids* tensor : {&batch.input_ids, &batch.attention_mask, &batch.token_type_ids}) {
    tensor->reserve(rows.size() * width);
  }
  for (const Row& row : rows) place(row, pad_id.value_or(0), pipeline_->pad_left, batch);
  return batch;
}

std::optional<std::int64_t> TextTokenizer::token_id(std::string_view token) const {
  return pipeline_->added.id_of(token, *pipeline_->model);
}
std::int64_t TextTokenizer::vocab_size() const {
  return pipeline_->vocab_size;
}
std::int64_t TextTokenizer::id_limit() const {
  return pipeline_->id_limit;
}
std::optional<std::int64_t> TextTokenizer::pad_id() const {
  return pipeline_->pad_id;
}
std::optional<std::int64_t> TextTokenizer::model_max_length() const {
  return pipeline_->max_length;
}
const std::vector<std::int64_t>& TextTokenizer::special_ids() const {
  return pipeline_->special_ids;
}

}  // namespace ridgeline::native
