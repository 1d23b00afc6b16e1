"""One load, all its sides in turn: each round asks every worker for one unit, in an order that
moves on by one.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np

from benchmarks.case import Case
from benchmarks.figures import Mismatch, Row, difference, row
from benchmarks.loads import Load, goal_of
from benchmarks.worker import Done, Worker

PLAIN = "plain"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How all loads are measured."""

    case: Case = field(default_factory=Case)
    rounds: int = 5
    threads: int = 1
    bf16: bool = True

    @property
    def card(self) -> bool:
        """Whether a graphics card computes."""
        return self.case.device.startswith("cuda")

    @property
    def precisions(self) -> tuple[str, ...]:
        """Those of our sides."""
        exact = ("fp32", "tf32") if self.card else ("fp32",)
        return (*exact, "bf16") if self.bf16 else exact

    def judged(self, precision: str) -> str:
        """The precision whose bounds hold: on a card torch gives the published loop's convolutions
        tf32.
        """
        return "tf32" if self.card and precision == "fp32" else precision

    def seconds(self, done: Done) -> float:
        """CPU seconds; of a graphics card, wall seconds."""
        return done.wall if self.card else done.cpu


@dataclass
class Seen:
    """What every round so far gave, by side; a side whose losses differ is named in `failures` and
    asked no more.
    """

    load: Load
    plan: Plan
    names: list[str]
    units: list[dict[str, Done]] = field(default_factory=list)
    apart: dict[str, list[tuple[float, float | None]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def order(self) -> list[str]:
        """Sides in the order of the next round, which moves on by one each time."""
        turn = len(self.units) % len(self.names)
        return self.names[turn:] + self.names[:turn]

    def add(self, done: dict[str, Done]) -> None:
        for side in [name for name in self.names if name != PLAIN]:
            try:
                found = difference(
                    self.load, self.plan.judged(side), len(self.units), done[PLAIN], done[side]
                )
                self.apart.setdefault(side, []).append(found)
            except Mismatch as fault:
                self.failures.append(f"FAILED {fault} (precision {side})")
                self.names.remove(side)
        self.units.append(done)

    def line(self) -> str:
        """The last round in words."""
        index, done = len(self.units) - 1, self.units[-1]
        which = f"round {index} of {self.plan.rounds}" if index else "warm-up"
        shown = ", ".join(
            f"{side} {self.plan.seconds(one):.3g} s"
            for side, one in sorted(done.items(), reverse=True)
        )
        off = ", ".join(f"{self.apart[side][-1][0]:.0e}" for side in self.names if side != PLAIN)
        return f"{self.load.name}: {which}: {shown}; losses apart by {off}"


def measure(load: Load, plan: Plan, say: Say) -> tuple[list[Row], list[str]]:
    """A row for each precision, and a sentence for each whose losses (or gradients) are not those
    of the published loop.
    """
    wanted: dict[str, str | None] = {PLAIN: None} | {
        precision: precision for precision in plan.precisions
    }
    seen = Seen(load, plan, list(wanted))
    say(f"{load.name}: starting {len(wanted)} processes")
    with ExitStack() as stack:
        sides = {
            side: stack.enter_context(Worker(load, plan.case, wanted[side], plan.threads))
            for side in wanted
        }
        while len(seen.units) <= plan.rounds and seen.names != [PLAIN]:
            seen.add({side: sides[side].unit(len(seen.units)) for side in seen.order()})
            say(seen.line())
        return _rows(seen, sides), seen.failures


def _rows(seen: Seen, sides: dict[str, Worker]) -> list[Row]:
    """The first unit is the warm-up: it holds what is prepared once, and is a figure of its own."""
    ours = [side for side in seen.names if side != PLAIN]
    peaks = {side: sides[side].peak() for side in seen.names}
    flops = sides[
        PLAIN
    ].flops()  # the same mathematics: what the published loop needs counts for both
    rows = []
    for side in ours:
        both = {PLAIN: PLAIN, "ours": side}
        seconds = {
            key: [seen.plan.seconds(unit[name]) for unit in seen.units[1:]]
            for key, name in both.items()
        }
        goal = goal_of(seen.load.name, side, seen.plan.card)
        rows.append(
            row(seen.load.name, side, goal, *seconds.values())
            | {
                "title": seen.load.titled(seen.plan.case),
                "seconds": seconds,
                "first_wall_seconds": {key: seen.units[0][name].wall for key, name in both.items()},
                "minor_faults": {key: _faults(seen.units, name) for key, name in both.items()},
                "peak_bytes": {key: peaks[name] for key, name in both.items()},
                "flops": flops,
                "loss_difference": max(loss for loss, _ in seen.apart[side]),
                "gradient_difference": max(
                    (off for _, off in seen.apart[side] if off is not None), default=None
                ),
            }
        )
    return rows


def _faults(units: Sequence[dict[str, Done]], side: str) -> int:
    return int(np.median([unit[side].faults for unit in units[1:]]))


def shorter(plan: Plan) -> Plan:
    """The same networks and batches in fewer rounds, classes and epochs: steps that go class by
    class take two, and what is put together from them is extrapolated.
    """
    case = replace(plan.case, few=2, epochs=1)
    return replace(plan, case=case, rounds=min(plan.rounds, 3))


def smaller(plan: Plan) -> Plan:
    """The same on a small network with few images: whether all works, not how fast it is."""
    case = replace(
        plan.case,
        batch_real=32,
        width=32,
        depth=2,
        ipc=2,
        tests=256,
        epochs=2,
        inner=2,
        outer=2,
        networks=3,
    )
    return replace(plan, case=case, rounds=min(plan.rounds, 2))
