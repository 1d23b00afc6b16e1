"""Ctrl-C and SIGTERM wherever a command is: it ends soon, with 130 and the line that goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.faults.interrupts import STUCK, STUCK_SUITE, left_behind
from tests.helpers.command_line import start, wait_until

GUARDED = """
import sys, time
from harness.process import Stopped, raise_on_signals
sys.argv = ["harness", "report", "x"]
try:
    with raise_on_signals() as asked:
        try:
            print("ready", flush=True)
            time.sleep(60)
        except BaseException:
            print("swallowed", flush=True)  # as a library does in a callback
        time.sleep(60)
except Stopped:
    print("stopped", asked.is_set(), flush=True)
"""
AT_WORK = """
import threading, time
from harness.process import Stopped, stop_on_signals
flag = threading.Event()
try:
    with stop_on_signals(flag, grace=0.5):
        print("ready", flush=True)
        while not flag.is_set():
            time.sleep(0.01)
        print("asked", flush=True)
        time.sleep(60)
except Stopped:
    print("stopped", flush=True)
"""


def begin(code: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_that_a_library_swallows_comes_again(number: int) -> None:
    process = begin(GUARDED)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "swallowed\nstopped True\n", "")


def test_what_hears_no_wish_to_stop_is_stopped(tmp_path: Path) -> None:
    process = begin(AT_WORK)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[0] == "asked\nstopped\n"


def test_a_second_ctrl_c_ends_at_once_with_the_line_that_goes_on() -> None:
    process = begin(GUARDED.replace("sys.argv =", "sys.argv[:] ="))
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None and process.stdout.readline() == "swallowed\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "\ninterrupted: go on with:\nharness report x\n")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_signal_during_the_imports_is_130_and_one_line(tmp_path: Path, number: int) -> None:
    words = ["plan", "demo", "--out", str(tmp_path / "out")]
    process = start(*words, stdout=None)
    maps = Path(f"/proc/{process.pid}/maps")
    wait_until(lambda: "libtorch" in maps.read_text())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    wanted = f"interrupted: go on with:\nharness plan demo --out {tmp_path / 'out'}\n"
    assert (process.returncode, err) == (130, wanted)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_cell_that_hears_nothing_does_not_keep_the_run(tmp_path: Path) -> None:
    plugin, suite, out = tmp_path / "stuck.py", tmp_path / "stuck.toml", tmp_path / "out"
    plugin.write_text(STUCK, encoding="utf-8")
    suite.write_text(STUCK_SUITE.format(place=plugin), encoding="utf-8")
    words = ["run", str(suite), "--out", str(out), "--workers", "2", "--quiet"]
    process = start(*words, stdout=None, start_new_session=True)
    wait_until(lambda: list(tmp_path.glob("at-work-*")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"go on with:\nharness run {suite} --out {out}" in err and "Traceback" not in err
    wait_until(lambda: not left_behind(process.pid), 20)
