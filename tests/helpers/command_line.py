"""The command `harness`, as tests call it: in this process, or in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from harness.cli.app import main

CODE = "import sys; sys.argv[0] = 'harness'\nfrom condensation_harness import main; main()"
COMMAND = [sys.executable, "-c", CODE]


class Answer(NamedTuple):
    """Exit status of a command, and what it printed."""

    status: int
    out: str
    err: str


Harness = Callable[..., Answer]


def call_in_process(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], *words: object
) -> Answer:
    """Run `harness WORDS...` in this process."""
    monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
    capfd.readouterr()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(SystemExit) as exit_:
        main()
    for number, handler in handlers.items():  # an interrupted command is deaf at its end
        signal.signal(number, handler)
    printed = capfd.readouterr()
    return Answer(int(exit_.value.code or 0), printed.out, printed.err)


def start(*words: object, **options: Any) -> "subprocess.Popen[str]":
    """Start `harness WORDS...` in a process of its own, whose output is read unless `options` of
    Popen say otherwise.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process: subprocess.Popen[str] = subprocess.Popen(
        [*COMMAND, *map(str, words)], **{**pipes, **options}
    )
    return process


def start_silently(*words: object, **options: Any) -> "subprocess.Popen[str]":
    """Start `harness WORDS...` in a process of its own, whose output nobody reads."""
    silence = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return start(*words, **{**silence, **options})


def wait_until(condition: Callable[[], object], seconds: float = 180) -> None:
    """Wait until a condition holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def read_sets(root: Path) -> dict[str, bytes]:
    """The bytes of every set of a run directory."""
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.safetensors")}


def is_alive(process: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
