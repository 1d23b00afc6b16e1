"""The arithmetic coder and the code of coefficients: what is read is what was written, in about the
bytes that theory asks, and the same bytes on every platform.
"""

import hashlib
import math

import numpy as np
import pytest

from condensers.parts.parameterisations.coding.planes import PlaneModel, code_count
from condensers.parts.parameterisations.coding.range_coder import (
    GAIN,
    RangeDecoder,
    RangeEncoder,
)


def counts(many):
    return [[GAIN, GAIN] for _ in range(many)]


@pytest.mark.parametrize("seed", range(6))
def test_decisions_and_numbers_come_back(seed):
    generator = np.random.default_rng(seed)
    likely = generator.beta(0.2, 0.2, 8)
    at = generator.integers(0, 8, 3000)
    bits = (generator.random(3000) < likely[at]).astype(int)
    numbers = [(int(generator.integers(0, 2**width)), int(width)) for width in range(1, 33)]
    writer, known = RangeEncoder(), counts(8)
    for place, (context, bit) in enumerate(zip(at, bits, strict=True)):
        writer.code(known[context], int(bit))
        if place < len(numbers):
            writer.code_number(*numbers[place])
            code_count(writer, numbers[place][0] >> 1)
    content = writer.finish()
    reader, known = RangeDecoder(content), counts(8)
    for place, (context, bit) in enumerate(zip(at, bits, strict=True)):
        assert reader.code(known[context]) == bit
        if place < len(numbers):
            assert reader.code_number(0, numbers[place][1]) == numbers[place][0]
            assert code_count(reader, 0) == numbers[place][0] >> 1
    assert reader.spent
    assert not RangeDecoder(content + b"\1" * 8).spent


def test_bytes_are_those_of_the_entropy():
    generator = np.random.default_rng(1)
    for share in (0.5, 0.1, 0.01, 0.002):
        bits = (generator.random(20000) < share).astype(int)
        writer, known = RangeEncoder(), [GAIN, GAIN]
        for bit in bits:
            writer.code(known, int(bit))
        p = bits.mean()
        ideal = -20000 * (p * math.log2(p) + (1 - p) * math.log2(1 - p)) / 8
        assert ideal - 8 < len(writer.finish()) < 1.02 * ideal + 12


def test_long_runs_carry():
    """An interval that closes in on a power of two from below sends a carry through many bytes."""
    for bits in ([1] * 4000 + [0], [0] * 4000 + [1], [1, 0] * 2000, [1] * 5):
        writer, known = RangeEncoder(), [1, GAIN]
        for bit in bits:
            writer.code(known, bit)
            writer.code_number(255 * bit, 8)
        reader, known = RangeDecoder(writer.finish()), [1, GAIN]
        for bit in bits:
            assert reader.code(known) == bit
            assert reader.code_number(0, 8) == 255 * bit


def plane(shape, seed=0, size=3.0, strengths=1.0):
    generator = np.random.default_rng(seed)
    _, rows, columns = shape
    fall = size / (1 + np.arange(rows)[:, None] + np.arange(columns)) ** 1.2
    return np.rint(generator.laplace(0, 1, shape) * fall * strengths).astype(np.int64)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((1, 1, 1), 3.0),
        ((5, 1, 9), 3.0),
        ((40, 12, 12), 3.0),
        ((7, 9, 4), 4000.0),
        ((3, 4, 4), 0.0),
    ],
)
def test_coefficients_come_back_and_take_what_is_measured(shape, size):
    given = plane(shape, size=size)
    writer = RangeEncoder()
    assert np.array_equal(PlaneModel().code(writer, given), given)
    content = writer.finish()
    read = PlaneModel().code(RangeDecoder(content), np.zeros(shape, dtype=np.int64))
    assert np.array_equal(read, given)
    assert abs(PlaneModel().measure(given) / 8 - len(content)) < 0.02 * len(content) + 2


def test_coefficients_take_less_than_the_entropy_of_each_frequency():
    """Images differ in strength, which neighbours tell and frequencies alone do not."""
    strengths = np.random.default_rng(3).choice([0.2, 1.0, 3.0], (1500, 1, 1))
    given = plane((1500, 6, 6), size=2.0, strengths=strengths)
    alone = 0.0
    for values in given.reshape(1500, -1).T:
        share = np.unique(values, return_counts=True)[1] / 1500
        alone -= 1500 * float((share * np.log2(share)).sum())
    assert PlaneModel().measure(given) < 0.95 * alone


def test_the_bytes_are_the_same_everywhere():
    """Whole numbers in, whole numbers throughout: a change of this digest breaks stored sets."""
    row = np.arange(6 * 8 * 8, dtype=np.int64)
    given = ((row * 7919 % 13 - 6) // (1 + row % 64 // 6)).reshape(6, 8, 8)
    writer = RangeEncoder()
    PlaneModel().code(writer, given)
    assert hashlib.sha256(writer.finish()).hexdigest()[:16] == "be286b246cf96eb0"


def test_any_planes_come_back():
    generator = np.random.default_rng(17)
    for seed in range(60):
        shape = tuple(int(n) for n in generator.integers(1, 9, 3))
        given = plane(shape, seed, float(10 ** generator.uniform(-1, 5)))
        writer = RangeEncoder()
        PlaneModel().code(writer, given)
        content = writer.finish()
        read = PlaneModel().code(RangeDecoder(content), np.zeros(shape, dtype=np.int64))
        assert np.array_equal(read, given)
