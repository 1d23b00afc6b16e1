"""How long a run still takes: what was estimated of its cells, put right by what cells take."""

import time
from collections.abc import Mapping

LINE_EVERY = 60.0  # seconds between two lines on the same work, where there is no terminal
TRUSTED = 0.05  # the share of a run that counts as if it had taken what was estimated


def span(seconds: float) -> str:
    """Return seconds as people say them.

    >>> span(90), span(600), span(9000)
    ('90 s', '10 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


class EveryMinute:
    """Lets a line on the same work through once a minute, from a minute after its beginning on."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def due(self) -> bool:
        """Return whether a line is due, which is then taken as printed."""
        now = time.monotonic()
        if now - self.last < LINE_EVERY:
            return False
        self.last = now
        return True


class TimeLeft:
    """Guesses the seconds that a run's cells still take, from when they begin and end.

    pace = (what ended cells took + 0.05 of all estimates) / (what was estimated of them + the same)

    A cell that is at work for longer than pace times its estimate counts as one that ended now.
    Without the second term, one short first cell would decide about all that follow.

    Args:
        estimates: Seconds of each cell by key.
    """

    def __init__(self, estimates: Mapping[str, float]) -> None:
        self.open = dict(estimates)
        self.all_seconds = self.open_seconds = sum(estimates.values())
        self.longest_last = sorted(estimates, key=self.open.__getitem__)
        self.begun: dict[str, float] = {}
        self.taken = self.estimated = TRUSTED * self.all_seconds
        self.at_once = 1

    def begin(self, key: str) -> None:
        """Note that a cell begins."""
        self.begun[key] = time.monotonic()
        self.at_once = max(self.at_once, len(self.begun))

    def leave(self, key: str) -> None:
        """Note that a cell was stopped or lost before its end, and is still to be done."""
        self.begun.pop(key, None)

    def end(self, key: str, told: bool = True) -> None:
        """Note that a cell ended. told: whether its seconds tell of others (those of a failed one
        do not).
        """
        begun, estimate = self.begun.pop(key, None), self.open.pop(key, 0.0)
        self.open_seconds -= estimate
        if told and begun is not None:
            self.taken += time.monotonic() - begun
            self.estimated += estimate

    def seconds(self) -> float:
        """Return the seconds left, of all cells side by side."""
        while self.longest_last and self.longest_last[-1] not in self.open:
            self.longest_last.pop()
        if not self.open:
            return 0.0
        now = time.monotonic()
        worked = {key: now - begun for key, begun in self.begun.items() if key in self.open}
        pace = self._pace(0.0, 0.0)
        late = [key for key, seconds in worked.items() if seconds > pace * self.open[key]]
        pace = self._pace(sum(worked[key] for key in late), sum(self.open[key] for key in late))
        done = {key: min(seconds, pace * self.open[key]) for key, seconds in worked.items()}
        left = max(0.0, pace * self.open_seconds - sum(done.values()))
        longest = self.longest_last[-1]
        return max(
            left / min(self.at_once, len(self.open)),
            pace * self.open[longest] - done.get(longest, 0.0),
        )

    def _pace(self, taken: float, estimated: float) -> float:
        estimated += self.estimated
        return (self.taken + taken) / estimated if estimated else 1.0
