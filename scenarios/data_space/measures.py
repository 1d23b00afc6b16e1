"""Which measures the data space has, and how they are taken: class by class, then averaged over the classes."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scenarios.data_space.coverage import coverage, density
from scenarios.data_space.frechet import frechet_distance
from scenarios.data_space.margin import between_class_margin
from scenarios.data_space.mmd import mmd
from scenarios.data_space.nearest import nearer_than_real, nearest_real_distance
from scenarios.data_space.points import ClassPoints, Space
from scenarios.data_space.spread import within_class_spread

UNIT = "distances from a real image to its nearest"


class Measure(NamedTuple):
    """of: the value of one class, None where it is not defined. higher_is_better: whether it then is nearer to real images."""

    of: Callable[[ClassPoints], float | None]
    unit: str
    higher_is_better: bool | None


MEASURES: Mapping[str, Measure] = {
    "coverage": Measure(coverage, "", True),
    "density": Measure(density, "", None),
    "frechet-distance": Measure(frechet_distance, f"squared {UNIT}", False),
    "mmd": Measure(mmd, "squared", False),
    "within-class-spread": Measure(within_class_spread, "of real images", None),
    "between-class-margin": Measure(between_class_margin, UNIT, None),
    "nearest-real-distance": Measure(nearest_real_distance, UNIT, None),
    "nearer-than-real": Measure(nearer_than_real, "%", None),
}


def measured(space: Space) -> dict[str, dict[int, float]]:
    """Measure -> class -> value, without classes where it is not defined: empty where it is defined for none."""
    points = dict(space.by_class())
    found = {}
    for name, measure in MEASURES.items():
        each = {label: measure.of(own) for label, own in points.items()}
        found[name] = {label: value for label, value in each.items() if value is not None}
    return found
