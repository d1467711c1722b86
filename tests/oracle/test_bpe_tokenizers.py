"""prepare against AutoTokenizer for byte-pair encodings: Llama, Mistral, GPT-2, Whisper, CLIP."""

import pytest
from safetensors.torch import load_file
from transformers import AutoTokenizer

import bpe_cases
import tokenizer_cases
from support.program import assert_one_clear_line, ridgeline

BATCH = 64
# Of each family the folder that gets more texts, and code points from all over Unicode.
SWEPT = ("llama3_padded", "llama2_padded", "gpt2_prefix", "clip_hub", "piece_tekken")
CODE_POINT_STEP = 13


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return bpe_cases.build_folders(tmp_path_factory.mktemp("bpe") / "folders")


def same(ours, expected, where):
    assert set(ours) == set(expected), where
    for name, tensor in expected.items():
        assert ours[name].tolist() == tensor.tolist(), (name, where)


def check(folder, texts, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    size = BATCH if tokenizer.pad_token is not None else 1
    outputs = tmp_path / "out.safetensors"
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        flags = []
        for text in batch:  # "--text=" would look like a flag without its value
            flags += [f"--text={text}"] if text.startswith("-") else ["--text", text]
        ridgeline("prepare", folder, *flags, "--outputs", outputs)
        expected = tokenizer(batch, truncation=True, padding=len(batch) > 1, return_tensors="pt")
        same(load_file(outputs), expected, (folder, batch))


def test_hostile_texts_on_every_kind_of_tokenizer(folders, tmp_path):
    common = [text for text in tokenizer_cases.texts() if "\0" not in text]
    own = bpe_cases.texts()
    for name, folder in folders.items():
        if name in SWEPT:
            check(folder, own + common[::2], tmp_path)
        elif AutoTokenizer.from_pretrained(folder).pad_token is None:
            check(folder, own[:4], tmp_path)
        else:
            check(folder, own + common[::20], tmp_path)


@pytest.mark.parametrize("name", SWEPT)
def test_sampled_code_points(name, folders, tmp_path):
    codes = [chr(c) for c in range(1, 0x110000, CODE_POINT_STEP) if not 0xD800 <= c <= 0xDFFF]
    codes = [c for c in codes if c not in "\n\r"]
    groups = [codes[start : start + 64] for start in range(0, len(codes), 64)]
    lines = [" ".join(f"a{c}b {c}1{c}" for c in group) for group in groups]
    path, outputs = tmp_path / "texts.txt", tmp_path / "out.safetensors"
    path.write_bytes("\n".join(lines).encode() + b"\n")
    # Truncation would hide most of it.
    folder = bpe_cases.without_limit(folders[name], tmp_path / name)
    ridgeline("prepare", folder, "--text-file", path, "--outputs", outputs)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    expected = tokenizer(lines, truncation=True, padding=True, return_tensors="pt")
    same(load_file(outputs), expected, name)


@pytest.mark.parametrize("break_it,words", [
    (lambda tree: tree["model"].update(merges=["a"]), "merge"),
    (lambda tree: tree["model"]["merges"].append("zzz yyy"), "zzz"),
    (lambda tree: tree["model"].update(dropout=0.5), "dropout"),
    (lambda tree: tree.update(pre_tokenizer={"type": "UnicodeScripts"}), "UnicodeScripts"),
    (lambda tree: tree.update(normalizer={"type": "Nmt"}), "Nmt"),
])  # fmt: skip
def test_broken_tokenizers_end_in_one_line(break_it, words, folders, tmp_path):
    folder = bpe_cases.changed(folders["llama2_file"], tmp_path / "model", break_it)
    out = tmp_path / "out.safetensors"
    done = ridgeline("prepare", folder, "--text", "x", "--outputs", out, check=False)
    assert_one_clear_line(done)
    assert words in done.stderr
    assert not out.exists()
