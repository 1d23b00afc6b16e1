"""`make gpu`: what a graphics card does with our loops, in one command, and one JSON file of it.

It needs torch, torchvision, scipy, scikit-learn and safetensors, no network and no data. Stages
come in order of worth, each with a limit of its own; the file is written after every stage.

PYTHONPATH=.:tests python -m benchmarks.gpu --out runs/gpu.json
"""

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.card_checks import CHECKS
from benchmarks.card_speed import SPEEDS, peak_gflops
from benchmarks.case import Case
from condensers.engine.files import write_atomically
from harness.process import environment

NO_CARD = 3
SECONDS = 510.0  # of all stages together, under nine minutes with the start
MOST_BYTES = 2**20


@dataclass(frozen=True)
class Stage:
    """A part of the run. share: of the time that is left when it begins, at most."""

    name: str
    work: Callable[[Case, float], Any]
    share: float


STAGES = (
    *(Stage(f"check: {name}", work, 0.2) for name, work in CHECKS.items()),
    *(Stage(f"speed: {name}", work, 0.4) for name, work in SPEEDS.items()),
    Stage("peak", peak_gflops, 0.5),
)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Report:
    """What was found so far, and its file."""

    def __init__(self, out: Path, case: Case) -> None:
        self.out, self.begun = out, time.monotonic()
        self.found: dict[str, Any] = {
            "command": [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:]],
            "environment": environment(case.device, 1),
            "case": {name: value for name, value in vars(case).items() if name != "data"},
            "stages": {},
            "failures": [],
        }

    def left(self) -> float:
        """Seconds until the run has to end."""
        return SECONDS - (time.monotonic() - self.begun)

    def take(self, stage: Stage, case: Case) -> None:
        """Run a stage and write what it found; one that fails keeps no other from running."""
        if self.left() < 5:
            self.found["stages"][stage.name] = {"status": "not run: no time was left"}
            self.save()
            return
        begun, most = time.monotonic(), stage.share * self.left()
        try:
            with limited(1.5 * most):
                row = {"status": "done", "found": stage.work(case, most)}
        except Exception as fault:  # whatever a card says
            row = {"status": f"failed: {type(fault).__name__}: {str(fault)[:500]}"}
            row["where"] = traceback.format_exc()[-2000:]
            self.found["failures"].append(stage.name)
        self.found["stages"][stage.name] = row | {"seconds": round(time.monotonic() - begun, 2)}
        self.save()
        print(f"{stage.name}: {row['status']}", json.dumps(row.get("found"))[:300], flush=True)

    def save(self) -> None:
        """Write the file."""
        self.found["seconds"] = round(time.monotonic() - self.begun, 2)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        content = (json.dumps(self.found, indent=1) + "\n").encode()
        write_atomically(self.out, content[:MOST_BYTES])


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N, or cpu to try the command")
    parser.add_argument("--quick", action="store_true", help="everything small")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu.json"))
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="in a stage's name")
    return parser.parse_args(arguments)


def case_of(device: str, quick: bool) -> Case:
    """Random images of CIFAR-10's shape and of its size, or a few small ones."""
    if quick:
        return Case(
            classes=3, per_class=20, side=16, ipc=2, batch_real=8, width=8, device=device,
            channels=3, epochs=1, outer=2, inner=1,
        )  # fmt: skip
    return Case(per_class=5000, side=32, channels=3, epochs=3, device=device)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 done; 1 a stage failed; 3 there is no graphics card."""
    options = parsed(sys.argv[1:] if arguments is None else arguments)
    if options.device != "cpu" and not torch.cuda.is_available():
        print("make gpu: torch finds no graphics card on this machine; nothing was run")
        return NO_CARD
    case = case_of(options.device, options.quick)
    report = Report(options.out, case)
    for stage in STAGES:
        if not options.only or any(word in stage.name for word in options.only):
            report.take(stage, case)
    report.save()
    print(f"written: {options.out}, {report.found['seconds']:.0f} s")
    return 1 if report.found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
