"""The cell spaces as NNI model spaces: what one-shot search trains, and what is frozen to one
architecture.

They are written here since those of NNI's hub take three channels and even sizes only, and import
pytorch-lightning.
"""

from functools import partial

import torch
from torch import Tensor, nn

from scenarios.search.nni_imports import Cell, LayerChoice, ModelSpace
from scenarios.search.spaces.letters import (
    DARTS_CELLS,
    DARTS_LETTERS,
    NAS_BENCH_EDGES,
    NAS_BENCH_LETTERS,
)
from scenarios.search.spaces.operations import OPERATIONS, Halving, ResidualHalving, make_conv


class DenseCell(nn.Module):
    """A cell of NAS-Bench-201: node j is the sum of the operations on the edges from all nodes
    before it.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        choices = {
            edge: LayerChoice(
                {name: OPERATIONS[name](width, 1) for name in NAS_BENCH_LETTERS}, label=edge
            )
            for edge in NAS_BENCH_EDGES
        }
        self.edges = nn.ModuleDict(choices)

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, H, W) -> the same shape."""
        nodes = [x]
        for end in (1, 2, 3):
            parts = [self.edges[f"{start}_{end}"](nodes[start]) for start in range(end)]
            nodes.append(torch.stack(parts).sum(0))
        return nodes[-1]


class NasBench201Supernet(ModelSpace):  # type: ignore[misc]
    """Stem, three stages of `cells` cells with a residual block between them, mean over pixels,
    linear layer.
    """

    def __init__(self, channels: int, classes: int, width: int, cells: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        ]
        for stage in range(3):
            if stage:
                layers.append(ResidualHalving(width, 2 * width))
                width *= 2
            layers += [DenseCell(width) for _ in range(cells)]
        self.body = nn.Sequential(
            *layers, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, channels, H, W) float32, normalised."""
        logits: Tensor = self.classifier(self.body(x))
        return logits


class Inputs(nn.Module):
    """The outputs of the two cells before, brought to the same channels and size."""

    def __init__(self, channels: tuple[int, int], width: int, after_reduction: bool) -> None:
        super().__init__()
        first = Halving(channels[0], width) if after_reduction else make_conv(channels[0], width, 1)
        self.both = nn.ModuleList([first, make_conv(channels[1], width, 1)])

    def forward(self, outputs: list[Tensor]) -> list[Tensor]:
        return [unit(output) for unit, output in zip(self.both, outputs, strict=True)]


def _make_operation(
    node: int, which: int, source: int | None, *, name: str, width: int, reduces: bool
) -> nn.Module:
    """The operation on an edge.

    In a reduction cell those on the cell's own inputs have stride 2; source None: not yet known.
    """
    return OPERATIONS[name](width, 2 if reduces and (source is None or source < 2) else 1)


class DartsSupernet(ModelSpace):  # type: ignore[misc]
    """Stem of three times `width` channels, `cells` cells with a reduction at each third, mean over
    pixels, linear layer.
    """

    def __init__(self, channels: int, classes: int, width: int, cells: int) -> None:
        super().__init__()
        stem = 3 * width
        self.stem = nn.Sequential(
            nn.Conv2d(channels, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem)
        )
        before, after_reduction = (stem, stem), False
        self.cells = nn.ModuleList()
        for index in range(cells):
            reduces = index in (cells // 3, 2 * cells // 3)
            width *= 2 if reduces else 1
            factories = {
                name: partial(_make_operation, name=name, width=width, reduces=reduces)
                for name in DARTS_LETTERS
            }
            inputs = Inputs(before, width, after_reduction)
            self.cells.append(
                Cell(factories, 4, 2, 2, preprocessor=inputs, label=DARTS_CELLS[int(reduces)])
            )
            before, after_reduction = (before[1], 4 * width), reduces
        self.classifier = nn.Linear(before[1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, channels, H, W) float32, normalised."""
        outputs = [self.stem(x)] * 2
        for cell in self.cells:
            outputs = [outputs[1], cell(outputs)]
        logits: Tensor = self.classifier(outputs[1].mean((2, 3)))
        return logits
