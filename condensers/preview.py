"""A few images of each class as one small picture, and a table of facts, for notebooks."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

import torch
from torch import Tensor

CLASSES, EACH = 10, 10  # lines of a picture and images in a line, at most
GAP, WHITE = 1, 255  # pixels between images, and their grey
HEIGHT = 280  # pixels of a picture in the notebook, at most


def picture_of(images: Tensor, labels: Tensor, classes: Sequence[int]) -> Tensor:
    """Return a grid of the first images of the first classes, a line for each class.

    Args:
        images: (N, C, H, W) uint8, C of 1 or 3.
        labels: (N,) int64.
        classes: Labels of the lines, from top to bottom.

    Returns:
        (H', W', 3) uint8; a place without an image is white.
    """
    rows = [images[labels == label][:EACH].cpu().expand(-1, 3, -1, -1) for label in classes]
    rows = rows[:CLASSES]
    height, width = images.shape[-2:]
    longest = max(len(row) for row in rows)
    size = (3, len(rows) * (height + GAP) + GAP, longest * (width + GAP) + GAP)
    grid = torch.full(size, WHITE, dtype=torch.uint8)
    for y, row in enumerate(rows):
        top = y * (height + GAP) + GAP
        for x, image in enumerate(row):
            left = x * (width + GAP) + GAP
            grid[:, top : top + height, left : left + width] = image
    return grid.permute(1, 2, 0).contiguous()


def html_of(facts: Mapping[str, object], picture: Tensor) -> str:
    """Return a table of facts beside a picture, (H, W, 3) uint8, as HTML without scripts."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture.numpy()).save(file, "PNG")
    source = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(str(fact))}</td></tr>"
        for name, fact in facts.items()
    )
    style = f"max-height:{HEIGHT}px;image-rendering:pixelated"
    return (
        "<div style='display:flex;gap:1em;align-items:flex-start'>"
        f"<table>{rows}</table><img alt='images, a line for each class' style='{style}'"
        f" src='{source}'></div>"
    )
