"""A table of text as every format draws it, and how the rows of a report are laid out as one.

Rows of one place (scenario, data, settings, augmentation) stand in one table, a section for each
size. A chapter says which columns its tables have.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from condensers.sets.rate import format_bits
from harness.report.place import Place, Size, group_by_place
from harness.report.results import AVERAGES, CONDENSED, RANDOM, REAL
from harness.report.wording import (
    NOT_DISTINGUISHABLE,
    OF,
    POWER,
    estimate,
    format_bytes,
    judge,
    list_strategies,
    split_metric,
)

Row = Mapping[str, Any]
Bundle = Mapping[str, Row]  # the rows of one set or reference, by metric
BEST = {CONDENSED: 3, REAL: 2, AVERAGES: 1}
ROOM = 8


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        title: its heading.
        text: writes a cell from one line: the rows of one set by metric, or any other mapping.
        drop: 0 keeps the column; where a page is too narrow, the highest go first.
        is_text: whether cells are words, which stand left, and not numbers.
    """

    title: str
    text: Callable[[Any], str]
    drop: int = 0
    is_text: bool = False


@dataclass(frozen=True)
class TableLayout:
    """Which table is made of the rows of one place.

    Args:
        title: stands after the heading of the place, as ": seconds".
        subject: begins the heading of the place, as "Replay"; the scenario where it is empty.
        metrics: metrics that it shows; sets that have none of them have no row.
        columns: its columns, each given the rows of one set by metric.
        is_detail: whether it holds further metrics, for formats with room.
        ranked_by: the metric by which rows are chosen where there is little room.
    """

    title: str
    metrics: Sequence[str]
    columns: Sequence[Column]
    is_detail: bool = False
    ranked_by: str | None = None
    subject: str = ""


@dataclass(frozen=True)
class Section:
    """Rows of cells under a title.

    Args:
        title: heading of the section, as "ipc 10".
        rows: cells, row by row.
        leading: indices of the rows to show where there is little room; None for all.
    """

    title: str
    rows: Sequence[Sequence[str]]
    leading: Sequence[int] | None = None


@dataclass(frozen=True)
class Table:
    """A table of text.

    Args:
        scenario: the scenario in whose section of the report it stands.
        title: its title.
        columns: its columns.
        sections: its rows.
        footnotes: sentences below it.
        is_detail: whether it holds further metrics, for formats with room.
        shortened: which rows are shown where there is little room.
    """

    scenario: str
    title: str
    columns: Sequence[Column]
    sections: Sequence[Section]
    footnotes: Sequence[str] = field(default_factory=tuple)
    is_detail: bool = False
    shortened: str = (
        "the best of each kind by final accuracy, and random images; all are in --format md, html,"
        " csv and json"
    )


class MetricColumns:
    """The usual columns of a table of metrics.

    Args:
        rows: the rows of one place.
        titles: metric -> heading of its column; the metric itself where it has none.
    """

    def __init__(self, rows: Sequence[Row], titles: Mapping[str, str]) -> None:
        self._rows, self._titles = rows, titles

    def name_and_bytes(self) -> list[Column]:
        """Return name, bytes and bits per class; these two are dropped first where a page is narrow
        and the titles of sections say the bytes.
        """
        sizes: dict[Any, set[Any]] = {}
        for row in self._rows:
            sizes.setdefault(row["budget"] or row["ipc"], set()).add(row["budget"] or row["bytes"])
        same = all(len(of_section) == 1 for of_section in sizes.values())
        return [
            Column("set", lambda b: str(_first(b)["condenser"]), is_text=True),
            Column("bytes", lambda b: format_bytes(_first(b)["bytes"]), drop=4 if same else 0),
            Column("bits per class", lambda b: format_bits(_first(b)["bits_per_class"]), drop=5),
        ]

    def value(self, metric: str) -> Column:
        """Return a metric with its interval."""
        name = metric.partition(OF)[2] or metric.rpartition("/")[2]
        return Column(
            self._titles.get(name, name),
            lambda b: estimate(b[metric], b[metric]["unit"]) if metric in b else "-",
        )

    def comparison(self, metric: str) -> list[Column]:
        """Return value, difference to random images and verdict; at equal bytes too where that is
        another comparison.
        """

        def difference(bundle: Bundle, key: str = "comparison") -> str:
            part = bundle.get(metric, {}).get(key)
            unit = bundle[metric]["unit"] if part else ""
            return estimate(part, unit, "difference", signed=True) if part else "-"

        def words(bundle: Bundle, key: str = "comparison") -> str:
            row = bundle.get(metric)
            return judge(row.get(key), row["higher_is_better"], row["unit"]) if row else "-"

        columns = [
            self.value(metric),
            Column("difference to random", difference, drop=1),
            Column("against random", words, is_text=True),
        ]
        own = [row for row in self._rows if row["metric"] == metric]
        if any(row.get("equal_count_is_equal_bytes") is False for row in own):
            key = "comparison_bytes"
            columns += [
                Column("difference at equal bytes", lambda b: difference(b, key), drop=1),
                Column("against random at equal bytes", lambda b: words(b, key), is_text=True),
            ]
        return columns

    def count(self, metric: str, title: str = "n") -> Column:
        """Return over how many values a metric was taken."""
        return Column(title, lambda b: str((b.get(metric) or _first(b))["n"]))


def _first(bundle: Bundle) -> Row:
    return next(iter(bundle.values()))


def split_augmentations(rows: Sequence[Row]) -> dict[Place, list[Row]]:
    """Group rows by place and augmentation; references stand in the table of every augmentation.

    An augmentation is said only where sets of several stand beside each other.
    """
    groups: dict[Place, list[Row]] = {}
    for place, own in group_by_place(rows).items():
        known = dict.fromkeys(row["recipe"] for row in own if not row["reference"]) or {None: None}
        for recipe in known:
            group = replace(place, augmentation=(recipe or "none") if len(known) > 1 else None)
            groups[group] = [row for row in own if row["reference"] or row["recipe"] == recipe]
    return groups


def bundle_rows(rows: Sequence[Row]) -> list[Bundle]:
    """Bundle the rows of each set by metric; a reference, which is measured under its own name,
    stands beside the sets of every strategy.
    """
    strategies = list_strategies(rows)
    bundles: dict[tuple[Any, ...], dict[str, Row]] = {}
    for row in rows:
        key = row["reference"], row["condenser"], row["budget"], row["ipc"]
        bundle = bundles.setdefault(key, {})
        bundle[row["metric"]] = row
        strategy, name = split_metric(row["metric"])
        for each in strategies if row["reference"] and strategy else []:
            bundle.setdefault(f"{each}/{name}", row)
    return list(bundles.values())


def lay_out(place: Place, layout: TableLayout, bundles: Sequence[Bundle]) -> Table | None:
    """Make the table of one layout from the bundles of a place; None where no set has a metric of
    it. The footnotes are the chapter's.
    """
    shown = [b for b in bundles if any(metric in b for metric in layout.metrics)]
    if not shown:
        return None
    by_size: dict[Size, list[Bundle]] = {}
    for bundle in shown:
        by_size.setdefault(Size.of(_first(bundle)), []).append(bundle)
    sections = [
        Section(
            _section_title(size, by_size[size]),
            [[column.text(bundle) for column in layout.columns] for bundle in by_size[size]],
            _leading_bundles(by_size[size], layout.ranked_by),
        )
        for size in sorted(by_size)
    ]
    title = f"{place.heading(layout.subject)}{layout.title}"
    return Table(place.scenario, title, layout.columns, sections, is_detail=layout.is_detail)


def sections_by_size(rows: Sequence[Row], columns: Sequence[Column]) -> list[Section]:
    """Make a section of each size, references last, a line a row."""
    by_size: dict[Size, list[Row]] = {}
    for row in rows:
        by_size.setdefault(Size.of(row), []).append(row)
    return [
        Section(size.heading, [[column.text(row) for column in columns] for row in by_size[size]])
        for size in sorted(by_size)
    ]


def with_power_note(table: Table) -> Table:
    """Return a table that explains what stands in brackets behind "not distinguishable", where it
    has some.
    """
    start = f"{NOT_DISTINGUISHABLE} ("
    cells = (cell for section in table.sections for row in section.rows for cell in row)
    if not any(cell.startswith(start) for cell in cells):
        return table
    return replace(table, footnotes=(*table.footnotes, POWER))


def _section_title(size: Size, bundles: Sequence[Bundle]) -> str:
    if size.is_reference or size.budget:
        return size.heading
    known = {_first(bundle)["bytes"] for bundle in bundles}
    same = len(known) == 1 and None not in known
    return f"{size}, {format_bytes(next(iter(known)))} bytes" if same else str(size)


def _leading_bundles(bundles: Sequence[Bundle], metric: str | None) -> list[int] | None:
    if metric is None:
        return None
    sets = []
    for bundle in bundles:
        row = _first(bundle)
        sets.append((row["condenser"], row["kind"], bundle.get(metric, {}).get("mean")))
    return choose_leading(sets)


def choose_leading(
    sets: Sequence[tuple[str, str, float | None]], room: int = ROOM, best: Mapping[str, int] = BEST
) -> list[int]:
    """Choose the sets to show where there is little room.

    Args:
        sets: name, origin and value (more is better) of each set.
        room: how many sets fit; all are shown where they are no more.
        best: origin -> how many of the best of it are chosen; references and random images always.

    Returns:
        Indices of the chosen sets, in their order.
    """
    if len(sets) <= room:
        return list(range(len(sets)))
    chosen = {i for i, (name, origin, _) in enumerate(sets) if name == RANDOM or origin not in best}
    for origin, count in best.items():
        own = [
            (value, -i) for i, (_, o, value) in enumerate(sets) if o == origin and value is not None
        ]
        chosen |= {-i for _, i in sorted(own, reverse=True)[:count]}
    return sorted(chosen)
