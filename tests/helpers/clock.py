"""A clock that a test puts on, in place of `time.monotonic`."""

import time

import pytest


class Clock:
    """now: its seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
