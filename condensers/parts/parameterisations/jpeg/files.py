"""JPEG and PNG: what an image adds to the bytes that all images of one shape share, and the whole
file again.

file = head + body + tail: of a JPEG the body is what stands between its scan header and its end
marker; of a PNG it is the zlib stream, whose chunk gets its length, type and check sum back when
the file is put together.

Source: ITU-T T.81 (JPEG), by Pillow, with the tables of its annex K scaled to the quality, which is
what makes heads equal, and colours at half resolution (4:2:0); W3C, "Portable Network Graphics"
(2nd ed.): the smallest of unfiltered and adaptively filtered lines (its section 12.8) and two
strategies of zlib at level 9, which is smaller than Pillow's own optimised files.
"""

import io
import struct
import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from condensers.errors import UsageError

Bytes = NDArray[np.uint8]
Frame = tuple[bytes, bytes]  # head and tail
BEST = 100  # the highest quality of a JPEG
WORST = 3  # the lowest that images are brought to: below it little but means is left
CODECS = ("jpeg", "png")
MODES = {1: "L", 3: "RGB"}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB = 0, 2  # PNG's colour types
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED)
FAULTS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


def frame(codec: str, quality: int, shape: Sequence[int]) -> Frame:
    """The head and tail that all files of images of `shape` (C, H, W) share; UsageError for other
    than 1 or 3 channels.
    """
    channels, height, width = shape
    if channels not in MODES:
        raise UsageError(
            f"{codec}: images have {channels} channels, and {codec.upper()} files hold 1 or 3; take"
            " real-tiles"
        )
    if codec == "png":
        header = struct.pack(">IIBBBBB", width, height, 8, GREY if channels == 1 else RGB, 0, 0, 0)
        return SIGNATURE + _chunk(b"IHDR", header), _chunk(b"IEND", b"")
    file = _as_jpeg(np.zeros((height, width, channels), dtype=np.uint8), quality)
    return file[: _scan(file)], file[-2:]


def quality_of(head: bytes, shape: Sequence[int]) -> int:
    """Return the quality (1 to 100) of the JPEG files with that head, of images of `shape`.

    Raises:
        UsageError: It is no head of `frame`.
    """
    found = _qualities(tuple(shape)).get(head)
    if found is None:
        raise UsageError(
            "the stored JPEG files have another head than those written here, so that their quality"
            " is not known; make the set anew"
        )
    return found


@lru_cache(maxsize=16)
def _qualities(shape: tuple[int, ...]) -> dict[bytes, int]:
    """The head of files of each quality -> the quality; the lowest of those with equal heads."""
    return {frame("jpeg", quality, shape)[0]: quality for quality in range(BEST, 0, -1)}


def bodies(codec: str, quality: int, images: Bytes) -> list[bytes]:
    """What each of images (n, C, H, W) uint8 (numpy) adds to the frame."""
    planes = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    if codec == "png":
        return [min((_deflate(*trial) for trial in _trials(image)), key=len) for image in planes]
    files = [_as_jpeg(image, quality) for image in planes]
    return [file[_scan(file) : -2] for file in files]


def decode_file(codec: str, shared: Frame, body: bytes, shape: Sequence[int]) -> Bytes:
    """The image (C, H, W) uint8 (numpy) of a body; ValueError for damaged bytes, or for an image of
    another shape.
    """
    head, tail = shared
    file = head + (_chunk(b"IDAT", body) if codec == "png" else body) + tail
    channels, height, width = shape
    try:
        with Image.open(io.BytesIO(file), formats=[codec.upper()]) as image:
            if image.size != (width, height) or image.mode != MODES.get(channels):
                raise ValueError(
                    f"it is a {image.mode} image of {image.size[0]} x {image.size[1]} pixels"
                )
            pixels = np.asarray(image)
    except FAULTS as fault:
        raise ValueError(f"a stored {codec.upper()} image cannot be read: {fault}") from fault
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _as_jpeg(image: Bytes, quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    return file.getvalue()


def _scan(file: bytes) -> int:
    """Where the scan of a JPEG begins: after the header of its start-of-scan segment."""
    header = file.index(b"\xff\xda") + 2
    return header + int.from_bytes(file[header : header + 2], "big")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def _trials(image: Bytes) -> list[tuple[bytes, int]]:
    """The lines of an image (H, W, C) with and without filters, each with every strategy of
    zlib.
    """
    height, channels = image.shape[0], image.shape[2]
    filtered = _filter_lines(image.reshape(height, -1).astype(np.int16), channels)
    best = np.abs(filtered.astype(np.int8).astype(np.int16)).sum(2).argmin(0)
    found = []
    for kinds in (np.zeros_like(best), best):
        lines = np.concatenate(
            [kinds[:, None].astype(np.uint8), filtered[kinds, np.arange(height)]], 1
        ).tobytes()
        found += [(lines, strategy) for strategy in STRATEGIES]
    return found


def _filter_lines(lines: NDArray[np.int16], step: int) -> Bytes:
    """PNG's five filters (none, sub, up, average, Paeth) of lines (H, S) int16: (5, H, S) uint8;
    step: bytes of a pixel.
    """
    left, up, corner = np.zeros_like(lines), np.zeros_like(lines), np.zeros_like(lines)
    left[:, step:], up[1:], corner[1:, step:] = lines[:, :-step], lines[:-1], lines[:-1, :-step]
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    nearest = np.where(
        (to_left <= to_up) & (to_left <= to_corner), left, np.where(to_up <= to_corner, up, corner)
    )
    kinds = (lines, lines - left, lines - up, lines - (left + up) // 2, lines - nearest)
    return np.stack(kinds).astype(np.uint8)


def _deflate(lines: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, strategy)
    return packer.compress(lines) + packer.flush()
