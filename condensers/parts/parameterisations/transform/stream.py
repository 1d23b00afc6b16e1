"""A set of images as one stream of bytes: sizes, steps, mean images and coefficients.

stream = units, (C, H, W), means, per mean (step, fineness), per unit its mean, the coefficients of
the means, those of the units, a mark of 16 bits

All of it goes through one range coder (`condensers.parts.parameterisations.coding`), so a byte is
paid for nothing. The mark at the end is what damaged bytes are found by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from condensers.parts.parameterisations.coding.planes import Plane, PlaneModel, code_count
from condensers.parts.parameterisations.coding.range_coder import (
    GAIN,
    Coder,
    Counts,
    RangeDecoder,
    RangeEncoder,
)
from condensers.parts.parameterisations.transform.cosines import count_coefficients, sides

MARK, MARK_BITS = 0x5EED, 16
STEP_BITS, FINE_BITS, SIDE_BITS = 16, 3, 12
STEPS = 256  # steps are stored in parts of 1 / 256
# What damaged bytes may ask for: coefficients of a set, and images for each byte of it.
MOST, MOST_A_BYTE = 1 << 27, 64
OVERHEAD = 16  # at most the bytes of all that is neither a coefficient nor told of a mean


@dataclass(frozen=True)
class CodedImages:
    """Quantised images.

    Attributes:
        shape: (C, H, W).
        steps: (T,) step of each mean's units, in parts of 1 / 256 of the pixels' range.
        finenesses: (T,) how much finer the mean itself is quantised.
        means: (T, F) coefficients of the means, in their own steps.
        origins: (M,) the mean of each unit.
        coefficients: (M, F), less those of the mean.
    """

    shape: tuple[int, int, int]
    steps: NDArray[np.int64]
    finenesses: NDArray[np.int64]
    means: NDArray[np.int64]
    origins: NDArray[np.int64]
    coefficients: NDArray[np.int64]

    def values(self, units: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.float64]:
        """Return the coefficients (n, F) of some images, their means added."""
        steps = self.steps / STEPS
        means = self.means * (steps / self.finenesses)[:, None]
        origins = self.origins[units]
        return self.coefficients[units] * steps[origins][:, None] + means[origins]

    def take(self, units: NDArray[np.int64]) -> "CodedImages":
        """Return some images, with the means that they need in the order of their use."""
        used, origins = _number(self.origins[units])
        used = self.origins[units][used]
        return CodedImages(
            self.shape,
            self.steps[used],
            self.finenesses[used],
            self.means[used],
            origins,
            self.coefficients[units],
        )


def join(parts: Sequence[CodedImages]) -> CodedImages:
    """Return all images of one shape, with all means, equal ones once."""
    rows = np.concatenate(
        [np.column_stack([one.steps, one.finenesses, one.means]) for one in parts]
    )
    firsts = np.cumsum([0, *(len(one.steps) for one in parts)])
    shifted = [one.origins + first for one, first in zip(parts, firsts, strict=False)]
    known, place = _number(rows)
    known = rows[known]
    return CodedImages(
        parts[0].shape,
        known[:, 0],
        known[:, 1],
        known[:, 2:],
        place[np.concatenate(shifted)],
        np.concatenate([one.coefficients for one in parts]),
    )


def _number(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each different row comes first, in that order, and for each row which of them it is."""
    _, first, of = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = first.argsort()
    return first[order], order.argsort()[of.reshape(-1)]


def encode(images: CodedImages) -> bytes:
    """Return the stream of images."""
    coder = RangeEncoder()
    _code(coder, images)
    return coder.finish()


def decode(content: bytes) -> CodedImages:
    """Return the images of a stream.

    Raises:
        ValueError: The bytes are damaged.
    """
    coder, nothing = RangeDecoder(content), np.zeros((0, 0), dtype=np.int64)
    flat = nothing.reshape(-1)
    most = MOST_A_BYTE * (len(content) + 1)
    found = _code(coder, CodedImages((0, 0, 0), flat, flat, nothing, flat, nothing), most)
    if not coder.spent:
        raise ValueError("its coded images end before their bytes do")
    return found


def measure(images: CodedImages) -> float:
    """Return about how many bytes `encode` gives, in a fraction of its time."""
    bits, described = 0.0, len(images.steps) * 4 + OVERHEAD
    for rows in (images.means, images.coefficients):
        for model, plane in _planes(rows, images.shape):
            bits += model.measure(plane) if len(rows) else 0
    return bits / 8 + described


def _code(coder: Coder, images: CodedImages, most: int = MOST) -> CodedImages:
    units = code_count(coder, len(images.coefficients))
    channels, height, width = (coder.code_number(side, SIDE_BITS) for side in images.shape)
    shape, means = (channels, height, width), code_count(coder, len(images.steps))
    each = count_coefficients(shape)
    rows = units + means
    if not each or rows > most or rows * each > MOST or (units and not means):
        raise ValueError(f"its coded images would be {units} of {channels} x {height} x {width}")
    steps, finenesses = _code_steps(coder, images, means)
    origins = _code_origins(coder, images.origins, units, means)
    return CodedImages(
        shape,
        steps,
        finenesses,
        _code_rows(coder, images.means, means, shape),
        origins,
        _code_rows(coder, images.coefficients, units, shape, mark=True),
    )


def _code_steps(
    coder: Coder, images: CodedImages, means: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps and finenesses, each told where it differs from the one before."""
    differs: Counts = [GAIN, GAIN]
    found, last = [], (0, 0)
    told = np.stack([images.steps, images.finenesses], 1).tolist() or [[1, 1]] * means
    for step, fineness in told:
        if coder.code(differs, int((step, fineness) != last)):
            last = coder.code_number(step, STEP_BITS), coder.code_number(fineness, FINE_BITS)
        found.append(last)
    steps, finenesses = np.array(found, dtype=np.int64).reshape(-1, 2).T
    if not steps.all() or not finenesses.all():
        raise ValueError("a step of its coded images is zero")
    return steps, finenesses


def _code_origins(
    coder: Coder, origins: NDArray[np.int64], units: int, means: int
) -> NDArray[np.int64]:
    """The mean of each unit, told where it is not that of the unit before."""
    differs, bits = [GAIN, GAIN], max(1, (means - 1).bit_length())
    found, last = np.zeros(units, dtype=np.int64), 0
    told = origins.tolist() or [0] * units
    for unit, origin in enumerate(told):
        if means > 1 and coder.code(differs, int(origin != last)):
            last = coder.code_number(origin, bits)
        found[unit] = last
    if units and found.max() >= means:
        raise ValueError("one of its coded images has a mean that is not there")
    return found


def _code_rows(
    coder: Coder, rows: NDArray[np.int64], count: int, shape: Sequence[int], mark: bool = False
) -> NDArray[np.int64]:
    """Coefficients (count, F), plane after plane."""
    given = rows if len(rows) else np.zeros((count, count_coefficients(shape)), dtype=np.int64)
    if count:
        planes = [model.code(coder, plane) for model, plane in _planes(given, shape)]
        given = np.concatenate([plane.reshape(count, -1) for plane in planes], 1)
    if mark and coder.code_number(MARK, MARK_BITS) != MARK:
        raise ValueError("the bytes of its coded images are damaged")
    return given


def _planes(rows: NDArray[np.int64], shape: Sequence[int]) -> Iterator[tuple[PlaneModel, Plane]]:
    """The planes of coefficients (M, F), each with its model; both colours share one."""
    each = sides(shape)
    models = {side: PlaneModel() for side in each}
    ends = np.cumsum([0, *(height * width for height, width in each)])
    for (begin, end), side in zip(pairwise(ends), each, strict=True):
        yield models[side], rows[:, begin:end].reshape(-1, *side)
