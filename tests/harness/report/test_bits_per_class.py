"""Bits per class stand beside bytes, of records that say their classes and of those that do not."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.plots.rate_axis import RateAxis, choose_marks
from harness.report.building import build, render
from harness.report.formats.values import read_values
from harness.report.overview.picture import choose_axis, size_of

Runs = Callable[..., list[dict[str, Any]]]


def of(data: str, records: list[dict[str, Any]], **said: Any) -> list[dict[str, Any]]:
    for record in records:
        record["cell"] |= {"data": data, **said}
    return records


@pytest.mark.parametrize(
    ("data", "said", "bits"),
    [
        ("cifar100~500", {}, 6280.0),
        ("folder:photos", {"class_count": 4}, 157_000.0),
        ("mnist-5k", {"class_count": 8}, 78_500.0),
        ("folder:photos", {}, None),
    ],
)
def test_what_a_record_says_counts_and_else_the_name_of_its_data(
    runs: Runs, data: str, said: dict[str, int], bits: float | None
) -> None:
    records = of(data, runs("dm", [80.0, 81.0]), **said)
    report = build({"suite": "s"}, records, [])
    assert {(row["bytes"], row["bits_per_class"]) for row in report["rows"]} == {(78_500, bits)}
    assert {row["bits_per_class"] for row in read_values(records)} == {bits}
    rows = report["summary"]["rows"]
    axis = choose_axis(rows)
    assert size_of(rows[0]) == (bits or 78_500)
    assert axis.title.startswith("bits per class" if bits else "bytes")
    assert bits is None or bits * (axis.bytes_each or 0) == 78_500
    written = "-" if bits is None else f"{bits:,.0f}"
    assert f"| dm | 78,500 | {written} |" in render(report, "md")


def test_older_records_of_a_set_stand_with_those_that_say_their_classes(runs: Runs) -> None:
    first, second = of("folder:photos", runs("dm", [80.0, 81.0]))
    second["cell"]["class_count"] = 4
    (row,) = build({"suite": "s"}, [second, first], [])["rows"]
    assert (row["n"], row["bits_per_class"]) == (2, 157_000.0)


def test_sizes_that_nearly_meet_share_a_mark() -> None:
    assert choose_marks([6_153, 6_280, 62_800, 61_000], 0.5) == [6_280, 62_800]
    assert RateAxis.of(7_850, None) == RateAxis("bytes")
