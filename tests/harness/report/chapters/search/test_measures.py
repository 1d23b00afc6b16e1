"""The true top 20 %, partial correlation, retrained regret, the first headline, and the figures."""

import copy
import time
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.report.building import render
from harness.report.chapters.search.figures import draw_search
from harness.report.place import Place
from tests.helpers.search_records import Record, built, of, row_of, searched, values

TOP = " in the top 20 %"


@pytest.fixture
def search(records: list[Record]) -> list[Record]:
    return [copy.deepcopy(r) for r in records if r["cell"]["scenario"] == "search"]


@pytest.fixture(scope="module")
def forty() -> list[Record]:
    rng = np.random.default_rng(31)
    true, count = 90 + 6 * rng.random(40), rng.integers(1, 9, size=40)
    proxies = {
        "dm": (10, true, 1.0),
        "random": (10, true, 6.0),
        "parameters": (None, count.astype(float), 0.0),
    }
    return searched(proxies, true, count)


@pytest.fixture(scope="module")
def report(forty: list[Record]) -> dict[str, Any]:
    return built(forty)


def test_the_top_is_the_truths_and_measured_by_itself(
    forty: list[Record], report: dict[str, Any]
) -> None:
    truth = values(forty, "truth", "test")
    top = np.argsort(-truth.mean(0))[:8]
    taus = [
        stats.kendalltau(truth.mean(0)[top], scores[top]).statistic
        for scores in values(forty, "dm", "validation")
    ]
    row = row_of(report, "dm", f"kendall-tau{TOP}")
    assert (
        row["mean"] == pytest.approx(np.mean(taus))
        and row["n"] == 8
        and row["low"] < row["mean"] < row["high"]
    )
    pairs = [
        stats.spearmanr(truth[i][top], truth[j][top]).statistic for i in range(3) for j in range(i)
    ]
    assert row_of(report, "truth", f"spearman{TOP}")["mean"] == pytest.approx(np.mean(pairs))
    assert {r["metric"] for r in report["rows"]} >= {f"regret@{k}{TOP}" for k in (1, 2, 5)} | {
        "best-rank@10",
        "best-rank@1",
    }
    assert "their range is restricted" in render(report, "md")


def test_a_top_of_fewer_than_five_is_too_few(search: list[Record]) -> None:
    report = built(search)
    assert not [row for row in report["rows"] if row["metric"].endswith(TOP)]
    assert any(
        "the true top 20 % of 16 architectures are too few (at least 5)" in note
        for note in report["notes"]
    )


def test_pearson_best_rank_and_partial_rows_by_scipy(
    forty: list[Record], report: dict[str, Any]
) -> None:
    truth = values(forty, "truth", "test").mean(0)
    scores, given = values(forty, "dm", "validation"), np.log(values(forty, "dm", "parameters")[0])
    assert row_of(report, "dm", "pearson")["mean"] == pytest.approx(
        np.mean([stats.pearsonr(truth, s).statistic for s in scores])
    )
    ranks = stats.rankdata(-truth)
    assert row_of(report, "dm", "best-rank@5")["mean"] == np.mean(
        [ranks[np.argsort(-s)[:5]].min() for s in scores]
    )

    def left(side: np.ndarray) -> np.ndarray:
        x, y = stats.rankdata(given), stats.rankdata(side)
        return np.asarray(y - np.polyval(np.polyfit(x, y, 1), x))

    partial = [stats.pearsonr(left(truth), left(s)).statistic for s in scores]
    assert row_of(report, "dm", "partial-correlation")["mean"] == pytest.approx(np.mean(partial))
    assert not [
        r
        for r in report["rows"]
        if (r["condenser"], r["metric"]) == ("parameters", "partial-correlation")
    ]


def test_regret_chooses_by_validation_or_says_that_it_cannot(
    forty: list[Record], report: dict[str, Any]
) -> None:
    test, validation = (values(forty, "truth", name).mean(0) for name in ("test", "validation"))
    picks = [np.argsort(-s)[:5] for s in values(forty, "dm", "validation")]
    lacking = [copy.deepcopy(r) for r in forty if r["cell"]["label"] in ("truth", "dm")]
    del of(lacking, "truth")[0]["outcome"]["detail"]["architectures"][3]["validation"]
    for chooser, made in ((validation, report), (test, built(lacking))):
        lost = np.mean([test[chooser.argmax()] - test[p[chooser[p].argmax()]] for p in picks])
        assert row_of(made, "dm", "regret@5")["mean"] == pytest.approx(lost)
        assert any("lacks validation accuracies" in note for note in made["notes"]) is (
            chooser is test
        )


def test_the_first_question_is_answered_yes_only_against_every_baseline(
    forty: list[Record], report: dict[str, Any]
) -> None:
    first = report["headlines"][0]
    assert (
        first["question"]
        == "May I search on a small set instead of all of mnist-5k, and what do I lose?"
    )
    assert first["answer"].startswith(
        "Yes: dm (ipc 10) beats every baseline of equal cost. Its Kendall tau is 0."
    )
    assert (
        "retraining its first 5 architectures and choosing by validation loses" in first["answer"]
    )
    spent = (4 * 40 + 30.01 + 5 * 20) / (20 * 40)
    assert (
        f"in {100 * spent:.0f} % of the time, condensation and retraining included"
        in first["answer"]
    )
    equal = copy.deepcopy(forty)
    for ours, theirs in zip(of(equal, "random"), of(equal, "dm"), strict=True):
        ours["outcome"]["measurements"] = theirs["outcome"]["measurements"]
    even = built(equal)["headlines"][0]["answer"]
    assert even.startswith(
        "It works, but dm (ipc 10) does not beat every baseline of equal cost (not distinguishable:"
        " random"
    )
    alone = built([r for r in forty if r["cell"]["label"] in ("truth", "dm")])["headlines"][0][
        "answer"
    ]
    assert "no baseline of equal cost was measured" in alone


def test_a_proxy_that_ranks_no_better_than_chance_is_named_so() -> None:
    rng = np.random.default_rng(33)
    records = searched(
        {"dm": (10, rng.random(20), 1.0)}, 90 + rng.random(20), rng.integers(1, 5, size=20)
    )
    answer = built(records)["headlines"][0]["answer"]
    assert answer.startswith(
        "Not shown: the best proxy, dm (ipc 10), does not rank better than chance (its 95 %"
        " interval includes 0; a tau from "
    )


def test_both_headlines_of_a_search_name_one_best_proxy_real_or_not() -> None:
    rng = np.random.default_rng(35)
    true, count = 90 + 6 * rng.random(20), rng.integers(1, 99, size=20)
    records = searched(
        {"dm": (10, true, 3.0), "k-means": (10, true, 0.5), "random": (10, true, 2.0)}, true, count
    )
    first, *others = built(records)["headlines"]
    (ranking,) = [
        one for one in others if one["question"].startswith("Which proxy ranks architectures best")
    ]
    assert ranking["answer"].startswith("k-means has the highest mean Kendall tau")
    assert "k-means (ipc 10)" in first["answer"] and "dm (ipc 10)" not in first["answer"]
    assert "It was picked as the best of 3 proxies on these figures." in first["answer"]


def test_points_of_figures_have_names(report: dict[str, Any]) -> None:
    parts = copy.deepcopy(report["scatters"])
    for part in parts:
        part["architectures"][7] = "d2<w32>"
    page = "".join(
        figure.svg(width=10.0)
        for figure in draw_search(
            Place("search", "mnist-5k"), [], parts, report["ranks_by_cost"], {"dm": 0}
        )
        if not isinstance(figure.svg, str)
    )
    assert page.count("<title>a03: score ") == 3  # dm, random and parameters
    assert "<title>d2&lt;w32&gt;: score " in page and "<w32>" not in page
    assert (
        page.count("<title>dm, ipc 10: ") == 2  # tau and regret
        and page.count("<title>truth: all data: 800.0 s, 0.0") == 1
    )
    for what in ("Regret@5", "Kendall tau"):
        assert f"{what} by the cost of the search on mnist-5k" in page


def test_a_hundred_architectures_and_twenty_entries_are_quick() -> None:
    rng = np.random.default_rng(34)
    true, count = 90 + 6 * rng.random(100), rng.integers(1, 99, size=100)
    records = searched({f"set{i}": (10, true, 1.0 + i / 4) for i in range(4)}, true, count)
    begun = time.process_time()
    built(records)
    assert time.process_time() - begun < 6  # about 1 s alone; twenty entries then take some 6
