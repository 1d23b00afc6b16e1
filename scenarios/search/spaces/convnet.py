"""Search spaces: the values that each choice of an architecture may take.

Source: the 720 ConvNets of Zhao et al. (DC, ICLR 2021) and of Du et al. (FTD, CVPR 2023), which
differ in depth, width, normalisation, activation and pooling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from condensers.errors import UsageError
from condensers.hyperparameters import build, hyper
from condensers.networks.convnet import ConvNetSpec
from scenarios.search.candidate import identifier
from scenarios.search.spaces.base import SearchSpace
from scenarios.search.spaces.frozen import size_of


@dataclass(frozen=True)
class ConvNetSpace(SearchSpace):
    """The published space: 720 ConvNets."""

    depths: tuple[int, ...] = hyper(
        (1, 2, 3, 4), unit="blocks", source="DC and FTD, search experiment"
    )
    widths: tuple[int, ...] = hyper(
        (32, 64, 128, 256), unit="channels", source="DC and FTD, search experiment"
    )
    norms: tuple[str, ...] = hyper(
        ("none", "batch", "layer", "instance", "group"),
        help="normalisations to choose from",
        source="DC and FTD, search experiment",
    )
    activations: tuple[str, ...] = hyper(
        ("sigmoid", "relu", "leakyrelu"),
        help="activations to choose from",
        source="DC and FTD, search experiment",
    )
    poolings: tuple[str, ...] = hyper(
        ("none", "max", "avg"),
        help="poolings to choose from",
        source="DC and FTD, search experiment",
    )

    registered: ClassVar[str] = "convnet-720"

    def __post_init__(self) -> None:
        for name, values in self.choices().items():
            if not values or len(set(values)) < len(values):
                raise UsageError(
                    f"space: {name} has {'no' if not values else 'repeated'} values; list each"
                    " value once"
                )
            for value in values:
                build(ConvNetSpec, {name: value}, "space")
        odd = [width for width in self.widths if width % 4]
        if "group" in self.norms and odd:
            raise UsageError(
                f"space: norm 'group' makes 4 groups of channels, so width {odd[0]} does not go"
                " with it"
            )

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """Name of each choice, as in ConvNetSpec -> the values it may take."""
        return {
            "depth": self.depths,
            "width": self.widths,
            "norm": self.norms,
            "activation": self.activations,
            "pooling": self.poolings,
        }

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return size_of(self.choices())

    def spec(self, choice: Mapping[str, Any]) -> ConvNetSpec:
        """The network of one value for each choice."""
        return ConvNetSpec(**choice)

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """As in "d3-w32-none-relu-avg"."""
        return identifier(choice)

    def fitting(self, shape: tuple[int, int, int]) -> "ConvNetSpace":
        """The space without the depths at which pooling would leave nothing of images of `shape`
        (C, H, W).

        A depth goes for every pooling, "none" too, so that the space stays a full product of its
        choices. Raises UsageError where no depth is left.
        """
        kept = tuple(
            depth
            for depth in self.depths
            if all(_fits_images(depth, pooling, shape) for pooling in self.poolings)
        )
        if not kept:
            raise UsageError(
                f"space: all of its depths {self.depths} are too deep for {shape[1]}-pixel images;"
                " add a lesser"
            )
        return replace(self, depths=kept)


@dataclass(frozen=True)
class SmallConvNetSpace(ConvNetSpace):
    """A space for machines without an accelerator: 108 ConvNets of at most 3 blocks of 32
    channels.
    """

    depths: tuple[int, ...] = hyper((1, 2, 3), unit="blocks", source="ours")
    widths: tuple[int, ...] = hyper((8, 16, 32), unit="channels", source="ours")
    norms: tuple[str, ...] = hyper(
        ("none", "batch", "instance"), help="normalisations to choose from", source="ours"
    )
    activations: tuple[str, ...] = hyper(
        ("relu", "leakyrelu"), help="activations to choose from", source="ours"
    )
    poolings: tuple[str, ...] = hyper(("max", "avg"), help="poolings to choose from", source="ours")

    registered: ClassVar[str] = "convnet-small"


def _fits_images(depth: int, pooling: str, shape: tuple[int, int, int]) -> bool:
    """Whether the network itself accepts images of that size; no memory is taken to find out."""
    try:
        with torch.device("meta"):
            ConvNetSpec(depth=depth, width=1, norm="none", pooling=pooling).module(shape, 2)
    except UsageError:
        return False
    return True
