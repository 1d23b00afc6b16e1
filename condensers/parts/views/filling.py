"""Filling: images under masks, and what stands where a mask keeps nothing.

x' = round( m * x + (1 - m) * fill ),  m in [0, 1] per pixel

Fills: the data set's mean colour, black, the blurred image, Gaussian noise of the data set's mean
and deviation, or another image, whose own kept part is covered by the mean colour of the rest of
it, so that no second object is pasted in. Sources: D. Kim & Bae (IPIU 2022) for the mean, Petsiuk,
Das & Saenko (BMVC 2018) for the blur; noise and other: ours.
"""

import torch
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from condensers.data import ClassData
from condensers.errors import UsageError, shown, suggestion

FILLS = ("mean", "black", "blur", "noise", "other")
FILLED_AT_ONCE = 1024
BLURS_A_SIDE = 8  # the blur's standard deviation is an eighth of the image's side


def share(masks: Tensor) -> Tensor:
    """Masks as float32 in [0, 1]: uint8 is divided by 255, floats are taken as they are."""
    return masks.float() / 255 if masks.dtype == torch.uint8 else masks.float()


def fill_masked(images: Tensor, masks: Tensor, fill: Tensor) -> Tensor:
    """Keep what masks keep of images, and fill the rest.

    Args:
        images: (n, C, H, W) uint8.
        masks: (n, H, W), uint8 from 0 to 255 or float from 0 to 1; the largest value keeps a pixel.
        fill: 0 to 255, (1, C, 1, 1) or of the images' shape.

    Returns:
        (n, C, H, W) uint8.
    """
    found = []
    for first in range(0, len(images), FILLED_AT_ONCE):
        part = slice(first, first + FILLED_AT_ONCE)
        m = share(masks[part].to(images.device)).unsqueeze(1)
        other = (fill if len(fill) == 1 else fill[part]).to(images.device)
        found.append(
            (m * images[part].float() + (1 - m) * other).round().clamp(0, 255).to(torch.uint8)
        )
    return torch.cat(found)


def fills(name: str, data: ClassData, masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return what stands where masks keep nothing.

    Args:
        name: One of `FILLS`.
        data: The real images.
        masks: (N, H, W); only "other" reads them.
        generator: The only source of randomness.

    Returns:
        0 to 255: (1, C, 1, 1) float32 for one colour, else (N, C, H, W) uint8.

    Raises:
        UsageError: There is no such fill.
    """
    if name in ("mean", "black"):
        colour = data.mean if name == "mean" else (0.0,) * len(data.mean)
        return 255 * torch.tensor(colour, device=data.device).view(1, -1, 1, 1)
    if name == "blur":
        return torch.cat([_blur(part) for part in torch.split(data.images, FILLED_AT_ONCE)])
    if name == "noise":
        sizes = [len(part) for part in torch.split(data.images, FILLED_AT_ONCE)]
        drawn = (torch.randn((size, *data.shape), generator=generator) for size in sizes)
        return torch.cat([data.quantise(part.to(data.device)) for part in drawn])
    if name == "other":
        return _cover_objects(data, masks)[others(len(data.images), generator).to(data.device)]
    raise UsageError(f"view.fill: unknown fill {shown(name)}; {suggestion(name, FILLS)}")


def _blur(images: Tensor) -> Tensor:
    sigma = [max(side / BLURS_A_SIDE, 0.5) for side in images.shape[-2:]]
    height, width = (2 * int(2 * one) + 1 for one in sigma)
    blurred: Tensor = gaussian_blur(images, [width, height], [sigma[1], sigma[0]])
    return blurred


def _cover_objects(data: ClassData, masks: Tensor) -> Tensor:
    """Every image with what its mask keeps covered by the mean colour of the rest, or of the data
    set where nothing is left.
    """
    whole = 255 * torch.tensor(data.mean, device=data.device).view(1, -1, 1, 1)
    found = []
    for images, of in zip(
        torch.split(data.images, FILLED_AT_ONCE), torch.split(masks, FILLED_AT_ONCE), strict=True
    ):
        rest = 1 - share(of.to(data.device)).unsqueeze(1)
        area = rest.sum((2, 3), keepdim=True)
        mean = (rest * images).sum((2, 3), keepdim=True) / area.clamp_min(1)
        found.append(fill_masked(images, rest[:, 0], torch.where(area < 1, whole, mean)))
    return torch.cat(found)


def others(count: int, generator: torch.Generator) -> Tensor:
    """Return another image for every image, (count,) int64, each once; itself if it is alone."""
    order = torch.randperm(count, generator=generator)
    found = torch.empty_like(order)
    found[order] = order.roll(1)
    return found
