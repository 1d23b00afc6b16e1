"""What a network must give, and how one is made from a seed alone."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from condensers.engine.devices import send_network
from condensers.hyperparameters import Part
from condensers.networks.precision import casting, widened
from condensers.registry.registry import NETWORKS


@runtime_checkable
class Network(Protocol):
    """A classifier of images (N, C, H, W) float32, normalised."""

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (N, K)."""
        ...

    def embed(self, x: Tensor) -> Tensor:
        """The flattened features (N, D) that the last linear layer reads."""
        ...

    def features(self, x: Tensor) -> list[Tensor]:
        """The output of each block, in order: (N, C_b, H_b, W_b), or (N, D_b) in a network without
        images inside.
        """
        ...


class NetworkSpec(Part):
    """A network's hyperparameters."""

    @property
    def norm(self) -> str:
        """The norm of its blocks, such as "batch"; empty if it has none, or none that counts."""
        return ""

    @abstractmethod
    def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """Build the network, its weights drawn from torch's generator.

        Args:
            shape: (C, H, W) of an image.
            classes: Number of logits.
        """


class Blocks(nn.Module):
    """A network that is `blocks` one after the other and a linear `classifier`."""

    blocks: nn.ModuleList
    classifier: nn.Linear

    def features(self, x: Tensor) -> list[Tensor]:
        """Each block's output (N, C_b, H_b, W_b), after pooling where there is one."""
        outputs = []
        with casting(x):
            for block in self.blocks:
                x = block(x)
                outputs.append(x)
        return [widened(output) for output in outputs]

    def embed(self, x: Tensor) -> Tensor:
        """The last block's output, flattened: (N, C * H * W)."""
        return self.features(x)[-1].flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.embed(x))
        return logits


class WrappedNetwork(nn.Module):
    """A network around another one, whose blocks are its own."""

    network: nn.Module


def build(
    spec: NetworkSpec | str | Mapping[str, Any],
    shape: tuple[int, int, int],
    classes: int,
    generator: torch.Generator,
    device: torch.device | None = None,
) -> nn.Module:
    """Return a freshly initialised network, the same for the same state of `generator`.

    torch's layers draw their weights from the global generator. Its state is borrowed while the
    network is built and then given back, so that nothing else in the process sees a difference.

    Args:
        spec: A network's name, a table with `name` and settings, or a spec.
        shape: (C, H, W) of an image.
        classes: Number of logits.
        generator: Where its weights are drawn from.
        device: Where it shall lie; the CPU if left out.

    Raises:
        UsageError: The name or a setting is wrong, or the images do not fit the network.
    """
    part: NetworkSpec = NETWORKS.create(spec)
    seed = int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = part.module(shape, classes)
    return send_network(network, device or torch.device("cpu"))


def blocks_of(network: nn.Module) -> nn.Module | None:
    """Return the `blocks` of a network; None if it is not made of blocks."""
    if isinstance(network, WrappedNetwork):
        return blocks_of(network.network)
    return dict(network.named_children()).get("blocks")


def has_batch_norm(network: nn.Module) -> bool:
    """Whether the output for one image depends on the others of its batch while training."""
    return any(isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d) for m in network.modules())
