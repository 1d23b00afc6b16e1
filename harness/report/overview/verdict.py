"""A verdict: yes, no or undecided for one of the two jobs of a set, with the figure that decides.

"yes" and "no" are said only where 95 % intervals carry them; all else is "undecided".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from condensers.sets.rate import format_bits
from harness.report.place import MAKING, Place
from harness.report.results import Result, best_result
from harness.report.rows import finite
from harness.report.wording import estimate, format_bytes, format_number, join_words, shown_from
from harness.statistics.intervals import Interval

MEMORY, PROXY = "memory", "proxy"
YES, NO, UNDECIDED = "yes", "no", "undecided"
QUESTIONS = {
    MEMORY: "As replay memory: does a condensed set beat the best real images of its bytes?",
    PROXY: "As proxy data: may I search architectures on a small set instead of all data?",
}


@dataclass(frozen=True)
class Evidence:
    """A figure that decides a verdict, with its interval; 0 is no difference, or chance.

    Args:
        name: what it is, as "final accuracy".
        of: whose it is, as "dm less herding".
        interval: its value and 95 % interval.
        unit: its unit.
        higher_is_better: whether the set does well above 0.
    """

    name: str
    of: str
    interval: Interval
    unit: str
    higher_is_better: bool = True

    def as_json(self) -> dict[str, Any]:
        """Write the figure as the report's JSON has it."""
        found = self.interval
        return {
            "name": self.name,
            "of": self.of,
            "mean": finite(found.mean),
            "low": finite(found.low),
            "high": finite(found.high),
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "n": found.n,
            "detectable": finite(found.detectable),
        }


@dataclass(frozen=True)
class Verdict:
    """The answer to one of the two questions, in one place and of one size.

    Args:
        job: MEMORY or PROXY.
        place: scenario, data set and settings.
        subject: the set that the answer is about, which leads or comes closest.
        size: its size in words, as "ipc 10, 78,500 bytes".
        answer: YES, NO or UNDECIDED.
        finding: what was found, in a sentence.
        evidence: the figures that decide; at least one.
        over: what n counts.
        nbytes: bytes of the set.
        bits: its bits per class; None where the number of classes is not known.
        seconds: mean seconds of making it; None where they were not measured.
        use: what to use, in a sentence.
        loss: what is lost by using the set, in a sentence; "" where that was not measured.
        cautions: what keeps the answer from being read alone, a sentence each.
    """

    job: str
    place: Place
    subject: str
    size: str
    answer: str
    finding: str
    evidence: Sequence[Evidence]
    over: str
    nbytes: int | None
    bits: float | None
    seconds: float | None
    use: str
    loss: str = ""
    cautions: Sequence[str] = ()

    @property
    def seen(self) -> str:
        """What difference the run could have shown, in a sentence."""
        first = self.evidence[0]
        n = f"{first.interval.n} {self.over}"
        if first.interval.low is None:
            return f"Nothing: {n} give no interval. Run three seeds or more."
        least: dict[str, str] = {}
        for one in self.evidence:
            if one.interval.detectable is not None:
                size = f"{shown_from(one.interval.detectable, one.unit)}{_scale(one.unit)}"
                least.setdefault(one.name, f"{size} in {one.name}")
        if not least:
            return f"With {n}: not known."
        return f"With {n}: from {join_words(list(least.values()))} on, four times in five."

    def as_json(self) -> dict[str, Any]:
        """Write the verdict as the report's JSON has it."""
        place = self.place
        return {
            "job": self.job,
            "question": QUESTIONS[self.job],
            "scenario": place.scenario,
            "data": place.data,
            "variant": place.variant,
            "recipe": place.augmentation,
            "where": place.describe(),
            "condenser": self.subject,
            "size": self.size,
            "answer": self.answer,
            "finding": self.finding,
            "evidence": [one.as_json() for one in self.evidence],
            "over": self.over,
            "bytes": self.nbytes,
            "bits_per_class": self.bits,
            "seconds": self.seconds,
            "use": self.use,
            "loss": self.loss,
            "seen": self.seen,
            "cautions": list(self.cautions),
        }


def making_seconds(result: Result, results: Sequence[Result]) -> float | None:
    """Find the mean seconds of making a set; None where they were not measured.

    Args:
        result: any result of the set.
        results: all results of the run.
    """
    entry = result.entry
    for other in results:
        made = other.entry
        if (
            made.scenario == MAKING
            and other.metric == "seconds"
            and (made.data, made.condenser, made.size) == (entry.data, entry.condenser, entry.size)
        ):
            return finite(other.interval.mean)
    return None


def quickest(results: Sequence[Result], run: Sequence[Result]) -> Result:
    """Choose the set that is quickest to make; of those whose seconds are not known, the best.

    Args:
        results: results of one metric, at least one.
        run: all results of the run.
    """
    timed = [(made, r) for r in results if (made := making_seconds(r, run)) is not None]
    return min(timed, key=lambda pair: pair[0])[1] if timed else best_result(results)


def evidence_name(one: Mapping[str, Any]) -> str:
    """Name a figure and whose it is: "Final accuracy, dm less herding"."""
    return f"{one['name'][:1].upper()}{one['name'][1:]}, {one['of']}"


def evidence_text(one: Mapping[str, Any]) -> str:
    """Write a figure with its interval and unit: "+3.1 [+1.2, +5.0] points".

    Args:
        one: a figure of a verdict, as the report's JSON has it.
    """
    return f"{estimate(one, one['unit'], signed=True)}{_scale(one['unit'])}"


def cost_text(verdict: Mapping[str, Any]) -> str:
    """Write what the set of a verdict takes: "785 bytes (628 bits per class), 0.5 s to make"."""
    parts = [] if verdict["bytes"] is None else [f"{format_bytes(verdict['bytes'])} bytes"]
    if verdict["bits_per_class"] is not None:
        parts = [f"{parts[0]} ({format_bits(verdict['bits_per_class'])} bits per class)"]
    parts.append(f"{seconds_text(verdict['seconds'])} to make")
    return ", ".join(parts)


def seconds_text(seconds: float | None) -> str:
    """Write seconds with two digits below ten: "0.03 s", "30.5 s"; "seconds not known" for none."""
    if seconds is None or not isfinite(seconds):
        return "seconds not known"
    places = 1 if seconds >= 1 else 2
    return f"{format_number(seconds, 's', decimals=places)} s"


def plain_lines(verdict: Mapping[str, Any]) -> list[str]:
    """Write a verdict as sentences for formats without pictures: the finding, then figures, what
    to use, costs, what could have been seen, and cautions.

    Args:
        verdict: as the report's JSON has it.
    """
    figures = [f"{evidence_name(one)}: {evidence_text(one)}" for one in verdict["evidence"]]
    return [
        verdict["finding"],
        f"{'. '.join(figures)}.",
        *(f"{name}: {text}" for name, text in list_facts(verdict).items()),
        *verdict["cautions"],
    ]


def list_facts(verdict: Mapping[str, Any]) -> dict[str, str]:
    """List what stands below the figures: what to use, what is lost, cost, what could be seen."""
    return {
        "What to use": verdict["use"],
        **({"What you lose": verdict["loss"]} if verdict["loss"] else {}),
        f"Cost of {verdict['condenser']}": f"{cost_text(verdict)}.",
        "What this run could see": verdict["seen"],
    }


def heading(verdict: Mapping[str, Any]) -> str:
    """Write where a verdict holds: "mnist-5k, ipc 10, 78,500 bytes"."""
    return ", ".join(part for part in (verdict["where"], verdict["size"]) if part)


def _scale(unit: str) -> str:
    return f" {unit}" if unit else ""
