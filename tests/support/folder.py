"""A tiny model folder and safetensors files, made without torch so that tests start fast."""

import json
import math
import pathlib
import struct

from support.program import ridgeline

CONFIG = {
    "model_type": "bert",
    "architectures": ["BertModel"],
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "vocab_size": 10,
    "max_position_embeddings": 256,
    "type_vocab_size": 2,
}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "a", "b", "##c"]
TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": {
        "type": "WordPiece",
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100,
        "vocab": {word: index for index, word in enumerate(WORDS)},
    },
}
_FORMATS = {"I64": "q", "F32": "f"}


def bert_folder(path):
    """config.json, tokenizer.json and model.safetensors of a BERT of 20,000 parameters."""
    path = pathlib.Path(path)
    path.mkdir()
    (path / "config.json").write_text(json.dumps(CONFIG))
    ridgeline("synthesize", path, "--outputs", path / "made")
    (path / "made/model.safetensors").rename(path / "model.safetensors")
    (path / "made/config.json").unlink()
    (path / "made").rmdir()
    (path / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    return path


def safetensors(tensors):
    """Bytes of a file with {name: (dtype, shape, values)}."""
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        assert math.prod(shape) == len(values)
        packed = struct.pack(f"<{len(values)}{_FORMATS[dtype]}", *values)
        end = len(data) + len(packed)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), end]}
        data += packed
    return with_header(json.dumps(header).encode(), data)


def with_header(header, data=b""):
    return struct.pack("<Q", len(header)) + header + data


def ids(rows):
    return ("I64", [len(rows), len(rows[0])], [value for row in rows for value in row])
