"""Bases: small images that all pass through every one of a few hallucinators, which all classes
share.

x_uj = H_j(z_u),   H_j(z) = G_j( s_j * F_j(z) + t_j )

z: bases; F: a convolution of 3 x 3 without padding, G: a transposed one; s, t: a scale and a shift
of each value between them. The bytes of N images buy the hallucinators once, and then as many bases
as fit.

Source: Liu et al., "Dataset Distillation via Factorization" (HaBa, NeurIPS 2022), and the authors'
code, `StyleTranslator`. Differences from that code: every pair of base and
hallucinator is an image of the set (there one hallucinator is drawn for a whole step, and for each
base whenever it is read); bases are stored in 8 bits and hallucinators in 16, and learned as they
are stored (32 there), and labels count. Ours are bases and maps of fewer pixels, enlarged
bilinearly before they are used, for budgets that whole ones do not fit, and a start in which
hallucinators give back the real images that bases are made of. Defects of that code that are not
here: maps are of 30 x 30 values whatever the images' size; grey data get bases of three channels
that nothing fills.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import (
    Groups,
    Parameterisation,
    Units,
    require_equal,
    require_plain,
)
from condensers.parts.parameterisations.fitting import fit
from condensers.parts.parameterisations.latent import LARGEST, straight_through
from condensers.parts.parameterisations.pixels import count_units

KERNEL = 3
NETWORKS = torch.float16
CHANNELS = ("image", "one")


@final
@dataclass(frozen=True)
class Bases(Parameterisation):
    """Bases and hallucinators that all classes share; every pair of them is an image."""

    hallucinators: int = hyper(5, unit="hallucinators", source="HaBa's scripts", minimum=1)
    channels: str = hyper(
        "image",
        help="channels of a base: as many as an image has, or one",
        source="HaBa's scripts, --single_channel",
        values=CHANNELS,
    )
    shrink: int = hyper(
        1, unit="pixels", help="side of an image for each pixel of a base", source="ours", minimum=1
    )
    map_shrink: int = hyper(
        1,
        unit="pixels",
        help="side of an image for each value of a scale and a shift",
        source="ours",
        minimum=1,
    )
    rate: float = hyper(
        1.0,
        help="learning rate of the hallucinators, relative to that of the bases",
        source="HaBa's scripts, lr_style",
        minimum=0.0,
    )
    warm_steps: int = hyper(
        200,
        unit="steps",
        help="steps in which hallucinators learn to give back real images; HaBa has none",
        source="ours",
        minimum=0,
    )
    warm_batch: int = hyper(
        64, unit="images", help="real images in such a step", source="ours", minimum=1
    )
    warm_lr: float = hyper(
        0.01, help="learning rate of Adam, which falls to zero", source="ours", minimum=0.0
    )

    registered: ClassVar[str] = "bases"
    couples_classes: ClassVar[bool] = True

    @property
    def copies(self) -> int:
        """Images that a base gives."""
        return self.hallucinators

    @property
    def rates(self) -> dict[str, float]:
        """Learning rates of the groups as multiples of the method's."""
        return {"bases": 1.0, "hallucinators": self.rate, "statistics": 0.0, "sides": 0.0}

    def base_shape(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """(b, h, w) of the base of an image of `shape` (C, H, W)."""
        channels = shape[0] if self.channels == "image" else 1
        return channels, -(-shape[1] // self.shrink), -(-shape[2] // self.shrink)

    def sizes(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the sizes of what a hallucinator holds, in the order in which it is stored: F, its
        bias, s, t, G, its bias.
        """
        colours, inside = shape[0], [side - KERNEL + 1 for side in shape[1:]]
        maps = (colours, *(-(-side // self.map_shrink) for side in inside))
        kernels = (colours, self.base_shape(shape)[0], KERNEL, KERNEL)
        back = (colours, colours, KERNEL, KERNEL)
        return [kernels, (colours,), maps, maps, back, (colours,)]

    def units(self, data: ClassData, ipc: int) -> int:
        """Bases of a class that fit, with hard labels and all hallucinators, the bytes of `ipc`
        uint8 images.
        """
        if min(data.shape[1:]) < KERNEL:
            raise UsageError(
                f"parameterisation bases: images of {data.name} are"
                f" {data.shape[1]} x {data.shape[2]}, smaller than the kernels of {KERNEL} x"
                f" {KERNEL}; take another parameterisation"
            )
        unit = math.prod(self.base_shape(data.shape))
        return count_units(data, ipc, unit, self._shared_bytes(data.shape), self.registered)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of bases and hallucinators."""
        bases = len(data.classes) * self.units(data, ipc) * math.prod(self.base_shape(data.shape))
        return bases + self._shared_bytes(data.shape)

    def _shared_bytes(self, shape: Sequence[int]) -> int:
        each = sum(math.prod(size) for size in self.sizes(shape))
        return self.hallucinators * each * NETWORKS.itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Bases of the first of each `copies` starting images, the hallucinators, and what they
        depend on.

        Hallucinators are fitted in the context's fork "warm-start", anew and to the same end when a
        run is taken up again.
        """
        require_plain(data, self.registered)
        lent = context.fork("warm-start")
        fixed = {
            "statistics": torch.tensor([data.mean, data.std], device=data.device),
            # On the processor, which asks for them at every step.
            "sides": torch.tensor(data.shape[1:], dtype=torch.float32),
        }
        networks = self.fresh(data.shape, lent.generator).to(data.device)

        def losses(leaves: Mapping[str, Tensor]) -> Iterator[Tensor]:
            images, _ = data.batch(self.warm_batch, lent.generator)
            groups = {**fixed, **leaves, "bases": self.bases_of(images)}
            wanted = images.repeat_interleave(self.copies, 0)
            yield (self.decode(groups, slice(None)) - wanted).square().mean()

        if self.warm_steps:
            begun = {"hallucinators": networks}
            networks = fit(begun, losses, self.warm_lr, self.warm_steps, lent)["hallucinators"]
        return {"bases": self.bases_of(start[:: self.copies]), "hallucinators": networks, **fixed}

    def bases_of(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) normalised -> bases (n, b, h, w), made smaller by averaging."""
        planes = images if self.channels == "image" else images.mean(1, keepdim=True)
        size = self.base_shape(images.shape[1:])[1:]
        return functional.interpolate(planes, size=size, mode="area").clone()

    def fresh(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Return untrained hallucinators (J, P): kernels and biases uniform as torch's layers are,
        scales 1, shifts 0.
        """
        columns = []
        for number, size in enumerate(self.sizes(shape)):
            count = self.hallucinators, math.prod(size)
            if number in (2, 3):
                columns.append(torch.full(count, float(number == 2)))
                continue
            # Torch draws a transposed convolution's by its outputs; a bias as its kernels.
            fan = KERNEL**2 * (self.base_shape(shape)[0] if number < 2 else shape[0])
            columns.append((2 * torch.rand(count, generator=generator) - 1) * fan**-0.5)
        return torch.cat(columns, 1)

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units` by every hallucinator; rounds as storage does and passes
        gradients straight through.
        """
        free, networks = groups["bases"][units], groups["hallucinators"]
        statistics = groups["statistics"].detach()
        kept = self._from_stored(self._as_stored(free.detach(), statistics), statistics)
        stored = networks.detach().to(NETWORKS).float()
        height, width = groups["sides"].tolist()
        shape = statistics.shape[1], int(height), int(width)
        return self.render(straight_through(free, kept), straight_through(networks, stored), shape)

    def _columns(self, statistics: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation (1, b, 1, 1) of a base's channels."""
        whole = statistics if self.channels == "image" else statistics.mean(1, keepdim=True)
        columns = whole.view(2, 1, -1, 1, 1)
        return columns[0], columns[1]

    def _as_stored(self, bases: Tensor, statistics: Tensor) -> Tensor:
        mean, std = self._columns(statistics)
        return ((bases * std + mean) * 255).round().clamp(0, 255).to(torch.uint8)

    def _from_stored(self, stored: Tensor, statistics: Tensor) -> Tensor:
        mean, std = self._columns(statistics)
        return (stored.float() / 255 - mean) / std

    def render(self, bases: Tensor, networks: Tensor, shape: Sequence[int]) -> Tensor:
        """Bases (n, b, h, w), hallucinators (J, P) -> images (n * J, C, H, W), the bases' order
        first.
        """
        colours, sides, count = shape[0], tuple(shape[1:]), len(networks)
        sizes = self.sizes(shape)
        flat = torch.split(networks, [math.prod(size) for size in sizes], 1)
        kernels, bias, scale, shift, back, offset = (
            part.reshape(-1, *size) for part, size in zip(flat, sizes, strict=True)
        )
        inside = [side - KERNEL + 1 for side in sides]
        scale, shift = (_enlarge(each, inside).reshape(1, -1, *inside) for each in (scale, shift))
        # All hallucinators at once: their outputs stand one after the other, then each is a group.
        seen = functional.conv2d(_enlarge(bases, sides), kernels.flatten(0, 1), bias.flatten())
        images = functional.conv_transpose2d(
            seen * scale + shift, back.flatten(0, 1), offset.flatten(), groups=count
        )
        return images.view(-1, colours, *sides)

    def project(self, groups: Groups, data: ClassData) -> None:
        """Bases stay between black and white, hallucinators within what their storage holds."""
        mean, std = self._columns(groups["statistics"])
        black, white = (0 - mean) / std, (1 - mean) / std
        groups["bases"].copy_(torch.minimum(torch.maximum(groups["bases"], black), white))
        groups["hallucinators"].clamp_(-LARGEST, LARGEST)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Bases as uint8, hallucinators as float16."""
        statistics = groups["statistics"].detach()
        return {
            "bases": self._as_stored(groups["bases"].detach(), statistics).cpu(),
            "hallucinators": groups["hallucinators"].detach().to(NETWORKS).cpu(),
        }

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The bases of the units; all hallucinators serve every base."""
        return {**stored, "bases": stored["bases"][units]}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """UsageError for bases of different hallucinators: every base passes all of a set."""
        require_equal(parts, ("hallucinators",), "bases with hallucinators of their own")
        return {**parts[0], "bases": torch.cat([part["bases"] for part in parts])}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised, in float32 throughout;
        ValueError for groups of other images.
        """
        numbers = sum(math.prod(size) for size in self.sizes(shape))
        found = tuple(stored["bases"].shape[1:]), tuple(stored["hallucinators"].shape)
        if found != (self.base_shape(shape), (self.hallucinators, numbers)):
            raise ValueError(f"its bases and hallucinators are of {found[0]} and {found[1]} values")
        statistics = torch.tensor([list(mean), list(std)], device=stored["bases"].device)
        bases = self._from_stored(stored["bases"], statistics)
        return self.render(bases, stored["hallucinators"].float(), shape)


def _enlarge(planes: Tensor, sides: Sequence[int]) -> Tensor:
    """Planes (n, c, h, w) at full size."""
    if tuple(planes.shape[2:]) == tuple(sides):
        return planes
    return functional.interpolate(planes, size=tuple(sides), mode="bilinear", align_corners=False)
