"""Continual learning in the report: gap closed by hand, references beside every strategy, rivals,
ledger.
"""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from condensers.errors import UsageError
from harness.report.building import render
from harness.report.formats.terminal import print_report
from harness.report.results import origin_of
from harness.report.table import choose_leading
from harness.report.tables import tables
from tests.helpers.continual_records import Record, bounds, built, memory

Many = Callable[..., list[Record]]


def gap(report: dict[str, Any], label: str) -> list[dict[str, Any]]:
    return [
        row
        for row in report["rows"]
        if row["condenser"] == label and row["metric"].endswith("/gap-closed")
    ]


def test_the_gap_closed_is_paired_by_seed_and_order() -> None:
    """(60-20)/(100-20) = 0.5, (50-30)/(80-30) = 0.4 -> 0.45; (70-20)/(95-20) = 2/3, (90-40)/(90-40)
    = 1 -> 5/6.
    """
    records = [
        memory("dm", 0, "replay", {"final-accuracy": [60.0, 50.0]}),
        *bounds(0, [20.0, 30.0], [100.0, 80.0]),
    ]
    records += [
        memory("dm", 1, "replay", {"final-accuracy": [70.0, 90.0]}),
        *bounds(1, [20.0, 40.0], [95.0, 90.0]),
    ]
    (row,) = gap(built(records), "dm")
    assert (row["metric"], row["unit"], row["n"], row["over"]) == (
        "replay/gap-closed",
        "of 1",
        2,
        "seeds",
    )
    assert row["mean"] == pytest.approx((0.45 + 5 / 6) / 2)
    assert row["higher_is_better"] is True


def test_no_gap_where_a_reference_is_missing_or_joint_is_no_better() -> None:
    own = memory("dm", 0, "replay", {"final-accuracy": [60.0, 50.0]})
    naive, joint = bounds(0, [20.0, 30.0], [100.0, 30.0])
    assert gap(built([own, naive]), "dm") == [] and gap(built([own, joint]), "dm") == []
    (row,) = gap(built([own, naive, joint]), "dm")
    assert (row["mean"], row["n"]) == (0.5, 1)
    assert gap(built([own, *bounds(0, [20.0, 30.0], [20.0, 10.0])]), "dm") == []
    other = memory("dm", 1, "replay", {"final-accuracy": [60.0, 50.0]})  # a seed without references
    (row,) = gap(built([own, other, *bounds(0, [20.0, 20.0], [100.0, 100.0])]), "dm")
    assert (row["mean"], row["n"]) == (pytest.approx(0.4375), 2)


def test_baselines_without_memory_close_a_gap_and_the_bounds_have_none() -> None:
    records = [memory("dm", 0, "replay", {"final-accuracy": [60.0]}), *bounds(0, [20.0], [100.0])]
    records.append(memory("ewc", 0, "ewc", {"final-accuracy": [40.0]}, reference=True))
    report = built(records)
    (row,) = gap(report, "ewc")
    assert (row["metric"], row["mean"]) == ("ewc/gap-closed", 0.25)
    assert gap(report, "naive") == [] and gap(report, "joint") == []


def test_references_stand_beside_every_strategy_and_keep_their_name() -> None:
    record = memory("dm", 0, "replay", {"final-accuracy": [60.0], "forgetting": [10.0]})
    record["outcome"]["measurements"] += memory(
        "dm", 0, "der++", {"final-accuracy": [61.0], "forgetting": [9.0]}
    )["outcome"]["measurements"]
    report = built([record, *bounds(0, [20.0], [100.0])])
    shown = [table for table in tables(report) if not table.is_detail]
    assert [table.title for table in shown] == ["Replay on mnist-5k", "DER++ on mnist-5k"]
    for table in shown:
        last = table.sections[-1]
        assert (last.title, [row[0] for row in last.rows]) == ("references", ["naive", "joint"])
        assert any("20.0" in cell for cell in last.rows[0]) and any(
            "100.0" in cell for cell in last.rows[1]
        )
    naive = {row["metric"] for row in report["rows"] if row["condenser"] == "naive"}
    assert naive == {"naive/final-accuracy", "naive/forgetting"}
    assert not any("naive" in table.title.lower() for table in tables(report))


@pytest.fixture
def many() -> Many:
    """many(label, accuracies, forgetting, ...) -> one record a seed of strategy replay."""

    def several(label: str, final: list[float], lost: list[float], **more: Any) -> list[Record]:
        pairs = enumerate(zip(final, lost, strict=True))
        return [
            memory(label, seed, "replay", {"final-accuracy": [a], "forgetting": [f]}, **more)
            for seed, (a, f) in pairs
        ]

    return several


def test_a_condensed_memory_is_compared_with_the_best_real_one_of_its_bytes(many: Many) -> None:
    records = many("dm", [70.0, 71.0, 72.0], [10.0, 11.0, 12.0], bytes=1000)
    records += many("random", [60.0, 61.1, 61.9], [20.0, 21.0, 22.0], bytes=950)
    records += many("herding", [65.0, 66.1, 66.9], [15.0, 16.1, 16.9], bytes=1000)
    records += many("k-center", [90.0, 91.0, 92.0], [1.0, 2.0, 3.0], bytes=1100)  # too large
    records += many(
        "k-means", [80.0, 81.0, 82.0], [1.0, 2.0, 3.0], bytes=800, ipc=8
    )  # smaller than 90 %
    records += many("k-means-centroids", [71.0, 72.1, 72.9], [9.0, 10.1, 10.9], bytes=1000)
    report = built(records)
    rows = {(row["condenser"], row["rival"]): row for row in report["continual"]}
    assert set(rows) == {
        ("dm", "real images"),
        ("dm", "averages"),
        ("k-means-centroids", "real images"),
    }
    row = rows["dm", "real images"]
    assert (row["strategy"], row["against"], row["against_bytes"], row["picked_from"]) == (
        "replay",
        "herding",
        1000,
        2,
    )
    assert (
        row["accuracy"]["difference"] == pytest.approx(5.0) and row["accuracy"]["distinguishable"]
    )
    assert (
        row["forgetting"]["difference"] == pytest.approx(-5.0)
        and row["forgetting"]["distinguishable"]
    )
    assert row["beats"] and not row["worse"]
    lost = rows["dm", "averages"]
    assert (
        lost["worse"]
        and not lost["beats"]
        and lost["accuracy"]["difference"] == pytest.approx(-1.0)
    )
    said = report["headlines"][0]
    assert said["question"].startswith(
        "Does a condensed memory beat the best real images of its bytes on mnist-5k"
    )
    assert (
        "In 1 of 1 comparison (strategy replay) final accuracy is higher and forgetting lower"
        in said["answer"]
    )
    assert (
        "dm with replay, 1,000 bytes, against herding (1,000 bytes): accuracy +5.0 ["
        in said["answer"]
    )
    assert "Against k-means-centroids (averages of real images): 0 of 1." in said["answer"]
    assert "picked from up to 2 memories on the same figures" in said["answer"]


def test_a_larger_condensed_memory_takes_the_largest_real_one_below_it(many: Many) -> None:
    records = many("dm", [60.0, 61.0, 62.0], [10.0, 11.0, 12.0], bytes=5000)
    records += many("random", [60.5, 60.9, 61.7], [10.2, 10.9, 12.3], bytes=1000)
    records += many("herding", [90.0, 91.0, 92.0], [1.0, 2.0, 3.0], bytes=100, ipc=1)
    (row,) = built(records)["continual"]
    assert (row["against"], row["against_bytes"], row["beats"], row["worse"]) == (
        "random",
        1000,
        False,
        False,
    )
    answer = built(records)["headlines"][0]["answer"]
    assert answer.startswith("In none of 1 comparison (strategy replay)")


def test_memories_of_one_budget_in_bytes_are_compared_whatever_they_left_unused(many: Many) -> None:
    records = many("dm", [70.0, 71.0, 72.0], [10.0, 11.0, 12.0], bytes=990)
    records += many("random", [60.0, 61.1, 61.9], [20.0, 21.0, 22.0], bytes=1000, ipc=4)
    records += many("random", [50.0, 51.1, 51.9], [20.0, 21.0, 22.0], bytes=100, ipc=1)
    for record in records:
        record["cell"]["budget"] = ["bytes", 100 if record["bytes"] == 100 else 1000]
    report = built(records)
    (row,) = report["continual"]
    assert (row["against_bytes"], row["budget"]) == (1000, 1000)
    final = next(
        r
        for r in report["rows"]
        if r["condenser"] == "dm" and r["metric"] == "replay/final-accuracy"
    )
    assert (
        final["comparison"]["difference"] == pytest.approx(10.0)
        and final["comparison_bytes"] == final["comparison"]
    )
    assert not any("no random real images" in note for note in report["notes"])
    text = render(report, "md")
    assert "budget 1,000 bytes" in text and "random real images of its budget in bytes" in text


def test_random_images_of_one_budget_in_bytes_are_rivals_and_not_missing(many: Many) -> None:
    """A file format leaves some bytes unused: random images of the same budget, which take more,
    still stand beside it.
    """
    records = []
    for seed in range(4):
        for label, size, accuracy in (("random", 7850, 50.0), ("real-jpeg", 7412, 80.0)):
            record = memory(
                label,
                seed,
                "replay",
                {"final-accuracy": [accuracy + seed], "forgetting": [90 - accuracy + seed]},
                bytes=size,
            )
            record["cell"]["budget"] = ["bytes", 7850]
            records.append(record)
    (said,) = [h["answer"] for h in built(records)["headlines"] if "forgets least" in h["question"]]
    assert "Better than random." in said
    assert "no random real images" not in said and "of its bytes" not in said


def test_a_kind_is_what_the_record_says_whatever_the_method_is_called() -> None:
    said = {
        "real images": "real images",
        "real images with taught labels": "condensed",
        "averages of real images": "averages",
        "learned images": "condensed",
        "unknown": "unknown origin",
    }
    for method in ("random", "dm", "FILE.py:Mine@0123", "k-means-centroids", "real-tiles"):
        assert [origin_of({"condenser": method, "origin": origin}) for origin in said] == list(
            said.values()
        )
    assert origin_of({"reference": "naive", "origin": None}) == "reference"
    for old in ({}, {"origin": None}, {"origin": "of gold"}):
        with pytest.raises(
            UsageError, match="'dm' does not say what its images are, so it is of an older format"
        ):
            origin_of({"condenser": "dm", "label": "dm", **old})


def test_the_ledger_gives_bytes_by_part_and_the_cost_of_training(many: Many) -> None:
    records = many("dm", [70.0, 71.0], [10.0, 11.0])
    for seed, record in enumerate(records):
        record["outcome"]["detail"]["ledger"] = {
            "replay": {"images": 1000 + 2 * seed, "labels": 10, "logits": 0, "network": 500}
        }
    report = built(records)
    (row,) = report["ledger"]
    assert row["parts"] == {"images": 1001.0, "labels": 10.0, "logits": 0.0, "network": 500.0}
    assert (row["total"], row["seconds"], row["images"], row["joules"]) == (
        1511.0,
        3.0,
        30000.0,
        None,
    )
    text = render(report, "md")
    assert (
        "| set | images | labels | logits | network | total bytes | training, s | images"
        " processed |" in text
    )
    assert "| dm | 1,001 | 10 | 0 | 500 | 1,511 | 3.0 | 30,000 |" in text
    assert "bytes and costs" in render(report, "html")


def test_joules_of_scenarios_are_shown_with_what_they_hold(many: Many) -> None:
    records = many("dm", [70.0, 71.0], [10.0, 11.0])
    for seed, record in enumerate(records):
        record["outcome"]["costs"]["joules"] = 50.0 + 10 * seed
        record["energy"] = {"meters": ["RAPL package-0"]}
    report = built(records)
    (row,) = [row for row in report["rows"] if row["metric"] == "joules"]
    assert (row["mean"], row["unit"], row["n"]) == (55.0, "J", 2)
    (note,) = [note for note in report["notes"] if note.startswith("Energy")]
    assert note.startswith("Energy: read from RAPL package-0. RAPL counts the whole processor")


def test_leading_sets_are_the_best_of_each_kind_and_random_images() -> None:
    sets = [
        ("random", "real images", 1.0),
        *((f"real-{i}", "real images", 10.0 + i) for i in range(5)),
    ]
    sets += [(f"c{i}", "condensed", 30.0 - i) for i in range(5)] + [
        ("k", "averages", 5.0),
        ("naive", "reference", 0.0),
    ]
    assert [sets[i][0] for i in choose_leading(sets)] == [
        "random",
        "real-3",
        "real-4",
        "c0",
        "c1",
        "c2",
        "k",
        "naive",
    ]
    assert choose_leading(sets, room=20) == list(range(len(sets)))


@pytest.mark.parametrize("width", [80, 160])
def test_a_terminal_shows_the_leading_of_many_sets(many: Many, width: int) -> None:
    records = many("random", [50.0, 51.0], [40.0, 41.0]) + many(
        "herding", [55.0, 56.0], [35.0, 36.0]
    )
    for i in range(20):
        records += many(f"method-{i:02d}", [60.0 + i, 61.0 + i], [30.0 - i, 31.0 - i])
    for seed in (0, 1):
        records += bounds(seed, [20.0], [95.0])
    report = built(records)
    file = io.StringIO()
    print_report(report, Console(width=width, file=file))
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    table = text.partition("\nReplay on mnist-5k\n")[2].partition("\n\nNotes")[0]
    for name, present in (
        ("method-19", True),
        ("method-17", True),
        ("method-16", False),
        ("random", True),
        ("joint", True),
    ):
        assert (f"\n{name} " in table) is present, name
    assert "7 of 24 rows" in " ".join(table.split())
    assert "gap" in table
    assert (
        "method-03" in render(report, "md")
        and len(json.loads(render(report, "json"))["continual"]) == 20
    )
