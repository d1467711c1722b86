"""What `ridgeline run` measures of a model: named pieces of work with units, as the native engine's
families have them."""

import dataclasses
from collections.abc import Callable

from ridgeline_transformers.architectures import Kind
from ridgeline_transformers.decoding import DecodingWork, decoding_phases, encoder_of
from ridgeline_transformers.devices import synchronize
from ridgeline_transformers.errors import bad_input
from ridgeline_transformers.inputs import arguments_of, window_positions, without_full_masks

_SECONDS_A_POSITION = 0.02  # of encoders that halve frames of 10 ms


def _nothing():
    pass


@dataclasses.dataclass
class Phase:
    """A named, repeatable piece of work on fixed inputs."""

    name: str
    unit: str
    items: dict  # unit → items a call; the first is the phase's own
    call: Callable
    restore: Callable = _nothing  # untimed, before each call
    wait: Callable = _nothing  # until the device is done
    token_times: list | None = None  # of phases that emit token by token
    tokens_per_call: int = 0
    cache_bytes: int = 0  # caches that are there before the call
    host_work: bool = False  # no work of the model: preprocessing

    def describe(self):
        """An entry of "phases" in the planned reply."""
        return {
            "name": self.name,
            "unit": self.unit,
            "items": self.items,
            "growing": False,
            "tokens_per_call": self.tokens_per_call,
        }


def _tokens(ids, mask):
    """Tokens that are no padding."""
    return float(ids.numel() if mask is None else int(mask.ne(0).sum()))


def _text_items(inputs):
    ids = inputs["input_ids"]
    tokens = _tokens(ids, inputs.get("attention_mask"))
    return {"sequence": float(ids.shape[0]), "token": tokens}


class _Maker:
    """Makes the phases of one workload."""

    def __init__(self, loaded, inputs, workload, compiler):
        self.loaded = loaded
        self.model = loaded.model
        self.inputs = inputs
        self.workload = workload
        self.compiler = compiler

    def phase(self, name, items, function, arguments):
        """A phase that calls `function` with keyword arguments, compiled if that is asked for."""
        called = self.compiler.wrap(function)
        if not self.compiler.is_on:
            called = self.model if function == self.model.forward else function

        return Phase(
            name=name,
            unit=next(iter(items)),
            items=items,
            call=lambda: called(**arguments),
            restore=self.compiler.begin_step,
        )

    def forward(self, items):
        """The whole forward pass."""
        arguments = arguments_of(without_full_masks(self.inputs))
        return self.phase("forward", items, self.model.forward, arguments)

    def main_rows(self):
        """Rows of the model's main input."""
        return float(self.inputs[self.model.main_input_name].shape[0])

    def seconds(self):
        """Of real sound in all rows; None where the model does not hear."""
        workload = self.workload
        if workload.total_audio_seconds is not None:
            return workload.total_audio_seconds
        name = self.model.main_input_name
        if name == "input_values":
            rate = getattr(self.model.config, "sampling_rate", 16_000)
            return self.inputs[name].numel() / rate
        positions = window_positions(self.loaded)
        if name != "input_features" or positions is None:
            return None
        window = _SECONDS_A_POSITION * positions
        if (workload.audio_seconds or 0) > window:
            raise bad_input(
                f"audio_seconds {workload.audio_seconds:g} is longer than the model's window of "
                f"{window:g} s",
                "give more --batch for longer sounds",
            )
        return (workload.audio_seconds or window) * self.main_rows()

    def text(self):
        """One pass over tokens."""
        return [self.forward(_text_items(self.inputs))]

    def image(self):
        """One pass over pictures."""
        return [self.forward({"image": self.main_rows()})]

    def sound(self):
        """One pass over sound."""
        items = {"window": self.main_rows()}
        if (seconds := self.seconds()) is not None:
            items["audio_second"] = seconds
        return [self.forward(items)]

    def pair(self):
        """Each tower alone, then both."""
        inputs = without_full_masks(self.inputs)
        images = {"image": float(inputs["pixel_values"].shape[0])}
        texts = _text_items(self.inputs)
        image_names = ("pixel_values", "interpolate_pos_encoding")
        text_inputs = {k: v for k, v in inputs.items() if k not in image_names}
        image_inputs = arguments_of({k: v for k, v in inputs.items() if k in image_names})
        return [
            self.phase("encode_text", texts, self.model.get_text_features, text_inputs),
            self.phase("encode_image", images, self.model.get_image_features, image_inputs),
            self.forward({**images, **texts}),
        ]

    def causal(self):
        """Prompt, one token, and a whole answer."""
        tokens = _text_items(self.inputs)["token"]
        work = DecodingWork(tokens, self.workload.depth, self.workload.new_tokens, None)
        return decoding_phases(self.loaded, self.inputs, work, self.compiler, Phase)

    def sequence_pair(self):
        """The encoder, then what the decoder does with it."""
        encoder, arguments = encoder_of(self.model, without_full_masks(self.inputs))
        seconds = self.seconds()
        if "input_ids" in self.inputs:
            items = _text_items(self.inputs)
        else:
            items = {"window": self.main_rows()}
            items.update({} if seconds is None else {"audio_second": seconds})
        first = self.phase("encode", items, encoder.forward, arguments)
        ids = self.inputs.get("decoder_input_ids")
        if ids is None:
            raise bad_input("input 'decoder_input_ids' is missing")
        if not self.loaded.generates:
            whole = {next(iter(items)): self.main_rows(), "token": float(ids.numel())}
            return [first, self.forward(whole)]
        work = DecodingWork(
            float(ids.numel()), self.workload.depth, self.workload.new_tokens, seconds
        )
        return [first, *decoding_phases(self.loaded, self.inputs, work, self.compiler, Phase)]


def make_phases(loaded, inputs, workload, compiler):
    """The phases in order; caches are allocated and filled. Call it in the compiler's grad mode."""
    maker = _Maker(loaded, inputs, workload, compiler)
    makers = {
        Kind.TEXT: maker.text,
        Kind.CAUSAL: maker.causal,
        Kind.IMAGE: maker.image,
        Kind.PAIR: maker.pair,
        Kind.SOUND: maker.sound,
        Kind.SEQUENCE_PAIR: maker.sequence_pair,
    }
    phases = makers[loaded.kind]()
    for phase in phases:
        phase.wait = lambda: synchronize(loaded.device)
    return phases
