"""From seconds of rounds to rows: ratios of medians with their interval, losses compared, rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.loads import GRADIENT_BOUND, Load, goal_of
from benchmarks.worker import Done
from harness.statistics.intervals import LEVEL, RESAMPLES

Row = dict[str, Any]


class Mismatch(Exception):
    """The two sides did not compute the same."""


def ratio_of_medians(
    plain: Sequence[float], ours: Sequence[float]
) -> tuple[float, float | None, float | None]:
    """median(plain) / median(ours), with a percentile bootstrap interval over rounds (95 %); of one
    round there is none.

    A round is drawn with both of its sides: what slowed the machine slowed both. With five rounds
    the interval is about the range of the middle ones; more rounds make it honest and narrow.
    """
    a, b = np.asarray(plain), np.asarray(ours)
    ratio = float(np.median(a) / np.median(b))
    if len(a) == 1:
        return ratio, None, None
    chosen = np.random.default_rng(0).integers(len(a), size=(RESAMPLES, len(a)))
    drawn = np.median(a[chosen], axis=1) / np.median(b[chosen], axis=1)
    low, high = np.percentile(drawn, [50 - LEVEL * 50, 50 + LEVEL * 50])
    return ratio, float(low), float(high)


def difference(
    load: Load, precision: str, index: int, plain: Done, ours: Done
) -> tuple[float, float | None]:
    """Relative differences of the losses and of the image gradients (fp32) of one unit; Mismatch
    where one is too large.
    """
    bound = load.bounds[precision]
    apart = abs(ours.loss - plain.loss) / max(abs(plain.loss), 1e-12)
    if not apart <= bound:
        losses = f"{plain.loss:.8g} (plain) and {ours.loss:.8g} (ours {precision})"
        raise Mismatch(
            f"{load.name}: the losses of unit {index} are {losses}, {apart:.1e} apart; at most"
            f" {bound:.0e} is allowed"
        )
    if plain.gradient is None or ours.gradient is None or precision != "fp32":
        return apart, None
    off = float(np.linalg.norm(ours.gradient - plain.gradient) / np.linalg.norm(plain.gradient))
    if not off <= GRADIENT_BOUND:
        raise Mismatch(
            f"{load.name}: the image gradients of unit {index} are {off:.1e} apart; at most"
            f" {GRADIENT_BOUND:.0e} is allowed"
        )
    return apart, off


def row(
    name: str, precision: str, goal: float | None, plain: Sequence[float], ours: Sequence[float]
) -> Row:
    """What every row has. Seconds are medians over rounds."""
    ratio, low, high = ratio_of_medians(plain, ours)
    return {
        "name": name,
        "precision": precision,
        "ratio": ratio,
        "low": low,
        "high": high,
        "n": len(plain),
        "goal": goal,
        "plain_seconds": float(np.median(plain)),
        "ours_seconds": float(np.median(ours)),
    }


def composed(name: str, rows: Sequence[Row], times: tuple[float, float], card: bool) -> list[Row]:
    """An iteration put together from its parts, `times` of each, by precision. rows: of the two
    parts, with "seconds".
    """
    found = []
    for precision in dict.fromkeys(one["precision"] for one in rows):
        parts = [one for one in rows if one["precision"] == precision]
        if len(parts) == 2 and parts[0]["n"] == parts[1]["n"]:
            sides = [
                _sum([part["seconds"][side] for part in parts], times) for side in ("plain", "ours")
            ]
            found.append(
                row(name, precision, goal_of(name, precision, card), *sides)
                | _together(parts, times)
            )
    return found


def _sum(parts: Sequence[Sequence[float]], times: tuple[float, float]) -> list[float]:
    return [
        sum(one * many for one, many in zip(of_round, times, strict=True))
        for of_round in zip(*parts, strict=True)
    ]


def _together(parts: Sequence[Row], times: tuple[float, float]) -> Row:
    """Counts that add up, peaks of which the larger counts."""
    flops = sum(part["flops"] * many for part, many in zip(parts, times, strict=True))
    peaks = {side: max(part["peak_bytes"][side] for part in parts) for side in ("plain", "ours")}
    made = " + ".join(
        f"{many:.4g} x {part['name']}" for part, many in zip(parts, times, strict=True)
    )
    return {"title": made, "flops": flops, "peak_bytes": peaks, "composed": True}


def add_rates(rows: Sequence[Row], peak: Mapping[str, float]) -> None:
    """GFLOP/s of both sides, and percent of the measured peak at the row's precision, where
    operations were counted.
    """
    for one in rows:
        if "flops" in one:
            rates = {
                side: one["flops"] / one[f"{side}_seconds"] / 1e9 for side in ("plain", "ours")
            }
            peaks = {"plain": peak.get("tf32", peak["fp32"]), "ours": peak[one["precision"]]}
            one["gflops"] = rates
            one["percent_of_peak"] = {side: 100 * rates[side] / peaks[side] for side in rates}
