"""Figures of papers: shown beside what was measured on the same data, and compared with nothing."""

from collections.abc import Callable
from typing import Any

from harness.report.building import build
from harness.report.chapters.published import NOT_READ, NOTE, list_published
from harness.report.tables import tables

Runs = Callable[..., list[dict[str, Any]]]


def on(data: str, records: list[dict[str, Any]], label: str = "") -> list[dict[str, Any]]:
    for record in records:
        record["cell"] |= {"data": data}
        if label:
            record["cell"] |= {"scenario": label}
            record["key"] += label
    return records


def report_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    return build({"suite": "s", "cells": [record["key"] for record in records]}, records, [])


def test_every_figure_is_a_percentage_of_a_source() -> None:
    for figure in list_published():
        assert figure["use"] in ("accuracy", "continual") and figure["source"] and figure["how"]
        for size, value in figure["values"].items():
            assert int(size) >= 1 and 0 < float(value.split(" ± ")[0]) < 100


def test_they_stand_in_a_table_of_their_own_once(runs: Runs) -> None:
    both = [*on("cifar10", runs("dm", [40.0, 41.0])), *on("cifar10", runs("random", [26.0, 27.0]))]
    both += on("cifar10", runs("dm", [42.0, 43.0]), "equal steps")
    found = report_of(both)
    (table,) = [one for one in tables(found) if "published" in one.title]
    assert table.title == "accuracy on cifar10: published figures, not measured here"
    assert [column.title for column in table.columns][1:4] == ["ipc 1, %", "ipc 10, %", "ipc 50, %"]
    rows = {row[0]: row[1:4] for row in table.sections[0].rows}
    assert rows["dsa"] == ["28.8", "52.1", "60.6"]
    assert rows["kfs*"] == ["-", "72.0", "-"]
    assert list(table.footnotes) == [NOTE, NOT_READ]


def test_they_change_no_row_and_no_answer(runs: Runs) -> None:
    ours, other = (
        report_of([*on(data, runs("dm", [40.0, 41.0])), *on(data, runs("random", [26.0, 27.0]))])
        for data in ("cifar10", "unknown")
    )
    assert ours["published"] and "published" not in other
    assert not any("published" in one.title for one in tables(other))
    for mine, its in zip(ours["rows"], other["rows"], strict=True):
        assert {**mine, "data": ""} == {**its, "data": ""}
    assert [one["answer"] for one in ours["headlines"]] == [
        one["answer"] for one in other["headlines"]
    ]
