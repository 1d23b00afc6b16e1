"""CIFAR-10 and CIFAR-100: Python pickles, read without running anything that a pickle may ask for.

Source: the format's description on the CIFAR page of Krizhevsky: a dict with `data` (N, 3072)
uint8, red, green and blue planes of 32 x 32, and `labels` or `fine_labels`; keys are texts or
bytes, by the Python that wrote them.
"""

import io
import math
import pickle
import re
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from condensers.errors import DataMissing, brief
from scenarios.datasets.raw import RawPart, check_labels

KINDS = re.compile(
    "[iu][1248]|[SU][1-9][0-9]{0,2}"
)  # whole numbers, and texts of up to 999 letters
LATIN = ("latin1", "latin-1")  # how Python 3 writes bytes in the protocols that know only texts


class _Type:
    """Stands in for numpy.dtype: the type of plain numbers or texts, and its byte order."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        text = _describe(code)
        if not KINDS.fullmatch(text):
            raise pickle.UnpicklingError(f"type {text[:20]!r} is neither a whole number nor a text")
        self.code, self.order = text, "<"

    def __setstate__(self, state: Any) -> None:
        self.order = (
            ">"
            if isinstance(state, tuple) and len(state) > 1 and _describe(state[1]) == ">"
            else "<"
        )


class _Array:
    """Stands in for a numpy array: takes shape, type and bytes from the pickle, and believes none
    of them unchecked.
    """

    values: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, raw = state
        content = raw.encode("latin1") if isinstance(raw, str) else raw
        self.values = _read_values(content, kind, shape, "F" if fortran else "C")


def _read_values(content: Any, kind: Any, shape: Any, order: Any) -> NDArray[np.generic]:
    """An array of `shape` from its bytes; UnpicklingError where they do not fit each other."""
    fine = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if (
        not fine
        or not isinstance(kind, _Type)
        or not isinstance(content, bytes | bytearray)
        or order not in ("C", "F")
    ):
        raise pickle.UnpicklingError("an array without shape, type and bytes")
    found: NDArray[np.generic] = np.frombuffer(bytes(content), kind.order + kind.code)
    if math.prod(shape) != len(found):
        raise pickle.UnpicklingError(f"an array of {shape} holds {len(found)} values")
    values: NDArray[np.generic] = found.reshape(shape, order=order)
    return values


def _make_array(*_: Any) -> _Array:
    """Stands in for numpy's `_reconstruct`: an array still without values."""
    return _Array()


def _read_buffer(content: Any, kind: Any, shape: Any, order: Any, axes: Any = None) -> _Array:
    """Stands in for numpy's `_frombuffer`, which protocol 5 asks for; axes: of a transposed
    array.
    """
    array = _Array()
    array.values = _read_values(content, kind, shape, "C" if order == "K" else order)
    if order == "K" and axes is not None:
        array.values = array.values.transpose(axes)
    return array


def _read_scalar(kind: Any, raw: Any) -> Any:
    """Stands in for numpy's `scalar`: one number or text from its bytes."""
    content = raw.encode("latin1") if isinstance(raw, str) else raw
    return _read_values(content, kind, (1,), "C")[0].item()


def _make_bytes(*given: Any) -> bytes:
    """Stands in for `_codecs.encode`, and for `bytes` without arguments."""
    if not given:
        return b""
    if len(given) != 2 or not isinstance(given[0], str) or given[1] not in LATIN:
        raise pickle.UnpicklingError("bytes that are no text in Latin-1")
    return given[0].encode("latin1")


# How Python 3 writes bytes, and how numpy rebuilds an array or a number, under the names that their
# old and new versions write. Not by numpy itself, which a damaged state can end the process in.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("_codecs", "encode"): _make_bytes,
    ("__builtin__", "bytes"): _make_bytes,
    ("builtins", "bytes"): _make_bytes,
    ("numpy", "dtype"): _Type,
    **{("numpy", name): _Array for name in ("ndarray", "memmap")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _make_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _read_scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _read_buffer for core in ("core", "_core")},
}
_OPCODES: dict[int, Callable[[Any], None]] = dict(pickle._Unpickler.dispatch)


class ArraysOnly(pickle._Unpickler):
    """Knows numpy arrays and Python's plain values; any other name is refused before it is
    imported.

    Python's own unpickler rather than the one in C, which reserves what a file claims: twenty bytes
    can take all memory there.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(_OPCODES)
    read: Callable[[int], bytes]
    append: Callable[[Any], None]
    stack: list[Any]

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which CIFAR data has no use for"
            )
        return _ALLOWED[module, name]

    def load_bytearray8(self) -> None:
        """Bytes that are written with their length (uint64), as much of them as there is."""
        (size,) = struct.unpack("<Q", self.read(8))
        self.append(self.read(min(size, sys.maxsize)))

    def load_build(self) -> None:
        """A state is for instances of the stand-ins alone, lest it changes the stand-ins
        themselves.
        """
        if not isinstance(self.stack[-2], _Type | _Array):
            raise pickle.UnpicklingError("it gives a state to what has none")
        _OPCODES[pickle.BUILD[0]](self)

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8
    dispatch[pickle.BUILD[0]] = load_build


def read_pickle(path: Path) -> dict[str, Any]:
    """Return the dict in one file, its keys as texts; DataMissing names the file when it is damaged
    or not only data.
    """
    try:
        content = ArraysOnly(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except (
        Exception
    ) as fault:  # a damaged pickle may raise anything, says the pickle module's documentation
        raise DataMissing(
            f"{path}: cannot be read as CIFAR data ({brief(fault)}); fetch the file again"
        ) from fault
    if not isinstance(content, dict):
        raise DataMissing(
            f"{path}: holds a {type(content).__name__}, not CIFAR's table; fetch the file again"
        )
    named = {
        _describe(key): value for key, value in content.items() if isinstance(key, str | bytes)
    }
    return {
        key: value.values if isinstance(value, _Array) else value for key, value in named.items()
    }


def read_part(paths: list[Path], label_key: str, classes: int) -> RawPart:
    """Read batch files, one after the other, into one part of (N, 3, 32, 32) images."""
    batches = [_read_batch(path, label_key, classes) for path in paths]
    return RawPart(
        np.concatenate([b.images for b in batches]), np.concatenate([b.labels for b in batches])
    )


def read_class_names(path: Path, key: str) -> tuple[str, ...]:
    """Read the names of the classes from the file of metadata."""
    found = _get_entry(read_pickle(path), key, path)
    names = found.tolist() if isinstance(found, np.ndarray) else found
    if (
        not isinstance(names, list | tuple)
        or not names
        or not all(isinstance(name, str | bytes) for name in names)
    ):
        raise DataMissing(f"{path}: its '{key}' is not a list of class names; fetch the file again")
    return tuple(_describe(name) for name in names)


def _read_batch(path: Path, label_key: str, classes: int) -> RawPart:
    content = read_pickle(path)
    data, labels = _get_entry(content, "data", path), _get_entry(content, label_key, path)
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != 3072
    ):
        raise DataMissing(
            f"{path}: its 'data' is not an array of rows of 3072 bytes; fetch the file again"
        )
    return RawPart(data.reshape(-1, 3, 32, 32), check_labels(labels, classes, len(data), str(path)))


def _get_entry(content: dict[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        others = ", ".join(ascii(name)[1:-1][:20] for name in sorted(content)[:5]) or "nothing"
        raise DataMissing(f"{path}: has no '{key}', only {others}; fetch the file again")
    return content[key]


def _describe(value: Any) -> str:  # of a type, a key or a name
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
