"""Latent: small codes, each decoded by every one of a few tiny decoders that all classes share.

x_ud = g_d(q(z_u)),  g_d(z) = clamp( T_d2 * relu( T_d1 * 4 (z - 1/2) + b_d1 ) + b_d2 )

z: codes (c, h, w) in [0, 1], h = H / 4; q: rounding to what is stored; T: transposed convolutions
of 4 x 4, stride 2; clamp: to black and white. The bytes of N images buy the decoders once and then
as many codes as fit, so a set has more images than N.

Source: Lee, Lee & Hwang, "Dataset Condensation with Latent Space Knowledge Factorization and
Sharing" (2022): codes, tiny decoders shared between classes, every pair an image. Layers, sizes and
rates are ours: a re-implementation, as theirs are not known to us.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.base import (
    Groups,
    Parameterisation,
    Units,
    require_equal,
    valid_range,
)
from condensers.parts.parameterisations.warm_start import warm_start

STORED = {"uint8": torch.uint8, "float16": torch.float16}
SHRINK = 4
KERNEL = 4
SPREAD = 4.0
LARGEST = torch.finfo(torch.float16).max


@final
@dataclass(frozen=True)
class Latent(Parameterisation):
    """Latent codes and tiny decoders that all classes share; every pair of them is an image."""

    channels: int = hyper(
        2,
        unit="channels",
        help="channels of a code, for each channel of an image",
        source="ours",
        minimum=1,
    )
    width: int = hyper(
        6, unit="channels", help="channels inside a decoder", source="ours", minimum=1
    )
    decoders: int = hyper(2, unit="decoders", source="ours", minimum=1)
    storage: str = hyper(
        "uint8", help="dtype of the stored codes", source="ours", values=("uint8", "float16")
    )
    decoder_rate: float = hyper(
        0.1,
        help="learning rate of the decoders, relative to that of the codes",
        source="ours",
        minimum=0.0,
    )
    warm_steps: int = hyper(
        1000,
        unit="steps",
        help="steps of the auto-encoder that codes and decoders start from",
        source="ours",
        minimum=0,
    )
    warm_batch: int = hyper(
        64, unit="images", help="real images in a batch", source="ours", minimum=1
    )
    warm_lr: float = hyper(
        0.01, help="learning rate of Adam, which falls to zero", source="ours", minimum=0.0
    )

    registered: ClassVar[str] = "latent"
    couples_classes: ClassVar[bool] = True

    @property
    def copies(self) -> int:
        """Images that a unit decodes to."""
        return self.decoders

    @property
    def rates(self) -> dict[str, float]:
        """Learning rates of the groups as multiples of the method's."""
        return {"codes": 1.0, "decoders": self.decoder_rate}

    def code_shape(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """(c, h, w) of the code of an image of `shape` (C, H, W)."""
        colours, height, width = shape
        return self.channels * colours, height // SHRINK, width // SHRINK

    def units(self, data: ClassData, ipc: int) -> int:
        """Codes of a class: as many as fit, with their hard labels and all decoders, the bytes of
        `ipc` uint8 images per class.

        UsageError where none fits, or where a side of the images is no multiple of 4.
        """
        if data.shape[1] % SHRINK or data.shape[2] % SHRINK:
            height, width = data.shape[1:]
            raise UsageError(
                f"parameterisation latent: images of {data.name} are {height} x {width}, and a"
                f" decoder makes sides that are multiples of {SHRINK}; take another"
                " parameterisation, or other data"
            )
        budget = len(data.classes) * ipc * math.prod(data.shape)
        code = self._code_bytes(data.shape) + hard_label_bytes(data)
        codes = (budget - self._decoder_bytes(data.shape)) // (len(data.classes) * code)
        if codes < 1:
            raise UsageError(
                f"parameterisation latent: {budget} bytes (ipc {ipc} of {len(data.classes)} classes"
                f" of {data.name}) do not hold the decoders, {self._decoder_bytes(data.shape)}"
                f" bytes, and one labelled code of {code} bytes for each class; take a larger ipc,"
                " or a smaller `decoders`, `width` or `channels`"
            )
        return codes

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of codes, decoders and their range."""
        codes = len(data.classes) * self.units(data, ipc) * self._code_bytes(data.shape)
        return codes + self._decoder_bytes(data.shape)

    def _code_bytes(self, shape: Sequence[int]) -> int:
        return math.prod(self.code_shape(shape)) * STORED[self.storage].itemsize

    def _decoder_bytes(self, shape: Sequence[int]) -> int:
        numbers = self.decoders * sum(
            math.prod(size) for size in layers(self.channels, self.width, shape[0])
        )
        return (numbers + 2 * shape[0]) * torch.float16.itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Codes of the first of each `copies` starting images, and the decoders, both from an
        auto-encoder of the real images.

        The auto-encoder trains in the context's fork "warm-start", anew and to the same end when a
        run is taken up again.
        """
        return warm_start(self, start[:: self.copies], data, context.fork("warm-start"))

    def fresh(self, data: ClassData, generator: torch.Generator) -> Groups:
        """Untrained decoders (D, P), uniform as torch's layers are, and `range` (2, C): black and
        white, normalised.
        """
        rows = []
        for _ in range(self.decoders):
            for size in layers(self.channels, self.width, data.shape[0]):
                # Each output pixel of a 4 x 4 kernel of stride 2 sees 2 x 2 inputs.
                bound = (size[0] * KERNEL) ** -0.5 if len(size) > 1 else 0.0
                rows.append((2 * torch.rand(math.prod(size), generator=generator) - 1) * bound)
        black, white = valid_range(data.mean, data.std, data.normalise(data.images[:1]))
        return {
            "decoders": torch.cat(rows).view(self.decoders, -1).to(data.device),
            "range": torch.stack([black.flatten(), white.flatten()]),
        }

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """The images of the stored `units` under every decoder; rounds as storage does and passes
        gradients straight through.
        """
        codes = groups["codes"][units]
        if self.storage == "uint8":
            codes = straight_through(codes, (codes.detach() * 255).round() / 255)
        else:
            codes = straight_through(codes, codes.detach().half().float())
        decoders = straight_through(groups["decoders"], groups["decoders"].detach().half().float())
        return self.render(codes, decoders, groups["range"].detach().half().float())

    def render(self, codes: Tensor, decoders: Tensor, extent: Tensor) -> Tensor:
        """Codes (n, c, h, w), decoders (D, P), extent (2, C) -> (n * D, C, 4h, 4w), the codes'
        order first.
        """
        colours = extent.shape[1]
        sizes = layers(self.channels, self.width, colours)
        flat = torch.split(decoders, [math.prod(size) for size in sizes], dim=1)
        first, shift, second, offset = (
            part.reshape(-1, *size) for part, size in zip(flat, sizes, strict=True)
        )
        count = len(decoders)
        # All decoders at once: the first layer stacks them along its output, the second is one
        # group for each.
        inside = functional.conv_transpose2d(
            SPREAD * (codes - 0.5), first.transpose(0, 1).flatten(1, 2), shift.flatten(), 2, 1
        )
        images = functional.conv_transpose2d(
            inside.relu(), second.flatten(0, 1), offset.flatten(), 2, 1, groups=count
        )
        images = images.view(-1, colours, *images.shape[2:])
        return straight_through(
            images, images.detach().clamp(*(side.view(1, -1, 1, 1) for side in extent))
        )

    def project(self, groups: Groups, data: ClassData) -> None:
        """Codes stay in [0, 1], decoders within what their storage holds."""
        groups["codes"].clamp_(0, 1)
        groups["decoders"].clamp_(-LARGEST, LARGEST)

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Codes at their stored dtype, decoders and range as float16."""
        codes = groups["codes"].detach().cpu()
        kept = (codes * 255).round().to(torch.uint8) if self.storage == "uint8" else codes.half()
        return {
            "codes": kept,
            **{name: groups[name].detach().half().cpu() for name in ("decoders", "range")},
        }

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """The codes of the units; all decoders serve every code."""
        return {**stored, "codes": stored["codes"][units]}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """UsageError for codes of different decoders: every code is decoded by all decoders of a
        set.
        """
        require_equal(parts, ("decoders", "range"), "codes with decoders of their own")
        return {**parts[0], "codes": torch.cat([part["codes"] for part in parts])}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised, in float32 throughout."""
        codes = (
            stored["codes"].float() / 255 if self.storage == "uint8" else stored["codes"].float()
        )
        return self.render(codes, stored["decoders"].float(), stored["range"].float())


def layers(channels: int, width: int, colours: int) -> tuple[tuple[int, ...], ...]:
    """The sizes of one decoder's weights, in the order in which they are stored."""
    return (
        (channels * colours, width, KERNEL, KERNEL),
        (width,),
        (width, colours, KERNEL, KERNEL),
        (colours,),
    )


def straight_through(free: Tensor, valid: Tensor) -> Tensor:
    """The values of `valid` (no graph), the gradient of `free`."""
    found: Tensor = _StraightThrough.apply(free, valid)
    return found


class _StraightThrough(torch.autograd.Function):
    """Passes no image twice: `valid + (free - free.detach())` reads and writes all three times."""

    @staticmethod
    def forward(ctx: object, free: Tensor, valid: Tensor) -> Tensor:
        return valid.view_as(valid)

    @staticmethod
    def backward(ctx: object, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None
