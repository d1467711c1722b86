"""Tokenizer folders with byte-pair encodings, as hub files look and as save_pretrained writes them.

`build_folders(root)` trains small vocabularies with the `tokenizers` library and writes model
folders without weights. Texts are those of tokenizer_cases and `texts()` here. Nothing here runs
Ridgeline.
"""

import json
import random
import shutil
from pathlib import Path

import tokenizer_cases
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from tokenizers.models import BPE
from transformers import AutoTokenizer
from transformers.models.whisper.tokenization_whisper import LANGUAGES

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def corpus():
    """Text to learn merges from: words in many scripts, numbers, contractions, code."""
    chance = random.Random(3)
    words = tokenizer_cases.WORDS + tokenizer_cases.PIECES
    words += "I'm you're it's they'll we'd don't 2024 3.14 12345 foo_bar() x=y+z; \t {}".split(" ")
    ends = ["", "", ",", ".", "s", "\n"]
    return [
        " ".join(chance.choice(words) + chance.choice(ends) for _ in range(50)) for _ in range(200)
    ] + tokenizer_cases.random_texts(200, seed=4)


def texts():
    """What only byte-pair encodings and their regular expressions care about."""
    return [
        "I'm you'RE it'S they'Ll we'd don'T 'ſ 'K",
        "12345678 1 12 123 1234 ½²³ ٣٤٥ Ⅷ Ⓐ",
        "  two   three    four \n\n\n five\r\n six \t\n",
        "trailing   ",
        "\n\n  leading",
        "x\u180ey \u180e\u180e z",
        "▁ ▁▁a▁b ▁<s>▁",
        "<s> a</s>b <unk><s>",
        "<|begin_of_text|>a <|eot_id|> b<|end_of_text|>",
        "<|startoftext|>a photo<|endoftext|> of A CAT!!! 'S 's",
        "<|startoftranscript|><|en|><|transcribe|> Hi<|0.00|> there<|1.50|><|endoftext|>",
        "<0x41><0xE4>é<0x0A>",
        "def f(x):\n    return x*2  # twice\n\n\n",
        "https://example.com/a?b=c&d=%20#e",
        "a</w>b </w>",
        "\U00031350\U0002ebf0 \U00011f02\U0001e4d0 \ua7dc\u1c89 \U00016d40 \U00011f50\U0001e5f1",
        "aB\u01c5 \u02b0\u0301\u0903\u0488 ª º ﹍ ﹏ ‿",
        "ab" * 700,
        "🙂" * 300,
        " " * 700 + "x" + "\n" * 700,
        "'s" * 100 + "'" * 50,
    ]


def _write(folder, name, value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    (folder / name).write_text(text, encoding="utf-8")


def _folder(root, name, tokenizer, config, model_type, special_tokens_map=None):
    folder = Path(root) / name
    folder.mkdir(parents=True)
    if tokenizer is not None:
        tree = tokenizer if isinstance(tokenizer, dict) else json.loads(tokenizer.to_str())
        _write(folder, "tokenizer.json", tree)
    if config is not None:
        _write(folder, "tokenizer_config.json", config)
    _write(folder, "config.json", {"model_type": model_type})
    if special_tokens_map is not None:
        _write(folder, "special_tokens_map.json", special_tokens_map)
    return folder


def _saved(root, name, source):
    """What transformers writes of a folder today, with the model's configuration."""
    folder = Path(root) / name
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    shutil.copy(source / "config.json", folder)
    return folder


def _train(tokenizer, size=1500, **options):
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, **options)
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def _byte_level(pre_tokenizer, size=1500, **model):
    tokenizer = Tokenizer(BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return _train(tokenizer, size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())


def _split(regex, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(regex), behavior, invert)


def _bytes_of(split):
    return pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )


def _llama3(root):
    tokenizer = _byte_level(_bytes_of(_split(LLAMA3)))
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", "<|finetune_right_pad_id|>"]
    tokenizer.add_special_tokens([AddedToken(s, normalized=False) for s in specials])
    bos = tokenizer.token_to_id(specials[0])
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single=f"{specials[0]} $A",
                pair=f"{specials[0]} $A {specials[0]}:1 $B:1",
                special_tokens=[(specials[0], bos)],
            ),
        ]
    )
    tree = json.loads(tokenizer.to_str())
    tree["model"]["ignore_merges"] = True
    # A token that no merge makes: only ignore_merges finds it.
    tree["model"]["vocab"]["ĠenergyĠ"] = tree["model"]["vocab"].pop(
        max(tree["model"]["vocab"], key=len)
    )
    vocabulary = tree["model"]["vocab"]
    tree["model"]["merges"] = [
        m for m in tree["model"]["merges"] if {*m, "".join(m)} <= set(vocabulary)
    ]
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": specials[0],
        "eos_token": specials[1],
        "clean_up_tokenization_spaces": True,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 131072,
        "added_tokens_decoder": {
            str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tree["added_tokens"]
        },
    }
    hub = _folder(root, "llama3_hub", tree, config, "llama")
    yield hub
    padded = {**config, "pad_token": specials[3], "padding_side": "left", "model_max_length": 40}
    yield _folder(root, "llama3_padded", tree, padded, "llama")
    # Such files often name the class of Llama 2; the pipeline of the file must count all the same.
    named = {**config, "tokenizer_class": "LlamaTokenizer", "pad_token": specials[1]}
    yield _folder(root, "llama3_named_llama", tree, named, "llama")
    yield _saved(root, "llama3_saved", root / "llama3_padded")


def _llama2_tokenizer():
    """BPE with byte fallback over text whose blanks are ▁, as Llama 2's conversion wrote it."""
    tokenizer = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=True)
    specials = ["<unk>", "<s>", "</s>"]
    _train(tokenizer, 1800, special_tokens=specials + BYTES, limit_alphabet=300)
    tree = json.loads(tokenizer.to_str())
    tree["added_tokens"] = [
        {"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for i, s in enumerate(specials)
    ]  # fmt: skip
    tree["pre_tokenizer"] = None
    tree["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    }
    tree["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [
            {"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<s>", "type_id": 1}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
    }
    tree["decoder"] = {
        "type": "Sequence",
        "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ],
    }
    return tree


def _token(content, **options):
    fields = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {"__type": "AddedToken", "content": content, **fields, **options}


def _llama2(root):
    tree = _llama2_tokenizer()
    config = {
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": _token("<s>"),
        "eos_token": _token("</s>"),
        "unk_token": _token("<unk>"),
        "clean_up_tokenization_spaces": False,
        "legacy": False,
        "model_max_length": 1000000000000000019884624838656,
        "pad_token": None,
        "padding_side": "right",
        "sp_model_kwargs": {},
        "tokenizer_class": "LlamaTokenizer",
    }
    special = {
        key: {k: v for k, v in config[key].items() if k != "__type"}
        for key in ("bos_token", "eos_token", "unk_token")
    }
    yield _folder(root, "llama2_hub", tree, config, "llama", special)
    padded = {k: v for k, v in config.items() if k not in ("pad_token", "padding_side")}
    padded |= {"pad_token": "</s>", "model_max_length": 30}
    yield _folder(root, "llama2_padded", tree, padded, "llama", special)
    yield _folder(root, "llama2_legacy", tree, {**padded, "legacy": True}, "llama")
    yield _folder(root, "llama2_no_prefix", tree, {**padded, "add_prefix_space": False}, "llama")
    yield _folder(root, "llama2_eos", tree, {**padded, "add_eos_token": True}, "llama")
    fast = {**padded, "tokenizer_class": "PreTrainedTokenizerFast"}
    yield _folder(root, "llama2_file", tree, fast, "llama")
    yield _folder(root, "mistral_hub", tree, {**padded, "padding_side": "left"}, "mistral", special)
    yield _saved(root, "llama2_saved", root / "llama2_padded")
    yield _saved(root, "mistral_saved", root / "mistral_hub")
    # No template, the padding and the truncation of the file, merges as pairs, fewer byte tokens.
    pairs = json.loads(json.dumps(tree))
    pairs["post_processor"] = None
    pairs["model"]["merges"] = [line.split(" ") for line in _merge_lines(tree)]
    for byte in BYTES[0xE0:0xF0]:
        pairs["model"]["vocab"].pop(byte)
    pairs["padding"] = {"strategy": "BatchLongest", "direction": "Right", "pad_id": 2,
                        "pad_to_multiple_of": None, "pad_type_id": 0,
                        "pad_token": "</s>"}  # fmt: skip
    pairs["truncation"] = {"direction": "Left", "max_length": 9, "strategy": "LongestFirst",
                           "stride": 0}  # fmt: skip
    bare = {"tokenizer_class": "LlamaTokenizerFast", "model_max_length": 20}
    yield _folder(root, "llama2_pairs", pairs, bare, "llama")
    bare["tokenizer_class"] = "TokenizersBackend"
    yield _folder(root, "llama2_pairs_file", pairs, bare, "llama")
    for name, options in {
        "metaspace_first": {"prepend_scheme": "first", "split": False},
        "metaspace_split": {"prepend_scheme": "always", "split": True},
        "metaspace_never": {"prepend_scheme": "never"},
        "metaspace_old": {"add_prefix_space": True},
    }.items():
        metaspace = {"type": "Metaspace", "replacement": "▁", **options}
        form = {"normalizer": None, "decoder": metaspace, "pre_tokenizer": metaspace}
        yield _folder(root, name, {**tree, **form}, fast, "llama")


def _merge_lines(tree):
    return [" ".join(m) if isinstance(m, list) else m for m in tree["model"]["merges"]]


def _pair_files(folder, tree):
    """vocab.json and merges.txt of a tokenizer.json."""
    _write(folder, "vocab.json", tree["model"]["vocab"])
    _write(folder, "merges.txt", "#version: 0.2\n" + "\n".join(_merge_lines(tree)) + "\n")
    return folder


def _gpt2(root):
    tokenizer = _byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tree = json.loads(tokenizer.to_str())
    tree["model"].pop("type")  # as in the file of 2020
    tree["model"]["merges"] = _merge_lines(tree)
    end = tree["added_tokens"][0]
    tree["model"]["vocab"]["<|endoftext|>"] = end["id"]
    yield _folder(root, "gpt2_hub", tree, {"model_max_length": 64}, "gpt2")
    pad = {"pad_token": "<|endoftext|>", "errors": "replace"}
    prefix = {**pad, "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": True}
    yield _folder(root, "gpt2_prefix", tree, prefix, "gpt2")
    unknown = _token("<|endoftext|>", normalized=True)
    bos = {**pad, "add_bos_token": True, "unk_token": unknown}
    both = {**bos, "add_eos_token": True}
    yield _pair_files(_folder(root, "gpt2_pairs", None, both, "gpt2"), tree)
    yield _folder(root, "gpt2_bos_ignored", tree, bos, "gpt2")
    yield _saved(root, "gpt2_saved", root / "gpt2_prefix")


def _whisper(root):
    tokenizer = _byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False))
    names = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm"]
    names += ["startofprev", "nospeech", "notimestamps"]
    tokenizer.add_special_tokens([f"<|{name}|>" for name in names])
    stamps = [f"<|{i * 0.02:.2f}|>" for i in range(1501)]
    tokenizer.add_tokens([AddedToken(s, normalized=False) for s in stamps])
    ids = {n: tokenizer.token_to_id(f"<|{n}|>") for n in names}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftranscript|> <|notimestamps|> $A <|endoftext|>",
        pair="<|startoftranscript|> <|notimestamps|> $A $B:1 <|endoftext|>:1",
        special_tokens=[
            (f"<|{n}|>", ids[n]) for n in ("startoftranscript", "notimestamps", "endoftext")
        ],
    )
    tree = json.loads(tokenizer.to_str())
    config = {
        "tokenizer_class": "WhisperTokenizer",
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "add_prefix_space": False,
        "add_bos_token": False,
        "errors": "replace",
        "model_max_length": 448,
        "processor_class": "WhisperProcessor",
        "return_attention_mask": False,
        "added_tokens_decoder": {
            str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in tree["added_tokens"]
        },
    }
    yield _folder(root, "whisper_hub", tree, config, "whisper")
    german = {**config, "language": "German", "task": "transcribe", "model_max_length": 20}
    yield _folder(root, "whisper_german", tree, german, "whisper")
    stamped = {**config, "language": "yue", "task": "translate", "predict_timestamps": True}
    yield _folder(root, "whisper_stamps", tree, stamped, "whisper")
    yield _saved(root, "whisper_saved", root / "whisper_german")
    files = _pair_files(_folder(root, "whisper_pairs", None, config, "whisper"), tree)
    yield files
    # Here the prompt's tokens are missing altogether.
    bare = {**tree, "added_tokens": tree["added_tokens"][:1]}
    yield _folder(root, "whisper_bare", bare, {"pad_token": "<|endoftext|>"}, "whisper")


def _clip(root):
    tokenizer = Tokenizer(BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [_split(words, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _train(tokenizer, 1800, initial_alphabet=alphabet, end_of_word_suffix="</w>",
           special_tokens=[c + "</w>" for c in alphabet])  # fmt: skip
    tree = json.loads(tokenizer.to_str())
    vocab = tree["model"]["vocab"]
    bos, eos = len(vocab), len(vocab) + 1
    vocab["<|startoftext|>"], vocab["<|endoftext|>"] = bos, eos
    tree["added_tokens"] = [
        {"id": bos, "content": "<|startoftext|>", "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": True, "special": True},
        {"id": eos, "content": "<|endoftext|>", "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": True},
    ]  # fmt: skip
    tree["post_processor"] = {"type": "RobertaProcessing", "sep": ["<|endoftext|>", eos],
                              "cls": ["<|startoftext|>", bos], "trim_offsets": False,
                              "add_prefix_space": False}  # fmt: skip
    config = {
        "unk_token": _token("<|endoftext|>", normalized=True),
        "bos_token": _token("<|startoftext|>", normalized=True),
        "eos_token": _token("<|endoftext|>", normalized=True),
        "pad_token": "<|endoftext|>",
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": 77,
        "tokenizer_class": "CLIPTokenizer",
    }
    special = {k: {n: v for n, v in config[k].items() if n != "__type"}
               for k in ("bos_token", "eos_token", "unk_token")} | {"pad_token": "!"}  # fmt: skip
    yield _pair_files(_folder(root, "clip_hub", tree, config, "clip", special), tree)
    yield _folder(root, "clip_defaults", tree, None, "clip")
    yield _pair_files(_folder(root, "clip_pairs", None, {**config, "pad_token": "!"}, "clip"), tree)
    fast = {**config, "tokenizer_class": "PreTrainedTokenizerFast"}
    yield _folder(root, "clip_file", tree, fast, "clip")
    yield _saved(root, "clip_saved", root / "clip_hub")


def _file(root, name, tokenizer, model=None, **config):
    """Pieces that none of the families uses, taken from the file as they stand."""
    tree = json.loads(tokenizer.to_str())
    tree["model"].update(model or {})
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", **config}
    return _folder(root, name, tree, config, "llama")


def _pieces(root):
    level = pre_tokenizers.ByteLevel
    qwen = _byte_level(_bytes_of(_split(LLAMA3.replace("{1,3}", ""))))
    qwen.normalizer = normalizers.NFC()
    yield _file(root, "piece_qwen", qwen, padding_side="left", model_max_length=25)
    yield _file(root, "piece_tekken", _byte_level(_bytes_of(_split(TEKKEN))))
    deepseek = _byte_level(
        pre_tokenizers.Sequence(
            [
                _split(r"[\r\n]"),
                _split(r"\s?\p{L}+"),
                _split(r"\s?\p{P}+"),
                _split(r"[一-龥ࠀ-一가-퟿]+"),
                pre_tokenizers.Digits(individual_digits=True),
                level(add_prefix_space=False, use_regex=False),
            ]
        )
    )
    yield _file(root, "piece_deepseek", deepseek)
    merged = r"\p{Nd}{2}+|\w{,3}\b|\h{2}|\v|\x{1F44D}|^\p{^L}|.$"
    isolated = r"\p{Nd}{2}+|[\p{Lu}\-]|\h{2}|^a|\p{Han}+|\A\P{L}|(?<=[\s\w])(?i:e|z)"
    behaviors = "removed isolated merged_with_previous merged_with_next contiguous"
    for behavior in behaviors.split():
        regex = merged if behavior.startswith("merged") else isolated
        steps = [
            pre_tokenizers.Split("the", behavior),
            _split(regex, behavior, invert=behavior == "contiguous"),
            pre_tokenizers.Punctuation(behavior),
            pre_tokenizers.Digits(),
            level(add_prefix_space=True),
        ]
        yield _file(root, f"piece_{behavior}", _byte_level(pre_tokenizers.Sequence(steps)))
    unknown = Tokenizer(BPE(unk_token="<unk>"))
    unknown.pre_tokenizer = pre_tokenizers.Whitespace()
    unknown.decoder = decoders.BPEDecoder()
    options = dict(continuing_subword_prefix="##", end_of_word_suffix="</w>", limit_alphabet=60)
    _train(unknown, 900, special_tokens=["<unk>", "<pad>"], **options)
    affixes = {"continuing_subword_prefix": "##", "end_of_word_suffix": "</w>"}
    yield _file(root, "piece_unknown", unknown, affixes, clean_up_tokenization_spaces=True)
    yield _file(root, "piece_fused", unknown, {**affixes, "fuse_unk": True})
    yield _file(root, "piece_dropped", unknown, {**affixes, "unk_token": None})
    plain = Tokenizer(BPE(unk_token="<unk>"))
    plain.normalizer = normalizers.Sequence(
        [normalizers.Strip(), normalizers.Replace(Regex(r"\d+"), "#"), normalizers.Prepend("_"),
         normalizers.Replace("e", ""), normalizers.NFKC(), normalizers.ByteLevel()]
    )  # fmt: skip
    steps = [decoders.Replace(Regex("Ġ+"), " "), decoders.Strip("_", 2, 0)]
    plain.decoder = decoders.Sequence(steps)
    plain.post_processor = processors.RobertaProcessing(("<unk>", 0), ("<pad>", 1))
    _train(plain, 900, special_tokens=["<unk>", "<pad>"])
    yield _file(root, "piece_normalizers", plain, {"byte_fallback": True})


def changed(folder, copy, change):
    """A copy of a folder with its tokenizer.json changed in place by `change`."""
    shutil.copytree(folder, copy)
    tree = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))
    change(tree)
    _write(copy, "tokenizer.json", tree)
    return copy


def without_limit(folder, copy):
    """A copy of a folder that truncates no text."""
    shutil.copytree(folder, copy)
    path = copy / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    _write(copy, path.name, {k: v for k, v in config.items() if k != "model_max_length"})
    return copy


def build_folders(root):
    """{name: folder}."""
    root = Path(root)
    families = (_llama3, _llama2, _gpt2, _whisper, _clip, _pieces)
    return {folder.name: folder for family in families for folder in family(root)}
