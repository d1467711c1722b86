"""Token after token: prompt, one step behind a filled cache, and a whole greedy answer.

The cache is what users of the mode have (knob `cache`). Eager: a DynamicCache, the default of
forward() and generate(), which copies itself in every step. Compiled: a StaticCache, the only one
that keeps its shapes, as long as the tokens need and no longer (rounded up to 8: kernels want
aligned rows). A static one without compiling is there to be asked for: it is the faster one behind
long contexts on a CPU, and the slower one where masks keep attention from its best kernel.
"""

import dataclasses
import time

from ridgeline_transformers.architectures import Kind, accepts
from ridgeline_transformers.caches import (
    Snapshot,
    cache_bytes,
    decoder_config,
    dynamic_pair,
    empty_again,
    static_cache,
)
from ridgeline_transformers.errors import bad_input
from ridgeline_transformers.inputs import without_full_masks

_ALIGNED = 8
# Families whose logits are the output embedding of the last hidden state and nothing more: their
# prompt needs logits of its last token only, though forward() has no logits_to_keep.
_PLAIN_HEADS = ("whisper",)


@dataclasses.dataclass
class DecodingWork:
    """Sizes of a workload of decoding."""

    prompt_tokens: float  # without padding
    depth: int | None  # tokens in the cache of decode; None: the prompt
    new_tokens: int
    audio_seconds: float | None


def encoder_of(model, inputs):
    """(encoder, its arguments): those inputs that are not the decoder's."""
    encoder = model.get_encoder()
    own = accepts(encoder)
    names = [name for name in inputs if not name.startswith("decoder_") and name in own]
    return encoder, {name: inputs[name] for name in names}


class _Decoding:
    """What decoding has whether there is an encoder or not; prefill() and snapshot() differ."""

    cache = None
    _empty = None  # a static cache as it was before any token
    _filled = None  # what fill() gives, where a static cache was filled once

    def clear(self):
        """Before a prompt: an empty cache. Eager ones are new in every prefill()."""
        if self._empty is not None:
            self._empty.restore()

    def fill(self):
        """(logits behind the prompt, a function that restores the cache with the prompt in it)."""
        if self._filled is not None:
            return self._filled
        return self.prefill(), self.snapshot()


class CausalDecoding(_Decoding):
    """Decoding of a model that has only a decoder, bound to a prompt."""

    def __init__(self, loaded, inputs, new_tokens, compiler):
        inputs = without_full_masks(inputs)
        self._loaded = loaded
        self._model = loaded.model
        self._compiler = compiler
        self._ids = inputs["input_ids"]
        self.batch, self._length = self._ids.shape
        self._mask = inputs.get("attention_mask")
        self._steps = 0
        self._last_only = (
            {"logits_to_keep": 1} if "logits_to_keep" in accepts(loaded.model) else {}
        )
        self._prepare_padding(new_tokens)
        self._forward = self._model
        if compiler.static_cache:
            self._make_static(new_tokens)

    def _prepare_padding(self, new_tokens):
        """Positions as generate() derives them: padding does not count."""
        import torch  # noqa: PLC0415

        if self._mask is None:
            return
        counted = self._mask.ne(0).long().cumsum(1) - 1
        self._positions = counted.masked_fill(self._mask.eq(0), 0)
        self._next = counted[:, -1:] + 1
        room = _aligned(self._length + new_tokens) - self._length
        self._whole_mask = torch.cat([self._mask, self._mask.new_ones((self.batch, room))], 1)

    def _make_static(self, new_tokens):
        """An eager pass allocates the cache, which is how transformers marks its addresses."""
        self.cache = static_cache(self._loaded, _aligned(self._length + new_tokens))
        self._filled = self.prefill(), self.snapshot()
        self._empty = empty_again(self.cache)
        sliding = any(getattr(layer, "is_sliding", False) for layer in self.cache.layers)
        self._forward = self._compiler.wrap(self._model.forward, sliding)

    def encode(self):
        """There is no encoder."""

    def _padding(self, prompt):
        """Arguments that only padded prompts need."""
        if self._mask is None:
            return {}
        seen = self._length + self._steps
        mask = self._whole_mask if self._compiler.static_cache else self._whole_mask[:, :seen]
        positions = self._positions if prompt else self._next + (self._steps - 1)
        return {"attention_mask": mask, "position_ids": positions}

    def prefill(self):
        """Logits [batch, vocabulary] of the last token of the prompt."""
        self._steps = 0
        cache = self.cache if self._compiler.static_cache else None
        output = self._forward(
            input_ids=self._ids,
            past_key_values=cache,
            use_cache=True,
            **self._last_only,
            **self._padding(prompt=True),
        )
        self.cache = output.past_key_values
        return output.logits[:, -1]

    def step(self, token):
        """Logits [batch, vocabulary] behind one more token [batch, 1]."""
        self._steps += 1
        output = self._forward(
            input_ids=token,
            past_key_values=self.cache,
            use_cache=True,
            **self._last_only,
            **self._padding(prompt=False),
        )
        return output.logits[:, -1]

    def snapshot(self):
        """A function that puts cache and count back to what they are now."""
        kept, steps = Snapshot(self.cache), self._steps

        def restore():
            self._steps = steps
            kept.restore()

        return restore


class PairDecoding(_Decoding):
    """Decoding of a model with an encoder, bound to its inputs and start tokens."""

    def __init__(self, loaded, inputs, new_tokens, compiler):
        inputs = without_full_masks(inputs)
        self._loaded = loaded
        self._model = loaded.model
        self._compiler = compiler
        self._ids = inputs["decoder_input_ids"]
        self.batch, length = self._ids.shape
        most = getattr(loaded.model.config, "max_target_positions", None)
        # The last new token is not fed back.
        if most is not None and length + new_tokens - 1 > most:
            raise bad_input(
                f"{length} prompt and {new_tokens} new tokens are more than the decoder's {most} "
                "positions"
            )
        self._encoder, self._encoder_inputs = encoder_of(loaded.model, inputs)
        mask = inputs.get("attention_mask") if "input_ids" in inputs else None
        self._seen = {} if mask is None else {"attention_mask": mask}
        self._config = decoder_config(loaded)
        self._plain_head = loaded.family in _PLAIN_HEADS
        self._encode = self._encoder
        self._decoder = self._model.get_decoder()
        self._forward = self._model
        self._encoded = None
        if compiler.static_cache:
            self._make_static(_aligned(length + new_tokens))

    def _make_static(self, capacity):
        import torch  # noqa: PLC0415

        self.encode()
        hidden = self._encoded.last_hidden_state.clone()
        if self._compiler.is_on:
            torch._dynamo.mark_static_address(hidden)
        self._encoded = type(self._encoded)(last_hidden_state=hidden)
        self.cache = static_cache(self._loaded, capacity, encoded_positions=hidden.shape[1])
        self._filled = self.prefill(), self.snapshot()
        self._empty = empty_again(self.cache)
        self._encode = self._compiler.wrap(self._encoder.forward)
        self._decoder = self._compiler.wrap(self._decoder.forward)
        self._forward = self._compiler.wrap(self._model.forward)

    def encode(self):
        """Runs the encoder; prefill() looks at what it made."""
        encoded = self._encode(**self._encoder_inputs)
        if self._empty is None:
            self._encoded = encoded
        else:
            # Out of memory that CUDA graphs use again, to where compiled code looks.
            self._encoded.last_hidden_state.copy_(encoded.last_hidden_state)

    def prefill(self):
        """Logits [batch, vocabulary] of the last start token; cross-attention's cache is filled."""
        cache = self.cache if self._compiler.static_cache else dynamic_pair(self._config)
        if self._plain_head:
            output = self._decoder(
                input_ids=self._ids,
                encoder_hidden_states=self._encoded.last_hidden_state,
                past_key_values=cache,
                use_cache=True,
            )
            head = self._model.get_output_embeddings()
            logits = head(output.last_hidden_state[:, -1])
        else:
            output = self._forward(
                encoder_outputs=self._encoded,
                decoder_input_ids=self._ids,
                past_key_values=cache,
                use_cache=True,
                **self._seen,
            )
            logits = output.logits[:, -1]
        self.cache = output.past_key_values
        return logits

    def step(self, token):
        """Logits [batch, vocabulary] behind one more token [batch, 1]."""
        output = self._forward(
            encoder_outputs=self._encoded,
            decoder_input_ids=token,
            past_key_values=self.cache,
            use_cache=True,
            **self._seen,
        )
        return output.logits[:, -1]

    def snapshot(self):
        """A function that puts the cache back to what it is now."""
        return Snapshot(self.cache).restore


def _aligned(tokens):
    return -(-tokens // _ALIGNED) * _ALIGNED


def _deep_inputs(loaded, inputs, depth):
    """Inputs with the prompt over and over up to `depth`, so that the cache holds real tokens."""
    name = "decoder_input_ids" if loaded.kind is Kind.SEQUENCE_PAIR else "input_ids"
    ids = inputs[name]
    length = ids.shape[1]
    if depth in (None, length):
        return inputs
    repeats = -(-depth // length)
    deep = ids.repeat(1, repeats)[:, :depth].contiguous()
    if loaded.kind is Kind.SEQUENCE_PAIR:
        return {**inputs, name: deep}
    return {name: deep}


def _prefill_phase(decoding, work, compiler, phase_class):
    def restore():
        decoding.clear()
        compiler.begin_step()

    def call():
        return {"logits": decoding.prefill()}

    held = cache_bytes(decoding.cache) if compiler.static_cache else 0
    return phase_class(
        "prefill", "token", {"token": work.prompt_tokens}, call, restore, cache_bytes=held
    )


def _decode_phase(decoding, compiler, phase_class):
    logits, back = decoding.fill()
    token = logits.argmax(-1, keepdim=True)

    def restore():
        back()
        compiler.begin_step()

    def call():
        return {"logits": decoding.step(token)}

    items = {"token": float(decoding.batch)}
    return phase_class(
        "decode", "token", items, call, restore, cache_bytes=cache_bytes(decoding.cache)
    )


def _generate_phase(decoding, work, device, compiler, phase_class):
    """Greedy search written out over forward calls, without generate()'s own bookkeeping: the exact
    number of tokens, each fetched by the host as it comes."""
    import torch  # noqa: PLC0415

    batch, count = decoding.batch, work.new_tokens
    tokens = torch.empty((batch, count), dtype=torch.int64, device=device)
    times = []
    now = time.monotonic_ns
    on_device = device.type != "cpu"

    def call():
        times.clear()
        decoding.encode()
        compiler.begin_step()
        token = decoding.prefill().argmax(-1, keepdim=True)
        for index in range(count):
            if index > 0:
                compiler.begin_step()
                token = decoding.step(token).argmax(-1, keepdim=True)
            tokens[:, index : index + 1] = token
            if on_device:
                token.cpu()
            times.append(now())
        return {"sequences": tokens}

    def restore():
        decoding.clear()
        compiler.begin_step()

    items = {"token": float(batch * count), "sequence": float(batch)}
    if work.audio_seconds:
        items["audio_second"] = work.audio_seconds
    return phase_class(
        "generate", "token", items, call, restore,
        token_times=times,
        tokens_per_call=count,
        cache_bytes=cache_bytes(decoding.cache) if compiler.static_cache else 0,
    )  # fmt: skip


def decoding_phases(loaded, inputs, work, compiler, phase_class):
    """prefill, decode and generate; caches are allocated and filled."""
    kind = PairDecoding if loaded.kind is Kind.SEQUENCE_PAIR else CausalDecoding
    prompt = kind(loaded, inputs, work.new_tokens, compiler)
    if not compiler.static_cache:
        prompt.encode()  # for prefill, which starts behind it
    # The first new token comes from the prompt, the second from the step that is timed.
    behind = kind(loaded, _deep_inputs(loaded, inputs, work.depth), 2, compiler)
    if not compiler.static_cache:
        behind.encode()
    return [
        _prefill_phase(prompt, work, compiler, phase_class),
        _decode_phase(behind, compiler, phase_class),
        _generate_phase(prompt, work, loaded.device, compiler, phase_class),
    ]
