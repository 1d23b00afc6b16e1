"""The chapter on the data space: where the images of a set lie among real ones, and which of that
goes with usefulness.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.plots.points import Population, draw_populations
from harness.report.chapters.base import (
    COST_DEFINITIONS,
    Chapter,
    Figure,
    Headline,
    Run,
    Styles,
    plain_layouts,
)
from harness.report.chapters.correlations import BYTES, answer_question, tabulate_correlations
from harness.report.place import Place, Size, group_by_place, join_parts, set_label
from harness.report.results import group_by_entry
from harness.report.rows import finite
from harness.report.table import MetricColumns, Row, Table, TableLayout
from harness.report.usefulness import CondensedSet, SetValues, mean_by_set
from harness.report.wording import IN, join_some, join_words
from harness.statistics.clustered_correlation import (
    SETS_FROM,
    ClusteredSets,
    Correlation,
    holds_among,
)
from harness.statistics.intervals import Interval

WIDEST = 6  # measures with intervals beside each other on a page
SHOWN = 24
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}

Values = Mapping[CondensedSet, float]
Measured = tuple[str, str]  # measure, embedding
DEFINITIONS = {
    "coverage": (
        "Share of real images that have a synthetic image of their class nearer than their fifth"
        " neighbour (Naeem et al. 2020): 1 covers all. More images cover more; compare at equal"
        " count."
    ),
    "density": (
        "Number of such neighbourhoods of real images that a synthetic image lies in, over"
        " the number for real ones: about 1 for real images, more where many real ones are"
        " alike."
    ),
    "frechet-distance": (
        "Squared distance of the Gaussians through real and synthetic images of a class (Heusel et"
        " al. 2017), in units of the usual distance from a real image to its nearest. Of few images"
        " it is larger than of many of the same kind."
    ),
    "mmd": (
        "Maximum mean discrepancy, squared and unbiased, of Gaussian kernels (Gretton et al. 2012):"
        " about 0, and below it as often as above, for images of the same distribution. Needs two"
        " images a class."
    ),
    "within-class-spread": (
        "Mean distance between two synthetic images of a class over that between two real ones: 1"
        " is as spread as real images. Needs two images a class."
    ),
    "between-class-margin": (
        "Half the difference of two distances of a synthetic image: that to the nearest real"
        " image of another class less that to the nearest of its own; in units of the usual"
        " distance from a real image to its nearest."
    ),
    "nearest-real-distance": (
        "Mean distance from a synthetic image to the nearest real one of its class; of real ones it"
        " is 1."
    ),
    "nearer-than-real": (
        "Share of synthetic images that are nearer to a real one of their class than those are to"
        " each other."
    ),
}


class DataSpaceChapter(Chapter):
    """Data space: where the images of a set lie among real ones."""

    definitions = COST_DEFINITIONS | DEFINITIONS

    @property
    def title(self) -> str:
        return "Data space: where the images of a set lie among real ones"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        known = [name.partition(IN)[0] for name in metrics if IN in name]
        return any(name in cls.definitions for name in known)

    def facts(self, run: Run) -> dict[str, Any]:
        """data_space: correlations of measures with usefulness, and scatters of sets and real
        images.
        """
        parts = {"correlations": self._correlations(run), "scatters": self._scatters(run)}
        return {"data_space": parts}

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        """For each data set and usefulness, which property goes with it best, or that none is
        shown to.
        """
        rows = facts["data_space"]["correlations"]
        return [
            {
                "question": f"Which property of the data space goes with {useful} on {data}?",
                "answer": answer_question(
                    [row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]
                ),
            }
            for data, useful in dict.fromkeys((row["data"], row["usefulness"]) for row in rows)
        ]

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """A table for each embedding, measures side by side: where a page is narrow the last go
        first, and those after six stand in a table of their own.
        """
        usual = MetricColumns(rows, self.column_titles)
        by_space = [name for name in metrics if IN in name]
        layouts = []
        for space in dict.fromkeys(name.partition(IN)[2] for name in by_space):
            own = [name for name in by_space if name.partition(IN)[2] == space]
            columns = [
                replace(usual.value(name), title=name.partition(IN)[0], drop=i % WIDEST)
                for i, name in enumerate(own)
            ]
            for begin in range(0, len(own), WIDEST):
                part = slice(begin, begin + WIDEST)
                title = f"{IN}{space}{': further measures' if begin else ''}"
                shown = [*usual.name_and_bytes(), *columns[part], usual.count(own[begin])]
                layouts.append(TableLayout(title, own[part], shown, is_detail=begin > 0))
        return layouts + plain_layouts([name for name in metrics if name not in by_space], usual)

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """The measures of each place, then their correlations with usefulness."""
        rows = self.select(report["data_space"], "correlations")
        return super().tables(report) + tabulate_correlations(rows, self.scenario)

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Scatter plots of sets among real images, place by place: a figure for each projection of
        each set, the first projection of all sets first.
        """
        figures = []
        for own in group_by_place(self.select(report["data_space"], "scatters")).values():
            names = dict.fromkeys(name for part in own for name in part["coordinates"])
            figures += [
                Figure(self.scenario, _draw_projection(part, name))
                for name in names
                for part in own
                if name in part["coordinates"]
            ]
        return figures

    def notes(self, run: Run) -> list[str]:
        """What the data space did not measure or draw."""
        sentences: dict[str, None] = {}
        undefined: dict[tuple[str, ...], list[str]] = {}
        pictured = 0
        for entry, group in group_by_entry(run.records_of(self.scenario)).items():
            detail = (group[0].get("outcome") or {}).get("detail") or {}
            if "picture" not in detail:
                continue
            where = Place(self.scenario, entry.data).heading()
            pictured += bool(detail["picture"]["coordinates"])
            names = dict.fromkeys(name.partition(IN)[0] for name in detail["undefined"])
            if names:
                undefined.setdefault((where, *names), []).append(set_label(entry.as_json()))
            for name, why in detail["picture"]["skipped"].items():
                sentences[f"{where}: no {NAMES.get(name, name)} projection: {why}."] = None
        for (where, *measures), sets in undefined.items():
            what = f"no {join_words(measures)} of {join_some(sets)}"
            sentences[f"{where}: {what}: not defined on one image a class."] = None
        if pictured > SHOWN:
            sentences[
                f"{self.scenario}: scatter plots of the first {SHOWN} of {pictured} sets are shown;"
                " the others are in the records."
            ] = None
        return list(sentences)

    def _scatters(self, run: Run) -> list[dict[str, Any]]:
        """The picture of each set and reference, of its first seed, references last; of `SHOWN` at
        most.
        """
        scatters = []
        for entry, group in group_by_entry(run.records_of(self.scenario)).items():
            detail = (group[0].get("outcome") or {}).get("detail") or {}
            picture = detail.get("picture")
            if picture and picture["coordinates"]:
                scatters.append(
                    {**entry.as_json(), **picture, "class_names": detail["class_names"]}
                )
        return sorted(scatters, key=lambda part: bool(part["reference"]))[:SHOWN]

    def _correlations(self, run: Run) -> list[dict[str, Any]]:
        """One row a data set, usefulness and measure; none unless four sets share them."""
        measures, nbytes = self._measures(run)
        if not nbytes:
            return []
        rows = []
        for (data, useful), values in _usefulness(run).items():
            correlated = _correlate({(BYTES, ""): nbytes, **measures}, values, nbytes)
            # bytes are no measure of the data space
            tests = sum(not np.isnan(one.judged.mean) for _, one in correlated.values()) - 1
            for (measure, space), (sets, one) in correlated.items():
                if measure == BYTES and np.isnan(one.spearman.mean):
                    continue  # all have one size
                named = {"data": data, "usefulness": useful, "measure": measure, "embedding": space}
                own = {"scenario": self.scenario, **named}
                rows.append({**own, **_row(sets, one, max(tests, 1))})
        return rows

    def _measures(self, run: Run) -> tuple[dict[Measured, SetValues], SetValues]:
        """Measure -> set -> value, and the bytes of each set that was measured."""
        measures: dict[Measured, SetValues] = {}
        nbytes: SetValues = {}
        for result in run.results_of(self.scenario):
            if result.entry.is_reference or IN not in result.metric:
                continue
            measure, _, space = result.metric.partition(IN)
            where = join_parts(space, result.entry.variant)
            for key, value in mean_by_set(result):
                measures.setdefault((measure, where), {})[key] = value
                if result.nbytes is not None:
                    nbytes[key] = float(result.nbytes)
        return measures, nbytes


def _usefulness(run: Run) -> dict[tuple[str, str], SetValues]:
    """(data, usefulness in words) -> set -> value, of all scenarios; rank correlations last."""
    values_by_set: dict[tuple[str, str], SetValues] = {}
    scenarios = dict.fromkeys(result.entry.scenario for result in run.results)
    for scenario in sorted(scenarios, key=lambda name: not run.chapters[name].useful_metrics):
        for key, values in run.chapters[scenario].usefulness(run).items():
            values_by_set.setdefault(key, {}).update(values)
    return values_by_set


def _correlate(
    measures: Mapping[Measured, Values], useful: Values, nbytes: Values
) -> dict[Measured, tuple[ClusteredSets, Correlation]]:
    """Each measure on the sets that have it, where they are enough; sets that several measures
    share are resampled once.
    """
    correlations = {}
    known: dict[tuple[CondensedSet, ...], ClusteredSets] = {}
    for name, values in measures.items():
        keys = tuple(key for key in values if key in useful and key in nbytes)
        if len(keys) < SETS_FROM:
            continue
        if keys not in known:
            sides = [np.array([float(side[key]) for key in keys]) for side in (useful, nbytes)]
            known[keys] = ClusteredSets(sides[0], sides[1], [key.condenser for key in keys])
        measured = np.array([values[key] for key in keys])
        correlations[name] = known[keys], known[keys].correlate(measured)
    return correlations


def _row(sets: ClusteredSets, correlation: Correlation, tests: int) -> dict[str, Any]:
    """corrected: whether what is judged is distinguishable from 0 also for the number of
    measures.
    """
    sides = {
        "spearman": correlation.spearman,
        "kendall": correlation.kendall,
        "given_bytes": correlation.given_bytes,
    }
    corrected = holds_among(correlation.judged, sets.count, tests)
    counts = {"sets": len(sets.useful), "condensers": sets.count, "corrected": corrected}
    return {**{name: _interval(side) for name, side in sides.items()}, **counts}


def _interval(interval: Interval) -> dict[str, Any]:
    bounds = {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
    }
    return {
        **bounds,
        "interval": interval.method,
        "distinguishable": interval.distinguishable,
        "detectable": finite(interval.detectable),
    }


def _draw_projection(part: Mapping[str, Any], name: str) -> str:
    who = f"{part['condenser']}, {Size.of(part)}" if part["budget"] else set_label(part)
    title = f"{who} on {part['data']}: {NAMES.get(name, name)} of {part['embedding']}"
    sides = {
        side: (part["coordinates"][name][side], part["labels"][side])
        for side in ("real", "synthetic")
    }
    return draw_populations(
        Population(*sides["real"]), Population(*sides["synthetic"]), part["class_names"], title
    )
