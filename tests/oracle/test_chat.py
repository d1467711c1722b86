"""Chat templates against transformers: the same text, or an error on both sides."""

import datetime
import json
import os
import subprocess

import pytest
from tokenizers import Tokenizer, models
from transformers import AddedToken, AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils import chat_template_utils

import chat_cases
import chat_language_cases
from support.program import BIN

DRIVER = BIN / "ridgeline-chat-driver"
# A Friday afternoon, so that names of days and halves of days differ from those of the epoch.
NOW = 1_700_226_123
# How the seconds of NOW read does not depend on where the tests run.
ZONE = "UTC"


def driven(requests):
    """What the driver answers, in one process: a list of {"text"} or {"error"}."""
    lines = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(
        [DRIVER], input=lines, capture_output=True, text=True, timeout=120,
        env=os.environ | {"TZ": ZONE},
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(requests)
    return answers


@pytest.fixture
def fixed_clock(monkeypatch):
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None)

    monkeypatch.setattr(chat_template_utils, "datetime", Clock)


def expected(template, variables):
    """The text of transformers' own environment; None and the message when it raises."""
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        return compiled.render(**variables), None
    except Exception as error:  # noqa: BLE001 - whatever it raises is its refusal
        return None, str(error)


def compare(cases):
    """Pairs of template and variables; collects all differences, so that one run shows them."""
    answers = driven([{"template": t, "variables": v, "now": NOW} for t, v in cases])
    wrong = []
    for (template, variables), ours in zip(cases, answers, strict=True):
        text, error = expected(template, variables)
        if text is None:
            if "error" not in ours:
                wrong.append((template, f"transformers refuses: {error}", ours))
        elif ours.get("text") != text:
            wrong.append((template, text, ours))
    assert not wrong, "\n".join(f"{t!r}\n  theirs {e!r}\n  ours   {o}" for t, e, o in wrong)


def test_expressions(fixed_clock):
    compare([("{{ " + e + " }}", chat_language_cases.VARIABLES) for e in chat_language_cases.EXPRESSIONS])


def test_statements_and_white_space(fixed_clock):
    compare([(template, chat_language_cases.VARIABLES) for template in chat_language_cases.TEMPLATES])


def test_broken_templates_are_refused():
    for template in chat_language_cases.BROKEN:
        assert expected(template, {})[0] is None, template
    answers = driven([{"template": t, "variables": {}} for t in chat_language_cases.BROKEN])
    for template, answer in zip(chat_language_cases.BROKEN, answers, strict=True):
        assert answer.get("error", "").startswith("line "), (template, answer)


def test_letters_of_both_cases():
    """Every character whose case, kind or printed form Python knows to be special."""
    special = [
        c for c in map(chr, range(0x110000))
        if not "\ud800" <= c <= "\udfff"
        and (c.upper() != c or c.lower() != c or c.isspace() or c.isdigit())
    ]
    blocks = ["".join(special[i : i + 64]) for i in range(0, len(special), 64)]
    template = (
        "{% for c in s %}{{ c.upper() }}{{ c.lower() }}{{ c.title() }}{{ c.islower() }}"
        "{{ c.isupper() }}{{ c.isdigit() }}{{ c.isdecimal() }}{{ c.isalpha() }}{{ c.isspace() }}"
        "{{ c.strip() }}{{ c.splitlines() | length }}{{ [c] }};{% endfor %}"
    )
    compare([(template, {"s": block}) for block in blocks])


def save_tokenizer(folder, template, **tokens):
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "<pad>": 3}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>")), **tokens
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return folder


def compare_folder(folder, conversations=chat_cases.CONVERSATIONS):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    cases = [(messages, prompt) for messages in conversations for prompt in (True, False)]
    answers = driven(
        [
            {"folder": str(folder), "messages": m, "add_generation_prompt": p, "now": NOW}
            for m, p in cases
        ]
    )
    rendered = 0
    for (messages, prompt), ours in zip(cases, answers, strict=True):
        try:
            text = tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=prompt
            )
        except Exception as error:  # noqa: BLE001
            assert str(error) in ours.get("error", ""), (messages, str(error), ours)
            continue
        assert ours.get("text") == text, messages
        rendered += 1
    return rendered


@pytest.mark.parametrize("name", chat_cases.CHATS)
def test_apply_chat_template(name, tmp_path, fixed_clock):
    folder = save_tokenizer(
        tmp_path, chat_cases.CHATS[name], bos_token="<s>", eos_token="</s>",
        unk_token="<unk>", pad_token=AddedToken("<pad>", special=True),
    )
    assert (folder / "chat_template.jinja").exists()
    assert compare_folder(folder) >= 6


def rewrite(path, change):
    settings = json.loads(path.read_text())
    change(settings)
    path.write_text(json.dumps(settings))


def test_where_templates_and_tokens_stand(tmp_path):
    template = (
        "{{ bos_token }}|{{ eos_token }}|{{ unk_token }}|{{ pad_token }}|{{ image_token }}|"
        "{{ sep_token is defined }}|{{ tools }}|{{ documents }}|{{ messages[0].content }}"
    )
    folder = save_tokenizer(tmp_path, template, bos_token="<s>", eos_token="</s>")
    one = chat_cases.CONVERSATIONS[:1]
    assert compare_folder(folder, one) == 2
    # As text in tokenizer_config.json, then as a list with names.
    (folder / "chat_template.jinja").unlink()
    config = folder / "tokenizer_config.json"
    rewrite(config, lambda s: s.update(chat_template=template + " in the config"))
    assert compare_folder(folder, one) == 2
    named = [
        {"name": "tool_use", "template": "wrong"},
        {"name": "default", "template": template + " of a list"},
    ]
    rewrite(config, lambda s: s.update(chat_template=named))
    assert compare_folder(folder, one) == 2
    # Tokens as objects, named tokens of the model's own, and a token that is null.
    rewrite(
        config,
        lambda s: s.update(
            bos_token={"__type": "AddedToken", "content": "<bos>", "lstrip": False,
                       "normalized": False, "rstrip": False, "single_word": False},
            extra_special_tokens={"image_token": "<image>"},
            pad_token=None,
        ),
    )
    assert compare_folder(folder, one) == 2
    # Files of older releases: the special tokens stand in a file of their own.
    rewrite(config, lambda s: s.pop("added_tokens_decoder", None))
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"bos_token": {"content": "<old>", "lstrip": False}, "eos_token": "<end>"})
    )
    assert compare_folder(folder, one) == 2
    # The class of the tokenizer knows the tokens that no file names.
    for name in ("LlamaTokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer", "GemmaTokenizer"):
        defaults = {"tokenizer_class": name, "chat_template": template}
        config.write_text(json.dumps(defaults))
        (folder / "special_tokens_map.json").unlink(missing_ok=True)
        assert compare_folder(folder, one) == 2, name


def test_folder_without_a_template(tmp_path):
    save_tokenizer(tmp_path, None, bos_token="<s>")
    (answer,) = driven([{"folder": str(tmp_path), "messages": chat_cases.CONVERSATIONS[0]}])
    assert "has no chat template" in answer["error"] and "chat_template.jinja" in answer["error"]
