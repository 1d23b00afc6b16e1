"""`.pt` and `.pth` files, read without running what they hold.

torch.load(weights_only=True) takes tensors, numbers, texts, lists and dicts. The files of DC, DSA and DM also hold accuracies as
numpy scalars; the two names that these are pickled by are bound to stand-ins here, which do nothing but read one number.
"""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from condensers.errors import UsageError, brief
from condensers.exchange.published import existing, require_bearable_zip

ARCHIVE = b"PK\x03\x04"  # how a ZIP archive begins, which torch goes by too
NUMBERS = {f"{kind}{size}" for kind in "fiu" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}


class _NumberType:
    """Stands in for numpy.dtype: the code of a number's type and its byte order, taken from the pickle and checked."""

    def __init__(self, code: Any = "", *_: Any) -> None:
        if code not in NUMBERS:
            raise pickle.UnpicklingError(f"numpy type {code!r} is no plain number")
        self.code, self.order = str(code), "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if isinstance(state, tuple) and len(state) > 1 and state[1] == ">" else "<"


def _number(kind: Any, raw: Any) -> float | int | bool:
    """Stands in for numpy's `scalar`: one number from its bytes."""
    if not isinstance(kind, _NumberType) or not isinstance(raw, bytes) or len(raw) != int(kind.code[1]):
        raise pickle.UnpicklingError("a numpy scalar that is no plain number")
    value: float | int | bool = np.frombuffer(raw, dtype=kind.order + kind.code)[0].item()
    return value


def _named(original: Any, module: str, name: str) -> Any:
    """A copy of `original` that torch's list of safe names knows as `module.name`."""
    if isinstance(original, type):
        return type(name, (original,), {"__module__": module, "__qualname__": name})

    def stand_in(*values: Any) -> Any:
        return original(*values)

    stand_in.__module__, stand_in.__qualname__, stand_in.__name__ = module, name, name
    return stand_in


STAND_INS = [
    _named(_NumberType, "numpy", "dtype"),
    _named(_number, "numpy.core.multiarray", "scalar"),
    _named(_number, "numpy._core.multiarray", "scalar"),
]


def read(path: Path) -> Any:
    """The content of a .pt file; UsageError where it is missing, damaged, too large, or holds anything that could run."""
    with existing(path).open("rb") as file:
        is_archive = file.read(len(ARCHIVE)) == ARCHIVE
    if is_archive:
        require_bearable_zip(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(STAND_INS):
            warnings.simplefilter("ignore")  # about old protocols, to people who write such files
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as fault:
        why = brief(fault).replace("WeightsUnpickler error: ", "")
        what = _unsupported(str(fault))[:200] or why or "no tensors"
        raise UsageError(
            f"{path}: is refused, because it holds more than tensors and numbers ({what}), or is no .pt file; loading that could"
            " run code: save images and labels as plain tensors"
        ) from None
    except MemoryError:
        raise UsageError(f"{path}: does not fit the memory; it is refused") from None
    except Exception as fault:  # whatever a damaged pickle makes of torch's reader
        raise UsageError(f"{path}: is cut short or no .pt file ({type(fault).__name__}); fetch it again") from fault


def _unsupported(message: str) -> str:
    """The name that torch refused, from its message."""
    _, found, rest = message.partition("Unsupported global: GLOBAL ")
    return rest.split()[0] if found and rest.split() else ""
