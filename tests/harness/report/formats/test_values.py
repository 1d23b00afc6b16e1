"""Single values: a row for each, the same columns in a frame, in Parquet and in the guide."""

import io
import re
import sys
from pathlib import Path

import pytest

from harness import read_results
from harness.report.formats.values import COLUMNS, columns_of, read_values
from tests.helpers.command_line import Harness

GUIDE = Path(__file__).parents[4] / "docs" / "guide" / "command-line.md"


def test_every_value_of_reference_results_is_a_row() -> None:
    results = read_results("reference:demo")
    rows = read_values(results.records)
    measured = sum(
        len(m["values"])
        for r in results.records
        if r["outcome"]
        for m in r["outcome"]["measurements"]
    )
    costs = [row for row in rows if row["scenario"] == "condense"]
    assert len(rows) - len(costs) == measured > 100
    assert {tuple(row) for row in rows} == {tuple(columns_of(rows))}
    drawn = [name for name in columns_of(rows) if name not in COLUMNS]
    assert drawn == ["repeat_architecture"] and columns_of([]) == list(COLUMNS)


def test_a_frame_has_the_columns_even_without_rows() -> None:
    pytest.importorskip("pandas")
    results = read_results("reference:demo")
    rows = read_values(results.records)
    frame = results.to_pandas()
    assert list(frame.columns) == columns_of(rows) and len(frame) == len(rows)
    results.records = []
    assert list(results.to_pandas().columns) == list(COLUMNS)


def test_parquet_holds_the_same(harness: Harness, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "values.parquet"
    answer = harness("report", "reference:demo", "--format", "parquet", "--out", path)
    assert answer.status == 0, answer.err
    table = parquet.read_table(io.BytesIO(path.read_bytes()))
    rows = read_values(read_results("reference:demo").records)
    assert table.column_names == columns_of(rows)
    for name in ("value", "seed", "ipc", "unit", "higher_is_better", "repeat_order", "cell"):
        assert table.column(name).to_pylist() == [row[name] for row in rows], name
    assert table.schema.field("value").metadata == {b"about": b"the value"}


def test_without_pyarrow_or_a_file_it_is_one_sentence(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = harness("report", "reference:demo", "--format", "parquet")
    assert answer.status == 2 and "name a file with --out FILE.parquet" in answer.err
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "values.parquet"
    answer = harness("report", "reference:demo", "--format", "parquet", "--out", path)
    assert answer.status == 2 and answer.err.count("\n") == 1 and not path.exists()
    assert "--format parquet needs pyarrow" in answer.err
    assert 'pip install "condensation-harness[parquet]"' in answer.err


def test_the_guide_says_what_the_columns_hold() -> None:
    table = re.findall(
        r"^\| `(\w+)` \| ([^|]+) \|$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert dict(table) == COLUMNS and [name for name, _ in table] == list(COLUMNS)
