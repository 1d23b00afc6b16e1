"""Networks made of networks."""

from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.base import Network, NetworkSpec, WrappedNetwork, blocks_of
from condensers.registry.registry import NETWORKS


def _built(spec: NetworkSpec) -> NetworkSpec:
    """The spec that a field names."""
    built: NetworkSpec = NETWORKS.create(spec)
    return built


@dataclass(frozen=True)
class AnyOfSpec(NetworkSpec):
    """A network of one of several kinds, each as likely as the others.

    One of several networks, drawn anew whenever one is built: what is matched under all of them
    leans on none.

    Source: the search experiments of the papers condense with one architecture, and judge others by
    the set; ours is to condense with several of the space that is searched.
    """

    networks: tuple[NetworkSpec, ...] = hyper(("convnet", "mlp"), source="ours", part="network")

    registered: ClassVar[str] = "any-of"

    def __post_init__(self) -> None:
        if isinstance(self.networks, str | dict) or not self.networks:
            raise UsageError(
                'network any-of: give a list of networks, as networks = ["convnet", "mlp"]'
            )

    @property
    def norm(self) -> str:
        """ "batch" where one of the networks has batch norm; otherwise empty, since they may
        differ.
        """
        return "batch" if "batch" in [_built(spec).norm for spec in self.networks] else ""

    def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """A network for images of `shape`; the choice is drawn as weights are, see
        `condensers.networks.build`.
        """
        chosen = int(torch.randint(len(self.networks), (1,)))
        return _built(self.networks[chosen]).module(shape, classes)


@dataclass(frozen=True)
class ShrunkSpec(NetworkSpec):
    """A network behind an average pooling of its input: cheap steps for coarse images.

    Another network that sees images made smaller: an average over factor x factor pixels comes
    first.

    f(x) = g( mean_{factor x factor} x )

    Source: ours, for matching what is stored at that size (tiles of the same factor): a quarter of
    the pixels for factor 2, and a quarter or less of the time. An odd last row or column is left
    out.
    """

    factor: int = hyper(
        2, unit="pixels", help="pixels along each side that become one", source="ours", minimum=1
    )
    network: NetworkSpec = hyper("convnet", source="DC, section 4.1", part="network")

    registered: ClassVar[str] = "shrunk"

    @property
    def norm(self) -> str:
        """That of the network behind; empty where it says none."""
        return _built(self.network).norm

    def module(self, shape: tuple[int, int, int], classes: int) -> "Shrunk":
        channels, height, width = shape
        small = (channels, height // self.factor, width // self.factor)
        return Shrunk(_built(self.network).module(small, classes), self.factor)


class Shrunk(WrappedNetwork):
    """The module of a ShrunkSpec; its blocks are those of the network behind."""

    def __init__(self, network: nn.Module, factor: int) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    @property
    def blocks(self) -> nn.Module | None:
        return blocks_of(self.network)

    @property
    def classifier(self) -> nn.Linear:
        found: nn.Linear = self.network.classifier  # type: ignore[assignment]
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, K) of images (N, C, H, W)."""
        logits: Tensor = self.network(self._small(x))
        return logits

    def embed(self, x: Tensor) -> Tensor:
        """The inner network's flattened features (N, D)."""
        return cast(Network, self.network).embed(self._small(x))

    def features(self, x: Tensor) -> list[Tensor]:
        """The output of each of the inner network's blocks."""
        return cast(Network, self.network).features(self._small(x))

    def _small(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, self.factor) if self.factor > 1 else x
