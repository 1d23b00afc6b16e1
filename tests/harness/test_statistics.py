"""Statistics against scipy and hand-made figures; coverage by seeded simulation."""

import time

import numpy as np
import pytest
from scipy import stats

from harness.statistics import (
    break_even,
    interval,
    kendall,
    paired_difference,
    precision_at,
    rank_difference,
    rank_draws,
    rank_interval,
    regret_at,
    seed_agreement,
    spearman,
)


def test_interval_below_ten_values_is_students_t() -> None:
    values = [91.0, 92.0, 94.0, 95.0]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, loc=93.0, scale=stats.sem(values))
    assert (found.mean, found.n, found.method) == (93.0, 4, "Student's t")
    assert found.low == pytest.approx(low) and found.high == pytest.approx(high)
    assert found.low == pytest.approx(93.0 - 3.182446 * 1.825742 / 2, abs=1e-5)  # t(3) and s by hand


def test_interval_from_ten_values_is_bca_and_repeats() -> None:
    values = np.random.default_rng(1).exponential(size=12)
    found = interval(values.tolist())
    rng = np.random.default_rng(0)
    low, high = stats.bootstrap((values,), np.mean, n_resamples=9999, method="BCa", rng=rng).confidence_interval
    assert found.method == "BCa bootstrap"
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found == interval(values.tolist())


def test_interval_of_one_value_and_of_equal_values() -> None:
    one = interval([3.0])
    assert (one.mean, one.low, one.high, one.n) == (3.0, None, None, 1)
    assert one.method == "one value, no interval" and not one.distinguishable
    two = interval([3.0, 3.0])
    assert (two.mean, two.low, two.high) == (3.0, None, None) and not two.distinguishable
    for n in (3, 12):
        equal = interval([3.0] * n)
        assert (equal.low, equal.high, equal.method) == (3.0, 3.0, "all values equal")
    with pytest.raises(ValueError, match="no values"):
        interval([])


def test_why_students_t_for_few_values() -> None:
    """At n = 3 the percentile bootstrap holds the true mean far less often than 95 % of the time, t as often as it says."""
    samples = np.random.default_rng(0).normal(size=(1000, 3))
    rng = np.random.default_rng(0)
    low, high = stats.bootstrap((samples,), np.mean, axis=1, n_resamples=999, method="percentile", rng=rng).confidence_interval
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


@pytest.mark.parametrize("levels", [3, 1000])
def test_kendall_and_spearman_agree_with_scipy_ties_included(levels: int) -> None:
    rng = np.random.default_rng(levels)
    x, y = rng.integers(levels, size=(2, 20, 11)).astype(float)
    tau, rho = kendall(x, y), spearman(x, y)
    for i in range(20):
        assert tau[i] == pytest.approx(stats.kendalltau(x[i], y[i], variant="b").statistic)
        assert rho[i] == pytest.approx(stats.spearmanr(x[i], y[i]).statistic)


def test_constant_scores_have_no_rank_correlation() -> None:
    x, y = np.arange(4.0), np.ones(4)
    assert np.isnan(kendall(x, y)) and np.isnan(spearman(x, y))


def test_precision_and_regret_by_hand() -> None:
    truth = np.array([90.0, 95.0, 93.0, 80.0, 94.0])
    scores = np.array([5.0, 1.0, 4.0, 3.0, 2.0])  # picks 0, 2, 3; truly best are 1, 4, 2
    assert precision_at(2)(truth, scores) == 0.0
    assert precision_at(3)(truth, scores) == pytest.approx(1 / 3)
    assert regret_at(1)(truth, scores) == 5.0
    assert regret_at(2)(truth, scores) == 2.0
    assert regret_at(5)(truth, scores) == 0.0


def test_rank_draws_average_truth_over_its_seeds_and_the_statistic_over_proxy_seeds() -> None:
    rng = np.random.default_rng(3)
    truth, scores = rng.normal(size=(2, 9)), rng.normal(size=(3, 9))
    by_hand = np.mean([stats.kendalltau(truth.mean(0), s).statistic for s in scores])
    assert rank_draws(kendall, truth, scores).point == pytest.approx(by_hand)


def test_tied_scores_are_judged_by_what_their_ties_give_on_average() -> None:
    truth = np.arange(8.0)[None]
    draws = rank_draws(precision_at(2), truth, np.ones((1, 8)))
    assert draws.point == pytest.approx(2 / 8, abs=0.04)  # a random pair holds each of the two best with chance 1/4
    assert rank_draws(precision_at(2), truth, truth).point == 1.0


def test_rank_interval_is_the_percentile_of_resampled_architectures() -> None:
    """With one seed each, the interval is that of scipy's paired percentile bootstrap."""
    rng = np.random.default_rng(4)
    truth = rng.normal(size=16)
    scores = truth + rng.normal(size=16)
    found = rank_interval(rank_draws(kendall, truth[None], scores[None]))

    def tau(x: np.ndarray, y: np.ndarray) -> float:
        return float(stats.kendalltau(x, y).statistic)

    oracle = stats.bootstrap(
        (truth, scores), tau, paired=True, vectorized=False, n_resamples=1000, method="percentile", rng=np.random.default_rng(5)
    ).confidence_interval
    assert found.n == 16 and found.method == "percentile bootstrap"
    assert (found.low, found.high) == (pytest.approx(oracle.low, abs=0.05), pytest.approx(oracle.high, abs=0.05))


def test_resampling_seeds_widens_the_interval_of_an_unsteady_proxy() -> None:
    truth = np.arange(12.0)[None]
    unsteady = np.concatenate([truth, -truth])
    found = rank_interval(rank_draws(kendall, truth, unsteady))
    assert found.mean == pytest.approx(0.0)
    assert (found.low, found.high) == (pytest.approx(-1.0), pytest.approx(1.0))


def test_degenerate_resamples_are_dropped_and_counted() -> None:
    truth = np.arange(8.0)[None]
    scores = np.zeros((1, 8))
    scores[0, 7] = 1.0  # a resample without the last architecture is constant: chance (7/8)^8 = 0.34
    found = rank_interval(rank_draws(kendall, truth, scores))
    assert found.dropped / 2000 == pytest.approx(0.344, abs=0.04)
    constant = rank_interval(rank_draws(kendall, truth, np.zeros((1, 8))))
    assert np.isnan(constant.mean) and constant.low is None and constant.dropped == 2000


def test_few_architectures_get_no_interval() -> None:
    """Seven architectures in perfect order would give [1, 1]: certainty from a handful of points."""
    truth = np.arange(7.0)[None]
    found = rank_interval(rank_draws(kendall, truth, truth))
    assert (found.mean, found.low, found.high) == (1.0, None, None) and not found.distinguishable
    assert found.method == "fewer than 8 architectures"


def test_rank_difference_is_paired() -> None:
    """Two proxies that err alike differ by nothing in any resample, however wide their own intervals."""
    rng = np.random.default_rng(6)
    truth = rng.normal(size=(1, 12))
    a = truth + rng.normal(size=(1, 12))
    same = rank_difference(rank_draws(kendall, truth, a), rank_draws(kendall, truth, 3 * a + 1))
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0) and not same.distinguishable
    apart = rank_difference(rank_draws(kendall, truth, truth), rank_draws(kendall, truth, -truth))
    assert apart.distinguishable and apart.mean == 2.0


def test_noise_ceiling_is_the_mean_over_pairs_of_seeds() -> None:
    truth = np.random.default_rng(7).normal(size=(3, 10))
    pairs = [stats.kendalltau(truth[i], truth[j]).statistic for i in range(3) for j in range(i)]
    found = seed_agreement(kendall, truth)
    assert found is not None and found.point == pytest.approx(np.mean(pairs))
    assert seed_agreement(kendall, truth[:1]) is None


def test_two_thousand_resamples_of_24_architectures_are_quick() -> None:
    rng = np.random.default_rng(8)
    truth, scores = rng.normal(size=(3, 24)), rng.normal(size=(3, 24))
    times = []
    for _ in range(3):
        begun = time.process_time()
        draws = rank_draws(kendall, truth, scores)
        times.append(time.process_time() - begun)
    assert draws.resampled.shape == (2000,) and min(times) < 0.3


def test_break_even() -> None:
    assert break_even(120.0, truth=20.0, proxy=5.0) == 8.0
    assert break_even(0.0, truth=20.0, proxy=5.0) == 0.0
    assert break_even(120.0, truth=5.0, proxy=5.0) is None
    assert break_even(120.0, truth=5.0, proxy=9.0) is None
