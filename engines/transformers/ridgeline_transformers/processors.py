"""From the user's texts, pictures and sounds to tensors, by the processors of transformers.

As `ridgeline prepare` has it: tokenizers with truncation, and padding when there are several texts;
pictures by the PIL processor; long sounds in windows that follow each other.
"""

import os

from ridgeline_transformers.architectures import hears
from ridgeline_transformers.environment import require
from ridgeline_transformers.errors import (
    EngineFailure,
    bad_input,
    failure_of,
    one_line,
    unsupported,
)

_MOST_PIXELS = 1 << 27


def _opened(what, loaded, open_it):
    """The result of `open_it`; what transformers says against it is one clear line."""
    try:
        return open_it()
    except EngineFailure:
        raise
    except Exception as error:  # noqa: BLE001 - files from strangers fail in many ways
        failure = failure_of(error)
        if failure.error_class.startswith("oom"):
            raise failure from error
        name, reason = loaded.reference.reference, one_line(error)
        raise bad_input(f"{name}: transformers finds no {what} to use: {reason}") from error


def _need_folder(loaded, what, remedy):
    if not loaded.reference.folder:
        raise bad_input(f"preset '{loaded.reference.reference}' has no {what}", remedy)


class _Texts:
    def __init__(self, loaded, workload):
        import transformers  # noqa: PLC0415

        remedy = "give a model folder or a downloaded model for real text"
        _need_folder(loaded, "tokenizer", remedy)
        folder = loaded.reference.folder
        names = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json")
        if not any(os.path.isfile(os.path.join(folder, name)) for name in names):
            raise bad_input(f"{folder} has no tokenizer (tokenizer.json)", remedy)
        self._tokenizer = _opened(
            "tokenizer", loaded,
            lambda: transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True),
        )  # fmt: skip
        self._chat = workload.chat

    def __call__(self, texts):
        if self._chat:
            turns = [[{"role": "user", "content": text}] for text in texts]
            # A rendered conversation has its special tokens written out.
            texts = [
                self._tokenizer.apply_chat_template(
                    turn, tokenize=False, add_generation_prompt=True
                )
                for turn in turns
            ]
        encoded = self._tokenizer(
            texts,
            padding=len(texts) > 1,
            truncation=True,
            add_special_tokens=not self._chat,
            return_tensors="pt",
        )
        return dict(encoded)


class _Pictures:
    def __init__(self, loaded, workload):
        self._pil = require("PIL.Image", "reading pictures")
        processor = _opened("image processor", loaded, lambda: self._find(loaded))
        if workload.image_size is not None:
            _resize(processor, workload.image_size, workload.image_size)
        self._processor = processor

    @staticmethod
    def _find(loaded):
        import transformers  # noqa: PLC0415

        folder = loaded.reference.folder
        if folder:
            return transformers.AutoImageProcessor.from_pretrained(
                folder, backend="pil", local_files_only=True
            )
        found = transformers.IMAGE_PROCESSOR_MAPPING[type(loaded.config)]
        processor = (found["pil"] if isinstance(found, dict) else found[0])()
        vision = getattr(loaded.config, "vision_config", None) or loaded.config
        if (size := getattr(vision, "image_size", None)) is not None:
            height, width = size if isinstance(size, (list, tuple)) else (size, size)
            _resize(processor, height, width)
        return processor

    def __call__(self, paths):
        from transformers.image_utils import load_image  # noqa: PLC0415

        self._pil.MAX_IMAGE_PIXELS = _MOST_PIXELS
        pictures = []
        for path in paths:
            if not os.path.isfile(path):
                raise bad_input(f"{path}: no such file")
            try:
                pictures.append(load_image(path))
            except Exception as error:  # noqa: BLE001 - pictures of strangers
                raise bad_input(f"{path}: {one_line(error)}") from error
        made = self._processor(pictures, return_tensors="pt")
        return {"pixel_values": made["pixel_values"]}


def _resize(processor, height, width):
    """Makes the processor's pictures that large, whatever it does besides."""
    exact = {"height": height, "width": width}
    crops = bool(getattr(processor, "do_center_crop", False))
    by_edge = crops and "shortest_edge" in dict(processor.size or {})
    processor.do_resize = True
    processor.size = {"shortest_edge": max(height, width)} if by_edge else exact
    if crops:
        processor.crop_size = exact


class _Sounds:
    def __init__(self, loaded):
        import transformers  # noqa: PLC0415

        if not hears(loaded.model):
            raise unsupported(f"{loaded.reference.reference} takes no sound", "leave --audio out")
        self._soundfile = require("soundfile", "reading sounds")
        folder = loaded.reference.folder
        files = ("preprocessor_config.json", "processor_config.json")
        has_file = folder and any(os.path.isfile(os.path.join(folder, name)) for name in files)
        if has_file:
            self._extractor = _opened(
                "feature extractor", loaded,
                lambda: transformers.AutoFeatureExtractor.from_pretrained(
                    folder, local_files_only=True
                ),
            )  # fmt: skip
        else:
            self._extractor = _opened("feature extractor", loaded, lambda: self._default(loaded))

    @staticmethod
    def _default(loaded):
        """For a config alone: the family's extractor, with a window that fills the encoder."""
        import transformers  # noqa: PLC0415

        config = loaded.model.config
        extractor = transformers.FEATURE_EXTRACTOR_MAPPING[type(config)]
        positions = getattr(config, "max_source_positions", None)
        if positions is None:
            return extractor()
        made = extractor(feature_size=config.num_mel_bins)
        # What a chunk of whole seconds cannot say: two frames a position.
        made.n_samples = 2 * positions * made.hop_length
        made.nb_max_frames = 2 * positions
        return made

    def _read(self, path):
        if not os.path.isfile(path):
            raise bad_input(f"{path}: no such file")
        try:
            sound, rate = self._soundfile.read(path, dtype="float32", always_2d=True)
        except Exception as error:  # noqa: BLE001 - sounds of strangers
            raise bad_input(f"{path}: {one_line(error)}") from error
        mono = sound.mean(axis=1)
        wanted = self._extractor.sampling_rate
        if rate == wanted:
            return mono
        return require("soxr", "resampling sounds").resample(mono, rate, wanted, quality="HQ")

    def __call__(self, paths, all_windows):
        """(tensors, seconds of sound)."""
        window = getattr(self._extractor, "n_samples", None)
        rows = []
        for path in paths:
            sound = self._read(path)
            if window is None:
                rows.append(sound)
                continue
            last = len(sound) if all_windows else window
            rows += [sound[at : at + window] for at in range(0, max(last, 1), window)]
        seconds = sum(len(row) for row in rows) / self._extractor.sampling_rate
        made = self._extractor(
            rows, sampling_rate=self._extractor.sampling_rate, return_tensors="pt",
            **({} if window else {"padding": True}),
        )  # fmt: skip
        return dict(made), seconds


class Processor:
    """Holds what the data of one workload need."""

    def __init__(self, loaded, workload):
        self._texts = _Texts(loaded, workload) if workload.text else None
        self._pictures = _Pictures(loaded, workload) if workload.image else None
        self._sounds = _Sounds(loaded) if workload.audio else None

    def __call__(self, workload, all_windows):
        """(tensors by name, seconds of real sound or None), read from the files again."""
        tensors, seconds = {}, None
        if self._texts:
            tensors.update(self._texts(workload.text))
        if self._pictures:
            tensors.update(self._pictures(workload.image))
        if self._sounds:
            heard, seconds = self._sounds(workload.audio, all_windows)
            tensors.update(heard)
        return tensors, seconds
