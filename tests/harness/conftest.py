"""The command line in this process, and a suite that runs in seconds."""

from functools import partial
from pathlib import Path

import pytest

from tests.helpers.command_line import Harness, call_in_process
from tests.helpers.suites import TINY


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Harness:
    """Run `harness WORDS...` and return its exit status and what it printed."""
    return partial(call_in_process, monkeypatch, capfd)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A suite file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return path
