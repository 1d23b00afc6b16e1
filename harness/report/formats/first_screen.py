"""The first screen of the HTML page: a card for each job with its verdicts, one table of all sets,
one picture.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from harness.report.overview.verdict import (
    NO,
    QUESTIONS,
    UNDECIDED,
    YES,
    evidence_name,
    evidence_text,
    heading,
    list_facts,
)

Row = Mapping[str, Any]
SHOWN = 2  # verdicts of a job; the others fold away
SIGNS = {YES: "✓", NO: "✕", UNDECIDED: "?"}
TITLES = {"memory": "As replay memory", "proxy": "As proxy data"}
WIDTH, HEIGHT, MIDDLE, EDGE = 440.0, 26.0, 8.0, 12.0  # of a drawn interval, in its own units


def draw_cards(verdicts: Sequence[Row]) -> str:
    """Write a card for each job that the run measured.

    Args:
        verdicts: those of the report's JSON.
    """
    jobs = [job for job in QUESTIONS if any(one["job"] == job for one in verdicts)]
    cards = [_card(job, [one for one in verdicts if one["job"] == job]) for job in jobs]
    return f'<div class="verdicts">{"".join(cards)}</div>' if cards else ""


def _card(job: str, verdicts: Sequence[Row]) -> str:
    first = "".join(map(_verdict, verdicts[:SHOWN]))
    more = verdicts[SHOWN:]
    folded = (
        f"<details><summary>{len(more)} more: {escape(_count(more))}</summary>"
        f"{''.join(map(_verdict, more))}</details>"
        if more
        else ""
    )
    question = QUESTIONS[job].partition(": ")[2]
    return (
        f'<article class="card"><h2>{TITLES[job]}</h2><p class="question">'
        f"{escape(question[:1].upper() + question[1:])}</p>{first}{folded}</article>"
    )


def _count(verdicts: Sequence[Row]) -> str:
    answers = [one["answer"] for one in verdicts]
    counts = [f"{answers.count(word)} {word}" for word in SIGNS if word in answers]
    return ", ".join(counts)


def _verdict(verdict: Row) -> str:
    answer = verdict["answer"]
    badge = (
        f'<span class="badge {answer}"><span aria-hidden="true">{SIGNS[answer]}</span>'
        f" {answer.capitalize()}</span>"
    )
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>"
        for name, text in list_facts(verdict).items()
    )
    notes = " ".join(map(escape, verdict["cautions"]))
    cautions = f'<p class="notes">{notes}</p>' if notes else ""
    return (
        f'<section class="verdict"><h3>{badge} <span>{escape(heading(verdict))}</span></h3>'
        f"<p>{escape(verdict['finding'])}</p>{_evidence(verdict['evidence'])}"
        f"<dl>{listed}</dl>{cautions}</section>"
    )


def _evidence(evidence: Sequence[Row]) -> str:
    """The figures with their intervals drawn, those of one unit on one scale."""
    parts = []
    for one in evidence:
        alike = [other for other in evidence if other["unit"] == one["unit"]]
        less = "" if one["higher_is_better"] else " (less is better)"
        parts.append(
            f'<div class="evidence"><span>{escape(evidence_name(one) + less)}</span>'
            f"<b>{escape(evidence_text(one))}</b>{draw_interval(one, _reach(alike))}</div>"
        )
    return "".join(parts)


def _reach(evidence: Sequence[Row]) -> float:
    """How far from 0 a scale reaches that holds all intervals."""
    ends = [abs(one[key]) for one in evidence for key in ("mean", "low", "high") if one[key]]
    return max(ends, default=1.0)


def draw_interval(one: Row, reach: float) -> str:
    """Draw a figure and its interval beside 0, which is in the middle.

    Args:
        one: a figure of a verdict, as the report's JSON has it.
        reach: the value at either end of the scale.

    Returns:
        One <svg> element in the colours of the page.
    """

    def at(value: float) -> str:
        return f"{WIDTH / 2 + value / reach * (WIDTH / 2 - EDGE):.1f}"

    low, mean, high = one["low"], one["mean"], one["high"]
    shapes = [
        f'<line class="axis" x1="0" y1="{MIDDLE}" x2="{WIDTH:.0f}" y2="{MIDDLE}"/>',
        f'<line class="zero" x1="{at(0.0)}" y1="0" x2="{at(0.0)}" y2="{2 * MIDDLE}"/>',
        f'<text x="{at(0.0)}" y="{HEIGHT}" text-anchor="middle">0</text>',
        _better_side(one["higher_is_better"]),
    ]
    if low is not None and high is not None:
        shapes.append(
            f'<line class="interval" x1="{at(low)}" y1="{MIDDLE}" x2="{at(high)}" y2="{MIDDLE}"/>'
        )
    if mean is not None:
        shapes.append(f'<circle cx="{at(mean)}" cy="{MIDDLE}" r="5"/>')
    name = escape(f"{evidence_name(one)}: {evidence_text(one)}")
    return (
        f'<svg class="bar {_standing(one)}" viewBox="0 0 {WIDTH:.0f} {HEIGHT + 2:.0f}" role="img"'
        f' aria-label="{name}"><title>{name}</title>{"".join(shapes)}</svg>'
    )


def _better_side(higher: bool) -> str:
    x, anchor, text = (WIDTH, "end", "better →") if higher else (0.0, "start", "← better")
    return f'<text x="{x:.0f}" y="{HEIGHT}" text-anchor="{anchor}">{text}</text>'


def _standing(one: Row) -> str:
    """The class that colours an interval: good or bad where it excludes 0."""
    if one["low"] is None or one["low"] <= 0 <= one["high"]:
        return "even"
    return "good" if (one["low"] > 0) == one["higher_is_better"] else "bad"
