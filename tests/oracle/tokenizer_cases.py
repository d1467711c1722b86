"""Tokenizer folders and hostile texts: data for comparing `ridgeline prepare` with AutoTokenizer.

`build_folders(root)` writes model folders without weights, `texts()` and `sweep()` give what to
put in. Nothing here runs Ridgeline.
"""

import json
import random
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from transformers import BertTokenizerFast

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = (
    "the of and to in is was for on with as by at from his her it an were are which this also "
    "be has had first one their its new after but who not they have time world energy measure "
    "model token résumé café naïve straße istanbul ελληνικά привет мир "
    "שלום مرحبا नमस्ते สวัสดี 東京 서울 안녕 tiếng "
    "việt"
).split()
PIECES = "ing ed s ly er est ness ment tion able un re é ß ı σ ς й ё ه ة ी ्".split()


def _characters(count, seed):
    """Letters, marks, digits, punctuation and symbols from all planes, always the same ones."""
    known = [c for c in range(0x80, 0x30000) if unicodedata.category(chr(c))[0] in "LMNPS"]
    return [chr(c) for c in sorted(random.Random(seed).sample(known, count))]


def small_vocabulary():
    """About 2000 entries: ASCII, words, characters of all planes, as starts and as ## pieces."""
    ascii_characters = [chr(c) for c in range(0x21, 0x7F)]
    entries = SPECIALS + ascii_characters + WORDS + PIECES + _characters(800, seed=1)
    entries += ["##" + e for e in ascii_characters + PIECES + _characters(800, seed=1)]
    return list(dict.fromkeys(entries))


def full_vocabulary():
    """Every assigned character as a start and as a ## piece, so that no mapping stays unseen."""
    known = [
        chr(c) for c in range(0x21, 0x110000) if unicodedata.category(chr(c)) not in ("Cs", "Co")
    ]
    known = [c for c in known if unicodedata.category(c) != "Cn" and not c.isspace()]
    return list(dict.fromkeys(SPECIALS + known + ["##" + c for c in known]))


def _write(folder, name, value):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    (folder / name).write_text(text, encoding="utf-8")


def _folder(root, name, config=None, lines=None):
    folder = Path(root) / name
    folder.mkdir(parents=True)
    _write(folder, "config.json", {"model_type": "bert", "architectures": ["BertModel"]})
    if config is not None:
        _write(folder, "tokenizer_config.json", config)
    if lines is not None:
        _write(folder, "vocab.txt", "\n".join(lines) + "\n")
    return folder


def _saved(root, name, lines, **options):
    """A folder as transformers saves it today, with a tokenizer.json."""
    folder = _folder(root, name)
    vocabulary = {token: index for index, token in enumerate(lines)}
    BertTokenizerFast(vocab=vocabulary, **options).save_pretrained(folder)
    return folder


def _backend(root, name, lines, normalizer, pre_tokenizer, config=None, added=(), processor=None):
    """A folder whose tokenizer.json is taken as it stands (PreTrainedTokenizerFast)."""
    vocabulary = {token: index for index, token in enumerate(lines)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=30))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.post_processor = processor or processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.add_tokens(list(added))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "[PAD]",
        "model_max_length": 64,
    }
    folder = _folder(root, name, {**settings, **(config or {})})
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


ADDED = [
    AddedToken("<left>", lstrip=True),
    AddedToken("<right>", rstrip=True),
    AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
    AddedToken("word", single_word=True),
    AddedToken("word piece", normalized=False),
    AddedToken("ÉCOLE", normalized=True),
    AddedToken("É", normalized=False, single_word=True),
    AddedToken("<x>", special=True, lstrip=True, single_word=True),
    AddedToken("東", normalized=True),
]


def _bert_folders(root, lines):
    yield _folder(root, "lines_default", None, lines)
    for name, config in {
        "lines_cased": {"do_lower_case": False},
        "lines_cased_stripped": {"do_lower_case": False, "strip_accents": True},
        "lines_accents": {"strip_accents": False, "model_max_length": 512},
        "lines_no_cjk": {"tokenize_chinese_chars": False, "tokenizer_class": "BertTokenizer"},
        "lines_short": {"model_max_length": 5, "padding_side": "left", "truncation_side": "left"},
        "lines_renamed": {"unk_token": "[MASK]", "sep_token": "</s>", "image_token": "<image>"},
        "lines_split_specials": {"split_special_tokens": True, "model_max_length": 1e30},
    }.items():
        yield _folder(root, name, config, lines)
    # Windows line ends, blanks, an entry that stands twice, an empty line, no line end at the end.
    folder = _folder(root, "lines_untidy")
    _write(folder, "vocab.txt", "\r\n".join(lines[:300] + ["", "the", "energy \t", "of"]))
    yield folder
    folder = _folder(
        root, "lines_legacy", {"do_lower_case": True, "additional_special_tokens": ["<e1>"]}, lines
    )
    _write(
        folder,
        "special_tokens_map.json",
        {
            "mask_token": {"content": "[MASK]", "lstrip": True, "normalized": False},
            "additional_special_tokens": ["<lost>"],
        },
    )
    _write(folder, "added_tokens.json", {"<e1>": 9000, "Plain Word": 9001})
    yield folder
    yield _saved(root, "json_lowercase", lines, do_lower_case=True, model_max_length=48)
    yield _saved(root, "json_cased", lines, do_lower_case=False)
    yield _saved(root, "json_strip_accents", lines, do_lower_case=False, strip_accents=True)
    # The class rebuilds its pipeline: the normalizer in the file must not count, the sides must.
    folder = _saved(root, "json_rebuilt", lines, do_lower_case=True)
    tree = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tree["normalizer"] = {"type": "Lowercase"}
    tree["truncation"] = {
        "max_length": 7,
        "strategy": "LongestFirst",
        "stride": 0,
        "direction": "Left",
    }
    tree["padding"] = {
        "strategy": {"Fixed": 9},
        "direction": "Left",
        "pad_to_multiple_of": None,
        "pad_id": 3,
        "pad_type_id": 1,
        "pad_token": "[SEP]",
    }
    _write(folder, "tokenizer.json", tree)
    _write(
        folder,
        "tokenizer_config.json",
        {"tokenizer_class": "BertTokenizer", "model_max_length": 12},
    )
    yield folder


def _backend_folders(root, lines):
    bert = normalizers.BertNormalizer()
    pieces = pre_tokenizers.BertPreTokenizer()
    yield _backend(root, "backend_bert", lines, bert, pieces, added=ADDED)
    yield _backend(
        root,
        "backend_nfc",
        lines,
        normalizers.NFC(),
        pre_tokenizers.Whitespace(),
        added=ADDED,
        processor=processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
        config={"padding_side": "left", "truncation_side": "left", "model_max_length": 9},
    )
    folding = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    yield _backend(
        root, "backend_folding", lines, folding, pre_tokenizers.WhitespaceSplit(), added=ADDED
    )
    both = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pieces])
    yield _backend(
        root,
        "backend_nfkc",
        lines,
        normalizers.NFKC(),
        both,
        config={"model_input_names": ["input_ids", "token_type_ids", "attention_mask"]},
    )
    yield _backend(
        root, "backend_nfd", lines, normalizers.NFD(), None, config={"split_special_tokens": True}
    )
    yield _backend(root, "backend_bare", lines, None, pieces, added=ADDED)
    yield _backend(
        root,
        "backend_distil",
        lines,
        bert,
        pieces,
        added=ADDED,
        config={"tokenizer_class": "DistilBertTokenizer"},
    )
    yield _backend(
        root,
        "backend_convbert",
        lines,
        bert,
        pieces,
        added=ADDED,
        config={"tokenizer_class": "ConvBertTokenizerFast"},
    )


def build_folders(root):
    """{name: folder}; about 2000 entries a vocabulary, 280,000 in `every_character*`."""
    lines = small_vocabulary()
    folders = [*_bert_folders(root, lines), *_backend_folders(root, lines)]
    everything = full_vocabulary()
    folders.append(_folder(root, "every_character", None, everything))
    folders.append(_folder(root, "every_character_cased", {"do_lower_case": False}, everything))
    return {folder.name: folder for folder in folders}


def texts():
    """Hostile texts; each is also meant to be tokenized alone."""
    family = "👩\u200d👩\u200d👧\u200d👦"
    fixed = [
        "",
        " ",
        "\n",
        "\t \r\n",
        "\u200b",
        "\u00a0\u2003\u3000",
        "\x00",
        "\x00a\x00b",
        "\ufffd\ufeff",
        "Hello, world!",
        "The energy of the model was measured; résumé CAFÉ naïve STRASSE straße.",
        "[SEP]",
        "[MASK]",
        " [CLS]x",
        "a[MASK]b",
        "[mask]",
        "[ SEP ]",
        "[SEP",
        "SEP]",
        "[[SEP]]",
        "[CLS][SEP][PAD][UNK][MASK]",
        "x [MASK] . [MASK]",
        "[PAD] [PAD]",
        "  [MASK]  the  [MASK]  ",
        "the <left> of",
        "the   <left>of",
        "the<right>   of",
        "a  <both>  b",
        "<both> <both>",
        "<x> a<x> <x>b",
        "word",
        "sword",
        "word.",
        "a word piece b",
        "words word_ word",
        "ÉCOLE école Ecole",
        "É ÉE é",
        "東京 東",
        "  <left>  <right>  <both>  <left> ",
        "<e1>plain word Plain Word<e1>",
        "<image></s><lost>",
        "<lost>",
        "a" * 30,
        "a" * 31,
        "a" * 99,
        "a" * 100,
        "a" * 101,
        "é" * 100,
        "é" * 101,
        "e\u0301" * 100,
        "e\u0301" * 101,
        "x" * 5000,
        "the " * 3000,
        "energies unknownable",
        "!" * 300,
        "東" * 300,
        "[SEP]" * 200,
        "👍",
        "👍🏽",
        family,
        "🇩🇪🇫🇷",
        "1️⃣",
        "❤️",
        "☺\ufe0f the",
        "a\u200db",
        "a\u200cb",
        "\u202eabc\u202c",
        "e\u0301",
        "\u0301",
        "\u0301e",
        "a\u0323\u0307b",
        "a\u0307\u0323b",
        "\u1e69",
        "s\u0323\u0307",
        "ﬁ ﬂ ﷺ",
        "①②③ ½",
        "\u0344\u0385",
        "क्षि ि",
        "กำ",
        "각각",
        "\u1100\u1161\u11a8",
        "\uac00\u11a8",
        "가\u0301",
        "Å Å Å",
        "İstanbul ISTANBUL ıi",
        "ΣΑΣ σας ΟΔΥΣΣΕΥΣ",
        "ß ẞ",
        "Ǆ ǅ ǆ",
        "𐐀𐐨 𞤀𞤢",
        "Ω K Å",
        "ſ K",
        "日本語テキスト 한국어 文字化け",
        "﨎﨏 塚 丽",
        "\U00020000\U0002a700\U0002b820\U0002b920\U00030000",
        "…—–‘’“”«»¿¡§¶•",
        "a.b,c;d:e!f?g",
        "$€£¥ +<=>^`|~",
        "C++ && a==b",
        "x²y³ H₂O",
        "\u2028a\u2029b\u0085c\x0bd\x0ce",
        "\u061c\u180e\u2060a\u00adb",
        "\ue000\uf8ff\U000f0000\U0010ffff",
        "\ud7fb\ufdd0\uffff\U0001fffe",
        "a\u0300\u0316\u0301\u0317" * 40,
        "z" + "".join(chr(c) for c in range(0x300, 0x370)),
        "".join(chr(c) for c in range(1, 0x250)),
        " ".join(WORDS),
        "".join(WORDS),
        " ".join(PIECES),
    ]
    return fixed + random_texts(300, seed=7)


def random_texts(count, seed):
    """Random mixtures of characters of all kinds, words and special tokens."""
    chance = random.Random(seed)
    marks = [chr(c) for c in range(0x110000) if unicodedata.combining(chr(c))]
    parts = [
        lambda: chance.choice(WORDS + PIECES),
        lambda: chance.choice(SPECIALS + [t.content for t in ADDED]),
        lambda: chance.choice(" \t\n\u00a0  "),
        lambda: chr(chance.randrange(0x20, 0x250)),
        lambda: chr(
            chance.choice([chance.randrange(0x250, 0xD800), chance.randrange(0xE000, 0x110000)])
        ),
        lambda: chr(chance.randrange(0xAC00, 0xD7A4)),
        lambda: chr(chance.randrange(0x1100, 0x1200)),
        lambda: "".join(chance.choices(marks, k=chance.randrange(1, 5))),
        lambda: chance.choice("aeiouAEIOUsdlncz") + "".join(chance.choices(marks[:60], k=2)),
    ]
    return [
        "".join(chance.choice(parts)() for _ in range(chance.randrange(1, 40)))
        for _ in range(count)
    ]


def sweep(per_text=64):
    """Texts that hold every code point but the surrogates, each as "a<cp>b <cp>"."""
    codes = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]
    for start in range(0, len(codes), per_text):
        yield " ".join(f"a{c}b {c}" for c in codes[start : start + per_text])
