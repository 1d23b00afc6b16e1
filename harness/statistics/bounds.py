"""The ends of the scale on which a metric lies, by its unit and its name: no interval reaches
beyond them.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Bounds(NamedTuple):
    """The least and the largest value that can be; infinite where there is none."""

    low: float = -inf
    high: float = inf

    @property
    def of_differences(self) -> "Bounds":
        """The ends of the scale of a difference of two such values."""
        return Bounds(self.low - self.high, self.high - self.low)

    def kept_by(self, values: NDArray[np.float64]) -> "Bounds":
        """Those bounds that all values keep: a unit is no proof that a scenario of others ends
        where ours do.
        """
        low, high = (bool((values >= self.low).all()), bool((values <= self.high).all()))
        return Bounds(self.low if low else -inf, self.high if high else inf)


UNBOUNDED = Bounds()
SHARE, POSITIVE = Bounds(0.0, 1.0), Bounds(0.0, inf)
OF_UNIT = {
    "%": Bounds(0.0, 100.0),
    "points": Bounds(-100.0, 100.0),  # a difference of two percentages, as forgetting is
    "area": SHARE,
    "s": POSITIVE,
    "J": POSITIVE,
    "architectures": POSITIVE,
    "parameters": POSITIVE,
    "of real images": POSITIVE,
}
# By what stands before " in EMBEDDING".
OF_NAME = {
    "coverage": SHARE,
    "density": POSITIVE,
    "frechet-distance": POSITIVE,
    "nearest-real-distance": POSITIVE,
    "deletion-auc": SHARE,
    "insertion-auc": SHARE,
    "mask-overlap": SHARE,
}


def bounds_of(metric: str, unit: str) -> Bounds:
    """The bounds of a metric, none where it has none (as MMD and the share of a gap that is closed)
    or is not known.
    """
    return OF_NAME.get(metric.partition(" in ")[0], OF_UNIT.get(unit, UNBOUNDED))
