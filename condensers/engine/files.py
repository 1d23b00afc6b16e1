"""Files that are there whole or not at all, and that are found out when they are damaged.

JSON values and objects carry a checksum; states of loops, with tensors, are ZIP archives, whose
parts have checksums of their own.
"""

import errno
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from pickle import PickleError
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from condensers.errors import Damaged, StorageFailed, UsageError, brief, damaged
from condensers.plain import parse_json

if TYPE_CHECKING:
    import torch

SEAL = "sha256"
CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)  # file systems that keep order themselves
# What taking up a state of another shape, or another part's, raises.
MISSHAPEN = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    PickleError,
    RuntimeError,
    SafetensorError,
    TypeError,
    ValueError,
)


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even after a power cut.

    Folders that are missing are made.

    Raises:
        StorageFailed: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent)
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as fault:
        raise StorageFailed(
            f"{path}: cannot be written ({fault.strerror}); choose another place or make room, and"
            " run it again: what was finished is kept"
        ) from fault
    finally:  # also where a signal stopped it half-way
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those missing above it, so that they are there after a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a renamed file may else be gone after a power
    cut.
    """
    if os.name == "nt":
        return  # has no way to do it
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        if fault.errno not in CANNOT_SYNC:
            raise
    finally:
        os.close(handle)


def write_sealed(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object with the checksum of its content, which `read_sealed` compares."""
    write_atomically(path, (json.dumps({**value, SEAL: seal(value)}, indent=1) + "\n").encode())


def read_sealed(path: Path) -> dict[str, Any]:
    """Return the object that `write_sealed` wrote.

    Raises:
        Damaged: The file is gone, or is not as it was written.
        StorageFailed: The file cannot be read.
    """
    try:
        value = parse_json(path.read_bytes())
        written = value.pop(SEAL, None) if isinstance(value, dict) else None
        fine = written == seal(value)
    except ValueError as fault:
        raise damaged(path, brief(fault)) from None
    except OSError as fault:
        raise _unreadable(path, fault) from None
    if not fine:
        raise damaged(path, "it has no checksum" if written is None else "its checksum differs")
    found: dict[str, Any] = value
    return found


def _unreadable(path: Path, fault: OSError) -> UsageError:
    """What is wrong with a file that could not be opened: a directory or nothing there is
    damage.
    """
    if isinstance(fault, IsADirectoryError):
        return damaged(path, "a directory is in its place")
    if isinstance(fault, FileNotFoundError | NotADirectoryError):
        return damaged(path, "it is gone")
    return StorageFailed(f"{path}: cannot be read ({fault.strerror}); mend that, and try again")


def write_memo(path: Path, value: Any) -> None:
    """Write a JSON value as `Context.memo` does."""
    write_sealed(path, {"value": value})


def read_memo(path: Path) -> Any:
    """Return the value that `write_memo` wrote; Damaged if the file is not as it was written."""
    found = read_sealed(path)
    if "value" not in found:
        raise damaged(path, "it holds no value")
    return found["value"]


def seal(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON object, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


@contextmanager
def raise_damaged(path: Path | None) -> Iterator[None]:
    """Turn errors of taking up the state in `path` into Damaged, which says what to do.

    A state of another shape, or of another part, raises whatever its reader meets first.
    """
    try:
        yield
    except MISSHAPEN as fault:
        raise Damaged(
            f"{path}: holds another state than this work leaves ({brief(fault)}); remove it, and"
            " run it again"
        ) from None


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write tensors, numbers, texts, lists and dicts, the file whole or not at all."""
    import torch  # here: what reads records alone starts without it

    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomically(path, buffer.getvalue())


def read_state(path: Path | None, device: "torch.device") -> dict[str, Any] | None:
    """Return what `write_state` wrote, or None if there is no such file.

    Args:
        path: Of the file; None for none.
        device: Where its tensors shall lie.

    Raises:
        Damaged: The file is not as it was written.
    """
    if path is None or not path.exists():
        return None
    import torch

    require_intact(path)
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True, map_location=device)
    except Exception as fault:  # whatever is left to find for torch's reader
        raise damaged(path, brief(fault)) from None
    return state


def require_intact(path: Path) -> None:
    """Damaged unless all parts of a file of `write_state`, a ZIP archive, have the checksums
    (CRC-32) that stand in it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except Exception as fault:  # whatever a damaged archive makes of the reader
        raise damaged(path, brief(fault)) from None
    if broken is not None:
        raise damaged(path, f"the checksum of {broken} differs")
