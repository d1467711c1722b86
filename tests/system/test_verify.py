"""`ridgeline verify`: what is asked of both engines, how their answers are judged, and, where the
transformers engine is there, that real models agree."""

import json
import os

import pytest

from support.fake_engine import fake_engine, requests_to, transformers_engine
from support.folder import CONFIG, bert_folder
from support.program import assert_one_clear_line, ridgeline

OUTPUT = {"name": "last_hidden_state", "shape": [1, 8, 32], "max_error": 1e-6, "max_value": 2.0,
          "relative_error": 5e-7, "cosine": 1.0, "top1_agreement": None, "finite": True}
SMALL = ("--sequence", 8)


def verified(*changes, missing=(), unexpected=()):
    return {"outputs": [{**OUTPUT, **change} for change in changes], "missing": list(missing),
            "unexpected": list(unexpected)}


@pytest.fixture
def model(tmp_path):
    return bert_folder(tmp_path / "bert")


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """The folder for temporary files; a verification must leave nothing in it."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    assert list(folder.glob("ridgeline-*")) == []  # torch leaves a folder of its own


def verify(model, peer, *words, code=0, json_form=True):
    """The JSON, or the text, that a verification prints."""
    form = ["--json"] if json_form else []
    done = ridgeline("verify", model, "--engine", peer, *SMALL, *form, "--quiet", *words,
                     check=False)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout) if json_form else done.stdout


# --- float32 ------------------------------------------------------------------------------------


def test_outputs_within_the_bound_pass(tmp_path, model, scratch):
    peer = fake_engine(tmp_path, verify=verified({}))
    result = verify(model, peer)
    assert result["schema"] == "ridgeline-verify/1"
    assert result["passed"] is True and result["weights"] == "checkpoint"
    (output,) = result["outputs"]
    assert output["passed"] and output["bound"] == 1e-4 and output["relative_error"] == 5e-7
    assert result["reference"] == "float32" and result["tokens"] is None
    assert result["native"]["name"] == "native" and result["peer"]["name"] == "peer"

    asked = requests_to(peer)
    assert [one["message"] for one in asked] == ["hello", "load", "verify", "quit"]
    load, compared = asked[1], asked[2]
    assert load["model"] == str(model) and load["weights"] == "checkpoint"
    assert load["dtype"] == "float32" and "mode" not in load
    assert compared["found"] == ["inputs", "expected"]
    ran = {one["id"]: one for one in result["optimizations"]["forward"]}
    assert ran["threads"]["applied"] is not None and ran["attention"]["value"] == "flash"
    assert "generate" not in result["optimizations"]
    text = verify(model, peer, json_form=False)
    assert "attention=flash" in text
    assert "| last_hidden_state |" in text and "PASS" in text and "FAIL" not in text


@pytest.mark.parametrize("reply, says", [
    (verified({"relative_error": 1.1e-4}), "off by 0.00011, 0.0001 is allowed"),
    (verified({"relative_error": None, "cosine": None}), "the error is not known"),
    (verified({"finite": False}), "not finite"),
    (verified({"expected_shape": [1, 4, 32], "relative_error": None}), "shape [1,4,32]"),
    (verified({}, missing=["pooler_output"]), "pooler_output comes from native only"),
    (verified({}, unexpected=["logits"]), "logits comes from the peer only"),
    (verified(), "no output was compared"),
])
def test_what_is_not_as_it_should_be_fails(tmp_path, model, scratch, reply, says):
    peer = fake_engine(tmp_path, verify=reply)
    text = verify(model, peer, code=1, json_form=False)
    assert says in text and text.endswith("verdict   FAIL\n")
    assert verify(model, peer, code=1)["passed"] is False


def test_the_last_allowed_error_passes(tmp_path, model, scratch):
    verify(model, fake_engine(tmp_path, verify=verified({"relative_error": 1e-4})))
    zeros = verified({"max_error": 0.0, "relative_error": None, "cosine": None})
    verify(model, fake_engine(tmp_path, verify=zeros))


# --- short dtypes -------------------------------------------------------------------------------


@pytest.mark.parametrize("ours, theirs, passes, bound", [
    (0.019, 0.01, True, 0.02),  # twice as far off as transformers itself
    (0.021, 0.01, False, 0.02),
    (0.007, 0.0, True, 1 / 128),  # two roundings where transformers is exact by luck
    (0.009, 0.0, False, 1 / 128),
    (0.3, 0.3, False, 0.6),  # a dtype that is no use for the model proves nothing
])
def test_a_short_dtype_is_judged_by_the_error_of_the_peer(
        tmp_path, model, scratch, ours, theirs, passes, bound):
    peer = fake_engine(tmp_path, verify=[verified({"relative_error": theirs}),
                                         verified({"relative_error": ours})])
    result = verify(model, peer, "--dtype", "bfloat16", code=0 if passes else 1)
    (output,) = result["outputs"]
    assert output["relative_error"] == ours and output["peer_error"] == theirs
    assert output["bound"] == pytest.approx(bound) and output["passed"] is passes
    assert result["reference"] == "float32" and result["dtype"] == "bfloat16"
    asked = requests_to(peer)
    assert [one["message"] for one in asked] == [
        "hello", "load", "forward", "load", "verify", "verify", "quit"]
    assert [one["dtype"] for one in asked if one["message"] == "load"] == ["bfloat16", "float32"]
    own, native = (one["expected"] for one in asked if one["message"] == "verify")
    assert own == next(one["outputs"] for one in asked if one["message"] == "forward")
    assert own != native


def test_a_few_values_are_judged_by_the_largest_error_of_the_peer(tmp_path, model, scratch):
    """One value that the peer has right by luck is no bound for another one."""
    def both(hidden, logit):
        return verified({"name": "hidden", "shape": [1, 64], "relative_error": hidden},
                        {"name": "logits_per_image", "shape": [1, 1], "relative_error": logit})

    peer = fake_engine(tmp_path, verify=[both(0.015, 0.004), both(0.02, 0.025)])
    hidden, logit = verify(model, peer, "--dtype", "bfloat16")["outputs"]
    assert hidden["peer_error"] == 0.015 and logit["peer_error"] == 0.015
    assert logit["bound"] == pytest.approx(0.03) and logit["passed"]


# --- weights ------------------------------------------------------------------------------------


def test_synthetic_weights_are_written_for_both_and_removed(tmp_path, scratch):
    folder = tmp_path / "config-only"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    peer = fake_engine(tmp_path, verify=verified({}))
    result = verify(folder, peer, "--weights", "synthetic")
    assert result["weights"] == "synthetic" and result["model"] == str(folder)
    load = requests_to(peer)[1]
    assert load["model"].startswith(str(scratch)) and load["weights"] == "checkpoint"
    assert not os.path.exists(load["model"])


def test_a_preset_has_synthetic_weights_only(tmp_path, scratch):
    peer = fake_engine(tmp_path, verify=verified({}))
    assert verify("minilm-l6", peer)["weights"] == "synthetic"
    done = ridgeline("verify", "minilm-l6", "--engine", peer, "--weights", "checkpoint",
                     check=False)
    assert_one_clear_line(done, code=2)


# --- tokens -------------------------------------------------------------------------------------


LLAMA = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 32,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "intermediate_size": 64, "vocab_size": 99, "max_position_embeddings": 64, "bos_token_id": 1,
    "eos_token_id": 2, "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
}
LOGITS = verified({"name": "logits", "shape": [1, 8, 99]})


@pytest.fixture
def llama(tmp_path):
    folder = tmp_path / "llama"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA))
    return folder


def test_equal_tokens_pass(tmp_path, llama, scratch):
    peer = fake_engine(tmp_path, verify=LOGITS, generate={"copy": "native-tokens.safetensors"})
    tokens = verify(llama, peer, "--weights", "synthetic")["tokens"]
    assert tokens["passed"] and tokens["equal"] == tokens["tokens"] and tokens["tokens"] > 0
    assert tokens["divergences"] == []
    generate = next(one for one in requests_to(peer) if one["message"] == "generate")
    assert generate["max_new_tokens"] == 16 and generate["found"] == ["inputs"]
    text = verify(llama, peer, "--weights", "synthetic", json_form=False)
    assert f"tokens    {tokens['tokens']} of {tokens['tokens']} equal, greedy: PASS" in text


def test_other_tokens_fail(tmp_path, llama, scratch):
    peer = fake_engine(tmp_path, verify=LOGITS, generate={"tokens": [[1] * 24]})
    result = verify(llama, peer, "--weights", "synthetic", code=1)
    assert result["outputs"][0]["passed"] and not result["tokens"]["passed"]
    text = verify(llama, peer, "--weights", "synthetic", code=1, json_form=False)
    assert "and not by rounding" in text and "greedy: FAIL" in text


def test_without_tokens_none_are_asked_for(tmp_path, llama, scratch):
    peer = fake_engine(tmp_path, verify=LOGITS)
    assert verify(llama, peer, "--weights", "synthetic", "--max-new-tokens", 0)["tokens"] is None
    assert "generate" not in [one["message"] for one in requests_to(peer)]


# --- what cannot be verified --------------------------------------------------------------------


@pytest.mark.parametrize("words, says", [
    ([], "MODEL"),
    (["minilm-l6", "--batch", "1,2"], "one value"),
    (["minilm-l6", "--weights", "meta"], "meta"),
    (["minilm-l6", "--max-new-tokens", "-1"], "--max-new-tokens"),
    (["minilm-l6", "--dtype", "int9"], "int9"),
    (["/nowhere"], "/nowhere"),
])
def test_wrong_usage_is_one_line(tmp_path, scratch, words, says):
    peer = fake_engine(tmp_path)
    done = ridgeline("verify", *words, "--engine", peer, check=False)
    assert_one_clear_line(done, code=2)
    assert says in done.stderr


@pytest.mark.parametrize("answers", [
    {"hello": {"error": "environment", "message": "no torch in this Python"}},
    {"load": {"error": "environment", "message": "no torch in this Python"}},
])
def test_a_peer_that_lacks_its_packages_is_of_the_environment(tmp_path, model, scratch, answers):
    done = ridgeline("verify", model, "--engine", fake_engine(tmp_path, **answers), *SMALL,
                     check=False)
    assert_one_clear_line(done, code=3)
    assert "no torch in this Python" in done.stderr


def test_an_engine_that_is_not_there_is_found_out_before_anything_runs(model, scratch):
    done = ridgeline("verify", model, "--engine", "nonsense", check=False)
    assert_one_clear_line(done, code=3)
    assert "nonsense" in done.stderr


# --- real models --------------------------------------------------------------------------------


VISION = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
          "intermediate_size": 64, "image_size": 32, "patch_size": 8}
FAMILIES = {
    "bert": {**CONFIG, "architectures": ["BertForMaskedLM"], "vocab_size": 99},
    "vit": {"model_type": "vit", "architectures": ["ViTForImageClassification"], **VISION,
            "id2label": {"0": "a", "1": "b", "2": "c"},
            "label2id": {"a": 0, "b": 1, "c": 2}},
    "clip": {"model_type": "clip", "architectures": ["CLIPModel"], "projection_dim": 16,
             "vision_config": {"model_type": "clip_vision_model", **VISION},
             "text_config": {"model_type": "clip_text_model", "hidden_size": 32,
                             "num_hidden_layers": 2, "num_attention_heads": 4,
                             "intermediate_size": 64, "vocab_size": 99,
                             "max_position_embeddings": 64, "bos_token_id": 97,
                             "eos_token_id": 98, "pad_token_id": 98}},
    "whisper": {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
                "d_model": 32, "encoder_layers": 2, "decoder_layers": 2,
                "encoder_attention_heads": 4, "decoder_attention_heads": 4,
                "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_mel_bins": 16,
                "vocab_size": 99, "max_source_positions": 50, "max_target_positions": 40,
                "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
                "decoder_start_token_id": 3, "begin_suppress_tokens": None},
    "llama": LLAMA,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_agrees_with_transformers_in_float32(tmp_path, scratch, family):
    peer = transformers_engine()
    if peer is None:
        pytest.skip("the transformers engine is not there")
    folder = tmp_path / family
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(FAMILIES[family]))
    tokens = {"whisper": 16, "llama": 64}.get(family)
    count = ["--max-new-tokens", tokens] if tokens else []
    result = verify(folder, peer, "--weights", "synthetic", "--batch", 2, *count)
    assert result["outputs"] and all(one["bound"] == 1e-4 for one in result["outputs"])
    assert (result["tokens"] is not None) is (tokens is not None)
    if tokens:
        assert result["tokens"]["equal"] == result["tokens"]["tokens"] == 2 * tokens


def test_a_short_dtype_agrees_with_transformers(tmp_path, scratch):
    peer = transformers_engine()
    if peer is None:
        pytest.skip("the transformers engine is not there")
    folder = tmp_path / "bert"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(FAMILIES["bert"]))
    result = verify(folder, peer, "--weights", "synthetic", "--dtype", "bfloat16")
    for output in result["outputs"]:
        assert output["bound"] >= 1 / 128 and output["peer_error"] is not None
