"""Ranks and their intervals: ties, pairing, Student's spread, and coverage by simulation."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics import mean_ranks
from harness.statistics.mean_ranks import TaskValues, estimate_ranks, rank_rows


def task(values: object, shares: object = 0) -> TaskValues:
    return TaskValues(np.array(values, dtype=float), shares)


def test_equal_values_share_their_mean_rank() -> None:
    rows = np.array([[3.0, 1.0, 3.0, 2.0], [1.0, 1.0, 1.0, 1.0 + 1e-12]])
    assert rank_rows(rows).tolist() == [[1.5, 4.0, 1.5, 3.0], [2.5, 2.5, 2.5, 2.5]]
    assert rank_rows(rows[:1])[0] == pytest.approx(stats.rankdata(-rows[0]))


def test_the_same_values_are_tied_in_every_draw() -> None:
    same = np.array([[3.0, 3.0, 1.0], [5.0, 5.0, 1.5], [4.0, 4.0, 0.5]])
    first, second, last = estimate_ranks([task(same)])
    assert (first.rank, first.low, first.high) == (1.5, 1.5, 1.5) == (second.rank, 1.5, second.high)
    assert first.first == second.first and last.first == pytest.approx(1 - 2 * first.first)  # type: ignore[operator]


@pytest.mark.parametrize("seeds", [1, 2])
def test_too_few_seeds_give_ranks_without_intervals(seeds: int) -> None:
    many, few = task([[3.0, 2.0]] * 4), task([[3.0, 2.0]] * seeds)
    for tasks in ([few], [many, few]):
        (best, _) = estimate_ranks(tasks)
        assert (best.rank, best.low, best.high, best.first) == (1.0, None, None, None)


def test_what_seeds_have_in_common_does_not_count() -> None:
    """Differences of the pair are steady, though each value moves by ten."""
    common = np.array([[0.0], [10.0], [-10.0], [3.0]])
    own = np.array([[2.1, 1.0], [2.0, 1.1], [2.0, 1.0], [2.1, 1.1]])
    best, _ = estimate_ranks([task(common + own)])
    assert (best.rank, best.low, best.high) == (1.0, 1.0, 1.0)


def test_a_difference_turns_as_often_as_students_t_says() -> None:
    values = np.array([[1.3, 0.0], [0.2, 0.0], [-0.4, 0.0], [0.9, 0.0]])
    best, _ = estimate_ranks([task(values)])
    t = values[:, 0].mean() / (values[:, 0].std(ddof=1) / 2)
    assert best.first == pytest.approx(stats.t(3).cdf(t), abs=0.02)


def test_tasks_of_equal_seeds_are_not_taken_for_independent() -> None:
    values = np.array([[1.3, 0.0], [0.2, 0.0], [-0.4, 0.0], [0.9, 0.0]])
    alone = estimate_ranks([task(values)])[0]
    again = estimate_ranks([task(values, "a")] * 8)[0]
    apart = estimate_ranks([task(values, seed) for seed in range(8)])[0]
    assert again.first == pytest.approx(alone.first)
    assert apart.high is not None and again.high is not None and apart.high < again.high


def test_true_ranks_are_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one task; 3 seeds, whose values share two thirds of their variance."""
    monkeypatch.setattr(mean_ranks, "DRAWS", 300)
    rng, means = np.random.default_rng(1), np.array([2.0, 1.5, 1.0, 0.0])
    hits = np.zeros(4)
    for _ in range(150):
        drawn = means + rng.standard_normal((3, 4)) + 1.4 * rng.standard_normal((3, 1))
        found = estimate_ranks([task(drawn)])
        hits += [one.low <= true <= one.high for one, true in zip(found, (1, 2, 3, 4), strict=True)]  # type: ignore[operator]
    assert (hits / 150 >= 0.92).all(), hits


def test_the_mean_rank_of_other_seeds_is_covered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over four tasks, against the mean rank that 3 seeds give on average."""
    monkeypatch.setattr(mean_ranks, "DRAWS", 300)
    rng, means = np.random.default_rng(2), np.array([1.0, 0.5, 0.0, -2.0])

    def draw(count: int) -> list[np.ndarray]:
        return [means + rng.standard_normal((3, 4)) for _ in range(count)]

    expected = rank_rows(np.array([values.mean(0) for values in draw(4000)])).mean(0)
    hits = np.zeros(4)
    for _ in range(120):
        found = estimate_ranks([task(values, at) for at, values in enumerate(draw(4))])
        hits += [one.low <= e <= one.high for one, e in zip(found, expected, strict=True)]  # type: ignore[operator]
    assert (hits / 120 >= 0.9).all(), hits
