"""What is compared: groups of cases that one `ridgeline run` serves, and what each case must reach.

Bounds are of the ratio native / peer, and of the median over its floor. The byte floor of a phase
is the weights and the cache that it must read, over the read bandwidth of the machine.
"""

import dataclasses

EAGER, COMPILE, GRAPHS = "eager", "compile", "reduce-overhead"
MODES = {EAGER: "", COMPILE: ":compile", GRAPHS: ":reduce-overhead"}  # behind the engine's name
BETTER = "the better peer"  # a bound against whichever peer is faster
AMX = "amx_bf16"


@dataclasses.dataclass(frozen=True)
class Bound:
    """native / peer must lie within it; its interval as a whole."""

    peer: str
    at_most: float
    text: str
    needs: str | None = None  # the CPU feature without which nothing is asserted


@dataclasses.dataclass(frozen=True)
class Case:
    """One phase of one workload."""

    phase: str
    batch: int = 1
    sequence: int | None = None
    depth: int | None = None  # tokens in the cache of decode
    bounds: tuple = ()
    floor: float | None = None  # the median is at most so many times the byte floor
    has_floor: bool = False  # shown without a bound

    @property
    def shape(self):
        text = f"batch {self.batch}" if self.sequence is None else f"{self.batch}×{self.sequence}"
        return text + (f", decode at {self.depth}" if self.phase == "decode" else "")

    def fits(self, workload):
        """Whether a record's workload is this one."""
        asked = {"batch": self.batch, "sequence": self.sequence, "depth": self.depth}
        return all(value is None or workload.get(key) == value for key, value in asked.items())


@dataclasses.dataclass(frozen=True)
class Group:
    """What one `ridgeline run` measures: a model in one dtype, in several workloads."""

    name: str
    slice: str
    model: str
    dtype: str
    device: str
    phases: tuple
    cases: tuple
    peers: tuple
    batch: tuple = (1,)
    sequence: tuple = ()
    depth: tuple = ()
    optimize: str | None = None
    lossless: bool = True  # what `optimize` asks for
    energy: bool = False
    invocations: int = 1
    seconds: float = 2.0  # timed of each phase in each process
    launches: tuple | None = None  # (engine, scope), in order; see plan_of_launches()
    launched_by: str | None = None  # another group whose launches filled the compile cache
    why_not_verified: str | None = None
    minutes: float = 1.5  # about what it takes, for --slice N/M

    @property
    def workloads(self):
        return len(self.batch) * max(len(self.sequence), 1) * max(len(self.depth), 1)

    @property
    def title(self):
        return f"{self.model} {self.optimize or self.dtype}"

    def plan_of_launches(self):
        """Processes that are started apart before the timing. They fill the compile cache, tell how
        long a start takes, and are reported. Scopes: "all" workloads and phases; "token": decode at
        the first depth alone, for the time to the first token."""
        if self.launches is not None:
            return self.launches
        compiled = [peer for peer in self.peers if peer != EAGER]
        return ((compiled[0], "all"),) * 2 if compiled else (("native", "all"),)


def against(peer, at_most, text=None, needs=None):
    return Bound(peer, at_most, f"{text or f'{at_most:g}'} × {peer}", needs)


# On one H200 in bfloat16.
ONE = (against(GRAPHS, 1.03), against(EAGER, 1 / 3, "1/3"))
BATCHED = (against(BETTER, 1.03),)
GPU = {"device": "cuda:0", "dtype": "bfloat16", "peers": (EAGER, GRAPHS)}
LLAMA_LAUNCHES = (("native", "token"), ("native", "token"), (GRAPHS, "all"))
TOO_LARGE = "outputs not compared at this size: llama-3.2-1b runs the same code"

GPU_GROUPS = (
    Group("gpu-bert-base", "bert", "bert-base", **GPU, phases=("forward",), batch=(1, 32),
          sequence=(128,), invocations=3, minutes=4.5,
          cases=(Case("forward", 1, 128, bounds=ONE), Case("forward", 32, 128, bounds=BATCHED))),
    Group("gpu-llama-3-8b", "llama", "llama-3-8b", **GPU, phases=("prefill", "decode"),
          sequence=(512,), depth=(512,), invocations=3, launches=LLAMA_LAUNCHES,
          why_not_verified=TOO_LARGE, minutes=7,
          cases=(Case("prefill", 1, 512, 512),
                 Case("decode", 1, 512, 512, floor=1.25,
                      bounds=(against(GRAPHS, 1 / 1.4, "1/1.4"),)))),
    Group("gpu-llama-3-8b-long", "llama-long", "llama-3-8b", **GPU, phases=("decode",),
          sequence=(512,), depth=(4096,), launches=((GRAPHS, "all"),),
          why_not_verified=TOO_LARGE, minutes=2.5,
          cases=(Case("decode", 1, 512, 4096, has_floor=True),)),
    Group("gpu-vit-b16", "encoders", "vit-b16", **GPU, phases=("forward",), batch=(1, 64),
          minutes=2.5,
          cases=(Case("forward", 1, bounds=ONE), Case("forward", 64, bounds=BATCHED))),
    Group("gpu-clip-b32", "encoders", "clip-b32", **GPU, phases=("forward",), sequence=(77,),
          minutes=2.2, cases=(Case("forward", 1, 77, bounds=ONE),)),
    Group("gpu-whisper-small", "encoders", "whisper-small", **GPU, phases=("encode", "decode"),
          sequence=(4,), depth=(64,), minutes=2.8,
          cases=(Case("encode", 1, 4, 64, bounds=ONE), Case("decode", 1, 4, 64))),
    Group("gpu-bert-base-energy", "energy-encoders", "bert-base", **GPU, phases=("forward",),
          batch=(32,), sequence=(128,), energy=True, seconds=1.0, launched_by="gpu-bert-base",
          minutes=3.2, cases=(Case("forward", 32, 128),)),
    Group("gpu-vit-b16-energy", "energy-encoders", "vit-b16", **GPU, phases=("forward",),
          batch=(64,), energy=True, seconds=1.0, launched_by="gpu-vit-b16", minutes=3.2,
          cases=(Case("forward", 64),)),
    Group("gpu-llama-3-8b-energy", "energy-llama", "llama-3-8b", device="cuda:0", dtype="bfloat16",
          peers=(GRAPHS,), phases=("prefill", "decode"), sequence=(512,), depth=(512,), energy=True,
          seconds=1.0, launched_by="gpu-llama-3-8b", why_not_verified=TOO_LARGE, minutes=4.5,
          cases=(Case("prefill", 1, 512, 512), Case("decode", 1, 512, 512))),
)

NO_SLOWER = (against(EAGER, 1.03),)
DECODING = (against(EAGER, 1 / 1.2, "1/1.2"),)
FLOOR = 1.3


def cpu_group(model, dtype, phases, cases, **more):
    short = "-bf16" if dtype == "bfloat16" else ""
    return Group(f"cpu-{model}{short}", "cpu" + short, model, dtype, "cpu", phases, cases,
                 **{"peers": (EAGER, COMPILE), "seconds": 4.0, "minutes": 4, **more})


def cpu_llama(model, dtype, invocations, **more):
    cases = (Case("prefill", 1, 128, 128, bounds=NO_SLOWER if dtype == "float32" else ()),
             Case("decode", 1, 128, 128, bounds=DECODING, floor=FLOOR))
    return cpu_group(model, dtype, ("prefill", "decode"), cases, sequence=(128,), depth=(128,),
                     invocations=invocations, **more)


def int8_llama(model, **more):
    """The native engine alone: its floor is that of the shorter weights."""
    return Group(f"cpu-{model}-int8", "cpu-int8", model, "float32", "cpu", ("decode",),
                 (Case("decode", 1, 128, 128, floor=FLOOR),), (), sequence=(128,), depth=(128,),
                 optimize="quantize=int8", lossless=False, invocations=3, seconds=4.0, **more)


CPU_GROUPS = (
    cpu_group("bert-base", "float32", ("forward",), (Case("forward", 1, 128, bounds=NO_SLOWER),),
              sequence=(128,), invocations=3),
    cpu_group("bert-base", "bfloat16", ("forward",),
              (Case("forward", 1, 128, bounds=(against(EAGER, 1 / 1.5, "1/1.5", AMX),)),
               Case("forward", 32, 128, bounds=(against(EAGER, 1 / 1.15, "1/1.15", AMX),))),
              batch=(1, 32), sequence=(128,), invocations=3, minutes=8),
    cpu_group("vit-b16", "float32", ("forward",), (Case("forward", 1, bounds=NO_SLOWER),)),
    cpu_group("vit-b16", "bfloat16", ("forward",), (Case("forward", 1),)),
    cpu_group("whisper-tiny", "float32", ("encode", "decode"),
              (Case("encode", 1, 4, 64, bounds=NO_SLOWER),
               Case("decode", 1, 4, 64, bounds=NO_SLOWER)), sequence=(4,), depth=(64,)),
    cpu_group("whisper-tiny", "bfloat16", ("encode", "decode"),
              (Case("encode", 1, 4, 64), Case("decode", 1, 4, 64)), sequence=(4,), depth=(64,)),
    cpu_llama("llama-124m", "float32", 3, minutes=8),
    cpu_llama("llama-124m", "bfloat16", 3, minutes=8),
    int8_llama("llama-124m", minutes=1.5),
    # One process each, so that what a killed run loses is not half an hour.
    cpu_llama("llama-3.2-1b", "float32", 1, minutes=10),
    cpu_llama("llama-3.2-1b", "bfloat16", 1, minutes=10),
    int8_llama("llama-3.2-1b", minutes=3),
)
GROUPS = GPU_GROUPS + CPU_GROUPS
FIRST_TOKEN_SECONDS = {"gpu-llama-3-8b": 10.0}  # of the native engine's second launch


def nth_part(groups, number, parts):
    """Part `number` of 1 to `parts`: the longest group goes to whoever has least so far."""
    loads, chosen = [0.0] * parts, [[] for _ in range(parts)]
    for group in sorted(groups, key=lambda one: -one.minutes):
        least = loads.index(min(loads))
        loads[least] += group.minutes
        chosen[least].append(group)
    return [group for group in groups if group in chosen[number - 1]]


def selected(text, groups=GROUPS):
    """Of "all", names of slices or groups with commas, and behind '@' or alone N/M: a part of them.

    Raises ValueError when nothing is named by it.
    """
    names, _, part = text.rpartition("@") if "@" in text else (
        ("all", "", text) if "/" in text else (text, "", ""))
    asked = names.split(",")
    known = {word for group in groups for word in (group.name, group.slice)} | {"all"}
    for word in asked:
        if word not in known:
            raise ValueError(f"no slice or group is called '{word}'; there are "
                             + ", ".join(sorted(known)))
    chosen = [group for group in groups if {"all", group.name, group.slice} & set(asked)]
    if not part:
        return chosen
    number, _, parts = part.partition("/")
    if not (number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts) <= 99):
        raise ValueError(f"'{part}' is not a part N/M, as 1/3")
    return nth_part(chosen, int(number), int(parts))
