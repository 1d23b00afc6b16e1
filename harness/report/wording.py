"""Numbers, verdicts and names of metrics as people read them: the same words in every format.

A metric is called "STRATEGY/NAME", "NAME@k", "NAME of NETWORK", "NAME in EMBEDDING" or "NAME in the
top 20 %"; its chapter explains NAME.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

from harness.report.place import capitalise

WHOLE = ("J", "MB", "parameters")  # units without decimals
DECIMALS = {"%": 1, "points": 1, "s": 1, "architectures": 1, "area": 3, **dict.fromkeys(WHOLE, 0)}
NOT_DISTINGUISHABLE = "not distinguishable"
NO_INTERVAL = "no interval"
SHOWN = 5
MORE_DECIMALS = 3
POINTS = ("%", "points")
MOST = 10_000  # n: more is not looked for
ROUNDING = 1e-6
POWER = (
    'Behind "not distinguishable": from which true difference on this n would have shown one with a'
    " probability of 80 %, by the spread of the values at hand; and the n that 1 point takes."
)


def format_number(
    value: float | None, unit: str, *, signed: bool = False, decimals: int | None = None
) -> str:
    """Write a number with as many decimals as its unit carries; "-" for none."""
    if value is None:
        return "-"
    places = DECIMALS.get(unit, 2) if decimals is None else decimals
    rounded = round(value, places) + 0.0  # no "-0.0"
    return f"{rounded:{'+' if signed else ''},.{places}f}"


def estimate(part: Mapping[str, Any], unit: str, key: str = "mean", *, signed: bool = False) -> str:
    """Write "91.2 [90.1, 92.3]", with up to three decimals more where a bound other than 0 would
    read 0.

    Args:
        part: a mapping with "low", "high" and `key`; None where there is no number.
        unit: unit of the values, which decides the decimals.
        key: what the interval is around: "mean" or "difference".
        signed: whether positive numbers get a +.
    """
    mean, low, high = part[key], part["low"], part["high"]
    if mean is None:
        return "not defined"
    usual = DECIMALS.get(unit, 2)
    places = next(
        (
            more
            for more in range(usual, usual + MORE_DECIMALS)
            if all(round(bound, more) for bound in (low, high) if bound)
        ),
        usual + MORE_DECIMALS,
    )
    text = format_number(mean, unit, signed=signed, decimals=places)
    if low is None or high is None:
        return f"{text} (no interval)"
    return (
        f"{text} [{format_number(low, unit, signed=signed, decimals=places)},"
        f" {format_number(high, unit, signed=signed, decimals=places)}]"
    )


def verdict(comparison: Mapping[str, Any] | None, higher_is_better: bool | None) -> str:
    """Say better, worse or not distinguishable, as the interval of a difference allows.

    Args:
        comparison: a mapping with "difference", "low" and "distinguishable"; None for "-".
        higher_is_better: None where neither is better: the verdict is then higher or lower.
    """
    if comparison is None or comparison["difference"] is None:
        return "-"
    if comparison["low"] is None:
        return NO_INTERVAL
    if not comparison["distinguishable"]:
        return NOT_DISTINGUISHABLE
    rises = comparison["difference"] > 0
    if higher_is_better is None:
        return "higher" if rises else "lower"
    return "better" if rises == higher_is_better else "worse"


def judge(comparison: Mapping[str, Any] | None, higher_is_better: bool | None, unit: str) -> str:
    """Say the verdict, and of "not distinguishable" what difference could have been seen.

    Args:
        comparison: as `verdict` takes it, with "detectable" and "n_for_one".
        higher_is_better: as `verdict` takes it.
        unit: unit of the difference.

    Returns:
        The verdict; "not distinguishable (from 2.6; 1 at n = 22)" as `POWER` explains it.
    """
    word = verdict(comparison, higher_is_better)
    if word != NOT_DISTINGUISHABLE or comparison is None or comparison.get("detectable") is None:
        return word
    parts = [f"from {shown_from(comparison['detectable'], unit)}"]
    if unit in POINTS:
        parts.append(f"1 at n {'= ' if comparison['n_for_one'] else ''}{_needed(comparison)}")
    return f"{word} ({'; '.join(parts)})"


def could_show(comparisons: Sequence[Mapping[str, Any]], unit: str) -> str:
    """Say in a clause what differences comparisons that are not distinguishable could have shown.

    Returns:
        "differences from 2.6 to 3.1 points on would have been shown; one point takes n = 22 to 30";
        "" where that is not known.
    """
    known = [one for one in comparisons if one.get("detectable") is not None]
    if not known:
        return ""
    least, most = (shown_from(end(one["detectable"] for one in known), unit) for end in (min, max))
    scale = " points" if unit in POINTS else f" {unit}" if unit else ""
    size = least if least == most else f"{least} to {most}"
    clause = f"differences from {size}{scale} on would have been shown"
    if unit not in POINTS:
        return clause
    ordered = sorted(known, key=lambda one: one["n_for_one"] or MOST + 1)
    few, many = (_needed(one) for one in (ordered[0], ordered[-1]))
    return f"{clause}; one point takes n = {few if few == many else f'{few} to {many}'}"


def shown_from(detectable: float, unit: str) -> str:
    """Write a detectable difference, rounded up: one decimal more where it would read 0."""
    places = DECIMALS.get(unit, 2)
    places += not round(detectable, places)
    return format_number(
        ceil(detectable * 10**places - ROUNDING) / 10**places, unit, decimals=places
    )


def _needed(comparison: Mapping[str, Any]) -> str:
    return f"{comparison['n_for_one']:,}" if comparison["n_for_one"] else f"> {MOST:,}"


def bare_verdict(text: str) -> str:
    """Return a verdict without what it could have seen, by which formats colour it."""
    return re.split(r"\s\(", text, maxsplit=1)[0]


def format_bytes(nbytes: int | None) -> str:
    """Write a number of bytes with its thousands apart; "-" for none."""
    return "-" if nbytes is None else f"{nbytes:,}"


def join_words(names: Sequence[str]) -> str:
    """Join names as "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def join_some(names: Sequence[str]) -> str:
    """Join the names; of many the first five, and how many more there are."""
    return (
        join_words(names)
        if len(names) <= SHOWN
        else f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"
    )


def join_sentences(*sentences: str) -> str:
    """Join the sentences that are not empty."""
    return " ".join(sentence for sentence in sentences if sentence)


def cell_name(cell: Any) -> str:
    """Name a cell in a few words, for the list of failures."""
    if not isinstance(cell, Mapping):
        return str(cell)
    ipc = f"ipc {cell['ipc']}" if cell.get("ipc") else None
    budget = (
        None if ipc or not cell.get("budget") else " ".join(str(part) for part in cell["budget"])
    )
    seed = None if cell.get("seed") is None else f"seed {cell['seed']}"
    parts = [
        cell.get("scenario") or "condense",
        cell.get("data"),
        cell.get("label"),
        ipc or budget,
        seed,
    ]
    return ", ".join(str(part) for part in parts if part)


# Metrics that continual learning measures for each strategy: "replay/forgetting".
BY_STRATEGY = (
    "final-accuracy",
    "forgetting",
    "gap-closed",
    "anytime-accuracy",
    "learning-accuracy",
    "backward-transfer",
    "forward-transfer",
    "worst-case-accuracy",
)
STRATEGIES = {
    "gdumb": "GDumb",
    "er-ace": "ER-ACE",
    "der": "DER",
    "der++": "DER++",
    "ewc": "EWC",
    "lwf": "LwF",
}
TOP = " in the top 20 %"  # "kendall-tau in the top 20 %": on the best architectures alone
IN = " in "  # "coverage in pixels": a measure in each embedding
OF = " of "  # "test-accuracy of vgg11": a metric for each network

METHOD = (
    "Every interval is at 95 %. A seed is one value: networks and class orders of a seed share a"
    " condensed set and are averaged first. Three to nine values get Student's t interval, more the"
    " BCa bootstrap; two get none. On a scale with ends the interval is taken on the logit scale"
    " (log scale above one end), so that it lies between them. Differences are paired over what the"
    " two share (seeds, or networks and class orders of one seed); a difference whose interval"
    " holds 0 is called not distinguishable, with the difference that this n would have shown with"
    " a probability of 80 %, and the n that one point takes. The best of several has the highest"
    " mean (the lowest where less is better), real images included; the best of a part of them is"
    " named as that."
    " Rank statistics are resampled over architectures and seeds. Each comparison stands"
    " alone: nothing is corrected for their number."
)


def base_name(metric: str) -> str:
    """Return the name that a chapter explains: "forgetting" of "replay/forgetting", "precision" of
    "precision@4 in the top 20 %".
    """
    return metric.partition(OF)[0].rpartition("/")[2].partition(IN)[0].partition("@")[0]


def split_metric(metric: str) -> tuple[str, str]:
    """Split "er-ace/forgetting" into ("er-ace", "forgetting"); a metric of no strategy is left
    whole.
    """
    strategy, _, name = metric.rpartition("/")
    return (strategy, name) if strategy and name in BY_STRATEGY else ("", metric)


def name_strategy(strategy: str) -> str:
    """Name a strategy at the start of a title: "GDumb", "Replay"."""
    return STRATEGIES.get(strategy) or capitalise(strategy)


def list_strategies(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """List the strategies under which sets were measured, or references where there are no sets."""
    known = [(split_metric(row["metric"])[0], row["reference"]) for row in rows]
    of_sets = [strategy for strategy, is_reference in known if strategy and not is_reference]
    return list(dict.fromkeys(of_sets or [strategy for strategy, _ in known if strategy]))
