"""One of several networks, drawn anew whenever one is built: what is matched under all of them leans on none.

Source: the search experiments of the papers condense with one architecture, and judge others by the set; ours is to condense with
several of the space that is searched.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from condensers.errors import UsageError
from condensers.fields import hyper
from condensers.registry import NETWORKS


@dataclass(frozen=True)
class AnyOfSpec:
    """A network of one of several kinds, each as likely as the others."""

    networks: tuple[Any, ...] = hyper(("convnet", "mlp"), source="ours", part="network")

    registered: ClassVar[str] = "any-of"

    def __post_init__(self) -> None:
        if isinstance(self.networks, str | dict) or not self.networks:
            raise UsageError('network any-of: give a list of networks, as networks = ["convnet", "mlp"]')

    @property
    def norm(self) -> str:
        """ "batch" where one of the networks has batch norm; otherwise empty, since they may differ."""
        norms = [getattr(NETWORKS.create(spec), "norm", "") for spec in self.networks]
        return "batch" if "batch" in norms else ""

    def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """A network for images of `shape`; the choice is drawn as weights are, see `condensers.networks.build`."""
        chosen = int(torch.randint(len(self.networks), (1,)))
        found: nn.Module = NETWORKS.create(self.networks[chosen]).module(shape, classes)
        return found
