"""MATLAB files of version 5: what scipy writes is read as scipy reads it."""

import io
from typing import Any

import numpy as np
import pytest
import scipy.io

from scenarios.datasets.mat import arrays


def written(content: dict[str, Any], packed: bool) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, content, do_compression=packed)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8"])
def test_arrays_are_those_that_scipy_reads(packed: bool, dtype: str) -> None:
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    content = written({"X": values, "y": values[:1, 0, 0, :1], "text": "no number", "complex": np.array([[1 + 2j]])}, packed)
    found, wanted = arrays(content), scipy.io.loadmat(io.BytesIO(content))
    assert set(found) == {"X", "y"}
    for name, array in found.items():
        assert array.dtype == wanted[name].dtype and np.array_equal(array, wanted[name])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda c: c[:100], "no header"),
        (lambda c: c[:140], "more bytes than there are"),
        (lambda c: c[:-3], "more bytes than there are"),
        (lambda c: c[:132] + b"\xff\xff\xff\x7f" + c[136:], "more bytes than there are"),
        (lambda c: c[:150] + bytes(4) + c[154:], "damaged|claims more|holds"),
    ],
)
def test_a_spoilt_file_is_a_value_error(spoil: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        arrays(spoil(written({"X": np.arange(1000.0).reshape(10, 100) ** 0.5}, packed=True)))
