"""The base class of refiners: what is trained once, stored in few bytes, and shared by all images.

A refiner reads whole grey levels and gives whole grey levels, so that an image that is read again
is the same on every machine.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.engine.devices import send
from condensers.hyperparameters import Part
from condensers.networks import NetworkSpec
from condensers.parts.parameterisations.latent import straight_through

Groups = dict[str, Tensor]
# Added before rounding down: a value that lies half-way between two grey levels goes up, whatever
# the last bits of its floats are.
HALF = 0.5 + 2**-10


@dataclass(frozen=True)
class ImagePairs:
    """What a refiner is trained on.

    Attributes:
        decoded: Images as they come back from storage, (n, C, H, W) float32, normalised.
        real: The images that were stored, (n, C, H, W) uint8.
    """

    decoded: Tensor
    real: Tensor


class Refiner(Part):
    """Brings decoded images closer to the real ones.

    Attributes:
        rate: Learning rate of its weights while a method learns images behind it, as a multiple of
            the method's; 0 where they stay as they were trained.
    """

    rate: float

    @abstractmethod
    def nbytes(self, channels: int) -> int:
        """Return the stored bytes for images of so many channels."""

    def image_passes(self) -> list[tuple[NetworkSpec, float]]:
        """Return the networks that its training uses, and about how many images pass each, for
        estimates.
        """
        return []

    @abstractmethod
    def train(self, pairs: ImagePairs, data: ClassData, context: Context) -> Tensor:
        """Return weights (P,) float32, on the device of the images.

        Args:
            pairs: Decoded and real images.
            data: The real images, for networks that compare images.
            context: Randomness, and a folder of its own for checkpoints.
        """

    @abstractmethod
    def pack(self, weights: Tensor, channels: int) -> Groups:
        """Return weights as they are stored, whole numbers on the CPU."""

    @abstractmethod
    def unpack(self, stored: Mapping[str, Tensor], channels: int) -> Tensor:
        """Return the weights (P,) float32 of what `pack` gave: `pack` gives it again.

        Raises:
            ValueError: The tensors are not those of such a refiner.
        """

    @abstractmethod
    def refine(self, levels: Tensor, weights: Tensor) -> Tensor:
        """Return refined images.

        Args:
            levels: (n, C, H, W), whole numbers from 0 to 255; in float64 the result is exact.
            weights: (P,), rounded here as storage rounds them.

        Returns:
            Whole numbers from 0 to 255, (n, C, H, W), differentiable in both.
        """


def grey_levels(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return normalised images (n, C, H, W) as whole grey levels, float64, differentiable.

    Args:
        images: float32, normalised.
        mean: Of each channel, for pixels in [0, 1].
        std: Likewise.
    """
    column = _columns(mean, std, images)
    free = (images.double() * column[1] + column[0]) * 255
    return straight_through(free, (free.detach() + HALF).floor().clamp(0, 255))


def as_seen(levels: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Return grey levels (n, C, H, W) as networks see them, float32."""
    column = _columns(mean, std, levels)
    return ((levels / 255 - column[0]) / column[1]).float()


def _columns(mean: Sequence[float], std: Sequence[float], like: Tensor) -> Tensor:
    both = send(torch.tensor([*mean, *std], dtype=torch.float64), like.device)
    return both.view(2, 1, -1, 1, 1)
