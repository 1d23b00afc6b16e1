"""A run that was stopped, or killed, and taken up again gives the same bytes as one that was not."""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.artifact import save_set
from condensers.context import Context, Progress
from condensers.data import ClassData
from condensers.errors import Interrupted
from condensers.registry import create_condenser
from condensers.synthetic import Budget, SyntheticSet

CHECKPOINT = "checkpoint.pt"
IPC = 3
BATCH_NORM = {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}
CASES = [
    pytest.param("dc", {"iterations": 3, "outer": 3, "inner": 2}, 9, (1, 4, 6), id="dc"),
    pytest.param("dc", {"iterations": 3, "outer": 3, "inner": 2, "network": BATCH_NORM}, 9, (2,), id="dc-batch-norm"),
    pytest.param("dsa", {"iterations": 2, "outer": 3, "inner": 2}, 6, (2, 5), id="dsa"),
    pytest.param("dm", {"iterations": 5}, 5, (0, 3), id="dm"),
]


def spec(tiny: Callable[[str], dict[str, Any]], name: str, settings: dict[str, Any]) -> dict[str, Any]:
    return tiny(name) | settings


def stopping_after(steps: int, folder: Path) -> Context:
    done: list[Progress] = []
    return Context(seed=4, folder=folder, progress=done.append, stop=lambda: len(done) >= steps, checkpoint_seconds=1e9)


@pytest.mark.parametrize(("name", "settings", "total", "stops"), CASES)
def test_interrupted_and_resumed_equals_uninterrupted(
    name: str,
    settings: dict[str, Any],
    total: int,
    stops: tuple[int, ...],
    grey8: ClassData,
    tiny: Callable[[str], dict[str, Any]],
    file_bytes: Callable[[SyntheticSet], bytes],
    tmp_path: Path,
) -> None:
    condenser = create_condenser(spec(tiny, name, settings))
    wanted = file_bytes(condenser.condense(grey8, Budget(ipc=IPC), Context(seed=4)))
    for stop in stops:
        folder = tmp_path / str(stop)
        with pytest.raises(Interrupted, match=f"{name}: stopped at step {stop} of {total}"):
            condenser.condense(grey8, Budget(ipc=IPC), stopping_after(stop, folder))
        assert (folder / CHECKPOINT).exists()
        seen: list[Progress] = []
        resumed = condenser.condense(grey8, Budget(ipc=IPC), Context(seed=4, folder=folder, progress=seen.append))
        assert [event.done for event in seen] == list(range(stop + 1, total + 1))
        assert file_bytes(resumed) == wanted
        assert not list(folder.iterdir())


def test_stopped_twice_in_a_row(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], file_bytes: Callable[[SyntheticSet], bytes], tmp_path: Path
) -> None:
    condenser = create_condenser(tiny("dm") | {"iterations": 6})
    for _ in range(2):
        with pytest.raises(Interrupted):
            condenser.condense(grey8, Budget(ipc=2), stopping_after(2, tmp_path))
    resumed = condenser.condense(grey8, Budget(ipc=2), Context(seed=4, folder=tmp_path))
    assert file_bytes(resumed) == file_bytes(condenser.condense(grey8, Budget(ipc=2), Context(seed=4)))


def test_the_deadline_stops_a_run(grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    context = Context(folder=tmp_path, deadline=time.monotonic() - 1)
    with pytest.raises(Interrupted, match="stopped at step 0 of 2"):
        create_condenser(tiny("dm")).condense(grey8, Budget(ipc=1), context)


def test_the_seconds_of_all_parts_are_counted(grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path) -> None:
    condenser = create_condenser(tiny("dm"))
    with pytest.raises(Interrupted):
        condenser.condense(grey8, Budget(ipc=1), stopping_after(1, tmp_path))
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    torch.save(state | {"seconds": 1000.0}, tmp_path / CHECKPOINT)
    resumed = condenser.condense(grey8, Budget(ipc=1), Context(seed=4, folder=tmp_path))
    assert 1000 < resumed.cost["seconds"] < 1100


KILLED = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    import torch
    from condensers.context import Context
    from condensers.data import ClassData
    from condensers.registry import create_condenser
    from condensers.synthetic import Budget
    folder, spec, parts = torch.load(sys.argv[1])
    context = Context(seed=4, folder=Path(folder), progress=lambda _: time.sleep(0.05), checkpoint_seconds=0)
    create_condenser(spec).condense(ClassData(**parts), Budget(ipc=2), context)
""")


def test_killed_in_the_middle_and_resumed_equals_uninterrupted(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    folder, settings = tmp_path / "run", tiny("dm") | {"iterations": 60}
    names = ("name", "images", "labels", "class_names", "mean", "std", "mirror", "licence")
    torch.save((str(folder), settings, {name: getattr(grey8, name) for name in names}), tmp_path / "work.pt")
    root = Path(__file__).parents[2]
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "work.pt")], cwd=root, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (folder / CHECKPOINT).exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.4)
    child.kill()
    _, errors = child.communicate()
    assert child.returncode == -signal.SIGKILL, errors.decode()

    seen: list[Progress] = []
    condenser = create_condenser(settings)
    resumed = condenser.condense(grey8, Budget(ipc=2), Context(seed=4, folder=folder, progress=seen.append))
    assert 1 < seen[0].done < 60
    save_set(resumed, tmp_path / "resumed.safetensors")
    save_set(condenser.condense(grey8, Budget(ipc=2), Context(seed=4)), tmp_path / "whole.safetensors")
    assert (tmp_path / "resumed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
