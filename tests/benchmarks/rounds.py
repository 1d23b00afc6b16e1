"""One load, all its sides in turn: each round asks every worker for one unit, in an order that moves on by one."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

import numpy as np
from benchmarks.case import Case, Mode
from benchmarks.figures import Row, difference, row
from benchmarks.loads import Load
from benchmarks.worker import Done, Worker

PLAIN = "plain"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How all loads are measured. compiling: what contexts are asked for, where they have it."""

    case: Case = field(default_factory=Case)
    rounds: int = 5
    threads: int = 1
    compiling: str = "always"

    def modes(self, load: Load) -> dict[str, Mode | None]:
        """Side -> its mode; None is the published loop."""
        return {PLAIN: None} | {precision: Mode(precision, self.compiling) for precision in load.precisions()}

    def seconds(self, done: Done) -> float:
        """CPU seconds; of a graphics card, wall seconds."""
        return done.wall if self.case.device.startswith("cuda") else done.cpu


def measure(load: Load, plan: Plan, say: Say) -> list[Row]:
    """A row for each precision. Raises Mismatch at the first unit whose losses differ too much."""
    modes = plan.modes(load)
    say(f"{load.name}: starting {len(modes)} processes")
    with ExitStack() as stack:
        sides = {side: stack.enter_context(Worker(load, plan.case, mode, plan.threads)) for side, mode in modes.items()}
        names, units = list(sides), []
        for index in range(plan.rounds + 1):
            turn = index % len(names)
            done = {side: sides[side].unit(index) for side in names[turn:] + names[:turn]}
            units.append({side: done[side] for side in names})
            apart = [difference(load, side, index, done[PLAIN], done[side]) for side in names if side != PLAIN]
            shown = ", ".join(f"{side} {plan.seconds(done[side]):.2f} s" for side in names)
            off = ", ".join(f"{loss:.0e}" for loss, _ in apart)
            say(f"{load.name}: {f'round {index} of {plan.rounds}' if index else 'warm-up'}: {shown}; losses apart by {off}")
        return _rows(load, plan, units, sides)


def _rows(load: Load, plan: Plan, units: Sequence[dict[str, Done]], sides: dict[str, Worker]) -> list[Row]:
    """The first unit is the warm-up: it holds what is compiled or prepared once, and is a figure of its own."""
    peaks = {side: worker.peak() for side, worker in sides.items()}
    flops = {PLAIN: sides[PLAIN].flops(), "ours": sides["fp32"].flops()}
    seconds = {side: [plan.seconds(unit[side]) for unit in units[1:]] for side in sides}
    rows = []
    for side in sides:
        if side == PLAIN:
            continue
        apart = [difference(load, side, index, unit[PLAIN], unit[side]) for index, unit in enumerate(units)]
        both = {PLAIN: seconds[PLAIN], "ours": seconds[side]}
        rows.append(
            row(load.name, side, load.goals.get(side), *both.values())
            | {
                "title": load.title.format(epochs=plan.case.epochs, tests=plan.case.tests),
                "seconds": both,
                "first_wall_seconds": {PLAIN: units[0][PLAIN].wall, "ours": units[0][side].wall},
                "minor_faults": {PLAIN: _faults(units, PLAIN), "ours": _faults(units, side)},
                "peak_bytes": {PLAIN: peaks[PLAIN], "ours": peaks[side]},
                "flops": flops,
                "loss_difference": max(loss for loss, _ in apart),
                "gradient_difference": max((off for _, off in apart if off is not None), default=None),
            }
        )
    return rows


def _faults(units: Sequence[dict[str, Done]], side: str) -> int:
    return int(np.median([unit[side].faults for unit in units[1:]]))


def smaller(plan: Plan) -> Plan:
    """The same on a small network with few images: whether all works, not how fast it is."""
    case = replace(plan.case, batch_real=32, width=32, depth=2, ipc=2, tests=256, epochs=2, inner=2, outer=2)
    return replace(plan, case=case, rounds=min(plan.rounds, 2))
