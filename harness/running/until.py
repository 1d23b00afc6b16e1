"""`run --until`: seeds are added until the interval of one comparison is as narrow as wished.

Stein's two stages (`harness/statistics/sample_size.py`): the seeds of the suite are the first, and
their spread alone decides how many there are in all. So the intervals of the report hold under this
rule, and a run that was interrupted goes on to the same end.
"""

from dataclasses import dataclass, replace
from typing import Any

from condensers.errors import UsageError
from harness.report.wording import join_some
from harness.running.cell_work import RunSettings
from harness.running.comparison import (
    Comparison,
    Pair,
    find_pairs,
    name_comparison,
    with_seeds,
)
from harness.running.run import RunOptions, run_suite
from harness.statistics.intervals import TWO_STAGES_FROM
from harness.statistics.sample_size import two_stage_half_width, values_of_width
from harness.store.store import Store
from harness.suite.plan import SuitePlan


@dataclass(frozen=True)
class WidthRule:
    """When to stop.

    Args:
        half_width: of the 95 % interval, in the unit of the metric.
        comparison: of what.
        most: seeds that are not exceeded.
    """

    half_width: float
    comparison: Comparison
    most: int

    def as_words(self) -> list[str]:
        """Write the rule as the command line takes it."""
        compared = self.comparison
        words = ["--until", f"{self.half_width:g}", "--most", str(self.most)]
        words += ["--compare", f"{compared.first}:{compared.second}"]
        return [*words, "--metric", compared.measure]


def name_rule(
    plan: SuitePlan, half_width: float, compare: str | None, metric: str | None, most: int
) -> WidthRule:
    """Make the rule of a plan and check that it can be followed.

    Args:
        plan: the checked suite.
        half_width: of the 95 % interval, in the unit of the metric.
        compare: "A:B"; None for the usual pair, as `name_comparison` says.
        metric: a metric or a scenario; None for the first question of the suite.
        most: seeds that are not exceeded.

    Raises:
        UsageError: the width is no number above 0, the suite lacks what is compared or has too few
            seeds, or the plan is a trial.
    """
    if plan.suite.limit is not None:
        raise UsageError("--limit: a trial has one seed, so --until has no spread; leave one out")
    if isinstance(half_width, bool) or not 0 < half_width < float("inf"):
        raise UsageError(f"--until {half_width}: is not a number above 0")
    rule = WidthRule(half_width, name_comparison(plan, compare, metric), most)
    require_first_stage(plan, rule)
    return rule


def require_first_stage(plan: SuitePlan, rule: WidthRule) -> None:
    """UsageError where the suite has too few seeds to begin with, or more than may be."""
    seeds = _seeds(plan, rule)
    if len(seeds) < TWO_STAGES_FROM:
        raise UsageError(
            f"--until: {rule.comparison.scenario} begins with {len(seeds)} seed"
            f"{'s' * (len(seeds) != 1)}, which say too little of the spread; begin with"
            f" {TWO_STAGES_FROM} or more, such as --set seeds=5"
        )
    if rule.most < len(seeds):
        raise UsageError(
            f"--most {rule.most}: {rule.comparison.scenario} begins with {len(seeds)} seeds; name"
            " a larger number"
        )


def _seeds(plan: SuitePlan, rule: WidthRule) -> tuple[int, ...]:
    return next(e.seeds for e in plan.suite.scenarios if e.label == rule.comparison.scenario)


def run_until(
    plan: SuitePlan, settings: RunSettings, options: RunOptions, rule: WidthRule
) -> tuple[Store, str]:
    """Run a suite, and then as many seeds more as the rule asks for.

    Args:
        plan: the checked suite.
        settings: what its cells share.
        options: how it is run.
        rule: when to stop.

    Returns:
        The run directory, and a sentence that says at how many seeds it stopped and why.

    Raises:
        Interrupted: as `run_suite` raises it; the same command goes on.
        UsageError: as `run_suite` raises it, or the comparison was not measured.
    """
    require_first_stage(plan, rule)
    store = run_suite(plan, settings, options)
    pairs = find_pairs(rule.comparison, store.contents())
    if not pairs or any(pair.difference.n < TWO_STAGES_FROM for pair in pairs):
        raise UsageError(
            f"--until: {rule.comparison} has fewer than {TWO_STAGES_FROM} paired values in"
            f" {settings.root}; see what failed with: harness report {settings.root}"
        )
    needed = max(_needed(pair, rule.half_width) for pair in pairs)
    count = min(needed, rule.most)
    ended = _tell_end(pairs, rule, needed, count)
    extended = with_seeds(plan, rule.comparison.scenario, count)
    described = replace(extended, until=_describe(plan, rule, ended))
    return run_suite(described, settings, options), f"{rule.comparison}: {ended}"


def _needed(pair: Pair, half_width: float) -> int:
    found = pair.difference
    return values_of_width(found.spread or 0.0, found.n, half_width)


def _tell_end(pairs: list[Pair], rule: WidthRule, needed: int, count: int) -> str:
    widest = max(
        two_stage_half_width(pair.difference.spread or 0.0, pair.difference.n, count)
        for pair in pairs
    )
    where = f" ({join_some([pair.where for pair in pairs])})" if len(pairs) > 1 else ""
    if needed <= rule.most:
        return f"{count} seeds do that, with a half-width of at most {widest:.3g}{where}."
    return (
        f"--most {rule.most} ended it at a half-width of up to {widest:.3g}{where};"
        f" {needed:,} seeds would do it."
    )


def _describe(plan: SuitePlan, rule: WidthRule, ended: str) -> dict[str, Any]:
    compared = rule.comparison
    return {
        "half_width": rule.half_width,
        "compared": [compared.first, compared.second],
        "scenario": compared.scenario,
        "metric": compared.metric,
        "first_seeds": list(_seeds(plan, rule)),
        "most": rule.most,
        "ended": ended,
    }
