"""What a set is made of, and which metrics belong to a strategy of continual learning."""

from collections.abc import Iterable, Mapping
from typing import Any

from condensers.errors import UsageError
from condensers.sets import origins

REAL = "real images"
AVERAGES = "averages"
CONDENSED = "condensed"
REFERENCE = "reference"

UNKNOWN = "unknown origin"
# Real images with labels that a teacher gave are condensed knowledge, though no image was learned.
OF_ORIGIN = {
    origins.REAL: REAL,
    origins.TAUGHT: CONDENSED,
    origins.AVERAGES: AVERAGES,
    origins.LEARNED: CONDENSED,
    origins.UNKNOWN: UNKNOWN,
}

BY_STRATEGY = (
    "final-accuracy",
    "forgetting",
    "gap-closed",
    "anytime-accuracy",
    "learning-accuracy",
    "backward-transfer",
    "forward-transfer",
    "worst-case-accuracy",
)


def kind_of(cell: Mapping[str, Any]) -> str:
    """What the images of a record's cell are; UsageError where it says nothing, as records of older
    formats do.
    """
    if cell.get("reference"):
        return REFERENCE
    said = cell.get("origin")
    if said not in OF_ORIGIN:
        raise UsageError(
            f"a record of '{cell.get('label')}' does not say what its images are, so it is of an"
            " older format; run its suite again into a new folder"
        )
    return OF_ORIGIN[said]


def split_metric(metric: str) -> tuple[str, str]:
    """ "er-ace/forgetting" -> ("er-ace", "forgetting"); no strategy for a metric of another
    scenario.
    """
    strategy, _, name = metric.rpartition("/")
    return (strategy, name) if strategy and name in BY_STRATEGY else ("", metric)


def strategies(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The strategies under which sets were measured, or the references where there are no sets."""
    known = [(split_metric(row["metric"])[0], row["reference"]) for row in rows]
    found = [strategy for strategy, is_reference in known if strategy and not is_reference]
    return list(dict.fromkeys(found or [strategy for strategy, _ in known if strategy]))
