"""The ends of the scale on which a metric lies, by its unit and its name: no interval reaches
beyond them.
"""

from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Bounds(NamedTuple):
    """The ends of a scale.

    Args:
        low: the least value that can be; -inf where there is none.
        high: the largest value that can be; inf where there is none.
    """

    low: float = -inf
    high: float = inf

    @property
    def of_differences(self) -> "Bounds":
        """The ends of the scale of a difference of two such values."""
        return Bounds(self.low - self.high, self.high - self.low)

    def drop_exceeded(self, values: NDArray[np.float64]) -> "Bounds":
        """Return the bounds without those that some value lies beyond: a scenario of others may
        use a unit on another scale.

        Args:
            values: (n,) values of the metric.
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
    "MB": POSITIVE,
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
    """Return the bounds of a metric.

    Args:
        metric: its name.
        unit: its unit.

    Returns:
        The bounds; unbounded where it has none (as MMD) or is not known.
    """
    return OF_NAME.get(metric.partition(" in ")[0], OF_UNIT.get(unit, UNBOUNDED))
