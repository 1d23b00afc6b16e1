"""The images of a set side by side: a line of images for each class."""

import torch
from PIL import Image
from torch.nn import functional

from condensers.sets.synthetic_set import SyntheticSet

PAPER = 0.5  # grey between the images


def sheet(
    synthetic: SyntheticSet,
    per_class: int = 10,
    *,
    across: bool = True,
    classes: int | None = None,
    side: int | None = None,
) -> Image.Image:
    """At most `per_class` images of each of the first `classes` classes, a row a class, or a column
    where not `across`.

    side: pixels of the longer side of an image, which larger ones are made smaller to.
    """
    images, _ = synthetic.decode()
    mean, std = (torch.tensor(synthetic.card[name]).view(1, -1, 1, 1) for name in ("mean", "std"))
    each = len(images) // len(synthetic.classes)  # sets are ordered by class
    lines = [
        part[:per_class]
        for part in torch.split(images * std + mean, each)[: len(synthetic.classes)]
    ][:classes]
    pixels = torch.cat(lines).clamp(0, 1)
    longer = max(pixels.shape[-2:])
    if side is not None and longer > side:
        shape = [max(1, round(length * side / longer)) for length in pixels.shape[-2:]]
        pixels = functional.interpolate(pixels, shape, mode="area")
    tiles = functional.pad(pixels, (1, 0, 1, 0), value=PAPER).unflatten(0, (len(lines), -1))
    # (class, image, C, H, W) -> (C, class x H, image x W), or (C, image x H, class x W).
    laid = tiles.permute(2, 0, 3, 1, 4) if across else tiles.permute(2, 1, 3, 0, 4)
    whole = laid.flatten(3, 4).flatten(1, 2)
    framed = functional.pad(whole, (0, 1, 0, 1), value=PAPER)
    grey = (framed * 255).round().to(torch.uint8)
    return Image.fromarray(
        (grey[0] if len(grey) == 1 else grey.permute(1, 2, 0)).contiguous().numpy()
    )
