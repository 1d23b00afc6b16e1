"""The chapter on a suite's design: main effects of its factors on what sets are used for.

It speaks of every scenario, so its tables and figures stand in their sections: a table of levels by
places, a figure of the same, and a sentence.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from harness.plots.figure import Labels
from harness.plots.forest import Level, draw_forest
from harness.report.chapters.base import Chapter, Figure, Headline, Run, Styles
from harness.report.place import join_parts, name_scenario
from harness.report.results import Result
from harness.report.rows import as_power, finite
from harness.report.table import Column, Section, Table
from harness.report.wording import (
    NOT_DISTINGUISHABLE,
    could_show,
    estimate,
    join_words,
    judge,
    name_strategy,
    split_metric,
    verdict,
)
from harness.statistics.bounds import bounds_of
from harness.statistics.effects import Effect, main_effects

EVERYWHERE = "all"
HOW = (
    "What a level adds to the metric against the first level of its factor: least squares over the"
    " runs of a seed, mean over seeds, 95 % interval. Interactions of factors are not in the model;"
    " in a fraction of a design they would show as effects."
)

Row = Mapping[str, Any]
Values = dict[int, dict[str, float]]  # seed -> label -> value
# scenario, variant, augmentation, metric, unit, whether higher is better
Measure = tuple[str, str, str | None, str, str, bool | None]


class DesignChapter(Chapter):
    """Main effects of the design, for all scenarios."""

    @property
    def title(self) -> str:
        return "Design: what its factors change"

    def facts(self, run: Run) -> dict[str, Any]:
        """effects: one row for each metric, place (data set and size; "all": their mean) and level
        beside the first of its factor.
        """
        design = run.suite.get("design") or {}
        return {"effects": list_effects(design, run) if design else []}

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        """For each metric: which levels change it over all places together, and which do not."""
        headlines = []
        for own in _by_metric(facts["effects"]):
            place = _name_places(own)[-1]
            parts = [
                _answer([row for row in own if (row["factor"], row["place"]) == (factor, place)])
                for factor in dict.fromkeys(row["factor"] for row in own)
            ]
            where = "all places together" if place == EVERYWHERE else place
            question = (
                f"Which parts of the design change {own[0]['metric']} ({own[0]['scenario']},"
                f" {where})?"
            )
            headlines.append({"question": question, "answer": ". ".join(parts) + "."})
        return headlines

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """One table a metric: a line for each level, a column for each place."""
        return [_tabulate(own) for own in _by_metric(report["effects"])]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """One figure a metric, in the section of its scenario."""
        return [Figure(own[0]["scenario"], _draw(own)) for own in _by_metric(report["effects"])]


def list_effects(design: Mapping[str, Any], run: Run) -> list[dict[str, Any]]:
    """List the main effects as the report's JSON has them.

    Args:
        design: {"factors", "runs"} of `harness.suite.design.Design`.
        run: the results; scenarios, their variants and augmentations stay apart.
    """
    rows = []
    until = run.suite.get("until") or {"scenario": "", "first_seeds": ()}
    for measure, places in _values(design.get("runs", {}), run).items():
        first = until["first_seeds"] if measure[0] == until["scenario"] else ()
        pools = {name: [place] for name, place in places.items()}
        if len(places) > 1:
            pools[EVERYWHERE] = list(places.values())
        bounds = bounds_of(measure[3], measure[4])
        for place, values in pools.items():
            effects = main_effects(design["factors"], design["runs"], values, bounds, first)
            rows += [_row(measure, place, effect) for effect in effects]
    return rows


def _values(runs: Mapping[str, Any], run: Run) -> dict[Measure, dict[str, Values]]:
    """Measure -> "data, size" -> seed -> label of a run -> value."""
    by_measure: dict[Measure, dict[str, Values]] = {}
    for result in run.results:
        entry = result.entry
        if entry.is_reference or entry.condenser not in runs or not _is_useful(result, run):
            continue
        measure = (
            entry.scenario,
            entry.variant,
            entry.augmentation,
            result.metric,
            result.unit,
            result.higher_is_better,
        )
        place = f"{entry.data}, {entry.size}"
        values = by_measure.setdefault(measure, {}).setdefault(place, {})
        for seed in result.values:
            values.setdefault(seed, {})[entry.condenser] = fmean(result.values[seed].values())
    return by_measure


def _is_useful(result: Result, run: Run) -> bool:
    metric = split_metric(result.metric)[1]
    return metric in run.chapters[result.entry.scenario].useful_metrics


def _row(measure: Measure, place: str, effect: Effect) -> dict[str, Any]:
    scenario, variant, augmentation, metric, unit, higher_is_better = measure
    change = effect.change
    return {
        "scenario": scenario,
        "variant": variant,
        "recipe": augmentation,
        "metric": metric,
        "unit": unit,
        "higher_is_better": higher_is_better,
        "place": place,
        "factor": effect.factor,
        "level": effect.level,
        "against": effect.baseline,
        "difference": finite(change.mean) if change else None,
        "low": finite(change.low) if change else None,
        "high": finite(change.high) if change else None,
        "distinguishable": bool(change and change.distinguishable),
        "n": change.n if change else 0,
        **(as_power(change) if change else {}),
    }


def _by_metric(effects: Sequence[Row]) -> list[list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in effects:
        key = row["scenario"], row["variant"], row["recipe"], row["metric"]
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _name_places(rows: Sequence[Row]) -> list[str]:
    """The places of a metric, all of them together last."""
    return list(dict.fromkeys(row["place"] for row in rows))


def _answer(rows: Sequence[Row]) -> str:
    """The levels of one factor in one place."""
    by_verdict = {
        word: [
            f"{row['level']} {estimate(row, row['unit'], 'difference', signed=True)}"
            for row in rows
            if verdict(row, row["higher_is_better"]) == word
        ]
        for word in ("better", "worse", "higher", "lower")
    }
    words = [f"{word}: {join_words(names)}" for word, names in by_verdict.items() if names]
    if not words:
        shown = could_show([row for row in rows if row["low"] is not None], rows[0]["unit"])
        words = [f"{NOT_DISTINGUISHABLE}{f' ({shown})' if shown else ''}"]
    return f"{rows[0]['factor']} against {rows[0]['against']}: {'; '.join(words)}"


def _judge(row: Row) -> str:
    return judge(row, row["higher_is_better"], row["unit"])


def _title(rows: Sequence[Row]) -> str:
    first = rows[0]
    strategy, metric = split_metric(first["metric"])
    subject = name_strategy(strategy) if strategy else name_scenario(first["scenario"])
    return join_parts(
        f"{subject}: main effects on {metric.replace('-', ' ')}",
        first["variant"],
        f"augmentation {first['recipe']}" if first["recipe"] else "",
    )


def _column_title(place: str) -> str:
    return "all together" if place == EVERYWHERE else place


def _estimate_at(place: str, line: Mapping[str, Row]) -> str:
    row = line.get(place)
    if row is None or row["difference"] is None:
        return "-"
    return estimate(row, row["unit"], "difference", signed=True)


def _tabulate(rows: Sequence[Row]) -> Table:
    places = _name_places(rows)
    last = places[-1]
    columns = [
        Column("level", lambda line: str(line[last]["level"]), is_text=True),
        *(
            Column(_column_title(place), partial(_estimate_at, place), drop=int(place != last))
            for place in places
        ),
        Column("seeds", lambda line: str(line[last]["n"]), drop=2),
        Column("is", lambda line: _judge(line[last]), is_text=True),
    ]
    sections = []
    for factor in dict.fromkeys(row["factor"] for row in rows):
        own = [row for row in rows if row["factor"] == factor]
        lines = [
            {row["place"]: row for row in own if row["level"] == level}
            for level in dict.fromkeys(r["level"] for r in own)
        ]
        cells = [[column.text(line) for column in columns] for line in lines]
        sections.append(Section(f"{factor}, against {own[0]['against']}", cells))
    return Table(
        rows[0]["scenario"], f"{_title(rows)}, {rows[0]['unit']}", columns, sections, (HOW,)
    )


def _draw(rows: Sequence[Row]) -> str:
    """Each level's effect in each place, all of them together in black."""
    known = [row for row in rows if row["difference"] is not None]
    levels = [
        Level(
            f"{factor}: {level}",
            {
                _column_title(row["place"]): row
                for row in known
                if (row["factor"], row["level"]) == (factor, level)
            },
        )
        for factor, level in dict.fromkeys((row["factor"], row["level"]) for row in known)
    ]
    labels = Labels(_title(rows), f"change of {rows[0]['metric']} ({rows[0]['unit']})", "")
    return draw_forest(
        levels, [place for place in _name_places(rows) if place != EVERYWHERE], labels
    )
