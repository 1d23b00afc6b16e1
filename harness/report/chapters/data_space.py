"""Results -> the correlation of every measure of the data space with every usefulness of the same
sets.

The table of correlations between data space and usefulness, and the sentence that leads it.

Scatter plots of sets among real images: which are shown, and how they are drawn from the built
report.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from harness.plots.points import Population, populations
from harness.report.chapters.continual.figures import label
from harness.report.chapters.search.alignment import by_seed, scores_of
from harness.report.origin import split_metric
from harness.report.results import Entry, Record, Result, by_entry
from harness.report.rows import Searches, number
from harness.report.table import Column, Section, Table
from harness.report.wording import IN, NO_INTERVAL, NOT_DISTINGUISHABLE, estimate, listed, some
from harness.statistics.clustered_correlation import SETS_FROM, Correlation, Sets, holds_among
from harness.statistics.intervals import Interval

SPACE = "data-space"
BYTES = "bytes"  # what any measure must surpass: how large the set is
USEFUL = {
    "test-accuracy": "test accuracy",
    "mean-test-accuracy": "mean test accuracy",
    "final-accuracy": "final accuracy",
    "forgetting": "forgetting",
}


class SetKey(NamedTuple):
    """One condensed set of a run; size is its budget in bytes or its ipc, whichever was asked
    for.
    """

    data: str
    condenser: str
    size: tuple[str, int | None]
    seed: int


Values = Mapping[SetKey, float]
Measured = tuple[str, str]  # measure, embedding


def correlations(results: Sequence[Result], searches: Searches) -> list[dict[str, Any]]:
    """One row a data set, usefulness and measure, as JSON values; none unless four sets share
    them.
    """
    measures, held = _measures(results)
    if not held:
        return []
    rows = []
    for (data, useful), values in [*_useful(results).items(), *_ranking(searches).items()]:
        found = _correlated({(BYTES, ""): held, **measures}, values, held)
        tests = (
            sum(not np.isnan(one.judged.mean) for _, one in found.values()) - 1
        )  # bytes are no measure of the data space
        for (measure, space), (sets, one) in found.items():
            if measure == BYTES and np.isnan(one.spearman.mean):
                continue  # all have one size
            named = {"data": data, "usefulness": useful, "measure": measure, "embedding": space}
            rows.append({**named, **_row(sets, one, max(tests, 1))})
    return rows


def _correlated(
    measures: Mapping[Measured, Values], useful: Values, held: Values
) -> dict[Measured, tuple[Sets, Correlation]]:
    """Each measure on the sets that have it, where they are enough; sets that several measures
    share are resampled once.
    """
    found = {}
    known: dict[tuple[SetKey, ...], Sets] = {}
    for name, values in measures.items():
        keys = tuple(key for key in values if key in useful and key in held)
        if len(keys) < SETS_FROM:
            continue
        if keys not in known:
            sides = [np.array([float(side[key]) for key in keys]) for side in (useful, held)]
            known[keys] = Sets(sides[0], sides[1], [key.condenser for key in keys])
        found[name] = known[keys], known[keys].correlation(np.array([values[key] for key in keys]))
    return found


def _row(sets: Sets, found: Correlation, tests: int) -> dict[str, Any]:
    """corrected: whether what is judged is distinguishable from 0 also for the number of
    measures.
    """
    sides = {"spearman": found.spearman, "kendall": found.kendall, "given_bytes": found.given_bytes}
    corrected = holds_among(found.judged, sets.count, tests)
    counts = {"sets": len(sets.useful), "condensers": sets.count, "corrected": corrected}
    return {**{name: _interval(side) for name, side in sides.items()}, **counts}


def _interval(found: Interval) -> dict[str, Any]:
    bounds = {"mean": number(found.mean), "low": number(found.low), "high": number(found.high)}
    return {**bounds, "interval": found.method, "distinguishable": found.distinguishable}


def _measures(
    results: Sequence[Result],
) -> tuple[dict[Measured, dict[SetKey, float]], dict[SetKey, float]]:
    """Measure -> set -> value, and the bytes of each set that the data space measured."""
    found: dict[Measured, dict[SetKey, float]] = {}
    held: dict[SetKey, float] = {}
    for result in results:
        if result.entry.scenario != SPACE or result.entry.is_reference or IN not in result.metric:
            continue
        measure, _, space = result.metric.partition(IN)
        told_apart = f"{space}, {result.entry.variant}" if result.entry.variant else space
        for key, value in _by_set(result):
            found.setdefault((measure, told_apart), {})[key] = value
            if result.nbytes is not None:
                held[key] = float(result.nbytes)
    return found, held


def _by_set(result: Result) -> Iterator[tuple[SetKey, float]]:
    for seed, repeats in result.values.items():
        yield _key(result.entry, seed), sum(repeats.values()) / len(repeats)


def _key(entry: Entry, seed: int) -> SetKey:
    size = ("ipc", entry.ipc) if entry.budget is None else ("bytes", entry.budget)
    return SetKey(entry.data, entry.condenser, size, seed)


def _useful(results: Sequence[Result]) -> dict[tuple[str, str], dict[SetKey, float]]:
    """(data, usefulness) -> set -> mean over its networks or class orders."""
    found: dict[tuple[str, str], dict[SetKey, float]] = {}
    recipes = {(r.entry.scenario, r.entry.recipe) for r in results if not r.entry.is_reference}
    for result in results:
        entry, (strategy, metric) = result.entry, split_metric(result.metric)
        if entry.is_reference or metric not in USEFUL:
            continue
        several = sum(scenario == entry.scenario for scenario, _ in recipes) > 1
        parts = [
            f"{USEFUL[metric]}{f' ({strategy})' if strategy else ''}",
            f"augmentation {entry.recipe or 'none'}" if several else "",
            entry.variant,
        ]
        found.setdefault((entry.data, ", ".join(part for part in parts if part)), {}).update(
            _by_set(result)
        )
    return found


def _ranking(searches: Searches) -> dict[tuple[str, str], dict[SetKey, float]]:
    """(data, usefulness) -> set -> Kendall's tau-b of its scores with the mean truth."""
    found: dict[tuple[str, str], dict[SetKey, float]] = {}
    for (_, data, variant), searched in searches.items():
        if searched.lineup is None:
            continue
        truth = searched.lineup.truth.test.mean(0)
        name = ", ".join(part for part in ("Kendall tau of the search", variant) if part)
        for entry, scores in searched.lineup.scores.items():
            if entry.is_reference:
                continue
            for seed, row in zip(by_seed(searched.groups[entry], scores_of), scores, strict=True):
                tau = float(stats.kendalltau(row, truth).statistic)
                if np.isfinite(tau):
                    found.setdefault((data, name), {})[_key(entry, seed)] = tau
    return found


Row = Mapping[str, Any]
LEADING = 3
SHORTENED = "the strongest in each embedding; all are in --format md, html and json"
EXPLAINED = (
    "Rank correlations over all sets (condensers, sizes and seeds), with 95 % intervals from a"
    " bootstrap over condensers. Given bytes: Spearman's partial correlation, what a measure says"
    " beyond how large a set is; where it is defined the last column judges. Each verdict stands"
    " alone; the sentence at the top corrects for the number of measures."
)
COLUMNS = (
    Column("property", lambda row: row["measure"], is_text=True),
    Column("Spearman", lambda row: estimate(row["spearman"], "")),
    Column("Kendall", lambda row: estimate(row["kendall"], ""), drop=2),
    Column("Spearman given bytes", lambda row: estimate(row["given_bytes"], "")),
    Column("sets", lambda row: str(row["sets"]), drop=1),
    Column("what it says", lambda row: said_of(row), is_text=True),
)


def correlation_tables(rows: Sequence[Row]) -> list[Table]:
    """A table for each data set and usefulness, a section an embedding; rows as the report has
    them.
    """
    found = []
    for data, useful in dict.fromkeys((row["data"], row["usefulness"]) for row in rows):
        own = [row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]
        sections = [
            _section(space, own) for space in dict.fromkeys(row["embedding"] for row in own)
        ]
        title = f"{SPACE} on {data}: what goes with {useful}"
        note = f"{own[0]['condensers']} condensers. {EXPLAINED}"
        found.append(Table(SPACE, title, COLUMNS, sections, [note], shortened=SHORTENED))
    return found


def _section(space: str, rows: Sequence[Row]) -> Section:
    own = [row for row in rows if row["embedding"] == space]
    strongest = sorted(range(len(own)), key=lambda i: -abs(judged(own[i])["mean"] or 0))
    lines = [[column.text(row) for column in COLUMNS] for row in own]
    title = f"{IN.strip()} {space}" if space else "the size of the set alone"
    return Section(title, lines, sorted(strongest[:LEADING]))


def judged(row: Row) -> Mapping[str, Any]:
    """The partial correlation where it is defined, else the plain one."""
    part: Mapping[str, Any] = (
        row["given_bytes"] if row["given_bytes"]["mean"] is not None else row["spearman"]
    )
    return part


def said_of(row: Row) -> str:
    found = judged(row)
    if found["mean"] is None:
        return "-"
    if found["low"] is None:
        return NO_INTERVAL
    if not found["distinguishable"]:
        return NOT_DISTINGUISHABLE
    return "rises with it" if found["mean"] > 0 else "falls with it"


def correlation_headlines(rows: Sequence[Row]) -> list[dict[str, str]]:
    """{"question", "answer"} for each data set and usefulness: which property goes with it best, or
    that none is shown to.
    """
    places = dict.fromkeys((row["data"], row["usefulness"]) for row in rows)
    return [
        {
            "question": f"Which property of the data space goes with {useful} on {data}?",
            "answer": _answer(
                [row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]
            ),
        }
        for data, useful in places
    ]


def _answer(rows: Sequence[Row]) -> str:
    measures = [row for row in rows if row["measure"] != BYTES and judged(row)["mean"] is not None]
    if not measures:
        return "No measure is defined on enough sets."
    over = f"over {rows[0]['sets']} sets of {rows[0]['condensers']} condensers"
    if all(judged(row)["low"] is None for row in measures):
        return f"No order can be claimed {over}: they are too few for intervals."
    told = [row for row in measures if judged(row)["distinguishable"]]
    corrected = [row for row in told if row["corrected"]]
    strongest = max(corrected or told or measures, key=lambda row: abs(judged(row)["mean"]))
    counted = (
        f"Distinguishable from 0: {len(told)} of {len(measures)} measures each by itself,"
        f" {len(corrected)} where their number is corrected for (Bonferroni), {over}."
    )
    leader = (
        f"Best is {_named(strongest)}."
        if corrected
        else f"None is shown to. The strongest is {_named(strongest)}."
    )
    return f"{leader} {counted} {_size(rows)}".strip()


def _named(row: Row) -> str:
    given = " given bytes" if row["given_bytes"]["mean"] is not None else ""
    return f"{row['measure']}{IN}{row['embedding']} (Spearman{given} {estimate(judged(row), '')})"


def _size(rows: Sequence[Row]) -> str:
    own = next((row for row in rows if row["measure"] == BYTES), None)
    if own is None or own["spearman"]["mean"] is None:
        return ""
    return f"The bytes of a set alone: {estimate(own['spearman'], '')}."


SHOWN = 24
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def scattered(records: Sequence[Record]) -> list[dict[str, Any]]:
    """The picture of each set and reference, of its first seed, references last; of `SHOWN` at
    most.
    """
    found = []
    for entry, group in by_entry(records).items():
        picture = ((group[0].get("outcome") or {}).get("detail") or {}).get("picture")
        if entry.scenario == SPACE and picture and picture["coordinates"]:
            found.append(
                {
                    **entry.named(),
                    **picture,
                    "class_names": group[0]["outcome"]["detail"]["class_names"],
                }
            )
    return sorted(found, key=lambda part: bool(part["reference"]))[:SHOWN]


def space_notes(records: Sequence[Record]) -> list[str]:
    """What the data space did not measure or draw, a sentence each."""
    said: dict[str, None] = {}
    lacking: dict[tuple[str, ...], list[str]] = {}
    pictured = 0
    for entry, group in by_entry(records).items():
        detail = (group[0].get("outcome") or {}).get("detail") or {}
        if entry.scenario != SPACE or "picture" not in detail:
            continue
        pictured += bool(detail["picture"]["coordinates"])
        names = dict.fromkeys(name.partition(IN)[0] for name in detail["undefined"])
        if names:
            lacking.setdefault((entry.data, *names), []).append(label(entry.named()))
        for name, why in detail["picture"]["skipped"].items():
            said[f"{SPACE} on {entry.data}: no {NAMES.get(name, name)} projection: {why}."] = None
    for (data, *lacked), sets in lacking.items():
        said[
            f"{SPACE} on {data}: no {listed(lacked)} of {some(sets)}: not defined on one image a"
            " class."
        ] = None
    if pictured > SHOWN:
        said[
            f"{SPACE}: scatter plots of the first {SHOWN} of {pictured} sets are shown; the others"
            " are in the records."
        ] = None
    return list(said)


def space_pictures(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    """A figure for each projection of each set, the first projection of all sets first."""
    names = dict.fromkeys(name for part in parts for name in part["coordinates"])
    return [_figure(part, name) for name in names for part in parts if name in part["coordinates"]]


def _figure(part: Mapping[str, Any], name: str) -> str:
    size = f", {part['budget']:,} bytes" if part["budget"] else ""
    who = f"{part['condenser']}{size}" if size else label(part)
    title = f"{who} on {part['data']}: {NAMES.get(name, name)} of {part['embedding']}"
    sides = {
        side: (part["coordinates"][name][side], part["labels"][side])
        for side in ("real", "synthetic")
    }
    return populations(
        Population(*sides["real"]), Population(*sides["synthetic"]), part["class_names"], title
    )
