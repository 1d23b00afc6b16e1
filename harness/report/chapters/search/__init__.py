"""The chapter on architecture search: how well sets rank architectures, at which cost."""

from collections.abc import Collection, Mapping, Sequence
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
from harness.report.chapters.search.alignment import (
    FOUND,
    SCORE,
    TRUTH,
    Searches,
    find_searches,
    has_scores,
    is_truth,
    read_by_seed,
    read_scores,
)
from harness.report.chapters.search.answers import judge_proxies, qualify_tau
from harness.report.chapters.search.best_architectures import list_best
from harness.report.chapters.search.by_cost import rank_by_cost
from harness.report.chapters.search.combined import compare_combined
from harness.report.chapters.search.equal_cost import compare_at_equal_cost
from harness.report.chapters.search.figures import draw_search, list_scatters
from harness.report.chapters.search.notes import note_failures, note_searches
from harness.report.chapters.search.ranking import rank_proxies
from harness.report.chapters.search.readings import combine_ranks, rank_readings
from harness.report.chapters.search.tables import (
    TAU,
    lay_out_search,
    tabulate_best,
    tabulate_readings,
    tabulate_rivals,
)
from harness.report.chapters.search.tables_by_cost import tabulate_combined, tabulate_costs
from harness.report.chapters.search.verdicts import decide_proxies
from harness.report.overview.verdict import Verdict
from harness.report.place import group_by_place, join_parts
from harness.report.results import Record, Result, group_by_entry, read_measurements
from harness.report.table import MetricColumns, Row, Table, TableLayout
from harness.report.usefulness import CondensedSet, SetValues
from harness.report.wording import TOP
from harness.statistics.rank import kendall

SECONDS = "search-seconds"
DEFINITIONS = {
    "kendall-tau": (
        "Kendall's tau-b between the proxy's validation scores and true test accuracies: 1 is"
        " the same order, 0 chance. The row truth has tau between two seeds of the ground"
        " truth, a guide to the best that a proxy can show."
    ),
    "spearman": "Spearman's rank correlation between the same two.",
    "pearson": "Pearson's correlation of the proxy's scores and true test accuracies themselves.",
    "partial-correlation": (
        "Spearman's correlation given the number of parameters: what the proxy adds to"
        " counting them."
    ),
    "precision": "Fraction of the proxy's k best architectures that are among the k truly best.",
    "best-rank": (
        "True rank of the best among the proxy's k best architectures; 1 is the best of all."
    ),
    "regret": (
        "Points of test accuracy that trusting the proxy costs: its k best are retrained on all"
        " data and validation accuracy chooses one; its test accuracy is taken from that of the"
        " architecture that validation chooses among all. Less is better; below 0 the proxy's"
        " choice tests better."
    ),
    "found-accuracy": (
        "Test accuracy of the architecture that a search judged best, after training on all data."
    ),
    "in the top 20 %": (
        "The same among the architectures of the highest mean true test accuracy. The truth itself"
        " chose them, so their range is restricted: correlations are lower, and noise counts for"
        " more, than among all."
    ),
    "break-even-architectures": (
        "From how many searched architectures on the proxy has saved time: condensation time"
        " divided by the seconds saved on each architecture; never, where a proxy training is no"
        " shorter."
    ),
    "condensation-seconds": (
        "Time that making one set took: CPU time where one thread made it without a stop."
    ),
    "search-seconds": (
        "Training time of all architectures together; one-shot: of the network with shared weights."
    ),
}


class SearchChapter(Chapter):
    """Architecture search: the set as proxy data."""

    definitions = COST_DEFINITIONS | DEFINITIONS
    column_titles = COSTS | {
        TAU: "Kendall tau",
        "spearman": "Spearman",
        "pearson": "Pearson",
        "partial-correlation": "Spearman given parameters",
        FOUND: "test accuracy of the answer, %",
        "condensation-seconds": "condensation, s",
        SECONDS: "search, s",
    }
    questions = {
        FOUND: Question(
            "Which proxy leads a search to the most accurate architecture",
            "highest",
            "test accuracy",
        ),
        TAU: Question("Which proxy ranks architectures best", "highest", "Kendall tau"),
    }
    summary_metrics = (TAU, FOUND)
    all_data_reference = "truth"
    use = "training one architecture"
    _searches: tuple[Sequence[Record], Searches] | None = None

    @property
    def title(self) -> str:
        return "Architecture search: the set as proxy data"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return SCORE in metrics or SECONDS in metrics

    def searches(self, records: Sequence[Record]) -> Searches:
        """Find the searches among the records of the scenario, once for each list of records: the
        resamples that they hold are costly.
        """
        if self._searches is None or self._searches[0] is not records:
            self._searches = records, find_searches(records)
        return self._searches[1]

    def results(self, records: Sequence[Record]) -> list[Result]:
        """Rank statistics and costs; plain measurements where no architecture has a score."""
        others = [
            result
            for entry, group in group_by_entry(records).items()
            if not has_scores(group)
            for result in read_measurements(entry, group)
        ]
        searches = self.searches(records).values()
        return others + [result for search in searches for result in rank_proxies(search)]

    def facts(self, run: Run) -> dict[str, Any]:
        """scatters: scores against true accuracy; equal_cost: proxies against baselines;
        ranks_by_cost: tau and regret along each curve; readings: ranks by accuracy and by loss;
        combined_ranks: with those of scores that train nothing; combined_at_equal_cost: the same
        less such baselines; best_found: where entries tried different architectures.
        """
        searches = self.searches(run.records_of(self.scenario))
        return {
            "scatters": list_scatters(searches),
            "equal_cost": compare_at_equal_cost(searches),
            "ranks_by_cost": rank_by_cost(searches),
            "readings": rank_readings(searches),
            "combined_ranks": combine_ranks(searches),
            "combined_at_equal_cost": compare_combined(searches),
            "best_found": list_best(searches),
        }

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        return judge_proxies(run.results_of(self.scenario), facts["equal_cost"])

    def verdicts(self, run: Run, facts: Mapping[str, Any]) -> list[Verdict]:
        return decide_proxies(run.results_of(self.scenario), facts["equal_cost"], run)

    def rivals(self, best: Result, results: Sequence[Result]) -> list[Result]:
        """A proxy is compared with the baselines too, but not with the truth."""
        place = best.entry.place.of_any_augmentation
        return [
            r
            for r in results
            if best.draws is not None
            and r.metric == best.metric
            and r.entry.is_reference
            and not is_truth(r.entry)
            and r.entry.place.of_any_augmentation == place
        ]

    def add_to_answer(self, best: Result, results: Sequence[Result]) -> list[str]:
        return qualify_tau(best, results) if best.metric == TAU else []

    def notes(self, run: Run) -> list[str]:
        """What was left out, what stands in for what, and what failed."""
        records = run.records_of(self.scenario)
        results = run.results_of(self.scenario)
        return note_searches(records, results, self.searches(records)) + note_failures(records)

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        usual = MetricColumns(rows, self.column_titles)
        if SECONDS not in metrics:
            return plain_layouts(metrics, usual)
        return lay_out_search(metrics, usual)

    def footnotes(self, rows: Sequence[Row]) -> list[str]:
        """What the top 20 % and the row of the truth mean."""
        notes = []
        if any(row["metric"].endswith(TOP) for row in rows):
            notes.append(self.definitions[TOP.strip()])
        truth = [row for row in rows if row["reference"] and row["condenser"] == TRUTH]
        if any(row["metric"].startswith(TAU) for row in truth):
            notes.append(
                "Row truth: how far two seeds of the ground truth agree, a guide to the best that a"
                " proxy can show."
            )
        return notes

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """The metrics, then proxies against baselines, accuracy against loss, and what was found
        best.
        """
        matched, readings, costs, combined, best = (
            self.select(report, key)
            for key in (
                "equal_cost",
                "readings",
                "ranks_by_cost",
                "combined_at_equal_cost",
                "best_found",
            )
        )
        beside = [
            *tabulate_rivals(matched),
            *tabulate_costs(costs),
            *tabulate_combined(combined),
            *tabulate_readings(readings),
            *tabulate_best(best),
        ]
        return [*super().tables(report), *sorted(beside, key=lambda table: table.is_detail)]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Rank correlation, regret, both by cost, and scores, place by place."""
        scatters, costs = (
            group_by_place(self.select(report, key)) for key in ("scatters", "ranks_by_cost")
        )
        return [
            figure
            for place, rows in group_by_place(self.select(report, "rows")).items()
            for figure in draw_search(
                place, rows, scatters.get(place, []), costs.get(place, []), styles
            )
        ]

    def usefulness(self, run: Run) -> dict[tuple[str, str], SetValues]:
        """Kendall's tau of the scores of each set with the mean truth."""
        taus: dict[tuple[str, str], SetValues] = {}
        for place, search in self.searches(run.records_of(self.scenario)).items():
            aligned = search.aligned
            if aligned is None:
                continue
            truth = aligned.truth.test.mean(0)
            name = join_parts("Kendall tau of the search", place.variant)
            for entry, scores in aligned.scores.items():
                seeds = read_by_seed(search.groups[entry], read_scores)
                for seed, row in zip(seeds, scores, strict=True):
                    tau = kendall(truth, row)
                    if not entry.is_reference and isfinite(tau):
                        key = CondensedSet.of(entry, seed)
                        taus.setdefault((place.data, name), {})[key] = tau
        return taus


class OneShotChapter(SearchChapter):
    """One-shot search: networks with shared weights are trained on the set."""

    all_data_reference = ""
    use = ""

    @property
    def title(self) -> str:
        return "One-shot architecture search: the set as proxy data"
