"""Which of several sets is the best: one rule for every headline, table and figure.

The best has the highest mean, the lowest where less is better, of all sets that are compared, real images and averages included;
of equal means the first counts. What is the best of a part of them (of the condensed memories, of the real images, of one size)
says of which. The mean alone decides: what the interval carries is said beside it.
"""

from collections.abc import Sequence

from harness.report.results import Result


def best_of(results: Sequence[Result]) -> Result:
    """The best of results of one metric, at least one."""
    return max(results, key=lambda result: (-1 if result.higher_is_better is False else 1) * result.interval.mean)
