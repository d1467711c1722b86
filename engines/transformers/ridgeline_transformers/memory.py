"""Memory of one call: by the allocator's own counts on either device."""

from ridgeline_transformers.devices import synchronize
from ridgeline_transformers.errors import one_line


def _device_peak(call, device):
    """(output, peak of new bytes, bytes reserved) by torch's caching allocator."""
    import torch  # noqa: PLC0415

    synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    output = call()
    synchronize(device)
    peak = torch.cuda.max_memory_allocated(device) - before
    return output, peak, torch.cuda.max_memory_reserved(device)


def _largest_sum(events):
    """The peak of live bytes, from the allocator's events in the order of time."""
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def _host_peak(call):
    """(output, peak of new bytes, reason): torch's profiler hears of every allocation, as does the
    native engine's counter."""
    import torch  # noqa: PLC0415

    with torch.autograd.profiler.profile(profile_memory=True, use_kineto=True) as profile:
        output = call()
    try:
        events = [e for e in profile.kineto_results.events() if e.name() == "[memory]"]
        return output, _largest_sum(events), None
    except (AttributeError, TypeError) as error:  # not every release shows them
        return output, None, f"this torch does not show its allocations: {one_line(error)}"


def measure(call, device):
    """(output, {"activations_peak", "reserved", "reason"}): null with a reason where unknown."""
    if device.type == "cuda":
        output, peak, reserved = _device_peak(call, device)
        return output, {"activations_peak": peak, "reserved": reserved, "reason": None}
    output, peak, reason = _host_peak(call)
    return output, {"activations_peak": peak, "reserved": None, "reason": reason}
