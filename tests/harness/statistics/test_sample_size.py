"""What a number of values shows, by simulation; and that Stein's intervals hold though the data
decided how many values there are.
"""

import numpy as np
import pytest
from scipy import stats

from harness.statistics.intervals import interval, paired_difference
from harness.statistics.rank_bootstrap import RankDraws, rank_interval
from harness.statistics.sample_size import (
    FEWEST,
    detectable_by_error,
    detectable_difference,
    two_stage_half_width,
    upper_spread,
    values_of_width,
    values_to_detect,
)

TRIALS = 4000


@pytest.mark.parametrize("n", [3, 5, 20, 100])
def test_the_detectable_difference_is_shown_in_four_cases_of_five(n: int) -> None:
    """The spread is known here, as it is what the formula takes for given."""
    shift = detectable_difference(2.0, n)
    samples = np.random.default_rng(n).normal(shift, 2.0, size=(TRIALS, n))
    error = samples.std(axis=1, ddof=1) / np.sqrt(n)
    shown = np.abs(samples.mean(axis=1)) > stats.t.ppf(0.975, n - 1) * error
    assert shown.mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(("ratio", "n"), [(1.0, 10), (0.5, 34), (0.8, 15), (2.0, 5)])
def test_the_number_of_values_is_that_of_the_tables(ratio: float, n: int) -> None:
    """Cohen (1988), one-sample t, two-sided 5 %, power 80 %, as G*Power gives it."""
    assert values_to_detect(1.0, ratio) == n
    assert detectable_difference(1.0, n) <= ratio < detectable_difference(1.0, n - 1)


def test_ends_of_the_number_of_values() -> None:
    assert values_to_detect(0.0, 1.0) == values_to_detect(1e-9, 1.0) == FEWEST
    assert values_to_detect(1000.0, 1.0) is None
    numbers = [values_to_detect(spread, 1.0) for spread in np.linspace(0.1, 30, 60)]
    assert numbers == sorted(numbers, key=lambda n: n or 0) and numbers[-1] is not None


def test_an_interval_knows_what_it_could_have_shown() -> None:
    values = [81.0, 83.0, 82.0, 84.5]
    found = interval(values)
    assert found.spread == pytest.approx(np.std(values, ddof=1))
    assert found.detectable == pytest.approx(detectable_difference(found.spread, 4))
    assert found.values_for(1.0) == values_to_detect(found.spread, 1.0)
    for few in ([1.0], [1.0, 2.0], [3.0, 3.0, 3.0]):
        assert (interval(few).detectable, interval(few).values_for(1.0)) == (None, None)
    many = np.random.default_rng(0).normal(size=12).tolist()
    assert interval(many).detectable == pytest.approx(
        detectable_difference(np.std(many, ddof=1), 12)
    )


def test_a_resampled_statistic_goes_by_its_standard_error() -> None:
    drawn = np.random.default_rng(0).normal(0.0, 0.1, size=5000)
    found = rank_interval(RankDraws(0.0, drawn, 12))
    assert found.detectable == pytest.approx(detectable_by_error(0.1), rel=0.05)
    assert found.detectable == pytest.approx(0.28, abs=0.02) and found.values_for(0.1) is None


def stopped(rng: np.random.Generator, first: int, half_width: float) -> list[float]:
    """Values of mean 3 and standard deviation 2 by the rule."""
    early = rng.normal(3.0, 2.0, size=first)
    count = values_of_width(float(early.std(ddof=1)), first, half_width)
    return [*early, *rng.normal(3.0, 2.0, size=count - first)]


@pytest.mark.parametrize("first", [3, 5])
def test_two_stages_hold_the_mean_as_often_as_they_say(first: int) -> None:
    rng, held, trials = np.random.default_rng(first), 0, 3000
    for _ in range(trials):
        values = stopped(rng, first, 2.0)
        spread, n = float(np.std(values[:first], ddof=1)), len(values)
        half = two_stage_half_width(spread, first, n)
        assert half <= 2.0 + 1e-9
        held += abs(float(np.mean(values)) - 3.0) <= half
    assert 0.945 <= held / trials <= 0.962  # a binomial's three standard errors below 0.957


def test_stopping_at_the_first_narrow_interval_does_not_hold() -> None:
    """Why not simply look after each seed: Student's intervals then miss too often."""
    counts = np.arange(3, 60)
    drawn = np.random.default_rng(0).normal(3.0, 2.0, size=(2000, 59))
    halves = np.stack(
        [stats.t.ppf(0.975, n - 1) * drawn[:, :n].std(axis=1, ddof=1) / n**0.5 for n in counts]
    )
    stop = (halves <= 2.0).argmax(axis=0)  # the first n whose interval is narrow
    means = (drawn.cumsum(axis=1) / np.arange(1, 60))[np.arange(2000), counts[stop] - 1]
    held = np.abs(means - 3.0) <= halves[stop, np.arange(2000)]
    assert held.mean() < 0.93


def test_it_holds_for_other_pairs_of_the_same_run_too() -> None:
    """The number of seeds is decided by one pair; the intervals of another that is correlated with
    it hold all the same.
    """
    rng, held, trials = np.random.default_rng(7), 0, 3000
    for _ in range(trials):
        common = rng.normal(size=2000)
        named, other = common * 2, 0.8 * common + 0.6 * rng.normal(size=2000)
        n = values_of_width(float(named[:4].std(ddof=1)), 4, 1.5)
        half = two_stage_half_width(float(other[:4].std(ddof=1)), 4, n)
        held += abs(other[:n].mean()) <= half
    assert 0.938 <= held / trials <= 0.962


def test_an_interval_of_two_stages() -> None:
    values = [1.0, 2.0, 3.5, 2.0, 8.0, 2.0]
    found = interval(values, first=3)
    half = two_stage_half_width(float(np.std(values[:3], ddof=1)), 3, 6)
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half))
    assert found.mean == pytest.approx(np.mean(values)) and found.first == 3
    assert found.method == "Stein's two stages, the first of 3"
    assert found.detectable == pytest.approx(detectable_difference(found.spread, 6, first=3))
    assert interval(values[:3], first=3) == interval(values[:3])  # no second stage
    assert interval([2.0, 2.0, 2.0, 1.0], first=3).method == "Student's t"  # it says no spread
    assert interval(values, first=2).method == "Student's t"


def test_a_paired_difference_puts_the_first_seeds_first() -> None:
    a = {7: 9.0, 8: 3.0, 0: 5.0, 1: 7.0, 2: 9.5}
    b = {0: 3.0, 1: 4.0, 2: 6.0, 7: 1.0, 8: 2.0}
    found = paired_difference(a, b, first=(0, 1, 2))
    assert found == interval([2.0, 3.0, 3.5, 8.0, 1.0], first=3)
    assert paired_difference(a, b).first is None


def test_the_upper_end_of_a_spread_is_exceeded_in_one_case_of_five() -> None:
    samples = np.random.default_rng(0).normal(size=(TRIALS, 5)).std(axis=1, ddof=1)
    below = np.mean([upper_spread(float(spread), 5) < 1.0 for spread in samples])
    assert below == pytest.approx(0.2, abs=0.02)
