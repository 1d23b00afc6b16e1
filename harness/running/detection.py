"""`plan --detect`: how many seeds show a difference, by the spread of results that are at hand."""

from collections.abc import Sequence
from math import isfinite

from condensers.errors import UsageError
from harness.reference import PREFIX, built_in
from harness.reference.files import open_results
from harness.report.wording import POINTS
from harness.running.comparison import Comparison, Pair, find_pairs
from harness.statistics.sample_size import MOST, upper_spread, values_to_detect
from harness.store.store import Store
from harness.suite.plan import SuitePlan


def find_spread(comparison: Comparison, plan: SuitePlan, store: Store) -> tuple[list[Pair], str]:
    """Find how far the paired differences of seeds lie apart: in the run directory, or else in the
    reference results of the suite.

    Returns:
        The pairs that have an interval, and the name of what they were read from.

    Raises:
        UsageError: neither has three seeds of both sides.
    """
    reference = f"{PREFIX}{plan.suite.name}"
    sources = [store.root] if store.described else []
    sources += [built_in()[reference]] if reference in built_in() else []
    for source in sources:
        pairs = find_pairs(comparison, open_results(source).contents())
        known = [pair for pair in pairs if pair.difference.low is not None]
        if known:
            return known, str(source) if source == store.root else reference
    raise UsageError(
        f"--detect: no results say how far {comparison} differs from seed to seed; run the suite"
        " with a few seeds first, such as --set seeds=5"
    )


def tell_seeds(
    comparison: Comparison, pairs: Sequence[Pair], difference: float, source: str
) -> tuple[list[str], int | None]:
    """Say how many seeds show a difference, a sentence a place and size.

    Returns:
        The sentences, and the seeds that do for all of them; None where one takes above 10,000.

    Raises:
        UsageError: the difference is not above 0.
    """
    if not difference > 0 or not isfinite(difference):
        raise UsageError(f"--detect {difference}: is not a number above 0")
    sentences, counts = [], []
    for pair in pairs:
        n, spread = pair.difference.n, pair.difference.spread or 0.0
        first = pair.difference.first or n
        usual = values_to_detect(spread, difference)
        careful = values_to_detect(upper_spread(spread, first), difference)
        counts.append(usual)
        wanted = f"{difference:g}{_scale(pair.unit)}"
        sentences.append(
            f"to see a difference of {wanted} in 80 % of cases, {comparison},"
            f" {pair.where}: {_seeds(usual)} (the differences of {first} seeds in {source} have the"
            f" standard deviation {spread:.3g}; at the upper end of its 80 % interval it takes"
            f" {_seeds(careful)})"
        )
    known = [count for count in counts if count is not None]
    return sentences, max(known) if len(known) == len(counts) else None


def _scale(unit: str) -> str:
    if unit in POINTS:
        return " percentage points"
    return f" {unit}" if unit else ""


def _seeds(count: int | None) -> str:
    return f"more than {MOST:,} seeds" if count is None else f"{count:,} seeds"
