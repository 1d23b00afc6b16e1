"""Progress of a set that is made, or measured, outside a suite."""

import pytest

from condensers.engine.context import Progress
from harness.sets.make import progress_context
from tests.helpers.clock import Clock


def test_without_a_terminal_a_line_a_minute_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = Clock(monkeypatch)
    with progress_context(None, 0, "cpu") as context:
        assert context.progress is not None
        for done in range(100):
            clock.now += 1.5
            context.progress(Progress("dm", done, 100, "0.25"))
    assert capsys.readouterr().err.splitlines() == ["dm 39/100 0.25", "dm 79/100 0.25"]
