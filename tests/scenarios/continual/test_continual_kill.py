"""kill -9: what was killed between experiences, within one, or at any time goes on as if it had not
been.
"""

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from condensers.engine.context import Context
from condensers.engine.files import read_state
from condensers.networks.convnet import ConvNetSpec
from scenarios.continual.scenario import Continual

SMALL = Continual(
    orders=1,
    network=ConvNetSpec(depth=1, width=8),
    batch=8,
    batch_size_mem=8,
    lr=0.05,
    stream_augmentation="dsa",
    evaluate_every=2,
)
STRATEGIES = {"replay": "replay", "gdumb": {"name": "gdumb", "epochs": 3, "batch": 8}}
WHERE = ("between", "within", "any time")

# One process imports everything and forks a child for each case; a child has one thread, so that
# forking is safe.
SCRIPT = """
import os, pickle, signal, sys, time
from pathlib import Path
import torch
import scenarios.continual.stream_run, scenarios.continual.memory.buffer
import scenarios.continual.memory.replay, scenarios.continual.trial
from condensers.engine.context import Context

torch.set_num_threads(1)

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

def child(scenario, subject, data, folder, where):
    done, asked = [0], [0]
    def progress(event):
        if "experience" not in event.name:
            done[0] = event.done
        if where == "between" and done[0] == 2:
            kill()
    def stop():
        asked[0] += done[0] >= 2
        if where == "within" and asked[0] > 5:
            kill()
        if where == "any time":
            time.sleep(0.02)
        return False
    lent = Context(seed=2, folder=folder, progress=progress, stop=stop, checkpoint_seconds=0.0)
    scenario.run(subject, data, lent)
    os._exit(3)

def await_writes(folder, wanted):
    seen = set()
    while len(seen) < wanted:
        for path in folder.rglob("*.pt"):
            try:
                seen.add((path.name, path.parent.name, path.stat().st_mtime_ns))
            except FileNotFoundError:
                pass
        time.sleep(0.001)

for scenario, subject, data, folder, where in pickle.loads(Path(sys.argv[1]).read_bytes()):
    folder.mkdir(parents=True)
    pid = os.fork()
    if not pid:
        try:
            child(scenario, subject, data, folder, where)
        finally:
            os._exit(4)
    if where == "any time":
        await_writes(folder, 9)
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (where, status)
"""


@pytest.fixture(scope="module")
def killed(splits, memory_of, tmp_path_factory) -> Path:
    """A folder with what each killed run left behind, under the strategy's name and where it was
    killed.
    """
    root, subject = tmp_path_factory.mktemp("killed"), memory_of(splits.train, 3)
    cases = [
        (replace(SMALL, strategies=(spec,)), subject, splits, root / name / where, where)
        for name, spec in STRATEGIES.items()
        for where in WHERE
    ]
    (root / "cases").write_bytes(pickle.dumps(cases))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, root / "cases"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return root


def without_times(outcome):
    return {**outcome.as_json(), "costs": outcome.costs["images"]}


@pytest.fixture(scope="module")
def uninterrupted(splits, memory_of):
    return {
        name: without_times(
            replace(SMALL, strategies=(spec,)).run(
                memory_of(splits.train, 3), splits, Context(seed=2)
            )
        )
        for name, spec in STRATEGIES.items()
    }


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    splits, memory_of, killed, uninterrupted, name, where
):
    folder = killed / name / where
    if where != "any time" and name == "replay":
        (path,) = folder.rglob("state.pt")
        state = read_state(path, Context().device)
        assert (state["index"], state["minibatch"] > 0) == (2, where == "within")
    elif where != "any time":
        assert len(list(folder.rglob("found.json"))) == 2
        assert len(list(folder.rglob("checkpoint.pt"))) == (0 if where == "between" else 1)
    else:
        assert list(folder.rglob("*.pt")) or list(folder.rglob("found.json"))
    assert not list(folder.rglob("result.json"))
    begun: list[str] = []
    context = Context(
        seed=2, folder=folder, progress=lambda event: begun.append(f"{event.name} {event.done}")
    )
    resumed = replace(SMALL, strategies=(STRATEGIES[name],)).run(
        memory_of(splits.train, 3), splits, context
    )
    assert without_times(resumed) == uninterrupted[name]
    assert f"continual order 0 {name} 5" in begun
    if where != "any time":
        assert (
            "continual order 0 replay 1" not in begun
            and "continual order 0 gdumb experience 0 1" not in begun
        )
