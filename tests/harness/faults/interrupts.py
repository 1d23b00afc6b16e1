"""Interrupts every verb at many moments, goes on, and compares the end with that of an undisturbed
one.

python -m tests.harness.faults.interrupts [SIGNALS] [SEED] [VERB ...]: a line a signal; exit status
1 where a command answered late, with another status than 130, without the line that goes on or with
a traceback, left a process behind, or came to another end.
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.store.store import Store
from tests.helpers.command_line import start

STUCK = '''
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from condensers.methods.distribution_matching.dm import DM

@dataclass(frozen=True)
class Stuck(DM):
    """DM that asks nobody whether it should stop."""
    registered = "stuck"

    def condense(self, data: Any, budget: Any, context: Any) -> Any:
        (Path(__file__).parent / f"at-work-{context.seed}").touch()
        time.sleep(600)
        return DM.condense(self, data, budget, context)
'''
STUCK_SUITE = """
data = ["digits"]
seeds = 2
ipc = [1]

[[condensers]]
method = "{place}:Stuck"
label = "stuck"

[[scenarios]]
scenario = "accuracy"
references = []
"""
SMALL = '{ name = "convnet", depth = 2, width = 8 }'
SUITE = f"""
data = ["digits"]
seeds = 1
ipc = [1]

[[condensers]]
method = "k-means"

[[condensers]]
method = "dm"
iterations = 60
batch_real = 32
init = "k-means"
network = {SMALL}

[[scenarios]]
scenario = "accuracy"
network = {SMALL}
networks = 2
epochs = 40
full_epochs = 2

[[scenarios]]
scenario = "continual"
network = {SMALL}
orders = 1
strategies = ["replay"]

[[scenarios]]
scenario = "data-space"
networks = [{SMALL}]
epochs = 1
projections = ["pca"]

[[scenarios]]
scenario = "privacy"
network = {SMALL}
shadows = 6
images = 200
epochs = 20
full_epochs = 5
references = ["full-data"]
"""
SEARCH = """
data = ["digits"]
seeds = 1

[[scenarios]]
scenario = "search"
references = ["truth"]
architectures = 3
truth_epochs = 2
space = { name = "convnet-small", depths = [1], widths = [8] }
engine = ENGINE
"""
ENGINES = {"sequential": '"sequential"', "local": '{ name = "local", trials = 2 }'}
# seconds; what is at work has four to save, and a busy machine takes its time to end a process
LATE = 15.0
BEFORE = 0.6  # seconds in which Python itself starts, and signals are not ours yet


@dataclass(frozen=True)
class Verb:
    """words: what is typed, PLACE standing for a folder of this round. found: what counts, once it
    is done.
    """

    words: Sequence[str]
    found: Callable[[Path], object]


def left_behind(session: int) -> list[int]:
    """Processes of a session (of `start_new_session`) that are there and no zombies."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, own = (place / "stat").read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(own) == session and state != "Z":
            found.append(int(place.name))
    return found


def run_found(place: Path) -> object:
    """The sets and all figures but times."""
    _, records, failures = Store(place / "out").contents()
    assert not failures, failures
    sets = {p.parent.name: p.read_bytes() for p in (place / "out").glob("cells/*/set.safetensors")}
    figures = {
        (r["key"], m["metric"]): m["values"]
        for r in records
        for m in (r["outcome"] or {"measurements": []})["measurements"]
        if m["unit"] not in ("s", "J")
    }
    return sets, figures


def files_found(pattern: str) -> Callable[[Path], object]:
    def found(place: Path) -> object:
        return {
            str(p.relative_to(place)): p.read_bytes() for p in place.glob(pattern) if p.is_file()
        }

    return found


def table_found(place: Path) -> object:
    from scenarios.search.ground_truth import files

    rows = files.read_table(place / "table.json").rows
    return sorted((row["id"], row["seed"], row["test"]) for row in rows)


def verbs(shared: Path) -> dict[str, Verb]:
    """What is tried. shared: a folder that holds a finished run `done`, a set and the suites."""
    work = ["--checkpoint-seconds", "0", "--quiet"]

    def run(suite: str, workers: int) -> Verb:
        words = ["run", str(shared / suite), "--out", "PLACE/out", "--workers", str(workers), *work]
        return Verb(words, run_found)

    a_set = str(shared / "set.safetensors")
    dm = [
        "condense",
        "dm",
        "--data",
        "digits",
        "--ipc",
        "1",
        "--set",
        "iterations=60",
        "--set",
        f"network={SMALL}",
    ]
    truth = [
        "truth",
        "build",
        "convnet-small",
        "--data",
        "digits",
        "--architectures",
        "3",
        "--seeds",
        "1",
    ]
    return {
        "run": run("suite.toml", 2),
        "run-here": run("suite.toml", 1),
        "search": run("sequential.toml", 1),
        "search-local": run("local.toml", 1),
        "condense": Verb([*dm, "--out", "PLACE/a.safetensors"], files_found("a.safetensors")),
        "evaluate": Verb(
            ["evaluate", a_set, "--set", "epochs=60", "--set", "networks=2", "--json"],
            lambda place: None,
        ),
        "export": Verb(
            ["export", a_set, "--to", "png", "--force", "--out", "PLACE/png"],
            files_found("png/**/*"),
        ),
        "import": Verb(
            ["import", str(shared / "set.npz"), "--data", "digits", "--out", "PLACE/b.safetensors"],
            files_found("b.safetensors"),
        ),
        "report": Verb(
            ["report", str(shared / "done"), "--format", "md,csv,html", "--out", "PLACE/r"],
            files_found("r/*.csv"),
        ),
        "plan": Verb(
            ["plan", str(shared / "suite.toml"), "--out", "PLACE/out"], lambda place: None
        ),
        "truth": Verb(
            [*truth, "--set", "truth_epochs=2", "--workers", "2", "--out", "PLACE/table.json"],
            table_found,
        ),
    }


def start_verb(verb: Verb, folder: Path) -> "subprocess.Popen[str]":
    folder.mkdir(exist_ok=True)
    words = [word.replace("PLACE", str(folder)) for word in verb.words]
    return start(*words, stdout=subprocess.DEVNULL, start_new_session=True)


def finish(verb: Verb, place: Path) -> float:
    """Run to the end; the seconds it took."""
    begun = time.monotonic()
    process = start_verb(verb, place)
    _, err = process.communicate()
    assert process.returncode == 0, err
    return time.monotonic() - begun


def interrupt(verb: Verb, place: Path, after: float, kind: str) -> tuple[bool, list[str]]:
    """Whether the signal came in time, and what was wrong with the answer."""
    process = start_verb(verb, place)
    try:
        process.communicate(timeout=after)
        return False, []
    except subprocess.TimeoutExpired:
        begun = time.monotonic()
    for _ in range(2 if kind == "two Ctrl-C" else 1):
        if process.poll() is None:
            # In a terminal Ctrl-C goes to all processes of the group.
            number = signal.SIGTERM if kind == "SIGTERM" else signal.SIGINT
            (os.kill if kind == "SIGTERM" else os.killpg)(process.pid, number)
            time.sleep(0.2)
    try:
        _, err = process.communicate(timeout=4 * LATE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return True, ["it did not end"]
    return True, wrong_of(process, err, time.monotonic() - begun)


def wrong_of(process: "subprocess.Popen[str]", err: str, seconds: float) -> list[str]:
    """What is wrong with the end of a command that was asked to stop; one that was done by then may
    say so.
    """
    wrong = []
    if process.returncode not in (0, 130):
        wrong.append(f"status {process.returncode}")
    if process.returncode == 130 and "go on with:\nharness " not in err:
        wrong.append("no line that goes on")
    if "Traceback" in err or "Exception ignored" in err:
        wrong.append("a traceback")
    if seconds > LATE:
        wrong.append(f"it took {seconds:.1f} s")
    latest = time.monotonic() + LATE
    while left_behind(process.pid) and time.monotonic() < latest:
        time.sleep(0.1)
    if left_behind(process.pid):
        wrong.append(f"processes {left_behind(process.pid)} are left")
    return wrong + ([err[-2000:]] if wrong else [])


def prepare(shared: Path, with_run: bool) -> None:
    """The suites, a set in two forms, and where it is wanted a finished run."""
    (shared / "suite.toml").write_text(SUITE)
    for name, engine in ENGINES.items():
        (shared / f"{name}.toml").write_text(SEARCH.replace("ENGINE", engine))
    commands = [
        ["condense", "random", "--data", "digits", "--ipc", "2", "--out", "PLACE/set.safetensors"],
        ["export", "PLACE/set.safetensors", "--to", "npz", "--out", "PLACE/set.npz"],
        ["run", "PLACE/suite.toml", "--out", "PLACE/done", "--workers", "2", "--quiet"],
    ]
    for words in commands if with_run else commands[:2]:
        finish(Verb(words, lambda place: None), shared)


def main(signals: int, seed: int, wanted: Sequence[str]) -> int:
    dice, faults = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as folder:
        shared = Path(folder)
        prepare(shared, not wanted or "report" in wanted)
        for name, verb in verbs(shared).items():
            if wanted and name not in wanted:
                continue
            seconds = finish(verb, shared / f"{name}-whole")
            again = shared / f"{name}-again"
            for turn in range(signals):
                after = dice.uniform(BEFORE, seconds)
                kind = ("Ctrl-C", "SIGTERM", "two Ctrl-C")[turn % 3]
                came, wrong = interrupt(verb, again, after, kind)
                faults += bool(wrong)
                said = "; ".join(wrong) or ("fine" if came else "it was done before")
                print(f"{name}: {kind} after {after:.1f} of {seconds:.1f} s: {said}", flush=True)
            finish(verb, again)
            same = verb.found(again) == verb.found(shared / f"{name}-whole")
            faults += not same
            print(
                f"{name}: {'equal to' if same else 'DIFFERS from'} the undisturbed one", flush=True
            )
    print(f"{faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    count, first = [*map(int, sys.argv[1:3]), *(6, 0)[len(sys.argv[1:3]) :]]
    sys.exit(main(count, first, sys.argv[3:]))
