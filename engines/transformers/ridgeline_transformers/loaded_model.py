"""Loading: reference → config → class → modules and weights on a device."""

import contextlib
import dataclasses
import time
import traceback

from ridgeline_transformers import architectures, devices, host, model_reference
from ridgeline_transformers.errors import (
    EngineFailure,
    bad_input,
    failure_of,
    one_line,
    unsupported,
)
from ridgeline_transformers.fields import get
from ridgeline_transformers.synthetic_weights import fill_model

DTYPES = ("float32", "bfloat16", "float16")


@dataclasses.dataclass
class LoadRequest:
    """The fields of "load"."""

    model: str
    architecture: str
    weights: str
    dtype: str
    device: str
    seed: int
    config: dict | None

    @staticmethod
    def of(fields):
        """The fields, checked as far as their types go."""
        return LoadRequest(
            model=get(fields, "model", "load", str),
            architecture=get(fields, "architecture", "load", str, ""),
            weights=get(fields, "weights", "load", str, "auto"),
            dtype=get(fields, "dtype", "load", str, "float32"),
            device=get(fields, "device", "load", str, "cpu"),
            seed=get(fields, "seed", "load", int, 0),
            config=get(fields, "config", "load", dict, None),
        )


class Stages:
    """Named parts of loading with the time of each, in the order in which they first begin."""

    def __init__(self):
        self._ns = {}

    @contextlib.contextmanager
    def timed(self, name):
        """Adds the time of what is inside to one stage."""
        self._ns.setdefault(name, 0)
        begin = time.monotonic_ns()
        yield
        self._ns[name] += time.monotonic_ns() - begin

    def json(self):
        """[{"name", "ns"}], for replies."""
        return [{"name": name, "ns": ns} for name, ns in self._ns.items()]

    def forget(self, *names):
        """Drops stages that were in vain."""
        for name in names:
            self._ns.pop(name, None)


def dtype_of(name):
    """The torch.dtype of "float32", "bfloat16" or "float16"."""
    import torch  # noqa: PLC0415

    if name not in DTYPES:
        raise bad_input(f"unknown dtype '{name[:80]}'", "use float32, bfloat16 or float16")
    return getattr(torch, name)


def _choose_weights(asked, folder, reference):
    if asked == "auto":
        return "checkpoint" if folder else "synthetic"
    if asked == "meta":
        raise unsupported("the transformers engine has no meta weights", "use the native engine")
    if asked not in ("checkpoint", "synthetic"):
        raise bad_input(f"unknown weights '{asked[:80]}'", "use auto, checkpoint or synthetic")
    if asked == "checkpoint" and not folder:
        raise bad_input(
            f"preset '{reference}' has no weights of its own",
            "give a folder or a downloaded model, or use --weights synthetic",
        )
    return asked


def _config_for(model_class, whole):
    """`whole`, or the part of it that the class is made for (a tower of a larger model)."""
    wanted = model_class.config_class
    if wanted is None or isinstance(whole, wanted):
        return whole
    parts = (getattr(whole, name, None) for name in ("text_config", "vision_config"))
    return next((part for part in parts if isinstance(part, wanted)), whole)


def read_config(reference, model_class):
    """The config object of a class, from a folder or from the object that came along."""
    import transformers  # noqa: PLC0415

    try:
        if reference.folder:
            wanted = model_class.config_class or transformers.AutoConfig
            return wanted.from_pretrained(reference.folder, local_files_only=True)
        fields = dict(reference.config)
        family = fields.pop("model_type")
        return _config_for(model_class, transformers.AutoConfig.for_model(family, **fields))
    except Exception as error:  # noqa: BLE001 - configs are checked by many hands
        raise bad_input(f"config.json: {one_line(error)}") from error


# What transformers raises when an attention implementation cannot be had.
_REFUSALS = (ImportError, ValueError)


class _Builder:
    """Makes a model for one request."""

    def __init__(self, request, progress, stages):
        self.request = request
        self.progress = progress
        self.stages = stages

    def open(self):
        """Everything before weights are touched."""
        request = self.request
        with self.stages.timed("context"):
            self.dtype = dtype_of(request.dtype)
            self.device = devices.open_device(request.device)
            self.reference = model_reference.resolve(request.model, request.config)
            folder = self.reference.folder
            self.weights = _choose_weights(request.weights, folder, request.model)
        with self.stages.timed("import"):  # transformers imports a family when it is asked for it
            self.architecture = architectures.find(self.reference.config, request.architecture)
        with self.stages.timed("context"):
            self.config = read_config(self.reference, self.architecture.model_class)
            devices.synchronize(self.device)

    def make(self, attention):
        """The model with its weights in place."""
        try:
            model = (
                self._from_folder(attention)
                if self.weights == "checkpoint"
                else self._synthetic(attention)
            )
        except EngineFailure:
            raise
        except _REFUSALS:
            raise
        except Exception as error:  # noqa: BLE001 - files from strangers fail in many ways
            failure = failure_of(error)
            if failure.error_class != "internal":
                raise failure from error
            raise bad_input(
                f"transformers cannot load {self.request.model}: {one_line(error)}"
            ) from error
        return model.eval().requires_grad_(False)

    def _options(self, attention):
        named = {} if attention == "auto" else {"attn_implementation": attention}
        return {"dtype": self.dtype, **named}

    def _check_memory(self):
        """Refuses what cannot fit the host before a single page of it is touched."""
        import torch  # noqa: PLC0415
        from transformers.initialization import no_init_weights  # noqa: PLC0415

        available = host.available_bytes()
        if self.device.type != "cpu" or available is None:
            return
        with torch.device("meta"), no_init_weights():
            shapes = self.architecture.model_class._from_config(self.config, dtype=self.dtype)
        shapes.tie_weights()
        needed = _bytes_of(shapes)
        if needed > available:
            raise EngineFailure(
                "oom.host",
                f"{self.request.model} needs {needed / 1e9:.1f} GB for its weights, "
                f"{available / 1e9:.1f} GB of host memory are left",
                "use a smaller model or dtype, or free memory",
                needed,
            )

    def _synthetic(self, attention):
        import torch  # noqa: PLC0415
        from transformers.initialization import no_init_weights  # noqa: PLC0415

        with self.stages.timed("build"):
            self._check_memory()
            with torch.device(self.device), no_init_weights():
                model = self.architecture.model_class._from_config(
                    self.config, **self._options(attention)
                )
            model.tie_weights()
            self._read_generation_config(model)
            devices.synchronize(self.device)
        with self.stages.timed("read"):
            fill_model(model, self.request.seed, self.progress)
            devices.synchronize(self.device)
        return model

    def _read_generation_config(self, model):
        """A folder's own file counts with synthetic weights too."""
        import transformers  # noqa: PLC0415

        if self.reference.folder and model.can_generate():
            with contextlib.suppress(OSError):
                model.generation_config = transformers.GenerationConfig.from_pretrained(
                    self.reference.folder, local_files_only=True
                )

    def _from_folder(self, attention):
        with self.stages.timed("read"):
            self._check_memory()
            model, missing = self._read_checkpoint(attention)
            # As transformers' users do for encoders that were published without a pooler.
            if missing and all(name.startswith("pooler.") for name in missing):
                model, missing = self._read_checkpoint(attention, add_pooling_layer=False)
            if missing:
                shown = ", ".join(sorted(missing)[:3])
                raise bad_input(
                    f"{self.reference.folder}: {len(missing)} parameters of "
                    f"{self.architecture.name} are missing, such as {shown}",
                    "use another --architecture, or --weights synthetic",
                )
        with self.stages.timed("transfer"):
            model = model.to(self.device)
            devices.synchronize(self.device)
        return model

    def _read_checkpoint(self, attention, **extra):
        model, info = self.architecture.model_class.from_pretrained(
            self.reference.folder,
            config=self.config,
            local_files_only=True,
            output_loading_info=True,
            **self._options(attention),
            **extra,
        )
        if info.get("mismatched_keys"):
            first = sorted(str(key) for key in info["mismatched_keys"])[0]
            raise bad_input(f"{self.reference.folder}: shapes differ from the config's: {first}")
        self.progress.tick()
        return model, info["missing_keys"]


def _bytes_of(model):
    return sum(p.numel() * p.element_size() for p in model.parameters())


class LoadedModel:
    """A model on its device, and what a record says about it."""

    def __init__(self, builder, model):
        self.model = model
        self.device = builder.device
        self.dtype = builder.dtype
        self.config = builder.config
        self.reference = builder.reference
        self.stages = builder.stages.json()
        self.seed = builder.request.seed
        self._request = builder.request
        self._weights = builder.weights
        self._architecture = builder.architecture
        self.family = builder.architecture.family
        self.kind = architectures.kind_of(model, self.family)
        self.weight_bytes = _bytes_of(model)

    @property
    def generates(self):
        """Whether the model makes tokens, one after the other."""
        return architectures.generates(self.model, self.kind)

    def describe(self):
        """The object "model" of the loaded reply."""
        modality, task = architectures.describe(self.model, self.kind, self.family)
        is_checkpoint = self._weights == "checkpoint"
        return {
            "reference": self.reference.reference,
            "family": self.family,
            "modality": modality,
            "architecture": self._architecture.name,
            "task": task,
            "parameters": sum(p.numel() for p in self.model.parameters()),
            "weights": {
                "source": self._weights,
                "bytes": self.weight_bytes,
                "path": self.reference.folder if is_checkpoint else None,
            },
            "revision": self.reference.revision or None,
            "dtype": self._request.dtype,
        }


def load(request, attention, stages, progress):
    """(LoadedModel, reason): the reason why another attention than asked for is in it, or ""."""
    builder = _Builder(request, progress, stages)
    builder.open()
    try:
        return LoadedModel(builder, builder.make(attention)), ""
    except _REFUSALS as error:
        reason = one_line(error)
        traceback.print_exception(error)
    stages.forget("build", "read", "transfer")
    try:
        if attention != "auto":
            return LoadedModel(builder, builder.make("auto")), reason
    except _REFUSALS as error:
        reason = one_line(error)
    raise bad_input(f"transformers cannot load {request.model}: {reason}")
