"""MATLAB files of version 5: what scipy writes is read as scipy reads it."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import scipy.io

from scenarios.datasets.formats import mat
from scenarios.datasets.formats.mat import read_arrays


def written(content: dict[str, Any], packed: bool) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, content, do_compression=packed)
    return file.getvalue()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8", "f4", "f8"])
def test_arrays_are_those_that_scipy_reads(packed: bool, dtype: str) -> None:
    values = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    content = written(
        {
            "X": values,
            "y": values[:1, 0, 0, :1],
            "text": "no number",
            "complex": np.array([[1 + 2j]]),
        },
        packed,
    )
    found, wanted = read_arrays(content), scipy.io.loadmat(io.BytesIO(content))
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
        read_arrays(spoil(written({"X": np.arange(1000.0).reshape(10, 100) ** 0.5}, packed=True)))


def doubles_as_bytes(count: int) -> bytes:
    """An array of doubles as MATLAB keeps it where all are small whole numbers: one byte for
    each.
    """
    parts = [
        (6, struct.pack("<II", 6, 0)),
        (5, struct.pack("<ii", count, 1)),
        (1, b"X"),
        (2, bytes(count)),
    ]
    elements = b"".join(
        struct.pack("<II", kind, len(data)) + data + bytes(-len(data) % 8) for kind, data in parts
    )
    return struct.pack("<II", 14, len(elements)) + elements


def test_arrays_that_grow_beyond_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mat, "LIMIT", 2**16)
    header = written({}, packed=False)
    assert read_arrays(header + doubles_as_bytes(8000))["X"].nbytes == 64_000
    for content in (doubles_as_bytes(9000), doubles_as_bytes(5000) * 2):
        with pytest.raises(ValueError, match="its arrays take more than 65536 bytes"):
            read_arrays(header + content)
