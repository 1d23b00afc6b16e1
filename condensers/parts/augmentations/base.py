"""The base class of augmentations."""

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from condensers.data import ClassData
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


Drawn = Draw | Draws | None
"""What `Augmentation.draw` gives; None: nothing is done."""


class Augmentation(Part):
    """Random, differentiable transformations of images.

    Real and synthetic images are matched under one shared draw (`draw(1, ...)`, applied to both);
    networks are trained with parameters of its own for every image (`draw(n, ...)`).
    """

    def for_data(self, data: ClassData) -> "Augmentation":
        """Return the augmentation without what would change the labels of `data`."""
        return self

    def without(self, family: str) -> "Augmentation":
        """Return the augmentation without one family of transformations."""
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
