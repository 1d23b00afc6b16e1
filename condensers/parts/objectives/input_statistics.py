"""Statistics of what the layers of a network read: of real images once, of synthetic ones at each
step.

Of a layer's input z (N, C, H, W): mean and variance of each channel over images and positions; and
mean and variance of each patch of 4 x 4 positions over images, channels and the positions inside.
Where a side is no multiple of 4, the input is first enlarged to one, bilinearly.

Source: Yin et al., SRe2L (NeurIPS 2023), eq. 6, for channels; Shao et al., G-VBSM (CVPR 2024),
section 3.2 ("generic statistical matching"), and the authors' code (BNFeatureHook,
ConvFeatureHook) for convolutions and patches. The norms are Euclidean, not squared.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData

PATCH = 4  # positions along each side of a patch
CARRIED = "input_statistics"


class InputStatistics(NamedTuple):
    """Statistics of what one layer reads.

    Attributes:
        mean: Of each channel, (C,).
        variance: Of each channel, (C,), biased.
        patch_mean: Of each patch, (P,).
        patch_variance: Of each patch, (P,), biased.
    """

    mean: Tensor
    variance: Tensor
    patch_mean: Tensor
    patch_variance: Tensor


def channel_statistics(read: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and biased variance of each channel, (C,), of (N, C, H, W).

    >>> import torch
    >>> channel_statistics(torch.tensor([[[[0.0, 2.0]]], [[[4.0, 6.0]]]]))
    (tensor([3.]), tensor([5.]))
    """
    return read.mean((0, 2, 3)), read.var((0, 2, 3), unbiased=False)


def statistics_of(read: Tensor) -> InputStatistics:
    """Return all statistics of a layer's input (N, C, H, W)."""
    count, channels, height, width = read.shape
    rows, columns = -(-height // PATCH), -(-width // PATCH)
    size = (rows * PATCH, columns * PATCH)
    whole = read
    if size != (height, width):
        whole = functional.interpolate(read, size=size, mode="bilinear", align_corners=False)
    patches = whole.reshape(count, channels, rows, PATCH, columns, PATCH)
    dims = (0, 1, 3, 5)
    patch_mean = patches.mean(dims).flatten()
    patch_variance = patches.var(dims, unbiased=False).flatten()
    return InputStatistics(*channel_statistics(read), patch_mean, patch_variance)


class Listener:
    """Keeps what some layers of a network read in its last pass, while it is entered.

    Attributes:
        layers: The layers.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        self.layers = layers
        self._read: dict[int, Tensor] = {}

    def __enter__(self) -> "Listener":
        def keep(index: int, given: tuple[Tensor, ...]) -> None:
            self._read[index] = given[0].float()

        self._read = {}
        self._handles = [
            layer.register_forward_pre_hook(lambda _, given, index=index: keep(index, given))
            for index, layer in enumerate(self.layers)
        ]
        return self

    def __exit__(self, *fault: object) -> None:
        for handle in self._handles:
            handle.remove()

    @property
    def read(self) -> list[Tensor]:
        """What each layer has read, (N, C, H, W)."""
        return [self._read[index] for index in range(len(self.layers))]


def layers_of(network: nn.Module, convolutions: bool) -> list[nn.Module]:
    """Return the batch norms of a network in order, and its convolutions where they count."""
    kinds = (nn.BatchNorm2d, nn.Conv2d) if convolutions else (nn.BatchNorm2d,)
    return [module for module in network.modules() if isinstance(module, kinds)]


@torch.no_grad()
def measure(network: nn.Module, data: ClassData, batch: int) -> list[InputStatistics]:
    """Return what each convolution of a network reads of all real images, in order.

    Statistics of batches are averaged by their sizes, as in G-VBSM's code: the variances are those
    within batches.

    Args:
        network: In evaluation mode.
        data: The real images.
        batch: Images of a batch.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    found: list[list[InputStatistics]] = []
    parts = list(torch.split(data.images, batch))
    for images in parts:
        with Listener(layers) as listener:
            network(data.normalise(images))
        found.append([statistics_of(read) for read in listener.read])
    shares = torch.tensor([len(images) / len(data.images) for images in parts], device=data.device)
    return [
        InputStatistics(*(shares @ torch.stack(batches) for batches in zip(*layer, strict=True)))
        for layer in zip(*found, strict=True)
    ]


def carry(network: nn.Module, statistics: Sequence[InputStatistics]) -> None:
    """Let objectives know what the convolutions of a network read of the real images."""
    setattr(network, CARRIED, list(statistics))


def carried_by(network: nn.Module) -> list[InputStatistics]:
    """Return what `carry` gave; empty if it gave nothing."""
    return cast(list[InputStatistics], vars(network).get(CARRIED, []))
