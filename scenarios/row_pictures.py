"""Rows of small images as one picture that a report can hold."""

import base64
import io
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torchvision.utils import make_grid


def encode_png(rows: Sequence[Tensor]) -> str:
    """A PNG in base64: each of `rows` (n, 1 or 3, H, W) uint8 is a line of it; all have the same n,
    H and W.
    """
    shown = torch.cat([row.cpu().expand(-1, 3, -1, -1) for row in rows])
    grid = make_grid(shown, nrow=len(rows[0]), padding=1, pad_value=255)
    file = io.BytesIO()
    Image.fromarray(grid.permute(1, 2, 0).numpy()).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
