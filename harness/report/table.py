"""Which columns a table has, and how each is read from the rows of one set.

A table of text as every format draws it: columns, and rows in sections.

Which sets to show where there is no room for all: the best condensed and real ones, the centroids,
and random images.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.report.origin import AVERAGES, CONDENSED, REAL, split_metric, strategies
from harness.report.results import RANDOM
from harness.report.wording import IN, OF, TOP, estimate, sizes, verdict

Row = Mapping[str, Any]
Bundle = Mapping[str, Row]  # the rows of one set or reference, by metric
MEAN = "mean-test-accuracy"
OF_MASKS = ("deletion-auc", "insertion-auc", "pointing-accuracy", "mask-overlap", "kept")
WIDEST = 6  # measures with intervals beside each other on a page
TITLES = {
    "test-accuracy": "test accuracy, %",
    "mean-test-accuracy": "mean of all",
    "final-accuracy": "final accuracy, %",
    "anytime-accuracy": "anytime accuracy, %",
    "learning-accuracy": "learning accuracy, %",
    "forgetting": "forgetting, points (less is better)",
    "backward-transfer": "backward transfer, points",
    "forward-transfer": "forward transfer, points",
    "worst-case-accuracy": "worst-case accuracy, %",
    "gap-closed": "gap closed, of 1",
    "kendall-tau": "Kendall tau",
    "spearman": "Spearman",
    "pearson": "Pearson",
    "partial-correlation": "Spearman given parameters",
    "found-accuracy": "test accuracy of the answer, %",
    "deletion-auc": "deletion AUC (less is better)",
    "insertion-auc": "insertion AUC",
    "pointing-accuracy": "pointing, %",
    "mask-overlap": "overlap with the true mask",
    "kept": "kept, %",
    "condensation-seconds": "condensation, s",
    "search-seconds": "search, s",
    "seconds": "seconds (less is better)",
    "joules": "joules (less is better)",
}


@dataclass(frozen=True)
class Column:
    """text: a cell, from the rows of one set by metric, or from whatever one line of its table is.

    drop: 0 keeps it; where a page is too narrow, the columns of the highest drop go first.
    """

    title: str
    text: Callable[[Any], str]
    drop: int = 0
    is_text: bool = False


@dataclass(frozen=True)
class Layout:
    """One table of a place: its title after the place's, the metrics it shows, its columns.

    is_detail: further metrics, for formats with room. ranked_by: the metric by which rows lead
    where there is little room.
    """

    title: str
    metrics: Sequence[str]
    columns: Sequence[Column]
    is_detail: bool = False
    ranked_by: str | None = None


def layouts(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """The tables of one place (scenario, data, recipe) that holds the metrics `names`."""
    found = [layout for strategy in strategies(rows) for layout in _strategy(strategy, names, rows)]
    masks = [name for name in OF_MASKS if name in names]
    if masks:
        found.append(
            Layout(
                "",
                masks,
                [replace(first(rows)[0], title="masks"), *map(value, masks), count(masks[0])],
            )
        )
        names = [name for name in names if name not in masks]
    by_network = [name for name in names if OF in name]
    found += _networks(by_network, names, rows)
    by_space = [name for name in names if IN in name and not name.endswith(TOP)]
    found += _spaces(by_space, rows)
    known = {*by_network, *by_space, *([MEAN] if by_network else [])}
    plain = [name for name in names if not split_metric(name)[0] and name not in known]
    for name in plain:
        figures = [value(name)] if name in ("seconds", "joules") else compared(name, rows)
        found.append(
            Layout(
                f": {name}" if len(plain) > 1 else "", [name], [*first(rows), *figures, count(name)]
            )
        )
    return found


def _networks(by_network: Sequence[str], names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """Sets by networks in one table, the mean over them last; then each network's comparison with
    random images.
    """
    if not by_network:
        return []
    shown = [name for name in names if name in by_network or name == MEAN]
    columns = [replace(value(name), drop=2 if name == MEAN else 0) for name in shown]
    table = Layout(": test accuracy, %", shown, [*first(rows), *columns, count(shown[0])])
    each = [
        Layout(
            f": {name} against random",
            [name],
            [*first(rows), *compared(name, rows), count(name)],
            is_detail=True,
        )
        for name in shown
    ]
    return [table, *each]


def _spaces(by_space: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """A table for each embedding, measures side by side: where a page is narrow the last ones go
    first, those after six apart.
    """
    found = []
    for space in dict.fromkeys(name.partition(IN)[2] for name in by_space):
        own = [name for name in by_space if name.partition(IN)[2] == space]
        columns = [
            replace(value(n), title=n.partition(IN)[0], drop=i % WIDEST) for i, n in enumerate(own)
        ]
        for begin in range(0, len(own), WIDEST):
            part = slice(begin, begin + WIDEST)
            title = f"{IN}{space}{': further measures' if begin else ''}"
            shown = [*first(rows), *columns[part], count(own[begin])]
            found.append(Layout(title, own[part], shown, is_detail=begin > 0))
    return found


def _strategy(strategy: str, names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """What is lost, what is left and how much of the gap that closes; then the further metrics that
    were measured.
    """
    forgetting, final, gap = (
        f"{strategy}/{name}" for name in ("forgetting", "final-accuracy", "gap-closed")
    )
    further = (
        "anytime-accuracy",
        "learning-accuracy",
        "backward-transfer",
        "forward-transfer",
        "worst-case-accuracy",
    )
    others = [f"{strategy}/{name}" for name in further if f"{strategy}/{name}" in names]
    # Where a page is narrow, differences go first, then bytes and verdicts: forgetting, accuracy
    # and the gap stay.
    drops = {"difference": 6, "against": 3}
    main = [
        replace(column, drop=drops.get(column.title.partition(" ")[0], 0))
        for metric in (forgetting, final)
        for column in compared(metric, rows)
    ]
    closed = [value(gap)] if gap in names else []
    found = [
        Layout(
            f", strategy {strategy}",
            [forgetting, final],
            [*first(rows), *main, *closed, count(final)],
            ranked_by=final,
        )
    ]
    if others:
        more = [*first(rows), *map(value, others), count(others[0])]
        found.append(
            Layout(
                f", strategy {strategy}: further metrics",
                others,
                more,
                is_detail=True,
                ranked_by=final,
            )
        )
    return found


def first(rows: Sequence[Row]) -> list[Column]:
    """Name and bytes; bytes may be dropped where every section's title can say them, or their
    budget.
    """
    held: dict[Any, set[Any]] = {}
    for row in rows:
        held.setdefault(row["budget"] or row["ipc"], set()).add(row["budget"] or row["bytes"])
    same = all(len(sizes_held) == 1 for sizes_held in held.values())
    return [
        Column("set", lambda b: str(next(iter(b.values()))["condenser"]), is_text=True),
        Column("bytes", lambda b: sizes(next(iter(b.values()))["bytes"]), drop=4 if same else 0),
    ]


def value(metric: str) -> Column:
    """A metric with its interval."""
    name = metric.partition(OF)[2] or metric.rpartition("/")[2]
    return Column(
        TITLES.get(name, name),
        lambda b: estimate(b[metric], b[metric]["unit"]) if metric in b else "-",
    )


def compared(metric: str, rows: Sequence[Row]) -> list[Column]:
    """Value, difference to random and what it says; at equal bytes too where that is another
    comparison.
    """

    def difference(bundle: Bundle, key: str = "comparison") -> str:
        found = bundle.get(metric, {}).get(key)
        return estimate(found, bundle[metric]["unit"], "difference", signed=True) if found else "-"

    def words(bundle: Bundle, key: str = "comparison") -> str:
        row = bundle.get(metric)
        return verdict(row.get(key), row["higher_is_better"]) if row else "-"

    columns = [
        value(metric),
        Column("difference to random", difference, drop=1),
        Column("against random", words, is_text=True),
    ]
    if any(
        row["metric"] == metric and row.get("equal_count_is_equal_bytes") is False for row in rows
    ):
        columns.append(
            Column("difference at equal bytes", lambda b: difference(b, "comparison_bytes"), drop=1)
        )
        columns.append(
            Column(
                "against random at equal bytes",
                lambda b: words(b, "comparison_bytes"),
                is_text=True,
            )
        )
    return columns


def count(metric: str) -> Column:
    """Over how many values a metric was taken."""
    return Column("n", lambda b: str((b.get(metric) or next(iter(b.values())))["n"]))


@dataclass(frozen=True)
class Section:
    """leading: the indices of the rows to show where there is little room; None for all."""

    title: str
    rows: Sequence[Sequence[str]]
    leading: Sequence[int] | None = None


@dataclass(frozen=True)
class Table:
    """is_detail: further metrics, for formats with room. shortened: which rows lead where there is
    little room.
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


BEST = {CONDENSED: 3, REAL: 2, AVERAGES: 1}
ROOM = 8


def leading(
    sets: Sequence[tuple[str, str, float | None]], room: int = ROOM, best: Mapping[str, int] = BEST
) -> list[int]:
    """Indices, in their order, of the sets (name, kind, value; more is better) to show where only
    `room` of them fit.

    All where they fit, else the `best` so many of each kind; references (of no such kind) and
    random images always.
    """
    if len(sets) <= room:
        return list(range(len(sets)))
    chosen = {i for i, (name, kind, _) in enumerate(sets) if name == RANDOM or kind not in best}
    for kind, count in best.items():
        own = [
            (value, -i) for i, (_, k, value) in enumerate(sets) if k == kind and value is not None
        ]
        chosen |= {-i for _, i in sorted(own, reverse=True)[:count]}
    return sorted(chosen)
