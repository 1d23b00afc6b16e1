"""Random translation by up to an eighth of the image, zeros (the mean colour) filling what comes in.

Source: DSA (ICML 2021), section 3.3 and code: pad ratio 0.125.
"""

import torch
from torch import Tensor

RATIO = 0.125


def draw(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Shifts in pixels, vertical and horizontal: (n, 2) int64."""
    _, height, width = shape
    rows, columns = int(height * RATIO + 0.5), int(width * RATIO + 0.5)
    vertical = torch.randint(-rows, rows + 1, (n,), generator=generator)
    horizontal = torch.randint(-columns, columns + 1, (n,), generator=generator)
    return torch.stack([vertical, horizontal], 1)


def apply(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 2): output pixel (i, j) is input pixel (i + vertical, j + horizontal)."""
    n, _, height, width = x.shape
    vertical, horizontal = params.to(x.device).expand(n, 2).unbind(1)
    rows = torch.arange(height, device=x.device) + vertical[:, None]
    columns = torch.arange(width, device=x.device) + horizontal[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    images = torch.arange(n, device=x.device)
    moved = x.permute(0, 2, 3, 1)[images[:, None, None], rows[:, :, None], columns[:, None, :]]
    return (moved * inside[..., None]).permute(0, 3, 1, 2)
