"""Kernels between images, for kernel ridge regression.

Kernels and features of many images in bounded memory: portions, whose insides are computed again in
the backward pass.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from condensers.hyperparameters import Part
from condensers.parts.setting import Given, Needs, RunSetting

Kernel = Callable[[Tensor, Tensor], Tensor]


class KernelSpec(Part):
    """The hyperparameters of a kernel between images."""

    @property
    def needs(self) -> Needs:
        """What it needs of the model schedule: a network, or nothing."""
        return Needs.NOTHING

    @property
    def passes(self) -> tuple[float, float]:
        """Passes of the run's network that a real and a synthetic image cost, roughly."""
        return 1 / 3, 1.0

    @property
    def capturable(self) -> bool:
        """Whether a step may be recorded as a CUDA graph: it draws nothing."""
        return False

    @abstractmethod
    def begin(self, given: Given, setting: RunSetting) -> Kernel:
        """Return the kernel of one step; random features are drawn now.

        Args:
            given: What the model schedule gave.
            setting: What the run lends.

        Returns:
            (n, C, H, W), (m, C, H, W) -> (n, m), differentiable in both, in the images' dtype.
        """


NUMBERS_AT_ONCE = 2**20
IMAGES_AT_ONCE = 256

Pairwise = Callable[[Tensor, Tensor], Tensor]


def pairwise_in_portions(kernel: Pairwise, x: Tensor, y: Tensor, per_pair: int) -> Tensor:
    """kernel(x, y) (n, m), rows of x in portions; `per_pair` says how many numbers a pair of images
    takes inside.
    """
    rows = max(1, NUMBERS_AT_ONCE // (len(y) * per_pair))
    if len(x) <= rows:
        return kernel(x, y)
    return torch.cat([_again(lambda part: kernel(part, y), part) for part in torch.split(x, rows)])


def features_in_portions(
    embed: Callable[[Tensor], Tensor], images: Tensor, together: bool = False
) -> Tensor:
    """embed(images) (n, D), all images `together` or in portions; without a graph where the images
    need none.
    """
    parts = torch.split(images, len(images) if together else IMAGES_AT_ONCE)
    if not images.requires_grad:
        with torch.no_grad():
            return torch.cat([embed(part) for part in parts])
    return embed(images) if len(parts) == 1 else torch.cat([_again(embed, part) for part in parts])


def _again(function: Callable[[Tensor], Tensor], part: Tensor) -> Tensor:
    """function(part), keeping nothing of its insides for the backward pass."""
    return cast(Tensor, checkpoint(function, part, use_reentrant=False, preserve_rng_state=False))


class InnerProducts:
    """K(x, y) = scale * phi(x) phi(y)^T + shift, with features phi: (n, C, H, W) -> (n, D).

    A step asks for K(s, s) and then for K(t, s): the features of the last second argument are kept.
    """

    def __init__(
        self, phi: Callable[[Tensor], Tensor], scale: float = 1.0, shift: float = 0.0
    ) -> None:
        self.phi, self.scale, self.shift = phi, scale, shift
        self.kept: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        """(n, m) in the dtype of y."""
        if self.kept is None or self.kept[0] is not y:
            self.kept = y, self.phi(y).to(y.dtype)
        right = self.kept[1]
        left = right if x is y else self.phi(x).to(y.dtype)
        return self.scale * (left @ right.T) + self.shift
