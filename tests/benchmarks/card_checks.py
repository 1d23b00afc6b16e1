"""What must be right on a graphics card: each check gives figures, or raises."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from helpers.tiny import tiny_spec
from torch import Tensor

from benchmarks.case import Case
from condensers.composition import matching_loop
from condensers.engine.capture import Captures
from condensers.engine.context import Context
from condensers.engine.determinism import deterministic
from condensers.registry.registry import METHODS, create_condenser
from condensers.sets.synthetic_set import Budget

RECORDED = ("dc", "dsa", "idc", "mtt", "tesla", "frepo")
FAR = 1e-2  # relative, of what few steps learn; kernels of a card and of a processor round apart


def small(case: Case) -> Case:
    """A case in which every method takes a second or less."""
    return Case(
        classes=3, per_class=20, side=16, channels=3, ipc=2, batch_real=8, device=case.device
    )


@contextmanager
def eager() -> Iterator[None]:
    """Within, no step is recorded."""
    off = mock.patch.object(matching_loop, "captures_of", lambda _: Captures(None, "switched off"))
    with off:
        yield


def moved(name: str, case: Case, steps: int = 2) -> tuple[Tensor, str]:
    """How far a method's first steps move its images, and how the steps were taken."""
    data = case.train()
    context = Context(seed=1, device=data.device)
    loop = create_condenser(_spec(name)).begin(data, case.ipc, context)
    start = loop.set.images().detach().clone()
    with deterministic(data.device):
        for index in range(steps):
            loop.step(index)
    return (loop.set.images().detach() - start).double().cpu(), loop.captures.describe()


def _spec(name: str) -> dict[str, Any]:
    spec = tiny_spec(name)
    if name == "mtt":  # the way back that is recorded; the other rounds otherwise
        spec["objective"] = spec["objective"] | {"reverse": "recomputed"}
    if name == "frepo":  # its default
        spec["network"] = spec["network"] | {"norm": "batch"}
    return spec


def distance(a: Tensor, b: Tensor) -> float:
    """Relative."""
    return float((a - b).norm() / b.norm().clamp_min(1e-12))


def check_methods(case: Case, seconds: float) -> dict[str, Any]:
    """Every method makes a set, twice the same bytes."""
    found, case = {}, small(case)
    data = case.train()
    for name in METHODS.entries():
        digests = []
        for _ in range(2):
            made = create_condenser(tiny_spec(name)).condense(
                data, Budget(ipc=case.ipc), Context(seed=0, device=data.device)
            )
            sha = hashlib.sha256()
            for key in sorted(made.tensors):
                sha.update(made.tensors[key].cpu().contiguous().numpy().tobytes())
            digests.append(sha.hexdigest()[:16])
        steps = made.card.get("steps", "eager (no graphics card)")
        found[name] = {"same bytes": digests[0] == digests[1], "steps": steps}
    differing = [name for name, row in found.items() if not row["same bytes"]]
    return {"methods": found, "of the same seed other bytes": differing}


def check_captures(case: Case, seconds: float) -> dict[str, Any]:
    """Recorded steps are the eager ones."""
    found = {}
    for name in RECORDED:
        recorded, how = moved(name, small(case))
        with eager():
            plain, _ = moved(name, small(case))
        found[name] = {"steps": how, "distance": distance(recorded, plain)}
        if found[name]["distance"] > FAR:
            raise AssertionError(f"{name}: recorded and eager steps differ: {found}")
    return found


def check_devices(case: Case, seconds: float) -> dict[str, Any]:
    """The card moves the images where the processor does."""
    found, here = {}, small(case)
    for name in ("dm", "dc", "dsa", "idc", "mtt", "datadam"):
        there = moved(name, here, 1)[0]
        plain = moved(name, Case(**{**vars(here), "device": "cpu"}), 1)[0]
        found[name] = distance(there, plain)
        if not found[name] < 0.2:
            raise AssertionError(f"{name}: card and processor differ: {found}")
    return found


CHECKS: dict[str, Callable[[Case, float], Any]] = {
    "recorded steps": check_captures,
    "card against processor": check_devices,
    "same seed, same bytes": check_methods,
}
