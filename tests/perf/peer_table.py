"""The Markdown tables of a results file."""

import dataclasses

import peer_verdicts as verdicts
from peer_cases import EAGER, FIRST_TOKEN_SECONDS

NONE = "–"


@dataclasses.dataclass
class Row:
    """One case on one set-up, with the groups that timed it and that took its energy."""

    group: object
    case: object
    settings: dict
    entry: dict | None = None  # of the group that timed it
    result: dict | None = None
    energy: dict | None = None  # the result of the group that took its energy
    verified: dict | None = None

    @property
    def key(self):
        return (self.group.device, self.group.title, self.case.phase, self.case.shape)

    @property
    def checks(self):
        if not self.result:
            return []
        return verdicts.checks_of(self.case, self.group, self.result, self.entry,
                                  self.settings["isa"])

    @property
    def verdict(self):
        if self.verified and self.verified["passed"] is False:
            return verdicts.WRONG
        if not self.result:
            return verdicts.UNFINISHED
        return verdicts.case_verdict(self.checks, self.result)


def text_of_set_up(settings):
    return repr(sorted(settings.items()))


def rows_of(entries, groups):
    """Joins the lines of a results file; what was measured on different set-ups is never mixed. Of
    a group that was measured again the last time counts."""
    rows, known = {}, {group.name: group for group in groups}
    for entry in entries:
        if entry["kind"] not in ("group", "verify") or entry["group"] not in known:
            continue
        group = known[entry["group"]]
        for number, case in enumerate(group.cases):
            row = Row(group, case, entry["settings"])
            row = rows.setdefault((text_of_set_up(entry["settings"]), row.key), row)
            if entry["kind"] == "verify":
                row.verified = entry
            elif number < len(entry["cases"]):
                put(row, group, case, entry, entry["cases"][number])
    order = [group.name for group in groups]
    return sorted(rows.values(), key=lambda row: order.index(row.group.name))


def put(row, group, case, entry, result):
    if group.energy:
        row.energy = result
        return
    row.group, row.case, row.entry, row.result = group, case, entry, result


def significant(value, digits=4):
    return f"{value:.{digits}g}"


def milliseconds(figures):
    latency = (figures or {}).get("latency") or {}
    return significant(1e3 * latency["value"]) if latency.get("value") is not None else NONE


def ratio_text(ratio):
    if not ratio or ratio.get("value") is None:
        return NONE
    value, *ends = [f"{one:.3f}" if one < 100 else f"{one:.1e}"
                    for one in (ratio["value"], *(ratio.get("ci95") or ()))]
    return value + (f" [{ends[0]}, {ends[1]}]" if ends else "")


def floor_text(row):
    if not row.result or not (row.case.floor or row.case.has_floor):
        return NONE
    turns = row.result.get("floor") or {}
    if turns.get("value") is not None:
        low, high = turns["ci95"]
        return (f"{significant(1e3 * turns['floor'], 3)} in turns with "
                f"{significant(1e3 * turns['median'], 3)} "
                f"(× {turns['value']:.2f} [{low:.2f}, {high:.2f}])")
    floor = verdicts.floor_seconds(row.result, row.entry["read"])
    latency = row.result["engines"]["native"]["latency"]
    if floor is None or not latency or latency.get("value") is None:
        return NONE
    times = latency["value"] / floor
    return f"{significant(1e3 * floor, 3)} (× {times:.2f}, {1 / times:.0%})"


def joules(figures):
    energy = (figures or {}).get("energy") or {}
    if energy.get("value") is None:
        return NONE
    ends = energy.get("ci95")
    width = f" ± {significant((ends[1] - ends[0]) / 2, 2)}" if ends else ""
    return f"{significant(energy['value'], 3)}{width} J/{energy['item']}"


def verdict_text(row):
    if row.verdict in (verdicts.WRONG, verdicts.UNFINISHED, verdicts.FAILED):
        return row.verdict
    return "; ".join(map(str, row.checks)) or verdicts.REPORTED


def compiled_of(row):
    return next((peer for peer in row.group.peers if peer != EAGER), None)


def cells_of(row):
    engines = row.result["engines"] if row.result else {}
    ratios = row.result["ratios"] if row.result else {}
    compiled = compiled_of(row)
    processes = len(engines.get("native", {}).get("processes", []))
    name = f"{row.group.title} {row.case.shape}"
    if row.case.phase not in ("forward", "decode"):
        name += f", {row.case.phase}"
    return [name, str(processes or NONE), milliseconds(engines.get("native")),
            milliseconds(engines.get(EAGER)), milliseconds(engines.get(compiled)),
            ratio_text(ratios.get(EAGER)), ratio_text(ratios.get(compiled)), floor_text(row),
            verdict_text(row)]


def markdown(columns, lines):
    return "\n".join(["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
                     + ["| " + " | ".join(line) + " |" for line in lines])


def timing_table(rows):
    mode = next((compiled_of(row) for row in rows if compiled_of(row)), "compile")
    columns = ["case", "processes", "native ms", "eager ms", f"{mode} ms", "native / eager [95 %]",
               f"native / {mode} [95 %]", "byte floor ms (× it, share)", "verdict"]
    return markdown(columns, [cells_of(row) for row in rows])


def energy_table(rows):
    lines = []
    for row in rows:
        engines, ratios = row.energy["engines"], row.energy["energy_ratios"]
        for engine in ("native", EAGER, compiled_of(row)):
            if engine not in engines:
                continue
            ratio = NONE if engine == "native" else ratio_text(ratios.get(engine))
            lines.append([cells_of(row)[0], engine, milliseconds(engines[engine]),
                          joules(engines[engine]), ratio])
    return markdown(["case", "engine", "ms", "energy, gross", "native / it [95 %]"], lines)


def launches_of(entries, settings, device, groups):
    """Lines of the launches table: first and second launch of each engine of each group."""
    known = {group.name: group for group in groups}
    found = {}
    for entry in entries:
        group = known.get(entry.get("group"))
        if entry["kind"] != "launch" or entry["settings"] != settings or group is None:
            continue
        if group.device == device:
            found.setdefault((group.name, entry["engine"], entry["scope"]), []).append(entry)
    lines = []
    for (name, engine, scope), launches in found.items():
        group = known[name]
        seconds = [NONE if one["first_done"] is None else f"{one['first_done']:.1f}"
                   for one in launches[:2]] + [NONE]
        compiling = [f"{one['stages']['compile']:.1f}" if "compile" in one["stages"] else NONE
                     for one in launches[:2]] + [NONE]
        what = "decode" if scope == "token" else ", ".join(group.phases)
        lines.append([f"{group.title}, {what}", engine, *seconds[:2], *compiling[:2],
                      launch_verdict(group, engine, scope, launches)])
    return lines


def launch_verdict(group, engine, scope, launches):
    bound = FIRST_TOKEN_SECONDS.get(group.name)
    if bound is None or engine != "native" or scope != "token":
        return verdicts.REPORTED
    second = launches[1]["first_done"] if len(launches) > 1 else None
    if second is None:
        return verdicts.NO_FIGURE
    met = verdicts.MET if second < bound else verdicts.NOT_MET
    return f"second under {bound:g} s: {met}"


def heading(rows, entries, settings, device):
    """Machine, versions, load, bandwidth, commands and dates of rows that share them."""
    measured = [row.entry for row in rows if row.entry]
    mine = [one for one in entries if one["settings"] == settings and one.get("date")]
    dates, loads = sorted(one["date"] for one in mine), [one["load"] for one in mine]
    peaks = [one for one in mine if one["kind"] == "peaks" and one["device"] == device]
    where = next((one["device_name"] for one in peaks if one.get("device_name")), None)
    yield f"Machine: {settings['machine']}" + (f"; on {device}" + (f", {where}" if where else ""))
    linked = {one["versions"].get("native", {}).get("torch") for one in measured} - {None}
    yield (f"Versions: {settings['ridgeline']} (engine {settings['engine']}"
           + (f", libtorch {', '.join(sorted(linked))}" if linked else "")
           + f"), transformers {settings['transformers']}, torch {settings['torch']}, "
           f"Python {settings['python']}")
    if dates:
        yield f"Date: {dates[0]} to {dates[-1]}; load average at the start: " \
              f"{min(loads):.2f} to {max(loads):.2f}"
    reads = sorted({one["read"] for one in measured if one.get("read")})
    if reads:
        texts = " and ".join(f"{1e-9 * read:.4g} GB/s" for read in reads)
        yield f"Read bandwidth, measured in the same run: {texts}"
    notes = {one["note"] for one in peaks if one.get("note")}
    yield from (f"Of the bandwidth: {note}" for note in sorted(notes))
    yield from (f"Command: `{one}`" for one in sorted({one["command"] for one in mine}))


def notes(rows):
    """What a reader must know of single rows: of their engines, and of their outputs."""
    seen = set()
    for row in rows:
        name = cells_of(row)[0]
        lines = [f"{engine}: {figures['reason']}" for result in (row.result, row.energy) if result
                 for engine, figures in result["engines"].items() if figures["reason"]]
        lines += [f"{engine}: {note}" for result in (row.result, row.energy) if result
                  for engine, figures in result["engines"].items() for note in figures["notes"]]
        lines += [f"{peer} left out: {why}" for peer, why in
                  ((row.entry or {}).get("left_out") or {}).items()]
        if row.verified:
            lines.append(row.verified["text"])
        for line in lines:
            if (name, line) not in seen:
                seen.add((name, line))
                yield f"{name}: {line}"


def block(rows, entries, groups):
    """All of one set-up on one device."""
    settings, device = rows[0].settings, rows[0].group.device
    timed = [row for row in rows if row.result or not row.energy]
    parts = ["\n".join("- " + line for line in heading(rows, entries, settings, device))]
    if timed:
        parts.append(timing_table(timed))
    powered = [row for row in rows if row.energy]
    if powered:
        parts.append(energy_table(powered))
    lines = launches_of(entries, settings, device, groups)
    if lines:
        parts.append(markdown(
            ["launch", "engine", "first: s to the first measured call", "second: s",
             "first: s compiling", "second: s compiling", "verdict"], lines))
    remarks = ["- " + line for line in notes(rows)]
    return "\n\n".join(parts + (["\n".join(remarks)] if remarks else []))


def table(rows, entries, groups):
    """One block a set-up and device."""
    blocks = {}
    for row in rows:
        blocks.setdefault((text_of_set_up(row.settings), row.group.device), []).append(row)
    return "\n\n\n".join(block(members, entries, groups) for members in blocks.values())
