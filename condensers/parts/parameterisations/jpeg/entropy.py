"""The scan of a baseline JPEG: how blocks follow each other, and their quantised coefficients as
Huffman codes.

The tables (quanta, Huffman codes) are read from the head that all files of one shape and quality
share. Source: ITU-T T.81, annexes B, F.1.2 and K.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from condensers.parts.parameterisations.jpeg import files

BLOCK = 8
QUANTA, CODES, FRAME, SCAN = 0xDB, 0xC4, 0xC0, 0xDA
Table = dict[int, tuple[int, int]]  # symbol -> code, its number of bits


@dataclass(frozen=True)
class ScanLayout:
    """order (B,): the blocks, plane after plane, in the order of the scan. components (B,): the
    plane of each block then.

    zigzag (64,): coefficients in the order in which they are written. quanta (B, 64), in that
    order. tables: those of direct and of alternating coefficients, for each plane.
    """

    grids: tuple[tuple[int, int], ...]
    order: Tensor
    components: tuple[int, ...]
    zigzag: Tensor
    quanta: Tensor
    tables: tuple[tuple[Table, Table], ...]

    def grid(self, plane: int) -> tuple[int, int]:
        """Rows and columns of blocks."""
        return self.grids[plane]


@lru_cache(maxsize=16)
def layout(shape: tuple[int, int, int], quality: int) -> ScanLayout:
    """Of JPEG files of images of `shape` (C, H, W) that `codecs` writes."""
    channels, height, width = shape
    read = dict(_segments(files.frame("jpeg", quality, shape)[0]))
    quanta, codes = _quanta(read[QUANTA]), _codes(read[CODES])
    scan = read[SCAN][0]
    used = [scan[2 + 2 * i] for i in range(channels)]
    tables = tuple((codes[0, chosen >> 4], codes[1, chosen & 15]) for chosen in used)
    grids: tuple[tuple[int, int], ...]
    chosen = [read[FRAME][0][8 + 3 * i] for i in range(channels)]
    if channels == 1:
        grids = ((-(-height // BLOCK), -(-width // BLOCK)),)
        order = list(range(math.prod(grids[0])))
        components = [0] * len(order)
    else:
        rows, columns = -(-height // (2 * BLOCK)), -(-width // (2 * BLOCK))
        grids = ((2 * rows, 2 * columns), (rows, columns), (rows, columns))
        order, components = _interleave(rows, columns)
    each = torch.stack([quanta[chosen[plane]] for plane in components])
    return ScanLayout(
        grids, torch.tensor(order), tuple(components), torch.tensor(_zigzag()), each, tables
    )


def _interleave(rows: int, columns: int) -> tuple[list[int], list[int]]:
    """Four blocks of luminance and one of each colour, unit after unit."""
    order, first = [], 4 * rows * columns
    for row in range(rows):
        for column in range(columns):
            corner = 4 * row * columns + 2 * column
            colour = first + row * columns + column
            order += [
                corner,
                corner + 1,
                corner + 2 * columns,
                corner + 2 * columns + 1,
                colour,
                colour + rows * columns,
            ]
    return order, [0, 0, 0, 0, 1, 2] * (rows * columns)


def _segments(head: bytes) -> dict[int, list[bytes]]:
    """Marker -> the contents of its segments."""
    found: dict[int, list[bytes]] = {}
    at = 2
    while at < len(head):
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        found.setdefault(head[at + 1], []).append(head[at + 4 : at + 2 + length])
        at += 2 + length
    return found


def _quanta(segments: Sequence[bytes]) -> dict[int, Tensor]:
    content = b"".join(segments)
    return {
        content[i]: torch.tensor(list(content[i + 1 : i + 65]), dtype=torch.float32)
        for i in range(0, len(content), 65)
    }


def _codes(segments: Sequence[bytes]) -> dict[tuple[int, int], Table]:
    """(class, number) -> table; classes are 0 (direct) and 1 (alternating)."""
    content, found, at = b"".join(segments), {}, 0
    while at < len(content):
        counts, symbols = content[at + 1 : at + 17], content[at + 17 :]
        table: Table = {}
        code = taken = 0
        for bits, count in enumerate(counts, start=1):
            for symbol in symbols[taken : taken + count]:
                table[symbol] = (code, bits)
                code += 1
            taken, code = taken + count, 2 * code
        found[content[at] >> 4, content[at] & 15] = table
        at += 17 + taken
    return found


def _zigzag() -> list[int]:
    places = [(row, column) for row in range(BLOCK) for column in range(BLOCK)]
    along = sorted(places, key=lambda p: (sum(p), p[0] if sum(p) % 2 else p[1]))
    return [BLOCK * row + column for row, column in along]


def body(coefficients: Sequence[Sequence[int]], form: ScanLayout) -> bytes:
    """The bytes of one image's scan, from its coefficients (B, 64), whole numbers in the order of
    the scan.
    """
    value = count = 0
    before = [0] * len(form.grids)
    for block, plane in zip(coefficients, form.components, strict=True):
        direct, alternating = form.tables[plane]
        for code, bits in _block(block, block[0] - before[plane], direct, alternating):
            value, count = value << bits | code, count + bits
        before[plane] = block[0]
    rest = -count % 8
    content = (value << rest | (1 << rest) - 1).to_bytes((count + rest) // 8, "big")
    return content.replace(b"\xff", b"\xff\x00")


def _block(
    block: Sequence[int], difference: int, direct: Table, alternating: Table
) -> Iterator[tuple[int, int]]:
    size = abs(difference).bit_length()
    yield direct[size]
    yield _signed_bits(difference, size)
    run = 0
    for value in block[1:]:
        if not value:
            run += 1
            continue
        while run > 15:
            yield alternating[0xF0]
            run -= 16
        size = abs(value).bit_length()
        yield alternating[run << 4 | size]
        yield _signed_bits(value, size)
        run = 0
    if run:
        yield alternating[0]


def _signed_bits(value: int, size: int) -> tuple[int, int]:
    return value if value >= 0 else value + (1 << size) - 1, size
