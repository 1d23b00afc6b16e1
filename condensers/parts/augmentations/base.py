"""The base class of augmentations."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.devices import send_all
from condensers.hyperparameters import Part


class Draw(NamedTuple):
    """One transformation of a batch.

    Attributes:
        family: The name of the transformation, which the augmentation knows.
        params: Its parameters, (n, ...); n = 1 is shared by all images of a batch.
    """

    family: str
    params: Tensor


class Draws(NamedTuple):
    """Transformations that are applied one after the other."""

    each: tuple[Draw, ...]


FULL_SIDE = 32  # of the images that published crops and rolls are made for
Drawn = Draw | Draws | None
"""What `Augmentation.draw` gives; None: nothing is done."""


def chain(drawn: Drawn) -> tuple[Draw, ...]:
    """Return the transformations of a draw, in order."""
    if drawn is None:
        return ()
    return drawn.each if isinstance(drawn, Draws) else (drawn,)


def in_proportion(pixels: int, shape: Sequence[int]) -> int:
    """Return how far an image (C, H, W) is moved where one of 32 x 32 is moved by `pixels`; larger
    images are moved as far.

    >>> in_proportion(4, (3, 32, 32)), in_proportion(4, (1, 28, 28)), in_proportion(4, (1, 8, 8))
    (4, 4, 1)
    """
    return round(pixels * min(1.0, min(shape[1:]) / FULL_SIDE))


def send_draws(draws: Sequence[Drawn], device: torch.device) -> list[Drawn]:
    """Return draws with their parameters on `device`, which get there together.

    Draws whose form only their own augmentation knows stay as they are.
    """
    known = [one for one in draws if isinstance(one, Draw | Draws)]
    here = [one.params for draw in known for one in chain(draw)]
    if device.type == "cpu" or all(one.device.type == device.type for one in here):
        return list(draws)
    sent = iter(send_all(here, device))
    return [_with_params(one, sent) if isinstance(one, Draw | Draws) else one for one in draws]


def _with_params(drawn: Draw | Draws, params: Iterator[Tensor]) -> Draw | Draws:
    """The same transformations with the next of `params`."""
    if isinstance(drawn, Draw):
        return drawn._replace(params=next(params))
    return Draws(tuple(one._replace(params=next(params)) for one in drawn.each))


class Augmentation(Part):
    """Random, differentiable transformations of images.

    Real and synthetic images are matched under one shared draw (`draw(1, ...)`, applied to both);
    networks are trained with parameters of its own for every image (`draw(n, ...)`).
    """

    @property
    def varies(self) -> bool:
        """Whether `at` gives other transformations in the course of a run."""
        return False

    def for_data(self, data: ClassData) -> "Augmentation":
        """Return the augmentation without what would change the labels of `data`."""
        return self

    def without(self, family: str) -> "Augmentation":
        """Return the augmentation without one family of transformations."""
        return self

    def at(self, done: float) -> "Augmentation":
        """Return the augmentation as matching sees it after a part of the run, 0 to 1.

        Networks are trained under the augmentation itself.
        """
        return self

    @abstractmethod
    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Drawn:
        """Draw transformations.

        Args:
            n: Number of images; 1 draws parameters that a whole batch shares.
            shape: (C, H, W) of an image.
            generator: The only source of randomness.
        """

    @abstractmethod
    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """Transform images.

        Args:
            images: (N, C, H, W) float32, normalised.
            drawn: What `draw` gave.

        Returns:
            Images of the same shape, differentiable in `images`.
        """
