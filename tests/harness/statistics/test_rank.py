"""Rank statistics and their bootstrap against scipy and figures by hand."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy import stats

from harness.statistics.rank import kendall, spearman
from harness.statistics.rank_bootstrap import (
    RankDraws,
    TrueAccuracies,
    bound_together,
    draw_ranks,
    rank_difference,
    rank_interval,
    seed_agreement,
)
from harness.statistics.rank_samples import (
    RankStatistic,
    Samples,
    ScoredSamples,
    best_rank_at,
    kendall_of_samples,
    partial_spearman_of_samples,
    pearson_of_samples,
    precision_at,
    regret_at,
    spearman_of_samples,
)


def truth_of(
    test: np.ndarray, validation: np.ndarray | None = None, parameters: np.ndarray | None = None
) -> TrueAccuracies:
    return TrueAccuracies(test, test if validation is None else validation, parameters)


def draws_of(statistic: RankStatistic, test: np.ndarray, scores: np.ndarray) -> RankDraws:
    return draw_ranks([statistic], truth_of(test), scores)[0]


def point(
    statistic: RankStatistic, test: Sequence[float], scores: Sequence[float], **more: np.ndarray
) -> float:
    truth = TrueAccuracies(
        np.array([test]), more.get("validation", np.array([test])), more.get("parameters")
    )
    return draw_ranks([statistic], truth, np.array([scores]))[0].point


@pytest.mark.parametrize("levels", [3, 1000])
@pytest.mark.parametrize(
    ("statistic", "oracle"),
    [
        (kendall_of_samples, stats.kendalltau),
        (spearman_of_samples, stats.spearmanr),
        (pearson_of_samples, stats.pearsonr),
    ],
)
def test_correlations_agree_with_scipy_ties_included(
    statistic: RankStatistic, oracle: object, levels: int
) -> None:
    """On samples with repeated architectures, several draws of the truth's seeds and several seeds
    of the proxy.
    """
    rng = np.random.default_rng(levels)
    truths, scores = (
        rng.integers(levels, size=(2, 11)).astype(float),
        rng.integers(levels, size=(3, 11)).astype(float),
    )
    counts, drawn = (
        rng.multinomial(11, np.full(11, 1 / 11), size=20).astype(float),
        rng.integers(2, size=20),
    )
    found = statistic(
        ScoredSamples(Samples(truths, truths, drawn, counts, rng.random((20, 11))), scores)
    )
    for b in range(20):
        held = np.repeat(np.arange(11), counts[b].astype(int))
        for s in range(3):
            assert found[b, s] == pytest.approx(
                oracle(truths[drawn[b]][held], scores[s][held]).statistic
            )  # type: ignore[operator]


def test_partial_correlation_is_that_of_residual_ranks() -> None:
    rng = np.random.default_rng(5)
    parameters = rng.integers(1, 9, size=14).astype(float)
    test, scores = parameters + rng.normal(size=14), parameters + rng.normal(size=14)
    given = stats.rankdata(np.log(parameters))
    left = [
        ranks - np.polyval(np.polyfit(given, ranks, 1), given)
        for ranks in map(stats.rankdata, (test, scores))
    ]
    found = point(partial_spearman_of_samples, test, scores, parameters=parameters)
    assert found == pytest.approx(stats.pearsonr(*left).statistic)
    assert found < point(spearman_of_samples, test, scores)
    assert np.isnan(
        point(partial_spearman_of_samples, test, 3 * parameters, parameters=parameters)
    )  # parameters alone: nothing is left


@pytest.mark.parametrize("statistic", [kendall_of_samples, spearman_of_samples, pearson_of_samples])
def test_constant_scores_have_no_correlation(statistic: RankStatistic) -> None:
    assert np.isnan(point(statistic, [1.0, 2.0, 3.0, 4.0], [0.1] * 4))


def test_top_k_by_hand() -> None:
    test = [90.0, 95.0, 93.0, 80.0, 94.0]
    scores = [5.0, 1.0, 4.0, 3.0, 2.0]  # picks 0, 2, 3; truly best are 1, 4, 2
    assert [point(precision_at(k), test, scores) for k in (2, 3)] == [0.0, pytest.approx(1 / 3)]
    assert [point(best_rank_at(k), test, scores) for k in (1, 2, 4, 5)] == [4.0, 3.0, 2.0, 1.0]
    assert [point(regret_at(k), test, scores) for k in (1, 2, 5)] == [5.0, 2.0, 0.0]


def test_regret_selects_by_validation_and_reads_test_once() -> None:
    test, validation = [90.0, 95.0, 93.0, 80.0], np.array([[92.0, 91.0, 90.0, 99.0]])
    scores = [4.0, 3.0, 2.0, 1.0]
    # Validation chooses the last of all, with test accuracy 80, and of the two best by score the
    # first, with 90.
    assert point(regret_at(2), test, scores, validation=validation) == 80.0 - 90.0
    assert point(regret_at(4), test, scores, validation=validation) == 0.0


def test_validation_is_averaged_over_the_seeds_of_the_truth() -> None:
    test = np.array([[90.0, 80.0, 70.0], [90.0, 80.0, 70.0]])
    validation = np.array([[90.0, 70.0, 60.0], [60.0, 90.0, 60.0]])  # means 75, 80, 60
    found = draw_ranks(
        [regret_at(1)], TrueAccuracies(test, validation), np.array([[1.0, 0.0, 0.0]])
    )[0]
    assert found.point == 80.0 - 90.0
    assert (
        set(np.unique(found.resampled)) <= {-20.0, -10.0, 0.0, 10.0, 20.0}
        and 0.0 in found.resampled
    )


def test_repeated_architectures_count_as_often_as_they_are_drawn() -> None:
    """Top-k statistics on a resample are those of the list that it stands for."""
    rng = np.random.default_rng(9)
    test, scores = rng.normal(size=(1, 8)), rng.normal(size=(1, 8))
    counts = rng.multinomial(8, np.full(8, 1 / 8), size=30).astype(float)
    scored = ScoredSamples(
        Samples(test, test, np.zeros(30, dtype=np.int64), counts, rng.random((30, 8))), scores
    )
    precision, rank, regret = (
        statistic(scored)[:, 0] for statistic in (precision_at(3), best_rank_at(3), regret_at(3))
    )
    for b in range(30):
        held = np.repeat(np.arange(8), counts[b].astype(int))
        truly, picked = (
            held[np.argsort(-test[0, held], kind="stable")[:3]],
            held[np.argsort(-scores[0, held], kind="stable")[:3]],
        )
        shared = sum(min((truly == a).sum(), (picked == a).sum()) for a in range(8))
        assert precision[b] == pytest.approx(shared / 3)
        assert rank[b] == 1 + (test[0, held] > test[0, picked].max()).sum()
        assert regret[b] == pytest.approx(test[0, held].max() - test[0, picked].max(), abs=1e-8)


def test_draws_average_truth_over_its_seeds_and_the_statistic_over_proxy_seeds() -> None:
    test, scores = np.split(np.random.default_rng(3).normal(size=(5, 9)), [2])
    by_hand = np.mean([stats.kendalltau(test.mean(0), s).statistic for s in scores])
    assert draws_of(kendall_of_samples, test, scores).point == pytest.approx(by_hand)


def test_tied_scores_are_judged_by_what_their_ties_give_on_average() -> None:
    test = np.arange(8.0)[None]
    draws = draws_of(precision_at(2), test, np.ones((1, 8)))
    assert draws.point == pytest.approx(
        2 / 8, abs=0.04
    )  # a random pair holds each of the two best with chance 1/4
    assert draws_of(precision_at(2), test, test).point == 1.0


def test_rank_interval_is_the_percentile_of_resampled_architectures() -> None:
    """With one seed each, the interval is that of scipy's paired percentile bootstrap."""
    rng = np.random.default_rng(4)
    test = rng.normal(size=16)
    scores = test + rng.normal(size=16)
    found = rank_interval(draws_of(kendall_of_samples, test[None], scores[None]))

    def tau(x: np.ndarray, y: np.ndarray) -> float:
        return float(stats.kendalltau(x, y).statistic)

    oracle = stats.bootstrap(
        (test, scores),
        tau,
        paired=True,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    assert found.n == 16 and found.method == "percentile bootstrap"
    assert (found.low, found.high) == (
        pytest.approx(oracle.low, abs=0.05),
        pytest.approx(oracle.high, abs=0.05),
    )


def test_resampling_seeds_widens_the_interval_of_an_unsteady_proxy() -> None:
    test = np.arange(12.0)
    found = rank_interval(draws_of(kendall_of_samples, test[None], np.array([test, -test])))
    assert found.mean == pytest.approx(0.0)
    assert (found.low, found.high) == (pytest.approx(-1.0), pytest.approx(1.0))


def test_degenerate_resamples_are_dropped_and_counted() -> None:
    test, scores = np.arange(8.0)[None], np.zeros((1, 8))
    scores[0, 7] = (
        1.0  # a resample without the last architecture is constant: chance (7/8)^8 = 0.34
    )
    found = rank_interval(draws_of(kendall_of_samples, test, scores))
    assert found.dropped / 2000 == pytest.approx(0.344, abs=0.04)
    constant = rank_interval(draws_of(kendall_of_samples, test, np.zeros((1, 8))))
    assert np.isnan(constant.mean) and constant.low is None and constant.dropped == 2000


def test_few_architectures_get_no_interval() -> None:
    """Seven architectures in perfect order would give [1, 1]: certainty from a handful of
    points.
    """
    found = rank_interval(draws_of(kendall_of_samples, np.arange(7.0)[None], np.arange(7.0)[None]))
    assert (found.mean, found.low, found.high) == (1.0, None, None) and not found.distinguishable
    assert found.method == "fewer than 8 architectures"


def test_rank_difference_is_paired() -> None:
    """Two proxies that err alike differ by nothing in any resample, however wide their own
    intervals.
    """
    rng = np.random.default_rng(6)
    test = rng.normal(size=(1, 12))
    a = test + rng.normal(size=(1, 12))
    same = rank_difference(
        draws_of(kendall_of_samples, test, a), draws_of(kendall_of_samples, test, 3 * a + 1)
    )
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0) and not same.distinguishable
    apart = rank_difference(
        draws_of(kendall_of_samples, test, test), draws_of(kendall_of_samples, test, -test)
    )
    assert apart.distinguishable and apart.mean == 2.0


def test_noise_ceiling_is_the_mean_over_pairs_of_seeds() -> None:
    test = np.random.default_rng(7).normal(size=(3, 10))
    pairs = [stats.kendalltau(test[i], test[j]).statistic for i in range(3) for j in range(i)]
    found = seed_agreement([kendall_of_samples], truth_of(test))
    assert found is not None and found[0].point == pytest.approx(np.mean(pairs))
    assert seed_agreement([kendall_of_samples], truth_of(test[:1])) is None


def test_all_statistics_of_a_hundred_architectures_are_quick() -> None:
    """Twenty entries of three seeds then take some seconds."""
    rng = np.random.default_rng(8)
    truth = truth_of(rng.normal(size=(3, 100)), parameters=rng.random(100))
    several = [
        kendall_of_samples,
        spearman_of_samples,
        pearson_of_samples,
        partial_spearman_of_samples,
        precision_at(25),
    ]
    several += [made(k) for made in (best_rank_at, regret_at) for k in (1, 5, 25)]
    times = []
    for _ in range(3):
        begun = time.process_time()
        draws = draw_ranks(several, truth, rng.normal(size=(3, 100)))
        times.append(time.process_time() - begun)
    assert len(draws) == 11 and draws[0].resampled.shape == (2000,) and min(times) < 0.5


def test_a_part_of_the_truth_keeps_its_architectures_together() -> None:
    test, parameters = np.arange(12.0).reshape(2, 6), np.arange(6.0)
    part = TrueAccuracies(test, test + 100, parameters).select(np.array([4, 1]))
    assert part.test.tolist() == [[4.0, 1.0], [10.0, 7.0]] and part.validation[0].tolist() == [
        104.0,
        101.0,
    ]
    assert part.parameters is not None and part.parameters.tolist() == [4.0, 1.0]


@pytest.mark.parametrize("levels", [3, 1000])
def test_rank_correlations_of_two_vectors_agree_with_scipy(levels: int) -> None:
    rng = np.random.default_rng(5)
    for count in (2, 3, 12, 40):
        truth, scores = rng.integers(levels, size=(2, count)).astype(float)
        with np.errstate(invalid="ignore"):
            expected = (stats.kendalltau(truth, scores), stats.spearmanr(truth, scores))
        for ours, theirs in zip((kendall, spearman), expected, strict=True):
            assert ours(truth, scores) == pytest.approx(theirs.statistic, nan_ok=True)


@pytest.mark.parametrize("statistic", [kendall, spearman])
def test_rank_correlations_of_two_vectors_are_nan_where_they_are_not_defined(
    statistic: Callable[[Sequence[float], Sequence[float]], float],
) -> None:
    for truth, scores in (
        ([], []),
        ([1.0], [2.0]),
        ([1.0, 1.0], [1.0, 2.0]),
        ([1.0, 2.0], [3.0, 3.0]),
        ([1.0, 2.0, 3.0], [1.0, float("nan"), 3.0]),
    ):
        assert np.isnan(statistic(truth, scores))
    with pytest.raises(ValueError, match="vectors of one length"):
        statistic([1.0, 2.0], [1.0])


def test_statistics_of_other_architectures_are_not_paired() -> None:
    test = np.arange(9.0)[None]
    a, b = (
        draw_ranks([kendall_of_samples], TrueAccuracies(test, test, names=names), test)[0]
        for names in (tuple("abcdefghi"), tuple("abcdefghj"))
    )
    with pytest.raises(ValueError, match="cannot be paired"):
        rank_difference(a, b)


def test_intervals_that_hold_together_cover_all_true_values_as_often_as_one_alone() -> None:
    """Means of 30 numbers as statistics, ten of them beside each other: in 200 data sets."""
    covered = 0
    for trial in range(200):
        rng = np.random.default_rng([7, trial])
        values = rng.normal(size=(10, 30))
        picks = rng.integers(30, size=(400, 30))
        draws = [RankDraws(float(one.mean()), one[picks].mean(1), 30) for one in values]
        bounds = bound_together(draws)
        covered += all(bound is not None and bound[0] < 0 < bound[1] for bound in bounds)
    assert 170 <= covered <= 197  # 190 expected; a bootstrap of 30 is a little short


def test_what_has_no_interval_alone_has_none_together() -> None:
    rng = np.random.default_rng(8)
    plain = RankDraws(0.1, rng.normal(0.1, 1, size=100), 30)
    few = RankDraws(0.1, rng.normal(0.1, 1, size=100), 7)
    constant = RankDraws(0.1, np.full(100, 0.1), 30)
    undefined = RankDraws(float("nan"), np.full(100, np.nan), 30)
    bounds = bound_together([few, plain, constant, undefined])
    assert [bound is None for bound in bounds] == [True, False, True, True]
    alone = rank_interval(plain)
    assert bounds[1] is not None and alone.low is not None
    assert bounds[1][0] == pytest.approx(alone.low, abs=0.4)
    assert bound_together([few]) == [None] and bound_together([]) == []
