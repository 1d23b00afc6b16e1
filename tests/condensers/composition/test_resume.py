"""A run that was stopped, or killed, and taken up again gives the same bytes as one that was
not.
"""

import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted
from condensers.registry.registry import create_condenser
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet

CHECKPOINT = "checkpoint.pt"
IPC = 3
BATCH_NORM = {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}
TRAINED = {"name": "trained-on-synthetic", "outer": 3, "inner": 2}
REAL_TRAINED = {"name": "trained-on-real", "inner": 3, "n_data": 16, "batch": 8}
CLUSTERED = {"name": "k-means", "interval": 2}
CACHED = {"name": "cached", "networks": 2, "real": "batch", "order": "random"}
REUSED = {"name": "trained-on-synthetic", "outer": 6, "inner": 1, "reuse": 2}
STOP = {
    "name": "validation",
    "every": 2,
    "images": 5,
    "steps": 3,
    "network": {"name": "mlp", "width": 8},
}
PROBABILITIES = {"name": "learned", "form": "probabilities"}
CASES = [
    pytest.param("dc", {"iterations": 3, "model_schedule": TRAINED}, 9, (1, 4, 6), id="dc"),
    pytest.param(
        "dc",
        {"iterations": 3, "model_schedule": TRAINED, "network": BATCH_NORM},
        9,
        (2,),
        id="dc-batch-norm",
    ),
    pytest.param("dsa", {"iterations": 2, "model_schedule": TRAINED}, 6, (2, 5), id="dsa"),
    pytest.param("dm", {"iterations": 5}, 5, (0, 3), id="dm"),
    pytest.param("dm", {"iterations": 4, "regularisers": ["simclr"]}, 4, (1, 3), id="dm-simclr"),
    pytest.param("kfs", {"iterations": 5}, 5, (1, 4), id="kfs"),
    pytest.param("fred", {"iterations": 4}, 4, (1, 3), id="fred"),
    pytest.param("ddif", {"iterations": 4}, 4, (1, 3), id="ddif"),
    pytest.param("haba", {"iterations": 4}, 4, (1, 3), id="haba"),
    pytest.param("kip", {"iterations": 4, "labels": "learned"}, 4, (1, 3), id="kip"),
    pytest.param("rfad", {"iterations": 4}, 4, (2,), id="rfad"),
    pytest.param("frepo", {"iterations": 9}, 9, (1, 4, 7), id="frepo"),
    pytest.param("dd", {"iterations": 4}, 4, (0, 1, 3), id="dd"),
    pytest.param("mtt", {"iterations": 4}, 4, (1, 3), id="mtt"),
    pytest.param(
        "tesla",
        {"iterations": 4, "network": BATCH_NORM, "labels": PROBABILITIES},
        4,
        (2,),
        id="tesla",
    ),
    pytest.param("datadam", {"iterations": 3}, 3, (1,), id="datadam"),
    pytest.param(
        "m3d",
        {"iterations": 4, "model_schedule": {"name": "fresh", "every": 2}},
        4,
        (1, 2),
        id="m3d-every",
    ),
    pytest.param("ncfm", {"iterations": 3}, 3, (1,), id="ncfm"),
    pytest.param("datm", {"iterations": 3}, 3, (1,), id="datm"),
    pytest.param("pad", {"iterations": 3}, 3, (2,), id="pad"),
    pytest.param("dcc", {"iterations": 2, "model_schedule": TRAINED}, 6, (1, 4), id="dcc"),
    pytest.param(
        "idc", {"iterations": 3, "model_schedule": REAL_TRAINED}, 9, (0, 2, 3, 7), id="idc"
    ),
    pytest.param(
        "idc",
        {"iterations": 1, "model_schedule": REAL_TRAINED, "network": BATCH_NORM},
        3,
        (1,),
        id="idc-batch-norm",
    ),
    pytest.param(
        "dream",
        {"iterations": 3, "model_schedule": REAL_TRAINED, "sampler": CLUSTERED},
        9,
        (1, 4),
        id="dream",
    ),
    pytest.param("cafe", {"iterations": 6}, 6, (1, 2, 5), id="cafe"),
    pytest.param("idm", {"iterations": 6}, 6, (1, 3, 4), id="idm"),
    pytest.param(
        "dm",
        {"iterations": 7, "model_schedule": {"name": "fresh", "reuse": 3}},
        7,
        (0, 1, 3, 5),
        id="dm-reuse",
    ),
    pytest.param(
        "dm",
        {"iterations": 6, "model_schedule": CACHED, "sampler": "stratified"},
        6,
        (1, 3, 5),
        id="dm-cached",
    ),
    pytest.param(
        "dm",
        {"iterations": 5, "model_schedule": {"name": "cached", "networks": 2}},
        5,
        (1, 3),
        id="dm-cached-classes",
    ),
    pytest.param(
        "dsa", {"iterations": 1, "model_schedule": REUSED}, 6, (1, 2, 3, 5), id="dsa-reuse"
    ),
    pytest.param("dm", {"iterations": 6, "stop": STOP}, 6, (1, 2, 3, 5), id="dm-stop"),
    pytest.param("forgetting", {"epochs": 3, "batch": 50}, 16, (0, 5, 14), id="forgetting"),
    pytest.param("el2n", {"epochs": 1, "networks": 2, "batch": 50}, 16, (2, 6, 8, 11), id="el2n"),
    pytest.param("grand", {"networks": 2, "batch": 50}, 8, (3, 4), id="grand"),
    pytest.param("margin", {"epochs": 2, "batch": 50}, 12, (1, 10), id="margin"),
]


def spec(
    tiny: Callable[[str], dict[str, Any]], name: str, settings: dict[str, Any]
) -> dict[str, Any]:
    return tiny(name) | settings


def stages_before(events: list[Progress], name: str) -> set[str]:
    """The names of what is done before the first step of the work called `name`."""
    first = next(index for index, event in enumerate(events) if event.name == name)
    return {event.name for event in events[:first]}


def stopping_after(
    steps: int, folder: Path, name: str = "dm", stages: Collection[str] = ()
) -> Context:
    """Stops after so many steps of the work called `name`; the `stages` before them, such as
    experts, run to their end.
    """
    seen: list[Progress] = []

    def stop() -> bool:
        finished = {event.name for event in seen if event.done == event.total}
        return sum(event.name == name for event in seen) >= steps and finished >= set(stages)

    return Context(seed=4, folder=folder, progress=seen.append, stop=stop, checkpoint_seconds=1e9)


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
    whole: list[Progress] = []
    wanted = file_bytes(
        condenser.condense(grey8, Budget(ipc=IPC), Context(seed=4, progress=whole.append))
    )
    stages = stages_before(whole, name)
    for stop in stops:
        folder = tmp_path / str(stop)
        with pytest.raises(Interrupted, match=f"{name}: stopped at step {stop} of {total}"):
            condenser.condense(grey8, Budget(ipc=IPC), stopping_after(stop, folder, name, stages))
        assert (folder / CHECKPOINT).exists()
        seen: list[Progress] = []
        resumed = condenser.condense(
            grey8, Budget(ipc=IPC), Context(seed=4, folder=folder, progress=seen.append)
        )
        assert [event.done for event in seen if event.name == name] == list(
            range(stop + 1, total + 1)
        )
        assert file_bytes(resumed) == wanted
        assert not list(folder.iterdir())


def test_stopped_twice_in_a_row(
    grey8: ClassData,
    tiny: Callable[[str], dict[str, Any]],
    file_bytes: Callable[[SyntheticSet], bytes],
    tmp_path: Path,
) -> None:
    condenser = create_condenser(tiny("dm") | {"iterations": 6})
    for _ in range(2):
        with pytest.raises(Interrupted):
            condenser.condense(grey8, Budget(ipc=2), stopping_after(2, tmp_path))
    resumed = condenser.condense(grey8, Budget(ipc=2), Context(seed=4, folder=tmp_path))
    assert file_bytes(resumed) == file_bytes(
        condenser.condense(grey8, Budget(ipc=2), Context(seed=4))
    )


def test_the_deadline_stops_a_run(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    context = Context(folder=tmp_path, deadline=time.monotonic() - 1)
    with pytest.raises(Interrupted, match="starting images: stopped after 0 of 10"):
        create_condenser(tiny("dm")).condense(grey8, Budget(ipc=1), context)


def test_the_seconds_of_all_parts_are_counted(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
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
    from condensers.engine.context import Context
    from condensers.data import ClassData
    from condensers.registry.registry import create_condenser
    from condensers.sets.synthetic_set import Budget
    folder, spec, parts = torch.load(sys.argv[1])
    slow = lambda _: time.sleep(0.05)
    context = Context(seed=4, folder=Path(folder), progress=slow, checkpoint_seconds=0)
    create_condenser(spec).condense(ClassData(**parts), Budget(ipc=2), context)
""")


def test_killed_in_the_middle_and_resumed_equals_uninterrupted(
    grey8: ClassData, tiny: Callable[[str], dict[str, Any]], tmp_path: Path
) -> None:
    folder, settings = tmp_path / "run", tiny("dm") | {"iterations": 60}
    names = ("name", "images", "labels", "class_names", "mean", "std", "mirror", "licence")
    torch.save(
        (str(folder), settings, {name: getattr(grey8, name) for name in names}),
        tmp_path / "work.pt",
    )
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "work.pt")], cwd=root, stderr=subprocess.PIPE
    )
    until = time.monotonic() + 60
    while not (folder / CHECKPOINT).exists() and child.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.4)
    child.kill()
    _, errors = child.communicate()
    assert child.returncode == -signal.SIGKILL, errors.decode()

    seen: list[Progress] = []
    condenser = create_condenser(settings)
    resumed = condenser.condense(
        grey8, Budget(ipc=2), Context(seed=4, folder=folder, progress=seen.append)
    )
    assert 1 < next(event.done for event in seen if event.name == "dm") < 60
    save_set(resumed, tmp_path / "resumed.safetensors")
    save_set(
        condenser.condense(grey8, Budget(ipc=2), Context(seed=4)), tmp_path / "whole.safetensors"
    )
    assert (tmp_path / "resumed.safetensors").read_bytes() == (
        tmp_path / "whole.safetensors"
    ).read_bytes()
