"""The messages of the transformers engine, one function each."""

import contextlib
import gc
import os
import sys

from ridgeline_transformers import VERSION, compiling, devices, environment, host, knobs
from ridgeline_transformers.architectures import Kind, hears
from ridgeline_transformers.errors import EngineFailure, bad_input, unsupported
from ridgeline_transformers.fields import get, get_strings
from ridgeline_transformers.inputs import arguments_of
from ridgeline_transformers.loaded_model import DTYPES, LoadRequest, Stages, load
from ridgeline_transformers.planned_workload import (
    PlannedWorkload,
    model_inputs_of,
    read_inputs,
    to_device,
)
from ridgeline_transformers.tensors import (
    digest_of,
    outputs_of,
    read_tensors,
    shapes_of,
    write_tensors,
)
from ridgeline_transformers.verify import compare_all
from ridgeline_transformers.workload import Workload, workload_of

_MOST_NEW_TOKENS = 1 << 24

# Before transformers is imported: no network, no bars and warnings in the log.
_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TQDM_DISABLE": "1",
}


class TransformersEngine:
    """What the server asks; one request at a time, all on one thread."""

    def __init__(self):
        os.environ.update(_SETTINGS)
        self._loaded = None
        self._planned = None
        self._compile = ("off", None)  # value in force, as requested
        self._library_bytes = None

    def hello(self):
        """Name, versions, devices, abilities, knobs. Imports nothing that takes time."""
        environment.check_packages()
        return {
            "name": "transformers",
            "version": VERSION,
            "versions": environment.versions(),
            "devices": devices.list_devices(),
            "abilities": {
                "messages": [name for name in self.handlers() if name != "cost"] + ["run", "stop"],
                "dtypes": list(DTYPES),
                "modes": list(knobs.MODES),
            },
            "knobs": knobs.knobs_json(),
        }

    def handlers(self):
        """message → function of the request and of progress."""
        return {
            "load": self.load,
            "plan": self.plan,
            "cost": self.cost,
            "memory": self.memory,
            "forward": self.forward,
            "generate": self.generate,
            "verify": self.verify,
        }

    def load(self, fields, progress):
        """Reads or makes a model; whatever was there before goes first."""
        self.on_quit()
        asked = knobs.requests_of(fields)
        mode = knobs.mode_of(fields)
        compile_choice = knobs.compile_choice(mode, asked)
        attention = knobs.choice_of(asked, "attention")
        knobs.choice_of(asked, "tf32")
        request = LoadRequest.of(fields)
        outcomes = [knobs.apply_cores(asked)]
        stages = Stages()
        with stages.timed("import"):
            environment.import_framework()
        outcomes.append(knobs.apply_threads(asked))
        self._library_bytes = self._library_bytes or host.resident_bytes()
        loaded, reason = load(request, attention, stages, progress)
        outcomes.append(knobs.apply_tf32(asked, loaded.device, loaded.dtype))
        outcomes.append(knobs.attention_outcome(asked, loaded, reason))
        self._loaded, self._compile = loaded, compile_choice
        return {
            "model": loaded.describe(),
            "mode": mode,
            "stages": loaded.stages,
            "optimizations": outcomes,
        }

    def _need_model(self):
        if self._loaded is None:
            raise EngineFailure("protocol", "no model is loaded", "send `load` first")
        return self._loaded

    def _need_plan(self):
        self._need_model()
        if self._planned is None:
            raise EngineFailure("protocol", "no workload is planned", "send `plan` first")
        return self._planned

    def plan(self, fields, progress):
        """Makes inputs and phases; compiles them where that is asked for."""
        loaded = self._need_model()
        self._planned = None
        gc.unfreeze()
        asked = knobs.requests_of(fields)
        value, requested = self._compile
        if "compile" in asked and knobs.choice_of(asked, "compile") != value:
            raise bad_input(
                f"the model was loaded with compile={value}, the plan asks for {asked['compile']}"
            )
        cache = knobs.cache_choice(asked, value)
        names = get_strings(fields, "phases", "plan")
        planned = PlannedWorkload(loaded, workload_of(get(fields, "workload", "plan", dict, {})))
        planned.prepare(value, cache == "static", names, progress)
        self._planned = planned
        # What is there now stays: collections between timed calls need not look at it.
        gc.collect()
        gc.freeze()
        if planned.outcome is None:
            applied, reason = requested is not None, "" if requested else "not asked for"
            outcome = knobs.outcome("compile", requested, applied, value, reason)
        else:
            applied, value, reason = planned.outcome
            outcome = knobs.outcome("compile", requested, applied, value, reason)
        outcomes = [knobs.cache_outcome(asked, cache, loaded.generates), outcome]
        return {**planned.describe(), "optimizations": outcomes}

    def cost(self, fields, progress):
        """No ability of this engine, and no failure: the work of a model is the same in every
        engine, and the native one counts it."""
        return {"phases": None, "reason": "this engine counts no work, the native engine does"}

    def memory(self, fields, progress):
        """Runs a phase once and says what it took."""
        planned = self._need_plan()
        return planned.memory(get(fields, "phase", "memory", str), self._library_bytes)

    @contextlib.contextmanager
    def running(self, phase):
        """The runnable of a phase, in the mode in which it was prepared."""
        planned = self._need_plan()
        runnable = planned.runnable(phase)
        if not planned.compiler.is_on:
            with planned.compiler.grad_mode():
                yield runnable
            return
        with planned.compiler.grad_mode(), compiling.no_more_compiling():
            yield runnable

    def _given(self, fields, message):
        """The tensors of the file that a message names, or of its texts, pictures and sounds."""
        loaded = self._need_model()
        if fields.get("inputs") is not None:
            given = read_tensors(get(fields, "inputs", message, str))
            return to_device(loaded, model_inputs_of(loaded, given, Workload()))
        data = workload_of(fields, repeat=False)
        if not data.is_real:
            raise bad_input(f"{message}: no inputs")
        return read_inputs(loaded, data, all_windows=False)[0]

    def _outputs(self, inputs):
        """One pass of the plain model: as its outputs are, whatever the mode."""
        import torch  # noqa: PLC0415

        loaded = self._loaded
        if loaded.kind is Kind.SEQUENCE_PAIR and "decoder_input_ids" not in inputs:
            raise bad_input("input 'decoder_input_ids' is missing")
        with torch.inference_mode():
            result = outputs_of(loaded.model(**arguments_of(inputs)))
        devices.synchronize(loaded.device)
        return result

    def forward(self, fields, progress):
        """Writes all outputs of a forward pass."""
        to = get(fields, "outputs", "forward", str)
        outputs = self._outputs(self._given(fields, "forward"))
        write_tensors(to, outputs)
        return {"outputs": shapes_of(outputs), "digest": digest_of(outputs), "optimizations": []}

    def verify(self, fields, progress):
        """Compares the outputs with those in a file."""
        expected = read_tensors(get(fields, "expected", "verify", str))
        inputs = self._given(fields, "verify")
        return compare_all(self._outputs(inputs), expected, inputs)

    def generate(self, fields, progress):
        """generate() of transformers, greedy."""
        import torch  # noqa: PLC0415

        loaded = self._need_model()
        to = get(fields, "outputs", "generate", str, "")
        count = get(fields, "max_new_tokens", "generate", int)
        logits = get(fields, "logits", "generate", bool, False)
        if not 1 <= count <= _MOST_NEW_TOKENS:
            raise bad_input(f"max_new_tokens {count} is outside 1 to {_MOST_NEW_TOKENS}")
        if not loaded.generates:
            raise unsupported(
                "this architecture does not generate tokens",
                "use an architecture with a language-model head",
            )
        inputs = self._given(fields, "generate")
        options = {"max_new_tokens": count, "do_sample": False, "num_beams": 1}
        if logits:
            options.update(return_dict_in_generate=True, output_logits=True)
        with torch.inference_mode():
            made = loaded.model.generate(**arguments_of(inputs), **options)
        outputs = {"sequences": made}
        if logits:
            every = torch.stack(made["logits"], 1).float()
            # Models that hear return new tokens only, but not in this form.
            begin = -every.shape[1] if hears(loaded.model) else 0
            outputs = {"sequences": made["sequences"][:, begin:], "logits": every}
        if to:
            write_tensors(to, outputs)
        prompt = 0
        if loaded.kind is Kind.CAUSAL:
            prompt = inputs["input_ids"].shape[1]
        return {
            "outputs": shapes_of(outputs),
            "texts": self._texts(outputs["sequences"][:, prompt:]),
            "digest": digest_of(outputs),
            "optimizations": [],
        }

    def _texts(self, tokens):
        """The tokens as texts, or null where the model has no tokenizer."""
        import transformers  # noqa: PLC0415

        folder = self._loaded.reference.folder
        if not folder or not os.path.isfile(os.path.join(folder, "tokenizer_config.json")):
            return None
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:  # noqa: BLE001 - what was generated counts without it
            print(f"no texts: {type(error).__name__}: {error}")
            return None
        return tokenizer.batch_decode(tokens, skip_special_tokens=True)

    def on_quit(self):
        """Lets go of the model while everything still works."""
        had_model = self._loaded is not None
        self._planned = self._loaded = None
        if not had_model:
            return
        if "torch._dynamo" in sys.modules:  # compiled code holds the model too
            compiling.forget_compiled()
        gc.unfreeze()
        gc.collect()
        torch = sys.modules["torch"]
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
