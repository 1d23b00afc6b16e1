"""MATLAB files of version 5: their arrays of numbers, and nothing else.

A file is a header of 128 bytes and then elements: type and size (uint32 each, or both in one where
four bytes hold the data), data, padding to eight bytes. A compressed element (15) is an array's
element (14) by zlib; that has flags, dimensions, name and values.

Source: MathWorks, "MAT-File Format", Level 5. scipy's reader is not used here: damaged files end
the process in it.

SVHN's cropped digits: MATLAB files with `X` (32, 32, 3, N) uint8 and `y` (N, 1), where the digit 0
has label 10.

Source: the format's description on the SVHN page of Netzer et al.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from condensers.errors import DataMissing, brief
from scenarios.datasets.raw import RawPart, check_labels

HEADER, TAG, COMPRESSED, MATRIX = 128, 8, 15, 14
KINDS = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
CLASSES = {
    6: "f8",
    7: "f4",
    8: "i1",
    9: "u1",
    10: "i2",
    11: "u2",
    12: "i4",
    13: "u4",
    14: "i8",
    15: "u8",
}
LIMIT = (
    2**31
)  # bytes of all arrays unpacked: the largest published file, SVHN's `extra`, takes 1.7e9
MOST_DIMENSIONS = 8


def read_arrays(content: bytes) -> dict[str, NDArray[np.generic]]:
    """Every array of plain numbers in a file, by name; ValueError where the file is damaged or of
    another kind.
    """
    if len(content) < HEADER or content[126:128] not in (b"IM", b"MI"):
        raise ValueError("no header of a MATLAB file of version 5")
    order = "<" if content[126:128] == b"IM" else ">"
    found: dict[str, NDArray[np.generic]] = {}
    room = LIMIT
    for kind, data in _iterate_elements(content[HEADER:], order):
        if kind == COMPRESSED:
            ((kind, data),) = _iterate_elements(_unpack(data, room), order)
        if kind == MATRIX:
            named = _read_array(data, order, room)
            found |= {} if named is None else dict([named])
            room -= 0 if named is None else named[1].nbytes
    return found


def _iterate_elements(content: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    """(type, data) of each element."""
    place = 0
    while place < len(content):
        if len(content) - place < TAG:
            raise ValueError("it ends within an element")
        kind, size = struct.unpack_from(order + "II", content, place)
        start, step = place + TAG, TAG + size
        if kind >> 16:
            kind, size = kind & 0xFFFF, kind >> 16
            start, step = place + 4, TAG
        elif kind != COMPRESSED:
            step += -size % 8
        if size > len(content) - start or (start == place + 4 and size > 4):
            raise ValueError("an element claims more bytes than there are")
        yield kind, content[start : start + size]
        place += step


def _unpack(data: bytes, room: int) -> bytes:
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(data, max(1, room))
    except zlib.error as fault:
        raise ValueError(f"a compressed part is damaged: {fault}") from None
    if not unpacking.eof:
        raise ValueError("a compressed part is cut short, or too large")
    return content


def _read_array(data: bytes, order: str, room: int) -> tuple[str, NDArray[np.generic]] | None:
    """Name and values of an array of real numbers, which takes `room` bytes at most; None for
    anything else.
    """
    parts = list(_iterate_elements(data, order))
    if len(parts) < 4 or [kind for kind, _ in parts[:3]] != [6, 5, 1] or len(parts[0][1]) != 8:
        return None
    flags = struct.unpack_from(order + "I", parts[0][1])[0]
    dtype, stored = CLASSES.get(flags & 0xFF), KINDS.get(parts[3][0])
    if dtype is None or stored is None or flags & 0x0800:  # complex
        return None
    shape = [int(size) for size in np.frombuffer(parts[1][1], order + "i4")]
    if not 2 <= len(shape) <= MOST_DIMENSIONS or min(shape) < 0:
        raise ValueError(f"an array has the dimensions {shape}")
    values = np.frombuffer(parts[3][1], order + stored)
    if math.prod(shape) != len(values):
        raise ValueError(f"an array of {shape} holds {len(values)} values")
    if values.size * np.dtype(dtype).itemsize > room:
        raise ValueError(f"its arrays take more than {LIMIT} bytes")
    return parts[2][1].decode("ascii", "replace"), values.reshape(shape, order="F").astype(dtype)


def read_part(path: Path) -> RawPart:
    """Read one file into (N, 3, 32, 32) images and labels equal to the digits."""
    try:
        content = read_arrays(path.read_bytes())
    except ValueError as fault:
        raise DataMissing(
            f"{path}: cannot be read as a MATLAB file ({brief(fault)}); fetch the file again"
        ) from fault
    images, labels = content.get("X"), content.get("y")
    if (
        images is None
        or labels is None
        or images.dtype != np.uint8
        or images.ndim != 4
        or images.shape[:3] != (32, 32, 3)
    ):
        raise DataMissing(
            f"{path}: has no X of 32 x 32 x 3 x N bytes with labels y, as SVHN's files have; fetch"
            " it again"
        )
    labels = labels.ravel().astype(np.float64)  # as MATLAB keeps numbers
    # Only 10 stands for the digit 0: a raw 0 is no label of this format.
    digits = np.where(labels == 10, 0, np.where(labels == 0, -1, labels))
    return RawPart(
        np.ascontiguousarray(images.transpose(3, 2, 0, 1)),
        check_labels(digits, 10, len(images.T), str(path)),
    )
