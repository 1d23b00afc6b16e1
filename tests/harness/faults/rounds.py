"""Kills the command, or one of its workers, at a random moment, goes on, and compares the end with
that of an undisturbed run.

python -m tests.harness.faults.rounds [KILLS] [SEED]: a line a kill; exit status 1 where any byte of
a set or any figure differs.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.store.store import Store
from tests.helpers.command_line import start_silently

SUITE = """
data = ["digits"]
seeds = 2
ipc = [1]

[[condensers]]
method = "random"

[[condensers]]
method = "dm"
iterations = 200
batch_real = 32
network = { name = "convnet", depth = 2, width = 16 }

[[scenarios]]
scenario = "accuracy"
references = []
network = { name = "convnet", depth = 2, width = 16 }
networks = 2
epochs = 100
"""
# seconds after the first cell has begun, or went on, at which a command or a worker is killed
LATEST = 6.0


def begin(suite: Path, out: Path, workers: int) -> "subprocess.Popen[str]":
    words = ["--workers", workers, "--checkpoint-seconds", 0, "--quiet"]
    return start_silently("run", suite, "--out", out, *words)


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """Ids of its worker processes that are there."""
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return [
            int(pid)
            for pid in children
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
    return []


def is_at_work(out: Path, since: float) -> bool:
    """Whether a cell was claimed since then."""
    with contextlib.suppress(OSError):
        return any(lock.stat().st_mtime >= since for lock in out.glob("cells/*/.lock"))
    return False


def strike(process: "subprocess.Popen[str]", target: str, dice: random.Random) -> bool:
    """Kill what is to be killed; False where it was not there."""
    if process.poll() is not None:
        return False
    if target == "command":
        process.kill()
        process.wait()
        return True
    with contextlib.suppress(OSError):
        alive = workers_of(process)
        if alive:
            os.kill(dice.choice(alive), signal.SIGKILL)
            return True
    return False


def found(out: Path) -> dict[str, object]:
    """Every set's bytes and every figure."""
    sets: dict[str, object] = {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.glob("cells/*/set.safetensors")
    }
    return sets | {
        r["key"]: r["outcome"] and r["outcome"]["measurements"] for r in Store(out).contents()[1]
    }


def main(kills: int, seed: int) -> int:
    dice, struck, wrong = random.Random(seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        suite, whole = Path(folder) / "rounds.toml", Path(folder) / "whole"
        suite.write_text(SUITE)
        assert begin(suite, whole, 1).wait() == 0
        turn = 0
        while sum(struck.values()) < kills:
            turn, out = turn + 1, Path(folder) / f"run-{turn}"
            status = None
            while status != 0:
                since = time.time()
                process, target, moment = (
                    begin(suite, out, 2),
                    dice.choice(("command", "worker")),
                    dice.uniform(0, LATEST),
                )
                while process.poll() is None and not is_at_work(out, since):
                    time.sleep(0.02)
                time.sleep(moment)
                if sum(struck.values()) < kills and strike(process, target, dice):
                    struck[target] += 1
                    done = len(list(out.glob("cells/*/record.json")))
                    print(
                        f"kill {sum(struck.values()):>3}: {target:<7} after {moment:4.1f} s, {done}"
                        " of 8 cells done",
                        flush=True,
                    )
                status = process.wait()
                assert status in (0, -signal.SIGKILL), f"run {turn} ended with {status}"
            same = found(out) == found(whole)
            wrong += not same
            print(
                f"run {turn}: {'equal to' if same else 'DIFFERS from'} the undisturbed one",
                flush=True,
            )
    print(
        f"{struck['command']} commands and {struck['worker']} workers killed, {turn} runs, {wrong}"
        " of them differ"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    wanted, seed_of_all = [*map(int, sys.argv[1:]), *(50, 0)[len(sys.argv) - 1 :]]
    sys.exit(main(wanted, seed_of_all))
