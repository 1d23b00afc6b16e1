"""The summary of all sets: a row a set, best and even marked within a size, references apart."""

from collections.abc import Callable
from typing import Any

from harness.report.building import build, render
from harness.report.overview.summary_table import RULE, tabulate_summary
from tests.harness.report.conftest import made

Runs = Callable[..., list[dict[str, Any]]]
ACCURACY = "accuracy/dsa/test-accuracy"


def standings(report: dict[str, Any], key: str = ACCURACY) -> dict[str, str | None]:
    return {
        f"{row['condenser']} {row['ipc']}": row["cells"][key]["standing"]
        for row in report["summary"]["rows"]
        if key in row["cells"]
    }


def test_best_and_even_are_marked_within_a_size(runs: Runs) -> None:
    records = runs("dm", [80.0, 81.0, 82.0]) + runs("random", [70.0, 71.1, 72.0])
    records += runs("k-means", [79.0, 82.0, 81.5]) + runs("dm", [40.0, 41.0, 42.0], ipc=1)
    report = build({"suite": "s"}, records, [])
    assert standings(report) == {
        "dm 10": "best",
        "k-means 10": "even",
        "random 10": None,
        "dm 1": None,  # alone of its size
    }
    (column,) = report["summary"]["columns"]
    assert (column["key"], column["title"]) == (ACCURACY, "test accuracy, %")


def test_nothing_is_the_best_without_an_interval(runs: Runs) -> None:
    report = build({"suite": "s"}, runs("dm", [99.0]) + runs("random", [10.0]), [])
    assert set(standings(report).values()) == {None}


def test_a_row_has_bytes_and_seconds_of_its_set(runs: Runs) -> None:
    records = [made(None, "dm", 10, seed) for seed in range(3)] + runs("dm", [80.0, 81.0, 82.0])
    (row,) = build({"suite": "s"}, records, [])["summary"]["rows"]
    assert (
        (row["bytes"], row["bits_per_class"]) == (78_500, 62_800)
        and 30.0 < row["seconds"] < 30.1
        and row["kind"] == "condensed"
    )


def test_a_whole_run_has_one_row_a_set_and_references_last(
    suite: dict[str, Any], records: list[dict[str, Any]]
) -> None:
    report = build(suite, records, [])
    columns = [column["title"] for column in report["summary"]["columns"]]
    assert columns == [
        "test accuracy, %",
        "final accuracy, % (replay)",
        "forgetting, points (less is better; replay)",
        "Kendall tau",
    ]
    rows = report["summary"]["rows"]
    assert len({(row["condenser"], row["ipc"]) for row in rows}) == len(rows)
    assert [row["reference"] for row in rows] == sorted(row["reference"] for row in rows)
    full = next(row for row in rows if row["condenser"] == "full-data")
    assert full["cells"][ACCURACY]["mean"] > 90 and full["bytes"] is None
    marked = [name for name, mark in standings(report, "search/kendall-tau").items() if mark]
    assert "truth None" not in marked and "dm 10" in marked


def test_formats_show_it_with_the_rule(suite: dict[str, Any], runs: Runs) -> None:
    records = runs("dm", [80.0, 81.0, 82.0]) + runs("random", [70.0, 71.1, 72.0])
    report = build({"suite": "s"}, records, [])
    table = tabulate_summary(report)
    assert table is not None and table.footnotes == (RULE,)
    assert [row[0::4] for row in table.sections[0].rows] == [
        ["dm", "81.0 (best)"],
        ["random", "71.0"],
    ]
    page = render(report, "html")
    assert '<span class="best">81.0 <small>[78.4, 83.4]</small></span>' in page
    assert "One rule for the best" in page and "81.0 (best)" in render(report, "md")
    assert tabulate_summary(build({"suite": "s"}, [made(None, "dm", 10, 0)], [])) is None
