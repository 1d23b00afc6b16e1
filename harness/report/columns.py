"""Which columns a table has, and how each is read from the rows of one set."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.report.definitions import OF
from harness.report.kinds import split_metric, strategies
from harness.report.wording import estimate, sizes, verdict

Row = Mapping[str, Any]
Bundle = Mapping[str, Row]  # the rows of one set or reference, by metric
MEAN = "mean-test-accuracy"
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
    "condensation-seconds": "condensation, s",
    "search-seconds": "training of all, s",
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

    is_detail: further metrics, for formats with room. ranked_by: the metric by which rows lead where there is little room.
    """

    title: str
    metrics: Sequence[str]
    columns: Sequence[Column]
    is_detail: bool = False
    ranked_by: str | None = None


def layouts(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """The tables of one place (scenario, data, recipe) that holds the metrics `names`."""
    found = [layout for strategy in strategies(rows) for layout in _strategy(strategy, names, rows)]
    if "search-seconds" in names:
        return [*found, *_search(names, rows)]
    by_network = [name for name in names if OF in name]
    found += _networks(by_network, names, rows)
    plain = [name for name in names if not split_metric(name)[0] and name not in by_network and (not by_network or name != MEAN)]
    for name in plain:
        figures = [_value(name)] if name in ("seconds", "joules") else _compared(name, rows)
        found.append(Layout(f": {name}" if len(plain) > 1 else "", [name], [*_first(rows), *figures, _n(name)]))
    return found


def _networks(by_network: Sequence[str], names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """Sets by networks in one table, the mean over them last; then each network's comparison with random images."""
    if not by_network:
        return []
    shown = [name for name in names if name in by_network or name == MEAN]
    columns = [replace(_value(name), drop=2 if name == MEAN else 0) for name in shown]
    table = Layout(": test accuracy, %", shown, [*_first(rows), *columns, _n(shown[0])])
    each = [
        Layout(f": {name} against random", [name], [*_first(rows), *_compared(name, rows), _n(name)], is_detail=True)
        for name in shown
    ]
    return [table, *each]


def _strategy(strategy: str, names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """What is lost, what is left and how much of the gap that closes; then the further metrics that were measured."""
    forgetting, final, gap = (f"{strategy}/{name}" for name in ("forgetting", "final-accuracy", "gap-closed"))
    further = ("anytime-accuracy", "learning-accuracy", "backward-transfer", "forward-transfer", "worst-case-accuracy")
    others = [f"{strategy}/{name}" for name in further if f"{strategy}/{name}" in names]
    # Where a page is narrow, differences go first, then bytes and verdicts: forgetting, accuracy and the gap stay.
    drops = {"difference": 6, "against": 3}
    main = [
        replace(column, drop=drops.get(column.title.partition(" ")[0], 0))
        for metric in (forgetting, final)
        for column in _compared(metric, rows)
    ]
    closed = [_value(gap)] if gap in names else []
    found = [Layout(f", strategy {strategy}", [forgetting, final], [*_first(rows), *main, *closed, _n(final)], ranked_by=final)]
    if others:
        more = [*_first(rows), *map(_value, others), _n(others[0])]
        found.append(Layout(f", strategy {strategy}: further metrics", others, more, is_detail=True, ranked_by=final))
    return found


def _search(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    top = [name for name in names if name.startswith(("precision@", "regret@"))]
    precision, regret = (next((name for name in top if name.startswith(kind)), kind) for kind in ("precision", "regret"))
    main = [
        *_first(rows),
        *_compared("kendall-tau", rows),
        Column(precision, _value(precision).text, drop=1),
        Column(f"{regret}, points (less is better)", _value(regret).text),
        Column("pays from (architectures)", _pays_from),
        _n("kendall-tau"),
    ]
    times = [_value("condensation-seconds"), _value("search-seconds")]
    more = [*_first(rows), _value("spearman"), *times, _n("spearman")]
    shown = [name for name in ("kendall-tau", *top) if name in names]
    return [
        Layout("", shown, main),
        Layout(": Spearman and times" if shown else "", ["spearman", "search-seconds"], more, is_detail=bool(shown)),
    ]


def _first(rows: Sequence[Row]) -> list[Column]:
    """Name and bytes; bytes may be dropped where every section's title can say them, or their budget."""
    held: dict[Any, set[Any]] = {}
    for row in rows:
        held.setdefault(row["budget"] or row["ipc"], set()).add(row["budget"] or row["bytes"])
    same = all(len(sizes_held) == 1 for sizes_held in held.values())
    return [
        Column("set", lambda b: str(next(iter(b.values()))["condenser"]), is_text=True),
        Column("bytes", lambda b: sizes(next(iter(b.values()))["bytes"]), drop=4 if same else 0),
    ]


def _value(metric: str) -> Column:
    name = metric.partition(OF)[2] or metric.rpartition("/")[2]
    return Column(TITLES.get(name, name), lambda b: estimate(b[metric], b[metric]["unit"]) if metric in b else "-")


def _compared(metric: str, rows: Sequence[Row]) -> list[Column]:
    """Value, difference to random and what it says; at equal bytes too where that is another comparison."""

    def difference(bundle: Bundle, key: str = "comparison") -> str:
        found = bundle.get(metric, {}).get(key)
        return estimate(found, bundle[metric]["unit"], "difference", signed=True) if found else "-"

    def words(bundle: Bundle, key: str = "comparison") -> str:
        row = bundle.get(metric)
        return verdict(row.get(key), row["higher_is_better"]) if row else "-"

    columns = [
        _value(metric),
        Column("difference to random", difference, drop=1),
        Column("against random", words, is_text=True),
    ]
    if any(row["metric"] == metric and row.get("equal_count_is_equal_bytes") is False for row in rows):
        columns.append(Column("difference at equal bytes", lambda b: difference(b, "comparison_bytes"), drop=1))
        columns.append(Column("against random at equal bytes", lambda b: words(b, "comparison_bytes"), is_text=True))
    return columns


def _n(metric: str) -> Column:
    return Column("n", lambda b: str((b.get(metric) or next(iter(b.values())))["n"]))


def _pays_from(bundle: Bundle) -> str:
    row = bundle.get("break-even-architectures")
    if row is None:
        return "-"
    return "never" if row["mean"] is None else estimate(row, row["unit"])
