"""How an architecture of a search becomes a row: it is scored within a time limit, and checked.

Work that takes too long is ended: in this thread by an alarm, in a trial's process by ending it.
"""

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from condensers.engine.context import Context
from condensers.errors import Interrupted
from condensers.networks.base import NetworkSpec
from scenarios.search.baselines.base import Judge
from scenarios.search.baselines.size import flop_count
from scenarios.search.candidate import parameter_count
from scenarios.search.spaces.base import SearchSpace
from scenarios.search.strategies import SearchStrategy

SECONDS_A_LOOK = 0.5


@contextmanager
def limit_time(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the body once it has run for `seconds`; 0 means no limit.

    The alarm of the system rings in the main thread and is heard between two instructions of
    Python: a call into C that never returns is not ended. In another thread, and where the system
    has no alarm, nothing is limited: the deadline of the work's context has to do.
    """
    if not seconds or not can_set_alarm():
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise TimeoutError(f"it took longer than the limit of {seconds:g} seconds")

    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, ring)
    earlier, repeat = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if earlier:  # somebody else's alarm goes on
            signal.setitimer(
                signal.ITIMER_REAL, max(earlier - (time.monotonic() - begun), 1e-3), repeat
            )


def can_set_alarm() -> bool:
    """Return whether an alarm can be set in this thread."""
    return hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()


def end_process_when(over: Callable[[], bool], last: Callable[[], None]) -> None:
    """From now on end this process, whatever it does, as soon as `over()`; `last()` is called
    before.
    """

    def look() -> None:
        while not over():
            time.sleep(SECONDS_A_LOOK)
        try:
            last()
        finally:
            os._exit(1)

    threading.Thread(target=look, daemon=True).start()


@dataclass(frozen=True)
class SearchPlan:
    """What a search tries.

    Attributes:
        space: The architectures, all of which fit the images.
        strategy: What chooses among them.
        limit: How many are tried at most.
        seed: That of the strategy's draws.
        seconds: How long one architecture may take; 0 for no limit.
    """

    space: SearchSpace
    strategy: SearchStrategy
    limit: int
    seed: int
    seconds: float = 0.0

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """Return the name of an architecture, unique in the space and fit for a folder."""
        return self.space.identifier(choice)

    def guide(self, row: Mapping[str, Any]) -> float:
        """Return what guides the strategy: never test accuracy if it is adaptive."""
        return float(
            row["validation"] if self.strategy.adaptive and "validation" in row else row["score"]
        )


@dataclass(frozen=True)
class Judging:
    """What scoring the architectures of `plan` needs; shape is (C, H, W) of the images."""

    plan: SearchPlan
    judge: Judge
    shape: tuple[int, int, int]
    classes: int

    def row(self, choice: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """Return the row of one architecture.

        Raises:
            TimeoutError: It took longer than the limit.
            ValueError: The judge gave no finite score.
        """
        name, spec = self.plan.identifier(choice), self.plan.space.spec(choice)
        with limit_time(self.plan.seconds):
            record = self._record(spec, name, context)
        if not isinstance(record, Mapping) or not math.isfinite(record.get("score", math.nan)):
            raise ValueError(f"its judge gave no score but {record!r:.80}")
        return {"id": name, **choice, **self.sizes(choice), **record}

    def sizes(self, choice: Mapping[str, Any]) -> dict[str, int]:
        """Return the parameters and FLOPs of one architecture."""
        return measure_size(self.plan.space.spec(choice), self.shape, self.classes)

    def _record(self, spec: NetworkSpec, name: str, context: Context) -> Any:
        """Return the judge's record; without an alarm, a deadline between steps limits it."""
        seconds = self.plan.seconds
        if not seconds or can_set_alarm():
            return self.judge.judge(spec, name, context)
        end = min(time.monotonic() + seconds, context.deadline or math.inf)
        try:
            return self.judge.judge(spec, name, replace(context, deadline=end))
        except Interrupted:
            if context.must_stop():
                raise
            raise TimeoutError(f"it took longer than the limit of {seconds:g} seconds") from None

    def make_failure_row(self, choice: Mapping[str, Any], error: str) -> dict[str, Any]:
        """Return the row of an architecture without a score."""
        return {"id": self.plan.identifier(choice), **choice, "error": error}


def measure_size(spec: NetworkSpec, shape: tuple[int, int, int], classes: int) -> dict[str, int]:
    """Return the size of an untrained network: "parameters" and "flops"."""
    return {
        "parameters": parameter_count(spec, shape, classes),
        "flops": flop_count(spec, shape, classes),
    }
