"""What the numbers of a published file's pixels are: 0 to 1, 0 to 255, normalised, or whitened.

Ranges decide, and are said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.formats.choices import WITH_DATA, Choices
from condensers.formats.published import Published, numbers

OVERSHOOT = 0.5  # how far pixels "in 0 to 1" may lie outside: learned ones are not always clamped
# what floats of 0 to 1 or 0 to 255 may be below 0, in parts of their range, for the range alone to
# decide
DARKEST = 0.02
BYTES_FROM = 16.0  # floats that reach so far are no normalised pixels
RATIO = (
    2.5  # contrasts of sets and of their real images differ by less; a wrong scale makes 3 to 255
)
FEW = 10  # images whose variance says too little
COARSE, ROUGH = 0.4, 0.8  # below both, pixels vary as those of whitened images or of noise do


@dataclass(frozen=True)
class Scale:
    """How a file's pixels were made of pixels in 0 to 1.

    Args:
        mean: (C, 1, 1), subtracted from pixels in 0 to 1.
        std: (C, 1, 1), by which they were then divided.
        said: The same in words.
    """

    mean: Tensor
    std: Tensor
    said: str

    def unit(self, images: Tensor) -> Tensor:
        """Return the file's images (M, C, H, W) as float32 in 0 to 1."""
        return images.float() * self.std + self.mean


def scale_of(published: Published, data: ClassData, choices: Choices) -> Scale:
    """Return the scale of a file's pixels.

    Raises:
        UsageError: Neither their range, nor the file, nor the user decides, or what is said cannot
            be true.
    """
    path, channels, own = published.path, published.images.shape[1], choices.normalised
    ranged = _by_range(published.images)
    if own in ("", "none") and ranged:
        return _constant(channels, *ranged)
    if own == "none" or (not own and published.pixels == "unit"):
        _require_unit(published, data)
        return _constant(channels, 1.0, "0 to 1")
    if not own and published.pixels is None:
        raise UsageError(
            f"{path}: its pixels, {extent(published.images)}, are normalised, and it does not say"
            f" how; pass --normalised with-data (by the mean and std of {data.name}) or"
            " --normalised MEAN/STD"
        )
    said = own or published.pixels
    if ranged and own and not (choices.any_contrast and published.images.is_floating_point()):
        raise UsageError(
            f"{path}: its pixels go from {extent(published.images)}, so they are {ranged[1]}:"
            " normalised ones go below 0; leave --normalised out"
        )
    return _normalised_by(said, published, data)


def _by_range(images: Tensor) -> tuple[float, str] | None:
    """What white is, and the range in words, where the least and largest pixel decide that; None
    where they do not.
    """
    low, high = float(images.min()), float(images.max())
    if images.dtype == torch.uint8:
        return 255.0, "bytes, 0 to 255"
    if low >= -DARKEST and high <= 1 + DARKEST:
        return 1.0, "0 to 1"
    if low >= -DARKEST * 255 and BYTES_FROM < high <= 255 * (1 + DARKEST):
        return 255.0, "0 to 255"
    return None


def _constant(channels: int, white: float, said: str) -> Scale:
    return Scale(torch.zeros(channels, 1, 1), torch.full((channels, 1, 1), 1 / white), said)


def _normalised_by(said: object, published: Published, data: ClassData) -> Scale:
    """With-data, MEAN/STD as the user wrote it, or the pair that the file states."""
    if said == WITH_DATA:
        said = (data.mean, data.std)
    pair: Any = _mean_and_std(said) if isinstance(said, str) else said
    mean, std = pair
    channels = published.images.shape[1]
    if len(mean) != channels or len(std) != channels:
        raise UsageError(
            f"{published.path}: has {channels} channels, but the mean or std has {len(mean)} and"
            f" {len(std)} numbers"
        )
    words = f"normalised by {'/'.join(','.join(f'{v:.4g}' for v in part) for part in (mean, std))}"
    return Scale(torch.tensor(mean).view(-1, 1, 1), torch.tensor(std).view(-1, 1, 1), words)


def _require_unit(published: Published, data: ClassData) -> None:
    images = published.images
    if not -OVERSHOOT <= float(images.min()) <= float(images.max()) <= 1 + OVERSHOOT:
        raise UsageError(
            f"{published.path}: its pixels go from {extent(images)}, so they are neither 0 to 1 nor"
            " 0 to 255 but normalised; pass --normalised with-data (by the mean and std of"
            f" {data.name}) or --normalised MEAN/STD"
        )


def _mean_and_std(text: str) -> tuple[Sequence[float], Sequence[float]]:
    parts = [part.split(",") for part in text.split("/")]
    try:
        mean, std = ([float(number) for number in part] for part in parts)
    except ValueError:
        raise UsageError(
            f"--normalised {text}: write none, with-data, or MEAN/STD with a number a channel, such"
            " as 0.49,0.48,0.45/0.2,0.2,0.2"
        ) from None
    return numbers(mean, "mean", f"--normalised {text}"), numbers(
        std, "std", f"--normalised {text}"
    )


def extent(images: Tensor) -> str:
    """Between which values pixels lie."""
    return f"{float(images.min()):.4g} to {float(images.max()):.4g}"


def contrast(images: Tensor, real: Tensor) -> float:
    """The standard deviation of the pixels of `images`, as a multiple of that of `real`; both 0 to
    1.
    """
    return float(images.std()) / max(float(real.std()), 1e-6)


def require_contrast(ratio: float, published: Published, data: ClassData, said: str) -> None:
    """UsageError where the contrast is none that images like those of `data` can have."""
    if not 1 / RATIO <= ratio <= RATIO:
        raise UsageError(
            f"{published.path}: taken as {said}, its images have {ratio:.2g} times the contrast of"
            f" {data.name}, so they are not; pass another --normalised, or --any-contrast if it"
            " is so"
        )


def looks_whitened(images: Tensor, real: Tensor) -> bool:
    """Whether coarse structure and the likeness of neighbours are far below those of real images;
    both (M, C, H, W), 0 to 1.
    """
    if len(images) < FEW:
        return neighbours(images) < ROUGH / 2 * neighbours(real)
    return _coarse(images, real) < COARSE and neighbours(images) < ROUGH * neighbours(real)


def neighbours(images: Tensor) -> float:
    """The correlation of pixels with their right and lower neighbours."""
    x = images - images.mean()
    products = torch.cat(
        [(x[..., 1:] * x[..., :-1]).flatten(), (x[..., 1:, :] * x[..., :-1, :]).flatten()]
    )
    return float(products.mean() / x.square().mean().clamp_min(1e-12))


def _coarse(images: Tensor, real: Tensor) -> float:
    """The variance of images along the directions that hold half of the variance of the real ones,
    as a part of theirs.
    """
    small = [
        functional.adaptive_avg_pool2d(x, 16) if x.shape[-1] > 16 else x for x in (images, real)
    ]
    ours, theirs = ((x.flatten(1) - x.flatten(1).mean(0)).double() for x in small)
    values, vectors = torch.linalg.eigh(theirs.T @ theirs / (len(theirs) - 1))
    values, vectors = values.flip(0), vectors.flip(1)
    count = 1 + int((values.cumsum(0) < values.sum() / 2).sum())
    varied = (ours @ vectors[:, :count]).square().sum() / (len(ours) - 1)
    return float(varied / values[:count].sum().clamp_min(1e-12))
