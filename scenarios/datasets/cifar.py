"""CIFAR-10 and CIFAR-100: Python pickles, read without running anything that a pickle may ask for.

Source: the format's description on the CIFAR page of Krizhevsky: a dict with `data` (N, 3072) uint8, red, green and blue
planes of 32 x 32, and `labels` or `fine_labels`; keys are texts or bytes, by the Python that wrote them.
"""

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from condensers.errors import DataMissing, brief
from scenarios.datasets.raw import Part, checked_labels

KINDS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}


class _Number:
    """Stands in for numpy.dtype: a plain number's type and its byte order."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        text = _text(code)
        if text not in KINDS:
            raise pickle.UnpicklingError(f"type {text[:20]!r} is no plain number")
        self.code, self.order = text, "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if isinstance(state, tuple) and len(state) > 1 and _text(state[1]) == ">" else "<"


class _Array:
    """Stands in for a numpy array: takes shape, type and bytes from the pickle, and believes none of them unchecked."""

    values: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, raw = state
        content = raw.encode("latin1") if isinstance(raw, str) else raw
        fine = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
        if not fine or not isinstance(kind, _Number) or not isinstance(content, bytes):
            raise pickle.UnpicklingError("an array without shape, type and bytes")
        found = np.frombuffer(content, kind.order + kind.code)
        if math.prod(shape) != len(found):
            raise pickle.UnpicklingError(f"an array of {shape} holds {len(found)} values")
        self.values = found.reshape(shape, order="F" if fortran else "C")


def _array(*_: Any) -> _Array:
    return _Array()


# How numpy rebuilds an array, under the names that its old and new versions write. Not by numpy itself, which a damaged state
# can end the process in.
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Number,
}


class ArraysOnly(pickle.Unpickler):
    """Knows numpy arrays and Python's plain values; every other name in the pickle is refused before it is imported."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which CIFAR data has no use for")
        return _ALLOWED[module, name]


def read_pickle(path: Path) -> dict[str, Any]:
    """Return the dict in one file, its keys as texts; DataMissing names the file when it is damaged or not only data."""
    try:
        with path.open("rb") as file:
            content = ArraysOnly(file, encoding="latin1").load()
    except Exception as fault:  # a damaged pickle may raise anything, says the pickle module's documentation
        raise DataMissing(f"{path}: cannot be read as CIFAR data ({brief(fault)}); fetch the file again") from fault
    if not isinstance(content, dict):
        raise DataMissing(f"{path}: holds a {type(content).__name__}, not CIFAR's table; fetch the file again")
    return {_text(key): value.values if isinstance(value, _Array) else value for key, value in content.items()}


def read_part(paths: list[Path], label_key: str, classes: int) -> Part:
    """Read batch files, one after the other, into one part of (N, 3, 32, 32) images."""
    batches = [_read_batch(path, label_key, classes) for path in paths]
    return Part(np.concatenate([b.images for b in batches]), np.concatenate([b.labels for b in batches]))


def read_class_names(path: Path, key: str) -> tuple[str, ...]:
    """Read the names of the classes from the file of metadata."""
    names = _entry(read_pickle(path), key, path)
    if not isinstance(names, list) or not names:
        raise DataMissing(f"{path}: its '{key}' is not a list of class names; fetch the file again")
    return tuple(_text(name) for name in names)


def _read_batch(path: Path, label_key: str, classes: int) -> Part:
    content = read_pickle(path)
    data, labels = _entry(content, "data", path), _entry(content, label_key, path)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3072:
        raise DataMissing(f"{path}: its 'data' is not an array of rows of 3072 bytes; fetch the file again")
    return Part(data.reshape(-1, 3, 32, 32), checked_labels(labels, classes, len(data), str(path)))


def _entry(content: dict[str, Any], key: str, path: Path) -> Any:
    if key not in content:
        raise DataMissing(f"{path}: has no '{key}', only {', '.join(sorted(content)) or 'nothing'}; fetch the file again")
    return content[key]


def _text(value: Any) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else str(value)
