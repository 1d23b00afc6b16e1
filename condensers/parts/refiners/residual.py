"""Residual: a few small convolutions whose output is added to the image, in whole numbers
throughout.

y = clamp( x + r_L, 0, 255 ),  h_0 = x - 128,  h_l = clamp( s_l(W_l * h_(l-1)), 0, 255 ),
r_L = s_L(W_L * h_(L-1)),  s(v) = floor( v / 2^k + b / 16 + 1/2 )

W: 3 x 3 kernels of whole numbers from -127 to 127, k a power of two for each output channel, b a
16-bit bias for each; edges are repeated. The sums are whole numbers below 2^53 in 64-bit floats, so
the same bits come out on every machine, in any order of summation.

Source: ours; the form (decoder, then a small residual network) is that of in-loop filters of video
coding, and of Kim, Lee & Lee, "Accurate image super-resolution using very deep convolutional
networks" (CVPR 2016) for the residual. That whole numbers make a learned decoder the same
everywhere: Balle, Johnston & Minnen, "Integer networks for data compression with latent-variable
models" (ICLR 2019).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.parameterisations.latent import straight_through
from condensers.parts.refiners import training
from condensers.parts.refiners.base import Groups, ImagePairs, Refiner

KERNEL = 3
LARGEST = 127  # of a stored weight
MIDDLE = 128  # what is taken from grey levels
INPUT, INSIDE, OUTPUT = 7, 6, 7  # bits behind the binary point of x - 128, of h, of r
FINE = 4  # those of a bias beyond the output it is added to
LEAST, MOST = 5, 15  # bits behind the binary point of a weight
BIAS = 2**15 - 1


class Layer(NamedTuple):
    """One convolution in whole numbers: kernels (out, in, 3, 3), biases (out,), exponents (out,)
    of the kernels' scale, 2^-e.
    """

    kernels: Tensor
    biases: Tensor
    exponents: Tensor


@final
@dataclass(frozen=True)
class Residual(Refiner):
    """A residual network of 3 x 3 convolutions with 8-bit weights."""

    width: int = hyper(
        5, unit="channels", help="channels between two layers", source="ours", minimum=1
    )
    layers: int = hyper(3, unit="layers", source="ours", minimum=1)
    loss: str = hyper(
        "features",
        help=(
            "distance that training makes small: of features in a trained network, or of pixels"
            " (mean squared error)"
        ),
        source="ours",
        values=("features", "pixels"),
    )
    steps: int = hyper(300, unit="steps", help="steps of its training", source="ours", minimum=0)
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    lr: float = hyper(
        0.01, help="learning rate of Adam, which falls to zero", source="ours", minimum=0.0
    )
    feature_width: int = hyper(
        16,
        unit="channels",
        help="width of the ConvNet whose features are compared",
        source="ours",
        minimum=1,
    )
    feature_steps: int = hyper(
        150,
        unit="steps",
        help="steps of training of that network on the real images",
        source="ours",
        minimum=0,
    )
    rate: float = hyper(
        0.0,
        help=(
            "learning rate of the weights while images are learned behind it, as a multiple of the"
            " method's; 0: they stay"
        ),
        source="ours",
        minimum=0.0,
    )

    registered: ClassVar[str] = "residual"

    def sizes(self, channels: int) -> list[tuple[int, int, int, int]]:
        """(out, in, 3, 3) of each layer, for images of so many channels."""
        between = [channels, *[self.width] * (self.layers - 1), channels]
        return [(out, into, KERNEL, KERNEL) for into, out in pairwise(between)]

    def nbytes(self, channels: int) -> int:
        """Return a byte for each weight, and three for each output channel: bias and scale."""
        return sum(math.prod(size) + 3 * size[0] for size in self.sizes(channels))

    def image_passes(self) -> list[tuple[NetworkSpec, float]]:
        """Return the network whose features are compared, in its training and the refiner's."""
        if self.loss == "pixels":
            return []
        passes = float(self.batch * (self.feature_steps + 2 * self.steps))
        return [(ConvNetSpec(width=self.feature_width), passes)]

    def train(self, pairs: ImagePairs, data: ClassData, context: Context) -> Tensor:
        """Train from weights that change nothing."""
        return training.train(self, pairs, data, context)

    def fresh(self, channels: int, generator: torch.Generator) -> Tensor:
        """Return weights (P,) with which the images stay as they are: the last layer is zero."""
        sizes, rows = self.sizes(channels), []
        for index, size in enumerate(sizes):
            bound = 0.0 if index == len(sizes) - 1 else (6 / math.prod(size[1:])) ** 0.5
            rows.append((2 * torch.rand(math.prod(size), generator=generator) - 1) * bound)
            rows.append(torch.zeros(size[0]))
        return torch.cat(rows)

    def split(self, weights: Tensor, channels: int) -> list[tuple[Tensor, Tensor]]:
        """Return the kernels (out, in, 3, 3) and biases (out,) of each layer."""
        sizes = self.sizes(channels)
        lengths = [length for size in sizes for length in (math.prod(size), size[0])]
        flat = torch.split(weights, lengths)
        return [(flat[2 * i].view(size), flat[2 * i + 1]) for i, size in enumerate(sizes)]

    def whole_numbers(self, weights: Tensor, channels: int) -> list[Layer]:
        """Return the layers as they are stored, differentiable in the weights."""
        found = []
        for index, (kernels, biases) in enumerate(self.split(weights, channels)):
            exponents = scale_exponents(kernels.detach())
            scaled = kernels * (2.0**exponents).view(-1, 1, 1, 1)
            finer = biases * 2.0 ** (FINE + self._output_bits(index))
            found.append(
                Layer(
                    straight_through(scaled, scaled.detach().round().clamp(-LARGEST, LARGEST)),
                    straight_through(finer, finer.detach().round().clamp(-BIAS, BIAS)),
                    exponents,
                )
            )
        return found

    def _output_bits(self, index: int) -> int:
        return OUTPUT if index == self.layers - 1 else INSIDE

    def refine(self, levels: Tensor, weights: Tensor) -> Tensor:
        """Add the network's output to the grey levels."""
        # Every sum is below 2^24 then: exact in 32 bits. A card may take other routes to it.
        widest = max(levels.shape[1], self.width if self.layers > 1 else 0)
        small = widest * KERNEL**2 * 255 * LARGEST < 1 << 24 and levels.device.type == "cpu"
        given = levels.float() if small else levels
        inside = given - MIDDLE
        for index, layer in enumerate(
            self.whole_numbers(weights.to(levels.dtype), levels.shape[1])
        ):
            bits = layer.exponents + (INSIDE if index else INPUT) - self._output_bits(index)
            inside = _apply_layer(inside, layer, bits.view(1, -1, 1, 1))
            if index < self.layers - 1:
                inside = inside.clamp(0, 255)
        refined = given + inside
        return straight_through(refined, refined.detach().clamp(0, 255)).to(levels.dtype)

    def pack(self, weights: Tensor, channels: int) -> Groups:
        """Return `weights` int8, `biases` int16 and `exponents` uint8, layer after layer."""
        layers = self.whole_numbers(weights.detach().double(), channels)
        return {
            "weights": torch.cat([one.kernels.flatten() for one in layers]).to(torch.int8).cpu(),
            "biases": torch.cat([one.biases for one in layers]).to(torch.int16).cpu(),
            "exponents": torch.cat([one.exponents for one in layers]).to(torch.uint8).cpu(),
        }

    def unpack(self, stored: Mapping[str, Tensor], channels: int) -> Tensor:
        """Return the weights that the stored whole numbers stand for."""
        sizes = self.sizes(channels)
        wanted = {
            "weights": (torch.int8, sum(math.prod(size) for size in sizes)),
            "biases": (torch.int16, sum(size[0] for size in sizes)),
            "exponents": (torch.uint8, sum(size[0] for size in sizes)),
        }
        for name, (dtype, length) in wanted.items():
            if stored[name].dtype != dtype or stored[name].shape != (length,):
                raise ValueError(f"the {name} of its refiner are not {length} numbers of {dtype}")
        exponents = stored["exponents"]
        if not bool(((exponents >= LEAST) & (exponents <= MOST)).all()):
            raise ValueError(f"an exponent of its refiner is outside {LEAST} to {MOST}")
        kernels = torch.split(stored["weights"].double(), [math.prod(size) for size in sizes])
        outputs = [size[0] for size in sizes]
        scales = torch.split(2.0 ** -exponents.double(), outputs)
        biases = torch.split(stored["biases"].double(), outputs)
        rows = []
        for index, size in enumerate(sizes):
            rows.append((kernels[index].view(size[0], -1) * scales[index][:, None]).flatten())
            rows.append(biases[index] / 2.0 ** (FINE + self._output_bits(index)))
        return torch.cat(rows).float()


def scale_exponents(kernels: Tensor) -> Tensor:
    """Return for each output channel of kernels (out, in, 3, 3) the largest e, LEAST to MOST, with
    |w| 2^e <= 127; LEAST where there is none. Found without a logarithm, whose last bit is no
    machine's business.
    """
    largest = kernels.abs().flatten(1).amax(1)
    tried = 2.0 ** torch.arange(LEAST, MOST + 1, device=kernels.device, dtype=kernels.dtype)
    fits = (largest[:, None] * tried <= LARGEST).sum(1)
    return LEAST + (fits - 1).clamp(min=0)


def _apply_layer(images: Tensor, layer: Layer, bits: Tensor) -> Tensor:
    """Return floor( W * x / 2^bits + b / 16 + 1/2 ), gradients passing the rounding, in the
    precision of the images (n, C, H, W), in which the sums are exact; `bits` is (1, out, 1, 1).
    """
    total = functional.conv2d(_repeat_edges(images), layer.kernels.to(images.dtype))
    # Whole numbers, which a convolution by Fourier transform misses by a little.
    sums = total.detach().round()
    biases = layer.biases.view(1, -1, 1, 1)
    free = total / (2.0**bits).to(images.dtype) + (biases / 2**FINE).to(images.dtype)
    if images.dtype == torch.float32:  # of 24 bits, which is too few for sum and bias together
        shift = bits.to(torch.int32)
        added = biases.detach().to(torch.int32) * 2 ** (shift - FINE) + 2 ** (shift - 1)
        whole = (sums.to(torch.int32) + added) >> shift
        return straight_through(free, whole.to(images.dtype))
    exact = sums / 2.0**bits + biases.detach() / 2**FINE
    return straight_through(free, (exact + 0.5).floor())


def _repeat_edges(images: Tensor) -> Tensor:
    """Images (n, C, H, W) with a rim of one pixel; torch's own has no deterministic gradient on
    graphics cards.
    """
    tall = torch.cat([images[:, :, :1], images, images[:, :, -1:]], 2)
    return torch.cat([tall[..., :1], tall, tall[..., -1:]], 3)
