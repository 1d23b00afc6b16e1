"""The residual refiner against its definition in plain whole numbers; what is stored and that it is
read back; that it behaves the same in any order of summation and trains to the better.
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.parts.refiners.base import ImagePairs, as_seen, grey_levels
from condensers.parts.refiners.residual import Residual, scale_exponents

TINY: dict[str, Any] = {"steps": 20, "feature_steps": 3, "feature_width": 4, "batch": 32}


def drawn(part: Residual, channels: int, size: float = 0.4) -> Tensor:
    count = sum(math.prod(s) + s[0] for s in part.sizes(channels))
    return size * torch.randn(count, generator=torch.Generator().manual_seed(5))


def literal(image: list[Any], part: Residual, stored: dict[str, Tensor]) -> list[Any]:
    """The definition of the module's docstring, a number at a time, in Python's whole numbers."""
    weights, biases, exponents = (
        iter(stored[name].tolist()) for name in ("weights", "biases", "exponents")
    )
    height, width = len(image[0]), len(image[0][0])
    inside = [[[value - 128 for value in line] for line in plane] for plane in image]
    sizes = part.sizes(len(image))
    for index, (out, into, _, _) in enumerate(sizes):
        last = index == len(sizes) - 1
        kernels = [
            [[[next(weights) for _ in range(3)] for _ in range(3)] for _ in range(into)]
            for _ in range(out)
        ]
        planes = []
        for channel in range(out):
            bias, bits = next(biases), next(exponents)
            bits += (6 if index else 7) - (7 if last else 6)
            plane = [[0] * width for _ in range(height)]
            for y in range(height):
                for x in range(width):
                    total = sum(
                        kernels[channel][c][i][j]
                        * inside[c][min(max(y + i - 1, 0), height - 1)][
                            min(max(x + j - 1, 0), width - 1)
                        ]
                        for c in range(into)
                        for i in range(3)
                        for j in range(3)
                    )
                    # floor(total / 2^bits + bias / 16 + 1 / 2), over one denominator
                    value = (total * 16 + (bias + 8) * 2**bits) // (16 * 2**bits)
                    plane[y][x] = value if last else min(max(value, 0), 255)
            planes.append(plane)
        inside = planes
    return [
        [
            [min(max(image[c][y][x] + inside[c][y][x], 0), 255) for x in range(width)]
            for y in range(height)
        ]
        for c in range(len(image))
    ]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_it_is_its_definition(channels: int, layers: int) -> None:
    part = Residual(width=2, layers=layers)
    weights = drawn(part, channels)
    generator = torch.Generator().manual_seed(1)
    levels = torch.randint(0, 256, (2, channels, 5, 6), generator=generator)
    found = part.refine(levels.double(), weights)
    stored = part.pack(weights, channels)
    assert found.long().tolist() == [literal(one, part, stored) for one in levels.tolist()]
    assert not torch.equal(found, levels.double())
    again = part.unpack(stored, channels)
    assert torch.equal(part.refine(levels.double(), again), found)
    assert all(torch.equal(a, stored[n]) for n, a in part.pack(again, channels).items())


@pytest.mark.parametrize(("channels", "nbytes"), [(1, 348), (3, 534)])
def test_its_bytes(channels: int, nbytes: int) -> None:
    part = Residual()
    stored = part.pack(drawn(part, channels), channels)
    assert sum(t.numel() * t.element_size() for t in stored.values()) == nbytes
    assert part.nbytes(channels) == nbytes


def test_the_scale_is_the_finest_that_fits() -> None:
    largest = torch.tensor([0.0, 1e-9, 127 / 2**15, 0.0039, 1.0, 127 / 64, 2.0, 3.9, 127 / 32, 99])
    found = scale_exponents(largest.view(-1, 1, 1, 1))
    wanted = [
        max((e for e in range(5, 16) if float(one) * 2**e <= 127), default=5) for one in largest
    ]
    assert found.tolist() == wanted


def test_the_order_of_summation_does_not_matter() -> None:
    """Channels in another order are another sum; whole numbers have no last bits to differ in."""
    part = Residual(width=6, layers=2)
    weights = drawn(part, 1, size=1.0)
    (first, shift), (last, offset) = part.split(weights, 1)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(2))
    mixed = [first[order].flatten(), shift[order], last[:, order].flatten(), offset]
    levels = torch.randint(0, 256, (3, 1, 28, 28)).double()
    assert torch.equal(part.refine(levels, weights), part.refine(levels, torch.cat(mixed)))


def test_grey_levels_half_way_go_up_whatever_their_last_bits() -> None:
    mean, std = (0.1307,), (0.3081,)
    levels = torch.arange(0, 254).double() + 0.5
    for noise in (-1e-5, 0.0, 1e-5):
        images = as_seen((levels + noise).view(1, 1, 1, -1), mean, std)
        assert torch.equal(grey_levels(images, mean, std).flatten(), levels + 0.5)
    whole = torch.arange(256).double().view(1, 1, 1, -1)
    assert torch.equal(grey_levels(as_seen(whole, mean, std), mean, std), whole)


def spoil(images: Tensor) -> Tensor:
    """Images of half the resolution and contrast."""
    small = torch.nn.functional.avg_pool2d(images, 2)
    return 0.5 * torch.nn.functional.interpolate(small, scale_factor=2)


def distances(part: Residual, data: ClassData) -> tuple[Tensor, list[float]]:
    """The weights after training, and the loss of each step."""
    decoded, losses = spoil(data.normalise(data.images)), list[float]()

    def hear(progress: Progress) -> None:
        losses.extend([float(progress.note)] if progress.name == "refiner" else [])

    context = Context(seed=2, progress=hear)
    return part.train(ImagePairs(decoded, data.images), data, context), losses


@pytest.mark.parametrize("name", ["grey28", "colour32"])
@pytest.mark.parametrize("loss", ["pixels", "features"])
def test_training_brings_images_closer(
    loss: str, name: str, request: pytest.FixtureRequest
) -> None:
    _, losses = distances(Residual(loss=loss, **TINY), request.getfixturevalue(name))
    assert sum(losses[-3:]) < sum(losses[:3])


def test_before_training_nothing_changes(grey28: ClassData) -> None:
    part = Residual(**{**TINY, "steps": 0})
    weights, _ = distances(part, grey28)
    levels = grey28.images.double()
    assert torch.equal(part.refine(levels, weights), levels)


def test_stored_numbers_of_another_refiner_are_refused() -> None:
    part = Residual()
    stored = part.pack(drawn(part, 1), 1)
    with pytest.raises(ValueError, match="the weights of its refiner are not 495 numbers"):
        part.unpack(stored, 3)
    with pytest.raises(ValueError, match="exponent"):
        part.unpack({**stored, "exponents": torch.full((11,), 40, dtype=torch.uint8)}, 1)
