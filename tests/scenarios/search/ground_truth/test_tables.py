"""Ground-truth tables as files: what they hold, what is refused, how they are put together."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.protocol import Splits
from scenarios.registry import SPACES
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.building import train_row
from scenarios.search.ground_truth.reading import list_choices
from scenarios.search.ground_truth.table import (
    GroundTruthTable,
    describe_target,
    make_table,
    merge_tables,
)
from scenarios.search.scenario import Search


@pytest.fixture
def table(search: Search, splits: Splits) -> GroundTruthTable:
    """Two seeds of the first four architectures."""
    space = SPACES.create(search.space).fitting(splits.train.shape)
    choices = list_choices(space)[:4]
    rows = [
        {**train_row(search, c, splits, Context(seed=s)), "made": s}
        for s in (0, 1)
        for c in choices
    ]
    made = [
        {"command": "first", "torch": "1", "device": "cpu"},
        {"command": "second", "torch": "2", "device": "cuda"},
    ]
    return make_table(describe_target(search, space, splits), space.choices(), made, rows)


def part(table: GroundTruthTable, keep: Callable[[Any], bool]) -> GroundTruthTable:
    return make_table(
        table.target, table.choices, table.made, [row for row in table.rows if keep(row)]
    )


def test_a_row_holds_its_curve_and_its_cost(table: GroundTruthTable, search: Search) -> None:
    for row in table.rows:
        assert len(row["curve"]) == search.truth_epochs == 2
        assert row["curve"][-1] == [round(row["validation"], 4), row["seconds"]]
        assert 0 < row["curve"][0][1] < row["seconds"] and row["images"] == 2 * 120
    assert table.seeds == [0, 1] and len(table.ids) == 4
    # width 8 on 8 pixels, 3 classes, one block that pads by 1: (9 + 1) 8 + norm 0 or 16 + (16 8 +
    # 1) 3
    assert {row["parameters"] for row in table.rows} == {80 + 387}
    # two for each multiply-add: 64 places x 8 channels x 9, then 128 x 3
    assert {row["flops"] for row in table.rows} == {2 * (64 * 8 * 9 + 128 * 3)}


def test_a_file_gives_back_the_same_table_and_a_hash_that_spaces_do_not_change(
    table: GroundTruthTable, tmp_path: Path
) -> None:
    files.write_table(tmp_path / "a.json", table)
    again = files.read_table(tmp_path / "a.json")
    assert (
        again.as_json() == json.loads(json.dumps(table.as_json()))
        and again.content == table.content
    )
    spaced = json.dumps(json.loads((tmp_path / "a.json").read_text()), indent=4)
    (tmp_path / "b.json").write_text(spaced)
    assert files.read_table(tmp_path / "b.json").content == table.content


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v["rows"][3].update(test=99.0), "changed or damaged since it was made"),
        (lambda v: v["recipe"].update(truth_epochs=3), "changed or damaged"),
        (lambda v: v.update(format=2), "a table of format 2, and this version reads format 1"),
        (lambda v: v.pop("content"), "no ground-truth table; make one with: harness truth build"),
    ],
)
def test_a_changed_file_is_refused_in_one_sentence(
    table: GroundTruthTable, tmp_path: Path, change: Any, said: str
) -> None:
    files.write_table(tmp_path / "a.json", table)
    value = json.loads((tmp_path / "a.json").read_text())
    change(value)
    (tmp_path / "a.json").write_text(json.dumps(value))
    with pytest.raises(UsageError, match=said) as caught:
        files.read_table(tmp_path / "a.json")
    assert "\n" not in str(caught.value)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UsageError, match=r"a\.json: no ground-truth table, since it is not JSON"):
        files.read_table(tmp_path / "a.json")
    with pytest.raises(UsageError, match="'nowhere': neither a file nor a table of this package"):
        files.find_path("nowhere")


def test_parts_are_merged_into_the_whole_in_any_order(table: GroundTruthTable) -> None:
    odd, even = (part(table, lambda row, r=r: table.rows.index(row) % 2 == r) for r in (1, 0))
    assert (
        merge_tables([("a", odd), ("b", even)]).content
        == merge_tables([("b", even), ("a", odd)]).content
        == table.content
    )
    assert [len(t.made) for t in (part(table, lambda row: row["seed"] == 0), table)] == [1, 2]


def test_double_rows_may_differ_in_seconds_alone(table: GroundTruthTable) -> None:
    slower = make_table(
        table.target,
        table.choices,
        table.made,
        [{**r, "seconds": 9.0, "curve": [[v, 9.0] for v, _ in r["curve"]]} for r in table.rows],
    )
    assert merge_tables([("a", table), ("b", slower)]).content == table.content
    other = make_table(
        table.target,
        table.choices,
        table.made,
        [*table.rows[1:], {**table.rows[0], "validation": 1.0}],
    )
    with pytest.raises(
        UsageError, match=rf"a and b both have {table.rows[0]['id']} with seed 0, but not the same"
    ):
        merge_tables([("a", table), ("b", other)])


def test_tables_of_two_truths_are_not_merged(
    table: GroundTruthTable, search: Search, splits: Splits
) -> None:
    space = SPACES.create(search.space).fitting(splits.train.shape)
    longer = describe_target(replace(search, truth_epochs=9), space, splits)
    wider = describe_target(search, replace(space, widths=(8, 16)), splits)
    turned = describe_target(search, space, replace(splits, test=splits.validation))
    for target, said in (
        (longer, "truth_epochs 2 and 9"),
        (wider, r"widths \[8\] and \[8, 16\]"),
        (turned, "images for test .* and "),
    ):
        with pytest.raises(UsageError, match=f"a and b are not tables of one truth: {said}"):
            merge_tables(
                [("a", table), ("b", make_table(target, table.choices, table.made, table.rows))]
            )
        assert target.key != table.target.key


def test_csv_has_a_line_for_each_row(table: GroundTruthTable) -> None:
    lines = list(csv.DictReader(io.StringIO(table.as_csv())))
    assert [(line["id"], int(line["seed"]), float(line["test"])) for line in lines] == [
        (row["id"], row["seed"], row["test"]) for row in table.rows
    ]
    assert [
        [float(line[f"validation_{e}"]), float(line[f"seconds_{e}"])]
        for line in lines
        for e in (1, 2)
    ] == [point for row in table.rows for point in row["curve"]]
    assert {(line["depth"], line["norm"], line["torch"]) for line in lines} == {
        ("1", "none", "1"),
        ("1", "none", "2"),
    }


def test_a_space_too_large_for_a_table_says_so() -> None:
    with pytest.raises(
        UsageError, match=r"space darts: has about \S+ architectures; say how many of them"
    ):
        list_choices(SPACES.create("darts"))
