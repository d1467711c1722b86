"""What a workload asks for, as engines/native/engine/planned_workload.cpp reads it."""

import dataclasses

from ridgeline_transformers.fields import get, get_size, get_strings

_LARGEST_BATCH = 1 << 20
_LONGEST_SEQUENCE = 1 << 24
_LARGEST_IMAGE = 1 << 14
_LONGEST_SOUND = 24 * 3600
_WHAT = "workload"


@dataclasses.dataclass
class Workload:
    """Sizes and data; models read what applies to them."""

    batch: int = 1
    sequence: int = 128
    depth: int | None = None  # tokens in the cache of `decode`; else `sequence`
    new_tokens: int = 32  # of `generate`, exact
    image_size: int | None = None  # pixels of a side; else the model's own
    audio_seconds: float | None = None  # real sound in a window; else the whole window
    text: list = dataclasses.field(default_factory=list)
    image: list = dataclasses.field(default_factory=list)
    audio: list = dataclasses.field(default_factory=list)
    chat: bool = False
    seed: int = 0
    total_audio_seconds: float | None = None  # set with real inputs: sound without padding

    @property
    def is_real(self):
        """Whether the inputs come from the user's own data."""
        return bool(self.text or self.image or self.audio)


def workload_of(fields, repeat=True):
    """Reads a workload; with `repeat`, rows of data are repeated in turn up to the batch."""
    seconds = get_size(fields, "audio_seconds", _WHAT, _LONGEST_SOUND)
    workload = Workload(
        batch=get_size(fields, "batch", _WHAT, _LARGEST_BATCH, 1),
        sequence=get_size(fields, "sequence", _WHAT, _LONGEST_SEQUENCE, 128),
        depth=get_size(fields, "depth", _WHAT, _LONGEST_SEQUENCE),
        new_tokens=get_size(fields, "new_tokens", _WHAT, _LONGEST_SEQUENCE, 32),
        image_size=get_size(fields, "image_size", _WHAT, _LARGEST_IMAGE),
        audio_seconds=None if seconds is None else float(seconds),
        text=get_strings(fields, "text", _WHAT),
        image=get_strings(fields, "image", _WHAT),
        audio=get_strings(fields, "audio", _WHAT),
        chat=get(fields, "chat", _WHAT, bool, False),
        seed=get(fields, "seed", _WHAT, int, 0),
    )
    if repeat:
        # The data are the batch; a larger batch repeats them in turn.
        given = max(len(workload.text), len(workload.image), len(workload.audio))
        workload.batch = max(workload.batch, given)
        for rows in (workload.text, workload.image, workload.audio):
            count = len(rows)
            rows += [rows[i % count] for i in range(count, workload.batch) if count]
    return workload
