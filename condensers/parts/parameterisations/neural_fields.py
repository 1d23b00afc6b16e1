"""Neural fields: of each image a small network that gives the colour of a point of the plane.

x_u[y, x] = W_L h_{L-1} + b_L,   h_l = sin( w_l (W_l h_{l-1} + b_l) ),   h_0 = p

p: the pixel's place, each axis from -1 to 1; w_1, w_l: two frequencies; the output is a normalised
pixel. All weights of a field are stored in one precision, and no two images share any.

Source: Shin et al., "Distilling Dataset into Neural Field" (DDiF, ICLR 2025), and the authors'
code, `SynSet/DDiF.py`, whose field is the SIREN of Sitzmann et al., "Implicit Neural
Representations with Periodic Activation Functions" (NeurIPS 2020): its first weights are drawn from
+- 1/2, later ones from +- sqrt(6 / width) / w_l, biases as weights. Fields are first fitted to the
starting images by Adam. Differences from that code: the weights are stored in 16 bits and learned
as they are stored (32 bits there), and labels count; all fields are fitted at once, at a rate that
falls to zero. Defects of that code that are not here: both axes are divided by the height, which
places the pixels of images that are not square outside; fields of grey images cannot be read, as
three colours are written down; fitted fields are kept in a file whose name has no seed, so that all
runs begin with the same images.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import (
    Groups,
    Parameterisation,
    Units,
    require_plain,
)
from condensers.parts.parameterisations.fitting import fit
from condensers.parts.parameterisations.latent import LARGEST, straight_through
from condensers.parts.parameterisations.pixels import count_units

STORED = {"float16": torch.float16, "float32": torch.float32}
AXES = 2
PIXELS_AT_ONCE = 2**18


@final
@dataclass(frozen=True)
class NeuralFields(Parameterisation):
    """A small network of sines for each image, from a pixel's place to its colour."""

    width: int = hyper(
        6,
        unit="units",
        help="units of each hidden layer",
        source="DDiF's code for CIFAR-10 at 1 and 10 images per class; 20 at 50",
        minimum=1,
    )
    layers: int = hyper(
        2,
        unit="layers",
        help="hidden layers",
        source="DDiF's code for CIFAR-10; 3 for ImageNet",
        minimum=1,
    )
    first_frequency: float = hyper(
        30.0, help="factor in the sines of the first layer", source="DDiF's code", minimum=1e-3
    )
    frequency: float = hyper(
        10.0,
        help="factor in the sines of later layers",
        source="DDiF's code for CIFAR-10; 40 for ImageNet",
        minimum=1e-3,
    )
    storage: str = hyper(
        "float16", help="dtype of the stored weights", source="ours", values=tuple(STORED)
    )
    warm_steps: int = hyper(
        5000,
        unit="steps",
        help="steps in which fields are fitted to the starting images",
        source="DDiF's code",
        minimum=0,
    )
    warm_lr: float = hyper(
        5e-4, help="learning rate of Adam, which falls to zero", source="DDiF's code", minimum=0.0
    )

    registered: ClassVar[str] = "neural-fields"
    couples_classes: ClassVar[bool] = False
    # The image's sides stand beside the learned weights.
    rates: ClassVar[Mapping[str, float]] = {"sides": 0.0}

    def sizes(self, colours: int) -> list[tuple[int, ...]]:
        """Return the sizes of a field's weights and biases, in the order in which they are
        stored.
        """
        found: list[tuple[int, ...]] = []
        ends = [AXES, *[self.width] * self.layers, colours]
        for before, after in pairwise(ends):
            found += [(after, before), (after,)]
        return found

    def units(self, data: ClassData, ipc: int) -> int:
        """Fields of a class that fit, with hard labels, the bytes of `ipc` uint8 images."""
        return count_units(data, ipc, self._unit_bytes(data.shape), 0, self.registered)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of the weights of all fields."""
        return len(data.classes) * self.units(data, ipc) * self._unit_bytes(data.shape)

    def _unit_bytes(self, shape: Sequence[int]) -> int:
        numbers = sum(math.prod(size) for size in self.sizes(shape[0]))
        return numbers * STORED[self.storage].itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Fields (U, P) that were fitted to the starting images.

        They are fitted in the context's fork "warm-start", anew and to the same end when a run is
        taken up again.
        """
        require_plain(data, self.registered)
        lent = context.fork("warm-start")
        fields = self.fresh(len(start), data.shape[0], lent.generator).to(start.device)
        sides = torch.tensor(data.shape[1:], dtype=torch.float32)
        at_once = max(1, PIXELS_AT_ONCE // math.prod(data.shape[1:]))

        def losses(leaves: Mapping[str, Tensor]) -> Iterator[Tensor]:
            for first in range(0, len(start), at_once):
                units = slice(first, first + at_once)
                images = self.decode({**leaves, "sides": sides}, units)
                yield (images - start[units]).square().mean((1, 2, 3)).sum() / len(start)

        if self.warm_steps:
            fields = fit({"fields": fields}, losses, self.warm_lr, self.warm_steps, lent)["fields"]
        return {"fields": fields, "sides": sides}

    def fresh(self, count: int, colours: int, generator: torch.Generator) -> Tensor:
        """Return weights (count, P) as they are drawn."""
        drawn = []
        for number, size in enumerate(self.sizes(colours)):
            bound = 1 / AXES if number < AXES else math.sqrt(6 / self.width) / self.frequency
            drawn.append((2 * torch.rand(count, math.prod(size), generator=generator) - 1) * bound)
        return torch.cat(drawn, 1)

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units`; rounds as storage does and passes gradients straight
        through.
        """
        free = groups["fields"][units]
        kept = free.detach().to(STORED[self.storage]).float()
        height, width = groups["sides"].tolist()
        return self.render(straight_through(free, kept), (int(height), int(width)))

    def render(self, fields: Tensor, sides: tuple[int, int]) -> Tensor:
        """Return the images (n, C, H, W) of fields (n, P)."""
        colours = self._colours(fields.shape[1])
        sizes = self.sizes(colours)
        flat = torch.split(fields, [math.prod(size) for size in sizes], 1)
        parts = [part.view(-1, *size) for part, size in zip(flat, sizes, strict=True)]
        inside = places(sides, fields).expand(len(fields), -1, -1)
        for layer in range(self.layers):
            factor = self.frequency if layer else self.first_frequency
            weight, bias = parts[2 * layer] * factor, parts[2 * layer + 1] * factor
            inside = torch.baddbmm(bias[:, :, None], weight, inside).sin()
        colour = torch.baddbmm(parts[-1][:, :, None], parts[-2], inside)
        return colour.view(-1, colours, *sides)

    def _colours(self, numbers: int) -> int:
        """The channels of images of fields with so many weights."""
        none = sum(math.prod(size) for size in self.sizes(0))
        return (numbers - none) // (self.width + 1)

    def project(self, groups: Groups, data: ClassData) -> None:
        """Keep weights within what their storage holds."""
        if self.storage == "float16":
            groups["fields"].clamp_(-LARGEST, LARGEST)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Return the weights as stored."""
        return {"fields": groups["fields"].detach().to(STORED[self.storage]).cpu()}

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """Return the fields at `units`."""
        return {"fields": stored["fields"][units]}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return the fields of all parts."""
        return {"fields": torch.cat([part["fields"] for part in parts])}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored fields -> images (M, C, H, W) float32 normalised; ValueError for fields of other
        images.
        """
        fields = stored["fields"].float()
        numbers = sum(math.prod(size) for size in self.sizes(shape[0]))
        if tuple(fields.shape[1:]) != (numbers,):
            raise ValueError(f"its fields are {tuple(fields.shape)}, not of {numbers} weights each")
        return self.render(fields, (shape[1], shape[2]))


def places(sides: tuple[int, int], like: Tensor) -> Tensor:
    """Return the places (2, H W) of the pixels of an image, row by row, each axis from -1 to 1."""
    axes = [
        torch.linspace(-1, 1, side, device=like.device) if side > 1 else like.new_zeros(1)
        for side in sides
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).flatten(1)
