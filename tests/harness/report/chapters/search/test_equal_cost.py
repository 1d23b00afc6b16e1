"""Proxies against baselines of equal cost, and regret by what a search costs."""

import copy

import numpy as np
import pytest
from scipy import stats

from harness.report.chapters.search.rivals import name_winners
from harness.report.tables import tables
from tests.helpers.search_records import Record, built, of, pair, searched, values

WITH = "equal seconds with condensation"


@pytest.fixture
def search(records: list[Record]) -> list[Record]:
    """Readings of early stopping come at 1.5, 3 and 4.5 s; dm takes 4 s an architecture, and 30.01
    s to condense for 16.
    """
    return [copy.deepcopy(r) for r in records if r["cell"]["scenario"] == "search"]


def _tau(search: list[Record], reading: int) -> float:
    """Mean tau over seeds of early stopping at one of its readings."""
    rows = [r["outcome"]["detail"]["architectures"] for r in of(search, "early-stopping")]
    truth = values(search, "truth", "test").mean(0)
    taus = [
        stats.kendalltau(truth, [row["curve"][reading]["validation"] for row in each]).statistic
        for each in rows
    ]
    return float(np.mean(taus))


def test_a_curve_is_read_at_the_last_point_that_costs_no_more(search: list[Record]) -> None:
    report = built(search)
    for at, reading in (("equal seconds", 1), ("equal images", 1), (WITH, 2)):
        row = pair(report, "dm", "early-stopping", at)
        assert row["against_tau"] == pytest.approx(_tau(search, reading))
        assert row["difference"] == pytest.approx(row["tau"]["mean"] - row["against_tau"])
        assert row["low"] < row["difference"] < row["high"] and not row["late"]
    # 4.5 s are less than nine tenths of 5.9 s
    assert pair(report, "dm", "early-stopping", WITH)["short"]
    assert not pair(report, "dm", "early-stopping", "equal seconds")["short"]


def test_condensation_counts_in_cpu_seconds_where_they_are_known(search: list[Record]) -> None:
    for record in of(search, "dm")[:-1]:  # the last one was stopped and went on
        record["condensation"]["cpu_seconds"] = 3.0
    report = built(search)
    made = [row["made"] for row in report["ranks_by_cost"] if row["condenser"] == "dm"]
    seconds = [
        row["mean"]
        for row in report["rows"]
        if (row["condenser"], row["metric"]) == ("dm", "condensation-seconds")
    ]
    assert made == seconds == [pytest.approx(3.0)]


def test_steps_are_equal_where_records_count_them(search: list[Record]) -> None:
    for record in of(search, "dm"):
        for row in record["outcome"]["detail"]["architectures"]:
            row["steps"] = 10
    report = built(search)
    assert pair(report, "dm", "early-stopping", "equal steps")["against_tau"] == pytest.approx(
        _tau(search, 0)
    )
    assert pair(report, "k-means", "early-stopping", "equal images")[
        "against_tau"
    ] == pytest.approx(_tau(search, 1))


def test_a_curve_that_begins_too_late_gives_its_first_reading_and_says_so(
    search: list[Record],
) -> None:
    for record in of(search, "dm"):
        for row in record["outcome"]["detail"]["architectures"]:
            row["seconds"] = 1.0
    report = built(search)
    row = pair(report, "dm", "early-stopping", "equal seconds")
    assert row["late"] and row["against_tau"] == pytest.approx(_tau(search, 0))
    notes = " ".join(note for table in tables(report) for note in table.footnotes)
    assert "early stopping (at equal seconds) began after the proxy's cost" in notes


def test_baselines_without_a_curve_stand_at_their_own_cost_and_real_images_at_equal_count(
    search: list[Record],
) -> None:
    for record in of(search, "parameters"):
        record["cell"] |= {"label": "my-score", "reference": "my-score"}
    report = built(search)
    met = {(row["condenser"], row["against"], row["at"]) for row in report["equal_cost"]}
    assert {
        ("dm", "my-score", "own cost"),
        ("dm", "random", "equal count"),
        ("dm", "k-means", "equal count"),
    } <= met
    assert not any(row["against"] in ("truth", "dm") for row in report["equal_cost"])
    assert not any(
        row["at"] == "equal count" for row in report["equal_cost"] if row["condenser"] == "k-means"
    )
    share = stats.kendalltau(*values(search, "truth", "test")[:2]).statistic
    assert report["equal_cost"][0]["ceiling"] == pytest.approx(share, abs=0.1)


def test_all_architectures_are_read_after_as_many_steps(search: list[Record]) -> None:
    """A proxy that takes 3 s, more or less: each architecture alone would be read at 1.5 or 3 s."""
    rng = np.random.default_rng(4)
    for record in of(search, "dm"):
        for row in record["outcome"]["detail"]["architectures"]:
            row["seconds"] = 2.95 + rng.normal(0, 0.1)
    row = pair(built(search), "dm", "early-stopping", "equal seconds")
    assert row["against_tau"] == pytest.approx(_tau(search, 1))
    assert not row["late"] and not row["short"]


def test_regret_and_tau_by_cost_by_hand(search: list[Record]) -> None:
    rows = {row["condenser"]: row for row in built(search)["ranks_by_cost"]}
    assert [point["seconds"] for point in rows["dm"]["points"]] == [pytest.approx(64 + 30.01)]
    assert rows["dm"]["made"] == pytest.approx(30.01) and rows["early-stopping"]["made"] == 0
    early = rows["early-stopping"]["points"]
    assert [point["seconds"] for point in early] == [24.0, 48.0, 72.0]
    assert [point["tau"]["mean"] for point in early] == [
        pytest.approx(_tau(search, reading)) for reading in range(3)
    ]
    (truth,) = rows["truth"]["points"]
    assert (truth["seconds"], truth["regret"]["mean"], truth["tau"]) == (320.0, 0.0, None)
    assert rows["parameters"]["points"][0]["seconds"] == 0.0 and rows["dm"]["k"] == 4
    test, validation = (values(search, "truth", name).mean(0) for name in ("test", "validation"))
    picks = [np.argsort(-scores)[:4] for scores in values(search, "dm", "validation")]
    lost = np.mean([test[validation.argmax()] - test[p[validation[p].argmax()]] for p in picks])
    assert rows["dm"]["points"][0]["regret"]["mean"] == pytest.approx(lost)


def _score_by_loss(search: list[Record]) -> None:
    """Let losses rank the other way round than accuracies."""
    for record in search:
        record["cell"]["settings"] = {"score_by": "loss"}
        for row in record["outcome"]["detail"]["architectures"]:
            for point in row.get("curve", []):
                point["loss"] = point["validation"] / 100


def test_a_curve_is_scored_as_the_search_scores(search: list[Record]) -> None:
    _score_by_loss(search)
    report = built(search)
    row = pair(report, "dm", "early-stopping", "equal seconds")
    assert row["against_tau"] == pytest.approx(-_tau(search, 1))
    curve = next(r for r in report["ranks_by_cost"] if r["condenser"] == "early-stopping")
    assert [point["tau"]["mean"] for point in curve["points"]] == [
        pytest.approx(-_tau(search, reading)) for reading in range(3)
    ]


def test_the_curve_of_a_set_begins_after_its_condensation(search: list[Record]) -> None:
    for record in of(search, "dm"):
        for row in record["outcome"]["detail"]["architectures"]:
            row["curve"] = [
                {"steps": steps, "seconds": steps / 10, "validation": row["validation"]}
                for steps in (10, 40)
            ]
    report = built(search)
    dm = next(row for row in report["ranks_by_cost"] if row["condenser"] == "dm")
    assert [point["seconds"] for point in dm["points"]] == [
        pytest.approx(16 + 30.01),
        pytest.approx(64 + 30.01),
    ]
    table = next(t for t in tables(report) if t.title.endswith("Kendall tau by steps"))
    titles = [column.title for column in table.columns]
    row = dict(zip(titles, table.sections[0].rows[0], strict=True))
    assert (row["trained on"], row["to make, s"], row["in all, s"]) == ("dm", "30.0", "94.0")
    assert row["10 steps"] == row["40 steps"] != "-" and row["20 steps"] == "-"


def test_all_differences_at_once_take_wider_intervals(search: list[Record]) -> None:
    report = built(search)
    rows = report["equal_cost"]
    for row in rows:
        both = row["together"]
        assert both["of"] == len(rows)
        assert both["low"] < row["difference"] < both["high"]
        assert both["high"] - both["low"] > 1.15 * (row["high"] - row["low"])
    above, below = (
        sum(test(row["together"]) for row in rows)
        for test in (lambda ends: ends["low"] > 0, lambda ends: ends["high"] < 0)
    )
    detail = next(t for t in tables(report) if t.title.endswith("all of them"))
    notes = " ".join(detail.footnotes)
    assert f"hold for all {len(rows)} differences at once" in notes
    assert f"(95 %), {above or 'none'} above 0" in notes
    assert f"and {below or 'none'} below 0." in notes


def test_the_table_says_where_counting_parameters_wins() -> None:
    true = 90 + np.arange(24.0) / 4
    proxies = {"dm": (10, true, 8.0), "random": (10, true, 9.0), "parameters": (None, true, 0.0)}
    report = built(searched(proxies, true, np.arange(24) + 1))
    (table,) = [t for t in tables(report) if t.title.endswith("baselines of equal cost")]
    assert table.footnotes[0].startswith(
        "The number of parameters ranks better than every proxy of ipc 10 (tau 0.9"
    )
    assert [row[0] for row in table.sections[0].rows] == ["dm", "random"]
    dm = dict(
        zip((column.title for column in table.columns), table.sections[0].rows[0], strict=True)
    )
    assert (dm["hardest baseline"], dm["proxy is"]) == ("the number of parameters", "worse")
    assert dm["loses to"] == "1 of 2" and dm["of the noise ceiling"].endswith(" %")
    answer = report["headlines"][0]["answer"]
    assert (
        "beats every" not in answer.replace("does not beat every", "") and "of the time" in answer
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (
            -0.3,
            -0.1,
            (
                "Flops2 ranks better than every proxy of ipc 10 (tau 0.70 against 0.50 of dm, the"
                " best)."
            ),
        ),
        (
            -0.5,
            0.1,
            "Above every proxy of ipc 10 in tau, but not distinguishable from all: flops2.",
        ),
        (
            None,
            None,
            "Above every proxy of ipc 10 in tau, but not distinguishable from all: flops2.",
        ),
    ],
)
def test_words_claim_what_the_interval_carries(
    low: float | None, high: float | None, said: str
) -> None:
    row = {
        "condenser": "dm",
        "ipc": 10,
        "budget": None,
        "recipe": None,
        "reference": False,
        "tau": {"mean": 0.5},
        "against": "flops2",
        "against_kind": "reference",
        "against_tau": 0.7,
        "at": "own cost",
        "difference": -0.2,
        "low": low,
        "high": high,
    }
    assert name_winners([row]) == [said]
    assert name_winners([row | {"difference": 0.2, "low": 0.1, "high": 0.3}]) == [
        "No baseline of equal cost has a higher tau than every proxy of some size."
    ]
