"""A search that is killed goes on where it stopped, and leaves no process behind."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from condensers.engine.files import read_memo
from tests.helpers.command_line import start_silently

SUITE = """
data = ["digits"]
seeds = 1

[[scenarios]]
scenario = "search"
references = ["truth"]
architectures = 3
truth_epochs = {epochs}
space = {{ name = "convnet-small", depths = [1], widths = [8] }}
engine = {engine}
"""
SEQUENTIAL, LOCAL = '"sequential"', '{ name = "local", trials = 2 }'


def start(folder: Path, engine: str, epochs: int) -> "subprocess.Popen[str]":
    suite = folder / "suite.toml"
    suite.write_text(SUITE.format(engine=engine, epochs=epochs))
    words = [
        "run",
        str(suite),
        "--out",
        str(folder / "out"),
        "--workers",
        "1",
        "--checkpoint-seconds",
        "0.1",
    ]
    return start_silently(*words)


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def finished(folder: Path) -> dict[str, Any]:
    """Id -> what is kept of the architectures whose training has ended, while the search has
    not.
    """
    found = folder.glob("out/cells/*/unfinished/**/architecture-*/result.json")
    return {path.parent.name.removeprefix("architecture-"): read_memo(path) for path in found}


def rows(folder: Path) -> dict[str, Any]:
    """Id -> row of the finished search."""
    (path,) = folder.glob("out/cells/*/record.json")
    detail = json.loads(path.read_text())["outcome"]["detail"]
    assert not detail["failures"]
    return {row["id"]: row for row in detail["architectures"]}


def scores(folder: Path) -> dict[str, tuple[float, float]]:
    return {name: (row["test"], row["validation"]) for name, row in rows(folder).items()}


def processes(folder: Path) -> list[str]:
    """The processes that have to do with `folder`, by their words or their working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, place = (process / "cmdline").read_bytes().decode(), os.readlink(process / "cwd")
        except OSError:
            continue
        if str(folder) in words + place:
            found.append(f"{process.name} {words}")
    return found


def service(folder: Path) -> bool:
    """Whether NNI's server is up."""
    return any("nni_node" in words for words in processes(folder))


def kill(folder: Path, process: "subprocess.Popen[str]", number: int) -> dict[str, Any]:
    """Kill the run and wait until all that it started is gone; what was finished by then."""
    process.send_signal(number)
    assert process.wait(60) == (130 if number == signal.SIGTERM else -number)
    until(lambda: not processes(folder), 30)
    assert not list(folder.glob("out/cells/*/record.json")), "it was killed before its end"
    return finished(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(folder, SEQUENTIAL, 40).wait(120) == 0
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_search_goes_on(number: int, whole: Path, tmp_path: Path) -> None:
    process = start(tmp_path, SEQUENTIAL, 40)
    until(lambda: len(finished(tmp_path)) >= 2)
    kept = kill(tmp_path, process, number)
    assert start(tmp_path, SEQUENTIAL, 40).wait(120) == 0
    again = rows(tmp_path)
    assert kept and {name: again[name]["seconds"] for name in kept} == {
        name: row["seconds"] for name, row in kept.items()
    }
    assert scores(tmp_path) == scores(whole)


@pytest.mark.timeout(600)  # NNI starts three times, and every trial imports torch
def test_so_does_one_whose_trials_are_processes(whole: Path, tmp_path: Path) -> None:
    stopped: dict[int, dict[str, Any]] = {}
    for number, enough in ((signal.SIGTERM, 0), (signal.SIGKILL, 1)):
        process = start(tmp_path, LOCAL, 40)
        until(lambda enough=enough: service(tmp_path) and len(finished(tmp_path)) >= enough)
        stopped[number] = kill(tmp_path, process, number)
    assert start(tmp_path, LOCAL, 40).wait(240) == 0
    again, kept = rows(tmp_path), stopped[signal.SIGKILL]
    assert {name: again[name]["seconds"] for name in kept} == {
        name: row["seconds"] for name, row in kept.items()
    }
    assert scores(tmp_path) == scores(whole)
