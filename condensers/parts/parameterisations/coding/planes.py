"""The code of quantised coefficients: each under the size that its neighbours let expect.

e_if = 11/16 F_if + 5/16 N_if,  F_if = ( sum_{j < i} |q_jf| + 6.8 mean_j N_jf ) / (i + 8)
N_if = sum_d w_d |q_i,f-d|, over the seven nearest lower frequencies, sum_d w_d = 1

q_if: the coefficient of frequency f = (row, column) of unit i. Frequency after frequency, from low
to high, all units are coded: whether q is zero, its sign, and step by step its size, each decision
under adaptive counts of the octave's half in which e lies (`range_coder`). A frequency at which all
units are zero takes one decision. Sizes count as 15 at most in e.

Source: ours. Contexts of quantised expected sizes are those of Wu & Memon, "Context-based,
adaptive, lossless image coding" (CALIC, 1997), and of wavelet coders after it, here also over
images.
"""

from functools import lru_cache
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from condensers.parts.parameterisations.coding.range_coder import GAIN, Coder, Counts

Numbers = NDArray[np.int64]
Plane = Numbers
"""Coefficients (units, rows, columns)."""

NEIGHBOURS = ((0, 1, 4), (1, 0, 4), (1, 1, 2), (0, 2, 2), (2, 0, 2), (1, 2, 1), (2, 1, 1))
SIXTEENTHS = 16  # the weights' sum
UNIT = 4096  # of e
LARGEST = 15  # what a size counts for in e
FIRST = 2 * UNIT  # the expected size at the lowest frequency
INERTIA, SHRINK = 8, 109  # of F: units that the neighbours count for, and 16 * 6.8
ONE = SIXTEENTHS * UNIT
OF_ALL, OF_UNIT = 11, 5 * UNIT // SIXTEENTHS  # the shares of F and of 16 N in 16 e
STEPS = 12  # sizes that are told step by step; larger ones have an exponent
HALVES = 36


class PlaneModel:
    """The adaptive counts of one kind of plane, which all planes of the kind share.

    Attributes:
        live: Whether a frequency has a coefficient that is not zero, for each half octave.
        sizes: Whether a size is above 0, 1, ..., for each half octave.
    """

    def __init__(self) -> None:
        self.live: list[Counts] = [[GAIN, GAIN] for _ in range(HALVES)]
        self.sizes: list[list[Counts]] = [
            [_expected(half) for half in range(HALVES)] for _ in range(STEPS)
        ]

    def code(self, coder: Coder, plane: Plane) -> Plane:
        """Code a plane.

        Args:
            coder: Writes or reads.
            plane: What is written; what reads takes its shape alone.

        Returns:
            The plane that was written or read.
        """
        units, rows, columns = plane.shape
        found = np.zeros((rows, columns, units), dtype=np.int64)
        sizes, half = np.zeros_like(found), halves()
        for row, column in product(range(rows), range(columns)):
            near = _near(sizes, row, column, column + 1)
            mean = int(_means(near, first=row == column == 0)[0])
            values = plane[:, row, column].tolist()
            if coder.code(self.live[half[mean]], int(any(values))):
                read = self._code_frequency(coder, values, near[0].tolist(), mean)
                found[row, column] = read
                sizes[row, column] = np.minimum(np.abs(found[row, column]), LARGEST)
        read_plane: Plane = found.transpose(2, 0, 1)
        return read_plane

    def _code_frequency(
        self, coder: Coder, values: list[int], near: list[int], mean: int
    ) -> list[int]:
        half, so_far, read = halves(), 0, []
        for unit, (value, own) in enumerate(zip(values, near, strict=True)):
            of_all = (ONE * so_far + SHRINK * mean) // (SIXTEENTHS * (unit + INERTIA))
            expected = (OF_ALL * of_all + OF_UNIT * own) >> 4
            value = self._code_value(coder, value, half[expected])
            so_far += min(abs(value), LARGEST)
            read.append(value)
        return read

    def _code_value(self, coder: Coder, value: int, half: int) -> int:
        wanted, size = abs(value), 0
        while size < STEPS and coder.code(self.sizes[size][half], int(wanted > size)):
            size += 1
        if size == STEPS:
            size += code_count(coder, wanted - STEPS)
        return -size if size and coder.code_number(int(value < 0), 1) else size

    def measure(self, plane: Plane) -> float:
        """Return about how many bits `code` takes, and learn as it does, without coding."""
        sizes, half, bits = np.abs(plane.transpose(1, 2, 0)), _half_table(), 0.0
        contexts, coded = [], []
        for row in range(len(sizes)):
            expected, means = expected_sizes(sizes, row)
            live = sizes[row].any(1)
            bits += _learn(half[means], live, self.live)
            contexts.append(half[expected[live]].ravel())
            coded.append(sizes[row][live].ravel())
        at, sizes = np.concatenate(contexts), np.concatenate(coded)
        for step, counts in enumerate(self.sizes):
            bits += _learn(at, sizes > step, counts)
            at, sizes = at[sizes > step], sizes[sizes > step]
            bits += len(sizes) if step == 0 else 0  # signs
        rest = np.floor(np.log2(sizes - STEPS + 1)) if len(sizes) else sizes
        return float(bits + (2 * rest + 1).sum())


def expected_sizes(sizes: Numbers, row: int) -> tuple[Numbers, Numbers]:
    """Return e at the frequencies of a row, and the mean of N over units, in parts of 1 / 4096.

    Args:
        sizes: |q| as (rows, columns, units).
        row: Which.

    Returns:
        (columns, units) and (columns,).
    """
    near, units = _near(sizes, row, 0, sizes.shape[1]), np.arange(sizes.shape[2])
    means = _means(near, first=row == 0)
    clipped = np.minimum(sizes[row], LARGEST)
    so_far = clipped.cumsum(1) - clipped
    of_all = (ONE * so_far + SHRINK * means[:, None]) // (SIXTEENTHS * (units + INERTIA))
    return (OF_ALL * of_all + OF_UNIT * near) >> 4, means


def _near(sizes: Numbers, row: int, begin: int, end: int) -> Numbers:
    """16 N of all units at the frequencies `begin` to `end` of a row, (frequencies, units)."""
    near = np.zeros((end - begin, sizes.shape[2]), dtype=np.int64)
    for down, right, weight in NEIGHBOURS:
        first = max(begin, right)
        if down <= row and first < end:
            lower = sizes[row - down, first - right : end - right]
            near[first - begin :] += weight * np.minimum(lower, LARGEST)
    return near


def _means(near: Numbers, *, first: bool) -> Numbers:
    """The mean of N over units, (columns,), of 16 N (columns, units); first: nothing is lower."""
    means: Numbers = UNIT // SIXTEENTHS * near.sum(1) // near.shape[1]
    if first:
        means[0] = FIRST
    return means


@lru_cache(maxsize=1)
def halves() -> list[int]:
    """Return for each e below 2^16 the half octave in which it lies."""
    return [_half(e) for e in range(1 << 16)]


@lru_cache(maxsize=1)
def _half_table() -> Numbers:
    return np.array(halves())


def _half(e: int) -> int:
    octave = e.bit_length()
    return 2 * octave + (e >> (octave - 2) & 1 if octave > 1 else 0)


def _expected(half: int) -> Counts:
    """The counts that a context begins with: those of sizes that fall by a constant factor."""
    e = (2 + half % 2 << half // 2) // 2 * 5 // 8
    above = max(1, 2 * GAIN * e // (e + UNIT))
    return [2 * GAIN - above, above]


def code_count(coder: Coder, rest: int) -> int:
    """Code a whole number from 0 on, the smaller the cheaper (Elias, 1975); return it."""
    length = (rest + 1).bit_length()
    found = 1
    while found < 32 and coder.code_number(int(length > found), 1):
        found += 1
    return (1 << found - 1) + coder.code_number(rest + 1 - (1 << found - 1), found - 1) - 1


def _learn(contexts: Numbers, decisions: NDArray[np.bool_], counts: list[Counts]) -> float:
    """The bits of adaptive decisions, a ratio of gamma functions; counts take them up."""
    begun = torch.tensor(counts, dtype=torch.float64) / GAIN
    ones = np.bincount(contexts, weights=decisions, minlength=len(counts))
    seen = np.stack([np.bincount(contexts, minlength=len(counts)) - ones, ones], 1)
    ended = begun + torch.from_numpy(seen)
    counts[:] = (ended * GAIN).long().tolist()

    def log_beta(n: torch.Tensor) -> torch.Tensor:
        return torch.lgamma(n).sum(1) - torch.lgamma(n.sum(1))

    return float((log_beta(begun) - log_beta(ended)).sum() / np.log(2))
