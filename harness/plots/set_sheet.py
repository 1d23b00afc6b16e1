"""The images of a set side by side: a line of images for each class."""

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

PAPER = 0.5  # grey between the images


def draw_sheet(
    classes: Sequence[Tensor], *, across: bool = True, side: int | None = None
) -> Image.Image:
    """Draw images side by side, a class a line.

    Args:
        classes: the images of each class: (n, C, H, W) in [0, 1], as many of every class.
        across: whether a class is a row; a column where not.
        side: pixels of the longer side of an image, to which larger ones are made smaller.

    Returns:
        The sheet, with a grey line around each image.
    """
    pixels = torch.cat(list(classes)).clamp(0, 1)
    longer = max(pixels.shape[-2:])
    if side is not None and longer > side:
        shape = [max(1, round(length * side / longer)) for length in pixels.shape[-2:]]
        pixels = functional.interpolate(pixels, shape, mode="area")
    padded = functional.pad(pixels, (1, 0, 1, 0), value=PAPER)
    tiles = padded.reshape(len(classes), -1, *padded.shape[1:])
    # (class, image, C, H, W) -> (C, class x H, image x W), or (C, image x H, class x W).
    ordered = tiles.permute(2, 0, 3, 1, 4) if across else tiles.permute(2, 1, 3, 0, 4)
    whole = ordered.flatten(3, 4).flatten(1, 2)
    framed = functional.pad(whole, (0, 1, 0, 1), value=PAPER)
    grey = (framed * 255).round().to(torch.uint8)
    return Image.fromarray(
        (grey[0] if len(grey) == 1 else grey.permute(1, 2, 0)).contiguous().numpy()
    )
