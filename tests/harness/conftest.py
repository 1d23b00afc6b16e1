"""The command line in this process, and a suite that runs in seconds."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from harness.cli.app import main

TINY = """
about = "seconds"
data = ["digits"]
seeds = 2
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "dm"
iterations = 3
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }

[[scenarios]]
scenario = "accuracy"
network = { name = "convnet", depth = 2, width = 8 }
networks = 1
epochs = 2
full_epochs = 1
"""


class Answer(NamedTuple):
    status: int
    out: str
    err: str


Harness = Callable[..., Answer]


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Harness:
    """Run `harness WORDS...` and return its exit status and what it printed."""

    def call(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        capfd.readouterr()
        heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        with pytest.raises(SystemExit) as exit_:
            main()
        for number, handler in heard.items():  # an interrupted command is deaf at its end
            signal.signal(number, handler)
        printed = capfd.readouterr()
        return Answer(int(exit_.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A suite file."""
    path = tmp_path / "tiny.toml"
    path.write_text(TINY, encoding="utf-8")
    return path
