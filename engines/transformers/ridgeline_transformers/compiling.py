"""torch.compile in its modes: wrapping, the first calls, and what came of it."""

import contextlib

from ridgeline_transformers.errors import (
    EngineFailure,
    environment_error,
    failure_of,
    one_line,
    unsupported,
)

# The first compiles, the second records CUDA graphs where there are any, the third replays. A call
# of many tokens does all that by itself.
_FIRST_CALLS = 3
_MANY_TOKENS = 8
_MOST_SHAPES = 64  # of one function: phases have one or two each


class Plain:
    """No compiling: functions stay what they are."""

    is_on = False
    value = "off"

    def __init__(self, static_cache=False):
        self.static_cache = static_cache

    def wrap(self, function, sliding=False):
        """The function itself."""
        return function

    def begin_step(self):
        """Nothing to tell."""

    def grad_mode(self):
        """The cheapest mode of an eager module."""
        import torch  # noqa: PLC0415

        return torch.inference_mode()


class Compiled:
    """torch.compile, whole or in parts, with or without CUDA graphs."""

    is_on = True
    static_cache = True  # the only one whose shapes stay

    def __init__(self, value, device, fullgraph):
        self.value = value
        self._fullgraph = fullgraph
        self._has_graphs = value == "reduce-overhead" and device.type == "cuda"

    def wrap(self, function, sliding=False):
        """A compiled function. Shapes are fixed, so each gets code of its own; only caches with a
        sliding window count their tokens in a number that must stay free."""
        import torch  # noqa: PLC0415

        mode = "reduce-overhead" if self._has_graphs else None
        dynamic = None if sliding else False
        return torch.compile(function, fullgraph=self._fullgraph, dynamic=dynamic, mode=mode)

    def begin_step(self):
        """Outputs of the call before may be overwritten from here on."""
        if self._has_graphs:
            import torch  # noqa: PLC0415

            torch.compiler.cudagraph_mark_step_begin()

    def grad_mode(self):
        """As generate() of transformers compiles: inference tensors carry no versions, which CUDA
        graphs ask for. Compiled code costs the same in both modes."""
        import torch  # noqa: PLC0415

        return torch.no_grad()


def compiler_of(value, device, fullgraph, static_cache):
    """The compiler of a value of the knob `compile`; caches are always static where it is on."""
    return Plain(static_cache) if value == "off" else Compiled(value, device, fullgraph)


def forget_compiled():
    """Drops what was compiled for the workload before: shapes are counted anew."""
    import torch  # noqa: PLC0415

    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    torch._dynamo.config.recompile_limit = _MOST_SHAPES


def _counter(group, name):
    import torch  # noqa: PLC0415

    return torch._dynamo.utils.counters[group][name]


def graphs_compiled():
    """How many graphs were compiled since forget_compiled()."""
    return _counter("stats", "unique_graphs")


def _is_break(error):
    """Whether this says that a function is not one graph, and nothing worse."""
    import torch  # noqa: PLC0415

    return isinstance(error, torch._dynamo.exc.Unsupported)


def _compile_failure(error):
    failure = failure_of(error)
    if failure.error_class.startswith("oom"):
        return failure
    text = one_line(getattr(error, "inner_exception", None) or error)
    if "compiler" in text.lower() and ("not found" in text or "No working" in text):
        return environment_error(
            f"torch.compile finds no compiler: {text}", "install g++, or use the mode eager"
        )
    return unsupported(f"torch.compile failed: {text}", "use the mode eager, or see the log")


class GraphBreak(Exception):
    """A function that was to be one graph is several."""


def first_calls(phases, progress, whole):
    """Calls every phase until its code is there. With `whole`, a graph break is a GraphBreak."""
    for phase in phases:
        if phase.host_work:
            continue
        for _ in range(1 if phase.tokens_per_call >= _MANY_TOKENS else _FIRST_CALLS):
            try:
                output = None
                phase.restore()
                output = phase.call()
                phase.wait()
            except EngineFailure:
                raise
            except Exception as error:  # noqa: BLE001 - compilers fail in many ways
                if whole and _is_break(error):
                    raise GraphBreak(one_line(error)) from error
                raise _compile_failure(error) from error
            finally:
                del output
            progress.tick()


def outcome_reason(value, device, break_reason):
    """(applied, value in force, reason) once everything is compiled."""
    if value == "reduce-overhead" and device.type != "cuda":
        return False, "default", "CUDA graphs need a CUDA device: compiled without them"
    skipped = _counter("inductor", "cudagraph_skips")
    if value == "reduce-overhead" and skipped:
        return False, value, f"{skipped} of the graphs run without CUDA graphs: see the log"
    if break_reason:
        return True, value, f"compiled in several graphs: {break_reason}"
    return True, value, ""


def summary():
    """For the planned reply: what the compiler did."""
    hits, misses = (_counter("inductor", f"fxgraph_cache_{k}") for k in ("hit", "miss"))
    return {"graphs": graphs_compiled(), "cache_hits": hits, "cache_misses": misses}


@contextlib.contextmanager
def no_more_compiling():
    """Timed calls compile nothing: otherwise their times are not those of the model."""
    before = graphs_compiled()
    yield
    more = graphs_compiled() - before
    if more:
        raise EngineFailure(
            "internal", f"torch.compile compiled {more} more graphs in the timed calls"
        )
