"""A ranking as tables: mean ranks first, then the ranks in each place, a column a size."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from harness.report.place import Place, Size
from harness.report.table import Column, Section, Table
from harness.report.wording import split_metric

Row = Mapping[str, Any]
MISSING = "-"


def tabulate(ranking: Mapping[str, Any]) -> list[Table]:
    """Make the tables of what `rank_runs` returned."""
    overall = ranking["overall"]
    first = [_tabulate_overall(overall)] if overall["sets"] and overall["tasks"] > 1 else []
    places: dict[tuple[Place, str], list[Row]] = {}
    for task in ranking["tasks"]:
        where = Place.of(task), split_metric(task["metric"])[1]
        places.setdefault(where, []).append(task)
    order = [one["set"] for one in overall["sets"]]
    known = {place for place, _ in places}
    return [
        *first,
        *(
            _tabulate_place(_shorten(place, known), metric, tasks, order)
            for (place, metric), tasks in places.items()
        ),
    ]


def _shorten(place: Place, known: Collection[Place]) -> Place:
    """The place without its settings, where no other place differs in these alone."""
    brief = replace(place, variant="")
    alike = sum(replace(other, variant="") == brief for other in known)
    return brief if alike == 1 else place


def _tabulate_overall(overall: Row) -> Table:
    columns = [
        Column("set", lambda row: str(row["set"]), is_text=True),
        Column("mean rank", write_mean_rank),
        Column("first, %", write_first),
    ]
    data = f"{overall['data']} data set{'s' * (overall['data'] > 1)}"
    title = f"Mean ranks over {overall['tasks']} tasks on {data}"
    rows = [[column.text(row) for column in columns] for row in overall["sets"]]
    return Table("", title, columns, [Section("", rows)])


def _tabulate_place(place: Place, metric: str, tasks: Sequence[Row], order: Sequence[str]) -> Table:
    titled = _title_tasks(tasks)
    ranked = {title: {one["set"]: one for one in task["sets"]} for title, task in titled.items()}
    names = dict.fromkeys(name for own in ranked.values() for name in own)
    known = sorted(names, key=lambda name: _standing(name, list(ranked.values()), order))
    columns = [Column("set", str, is_text=True)]
    columns += [
        Column(title, partial(_write_cell, own), drop=position)
        for position, (title, own) in enumerate(ranked.items())
    ]
    rows = [[column.text(name) for column in columns] for name in known]
    better = "most" if tasks[0]["higher_is_better"] else "least"
    title = f"{place.heading()}: ranks by {metric}, {better} first"
    return Table("", title, columns, [Section("", rows)], footnotes=[_count(titled)])


def _title_tasks(tasks: Sequence[Row]) -> dict[str, Row]:
    """Title -> task, by size and then by strategy: what differs among them is said."""
    sizes = [Size.of({**task, "reference": False}) for task in tasks]
    strategies = [split_metric(task["metric"])[0] for task in tasks]
    titles = []
    for size, strategy in zip(sizes, strategies, strict=True):
        parts = [str(size)] if len(set(sizes)) > 1 or len(set(strategies)) < 2 else []
        titles.append(", ".join([*parts, *([strategy] if len(set(strategies)) > 1 else [])]))
    order = sorted(range(len(tasks)), key=lambda at: sizes[at])
    return {titles[at]: tasks[at] for at in order}


def _count(tasks: Mapping[str, Row]) -> str:
    """Write "n = 5 seeds", with the tasks where they differ."""
    said = {title: f"n = {task['n']} {task['over']}" for title, task in tasks.items()}
    if len(set(said.values())) == 1:
        return f"{next(iter(said.values()))}."
    return f"{'; '.join(f'{title}: {text}' for title, text in said.items())}."


def _standing(
    name: str, ranked: Sequence[Mapping[str, Row]], order: Sequence[str]
) -> tuple[int, float]:
    """Where a set stands in a table: as overall, or by its mean rank in the place."""
    if name in order:
        return order.index(name), 0.0
    own = [each[name]["rank"] for each in ranked if name in each]
    return len(order), sum(own) / len(own)


def _write_cell(sets: Mapping[str, Row], name: str) -> str:
    return write_rank(sets[name]) if name in sets else MISSING


def write_rank(row: Row) -> str:
    """Write "2 [1, 4]", "2.5" where ranks are shared, "2 (no interval)"."""
    return _write(row, "g")


def write_mean_rank(row: Row) -> str:
    """Write "2.25 [1.40, 3.10]"."""
    return _write(row, ".2f")


def _write(row: Row, form: str) -> str:
    if row["low"] is None:
        return f"{row['rank']:{form}} (no interval)"
    return f"{row['rank']:{form}} [{row['low']:{form}}, {row['high']:{form}}]"


def write_first(row: Row) -> str:
    """Write in which part of the draws a set is first, in %."""
    return MISSING if row["first"] is None else f"{100 * row['first']:.0f}"
