"""Correlations over sets of condensers against scipy, and whether their intervals hold what they
should.
"""

import numpy as np
import pytest
from scipy import stats

from harness.statistics.clustered_correlation import ClusteredSets, holds_among
from harness.statistics.intervals import Interval


def made(
    condensers: int, effect: float, seed: int, each: int = 4
) -> tuple[ClusteredSets, np.ndarray]:
    """Sets of which half are ten times as large; measure and usefulness share `effect` of what a
    condenser gives to both.
    """
    rng = np.random.default_rng(seed)
    whose = np.repeat(np.arange(condensers), each)
    nbytes = np.tile([1.0, 10.0], condensers * each // 2)
    given = rng.normal(size=condensers)
    other = effect * given + np.sqrt(1 - effect**2) * rng.normal(size=condensers)
    measure = given[whose] + 0.3 * rng.normal(size=len(whose)) + (nbytes > 1)
    useful = other[whose] + 0.3 * rng.normal(size=len(whose)) + 2 * (nbytes > 1)
    return ClusteredSets(useful, nbytes, [f"c{c}" for c in whose]), measure


def test_points_are_those_of_scipy() -> None:
    sets, measure = made(7, 0.6, 0)
    measure = measure.round(1)  # with ties
    found = sets.correlate(measure)
    assert found.spearman.mean == pytest.approx(stats.spearmanr(measure, sets.useful).statistic)
    assert found.kendall.mean == pytest.approx(stats.kendalltau(measure, sets.useful).statistic)
    ranks = [stats.rankdata(side) for side in (measure, sets.useful, sets.nbytes)]
    left = [side - np.polyval(np.polyfit(ranks[2], side, 1), ranks[2]) for side in ranks[:2]]
    assert found.given_bytes.mean == pytest.approx(np.corrcoef(*left)[0, 1])
    assert found.spearman.n == 28 and found.spearman.method == "bootstrap over condensers"


def test_intervals_hold_the_truth_where_condensers_are_few() -> None:
    truth = made(4000, 0.5, 1)
    wanted = stats.spearmanr(truth[1], truth[0].useful).statistic
    held = []
    for seed in range(60):
        sets, measure = made(6, 0.5, 100 + seed)
        found = sets.correlate(measure).spearman
        assert (
            found.low is not None
            and found.high is not None
            and -1 <= found.low <= found.mean <= found.high <= 1
        )
        held.append(found.low <= wanted <= found.high)
    assert np.mean(held) >= 0.85


def test_a_condenser_counts_once_however_many_sets_it_has() -> None:
    sets, measure = made(6, 0.5, 3)
    times = 5
    many = ClusteredSets(
        np.tile(sets.useful, times), np.tile(sets.nbytes, times), list(sets.condensers) * times
    )
    one, repeated = (
        sets.correlate(measure).spearman,
        many.correlate(np.tile(measure, times)).spearman,
    )
    assert repeated.n == 5 * one.n
    assert (repeated.low, repeated.high) == (
        pytest.approx(one.low, abs=1e-6),
        pytest.approx(one.high, abs=1e-6),
    )


def test_equal_sizes_leave_nothing_to_be_given() -> None:
    sets, measure = made(6, 0.9, 4)
    flat = ClusteredSets(sets.useful, np.ones_like(sets.nbytes), sets.condensers)
    found = flat.correlate(measure)
    assert (
        np.isnan(found.given_bytes.mean)
        and found.given_bytes.low is None
        and not found.given_bytes.distinguishable
    )
    assert found.judged == found.spearman
    assert sets.correlate(measure).judged == sets.correlate(measure).given_bytes


def test_what_comes_of_size_alone_vanishes_given_bytes() -> None:
    rng = np.random.default_rng(5)
    nbytes = np.tile([1.0, 10.0, 100.0], 16)
    sets = ClusteredSets(
        np.log(nbytes) + 0.5 * rng.normal(size=48), nbytes, [f"c{i // 6}" for i in range(48)]
    )
    found = sets.correlate(np.log(nbytes) + 0.5 * rng.normal(size=48))
    assert found.spearman.distinguishable and found.spearman.mean > 0.7
    assert not found.given_bytes.distinguishable and abs(found.given_bytes.mean) < 0.4


def test_few_condensers_or_a_constant_measure_get_no_interval() -> None:
    sets, measure = made(4, 0.9, 6)
    few = sets.correlate(measure).spearman
    assert few.low is None and few.method == "fewer than 5 condensers" and np.isfinite(few.mean)
    assert not holds_among(few, 4, 10)
    sets, measure = made(6, 0.9, 6)
    flat = sets.correlate(np.ones_like(measure)).kendall
    assert np.isnan(flat.mean) and flat.low is None


@pytest.mark.parametrize(("tests", "holds"), [(1, True), (5, True), (6, False), (100, False)])
def test_correcting_for_their_number_widens_intervals(tests: int, holds: bool) -> None:
    # Eight condensers, z 3.5 standard errors from 0: p = 0.01, which stands among up to five tests
    # (0.05 / 5).
    error = 0.2
    z, half = 3.4995 * error, float(stats.t.ppf(0.975, 7)) * error
    found = Interval(np.tanh(z), np.tanh(z - half), np.tanh(z + half), 32, "made up")
    assert stats.t.sf(3.4995, 7) * 2 == pytest.approx(0.01, abs=2e-6)
    assert holds_among(found, 8, tests) == holds


def test_a_perfect_order_is_claimed_only_as_far_as_condensers_go() -> None:
    order = np.arange(24.0)
    found = (
        ClusteredSets(order, np.tile([1.0, 10.0], 12), [f"c{i // 4}" for i in range(24)])
        .correlate(order)
        .spearman
    )
    assert (
        found.mean == pytest.approx(1)
        and found.distinguishable
        and found.high is not None
        and found.high <= 1
    )
