"""Progress of a set that is made, or measured, outside a suite."""

import time

import pytest

from condensers.engine.context import Progress
from harness.sets.make import progress_context


def test_without_a_terminal_a_line_a_minute_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    with progress_context(None, 0, "cpu") as context:
        assert context.progress is not None
        for done in range(100):
            now += 1.5
            context.progress(Progress("dm", done, 100, "0.25"))
    assert capsys.readouterr().err.splitlines() == ["dm 39/100 0.25", "dm 79/100 0.25"]
