"""Checks of an installation: each gives a name, whether it is fine, and a sentence.

What the doctor looks for in the machine: room on the disk, a GPU that torch cannot use, threads, an
open NNI portal.
"""

import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from condensers.errors import HarnessError
from condensers.siblings import TREE, foreign, place_of
from harness import __version__

LEAST_FREE = 2 * 10**9  # bytes
LISTENS, ANY_ADDRESS = "0A", {"0" * 8, "0" * 32}  # as /proc/net/tcp writes them
# `nni_manager`, `lib/nni_node/main.js`, `nnictl`, and not `running.py`
OF_NNI = re.compile(rb"(?<![A-Za-z0-9])nni(ctl)?(?![A-Za-z0-9])")


class Check(NamedTuple):
    """fine None means: worth knowing, not wrong."""

    name: str
    fine: bool | None
    sentence: str


def machine() -> list[Check]:
    """All checks of the machine, in order; none raises."""
    return [_threads(), _gpu(), _setuptools(), _portal(), _disk(), _folder()]


def _threads() -> Check:
    from harness.process import cores

    wanted, usable = os.environ.get("OMP_NUM_THREADS", ""), cores()
    sentence = (
        f"{usable} usable; a run takes one process each (OMP_NUM_THREADS: {wanted or 'not set'})"
    )
    if wanted.isdigit() and int(wanted) > usable:
        return Check(
            "processors",
            False,
            f"{sentence}; more threads than processors wait for each other: set it to 1",
        )
    return Check("processors", None, sentence)


def _gpu() -> Check:
    import torch

    if not shutil.which("nvidia-smi") and not Path("/proc/driver/nvidia").exists():
        return Check("GPU", None, "no NVIDIA driver here; everything runs on the CPU")
    if torch.version.cuda is None:
        return Check(
            "GPU",
            False,
            "there is a driver, but this torch was built without CUDA; install the registry's"
            " torch",
        )
    if not torch.cuda.is_available():
        return Check(
            "GPU",
            False,
            f"there is a driver, but torch (CUDA {torch.version.cuda}) cannot use it; update the"
            " driver",
        )
    odd = [name for name, fits in _devices() if not fits]
    if odd:
        return Check(
            "GPU",
            False,
            f"this torch has no kernels for {', '.join(odd)}; install a torch that was built"
            " for it",
        )
    return Check("GPU", True, ", ".join(name for name, _ in _devices()))


def _devices() -> Iterator[tuple[str, bool]]:
    """Each GPU's name, and whether this torch has kernels of its generation or older ones that it
    can translate.
    """
    import torch

    built = [
        int(name.partition("_")[2].rstrip("af"))
        for name in torch.cuda.get_arch_list()
        if name.partition("_")[2]
    ]
    for index in range(torch.cuda.device_count()):
        major, minor = torch.cuda.get_device_capability(index)
        yield (
            torch.cuda.get_device_name(index),
            any(number <= 10 * major + minor for number in built),
        )


def _setuptools() -> Check:
    if find_spec("pkg_resources") is None:
        return Check(
            "pkg_resources",
            None,
            'missing, so that nnictl and remote NNI trials fail; pip install "setuptools<81"',
        )
    return Check("pkg_resources", True, "there, which nnictl and remote NNI trials need")


def _portal() -> Check:
    ports = sorted(set(open_portals()))
    if ports:
        which = ", ".join(map(str, ports))
        return Check(
            "NNI portal",
            False,
            f"open to the network without a password on port {which}; stop it: nnictl stop --all",
        )
    return Check("NNI portal", True, "none is open to the network")


def open_portals(proc: Path = Path("/proc")) -> Iterator[int]:
    """Ports on which a process of NNI listens on all addresses; none where /proc tells nothing."""
    listening = {
        inode: port for table in ("tcp", "tcp6") for inode, port in _listening(proc / "net" / table)
    }
    for command in proc.glob("[0-9]*/cmdline") if listening else []:
        try:
            if not OF_NNI.search(command.read_bytes()):
                continue
            links = [os.readlink(link) for link in (command.parent / "fd").iterdir()]
        except OSError:
            continue  # it ended, or is somebody else's
        yield from (listening[link] for link in links if link in listening)


def _listening(table: Path) -> Iterator[tuple[str, int]]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        words = line.split()
        address, _, port = words[1].partition(":")
        if words[3] == LISTENS and address in ANY_ADDRESS:
            yield f"socket:[{words[9]}]", int(port, 16)


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    sentence = f"{free / 1e9:.1f} GB free in {Path.cwd()}"
    return (
        Check("disk", True, sentence)
        if free >= LEAST_FREE
        else Check("disk", False, f"{sentence}; a run may need more")
    )


def _folder() -> Check:
    try:
        with tempfile.NamedTemporaryFile(dir=Path.cwd()):
            return Check("this folder", True, f"{Path.cwd()} can be written")
    except OSError as fault:
        return Check(
            "this folder", False, f"{Path.cwd()} cannot be written ({fault.strerror}); use --out"
        )


MISFIT = (
    "torchvision {vision} does not fit torch {torch}, such as a CUDA build beside a CPU build; take"
    " both from one place"
)
OURS = ("condensers", "scenarios", "harness")
PACKAGES = (
    "torch",
    "torchvision",
    "avalanche-lib",
    "nni",
    "numpy",
    "scipy",
    "safetensors",
    "rich",
    "typer",
)


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
    found += [*machine(), _compiler(), _precision(), *_datasets(data_dir), _decoded()]
    return found


def _guarded(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Exception as fault:
        return Check(
            name, False, f"{type(fault).__name__}: {fault}; install the versions of constraints.txt"
        )


def _python() -> Check:
    fine = (3, 10) <= sys.version_info[:2] <= (3, 12)
    return Check(
        "python",
        fine,
        sys.version.split()[0] + ("" if fine else ": 3.10 to 3.12 is what NNI and Avalanche carry"),
    )


def _ours() -> Check:
    """Whether our three packages are of one tree, and which others of their names Python could take
    for them.
    """
    wrong = [sentence for sentence in map(foreign, OURS) if sentence]
    if wrong:
        return Check("our packages", False, "; ".join(wrong))
    others = [str(place) for place in _others()]
    sentence = f"condensers, scenarios and harness {__version__} of {TREE}"
    if others:
        sentence += (
            f"; of the same names: {', '.join(others)}, which Python takes for ours where that"
            " folder comes first"
        )
    return Check("our packages", None if others else True, sentence)


def _others() -> Iterator[Path]:
    """Packages (with an __init__.py) and modules called as ours are, in the present folder and on
    Python's path.
    """
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
        raise ImportError(
            MISFIT.format(torch=torch.__version__, vision=version("torchvision"))
        ) from None
    return f"fits this torch (nms kept {len(kept)} box)"


def _avalanche() -> str:
    importlib.import_module("scenarios.continual.memory.buffer")
    return "imports, and our buffer with it"


def _nni() -> str:
    importlib.import_module("scenarios.search.nni_experiment")
    return "imports, and our search with it; nothing of it listens on a port"


def _compiler() -> Check:
    from condensers.networks.fused.native import kernels

    found = kernels()
    if found.library is None:
        advice = "" if found.by_wish else "; install a C compiler (cc), or set CC"
        return Check(
            "C compiler",
            None,
            f"networks run module by module, up to twice as slow: {found.sentence}{advice}",
        )
    return Check("C compiler", True, f"blocks of networks are compiled ({found.sentence})")


def _precision() -> Check:
    """What each precision gives on this processor, and what "auto" has come to so far."""
    import torch

    from condensers.networks.precision_choice import HOPELESS, gflops, kept_choices, products
    from condensers.processor import processor_name

    rates = {name: gflops(seconds) for name, seconds in products(torch.device("cpu")).items()}
    shown = ", ".join(f"{name} {rate:.3g} GFLOP/s" for name, rate in rates.items())
    timed = [f"{name} for {count}" for name, count in kept_choices().items() if count]
    if rates["bf16"] < HOPELESS * rates["fp32"]:
        choice = "auto takes fp32 for every network"
    else:
        choice = f"auto times networks, and took {' and '.join(timed) or 'neither so far'}"
    return Check(
        "precision", None, f"{processor_name()}: {shown} in products of matrices; {choice}"
    )


def _decoded() -> Check:
    """Read all decoded images that are kept, and say what they take."""
    from scenarios.datasets.decoded import decoded_folder, verify_decoded

    folder = decoded_folder()
    if folder is None:
        return Check(
            "decoded images", None, "not kept, as HARNESS_DECODED says: each process decodes"
        )
    kept = verify_decoded()
    spoilt = sorted({one.name for one in kept if not one.intact})
    if spoilt:
        sentence = f"{', '.join(spoilt)} in {folder}: not as written; remove that folder"
        return Check("decoded images", False, sentence)
    size = sum(one.nbytes for one in kept) / 1e9
    sets = f"{len(kept)} data set{'s' * (len(kept) != 1)}"
    sentence = f"{sets}, {size:.1f} GB in {folder}, intact; HARNESS_DECODED moves it"
    return Check("decoded images", True, sentence)


def _datasets(data_dir: Path | None) -> list[Check]:
    from scenarios.datasets import DATASETS, load

    found = []
    for name in DATASETS.entries():
        try:
            data = load(name, data_dir=data_dir)
            counts = (
                f"{len(data.train.images)} train, {len(data.validation.images)} validation,"
                f" {len(data.test.images)} test"
            )
            found.append(Check(name, True, counts))
        except HarnessError as fault:
            found.append(Check(name, None, str(fault)))
    return found
