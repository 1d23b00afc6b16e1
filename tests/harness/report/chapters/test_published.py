"""Figures of papers: shown beside what was measured on the same data, and compared with nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.report.building import build
from harness.report.chapters.published import (
    COUNTED,
    NOT_READ,
    NOTE,
    list_published,
    trace_published,
)
from harness.report.pictures import pictures
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
        values = {**figure["values"], **figure.get("by_bits", {})}
        assert values and (not figure.get("curve") or figure.get("by_bits") or bits_of(figure))
        for size, value in values.items():
            assert int(size) >= 1 and 0 < float(value.split(" ± ")[0]) < 100


def bits_of(figure: Mapping[str, Any]) -> int:
    return int(figure.get("bits_per_image", 0))


def test_published_images_count_32_bits_a_value_and_real_ones_8() -> None:
    values = {"mnist": 28 * 28, "fashion-mnist": 28 * 28}
    for figure in list_published():
        if bits_of(figure):
            real = figure["use"] == "continual" or figure["method"] in ("random", "herding")
            each = 8 if real else 32
            assert bits_of(figure) == each * values.get(figure["data"], 3 * 32 * 32)


def test_they_stand_in_a_table_of_their_own_once(runs: Runs) -> None:
    both = [*on("cifar10", runs("dm", [40.0, 41.0])), *on("cifar10", runs("random", [26.0, 27.0]))]
    both += on("cifar10", runs("dm", [42.0, 43.0]), "equal steps")
    found = report_of(both)
    table, by_bits = [one for one in tables(found) if "published" in one.title]
    assert table.title == "accuracy on cifar10: published figures, not measured here"
    titles = [column.title for column in table.columns]
    assert titles[1:5] == ["ipc 1, %", "ipc 10, %", "ipc 50, %", "bits per class, ipc 1"]
    rows = {row[0]: row[1:5] for row in table.sections[0].rows}
    assert rows["dsa"] == ["28.8", "52.1", "60.6", "98,304"]
    assert rows["kfs*"] == ["-", "72.0", "-", "-"]
    assert rows["random*"][3] == "24,576"
    assert list(table.footnotes) == [NOTE, NOT_READ, COUNTED]
    assert by_bits.title.endswith("published figures by bits per class, not measured here")
    assert by_bits.columns[1].title == "107,000 bits per class, %"
    assert [row[:4] for row in by_bits.sections[0].rows] == [["tm-ruo", "70.3", "77.5", "79.7"]]


def test_a_scenario_under_a_label_of_its_own_has_them_too(runs: Runs) -> None:
    for label in ("equal steps", "0 first by its letters"):
        found = report_of(on("cifar10", runs("dm", [42.0, 43.0]), label))
        assert [one.title for one in tables(found) if "ipc 10, %" in str(one.columns)] == [
            f"{label} on cifar10: published figures, not measured here"
        ]


def test_they_are_drawn_over_bits_per_class_beside_ours(runs: Runs) -> None:
    records = [*on("cifar10", runs("dm", [40.0, 41.0])), *on("cifar10", runs("random", [26.0]))]
    found = report_of(records)
    curves = {one.label: one for one in trace_published("accuracy", "cifar10", found)}
    assert all(one.hollow and not one.intervals() for one in curves.values())
    ruo, dm = curves["tm-ruo (published)"], curves["dm (published)"]
    assert (ruo.x, ruo.y) == ([107_000, 777_000, 2_030_000], [70.3, 77.5, 79.7])
    assert dm.x == [98_304, 983_040, 4_915_200] and curves["random (published)"].x[0] == 24_576
    drawn = "".join(pictures(found)["accuracy"])
    assert "<title>tm-ruo (published): 70.3 at 107,000 bits per class; DD-RUO" in drawn
    assert not trace_published("accuracy", "mnist", found)


def test_they_change_no_row_and_no_answer(runs: Runs) -> None:
    ours, other = (
        report_of([*on(data, runs("dm", [40.0, 41.0])), *on(data, runs("random", [26.0, 27.0]))])
        for data in ("cifar10", "unknown")
    )
    assert ours["published"] and "published" not in other
    assert not any("published" in one.title for one in tables(other))
    for mine, its in zip(ours["rows"], other["rows"], strict=True):
        same = {"data": "", "bits_per_class": None}  # of unknown data no number of classes is known
        assert {**mine, **same} == {**its, **same}
    assert [one["answer"] for one in ours["headlines"]] == [
        one["answer"] for one in other["headlines"]
    ]
