"""generate from texts and sounds to texts against transformers: tokenizer, chat template, padding,
greedy decoding, decoding of the tokens."""

import json

import numpy as np
import pytest
import soundfile
import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, WhisperProcessor

from support import tiny
from support.engine import EngineError
from support.program import ROOT, assert_one_clear_line, ridgeline

INPUTS = ROOT / "data/inputs"
VOICE = INPUTS / "voice.wav"
NEW_TOKENS = 8
SPECIALS = ["<|begin|>", "<|end|>", "<|pad|>"]
TEMPLATE = """{{ bos_token }}{% for message in messages -%}
<{{ message['role'] }}>
{{ message['content'] | trim }}{{ eos_token }}
{% endfor %}{% if add_generation_prompt %}<assistant>
{% endif %}"""
TEXTS = [
    "The way over the ridge",
    "It rained. Then, for ten minutes, nobody touched the machine: 2 GB/s!",
    "Über den Grat 二つの谷 🏔",
]


# --- Folders --------------------------------------------------------------------------------------


def byte_level_tokenizer(specials):
    """Byte pairs trained on the shipped texts; the first special token begins a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        [(INPUTS / name).read_text() for name in ("prompts.txt", "sentences.txt")],
        trainers.BpeTrainer(
            vocab_size=480, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in specials])
    return tokenizer


def saved(folder, row_id, tokenizer, settings, seed=0, **config):
    """A folder as the hub has it: a tiny random model with the vocabulary of the tokenizer."""
    row = next(row for row in tiny.variants() if row["id"] == row_id)
    config = {**row["config"], "vocab_size": tokenizer.get_vocab_size(), **config}
    made = tiny.config_of({**row, "config": config})
    made._attn_implementation = "eager"
    torch.manual_seed(0)
    model = getattr(transformers, row["architecture"])(made).eval()
    tiny.randomize(model, seed).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return type(model).from_pretrained(folder, attn_implementation="eager").eval()


def with_settings(folder, copy, **settings):
    """The same folder with other settings of its tokenizer; the weights are shared."""
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).symlink_to(file)
    path = copy / "tokenizer_config.json"
    kept = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps({**kept, **settings}))
    return copy


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """(folder, model) of a Llama whose tokenizer pads on the left."""
    tokenizer = byte_level_tokenizer(SPECIALS)
    begin, end, pad = (tokenizer.token_to_id(token) for token in SPECIALS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SPECIALS[0]} $A", special_tokens=[(SPECIALS[0], begin)]
    )
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": SPECIALS[0], "eos_token": SPECIALS[1], "pad_token": SPECIALS[2],
        "padding_side": "left", "model_input_names": ["input_ids", "attention_mask"],
        "clean_up_tokenization_spaces": False, "chat_template": TEMPLATE,
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("llama") / "model"
    ids = {"bos_token_id": begin, "eos_token_id": end, "pad_token_id": pad}
    model = saved(folder, "llama/gqa", tokenizer, settings, max_position_embeddings=256, **ids)
    return folder, model


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    """(folder, model) of a Whisper that hears one second."""
    specials = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>"]
    tokenizer = byte_level_tokenizer(specials)
    end, start, plain = (tokenizer.token_to_id(token) for token in specials)
    settings = {"tokenizer_class": "WhisperTokenizer", "processor_class": "WhisperProcessor"}
    settings |= {key: specials[0] for key in ("bos_token", "eos_token", "unk_token", "pad_token")}
    folder = tmp_path_factory.mktemp("whisper") / "model"
    # With this seed it says different things, NULs among them.
    model = saved(
        folder, "whisper/seq2seq", tokenizer, settings, seed=4, max_source_positions=50,
        decoder_start_token_id=start, pad_token_id=end, bos_token_id=end, eos_token_id=end,
        begin_suppress_tokens=[end],
    )
    extractor = {
        "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 16, "chunk_length": 1,
        "processor_class": "WhisperProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    # As published: written for the model, not derived from its config.
    path = folder / "generation_config.json"
    fields = json.loads(path.read_text())
    fields.pop("_from_model_config", None)
    path.write_text(json.dumps({**fields, "no_timestamps_token_id": plain}))
    return folder, type(model).from_pretrained(folder, attn_implementation="eager").eval()


# --- The two sides --------------------------------------------------------------------------------


def continued(model, tokenizer, inputs, new_tokens=NEW_TOKENS):
    """The new text of each row by transformers."""
    with torch.no_grad():
        rows = model.generate(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"],
            do_sample=False, num_beams=1, max_new_tokens=new_tokens,
        )
    new = rows[:, inputs["input_ids"].shape[1] :]
    return tokenizer.batch_decode(new, skip_special_tokens=True)


def expected_of(folder, model, texts, chat=False):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if chat:
        inputs = tokenizer.apply_chat_template(
            [[{"role": "user", "content": text}] for text in texts], add_generation_prompt=True,
            padding=len(texts) > 1, return_dict=True, return_tensors="pt",
        )
    else:
        inputs = tokenizer(texts, padding=len(texts) > 1, truncation=True, return_tensors="pt")
    return continued(model, tokenizer, inputs)


def printed(texts):
    """What a pipe read as text gives for these lines."""
    lines = "".join(text + "\n" for text in texts)
    return lines.replace("\r\n", "\n").replace("\r", "\n")


def generated(engine, folder, **fields):
    engine.load(folder)
    return engine.request("generate", max_new_tokens=NEW_TOKENS, **fields)["texts"]


# --- Texts ----------------------------------------------------------------------------------------


def test_the_command_prints_the_continuation(llama):
    folder, model = llama
    done = ridgeline("generate", folder, "--text", TEXTS[1], "--max-new-tokens", NEW_TOKENS)
    expected = expected_of(folder, model, [TEXTS[1]])
    assert len(expected[0]) > 8  # else this would compare nothing
    assert done.stdout == printed(expected)
    assert done.stderr == ""


@pytest.mark.parametrize("text", [*TEXTS, "<|end|>x<|pad|>", " ", "a" * 300], ids=range(6))
@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_one_text(text, chat, llama, engine):
    folder, model = llama
    ours = generated(engine, folder, text=[text], chat=chat)
    assert ours == expected_of(folder, model, [text], chat)


@pytest.mark.parametrize("chat", [False, True], ids=["plain", "chat"])
def test_texts_of_different_length_pad_on_the_left(chat, llama, engine):
    folder, model = llama
    ours = generated(engine, folder, text=TEXTS, chat=chat)
    assert ours == expected_of(folder, model, TEXTS, chat)
    # A row that is padded so goes on as it does alone.
    assert ours == [generated(engine, folder, text=[text], chat=chat)[0] for text in TEXTS]


def test_texts_pad_on_the_right_where_the_tokenizer_says_so(llama, engine, tmp_path):
    """transformers warns of it and goes on from the padding; so what it prints is what counts."""
    folder, model = llama
    folder = with_settings(folder, tmp_path / "model", padding_side="right")
    assert generated(engine, folder, text=TEXTS) == expected_of(folder, model, TEXTS)


def test_the_chat_template_counts(llama, engine):
    folder, _ = llama
    plain, chat = (generated(engine, folder, text=TEXTS, chat=flag) for flag in (False, True))
    assert plain != chat


def test_the_command_takes_a_file_of_texts_and_a_chat(llama, tmp_path):
    folder, model = llama
    lines = (INPUTS / "prompts.txt").read_text().splitlines()[:4]
    (tmp_path / "texts.txt").write_text("\n".join(lines) + "\n")
    done = ridgeline("generate", folder, "--text-file", tmp_path / "texts.txt", "--chat",
                     "--max-new-tokens", NEW_TOKENS, "--outputs", tmp_path / "out.safetensors")
    assert done.stdout == printed(expected_of(folder, model, lines, chat=True))
    assert load_file(tmp_path / "out.safetensors")["sequences"].shape[0] == 4


def test_an_end_token_ends_the_text_and_is_not_printed(llama, engine, tmp_path):
    folder, model = llama
    tokenizer = AutoTokenizer.from_pretrained(folder)
    free = model.generate(**tokenizer(TEXTS[:1], return_tensors="pt"), do_sample=False,
                          max_new_tokens=NEW_TOKENS)  # fmt: skip
    end = int(free[0, -3])
    token = tokenizer.convert_ids_to_tokens(end)
    ending = with_settings(folder, tmp_path / "model", eos_token=token)
    path = ending / "generation_config.json"
    fields = json.loads(path.read_text())
    path.unlink()
    path.write_text(json.dumps({**fields, "eos_token_id": end}))
    changed = type(model).from_pretrained(ending, attn_implementation="eager").eval()
    ours = generated(engine, ending, text=TEXTS)
    assert ours == expected_of(ending, changed, TEXTS)
    assert len(ours[0]) < len(generated(engine, folder, text=TEXTS)[0])


# --- Sounds ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heard(whisper, tmp_path_factory):
    """({path: text}) of two sounds, by transformers."""
    folder, model = whisper
    processor = WhisperProcessor.from_pretrained(folder)
    voice, rate = soundfile.read(VOICE, dtype="float32")
    tone = np.sin(np.arange(rate) / 9).astype(np.float32)
    path = tmp_path_factory.mktemp("sounds") / "tone.wav"
    soundfile.write(path, tone, rate, subtype="FLOAT")
    features = processor.feature_extractor(
        [voice, tone], sampling_rate=rate, return_tensors="pt"
    ).input_features
    with torch.no_grad():
        rows = model.generate(features, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS)
    texts = processor.batch_decode(rows, skip_special_tokens=True)
    assert texts[0] != texts[1]
    return dict(zip([str(VOICE), str(path)], texts, strict=True))


def test_sounds_become_text(whisper, heard, engine):
    assert generated(engine, whisper[0], audio=list(heard)) == list(heard.values())


def test_the_command_prints_what_it_heard_with_every_character(whisper, heard):
    flags = [word for path in heard for word in ("--audio", path)]
    done = ridgeline("generate", whisper[0], *flags, "--max-new-tokens", NEW_TOKENS)
    assert "\0" in done.stdout  # byte-level vocabularies have it, and it does not end a text
    assert done.stdout == printed(heard.values())


# --- Files of tensors -----------------------------------------------------------------------------


def test_files_of_tensors_in_and_out(llama, tmp_path):
    folder, model = llama
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    source, target = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file(dict(inputs), source)
    done = ridgeline("generate", folder, "--inputs", source, "--max-new-tokens", NEW_TOKENS,
                     "--outputs", target)  # fmt: skip
    with torch.no_grad():
        expected = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=NEW_TOKENS)
    assert load_file(target)["sequences"].tolist() == expected.tolist()
    assert done.stdout == f"sequences [{expected.shape[0]},{expected.shape[1]}]\n"


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "flags, says",
    [
        ([], "--max-new-tokens"),
        (["--max-new-tokens", "4"], "--text"),
        (["--max-new-tokens", "0", "--text", "a"], "--max-new-tokens"),
        (["--max-new-tokens", "-3", "--text", "a"], "--max-new-tokens"),
        (["--max-new-tokens", "many", "--text", "a"], "--max-new-tokens"),
        (["--max-new-tokens", "4", "--text", "a", "--inputs", "in.st"], "--inputs"),
        (["--max-new-tokens", "4", "--inputs", "missing.st", "--outputs", "out.st"], "missing.st"),
        (["--max-new-tokens", "4", "--audio", "missing.wav"], "missing.wav"),
        (["--max-new-tokens", "4", "--text", "a", "--outputs", "/nowhere/out.st"], "/nowhere"),
        (["--max-new-tokens", "4", "--text", "a", "--text-file", "missing.txt"], "missing.txt"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line_and_makes_nothing(flags, says, llama, tmp_path):
    done = ridgeline("generate", llama[0], *flags, check=False, cwd=tmp_path)
    assert_one_clear_line(done, code=2)
    assert says in done.stderr
    assert done.stdout == "" and list(tmp_path.iterdir()) == []


def test_inputs_need_outputs(llama, tmp_path):
    save_file({"input_ids": torch.ones(1, 2, dtype=torch.int64)}, tmp_path / "in.st")
    done = ridgeline("generate", llama[0], "--inputs", tmp_path / "in.st", "--max-new-tokens", 2,
                     check=False)  # fmt: skip
    assert_one_clear_line(done, code=2)
    assert "--outputs" in done.stderr


def test_an_encoder_says_that_it_does_not_generate(tmp_path):
    done = ridgeline("generate", "minilm-l6", "--text", "a", "--max-new-tokens", 4, check=False,
                     cwd=tmp_path)  # fmt: skip
    assert_one_clear_line(done)
    assert "does not generate" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_the_model_lacks_is_named(llama, whisper, engine, tmp_path):
    folder = with_settings(llama[0], tmp_path / "model", chat_template=None)
    with pytest.raises(EngineError, match="chat template"):
        generated(engine, folder, text=["a"], chat=True)
    unpadded = with_settings(llama[0], tmp_path / "unpadded", pad_token=None)
    with pytest.raises(EngineError, match="pad"):
        generated(engine, unpadded, text=TEXTS)
    with pytest.raises(EngineError, match="sound"):
        generated(engine, folder, audio=[str(VOICE)])
    with pytest.raises(EngineError, match="input_features"):
        generated(engine, whisper[0], text=["a"])
    (folder / "tokenizer.json").unlink()
    with pytest.raises(EngineError, match="tokenizer.json"):
        generated(engine, folder, text=["a"])
