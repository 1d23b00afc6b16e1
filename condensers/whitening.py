"""ZCA whitening: images turned so that all their pixel values are uncorrelated and of equal
variance, and back.

z = (x - mu) V (D + eps)^(-1/2) V',   V D V' = covariance of the training images x;   back: x = mu +
z V (D + eps)^(1/2) V'

x are pixels (u - m) / s of u in 0 to 1: m = 0 and s = 1, or the data set's mean and std, by
channel. As eps is added to variances, this choice matters.

Source: `kornia.enhance.ZCAWhitening` (the covariance of n images is divided by n - 1), which MTT's
code calls with eps 0.1 and fits on the training images in 0 to 1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condensers.errors import UsageError

LARGEST = 12288  # values of an image, 3 x 64 x 64: the matrix has the square of them
AT_ONCE = 1000


@dataclass(frozen=True)
class Fit:
    """How a whitening is fitted.

    Args:
        mean: Of each channel, subtracted from pixels in 0 to 1 before.
        std: Of each channel, by which they are then divided.
        eps: Is added to variances.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    eps: float = 0.1

    def as_json(self) -> dict[str, Any]:
        return {"name": "zca", "eps": self.eps, "mean": list(self.mean), "std": list(self.std)}


def fit_of(said: Mapping[str, Any], channels: int) -> Fit:
    """The fit that a card asks for, as `Fit.as_json` wrote it; UsageError for anything else."""
    mean, std, eps = said.get("mean"), said.get("std"), said.get("eps")
    numbers = [value for part in (mean, std) if isinstance(part, list | tuple) for value in part]
    fine = len(numbers) == 2 * channels and all(isinstance(v, int | float) for v in [*numbers, eps])
    if said.get("name") != "zca" or not fine or min([*numbers[channels:], eps]) <= 0:
        raise UsageError(
            f"the whitening that a card asks for, {dict(said)}, is none that is known; import the"
            " set again"
        )
    mean, root = tuple(map(float, numbers[:channels])), tuple(map(float, numbers[channels:]))
    return Fit(mean, root, float(eps))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Whitening:
    """mean (D,), forward and backward (D, D), for pixels in 0 to 1 of images (N, C, H, W), D = C H
    W; all float32.
    """

    mean: Tensor
    forward: Tensor
    backward: Tensor

    def apply(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) in 0 to 1 -> whitened ones."""
        return ((images.flatten(1) - self.mean) @ self.forward).view(images.shape)

    def undo(self, images: Tensor) -> Tensor:
        """Whitened images (N, C, H, W) -> those they were made of, about 0 to 1."""
        return (images.flatten(1) @ self.backward + self.mean).view(images.shape)

    def to(self, device: torch.device) -> "Whitening":
        return Whitening(self.mean.to(device), self.forward.to(device), self.backward.to(device))

    def state(self) -> dict[str, Tensor]:
        return {"mean": self.mean, "forward": self.forward, "backward": self.backward}


def fit_whitening(images: Tensor, fit: Fit) -> Whitening:
    """Fit a ZCA whitening on images.

    Args:
        images: (N, C, H, W) uint8, N > 1.
        fit: How pixels are normalised before, and eps.

    Raises:
        UsageError: The images are too large for a matrix of C H W x C H W.
    """
    size = images[0].numel()
    if size > LARGEST:
        raise UsageError(
            f"ZCA whitening of images of {size} values takes a matrix of {size} x {size}; {LARGEST}"
            " are bearable"
        )
    spread = _spread(fit.std, images)
    sums = torch.stack([part.flatten(1).sum(0) for part in torch.split(images, AT_ONCE)])
    mean = sums.sum(0).double() / len(images) / 255
    covariance = torch.zeros(size, size, dtype=torch.float64, device=images.device)
    for part in torch.split(images, AT_ONCE):
        centred = (part.flatten(1).double() / 255 - mean) / spread
        covariance += centred.T @ centred
    values, vectors = torch.linalg.eigh(covariance / (len(images) - 1))
    scale = (values.clamp_min(0) + fit.eps).sqrt()
    forward = (vectors / scale) @ vectors.T / spread[:, None]
    backward = (vectors * scale) @ vectors.T * spread
    return Whitening(mean.float(), forward.float(), backward.float())


def _spread(std: Sequence[float], images: Tensor) -> Tensor:
    """The std of each of the D values."""
    channels = torch.tensor(std, dtype=torch.float64, device=images.device).view(-1, 1, 1)
    return channels.expand(images.shape[1:]).flatten()
