"""Statistics of the comparison: warm-up, medians over equal time, the interval of the ratio."""

import dataclasses
import math
import statistics

BLOCKS, TOLERANCE = 5, 0.01  # so many last block medians agree within this
BLOCK_SECONDS, GROWTH, BLOCK_CALLS = 0.02, 0.1, 3
MIN_CALLS, MIN_SHARE, MAX_SHARE = 128, 0.1, 0.25


class Warmup:
    """Warm-up until stationary, by the rule of the native side (src/measure/stationarity.hpp).

    Blocks grow with the time spent. It ends when the last five block medians agree within 1 % and
    128 calls or a tenth of the timed seconds are over, or after a quarter of the timed seconds. The
    native side may also end on blocks without a trend, so this one never warms up less.
    """

    def __init__(self, timed_seconds):
        self.timed_seconds = timed_seconds
        self.medians = []  # of the blocks; the first call alone is none
        self.calls, self.seconds = 0, 0.0
        self.done = self.stationary = False

    def block_seconds(self):
        """How long the next block takes: until this is over, at least one call."""
        room = max(MAX_SHARE * self.timed_seconds - self.seconds, 0.0)
        seconds = max(BLOCK_SECONDS, GROWTH * self.seconds)
        several = BLOCK_CALLS * (self.medians[-1] if self.medians else 0.0)
        if several * BLOCKS <= room:
            seconds = max(seconds, several)
        return min(seconds, room)

    def add(self, durations):
        """The seconds of each call of a block."""
        self.medians.append(statistics.median(durations))
        self.calls += len(durations)
        self.seconds += sum(durations)
        last = self.medians[-BLOCKS:]
        self.stationary = (
            len(last) == BLOCKS and max(last) - min(last) <= TOLERANCE * statistics.median(last)
        )
        enough = self.calls >= MIN_CALLS or self.seconds >= MIN_SHARE * self.timed_seconds
        capped = self.seconds + self.medians[-1] > MAX_SHARE * self.timed_seconds
        self.done = (self.stationary and enough) or capped


def within(samples, seconds):
    """The leading samples that add up to no more than `seconds`; at least one."""
    spent = 0.0
    for count, sample in enumerate(samples):
        spent += sample
        if spent > seconds:
            return samples[: max(count, 1)]
    return samples


def t_cdf(t, freedom):
    """Student's t, whole degrees of freedom: the series of Abramowitz and Stegun 26.7.3-4."""
    angle = math.atan2(t, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term = total = cosine if odd else 1.0
    for k in range(3 if odd else 2, freedom, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    if odd:
        inner = sine * total if freedom > 1 else 0.0
        return 0.5 + (angle + inner) / math.pi
    return 0.5 + 0.5 * sine * total


def t_quantile(probability, freedom):
    """The t that is exceeded with 1 - probability; probability from 0.5 on."""
    low, high = 0.0, 1.0
    while t_cdf(high, freedom) < probability:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if t_cdf(middle, freedom) < probability else (low, middle)
    return (low + high) / 2


@dataclasses.dataclass(frozen=True)
class Ratio:
    """native / transformers: geometric mean over pairs with its 95 % interval (None: one pair)."""

    point: float
    lower: float | None
    upper: float | None


def ratio_of(pairs):
    """`pairs`: (native, peer) medians of processes that ran next to each other."""
    logs = [math.log(native / peer) for native, peer in pairs]
    mean = statistics.fmean(logs)
    if len(logs) < 2:
        return Ratio(math.exp(mean), None, None)
    error = statistics.stdev(logs) / math.sqrt(len(logs))
    half = t_quantile(0.975, len(logs) - 1) * error
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


MET, NOT_MET, UNDECIDED = "met", "not met", "undecided"


def verdict_of(ratio, at_most):
    """Met only when the whole interval is within the bound; not met when all of it is outside."""
    if ratio.upper is None:
        return UNDECIDED
    if ratio.upper <= at_most:
        return MET
    return NOT_MET if ratio.lower > at_most else UNDECIDED


def native_first(pair):
    """ABBA: native, peer, peer, native, native, peer, …; so a steady drift cancels out."""
    return pair % 2 == 0
