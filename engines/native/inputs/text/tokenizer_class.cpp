// Tables of models/auto/tokenization_auto.py, as far as the supported classes need them.
#include "engines/native/inputs/text/tokenizer_class.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engines/native/inputs/text/unicode.hpp"

namespace ridgeline::native {
namespace {

using Kind = TokenizerKind;

constexpr TokenizerClass kFileClass = {"TokenizersBackend", Kind::kFile};
constexpr TokenizerClass kClasses[] = {
    {"BertTokenizer", Kind::kBert, true},          {"ElectraTokenizer", Kind::kBert, true},
    {"LayoutLMTokenizer", Kind::kBert, true},      {"LxmertTokenizer", Kind::kBert, true},
    {"MobileBertTokenizer", Kind::kBert, true},    {"SqueezeBertTokenizer", Kind::kBert, true},
    {"ConvBertTokenizer", Kind::kBertFile, true},  {"DistilBertTokenizer", Kind::kBert, false},
    {"LlamaTokenizer", Kind::kLlama, false, true}, {"GPT2Tokenizer", Kind::kGpt2},
    {"WhisperTokenizer", Kind::kWhisper},          {"CLIPTokenizer", Kind::kClip},
    {"PreTrainedTokenizer", Kind::kFile},          kFileClass,
};

// The model types whose class is BertTokenizer.
constexpr std::string_view kBertTypes[] = {"align",
                                           "bark",
                                           "bert",
                                           "blip",
                                           "bros",
                                           "chinese_clip",
                                           "convbert",
                                           "distilbert",
                                           "electra",
                                           "ernie",
                                           "flava",
                                           "git",
                                           "layoutlm",
                                           "grounding-dino",
                                           "megatron-bert",
                                           "mobilebert",
                                           "nezha",
                                           "nomic_bert",
                                           "mm-grounding-dino",
                                           "qdqbert",
                                           "realm",
                                           "retribert",
                                           "squeezebert",
                                           "tvp",
                                           "vilt",
                                           "visual_bert"};
constexpr std::string_view kGpt2Types[] = {
    "blip-2",       "codegen",           "dbrx",  "emu3",
    "gpt2",         "gpt_neo",           "gptj",  "hyperclovax_vision_v2",
    "instructblip", "instructblipvideo", "jais2", "opt",
    "phi",          "starcoder2"};
constexpr std::string_view kClipTypes[] = {"aimv2",       "clip",       "clipseg", "groupvit",
                                           "omdet-turbo", "oneformer",  "owlv2",   "owlvit",
                                           "sam3",        "sam3_video", "xclip"};
constexpr std::string_view kLlamaTypes[] = {"idefics", "idefics2"};

// The model types that are loaded with TokenizersBackend whatever class their files name. (Those of
// Mistral are when mistral_common is not installed.)
constexpr std::string_view kFileTypes[] = {"EvollaModel",
                                           "arctic",
                                           "aria",
                                           "beam",
                                           "bigbird_pegasus",
                                           "camembertv2-base",
                                           "canary",
                                           "chatlm",
                                           "cohere_asr",
                                           "ernie4_5",
                                           "ernie4_5_moe",
                                           "flex_olmo",
                                           "fuyu",
                                           "glm",
                                           "glm4",
                                           "glm4_moe",
                                           "glm4_moe_lite",
                                           "glm4v",
                                           "glm4v_moe",
                                           "glm_image",
                                           "glmasr",
                                           "got_ocr2",
                                           "gpt_bigcode",
                                           "gradium_phonon_tts",
                                           "granite",
                                           "granitemoe",
                                           "granitemoehybrid",
                                           "granitemoeshared",
                                           "h2ovl_chat",
                                           "hyperclovax",
                                           "hyperclovax_vlm",
                                           "internlm2",
                                           "internlm3",
                                           "iquestcoder",
                                           "jamba",
                                           "kimi_k25",
                                           "kimi_linear",
                                           "kosmos-2",
                                           "llava",
                                           "llava_next",
                                           "mimo_v2_flash",
                                           "minicpm3",
                                           "minicpm_ocr",
                                           "minicpmv",
                                           "minicpmv4_6",
                                           "minicpmv4_7",
                                           "minimax_m2",
                                           "ministral",
                                           "ministral3",
                                           "mistral",
                                           "mistral3",
                                           "mistral_large4",
                                           "mixtral",
                                           "modernbert",
                                           "modernbert-decoder",
                                           "molmo",
                                           "molmo2",
                                           "nemo_speechlm",
                                           "nemotron",
                                           "nvfp4",
                                           "nystromformer",
                                           "olmo2",
                                           "olmo3",
                                           "olmo_hybrid",
                                           "opencua",
                                           "openvla",
                                           "paddleocr_vl",
                                           "pegasus_x",
                                           "persimmon",
                                           "phi3",
                                           "phi3_v",
                                           "phimoe",
                                           "pix2struct",
                                           "pixtral",
                                           "pocket_tts",
                                           "smolvlm",
                                           "stablelm",
                                           "step3_vl",
                                           "umt5",
                                           "vipllava",
                                           "voxtral",
                                           "voxtral_realtime",
                                           "xlm-roberta-xl"};

// The model types that are loaded with a class of their own, whatever class their files name.
struct ForcedClass {
  std::string_view model_type;
  std::string_view name;
};
constexpr ForcedClass kForced[] = {{"hyperclovax_vision_v2", "GPT2Tokenizer"},
                                   {"qwen2", "Qwen2Tokenizer"},
                                   {"qwen3_5", "Qwen3_5Tokenizer"},
                                   {"qwen3_5_moe", "Qwen3_5Tokenizer"},
                                   {"qwen3_5_moe_text", "Qwen3_5Tokenizer"},
                                   {"qwen4_exp", "Qwen3_5Tokenizer"},
                                   {"siglip2", "Siglip2Tokenizer"}};

// Model types without a class of tokenizers: transformers takes TokenizersBackend for these.
constexpr std::string_view kUnlistedTypes[] = {"llama", "clip_text_model"};

template <std::size_t N>
bool contains(const std::string_view (&list)[N], std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

std::string_view without_fast(std::string_view name) {
  if (name.ends_with("Fast")) name.remove_suffix(4);
  return name;
}

// The class of a model type when the files name none; empty when that is not known here.
std::string_view default_class(std::string_view model_type) {
  if (contains(kBertTypes, model_type)) return "BertTokenizer";
  if (contains(kGpt2Types, model_type)) return "GPT2Tokenizer";
  if (contains(kClipTypes, model_type)) return "CLIPTokenizer";
  if (contains(kLlamaTypes, model_type)) return "LlamaTokenizer";
  if (model_type == "whisper") return "WhisperTokenizer";
  if (contains(kFileTypes, model_type) || contains(kUnlistedTypes, model_type)) {
    return kFileClass.name;
  }
  return {};
}

// The class that a declared one becomes.
std::string_view effective_class(std::string_view declared, std::string_view model_type,
                                 const TokenizerFile* file) {
  for (const ForcedClass& forced : kForced) {
    if (forced.model_type == model_type) return forced.name;
  }
  if (contains(kFileTypes, model_type)) return kFileClass.name;
  // Llama 3 and its like: the class would put another pre-tokenizer in place of the file's.
  const bool is_byte_level = file != nullptr && file->mentions_byte_level;
  return declared == "LlamaTokenizer" && is_byte_level ? kFileClass.name : declared;
}

}  // namespace

Result<TokenizerClass> choose_tokenizer_class(const std::string& folder,
                                              const TokenizerFile& settings,
                                              const TokenizerFile& model,
                                              const TokenizerFile* file) {
  RIDGELINE_TRY(std::string declared,
                get_string(*settings.root, "tokenizer_class", settings.path, ""));
  if (declared.empty()) {
    RIDGELINE_TRY(declared, get_string(*model.root, "tokenizer_class", model.path, ""));
  }
  RIDGELINE_TRY(const std::string model_type,
                get_string(*model.root, "model_type", model.path, ""));
  std::string_view name;
  if (!declared.empty()) {
    name = effective_class(without_fast(declared), model_type, file);
  } else if (model_type.empty()) {
    name = file != nullptr ? kFileClass.name : "BertTokenizer";
  } else {
    name = default_class(model_type);
    if (name.empty()) {
      return unsupported(
          fmt::format("{}: the tokenizer of '{}' is not supported", folder, excerpt(model_type)));
    }
  }
  for (const TokenizerClass& entry : kClasses) {
    if (entry.name == name) return entry;
  }
  return unsupported(
      fmt::format("{}: the tokenizer class '{}' is not supported", folder, excerpt(name)));
}

}  // namespace ridgeline::native
