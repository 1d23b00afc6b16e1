"""What a set is made of, and which metrics belong to a strategy of continual learning."""

from collections.abc import Iterable, Mapping
from typing import Any

REAL = "real images"
AVERAGES = "averages"
CONDENSED = "condensed"
REFERENCE = "reference"

CENTROIDS = "k-means-centroids"
# Methods that store images of the data as they are, or made smaller or compressed; averages of images are none of them.
REAL_METHODS = (
    "random", "herding", "k-center", "k-means", "forgetting", "el2n", "grand", "margin", "real-jpeg", "real-png", "real-tiles",
)  # fmt: skip

BY_STRATEGY = (
    "final-accuracy", "forgetting", "gap-closed", "anytime-accuracy", "learning-accuracy", "backward-transfer",
    "forward-transfer", "worst-case-accuracy",
)  # fmt: skip


def kind_of(cell: Mapping[str, Any]) -> str:
    """Real images, averages or condensed; real images with labels that were learned or taught are condensed knowledge."""
    if cell.get("reference"):
        return REFERENCE
    method = cell.get("condenser")
    if method == CENTROIDS:
        return AVERAGES
    labels = (cell.get("hyperparameters") or {}).get("labels", "hard")
    name = labels.get("name") if isinstance(labels, Mapping) else labels
    return REAL if method in REAL_METHODS and name == "hard" else CONDENSED


def split_metric(metric: str) -> tuple[str, str]:
    """ "er-ace/forgetting" -> ("er-ace", "forgetting"); no strategy for a metric of another scenario."""
    strategy, _, name = metric.rpartition("/")
    return (strategy, name) if strategy and name in BY_STRATEGY else ("", metric)


def strategies(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The strategies under which sets were measured, or the references where there are no sets."""
    known = [(split_metric(row["metric"])[0], row["reference"]) for row in rows]
    found = [strategy for strategy, is_reference in known if strategy and not is_reference]
    return list(dict.fromkeys(found or [strategy for strategy, _ in known if strategy]))
