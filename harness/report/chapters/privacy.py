"""The chapter on privacy: attacks side by side, a line a set, and what they showed.

An attack that fails proves nothing, and the headline says so.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.report.chapters.base import (
    COST_DEFINITIONS,
    COSTS,
    Chapter,
    Figure,
    Headline,
    Run,
    Styles,
    plain_layouts,
)
from harness.report.chapters.masks import draw_pictures, read_pictures
from harness.report.place import Place
from harness.report.results import Entry, Result
from harness.report.table import Column, MetricColumns, Row, TableLayout
from harness.report.wording import estimate, join_words

AREA, RATE = "-auc", "-tpr@"
LEADER = f"lira{AREA}"
BESIDE = {"near-copies": "near copies, %", "half-accuracy": "test accuracy, %"}
# Where a page is narrow: how useful the networks are goes first, then the attack that LiRA betters.
DROPS = {"half-accuracy": 3, "near-copies": 2, "loss": 1}
CAUTION = (
    "That does not prove privacy: other attacks may do better, and claims that condensation gives"
    " privacy for free are disputed (Carlini, Feldman and Nasr 2022, \"No Free Lunch in 'Privacy"
    " for Free'\")."
)
NAMED = 6
DEFINITIONS = {
    "lira-auc": (
        "Area under the ROC curve of LiRA, online, with common deviations (Carlini et al."
        " 2022): how well it separates the images that the target set was made of from others"
        " of the same distribution. It reads a network trained on the target and networks"
        " trained on sets of other halves of the training images; each half is the target"
        " once. 0.5 is chance, 1 separates all; less is better."
    ),
    "loss-auc": ("AUC of a threshold on the network's loss on the image (Yeom et al. 2018)."),
    "nearest-pixels-auc": (
        "AUC of the distance from the image to the nearest of the set, in normalised pixels:"
        " an attack on the set itself."
    ),
    "nearest-trained-auc": (
        "AUC of the same distance in the features of a network that was trained on members"
        " and non-members alike."
    ),
    "nearest-untrained-auc": ("AUC of the same distance in the features of an untrained network."),
    "lira-tpr": (
        "Percentage of the members that LiRA finds at so many false positives. To be right"
        " about a few images is an attack too, though the area may be near 0.5. The threshold"
        " is taken so that chance gives no more than the false positives."
    ),
    "near-copies": (
        "Percentage of the set's images that lie as near to an image they were made of as the"
        " nearest 1 % of held-out images do. Held-out images would give 1, copies 100."
    ),
    "half-accuracy": (
        "Test accuracy of the attacked networks, whose sets were made of half of the images."
        " A set that is of no use is not private by merit."
    ),
}


class PrivacyChapter(Chapter):
    """Privacy: which images a set was made of."""

    definitions = COST_DEFINITIONS | DEFINITIONS

    @property
    def title(self) -> str:
        return "Privacy: which images a set was made of"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return LEADER in metrics

    def facts(self, run: Run) -> dict[str, Any]:
        """masks: a picture of each set's images above the nearest real ones."""
        return {"masks": read_pictures(run.records_of(self.scenario))}

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        """One for each data set, variant and augmentation; references are answered for too."""
        own = run.results_of(self.scenario)
        sets = [r.entry for r in own if r.metric == LEADER and not r.entry.is_reference]
        headlines = []
        for place in dict.fromkeys(entry.place for entry in sets):
            attacks = [
                r
                for r in own
                if _stands_in(r.entry, place) and (r.metric.endswith(AREA) or RATE in r.metric)
            ]
            question = f"Can an attacker tell which images a set was made of on {place.question()}?"
            headlines.append({"question": question, "answer": _answer(attacks)})
        return headlines

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """Areas, true-positive rates, and LiRA against random images."""
        if LEADER not in metrics:
            return plain_layouts(metrics, MetricColumns(rows, self.column_titles))
        usual = MetricColumns(rows, COSTS)
        first = usual.name_and_bytes()
        areas = [name for name in metrics if name.endswith(AREA)]
        beside = [name for name in BESIDE if name in metrics]
        columns = [
            *(_column(usual, name, name_attack(name)) for name in areas),
            *(_column(usual, name, BESIDE[name]) for name in beside),
        ]
        layouts = [
            TableLayout(
                ": AUC of each attack; 0.5 is chance",
                [*areas, *beside],
                [*first, *columns, usual.count(LEADER)],
            )
        ]
        rates = [name for name in metrics if RATE in name]
        for percent in dict.fromkeys(name.partition("@")[2] for name in rates):
            own = [name for name in rates if name.endswith(f"@{percent}")]
            title = (
                f": true positives at {percent} false positives, %;"
                f" {percent.partition(' ')[0]} is chance"
            )
            columns = [_column(usual, name, name_attack(name)) for name in own]
            layouts.append(TableLayout(title, own, [*first, *columns, usual.count(own[0])]))
        against = [*first, *usual.comparison(LEADER), usual.count(LEADER)]
        title = ": AUC of LiRA against random images"
        layouts.append(TableLayout(title, [LEADER], against, is_detail=True))
        others = [name for name in metrics if name not in (*areas, *beside, *rates)]
        return layouts + plain_layouts(others, usual)

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """The pictures of the sets."""
        return draw_pictures(self.select(report, "masks"))


def name_attack(metric: str) -> str:
    """Name the attack of "nearest-pixels-tpr@1 %" as a column is headed: "nearest in pixels"."""
    name = metric.partition(AREA)[0].partition(RATE)[0]
    kind, _, space = name.partition("-")
    return {"lira": "LiRA", "loss": "loss threshold"}.get(kind, f"{kind} in {space}")


def _column(usual: MetricColumns, metric: str, title: str) -> Column:
    drop = next((drop for start, drop in DROPS.items() if metric.startswith(start)), 0)
    return replace(usual.value(metric), title=title, drop=drop)


def _stands_in(entry: Entry, place: Place) -> bool:
    """References stand beside the sets of every augmentation."""
    if entry.place == place:
        return True
    return entry.is_reference and entry.place.of_any_augmentation == place.of_any_augmentation


def _answer(results: Sequence[Result]) -> str:
    by_set: dict[Entry, list[Result]] = {}
    for result in results:
        by_set.setdefault(result.entry, []).append(result)
    above = {entry: [r for r in own if is_above_chance(r)] for entry, own in by_set.items()}
    undecided = [
        entry
        for entry, own in by_set.items()
        if all(r.interval.low is None or r.seeds == 1 for r in own)
    ]
    attacked = [f"{_name(entry)} ({_strongest(own)})" for entry, own in above.items() if own]
    withstood = [_name(e) for e, own in above.items() if not own and e not in undecided]
    sentences = []
    if attacked:
        more = f"; and {len(attacked) - NAMED} more" if len(attacked) > NAMED else ""
        most = max(len(own) for own in by_set.values())
        sentences += [
            f"Yes, better than chance: {'; '.join(attacked[:NAMED])}{more}.",
            f"Each set has up to {most} intervals, which are not corrected for their number.",
        ]
    if withstood:
        sentences.append(
            f"On {join_words(withstood)} no attack did better than chance: every interval includes"
            f" chance or lies below it. {CAUTION}"
        )
    if undecided:
        sentences.append(
            f"No claim on {join_words([_name(entry) for entry in undecided])}: there is one seed,"
            " and all its targets share the same halves of the data."
        )
    return " ".join(sentences)


def is_above_chance(result: Result) -> bool:
    """Say whether the whole interval, one over several seeds, lies above chance."""
    return (
        result.seeds > 1
        and result.interval.low is not None
        and result.interval.low > chance_of(result.metric)
    )


def chance_of(metric: str) -> float:
    """0.5 for an area; for a true-positive rate in % the rate of false positives that it is taken
    at.
    """
    return 0.5 if metric.endswith(AREA) else float(metric.partition("@")[2].removesuffix(" %"))


def _strongest(results: Sequence[Result]) -> str:
    """The largest area where one is above chance, else the rate that is most times chance."""
    areas = [r for r in results if r.metric.endswith(AREA)]
    best = max(areas or results, key=lambda r: r.interval.mean / chance_of(r.metric))
    values = {"mean": best.interval.mean, "low": best.interval.low, "high": best.interval.high}
    text = estimate(values, best.unit)
    if areas:
        return f"{name_attack(best.metric)}, AUC {text}"
    return (
        f"{name_attack(best.metric)}, {text} % found at {best.metric.partition('@')[2]} false"
        " positives"
    )


def _name(entry: Entry) -> str:
    if entry.is_reference:
        return f"the reference {entry.condenser}"
    return f"{entry.condenser} at {entry.size}"
