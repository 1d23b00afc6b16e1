"""What stands under one title is one thing."""

from collections import Counter
from pathlib import Path

import pytest

from harness.reference.files import Reference
from harness.report.building import build
from harness.report.tables import tables


@pytest.mark.parametrize("name", ["demo", "gdumb-mnist"])
def test_no_two_tables_or_columns_share_a_title(name: str) -> None:
    """Two scenarios of one kind, each under its own label, measure the same metrics."""
    report = build(*Reference(Path(f"reference:{name}")).contents())
    titles = Counter(table.title for table in tables(report))
    assert max(titles.values()) == 1, titles
    columns = Counter(column["title"] for column in report["summary"]["columns"])
    assert max(columns.values()) == 1, columns


def test_a_label_of_a_suite_is_said() -> None:
    report = build(*Reference(Path("reference:gdumb-mnist")).contents())
    titles = {table.title for table in tables(report)}
    assert {"GDumb on mnist", "GDumb on mnist, as published"} <= titles
    columns = {column["title"] for column in report["summary"]["columns"]}
    labels = ("continual", "as published")
    assert {f"final accuracy, % (gdumb), {label}" for label in labels} <= columns
