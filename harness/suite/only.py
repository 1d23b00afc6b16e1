"""`only = ["dm*", "equal steps"]`: a part of a suite, by labels of condensers and scenarios.

The cells that are kept are those of the whole suite, keys included: a run directory may be begun
with a part of a suite and filled with the rest later.
"""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from condensers.errors import shown, suggestion

if TYPE_CHECKING:
    from harness.suite.definition import Suite


def keep_only(suite: "Suite", patterns: Sequence[str]) -> "Suite":
    """Keep what patterns name.

    Args:
        suite: as it was read.
        patterns: labels of condensers and of scenarios, `*` and `?` as in file names. Where none
            names a condenser all of them are kept, and likewise scenarios.

    Returns:
        The suite with the condensers and scenarios that match; a pattern that matches nothing is
        one more fault.
    """
    labels = [entry.label for entry in suite.condensers]
    names = [entry.label for entry in suite.scenarios]
    faults = tuple(
        f"{suite.source}: only: {shown(pattern)} names neither a condenser nor a scenario;"
        f" {suggestion(pattern, [*labels, *names])}"
        for pattern in patterns
        if not _match([*labels, *names], [pattern])
    )
    kept = _match(labels, patterns) or labels
    scenarios = _match(names, patterns) or names
    return replace(
        suite,
        condensers=tuple(entry for entry in suite.condensers if entry.label in kept),
        scenarios=tuple(
            replace(entry, condensers=tuple(label for label in entry.condensers if label in kept))
            for entry in suite.scenarios
            if entry.label in scenarios
        ),
        faults=suite.faults + faults,
    )


def _match(labels: Sequence[str], patterns: Sequence[str]) -> list[str]:
    return [label for label in labels if any(fnmatchcase(label, one) for one in patterns)]
