"""Values of the wrong shape behind right checksums: each is used or refused in a sentence a line,
and none hangs.

`make fuzz` tries FUZZ_INPUTS (100,000) of them, `make test` 600.
"""

import os
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from condensers.errors import HarnessError
from tests.fuzz import structured
from tests.fuzz.structured import GROUPS, Target

INPUTS = int(os.environ.get("FUZZ_INPUTS", "600"))
FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SECONDS = 20
# Name -> how it is made in a folder, and its share of the inputs.
TARGETS: dict[str, tuple[Callable[[Path], Target], float]] = {
    "suites": (lambda folder: structured.suites(structured.templates()), 0.4),
    "records": (
        lambda folder: structured.records(folder, [structured.run_of(name) for name in GROUPS]),
        0.15,
    ),
    "cards": (structured.cards, 0.2),
    "truth tables": (structured.truth, 0.08),
    "checkpoints": (structured.checkpoints, 0.05),
    "locks": (structured.locks, 0.04),
    "overrides": (lambda folder: structured.overrides, 0.08),
}


@contextmanager
def bounded(seconds: int) -> Iterator[None]:
    """Interrupt what takes more of the processor; a machine that is busy with other work does not
    count.
    """

    def late(*_: object) -> None:
        raise AssertionError(f"not done in {seconds} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def refused(target: Target, seed: int) -> bool:
    """Whether input `seed` was refused; a defect passes through."""
    with warnings.catch_warnings(), bounded(SECONDS):
        warnings.simplefilter("ignore")
        try:
            target(Random(seed))
        except HarnessError as fault:
            sentences = str(fault).split("\n")
            assert all(line.strip() and len(line) < 2000 for line in sentences), (
                "sentences, not pages"
            )
            return True
    return False


@pytest.mark.timeout(36000)
@pytest.mark.parametrize("name", TARGETS)
def test_a_spoilt_structure_is_used_or_refused_in_sentences(name: str, tmp_path: Path) -> None:
    make, share = TARGETS[name]
    target, count = make(tmp_path), int(INPUTS * share)
    fell, seen = [], 0
    for seed in range(FIRST, FIRST + count):
        try:
            seen += refused(target, seed)
        except Exception:
            fell.append(f"input {seed}:\n{traceback.format_exc(limit=-4)}")
    assert not fell, f"{len(fell)} of {count} fell, the first ten:\n" + "\n".join(fell[:10])
    assert seen, "nothing was spoilt, or nothing is looked at"
