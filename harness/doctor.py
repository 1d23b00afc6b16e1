"""Checks of an installation: each gives a name, whether it is fine, and a sentence."""

import importlib
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from condensers.errors import HarnessError
from condensers.siblings import TREE, foreign, place_of
from harness import __version__
from harness.doctor_machine import Check, machine

MISFIT = "torchvision {vision} does not fit torch {torch}, such as a CUDA build beside a CPU build; take both from one place"
OURS = ("condensers", "scenarios", "harness")
PACKAGES = ("torch", "torchvision", "avalanche-lib", "nni", "numpy", "scipy", "safetensors", "rich", "typer")


def checks(data_dir: Path | None) -> list[Check]:
    """All checks, in order; none raises."""
    found = [_python(), _ours(), *map(_package, PACKAGES)]
    for name, check in (
        ("torch works", _torch),
        ("torchvision works", _torchvision),
        ("avalanche works", _avalanche),
        ("nni works", _nni),
    ):
        found.append(_guarded(name, check))
    return [*found, *machine(), _compiler(), *_datasets(data_dir)]


def _guarded(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Exception as fault:
        return Check(name, False, f"{type(fault).__name__}: {fault}; install the versions of constraints.txt")


def _python() -> Check:
    fine = (3, 10) <= sys.version_info[:2] <= (3, 12)
    return Check("python", fine, f"{sys.version.split()[0]}{'' if fine else ': 3.10 to 3.12 is what NNI and Avalanche carry'}")


def _ours() -> Check:
    """Whether our three packages are of one tree, and which others of their names Python could take for them."""
    wrong = [sentence for sentence in map(foreign, OURS) if sentence]
    if wrong:
        return Check("our packages", False, "; ".join(wrong))
    others = [str(place) for place in _others()]
    sentence = f"condensers, scenarios and harness {__version__} of {TREE}"
    if others:
        sentence += f"; of the same names: {', '.join(others)}, which Python takes for ours where that folder comes first"
    return Check("our packages", None if others else True, sentence)


def _others() -> Iterator[Path]:
    """Packages (with an __init__.py) and modules called as ours are, in the present folder and on Python's path."""
    for folder in dict.fromkeys(str(Path(entry or ".").resolve()) for entry in ("", *sys.path)):
        for name in OURS:
            spec = PathFinder.find_spec(name, [folder])
            place = place_of(spec) if spec and spec.origin else None
            if place and place.resolve() != TREE / name:
                yield place


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "not installed; pip install -c constraints.txt -e .")


def _torch() -> str:
    import torch

    total = float((torch.ones(3, 3) @ torch.ones(3, 3)).sum())
    if total != 27:
        raise ArithmeticError(f"a product of ones gave {total}")
    gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return f"computes on the CPU; GPUs: {', '.join(gpus) or 'none'}"


def _torchvision() -> str:
    import torch

    try:
        ops = importlib.import_module("torchvision.ops")
        kept = ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except (RuntimeError, AttributeError):
        raise ImportError(MISFIT.format(torch=torch.__version__, vision=version("torchvision"))) from None
    return f"fits this torch (nms kept {len(kept)} box)"


def _avalanche() -> str:
    importlib.import_module("scenarios.continual.memory")
    return "imports, and our buffer with it"


def _nni() -> str:
    importlib.import_module("scenarios.search.experiment")
    return "imports, and our search with it; nothing of it listens on a port"


def _compiler() -> Check:
    from condensers.networks import fused

    if fused.library() is None:
        return Check("C compiler", None, "networks run module by module, up to twice as slow; install one (cc), or set CC")
    return Check("C compiler", True, "blocks of networks are compiled for this processor")


def _datasets(data_dir: Path | None) -> list[Check]:
    from scenarios.datasets import DATASETS, load

    found = []
    for name in DATASETS.entries():
        try:
            data = load(name, data_dir=data_dir)
            counts = f"{len(data.train.images)} train, {len(data.validation.images)} validation, {len(data.test.images)} test"
            found.append(Check(name, True, counts))
        except HarnessError as fault:
            found.append(Check(name, None, str(fault)))
    return found
