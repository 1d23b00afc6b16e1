"""Main effects of a suite's design as the report's JSON has them, place by place and over all
places.

The main effects of a design: a table of levels by places, a figure of the same, and a sentence.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from harness.plots.figure import Labels
from harness.plots.forest import Level, forest
from harness.report.origin import split_metric
from harness.report.results import Result
from harness.report.rows import number
from harness.report.table import Column, Section, Table
from harness.report.wording import NOT_DISTINGUISHABLE, estimate, listed, sizes, verdict
from harness.statistics.bounds import bounds_of
from harness.statistics.effects import main_effects
from harness.statistics.intervals import Interval

EffectRow = dict[str, Any]
EVERYWHERE = "all"
OF_USE = (
    "test-accuracy",
    "mean-test-accuracy",
    "final-accuracy",
    "forgetting",
)  # what sets are used for; not what explains it


def design_effects(design: Mapping[str, Any], results: Sequence[Result]) -> list[EffectRow]:
    """One entry for each metric, place (data set and budget; "all": their mean) and level beside
    the first of its factor.

    design: {"factors", "runs"} of `harness.suite.design.Design`, or {}. Scenarios, their variants
    and augmentations stay apart.
    """
    found = []
    for kind, places in _places(design.get("runs", {}), results).items():
        pools = {name: [place] for name, place in places.items()}
        if len(places) > 1:
            pools[EVERYWHERE] = list(places.values())
        for place, values in pools.items():
            for effect in main_effects(
                design["factors"], design["runs"], values, bounds_of(kind[3], kind[4])
            ):
                found.append(
                    _row(kind, place, (effect.factor, effect.level, effect.baseline), effect.found)
                )
    return found


Kind = tuple[
    str, str, str | None, str, str, bool | None
]  # scenario, variant, recipe, metric, unit, higher_is_better
Values = dict[int, dict[str, float]]  # seed -> label -> value


def _places(runs: Mapping[str, Any], results: Sequence[Result]) -> dict[Kind, dict[str, Values]]:
    found: dict[Kind, dict[str, Values]] = {}
    for result in results:
        entry = result.entry
        if (
            entry.is_reference
            or entry.condenser not in runs
            or split_metric(result.metric)[1] not in OF_USE
        ):
            continue
        kind = (
            entry.scenario,
            entry.variant,
            entry.recipe,
            result.metric,
            result.unit,
            result.higher_is_better,
        )
        size = f"{sizes(entry.budget)} bytes" if entry.budget else f"ipc {entry.ipc}"
        values = found.setdefault(kind, {}).setdefault(f"{entry.data}, {size}", {})
        for seed in result.values:
            values.setdefault(seed, {})[entry.condenser] = fmean(result.values[seed].values())
    return found


def _row(kind: Kind, place: str, named: tuple[str, str, str], found: Interval | None) -> EffectRow:
    scenario, variant, recipe, metric, unit, higher_is_better = kind
    factor, level, baseline = named
    return {
        "scenario": scenario,
        "variant": variant,
        "recipe": recipe,
        "metric": metric,
        "unit": unit,
        "higher_is_better": higher_is_better,
        "place": place,
        "factor": factor,
        "level": level,
        "against": baseline,
        "difference": number(found.mean) if found else None,
        "low": number(found.low) if found else None,
        "high": number(found.high) if found else None,
        "distinguishable": bool(found and found.distinguishable),
        "n": found.n if found else 0,
    }


Row = Mapping[str, Any]
HOW = (
    "What a level adds to the metric against the first level of its factor: least squares over the"
    " runs of a seed, mean over seeds, 95 % interval. Interactions of factors are not in the model;"
    " in a fraction of a design they would show as effects."
)


def effect_tables(report: Mapping[str, Any]) -> list[Table]:
    """One table a metric: a line for each level, a column for each place."""
    return [_table(own) for own in _by_metric(report["effects"])]


def effect_pictures(report: Mapping[str, Any], scenario: str) -> list[str]:
    """One figure a metric of `scenario`."""
    return [
        _picture(own) for own in _by_metric(report["effects"]) if own[0]["scenario"] == scenario
    ]


def effect_headlines(effects: Sequence[Row]) -> list[dict[str, str]]:
    """For each metric: which levels change it over all places together, and which do not."""
    found = []
    for own in _by_metric(effects):
        place = _places_in_order(own)[-1]
        parts = []
        for factor in dict.fromkeys(row["factor"] for row in own):
            rows = [row for row in own if row["factor"] == factor and row["place"] == place]
            told = {
                word: [_said(row) for row in rows if _verdict(row) == word]
                for word in ("better", "worse", "higher", "lower")
            }
            said = [f"{word}: {listed(names)}" for word, names in told.items() if names] or [
                NOT_DISTINGUISHABLE
            ]
            parts.append(f"{factor} against {rows[0]['against']}: {'; '.join(said)}")
        first = own[0]
        where = "all places together" if place == EVERYWHERE else place
        question = (
            f"Which parts of the design change {first['metric']} ({first['scenario']}, {where})?"
        )
        found.append({"question": question, "answer": ". ".join(parts) + "."})
    return found


def _by_metric(effects: Sequence[Row]) -> list[list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in effects:
        groups.setdefault(
            (row["scenario"], row["variant"], row["recipe"], row["metric"]), []
        ).append(row)
    return list(groups.values())


def _places_in_order(rows: Sequence[Row]) -> list[str]:
    """The places of a metric, all of them together last."""
    return list(dict.fromkeys(row["place"] for row in rows))


def _title(rows: Sequence[Row]) -> str:
    first = rows[0]
    recipe = f"augmentation {first['recipe']}" if first["recipe"] else ""
    return ", ".join(
        part
        for part in (
            f"{first['scenario']}: main effects on {first['metric']}",
            first["variant"],
            recipe,
        )
        if part
    )


def _verdict(row: Row) -> str:
    return verdict(row, row["higher_is_better"])


def _said(row: Row) -> str:
    return f"{row['level']} {estimate(row, row['unit'], 'difference', signed=True)}"


def _estimate(row: Row | None) -> str:
    return (
        "-"
        if row is None or row["difference"] is None
        else estimate(row, row["unit"], "difference", signed=True)
    )


def _heading(place: str) -> str:
    return "all together" if place == EVERYWHERE else place


def _at(place: str, line: Mapping[str, Row]) -> str:
    return _estimate(line.get(place))


def _table(rows: Sequence[Row]) -> Table:
    places = _places_in_order(rows)
    last = places[-1]
    columns = [
        Column("level", lambda line: str(line[last]["level"]), is_text=True),
        *(
            Column(_heading(place), partial(_at, place), drop=int(place != last))
            for place in places
        ),
        Column("seeds", lambda line: str(line[last]["n"]), drop=2),
        Column("is", lambda line: _verdict(line[last]), is_text=True),
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


def _picture(rows: Sequence[Row]) -> str:
    """Each level's effect in each place, all of them together in black."""
    known = [row for row in rows if row["difference"] is not None]
    levels = [
        Level(
            f"{factor}: {level}",
            {
                _heading(row["place"]): row
                for row in known
                if (row["factor"], row["level"]) == (factor, level)
            },
        )
        for factor, level in dict.fromkeys((row["factor"], row["level"]) for row in known)
    ]
    labels = Labels(_title(rows), f"change of {rows[0]['metric']} ({rows[0]['unit']})", "")
    return forest(
        levels, [place for place in _places_in_order(rows) if place != EVERYWHERE], labels
    )
