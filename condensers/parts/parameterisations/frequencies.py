"""Frequencies: of each image the coefficients of few cosines, those whose variance explains most of
the real images' own.

x_u = D_H' ( m_c(u) . f_u ) D_W,   m_c = the K frequencies of largest  Var_x [ D_H (mean_rgb x) D_W'
],  x real and of class c

D: orthonormal cosines (DCT-II); f_u: one plane of coefficients a channel, of normalised pixels; m:
one mask for all channels. A coefficient that is masked is 0, which is the mean colour of the data.
As bytes, coefficients are those of pixels around mid-grey in 127 equal steps up to half of sqrt(H
W), the largest that an image of pixels in [0, 1] can have.

Source: Shin, Shin & Moon, "Frequency Domain-based Dataset Distillation" (FreD, NeurIPS 2023), and
the authors' code, `SynSet` of its DM and TM. Differences from that code: cosines are orthonormal,
so that a rate of pixels is one of coefficients (there they are 2 sqrt(H W) times larger, and those
of frequency 0 in one or both directions another sqrt(2) or 2 times); coefficients are stored,
not kept in 32 bits, and masks and labels count; images need not be square. Defects of that code
that are not here: a mask is chosen by the few images that the set begins with, in place of all of
its class, and by nothing where there is one; its DM saves decoded images, where its budget is one
of coefficients.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import (
    Groups,
    Parameterisation,
    Units,
    require_plain,
)
from condensers.parts.parameterisations.latent import straight_through
from condensers.parts.parameterisations.pixels import count_units
from condensers.parts.parameterisations.transform.cosines import MIDDLE, basis

STORED = {"int8": torch.int8, "float16": torch.float16, "float32": torch.float32}
STEPS = 127
RUN = torch.int32
AT_ONCE = 4096


@final
@dataclass(frozen=True)
class Frequencies(Parameterisation):
    """Coefficients of a few cosines for each image; their bytes buy more images."""

    share: float = hyper(
        1 / 16,
        help="part of an image's frequencies that is stored, 0 to 1",
        source="FreD's scripts for CIFAR-10: 64 of 1024",
        minimum=1e-6,
    )
    masks: str = hyper(
        "class",
        help="whose variance chooses the frequencies: each class's own, or that of all images",
        source="FreD's code, init_mask",
        values=("class", "all"),
    )
    storage: str = hyper(
        "int8", help="dtype of the stored coefficients", source="ours", values=tuple(STORED)
    )

    registered: ClassVar[str] = "frequencies"
    # What stays as it is stands beside the learned tensor.
    rates: ClassVar[Mapping[str, float]] = dict.fromkeys(("positions", "statistics", "sides"), 0.0)

    @property
    def couples_classes(self) -> bool:
        """Whether all classes share one mask."""
        return self.masks == "all"

    def require_fit(self, where: str) -> None:
        """UsageError for more frequencies than there are."""
        if self.share > 1:
            raise UsageError(f"{where}.share: {self.share} is above the largest allowed value, 1")

    def count_frequencies(self, shape: Sequence[int]) -> int:
        """Return the stored coefficients of each channel of an image (C, H, W), K."""
        return max(1, round(self.share * shape[1] * shape[2]))

    def units(self, data: ClassData, ipc: int) -> int:
        """Images of a class that fit, with masks and hard labels, the bytes of `ipc` uint8 ones."""
        return count_units(
            data, ipc, self._unit_bytes(data.shape), self._mask_bytes(data), self.registered
        )

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of coefficients, masks and the number of images of each mask."""
        coefficients = self.units(data, ipc) * self._unit_bytes(data.shape)
        return len(data.classes) * coefficients + self._mask_bytes(data)

    def _unit_bytes(self, shape: Sequence[int]) -> int:
        return shape[0] * self.count_frequencies(shape) * STORED[self.storage].itemsize

    def _mask_bytes(self, data: ClassData) -> int:
        each = -(-data.shape[1] * data.shape[2] // 8) + RUN.itemsize
        return each * (1 if self.masks == "all" else len(data.classes))

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Coefficients (U, C, K) of the starting images, the positions (T, K) of their frequencies
        in a plane, row by row, and what their steps depend on.
        """
        require_plain(data, self.registered)
        of = [data.images] if self.masks == "all" else _by_class(data)
        count = self.count_frequencies(data.shape)
        positions = torch.stack([choose_frequencies(data, images, count) for images in of])
        each = _of_units(positions, len(start))[:, None].expand(-1, data.shape[0], -1)
        whole = basis(data.shape[1], start) @ start @ basis(data.shape[2], start).T
        return {
            "coefficients": whole.flatten(2).gather(2, each),
            "positions": positions.float(),
            "statistics": torch.tensor([data.mean, data.std], device=start.device),
            # On the processor, which asks for them at every step.
            "sides": torch.tensor(data.shape[1:], dtype=torch.float32),
        }

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units`; rounds as storage does and passes gradients straight
        through.
        """
        total = len(groups["coefficients"])
        positions = _of_units(groups["positions"].detach().long(), total)[units]
        free, sides = groups["coefficients"][units], _sides(groups)
        steps = Steps(groups["statistics"].detach(), positions, sides)
        kept = self._from_stored(self._as_stored(free.detach(), steps), steps)
        return render(straight_through(free, kept), positions, sides)

    def _as_stored(self, coefficients: Tensor, steps: "Steps") -> Tensor:
        if self.storage == "int8":
            return steps.count(coefficients)
        return coefficients.to(STORED[self.storage])

    def _from_stored(self, stored: Tensor, steps: "Steps") -> Tensor:
        return steps.measure(stored.float()) if self.storage == "int8" else stored.float()

    def project(self, groups: Groups, data: ClassData) -> None:
        """Keep coefficients within what bytes can hold."""
        if self.storage == "int8":
            free = groups["coefficients"]
            positions = _of_units(groups["positions"].long(), len(free))
            steps = Steps(groups["statistics"], positions, _sides(groups))
            free.copy_(steps.measure(steps.in_steps(free).clamp(-STEPS, STEPS)))

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Coefficients as stored, the mask of each class as bits (T, ceil(H W / 8)) uint8, and how
        many images in a row each mask is that of.
        """
        free, positions = groups["coefficients"].detach(), groups["positions"].detach().long()
        steps = Steps(
            groups["statistics"].detach(), _of_units(positions, len(free)), _sides(groups)
        )
        masks = torch.zeros(len(positions), math.prod(data.shape[1:]), dtype=torch.bool)
        masks.scatter_(1, positions.cpu(), True)
        return {
            "coefficients": self._as_stored(free, steps).cpu(),
            "masks": pack_bits(masks),
            "runs": torch.full((len(positions),), len(free) // len(positions), dtype=RUN),
        }

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised; ValueError for masks that are
        not those of the coefficients.
        """
        coefficients, runs = stored["coefficients"], stored["runs"].long()
        if (coefficients.ndim, stored["masks"].ndim, runs.ndim) != (3, 2, 1):
            raise ValueError("its coefficients, masks and runs are not of their form")
        masks = unpack_bits(stored["masks"], math.prod(shape[1:]))
        count = coefficients.shape[2]
        if int(runs.sum()) != len(coefficients) or bool((masks.sum(1) != count).any()):
            raise ValueError("its masks of frequencies do not fit its coefficients")
        positions = masks.nonzero()[:, 1].view(len(masks), count).repeat_interleave(runs, 0)
        statistics = torch.tensor([list(mean), list(std)], device=coefficients.device)
        sides = shape[1], shape[2]
        steps = Steps(statistics, positions, sides)
        return render(self._from_stored(coefficients, steps), positions, sides)

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The coefficients of the units, and the masks that they need."""
        rows = torch.arange(len(stored["runs"]), device=stored["runs"].device)
        chosen = rows.repeat_interleave(stored["runs"].long())[units]
        rows, runs = torch.unique_consecutive(chosen, return_counts=True)
        return {
            "coefficients": stored["coefficients"][units],
            "masks": stored["masks"][rows],
            "runs": runs.to(RUN),
        }

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return the images of all parts, each with its own mask; equal neighbours share one."""
        whole = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        masks, row = torch.unique_consecutive(whole["masks"], return_inverse=True, dim=0)
        runs = torch.zeros(len(masks), dtype=RUN, device=masks.device)
        return {**whole, "masks": masks, "runs": runs.index_add_(0, row, whole["runs"])}


class Steps:
    """The steps in which bytes count coefficients of normalised pixels."""

    def __init__(self, statistics: Tensor, positions: Tensor, sides: tuple[int, int]) -> None:
        """Find them.

        Args:
            statistics: (2, C), mean and standard deviation of pixels in [0, 1].
            positions: (U, K) int64, of the coefficients in their plane.
            sides: (H, W) of an image.
        """
        whole = math.sqrt(sides[0] * sides[1])
        mean, std = statistics.view(2, 1, -1, 1)
        self.scale: Tensor = std * (STEPS / (whole / 2))
        middle = (mean - MIDDLE) * STEPS * 2
        self.middle: Tensor = torch.where(positions[:, None] == 0, middle, torch.zeros_like(middle))

    def in_steps(self, coefficients: Tensor) -> Tensor:
        """Coefficients (U, C, K) -> in steps, those of the mean colour from mid-grey on."""
        return coefficients * self.scale + self.middle

    def count(self, coefficients: Tensor) -> Tensor:
        """Coefficients (U, C, K) -> int8."""
        return self.in_steps(coefficients).round().clamp(-STEPS, STEPS).to(torch.int8)

    def measure(self, steps: Tensor) -> Tensor:
        """Steps (U, C, K), as float -> coefficients."""
        return (steps - self.middle) / self.scale


def choose_frequencies(data: ClassData, images: Tensor, count: int) -> Tensor:
    """Return the positions (count,) int64, ascending, of the frequencies of largest variance.

    Of equal ones the lower frequencies come first.

    Args:
        data: Normalises the images.
        images: (n, C, H, W) uint8.
        count: Of frequencies.
    """
    height, width = data.shape[1:]
    total = torch.zeros(2, height, width, dtype=torch.float64, device=images.device)
    for part in torch.split(images, AT_ONCE):
        grey = data.normalise(part).mean(1).double()
        planes = basis(height, grey) @ grey @ basis(width, grey).T
        total += torch.stack([planes.sum(0), planes.square().sum(0)])
    mean, square = total.cpu() / max(1, len(images))
    # Rounded, as a sum in another order is another in its last bits.
    variance = (square - mean.square()).clamp(min=0).float().flatten()
    rows = (torch.arange(height)[:, None] / height).square()
    order = (rows + (torch.arange(width)[None] / width).square()).flatten().argsort(stable=True)
    first = variance[order].argsort(descending=True, stable=True)[:count]
    return order[first].sort().values.to(images.device)


def render(coefficients: Tensor, positions: Tensor, sides: tuple[int, int]) -> Tensor:
    """Return images (U, C, H, W) of coefficients (U, C, K) at positions (U, K) of their planes."""
    units, channels, _ = coefficients.shape
    blank = coefficients.new_zeros(units, channels, sides[0] * sides[1])
    planes = blank.scatter(2, positions[:, None].expand(-1, channels, -1), coefficients)
    planes = planes.view(units, channels, *sides)
    return basis(sides[0], planes).T @ planes @ basis(sides[1], planes)


def pack_bits(rows: Tensor) -> Tensor:
    """Return rows (T, n) of bool as bits, (T, ceil(n / 8)) uint8, the lowest bit first."""
    padded = torch.nn.functional.pad(rows.long(), (0, -rows.shape[1] % 8))
    weights = 2 ** torch.arange(8, device=rows.device)
    return (padded.view(len(rows), -1, 8) * weights).sum(2).to(torch.uint8)


def unpack_bits(packed: Tensor, count: int) -> Tensor:
    """Return (T, count) bool of bits that `pack_bits` has packed."""
    bits = packed[:, :, None].long() >> torch.arange(8, device=packed.device) & 1
    return bits.flatten(1)[:, :count].bool()


def _by_class(data: ClassData) -> list[Tensor]:
    return [data.images[data.members(label)] for label in data.classes]


def _of_units(rows: Tensor, units: int) -> Tensor:
    """A row for each of so many units, as many of each."""
    return rows.repeat_interleave(units // len(rows), 0)


def _sides(groups: Mapping[str, Tensor]) -> tuple[int, int]:
    height, width = groups["sides"].tolist()
    return int(height), int(width)
