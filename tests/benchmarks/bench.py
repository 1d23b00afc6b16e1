"""A whole run of `make bench`: what is measured in which order, and the file that holds it."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.table import Table

from benchmarks import figures, growth, machine, memory, narrow, tables
from benchmarks.case import Case, usual_data
from benchmarks.loads import COMPOSED, LOADS, WHOLE, Load
from benchmarks.rounds import Plan, measure, smaller
from benchmarks.worker import apart
from condensers.engine.files import write_atomically
from condensers.errors import UsageError, suggestion
from harness.process import choose_device, environment

EXTRAS = ("growth", "memory", "narrow")
PEAK_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    """What is asked for on the command line; see `python -m benchmarks --help`."""

    only: Sequence[str] = ()
    rounds: int = 5
    threads: int = 1
    device: str = "cpu"
    quick: bool = False
    whole: bool = False
    out: Path = Path("runs/bench.json")


class Bench:
    """Measures what `options` ask for; `say` is given lines of progress.

    UsageError where they ask for what is not there.
    """

    def __init__(
        self, options: Options, say: Callable[[str], None], command: Sequence[str]
    ) -> None:
        known = [*COMPOSED, *LOADS, *EXTRAS]
        for name in options.only:
            if name not in known:
                raise UsageError(f"--only: unknown name '{name}'; {suggestion(name, known)}")
        if options.rounds < 1 or options.threads < 1:
            raise UsageError("--rounds and --threads must be at least 1")
        self.options, self.say = options, say
        self.device = choose_device(options.device)
        plan = Plan(Case(data=usual_data(), device=self.device), options.rounds, options.threads)
        self.plan = smaller(plan) if options.quick else plan
        self.rows: list[figures.Row] = []
        self.failures: list[str] = []
        self.found: dict[str, Any] = {
            "command": list(command),
            "environment": environment(self.device, options.threads),
        }
        self.found["seconds"] = "wall" if self.device.startswith("cuda") else "CPU (user + system)"
        self.found["data"] = self.plan.case.data

    def run(self) -> None:
        """Each part by itself: one that fails is told at the end and does not keep the others from
        being measured.
        """
        self.say("peak of this machine")
        seconds = PEAK_SECONDS / 20 if self.options.quick else PEAK_SECONDS
        self.found["peak_gflops"] = apart(machine.peaks, self.device, self.options.threads, seconds)
        for load in self.loads():
            self._guarded(load.name, lambda load=load: self._measure(load))
        extras = (self._growth, self._memory, self._narrow)
        for name, part in zip(EXTRAS, extras, strict=True):
            if self._wanted(name):
                self.say(name)
                self._guarded(name, part)

    def loads(self) -> Iterator[Load]:
        """Those that are asked for, by name or as a part of what is put together."""
        for load in LOADS.values():
            if self._wanted(
                load.name, *(name for name, parts in COMPOSED.items() if load.name in parts)
            ):
                yield load
        for name, load in WHOLE.items():
            if self.options.whole and self._wanted(name):
                yield load

    def _wanted(self, *names: str) -> bool:
        return not self.options.only or any(name in self.options.only for name in names)

    def _guarded(self, name: str, part: Callable[[], None]) -> None:
        try:
            part()
        except (RuntimeError, UsageError) as fault:
            self.failures.append(f"FAILED {name}: {fault}")
            self.say(self.failures[-1])
        self.save()

    def _measure(self, load: Load) -> None:
        rows, failures = measure(load, self.plan, self.say)
        self.rows += rows
        self.failures += failures
        for failure in failures:
            self.say(failure)

    def _memory(self) -> None:
        quick = self.options.quick
        case = replace(memory.CASE, device=self.device)
        self.found["memory"] = memory.table(case, (2, 20) if quick else memory.CLASSES)

    def _growth(self) -> None:
        quick = self.options.quick
        axes = {axis: sizes[:3] for axis, sizes in growth.AXES.items()} if quick else growth.AXES
        case = replace(growth.CASE, device=self.device)
        case = replace(case, batch_real=16, ipc=2, width=8, side=16) if quick else case
        self.found["growth"] = apart(
            growth.table, case, 1 if quick else 3, self.options.threads, axes
        )

    def _narrow(self) -> None:
        given = (0.0, 8) if self.options.quick else (PEAK_SECONDS, narrow.BATCH)
        found = apart(narrow.rates, self.device, self.options.threads, *given)
        self.found["narrow_gflops"] = found
        for width, reached in found.items():
            self.say(narrow.line(width, *reached))

    def composed(self) -> list[figures.Row]:
        """DC's and DSA's iterations, made of their parts."""
        case, rows = self.plan.case, []
        times = (float(case.outer), (case.outer - 1) * case.inner / case.epochs)
        for name, parts in COMPOSED.items():
            measured = [row for part in parts for row in self.rows if row["name"] == part]
            if name not in {row["name"] for row in self.rows}:
                rows += figures.composed(name, measured, times, self.plan.card)
        return rows

    def all_rows(self) -> list[figures.Row]:
        """Measured and composed, with their rates."""
        rows = [*self.rows, *self.composed()]
        if "peak_gflops" in self.found:
            figures.add_rates(rows, machine.best(self.found["peak_gflops"]))
        return rows

    def save(self) -> None:
        content = {"rows": self.all_rows(), "failures": self.failures, **self.found}
        write_atomically(self.options.out, (json.dumps(content, indent=1) + "\n").encode())

    def tables(self) -> Iterator[Table]:
        """What there is to show."""
        if "peak_gflops" in self.found:
            yield tables.peaks(self.found["peak_gflops"])
        if self.rows:
            yield tables.ratios(self.all_rows(), self.found["seconds"])
            yield tables.rates(self.all_rows())
            yield tables.units(self.rows)
        if self.found.get("memory"):
            yield tables.memory(self.found["memory"])
        if self.found.get("growth"):
            yield tables.growth(self.found["growth"])
