"""What the doctor looks for in the machine: room on the disk, a GPU that torch cannot use, threads, an open NNI portal."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

LEAST_FREE = 2 * 10**9  # bytes
LISTENS, ANY_ADDRESS = "0A", {"0" * 8, "0" * 32}  # as /proc/net/tcp writes them


class Check(NamedTuple):
    """fine None means: worth knowing, not wrong."""

    name: str
    fine: bool | None
    sentence: str


def machine() -> list[Check]:
    """All checks of the machine, in order; none raises."""
    return [_threads(), _gpu(), _setuptools(), _portal(), _disk(), _folder()]


def _threads() -> Check:
    from harness.runtime import cores

    wanted, usable = os.environ.get("OMP_NUM_THREADS", ""), cores()
    sentence = f"{usable} usable; a run takes one process each (OMP_NUM_THREADS: {wanted or 'not set'})"
    if wanted.isdigit() and int(wanted) > usable:
        return Check("processors", False, f"{sentence}; more threads than processors wait for each other: set it to 1")
    return Check("processors", None, sentence)


def _gpu() -> Check:
    import torch

    if not shutil.which("nvidia-smi") and not Path("/proc/driver/nvidia").exists():
        return Check("GPU", None, "no NVIDIA driver here; everything runs on the CPU")
    if torch.version.cuda is None:
        return Check("GPU", False, "there is a driver, but this torch was built without CUDA; install the registry's torch")
    if not torch.cuda.is_available():
        return Check("GPU", False, f"there is a driver, but torch (CUDA {torch.version.cuda}) cannot use it; update the driver")
    odd = [name for name, fits in _devices() if not fits]
    if odd:
        return Check("GPU", False, f"this torch has no kernels for {', '.join(odd)}; install a torch that was built for it")
    return Check("GPU", True, ", ".join(name for name, _ in _devices()))


def _devices() -> Iterator[tuple[str, bool]]:
    """Each GPU's name, and whether this torch has kernels of its generation or older ones that it can translate."""
    import torch

    built = [int(name.partition("_")[2].rstrip("af")) for name in torch.cuda.get_arch_list() if name.partition("_")[2]]
    for index in range(torch.cuda.device_count()):
        major, minor = torch.cuda.get_device_capability(index)
        yield torch.cuda.get_device_name(index), any(number <= 10 * major + minor for number in built)


def _setuptools() -> Check:
    if find_spec("pkg_resources") is None:
        return Check("pkg_resources", None, 'missing, so that nnictl and remote NNI trials fail; pip install "setuptools<81"')
    return Check("pkg_resources", True, "there, which nnictl and remote NNI trials need")


def _portal() -> Check:
    ports = sorted(set(open_portals()))
    if ports:
        which = ", ".join(map(str, ports))
        return Check("NNI portal", False, f"open to the network without a password on port {which}; stop it: nnictl stop --all")
    return Check("NNI portal", True, "none is open to the network")


def open_portals(proc: Path = Path("/proc")) -> Iterator[int]:
    """Ports on which a process of NNI listens on all addresses; none where /proc tells nothing."""
    listening = {inode: port for table in ("tcp", "tcp6") for inode, port in _listening(proc / "net" / table)}
    for command in proc.glob("[0-9]*/cmdline") if listening else []:
        try:
            if b"nni" not in command.read_bytes():
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
    return Check("disk", True, sentence) if free >= LEAST_FREE else Check("disk", False, f"{sentence}; a run may need more")


def _folder() -> Check:
    try:
        with tempfile.NamedTemporaryFile(dir=Path.cwd()):
            return Check("this folder", True, f"{Path.cwd()} can be written")
    except OSError as fault:
        return Check("this folder", False, f"{Path.cwd()} cannot be written ({fault.strerror}); use --out")
