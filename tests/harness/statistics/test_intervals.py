"""Statistics against scipy and hand-made figures; coverage by seeded simulation."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import break_even, interval, paired_difference


def test_interval_below_ten_values_is_students_t() -> None:
    values = [91.0, 92.0, 94.0, 95.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=93.0, scale=stats.sem(values))
    assert (found.mean, found.n, found.method) == (93.0, 4, "Student's t")
    assert found.low == pytest.approx(low) and found.high == pytest.approx(high)
    assert found.low == pytest.approx(
        93.0 - 3.182446 * 1.825742 / 2, abs=1e-5
    )  # t(3) and s by hand


def test_interval_from_ten_values_is_bca_and_repeats() -> None:
    values = np.random.default_rng(1).exponential(size=12)
    found = interval(values.tolist())
    rng = np.random.default_rng(0)
    low, high = stats.bootstrap(
        (values,), np.mean, n_resamples=9999, method="BCa", rng=rng
    ).confidence_interval
    assert found.method == "BCa bootstrap"
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found == interval(values.tolist())


def test_interval_of_one_value_and_of_equal_values() -> None:
    one = interval([3.0])
    assert (one.mean, one.low, one.high, one.n) == (3.0, None, None, 1)
    assert one.method == "one value, no interval" and not one.distinguishable
    for values in ([3.0, 3.0], [2.9, 3.1], [0.0, 6.0]):
        two = interval(values)
        assert (two.mean, two.low, two.high) == (3.0, None, None) and not two.distinguishable
        assert two.method == "two values, no interval"
    for n in (3, 12):
        equal = interval([3.0] * n)
        assert (equal.low, equal.high, equal.method) == (3.0, 3.0, "all values equal")
    rounded = interval(
        [92.1 - 92.0, 95.1 - 95.0, 91.1 - 91.0]
    )  # equal but for rounding: no interval of width 1e-13
    assert rounded.method == "all values equal"
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_why_students_t_for_few_values() -> None:
    """At n = 3 the percentile bootstrap holds the true mean far less often than 95 % of the time, t
    as often as it says.
    """
    samples = np.random.default_rng(0).normal(size=(1000, 3))
    rng = np.random.default_rng(0)
    low, high = stats.bootstrap(
        (samples,), np.mean, axis=1, n_resamples=999, method="percentile", rng=rng
    ).confidence_interval
    percentile = np.mean((low <= 0) & (high >= 0))
    ours = [interval(sample.tolist()) for sample in samples]
    student = np.mean([found.low <= 0 <= found.high for found in ours])
    assert percentile < 0.85
    assert 0.93 <= student <= 0.97


def test_paired_difference_uses_shared_keys_only() -> None:
    a, b = {0: 5.0, 1: 7.0, 2: 9.0, 9: 100.0}, {2: 6.0, 0: 3.0, 1: 4.0, 8: -100.0}
    found = paired_difference(a, b)
    assert found is not None and found == interval([2.0, 3.0, 3.0])
    assert found.mean == pytest.approx(8 / 3) and found.distinguishable
    assert paired_difference({0: 1.0}, {1: 1.0}) is None


def test_distinguishable_means_the_interval_excludes_zero() -> None:
    assert interval([1.0, 1.1, 0.9]).distinguishable
    assert interval([-1.0, -1.1, -0.9]).distinguishable
    assert not interval([1.0, -1.1, 0.9]).distinguishable
    assert not interval([0.0, 0.0, 0.0]).distinguishable


def test_break_even() -> None:
    assert break_even(120.0, truth=20.0, proxy=5.0) == 8.0
    assert break_even(0.0, truth=20.0, proxy=5.0) == 0.0
    assert break_even(120.0, truth=5.0, proxy=5.0) is None
    assert break_even(120.0, truth=5.0, proxy=9.0) is None
