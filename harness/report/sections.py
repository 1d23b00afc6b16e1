"""A table of text as every format draws it: columns, and rows in sections."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.report.columns import Column


@dataclass(frozen=True)
class Section:
    """leading: the indices of the rows to show where there is little room; None for all."""

    title: str
    rows: Sequence[Sequence[str]]
    leading: Sequence[int] | None = None


@dataclass(frozen=True)
class Table:
    """is_detail: further metrics, for formats with room. shortened: which rows lead where there is little room."""

    scenario: str
    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]
    footnotes: Sequence[str] = field(default_factory=tuple)
    is_detail: bool = False
    shortened: str = "the best of each kind by final accuracy, and random images; all are in --format md, html, csv and json"
