"""What a case was to reach, and whether it did."""

import dataclasses

from peer_cases import BETTER

MET, NOT_MET, UNDECIDED, REPORTED = "met", "not met", "undecided", "reported"
BY_POINT = "by the point, one process a side"
WRONG = "wrong output"
UNFINISHED = "not measured"
FAILED = "failed"
NO_FIGURE = "no figure"
FINE = (MET, REPORTED)


@dataclasses.dataclass(frozen=True)
class Check:
    """One bound of a case."""

    text: str
    verdict: str
    by_point: bool = False

    def __str__(self):
        return f"{self.text}: {self.verdict}" + (f" ({BY_POINT})" if self.by_point else "")


def verdict_of(ratio, at_most):
    """(verdict, by the point). Met only when the whole interval is within the bound, not met when
    all of it is outside; without an interval the point decides."""
    if not ratio or ratio.get("value") is None:
        return NO_FIGURE, False
    ends = ratio.get("ci95")
    if ends is None:
        return (MET if ratio["value"] <= at_most else NOT_MET), True
    if ends[1] <= at_most:
        return MET, False
    return (NOT_MET if ends[0] > at_most else UNDECIDED), False


def worst(verdicts):
    """Of several verdicts that must all hold."""
    for one in (WRONG, FAILED, UNFINISHED, NOT_MET, NO_FIGURE, UNDECIDED, MET):
        if one in verdicts:
            return one
    return REPORTED


def floor_seconds(result, read_rate):
    """Seconds that reading weights and cache once takes; None: not known."""
    count = result["engines"].get("native", {}).get("bytes")
    return count / read_rate if count and read_rate else None


def check_of_bound(bound, result, peers, isa):
    if bound.needs and bound.needs not in isa:
        return Check(bound.text, f"{REPORTED}, no {bound.needs} here")
    # As fast as the better one of several is: as fast as each of them.
    verdicts = [verdict_of(result["ratios"].get(peer), bound.at_most)
                for peer in (peers if bound.peer == BETTER else (bound.peer,))]
    by_point = any(point for _, point in verdicts)
    return Check(bound.text, worst([one for one, _ in verdicts]), by_point)


def check_of_floor(at_most, result, read_rate):
    """By the interval where both were measured in turns; else the median, by its point."""
    text = f"{at_most:g} × floor"
    if "floor" in result:
        return Check(text, verdict_of(result["floor"], at_most)[0])
    floor, latency = floor_seconds(result, read_rate), result["engines"]["native"]["latency"]
    if floor is None or not latency or latency.get("value") is None:
        return Check(text, NO_FIGURE)
    return Check(text, MET if latency["value"] <= at_most * floor else NOT_MET)


def checks_of(case, group, result, entry, isa):
    """All bounds of a case that was measured."""
    checks = [check_of_bound(bound, result, group.peers, isa) for bound in case.bounds]
    if case.floor:
        checks.append(check_of_floor(case.floor, result, entry["read"]))
    return checks


def case_verdict(checks, result):
    native = result["engines"].get("native", {})
    if native.get("latency") is None:
        return FAILED
    verdicts = [one.verdict for one in checks if not one.verdict.startswith(REPORTED)]
    return worst(verdicts) if verdicts else REPORTED
