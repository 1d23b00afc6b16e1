"""The chapter on continual learning: a set as replay memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from harness.report.chapters.base import (
    COST_DEFINITIONS,
    COSTS,
    Chapter,
    Figure,
    Headline,
    Question,
    Run,
    Styles,
    plain_layouts,
)
from harness.report.chapters.continual.figures import draw_streams, select_curves
from harness.report.chapters.continual.gap import close_gaps
from harness.report.chapters.continual.making import read_making
from harness.report.chapters.continual.memories import compare_memories, judge_memories
from harness.report.chapters.continual.streams import average_streams
from harness.report.chapters.continual.tables import list_costs, tabulate_costs, tabulate_rivals
from harness.report.chapters.continual.verdicts import decide_memories
from harness.report.chapters.published import lay_out_published, select_published
from harness.report.overview.verdict import Verdict
from harness.report.place import group_by_place
from harness.report.results import Record, Result
from harness.report.table import MetricColumns, Row, Table, TableLayout
from harness.report.wording import (
    format_number,
    list_strategies,
    name_strategy,
    split_metric,
)

FINAL, FORGETTING = "final-accuracy", "forgetting"
LEADING_STRATEGY = "replay"
FURTHER = (
    "anytime-accuracy",
    "learning-accuracy",
    "backward-transfer",
    "forward-transfer",
    "worst-case-accuracy",
)
STRATEGIES = {
    "replay": (
        "Replay: the network goes on training on the stream, and the memory is mixed into every"
        " batch."
    ),
    "gdumb": "GDumb: at every experience a fresh network is trained on the memory alone.",
    "naive": "Naive: no memory; the network goes on training on the stream. The lower bound.",
    "joint": "Joint: one training on the images of all classes together. The upper bound.",
    "cumulative": (
        "Cumulative: at every experience the network goes on training on all images seen so far."
    ),
    "er-ace": (
        "ER-ACE: replay whose loss on images of the stream compares their own classes alone (Caccia"
        " et al. 2022)."
    ),
    "der": (
        "DER: replay that also keeps the network's outputs on the memory as they were (Buzzega et"
        " al. 2020)."
    ),
    "der++": "DER++: DER with the labels of the memory as well.",
    "ewc": (
        "EWC: no memory; weights that earlier experiences need are held near their values"
        " (Kirkpatrick et al. 2017)."
    ),
    "lwf": "LwF: no memory; the old network's outputs on new images are kept (Li and Hoiem 2016).",
}
DEFINITIONS = {
    "final-accuracy": (
        "Mean accuracy over all experiences after the last; one-shot: that of the found cell,"
        " retrained; in %."
    ),
    "anytime-accuracy": (
        "Accuracy on the classes seen so far, averaged over all moments of the stream, in %."
    ),
    "forgetting": (
        "The best accuracy an experience had before the last was learned, less its accuracy"
        " at the end, averaged over all but the last. Less is better, but low forgetting is"
        " no success where learning accuracy is low."
    ),
    "backward-transfer": (
        "Final accuracy of an experience less that just after it was learned, averaged over all but"
        " the last."
    ),
    "learning-accuracy": (
        "Accuracy on an experience just after it was learned, averaged over all, in %."
    ),
    "gap-closed": (
        "Final accuracy less that of naive, divided by that of joint less that of naive, of the"
        " same seed and class order: 0 is no memory, 1 is all the data at once. Orders in which"
        " joint is not above naive are left out."
    ),
    "forward-transfer": (
        "Accuracy on an experience before it is learned less that of an untrained network,"
        " averaged over all but the first. It is near 0 where every experience brings new"
        " classes."
    ),
    "worst-case-accuracy": (
        "Of De Lange et al. (ICLR 2023): the accuracy on the newest experience, and for each older"
        " one the lowest since it was learned, averaged over experiences; it shows the dips that"
        " figures at the ends of experiences miss."
    ),
}


class ContinualChapter(Chapter):
    """Continual learning: the set as replay memory."""

    definitions = COST_DEFINITIONS | STRATEGIES | DEFINITIONS
    column_titles = COSTS | {
        FINAL: "final accuracy, %",
        "anytime-accuracy": "anytime accuracy, %",
        "learning-accuracy": "learning accuracy, %",
        FORGETTING: "forgetting, points (less is better)",
        "backward-transfer": "backward transfer, points",
        "forward-transfer": "forward transfer, points",
        "worst-case-accuracy": "worst-case accuracy, %",
        "gap-closed": "gap closed, of 1",
    }
    questions = {FORGETTING: Question("Which memory forgets least", "lowest", "forgetting")}
    useful_metrics = {FINAL: "final accuracy", FORGETTING: "forgetting"}
    summary_metrics = (FINAL, FORGETTING)
    all_data_reference = "joint"
    use = "one class order with all strategies"
    published_use = "continual"

    @property
    def title(self) -> str:
        return "Continual learning: the set as replay memory"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return any(split_metric(name)[0] for name in metrics)

    def results(self, records: Sequence[Record]) -> list[Result]:
        """The measurements, and how much of the gap between the references each memory closes."""
        measured = super().results(records)
        return measured + close_gaps(measured)

    def results_across(self, records: Sequence[Record]) -> list[Result]:
        """What making the sets took that were condensed along the stream."""
        return read_making(self.scenario, records)

    def facts(self, run: Run) -> dict[str, Any]:
        """continual: each memory beside its rivals; ledger: bytes and costs; curves: accuracy and
        forgetting along the stream; published: figures of papers on the same data.
        """
        own = run.records_of(self.scenario)
        return select_published(self.published_use, self.scenario, run) | {
            "continual": compare_memories(run.results_of(self.scenario)),
            "ledger": list_costs(own),
            "curves": average_streams(own, self._first_seeds(run)),
        }

    def _first_seeds(self, run: Run) -> Sequence[int]:
        """The seeds whose values decided that others were added."""
        until = run.suite.get("until") or {"scenario": "", "first_seeds": ()}
        first: Sequence[int] = until["first_seeds"] if until["scenario"] == self.scenario else ()
        return first

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        return judge_memories(facts["continual"])

    def verdicts(self, run: Run, facts: Mapping[str, Any]) -> list[Verdict]:
        return decide_memories(facts["continual"], run, self.scenario)

    def summarised(self, results: Sequence[Result]) -> list[Result]:
        """Those of one strategy, and of the references."""
        asked = _leading_strategy(results)
        return [
            result
            for result in super().summarised(results)
            if result.entry.is_reference or split_metric(result.metric)[0] == asked
        ]

    def asks_about(self, result: Result, results: Sequence[Result]) -> bool:
        """Forgetting is asked of one strategy: replay, else the first that was measured."""
        strategy, metric = split_metric(result.metric)
        is_asked = strategy == _leading_strategy(results)
        return metric in self.questions and is_asked and isfinite(result.interval.mean)

    def add_to_answer(self, best: Result, results: Sequence[Result]) -> list[str]:
        """Low forgetting is no success where little was learned, so final accuracy follows."""
        final = best.metric.replace(FORGETTING, FINAL)
        own = next((r for r in results if (r.entry, r.metric) == (best.entry, final)), None)
        if own is None:
            return []
        return [f"Its final accuracy is {format_number(own.interval.mean, own.unit)} %."]

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """Two tables a strategy: what is lost, what is left and how much of the gap that closes;
        then the further metrics that were measured.
        """
        usual = MetricColumns(rows, self.column_titles)
        strategies = list_strategies(rows)
        by_strategy = [layout for name in strategies for layout in _lay_out(name, metrics, usual)]
        return by_strategy + plain_layouts(metrics, usual)

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """The best memories beside the best real images, the metrics, every memory beside its
        rivals, what memories take, and what papers say.
        """
        rivals = tabulate_rivals(self.select(report, "continual"))
        return [
            *(table for table in rivals if not table.is_detail),
            *super().tables(report),
            *(table for table in rivals if table.is_detail),
            *tabulate_costs(self.select(report, "ledger")),
            *lay_out_published(self.scenario, report),
        ]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Curves, forgetting and accuracy matrices, place by place."""
        curves = group_by_place(self.select(report, "curves"))
        return [
            figure
            for place, rows in group_by_place(self.select(report, "rows")).items()
            for figure in draw_streams(rows, curves.get(place, []), styles)
        ]

    def coloured_first(self, report: Mapping[str, Any]) -> list[str]:
        """The sets whose curves are drawn."""
        curves = select_curves(self.select(report, "curves"))
        return [curve["condenser"] for curve in curves if not curve["reference"]]


def _leading_strategy(results: Sequence[Result]) -> str | None:
    """Replay, else the first strategy that was measured."""
    measured = [(split_metric(r.metric), r.entry.is_reference) for r in results]
    strategies = [
        strategy
        for (strategy, metric), is_reference in measured
        if metric in (FINAL, FORGETTING) and not is_reference
    ]
    if LEADING_STRATEGY in strategies:
        return LEADING_STRATEGY
    return strategies[0] if strategies else None


def _lay_out(strategy: str, metrics: Sequence[str], usual: MetricColumns) -> list[TableLayout]:
    forgetting, final, gap = (f"{strategy}/{one}" for one in (FORGETTING, FINAL, "gap-closed"))
    others = [f"{strategy}/{one}" for one in FURTHER if f"{strategy}/{one}" in metrics]
    name = name_strategy(strategy)
    # Where a page is narrow, differences go first, then bytes and verdicts: forgetting, accuracy
    # and the gap stay.
    drops = {"difference": 6, "against": 3}
    first = usual.name_and_bytes()
    main = [
        replace(column, drop=drops.get(column.title.partition(" ")[0], 0))
        for metric in (forgetting, final)
        for column in usual.comparison(metric)
    ]
    closed = [usual.value(gap)] if gap in metrics else []
    layouts = [
        TableLayout(
            "",
            [forgetting, final],
            [*first, *main, *closed, usual.count(final)],
            ranked_by=final,
            subject=name,
        )
    ]
    if others:
        columns = [*first, *map(usual.value, others), usual.count(others[0])]
        layouts.append(
            TableLayout(
                ": further metrics", others, columns, is_detail=True, ranked_by=final, subject=name
            )
        )
    return layouts
