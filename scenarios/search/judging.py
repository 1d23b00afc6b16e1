"""How one choice of a search becomes its row: judged, within the time limit, and checked.

Limits: a piece of work that takes too long is ended, in this thread by an alarm and in a trial's
own process by its end.
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
    """Whether an alarm can be set here."""
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
    """What is tried. space: fits the images. limit: at most so many architectures. seed: of the
    strategy's own draws.

    seconds: how long one architecture may take; 0: as long as it takes.
    """

    space: SearchSpace
    strategy: SearchStrategy
    limit: int
    seed: int
    seconds: float = 0.0

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """The name of an architecture, unique in the space and fit for a folder."""
        return self.space.identifier(choice)

    def guide(self, row: Mapping[str, Any]) -> float:
        """What the strategy is told of an architecture: never test accuracy where it chooses by
        what it is told.
        """
        return float(
            row["validation"] if self.strategy.adaptive and "validation" in row else row["score"]
        )


@dataclass(frozen=True)
class Judging:
    """All that scoring the architectures of `plan` takes. shape: (C, H, W) of the images."""

    plan: SearchPlan
    judge: Judge
    shape: tuple[int, int, int]
    classes: int

    def row(self, choice: Mapping[str, Any], context: Context) -> dict[str, Any]:
        """The row of one architecture.

        TimeoutError past the limit; ValueError where the judge has no finite score.
        """
        name, spec = self.plan.identifier(choice), self.plan.space.spec(choice)
        with limit_time(self.plan.seconds):
            record = self._record(spec, name, context)
        if not isinstance(record, Mapping) or not math.isfinite(record.get("score", math.nan)):
            raise ValueError(f"its judge gave no score but {record!r:.80}")
        return {"id": name, **choice, **self.sizes(choice), **record}

    def sizes(self, choice: Mapping[str, Any]) -> dict[str, int]:
        """Parameters and FLOPs of one architecture."""
        return measure_size(self.plan.space.spec(choice), self.shape, self.classes)

    def _record(self, spec: NetworkSpec, name: str, context: Context) -> Any:
        """What the judge says; where no alarm can be set, a deadline between its steps stands
        in.
        """
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
        """The row of an architecture that has no score."""
        return {"id": self.plan.identifier(choice), **choice, "error": error}


def measure_size(spec: NetworkSpec, shape: tuple[int, int, int], classes: int) -> dict[str, int]:
    """What a row says of a network before anything is trained: "parameters" and "flops"."""
    return {
        "parameters": parameter_count(spec, shape, classes),
        "flops": flop_count(spec, shape, classes),
    }
