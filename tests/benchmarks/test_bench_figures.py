"""Figures of `make bench`: how far the two sides may be apart, ratios with their interval, what is
put together, exponents.
"""

import math

import numpy as np
import pytest

from benchmarks.figures import Mismatch, composed, difference, ratio_of_medians, row
from benchmarks.growth import fit
from benchmarks.loads import LOADS
from benchmarks.worker import Done


def done(loss: float, gradient: list[float] | None = None) -> Done:
    return Done(
        1.0, 1.0, 0, loss, None if gradient is None else np.array(gradient, dtype=np.float32)
    )


def test_bounds_of_losses_and_gradients() -> None:
    load = LOADS["dm"]
    assert difference(load, "bf16", 0, done(1.0), done(1.004))[0] == pytest.approx(0.004)
    with pytest.raises(Mismatch, match="losses of unit 7"):
        difference(load, "fp32", 7, done(1.0), done(1.004))
    with pytest.raises(Mismatch, match="losses"):
        difference(load, "fp32", 0, done(1.0), done(math.nan))
    assert difference(load, "fp32", 0, done(1.0, [3, 4]), done(1.0, [3, 4.005]))[
        1
    ] == pytest.approx(1e-3, rel=1e-3)
    with pytest.raises(Mismatch, match="gradients"):
        difference(load, "fp32", 0, done(1.0, [3, 4]), done(1.0, [3, 4.05]))


def test_the_ratio_is_of_medians_and_rounds_are_drawn_whole() -> None:
    plain = [2.0, 4.0, 6.0, 30.0, 8.0]
    assert ratio_of_medians(plain, [1.0, 2.0, 3.0, 15.0, 4.0]) == (2.0, 2.0, 2.0)
    ratio, low, high = ratio_of_medians(plain, [2.0, 2.0, 2.0, 2.0, 2.0])
    assert ratio == 3.0
    assert 1.0 <= low < 3.0 < high <= 15.0
    assert ratio_of_medians([3.0], [2.0]) == (1.5, None, None)


def test_parts_of_different_rounds_are_not_put_together() -> None:
    parts = [
        row(name, "fp32", None, [1.0] * n, [1.0] * n)
        | {"seconds": {"plain": [1.0] * n, "ours": [1.0] * n}}
        for name, n in (("dc-matching", 2), ("dc-epochs", 3))
    ]
    assert composed("dc", parts, (10.0, 150.0), card=False) == []


def test_the_fit_recovers_an_exponent() -> None:
    sizes = [1, 5, 10, 20, 50]
    exponent, error = fit(sizes, [0.3 * size**1.7 for size in sizes])
    assert exponent == pytest.approx(1.7)
    assert error < 1e-9
    noisy = fit(
        sizes,
        [size * factor for size, factor in zip(sizes, (1.1, 0.9, 1.1, 0.9, 1.1), strict=True)],
    )
    assert 0 < noisy[1] < 0.2
    with pytest.raises(ValueError, match="two sizes"):
        fit([1], [1.0])
