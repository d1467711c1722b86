"""A workload bound to a loaded model: inputs in place, phases ready to be called."""

import time

from ridgeline_transformers import compiling, host, inputs as model_inputs, memory
from ridgeline_transformers.architectures import Kind, hears
from ridgeline_transformers.devices import timer_of
from ridgeline_transformers.errors import bad_input
from ridgeline_transformers.phases import Phase, make_phases
from ridgeline_transformers.processors import Processor
from ridgeline_transformers.tensors import bytes_of, digest_of, outputs_of
from ridgeline_transformers.timed_loop import Runnable
from ridgeline_transformers.whisper_start import start_tokens


def detect_language(loaded, features, first, languages):
    """The likeliest of the known languages behind the start token, for each row."""
    import torch  # noqa: PLC0415

    start = torch.full((features.shape[0], 1), first, device=loaded.device)
    logits = loaded.model(input_features=features, decoder_input_ids=start).logits[:, 0]
    known = torch.tensor(languages, device=loaded.device)
    return known[logits.index_select(1, known).argmax(-1)]


def with_start_tokens(loaded, given):
    """Completes inputs of models whose decoder starts with tokens of its own."""
    import torch  # noqa: PLC0415

    main = given[loaded.model.main_input_name]
    config, generation = loaded.model.config, loaded.model.generation_config
    if hears(loaded.model):
        tokens = start_tokens(
            generation, config, lambda *found: detect_language(loaded, main, *found)
        )
    else:
        first = getattr(config, "decoder_start_token_id", None)
        if first is None:
            raise bad_input("config.json names no decoder_start_token_id")
        tokens = [first]
    vocabulary = config.vocab_size
    columns = []
    for token in tokens:
        if isinstance(token, int):
            if not 0 <= token < vocabulary:
                raise bad_input(
                    f"the generation config names token {token}, the model has {vocabulary}"
                )
            token = torch.full((main.shape[0],), token, device=loaded.device)
        columns.append(token)
    return {**given, "decoder_input_ids": torch.stack(columns, 1)}


def read_inputs(loaded, workload, all_windows):
    """(tensors on the device, seconds of sound) of a workload's texts, pictures and sounds."""
    made, seconds = Processor(loaded, workload)(workload, all_windows)
    return to_device(loaded, model_inputs_of(loaded, made, workload)), seconds


def model_inputs_of(loaded, given, workload):
    """Tensors of a user, checked."""
    specs = model_inputs.shape_specs(loaded, given, workload)
    return model_inputs.check_inputs(loaded, specs, given)


def to_device(loaded, tensors):
    """The same on the model's device."""
    return {name: tensor.to(loaded.device) for name, tensor in tensors.items()}


class PlannedWorkload:
    """Inputs, phases, and what is said about them. Made by plan()."""

    def __init__(self, loaded, workload):
        self.loaded = loaded
        self.workload = workload
        self.compiler = compiling.Plain()
        self.outcome = None  # of the knob `compile`
        self._compile_ns = None
        self._processor = None
        begin = time.monotonic_ns()
        # As models will see them: neither kind of inputs may be made under another mode.
        self.inputs = self._make_inputs()
        self._inputs_ns = time.monotonic_ns() - begin
        self.phases = []

    def _make_inputs(self):
        if self.workload.is_real:
            return self._real_inputs()
        specs = model_inputs.input_specs(self.loaded, self.workload)
        made = model_inputs.synthetic_inputs(specs, self.workload.seed, self.loaded.dtype)
        return to_device(self.loaded, made)

    def _real_inputs(self):
        import torch  # noqa: PLC0415

        loaded, workload = self.loaded, self.workload
        self._processor = Processor(loaded, workload)
        made, workload.total_audio_seconds = self._processor(workload, all_windows=True)
        made = {name: made[name] for name in made if name in self._accepted()}
        sizes = model_inputs.sizes_of(loaded, made, workload)
        workload.batch, workload.sequence = sizes.batch, sizes.sequence
        # Pictures of another size than the model's need its positions interpolated.
        if workload.image_size and "interpolate_pos_encoding" in self._accepted():
            made["interpolate_pos_encoding"] = torch.ones((), dtype=torch.bool)
        checked = to_device(loaded, model_inputs_of(loaded, made, workload))
        if loaded.kind is Kind.SEQUENCE_PAIR and loaded.generates:
            with torch.no_grad():
                checked = with_start_tokens(loaded, checked)
            workload.sequence = checked["decoder_input_ids"].shape[1]
        return checked

    def _accepted(self):
        return model_inputs.accepts(self.loaded.model)

    def prepare(self, value, static_cache, names, progress):
        """Makes the phases (of `names` only, when there are any) and compiles them if asked to."""
        reason = ""
        if value != "off":
            compiling.forget_compiled()
        for whole in (True, False):
            self.compiler = compiling.compiler_of(value, self.loaded.device, whole, static_cache)
            begin = time.monotonic_ns()
            with self.compiler.grad_mode():
                self.phases = self._make_phases(names)
                if not self.compiler.is_on:
                    return
                try:
                    compiling.first_calls(self.phases, progress, whole)
                except compiling.GraphBreak as error:
                    reason = str(error)
                    compiling.forget_compiled()
                    continue
            self._compile_ns = time.monotonic_ns() - begin
            break
        self.outcome = compiling.outcome_reason(value, self.loaded.device, reason)

    def _make_phases(self, names):
        phases = make_phases(self.loaded, self.inputs, self.workload, self.compiler)
        phases = self._with_preprocess(phases)
        wanted = [phase for phase in phases if not names or phase.name in names]
        if not wanted:
            known = ", ".join(phase.name for phase in phases)
            raise bad_input("the model has none of the phases asked for", "it has " + known)
        return wanted

    def _with_preprocess(self, phases):
        """Real data have a phase of their own, and answers to them start with it."""
        if self._processor is None:
            return phases
        items = {}
        for phase in phases:
            if phase.token_times is None:
                # Each unit once: a pair of text and picture has both.
                items.update({k: v for k, v in phase.items.items() if k not in items})

        def prepare():
            return self._processor(self.workload, all_windows=True)[0]

        for phase in phases:
            if phase.token_times is not None:
                phase.call = _after(prepare, phase.call)
        first = Phase("preprocess", phases[0].unit, items, prepare, host_work=True)
        return [first, *phases]

    def phase(self, name):
        """The phase of that name; an error where there is none."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise bad_input(f"no phase '{name[:80]}' is planned")

    def runnable(self, name):
        """What to time."""
        phase = self.phase(name)
        return Runnable(
            call=phase.call,
            items=next(iter(phase.items.values())),
            restore=phase.restore,
            timer=None if phase.host_work else timer_of(self.loaded.device),
            token_times=phase.token_times,
        )

    def _size_in(self, name, dimension):
        tensor = self.inputs.get(name)
        return None if tensor is None else tensor.shape[dimension]

    def _actual_workload(self):
        """The sizes that the model really works on; null where it has no such size."""
        sequence = self._size_in("input_ids", 1)
        if sequence is None or "decoder_input_ids" in self.inputs:
            sequence = self._size_in("decoder_input_ids", 1) or sequence
        actual = {"batch": self.workload.batch, "sequence": sequence}
        if self.loaded.generates:
            actual["depth"] = self.workload.depth or sequence
            actual["new_tokens"] = self.workload.new_tokens
        height, width = self._size_in("pixel_values", -2), self._size_in("pixel_values", -1)
        if height is not None:
            actual["image_size"] = height if height == width else [height, width]
        if self.workload.total_audio_seconds is not None:
            actual["audio_seconds"] = self.workload.total_audio_seconds
        return actual

    def describe(self):
        """The fields of the planned reply, but for the optimisations."""
        stages = [{"name": "inputs", "ns": self._inputs_ns}]
        fields = {
            "phases": [phase.describe() for phase in self.phases],
            "workload": self._actual_workload(),
            "inputs": {
                "digest": digest_of(self.inputs),
                "synthetic": not self.workload.is_real,
            },
            "stages": stages,
        }
        if self._compile_ns is not None:
            stages.append({"name": "compile", "ns": self._compile_ns})
            fields["compile"] = compiling.summary()
        return fields

    def memory(self, name, library_bytes):
        """The memory reply for a phase: runs it once."""
        phase = self.phase(name)

        def call():
            output = phase.call()
            phase.wait()
            return output

        with self.compiler.grad_mode():
            phase.restore()
            output, use = memory.measure(call, self.loaded.device)
        outputs = outputs_of(output)
        weights, given = self.loaded.weight_bytes, bytes_of(self.inputs)
        peak = use["activations_peak"]
        total = None if peak is None else weights + phase.cache_bytes + given + peak
        return {
            "tracked": {
                "weights": weights,
                "packed": 0,
                "cache": phase.cache_bytes,
                "inputs": given,
                "outputs": bytes_of(outputs),
                "activations_peak": peak,
                "peak": total,
                "reserved": use["reserved"],
            },
            "reason": use["reason"],
            "resident": {
                "library": library_bytes,
                "now": host.resident_bytes(),
                "peak": host.peak_resident_bytes(),
            },
            "outputs": {"digest": digest_of(outputs)},
        }


def _after(first, then):
    """A call of both; what the second gives."""

    def call():
        first()
        return then()

    return call
