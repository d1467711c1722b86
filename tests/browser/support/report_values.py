"""What a page must show of a payload, worked out from the payload alone."""


def rows_of(payload):
    """(case index, phase index, case, phase) of every phase of every case."""
    return [(number, at, case, phase)
            for number, case in enumerate(payload["cases"])
            for at, phase in enumerate(case["record"]["phases"])]


def value_of(phase, name):
    return (phase["metrics"].get(name) or {}).get("value")


def points_of(payload):
    """key → (intensity, attained FLOP/s) of the phases that have both."""
    found = {}
    for number, at, case, phase in rows_of(payload):
        roofline = case["analysis"]["phases"][phase["name"]]["roofline"]
        if roofline["intensity"] and roofline["flops_rate"]:
            found[f"{number}/{at}"] = (roofline["intensity"], roofline["flops_rate"])
    return found


def energies_of(payload):
    """unit → {key: joules an item}."""
    found = {}
    for number, at, _, phase in rows_of(payload):
        name = f"energy_per_{phase['unit']}.gross"
        value = value_of(phase, name)
        if value is not None:
            unit = phase["metrics"][name]["unit"]
            found.setdefault(unit, {})[f"{number}/{at}"] = value
    return found


def ceilings_of(payload):
    """(kind, FLOP/s, B/s) of all ceilings that are to be drawn."""
    return {(one["kind"], one["flops_rate"], one["bytes_rate"])
            for _, _, case, phase in rows_of(payload)
            for one in case["analysis"]["phases"][phase["name"]]["roofline"]["ceilings"]
            if one["flops_rate"] or one["bytes_rate"]}
