"""Which columns the tables of the scenario privacy have: attacks side by side, a line a set.

What the attacks showed, in words that the intervals carry. An attack that fails proves nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.results import Entry, Result
from harness.report.table import Column, Layout, Row, compared, count, first, layouts, value
from harness.report.wording import estimate, listed

AREA, RATE = "-auc", "-tpr@"
LEADER = f"lira{AREA}"
CHANCE = "; 0.5 is chance"
BESIDE = {"near-copies": "near copies, %", "half-accuracy": "test accuracy, %"}
# Where a page is narrow: how useful the networks are goes first, then the attack that LiRA betters.
DROPS = {"half-accuracy": 3, "near-copies": 2, "loss": 1}


def privacy_layouts(names: Sequence[str], rows: Sequence[Row]) -> list[Layout]:
    """The tables of one place that holds the metrics `names`: areas, true-positive rates, and LiRA
    against random images.
    """
    areas = [name for name in names if name.endswith(AREA)]
    beside = [name for name in BESIDE if name in names]
    columns = [
        *(_column(name, attack_of(name)) for name in areas),
        *(_column(name, BESIDE[name]) for name in beside),
    ]
    found = [
        Layout(
            f": AUC of each attack{CHANCE}",
            [*areas, *beside],
            [*first(rows), *columns, count(LEADER)],
        )
    ]
    rates = [name for name in names if RATE in name]
    for percent in dict.fromkeys(name.partition("@")[2] for name in rates):
        own = [name for name in rates if name.endswith(f"@{percent}")]
        title = (
            f": true positives at {percent} false positives, %; {percent.partition(' ')[0]} is"
            " chance"
        )
        found.append(
            Layout(
                title,
                own,
                [*first(rows), *(_column(name, attack_of(name)) for name in own), count(own[0])],
            )
        )
    against = [*first(rows), *compared(LEADER, rows), count(LEADER)]
    found.append(Layout(": AUC of LiRA against random images", [LEADER], against, is_detail=True))
    others = [name for name in names if name not in (*areas, *beside, *rates)]
    return found + (layouts(others, rows) if others else [])


def attack_of(metric: str) -> str:
    """ "lira-auc" -> "LiRA", "nearest-pixels-tpr@1 %" -> "nearest in pixels", as a column is
    headed.
    """
    name = metric.partition(AREA)[0].partition(RATE)[0]
    kind, _, space = name.partition("-")
    return {"lira": "LiRA", "loss": "loss threshold"}.get(kind, f"{kind} in {space}")


def _column(metric: str, title: str) -> Column:
    kind = next((drop for start, drop in DROPS.items() if metric.startswith(start)), 0)
    return replace(value(metric), title=title, drop=kind)


CAUTION = (
    "That does not prove privacy: other attacks may do better, and claims that condensation gives"
    " privacy for free are disputed (Carlini, Feldman and Nasr 2022, \"No Free Lunch in 'Privacy"
    " for Free'\")."
)
NAMED = 6


def privacy_headlines(results: Sequence[Result]) -> list[dict[str, str]]:
    """One {"question", "answer"} for each data set, variant and recipe; references are answered for
    too.
    """
    places = dict.fromkeys(
        _place(r.entry) for r in results if r.metric == LEADER and not r.entry.is_reference
    )
    return [
        {
            "question": f"Can an attacker tell which images a set was made of on {_where(place)}?",
            "answer": _answer(
                [
                    r
                    for r in results
                    if _belongs(r, place) and (r.metric.endswith(AREA) or RATE in r.metric)
                ]
            ),
        }
        for place in places
    ]


def _place(entry: Entry) -> tuple[str, str, str, str | None]:
    return entry.scenario, entry.data, entry.variant, entry.recipe


def _belongs(result: Result, place: tuple[str, str, str, str | None]) -> bool:
    """References stand beside the sets of every recipe."""
    entry = result.entry
    return _place(entry) == place or (entry.is_reference and _place(entry)[:3] == place[:3])


def _where(place: tuple[str, str, str, str | None]) -> str:
    scenario, data, variant, recipe = place
    parts = (data, variant, f"augmentation {recipe}" if recipe else "")
    return f"{', '.join(part for part in parts if part)} ({scenario})"


def _answer(results: Sequence[Result]) -> str:
    by_set: dict[Entry, list[Result]] = {}
    for result in results:
        by_set.setdefault(result.entry, []).append(result)
    found = {entry: [r for r in own if above_chance(r)] for entry, own in by_set.items()}
    open_ = [
        entry
        for entry, own in by_set.items()
        if all(r.interval.low is None or r.seeds == 1 for r in own)
    ]
    told = [f"{_name(entry)} ({_strongest(own)})" for entry, own in found.items() if own]
    untold = [_name(entry) for entry, own in found.items() if not own and entry not in open_]
    said = []
    if told:
        more = f"; and {len(told) - NAMED} more" if len(told) > NAMED else ""
        most = max(len(own) for own in by_set.values())
        said.append(f"Yes, better than chance: {'; '.join(told[:NAMED])}{more}.")
        said.append(
            f"Each set has up to {most} intervals, which are not corrected for their number."
        )
    if untold:
        said.append(
            f"On {listed(untold)} no attack tried here did better than chance: every interval holds"
            f" it or lies below. {CAUTION}"
        )
    if open_:
        said.append(
            f"No claim on {listed([_name(entry) for entry in open_])}: one seed, whose targets"
            " share their halves' luck."
        )
    return " ".join(said)


def above_chance(result: Result) -> bool:
    """Whether the whole interval, one over several seeds, is above what scores that mean nothing
    would give.
    """
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
    figure = estimate(values, best.unit)
    if areas:
        return f"{attack_of(best.metric)}, AUC {figure}"
    return (
        f"{attack_of(best.metric)}, {figure} % found at {best.metric.partition('@')[2]} false"
        " positives"
    )


def _name(entry: Entry) -> str:
    if entry.is_reference:
        return f"the reference {entry.condenser}"
    return (
        f"{entry.condenser} at {f'{entry.budget:,} bytes' if entry.budget else f'ipc {entry.ipc}'}"
    )
