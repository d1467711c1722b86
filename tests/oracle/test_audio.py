"""Sound files against soundfile, numpy and soxr, and the data of the log-mel tests against
WhisperFeatureExtractor. ridgeline-audio-driver shows what the engine reads."""

import inspect
import math
import subprocess

import log_mel_data
import numpy as np
import pytest
import soundfile
import soxr
from safetensors.numpy import load_file
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import load_audio

from support.program import BIN, assert_one_clear_line

RATE = 16_000
# Samples lie within one. On x86-64 libsoxr 0.1.3 and the wheel's agree to the bit; libvorbis and
# mpg123 differ by rounding between builds.
BOUND = 1e-6
LOSSLESS = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM"]


def drive(path, folder, rate=RATE):
    """(rate, channels) and samples; with rate 0 as decoded, else mono at that rate."""
    out = folder / "out.f32"
    done = run(path, out, rate)
    assert done.returncode == 0, done.stderr
    rate, channels, frames = map(int, done.stdout.split())
    samples = np.fromfile(out, np.float32)
    assert samples.size == frames * channels
    return (rate, channels), samples


def run(path, out, rate=RATE):
    command = [BIN / "ridgeline-audio-driver", path, out, rate]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)


def voice(rate, channels=1, seconds=1.0):
    """A wandering tone and noise, different in each channel."""
    frames = round(rate * seconds)
    time = np.arange(frames) / rate
    noise = np.random.default_rng(frames).standard_normal((frames, channels))
    tone = np.sin(2 * np.pi * 220 * time + 5 * np.sin(3 * time)) * (0.6 + 0.4 * np.sin(9 * time))
    return 0.4 * tone[:, None] / np.arange(1, channels + 1) + 0.05 * noise


def written(folder, sound, rate, **format):
    path = folder / f"sound.{format.get('format', 'wav').lower()}"
    soundfile.write(path, sound, rate, **format)
    return path


def mono(decoded, rate):
    """What load_audio of transformers makes of [frames, channels]: mixed, then resampled."""
    mixed = decoded.T.mean(axis=0) if decoded.shape[1] > 1 else decoded[:, 0]
    if rate == RATE:
        return mixed
    length = math.ceil(len(mixed) * RATE / rate)
    resampled = soxr.resample(mixed, rate, RATE, quality="HQ")
    return np.pad(resampled, (0, max(0, length - len(resampled))))[:length]


def check(path, folder, decode_bound=0.0):
    """Decoded as soundfile does; mixed and resampled as transformers does with numpy and soxr."""
    wanted, rate = soundfile.read(path, dtype="float32", always_2d=True)
    found, samples = drive(path, folder, 0)
    assert found == (rate, wanted.shape[1])
    assert samples.shape == (wanted.size,)
    np.testing.assert_allclose(samples, wanted.ravel(), rtol=0, atol=decode_bound)

    wanted = mono(wanted, rate)
    found, samples = drive(path, folder)
    assert found == (RATE, 1)
    assert samples.shape == wanted.shape
    np.testing.assert_allclose(samples, wanted, rtol=0, atol=BOUND)


@pytest.mark.parametrize("subtype", LOSSLESS)
def test_wave_subtypes(subtype, tmp_path):
    check(written(tmp_path, voice(44_100, 2), 44_100, subtype=subtype), tmp_path)


@pytest.mark.parametrize(
    "format, subtype, rate, channels, bound",
    [
        ("WAVEX", "PCM_24", 96_000, 6, 0),
        ("RF64", "PCM_16", 48_000, 2, 0),
        ("FLAC", "PCM_16", 48_000, 2, 0),
        ("FLAC", "PCM_24", 44_100, 1, 0),
        ("OGG", "VORBIS", 44_100, 2, BOUND),
        ("OGG", "OPUS", 48_000, 1, BOUND),
    ],
)
def test_containers(format, subtype, rate, channels, bound, tmp_path):
    path = written(tmp_path, voice(rate, channels), rate, format=format, subtype=subtype)
    check(path, tmp_path, bound)


def test_mp3_or_a_clear_error(tmp_path):
    if "MP3" not in soundfile.available_formats():
        pytest.skip("this soundfile writes no MP3")
    path = written(tmp_path, voice(44_100, 2), 44_100, format="MP3")
    done = run(path, tmp_path / "out.f32")
    if done.returncode == 0:
        check(path, tmp_path, BOUND)
    else:
        assert_one_clear_line(done)
        assert "libsndfile" in done.stderr


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_rates(rate, channels, tmp_path):
    check(written(tmp_path, voice(rate, channels), rate, subtype="FLOAT"), tmp_path)


@pytest.mark.parametrize("channels", [3, 5, 7, 8, 9, 16, 31])
def test_mixing_adds_as_numpy_does(channels, tmp_path):
    path = written(tmp_path, voice(RATE, channels), RATE, subtype="FLOAT")
    wanted = soundfile.read(path, dtype="float32")[0].T.mean(axis=0)
    assert np.array_equal(drive(path, tmp_path)[1], wanted)


@pytest.mark.parametrize("seconds", [0.1, 40.0])
def test_lengths(seconds, tmp_path):
    check(written(tmp_path, voice(44_100, 2, seconds), 44_100), tmp_path)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_single_sample(rate, tmp_path):
    check(written(tmp_path, np.full((1, 1), 0.5), rate), tmp_path)


def test_silence(tmp_path):
    path = written(tmp_path, np.zeros(44_100), 44_100)
    check(path, tmp_path)
    assert not drive(path, tmp_path)[1].any()


def test_values_that_are_not_finite_spread_as_in_soxr(tmp_path):
    sound = voice(44_100, 2)
    sound[5_000, 0], sound[40_000, 1] = np.nan, np.inf
    path = written(tmp_path, sound, 44_100, subtype="FLOAT")
    check(path, tmp_path)
    assert np.isnan(drive(path, tmp_path)[1]).any()


def test_the_reference_is_load_audio_of_transformers(tmp_path):
    if "backend" not in inspect.signature(load_audio).parameters:
        pytest.skip("this release of transformers does not let one choose soundfile")
    path = written(tmp_path, voice(44_100, 2)[:10_001], 44_100)
    wanted = load_audio(str(path), RATE, backend="soundfile")
    decoded, rate = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.array_equal(mono(decoded, rate), wanted)
    check(path, tmp_path)


def test_broken_files_end_in_one_clear_line(tmp_path):
    whole = {
        "wav": written(tmp_path, voice(8_000), 8_000).read_bytes(),
        "flac": written(tmp_path, voice(8_000), 8_000, format="FLAC").read_bytes(),
        "ogg": written(tmp_path, voice(8_000), 8_000, format="OGG").read_bytes(),
    }
    broken = {f"{kind}_{at:.2f}": data[: int(len(data) * at)]
              for kind, data in whole.items() for at in (0.0, 0.001, 0.2, 0.5, 0.999)}
    broken["text"] = b"not a sound\n" * 100
    broken["aiff"] = written(tmp_path, voice(8_000), 8_000, format="AIFF").read_bytes()
    broken["no_samples"] = written(tmp_path, np.zeros(0), 8_000).read_bytes()
    for name, data in broken.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert_one_clear_line(run(path, tmp_path / "out.f32"))
    assert_one_clear_line(run(tmp_path, tmp_path / "out.f32"))
    assert_one_clear_line(run(tmp_path / "missing.wav", tmp_path / "out.f32"))


def test_log_mel_data_is_what_transformers_gives():
    kept, made = load_file(log_mel_data.FILE), log_mel_data.tensors()
    assert kept.keys() == made.keys()
    for name, tensor in made.items():
        np.testing.assert_allclose(kept[name], tensor, rtol=0, atol=1e-5, err_msg=name)


def test_both_paths_of_the_extractor_agree_within_the_bound():
    """Where torch is installed its STFT runs; without it, numpy's in double precision."""
    for name, case in log_mel_data.CASES.items():
        extractor, sounds, made = log_mel_data.features(case)
        padding = {"constant_values": extractor.padding_value}
        for sound, features in zip(sounds, made["input_features"]):
            sound = sound[: extractor.n_samples]
            rest = extractor.n_samples - len(sound)
            sides = (rest, 0) if extractor.padding_side == "left" else (0, rest)
            padded = np.pad(sound, sides, **padding)
            double = extractor._np_extract_fbank_features(padded[None], "cpu")[0]
            assert np.abs(double - features).max() <= 1e-4, name


def test_do_normalize_of_the_file_has_no_effect():
    """The reason why the engine does not read it."""
    sound = log_mel_data.sound(1, 16_000)
    plain, asked = (
        WhisperFeatureExtractor(chunk_length=1, do_normalize=flag)(sound, sampling_rate=RATE)
        for flag in (False, True)
    )
    assert np.array_equal(plain["input_features"], asked["input_features"])
