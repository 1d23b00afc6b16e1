"""`.pt` and `.pth` files, read without running what they hold.

torch.load(weights_only=True) takes tensors, numbers, texts, lists and dicts. The files of DC, DSA
and DM also hold accuracies as numpy scalars, others arrays, the arguments of their run or a
TensorDataset; the names that these are pickled by are bound to stand-ins here, which do nothing but
take numbers from bytes, drop arguments, and keep a data set's tensors.
"""

import math
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from condensers.errors import UsageError, brief
from condensers.formats.published import existing, require_bearable_zip

ARCHIVE = b"PK\x03\x04"  # how a ZIP archive begins, which torch goes by too
NUMBERS = {f"{kind}{size}" for kind in "fiu" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}


class _NumberType:
    """Stands in for numpy.dtype: the code of a number's type and its byte order, taken from the
    pickle and checked.
    """

    def __init__(self, code: Any = "", *_: Any) -> None:
        if code not in NUMBERS:
            raise pickle.UnpicklingError(f"numpy type {code!r} is no plain number")
        self.code, self.order = str(code), "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if isinstance(state, tuple) and len(state) > 1 and state[1] == ">" else "<"


def _number(kind: Any, raw: Any) -> float | int | bool:
    """Stands in for numpy's `scalar`: one number from its bytes."""
    if (
        not isinstance(kind, _NumberType)
        or not isinstance(raw, bytes)
        or len(raw) != int(kind.code[1])
    ):
        raise pickle.UnpicklingError("a numpy scalar that is no plain number")
    value: float | int | bool = np.frombuffer(raw, dtype=kind.order + kind.code)[0].item()
    return value


class _PickledArray:
    """Stands in for numpy.ndarray: numbers from bytes that are exactly as many as the shape
    says.
    """

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, by_columns, raw = state
        whole = isinstance(shape, tuple) and all(isinstance(n, int) and n >= 0 for n in shape)
        if not whole or not isinstance(kind, _NumberType) or not isinstance(raw, bytes):
            raise pickle.UnpicklingError("a numpy array that is not of plain numbers")
        if math.prod(shape) * int(kind.code[1]) != len(raw):
            raise pickle.UnpicklingError("a numpy array whose bytes do not fit its shape")
        flat = np.frombuffer(raw, dtype=kind.order + kind.code)
        array = flat.reshape(shape, order="F" if by_columns else "C")
        wide = array.dtype.kind == "u" and array.dtype.itemsize > 1
        self.value = array.astype(np.int64 if wide else array.dtype.newbyteorder("="), order="C")


def _empty_array(kind: Any, *_: Any) -> Any:
    """Stands in for numpy's `_reconstruct`, whose array is filled afterwards."""
    if not (isinstance(kind, type) and issubclass(kind, _PickledArray)):
        raise pickle.UnpicklingError("a numpy array of a kind that is not known")
    return kind()


class _Arguments:
    """Stands in for argparse.Namespace, and keeps nothing of it."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Tensors:
    """Stands in for torch's TensorDataset: its tensors."""

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        self.value = (
            list(state["tensors"]) if isinstance(state, dict) and "tensors" in state else None
        )


def _plain(content: Any, depth: int = 8) -> Any:
    """Content with each stand-in replaced by what it took."""
    if isinstance(content, _PickledArray | _Tensors):
        return content.value
    if depth and type(content) in (list, tuple):
        return type(content)(_plain(one, depth - 1) for one in content)
    return (
        {key: _plain(one, depth - 1) for key, one in content.items()}
        if depth and type(content) is dict
        else content
    )


def _named(original: Any, module: str, name: str) -> Any:
    """A copy of `original` that torch's list of safe names knows as `module.name`."""
    if isinstance(original, type):
        return type(name, (original,), {"__module__": module, "__qualname__": name})

    def stand_in(*values: Any) -> Any:
        return original(*values)

    stand_in.__module__, stand_in.__qualname__, stand_in.__name__ = module, name, name
    return stand_in


class _DataOnly(pickle.Unpickler):
    """Builds lists, dicts, texts and numbers, and refuses whatever else a pickle names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        for one in STAND_INS:
            if (one.__module__, one.__qualname__) == (module, name):
                return one
        raise pickle.UnpicklingError(f"it names {module}.{name}")


STAND_INS = [
    _named(_NumberType, "numpy", "dtype"),
    _named(_number, "numpy.core.multiarray", "scalar"),
    _named(_number, "numpy._core.multiarray", "scalar"),
    _named(_PickledArray, "numpy", "ndarray"),
    _named(_empty_array, "numpy.core.multiarray", "_reconstruct"),
    _named(_empty_array, "numpy._core.multiarray", "_reconstruct"),
    _named(_Arguments, "argparse", "Namespace"),
    _named(_Tensors, "torch.utils.data.dataset", "TensorDataset"),
]


def read_data(file: IO[bytes], name: str) -> Any:
    """Read a plain pickle of lists, dicts, texts and numbers from an open file, called `name`.

    Raises:
        UsageError: It is damaged, or holds anything else, which could run.
    """
    try:
        return _plain(_DataOnly(file).load())
    except pickle.UnpicklingError as fault:
        raise UsageError(
            f"{name}: is refused, because it holds more than lists, dicts, texts and numbers"
            f" ({brief(fault)}), or is no pickle; loading that could run code"
        ) from None
    except MemoryError:
        raise UsageError(f"{name}: does not fit the memory; it is refused") from None
    except Exception as fault:  # whatever a damaged file makes of the readers
        raise UsageError(
            f"{name}: is cut short or damaged ({type(fault).__name__}); fetch it again"
        ) from fault


def read(path: Path) -> Any:
    """Read a .pt file without running anything of it.

    Raises:
        UsageError: It is missing, damaged, too large, or holds anything that could run.
    """
    with existing(path).open("rb") as file:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
    if is_archive:
        require_bearable_zip(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(STAND_INS):
            warnings.simplefilter("ignore")  # about old protocols, to people who write such files
            return _plain(torch.load(path, map_location="cpu", weights_only=True))
    except pickle.UnpicklingError as fault:
        why = brief(fault).replace("WeightsUnpickler error: ", "")
        what = _unsupported(str(fault))[:200] or why or "no tensors"
        raise UsageError(
            f"{path}: is refused, because it holds more than tensors and numbers ({what}), or is no"
            " .pt file; loading that could run code: save images and labels as plain tensors"
        ) from None
    except MemoryError:
        raise UsageError(f"{path}: does not fit the memory; it is refused") from None
    except Exception as fault:  # whatever a damaged pickle makes of torch's reader
        raise UsageError(
            f"{path}: is cut short or no .pt file ({type(fault).__name__}); fetch it again"
        ) from fault


def _unsupported(message: str) -> str:
    """The name that torch refused, from its message."""
    _, found, rest = message.partition("Unsupported global: GLOBAL ")
    return rest.split()[0] if found and rest.split() else ""
