"""`ridgeline predict`: counts, memory, fit and times of chips, from configs alone."""

import csv
import itertools
import json

import pytest

from support import schema
from support.program import ROOT, assert_one_clear_line, ridgeline, ridgeline_json

GOLDEN = list(csv.DictReader((ROOT / "tests/data/flops.csv").open()))
FLAGS = {"batch": "--batch", "sequence": "--sequence", "depth": "--depth"}


def predict(*args, **kwargs):
    return ridgeline_json("predict", *args, "--json", **kwargs)


def only(prediction):
    """Of a prediction of one case on one chip: the phases."""
    assert len(prediction["predictions"]) == 1
    return prediction["predictions"][0]["phases"]


# --- counts --------------------------------------------------------------------------------------


def same_command(row):
    return row["architecture"], row["workload"]


GROUPS = [(key, list(rows))
          for key, rows in itertools.groupby(sorted(GOLDEN, key=same_command), key=same_command)]


@pytest.mark.parametrize("key, rows", GROUPS, ids=[" ".join(key) for key, _ in GROUPS])
def test_flops_and_parameters_are_the_golden_ones(key, rows):
    architecture, workload = key
    flags = [text for part in workload.split()
             for text in (FLAGS[part.split("=")[0]], part.split("=")[1])]
    folders = {row["model"]: ROOT / "tests/data/configs" / row["model"] for row in rows}
    models = {name: str(path) if path.exists() else name for name, path in folders.items()}
    answer = predict(*models.values(), "--architecture", architecture, "--new-tokens", 1,
                     "--on", "H200 SXM", *flags)
    cases = {case["configuration"]["model"]: case for case in answer["cases"]}
    for row in rows:
        cost = cases[models[row["model"]]]["cost"][row["phase"]]
        assert (cost["flops"], cost["parameters"]) == (int(row["flops"]), int(row["parameters"]))


# --- memory --------------------------------------------------------------------------------------


CASES = [("minilm-l6", "float32", ("--batch", 2, "--sequence", 64)),
         ("whisper-tiny", "bfloat16", ("--sequence", 4, "--depth", 16, "--new-tokens", 3))]


@pytest.mark.parametrize("model, dtype, flags", CASES, ids=[f"{c[0]}-{c[1]}" for c in CASES])
def test_memory_is_that_of_a_real_run(model, dtype, flags, tmp_path):
    folder = tmp_path / "run"
    ridgeline("run", model, "--dtype", dtype, *flags, "--invocations", 1, "--budget", "1s",
              "--warmup", "10ms", "--metrics", "memory,cost", "--output", folder, "--quiet",
              check=False)
    record = json.loads((folder / "records.jsonl").read_text().splitlines()[0])
    tracked = {key: entry["value"] for key, entry in record["memory"]["metrics"].items()}
    # The record has the memory of the phase that is planned last.
    phase = record["phases"][-1]["name"]
    answer = predict(model, "--dtype", dtype, *flags, "--on", "L4")
    said = {key: entry["value"] for key, entry in
            answer["cases"][0]["cost"][phase]["memory"].items()}
    for part in ("weights", "cache", "inputs", "outputs"):
        assert said[part] == tracked[part], part
    # A second layout of weights is a choice of the run, stated apart in both.
    assert said["peak"] == pytest.approx(tracked["peak"] - tracked["packed"], rel=0.03)
    # The same stands in the record itself.
    own = record["cost"][phase]["memory"]
    assert own["peak"] - own["packed"] == said["peak"]


def test_what_does_not_fit_is_said_with_what_is_missing():
    answer = predict("llama-3-8b", "--dtype", "float32", "--on", "RTX 4090,H200 SXM")
    by_chip = {answer["chips"][one["chip"]]["name"]: one for one in answer["predictions"]}
    small, large = by_chip["GeForce RTX 4090"], by_chip["H200 SXM"]
    assert small["fits"] is False and large["fits"] is True
    gib = 1024**3
    assert small["capacity"] == 24 * gib
    peak = small["memory"]["peak"]["value"]
    assert small["missing"] == pytest.approx(peak - (24 * gib * 0.95 - gib))
    assert {phase["limit"]["id"] for phase in small["phases"].values()} == {"capacity"}
    assert small["largest_batch"]["value"] is None and small["largest_batch"]["reason"]
    # In half the bytes it does fit.
    half = predict("llama-3-8b", "--dtype", "bfloat16", "--on", "RTX 4090")["predictions"][0]
    assert half["fits"] is True


def test_weights_in_8_bits_count_with_their_bytes_on_processors():
    flags = ("llama-124m", "--on", "EPYC 9755")
    plain, small = predict(*flags), predict(*flags, "--optimize", "quantize=int8")
    assert small["cases"][0]["int8_weights"] is True

    def of(answer, *path):
        value = answer["predictions"][0]
        for key in path:
            value = value[key]
        return value["value"]

    # A quarter of the products, with a scale a row; the embedding stays.
    assert of(small, "memory", "weights") < 0.6 * of(plain, "memory", "weights")
    assert of(small, "memory", "second_layout") == 0 < of(plain, "memory", "second_layout")
    latency = ("phases", "decode", "metrics", "latency")
    assert of(small, *latency) < 0.6 * of(plain, *latency)


def test_the_largest_batch_is_the_last_that_fits():
    flags = ("bert-base", "--on", "L4", "--sequence", 128)
    largest = predict(*flags)["predictions"][0]["largest_batch"]["value"]
    assert predict(*flags, "--batch", largest)["predictions"][0]["fits"] is True
    assert predict(*flags, "--batch", largest + 1)["predictions"][0]["fits"] is False


# --- time ----------------------------------------------------------------------------------------


def test_decoding_of_8b_on_an_h200_is_within_a_fifth_of_the_measured_time():
    measured = 3.85e-3
    flags = ("--dtype", "bfloat16", "--depth", 512, "--sequence", 512)
    phases = only(predict("llama-3-8b", *flags, "--on", "H200 SXM"))
    latency = phases["decode"]["metrics"]["latency"]
    assert latency["value"] == pytest.approx(measured, rel=0.2)
    assert latency["low"] < measured < latency["high"]
    assert latency["source"] == "modelled"


@pytest.fixture(scope="module")
def validation():
    return ridgeline_json("predict", "--validate", "--json")


def test_the_tables_hold_what_the_fit_gives(validation):
    rows = list(csv.DictReader((ROOT / "data/validation.csv").open()))
    assert len(rows) == len(validation["rows"])
    for row, fresh in zip(rows, validation["rows"]):
        assert row["model"] == fresh["model"]
        assert float(row["predicted"]) == pytest.approx(fresh["predicted"], rel=0.01)
    for row in csv.DictReader((ROOT / "data/validation_fit.csv").open()):
        fresh = validation["classes"][row["class"]]
        for key in ("compute", "memory", "kernel_seconds", "launch_seconds"):
            assert float(row[key]) == pytest.approx(fresh[key], rel=0.01, abs=1e-12)


def test_the_row_of_8b_is_predicted_without_itself(validation):
    row = next(row for row in validation["rows"]
               if (row["model"], row["phase"], row["depth"]) == ("llama-3-8b", "decode", 512))
    assert row["predicted"] == pytest.approx(row["measured"], rel=0.2)


# --- chips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("rank", ["time", "fits", "joule"])
def test_all_chips_are_ranked_and_what_does_not_fit_is_last(rank):
    answer = predict("llama-3-8b", "--dtype", "bfloat16", "--on", "all", "--rank", rank)
    schema.validate(answer, "prediction")
    assert len(answer["predictions"]) > 100
    out = [one["fits"] is False for one in answer["predictions"]]
    assert out == sorted(out) and any(out) and not all(out)
    missing = [one["missing"] for one in answer["predictions"] if one["fits"] is False]
    assert missing == sorted(missing)

    def key(one):
        metrics = one["phases"]["decode"]["metrics"]
        if rank == "time":
            return metrics["latency"]["value"]
        if rank == "joule":
            return metrics.get("energy_per_token.at_power_limit", {}).get("value")
        return one["capacity"] and -one["capacity"]

    values = [key(one) for one in answer["predictions"] if one["fits"] is not False]
    known = [value for value in values if value is not None]
    assert known == sorted(known) and values[: len(known)] == known


def test_by_throughput_batches_compete():
    answer = predict("bert-base", "--batch", "1,32", "--on", "L4,H200 SXM", "--rank", "throughput")
    rates = [one["phases"]["forward"]["metrics"]["throughput.sequence"]["value"]
             for one in answer["predictions"]]
    assert len(rates) == 4 and rates == sorted(rates, reverse=True)


def test_a_class_that_was_never_measured_has_no_upper_end():
    answer = predict("bert-base", "--on", "M4 Max,EPYC 9755")
    for chip in answer["chips"]:
        assert chip["validated"] is False
    for one in answer["predictions"]:
        latency = one["phases"]["forward"]["metrics"]["latency"]
        assert latency["value"] > 0 and latency["high"] is None
    text = ridgeline("predict", "bert-base", "--on", "M4 Max").stdout
    assert "no measured phase of this class" in text


def test_a_dtype_that_a_chip_does_not_have_is_a_reason():
    latency = only(predict("bert-base", "--dtype", "bfloat16", "--on", "V100S"))[
        "forward"]["metrics"]["latency"]
    assert latency["value"] is None and "bfloat16" in latency["reason"]


def test_json_is_as_the_schema_says():
    for args in (["bert-base", "--on", "L4,EPYC 7763", "--dtype", "float32,bfloat16"],
                 ["llama-124m", "--on", "MI250X", "--batch", "1,8"]):
        schema.validate(predict(*args), "prediction")


def test_this_machine_needs_ceilings_or_a_row(tmp_path):
    done = ridgeline("predict", "bert-base", check=False,
                     env={"XDG_CACHE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"})
    if done.returncode == 0:  # a processor of the hardware table
        assert "by its datasheet" in done.stdout
    else:
        assert_one_clear_line(done, 3)
        assert "ridgeline peaks" in done.stderr


@pytest.mark.parametrize("args, words", [
    (["bert-base", "--on", "H2OO SXM"], "did you mean"),
    (["bert-base", "--on", "A100"], "A100 PCIe 80GB"),
    (["bert-base", "--on", "L4", "--rank", "price"], "throughput"),
    (["bert-base", "--on", "L4", "--engine", "transformers"], "native"),
    (["bert-base", "--on", "L4", "--optimize", "quantize=int8"], "8-bit"),
    (["bert-base", "--on", "all", "--batch", "1-100"], "limit"),
    (["bert-base", "--on", "L4", "--sequence", "513"], "512"),
    (["no-such-model", "--on", "L4"], "no-such-model"),
    (["bert-base", "--validate"], "--validate"),
])
def test_what_cannot_be_is_one_line(args, words):
    done = ridgeline("predict", *args, check=False)
    assert_one_clear_line(done, 2)
    assert words in done.stderr


def test_a_broken_config_is_one_line(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama", "hidden_size": -1')
    assert_one_clear_line(ridgeline("predict", tmp_path, "--on", "L4", check=False), 2)
    (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["X"]}')
    assert_one_clear_line(ridgeline("predict", tmp_path, "--on", "L4", check=False), 2)
