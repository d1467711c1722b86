"""Writes tests/data/audio/log_mel.safetensors, which tests/native/log_mel_test.cpp reads: what
WhisperFeatureExtractor makes of sounds that both sides compute from integers.

    python tests/oracle/log_mel_data.py

test_audio.py checks that the file still is what this script makes.
"""

import json
import pathlib

import numpy as np
from safetensors.numpy import save_file
from transformers import WhisperFeatureExtractor

FILE = pathlib.Path(__file__).resolve().parents[1] / "data/audio/log_mel.safetensors"
# `sounds` are pairs of seed and samples; every `stride`-th frame is kept, to keep the file small.
CASES = {
    "second": {
        "extractor": {"chunk_length": 1},
        "sounds": [[1, 9600], [2, 16000], [3, 1], [4, 0], [5, 20000]],
        "stride": 2,
    },
    "published": {"extractor": {}, "sounds": [[6, 1600], [7, 560000]], "stride": 100},
    "large_v3": {"extractor": {"feature_size": 128}, "sounds": [[8, 479999]], "stride": 150},
    "padded_left": {
        "extractor": {
            "chunk_length": 1,
            "padding_side": "left",
            "padding_value": 0.01,
            "return_attention_mask": True,
        },
        "sounds": [[9, 5000], [10, 16001]],
        "stride": 5,
    },
    "other_frames": {
        "extractor": {"chunk_length": 1, "n_fft": 321, "hop_length": 77, "sampling_rate": 22050},
        "sounds": [[11, 12345]],
        "stride": 7,
    },
}


def sound(seed, samples):
    """Noise whose loudness falls by half each 1600 samples, eight times over, on a triangle wave.
    Seed 4 is silence."""
    i = np.arange(samples, dtype=np.uint64)
    mixed = ((i + np.uint64(1000 * seed)) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(15)
    mixed = (mixed * np.uint64(2246822519)) & np.uint64(0xFFFFFFFF)
    noise = (mixed >> np.uint64(16)).astype(np.int64) - 32768
    noise >>= (i.astype(np.int64) // 1600) % 8
    phase = (i.astype(np.int64) * 41 * seed) % 8192
    wave = np.where(phase < 4096, phase - 2048, 6144 - phase)
    return (0 if seed == 4 else 1) * (noise + wave).astype(np.float32) / np.float32(65536)


def features(case):
    extractor = WhisperFeatureExtractor(**case["extractor"])
    sounds = [sound(*row) for row in case["sounds"]]
    made = extractor(sounds, sampling_rate=extractor.sampling_rate, return_tensors="np")
    return extractor, sounds, made


def tensors():
    made = {}
    for name, case in CASES.items():
        _, _, outputs = features(case)
        kept = outputs["input_features"][..., :: case["stride"]]
        made[name] = np.ascontiguousarray(kept, dtype=np.float32)
        if "attention_mask" in outputs:
            made[f"{name}.mask_sum"] = outputs["attention_mask"].sum(-1).astype(np.int64)
            made[f"{name}.mask_first"] = outputs["attention_mask"].argmax(-1).astype(np.int64)
    return made


if __name__ == "__main__":
    FILE.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors(), FILE, metadata={"cases": json.dumps(CASES)})
    print(FILE, FILE.stat().st_size)
