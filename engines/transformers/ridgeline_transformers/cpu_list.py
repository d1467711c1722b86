"""Lists of CPU numbers such as "0-3,8", as src/base/cpu_list.hpp reads and writes them."""

import re

from ridgeline_transformers.errors import bad_input

_MAX_CPU = 65535
_PART = re.compile(r"\s*(\d{1,9})\s*(?:-\s*(\d{1,9})\s*(?::\s*(\d{1,9})\s*)?)?")


def parse_cpu_list(text):
    """A set of CPU numbers."""
    cpus = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        first, last, stride = (found.groups() if found else (None, None, None))
        first, last, stride = int(first or -1), int(last or first or -1), int(stride or 1)
        if found is None or last < first or last > _MAX_CPU or stride < 1:
            raise bad_input(f"'{text[:60]}' is not a list of CPUs", "write it like 0-3,8")
        cpus.update(range(first, last + 1, stride))
    return cpus


def to_cpu_list(cpus):
    """Sorted, with runs of two or more as ranges."""
    runs = []
    for cpu in sorted(cpus):
        if runs and runs[-1][1] == cpu - 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
