"""The Markdown table of a results file."""

import dataclasses
import math
import statistics

from peer_statistics import MET, NOT_MET, UNDECIDED, ratio_of, verdict_of

WRONG = "wrong output"
REPORTED = "reported"  # without a bound
UNFINISHED = "unfinished"


@dataclasses.dataclass
class Row:
    """One case on one set-up (machine, builds, threads, seconds), and what came of it."""

    case: object
    settings: dict
    pairs: list
    outputs: dict | None
    pairs_planned: int = 0

    @property
    def ratio(self):
        return ratio_of([(pair["native"]["median"], pair["peer"]["median"]) for pair in self.pairs])

    def bound(self, at_most):
        """The largest ratio allowed; None where the case asserts nothing on this machine."""
        if self.case.needs and self.case.needs not in self.settings["cpu_flags"]:
            return None
        return self.case.at_most or at_most

    def verdict(self, at_most):
        if self.outputs is None:
            return UNFINISHED
        if not self.outputs["right"]:
            return WRONG
        if len(self.pairs) < self.pairs_planned:
            return UNFINISHED
        bound = self.bound(at_most)
        return REPORTED if bound is None else verdict_of(self.ratio, bound)


def rows_of(entries, cases):
    """Groups the lines of a results file; what was measured on different set-ups is never mixed."""
    rows = {}
    for entry in entries:
        settings = entry["settings"]
        case = next((one for one in cases if one.name == settings["case"]), None)
        if case is None:
            continue
        key = repr(sorted(settings.items()))
        row = rows.setdefault(key, Row(case, settings, [], None))
        row.pairs_planned = max(row.pairs_planned, entry["pairs"])
        if entry["kind"] == "outputs":
            row.outputs = entry
        elif all(pair["pair"] != entry["pair"] for pair in row.pairs):
            row.pairs.append(entry)
    return sorted(rows.values(), key=lambda row: cases.index(row.case))


def milliseconds(row, side):
    """The geometric mean of the pairs' medians, so that the columns give the ratio."""
    medians = [pair[side]["median"] for pair in row.pairs]
    return f"{1e3 * math.exp(statistics.fmean(map(math.log, medians))):.4g}"


def verdict_text(row, at_most):
    verdict, bound = row.verdict(at_most), row.bound(at_most)
    if verdict == REPORTED:
        return f"{REPORTED} (no {row.case.needs} here)"
    if verdict in (MET, NOT_MET, UNDECIDED):
        return f"{verdict} (at most {bound:.3g})"
    if verdict == UNFINISHED:
        return f"{UNFINISHED} ({len(row.pairs)} of {row.pairs_planned} pairs)"
    return verdict


def line_of(row, at_most):
    times, ratio, error = ("–", "–"), "–", "–"
    if row.pairs:
        times = (milliseconds(row, "peer"), milliseconds(row, "native"))
        ratio = f"{row.ratio.point:.3f}"
    if len(row.pairs) > 1:
        ratio += f" [{row.ratio.lower:.3f}, {row.ratio.upper:.3f}]"
    if row.outputs:
        error = f"{row.outputs['native']:.1e}"
        if row.case.dtype != "float32":
            error += f" (transformers {row.outputs['peer']:.1e})"
    cells = [row.case.name, str(row.settings["threads"]), f"{row.settings['seconds']:g}",
             str(len(row.pairs)), *times, ratio, verdict_text(row, at_most), error]
    return "| " + " | ".join(cells) + " |"


def heading(rows):
    """Machine, versions, command and dates of rows that share them."""
    settings = rows[0].settings
    entries = [entry for row in rows for entry in [*row.pairs, row.outputs] if entry]
    dates = sorted(entry["date"] for entry in entries)
    loads = [entry["load"] for entry in entries]
    linked = sorted({pair["native"]["torch"] for row in rows for pair in row.pairs})
    yield f"Machine: {settings['machine']}"
    yield f"Load average before: {min(loads):.2f} to {max(loads):.2f}"
    yield (f"Versions: {settings['ridgeline']} (engine {settings['engine']}"
           + (f", libtorch {', '.join(linked)}" if linked else "")
           + f"), torch {settings['torch']}, transformers {settings['transformers']}, "
           f"Python {settings['python']}")
    yield f"Command: `{entries[-1]['command']}`"
    yield f"Date: {dates[0]} to {dates[-1]}"


COLUMNS = ["case", "threads", "budget s", "pairs", "transformers ms", "native ms",
           "native / transformers [95 %]", "verdict", "largest error"]


def table(rows, at_most):
    """One table a set-up, with the lines needed to read and repeat it."""
    setups = {}
    shared = ("machine", "ridgeline", "engine", "torch", "transformers", "python")
    for row in rows:
        setups.setdefault(tuple(row.settings[name] for name in shared), []).append(row)
    blocks = []
    for group in setups.values():
        lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
        lines += [line_of(row, at_most) for row in group]
        blocks.append("\n".join(lines + [""] + ["- " + line for line in heading(group)]))
    return "\n\n".join(blocks)
