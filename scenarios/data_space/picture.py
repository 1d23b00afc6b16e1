"""What a scatter plot of a set among real images needs: coordinates of both, rounded, of no more points than asked for."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.data_space.points import Space
from scenarios.data_space.projections import PROJECTIONS, framed


def picture(space: Space, embedding: str, names: Sequence[str], most: int, context: Context) -> dict[str, Any]:
    """Coordinates of real and synthetic images by projection, with their labels; and why a projection was skipped.

    A third of the points at most are synthetic ones; where there are more, a random choice is drawn.
    """
    generator = context.fork("picture").generator
    synthetic = _some(len(space.synthetic), most // 3, generator)
    real = _some(len(space.real), most - len(synthetic), generator)
    points = torch.cat([space.real[real], space.synthetic[synthetic]])
    coordinates, skipped = {}, {}
    for name in names:
        try:
            placed = framed(PROJECTIONS[name](points, context.fork(name).generator)).tolist()
        except UsageError as fault:
            skipped[name] = str(fault)
            continue
        coordinates[name] = {"real": placed[: len(real)], "synthetic": placed[len(real) :]}
    return {
        "embedding": embedding,
        "labels": {"real": space.real_labels[real].tolist(), "synthetic": space.synthetic_labels[synthetic].tolist()},
        "coordinates": coordinates,
        "skipped": skipped,
    }


def _some(count: int, most: int, generator: torch.Generator) -> Tensor:
    """Indices (n,) of at most `most` of `count`, in order."""
    return torch.randperm(count, generator=generator)[:most].sort().values
