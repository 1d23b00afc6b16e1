"""Matching of gradients: class by class, or of all classes together."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.precision import by_modules
from condensers.parts.objectives.base import Pair

EPSILON = 1e-6


@dataclass(frozen=True)
class GradientMatching:
    """Distance between the gradients that real and synthetic images of each class give to a
    network.

    Gradient matching: the distance between the gradients of the loss on real and on synthetic
    images of one class.

    L = sum_c sum_layers D(g_real, g_syn), g the gradient of the mean cross-entropy of the class's
    batch; D(a, b) = sum_i ( 1 - <a_i, b_i> / (|a_i| |b_i| + 1e-6) ), a_i the part of a layer's
    gradient that belongs to output node i.

    Source: Zhao et al., "Dataset Condensation with Gradient Matching" (ICLR 2021), eq. 9 and 10,
    and the authors' code: biases and the affine parameters of norms do not count, a convolution's
    weight is read as (out, in * h * w). `mse` and `cosine` are its alternatives over the whole
    gradient. Networks with batch norm are put in evaluation mode after one pass of real images.

    Kim et al., "Dataset Condensation via Efficient Synthetic-Data Parameterization" (IDC, ICML
    2022) and its code: `mse` and `l1`, the squared and absolute differences summed over all
    entries, of the weights of convolutions alone (`layers = "convolutions"`).
    """

    distance: str = hyper(
        "node-cosine",
        help="distance of two gradients",
        source="DC, eq. 10",
        values=("node-cosine", "mse", "l1", "cosine"),
    )
    layers: str = hyper(
        "all",
        help="parameters whose gradients are compared",
        source="DC's code",
        values=("all", "convolutions"),
    )

    registered: ClassVar[str] = "gradient"
    kind: ClassVar[str] = "pairs"
    needs: ClassVar[str] = "network"
    real: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = False
    joint: ClassVar[bool] = False
    passes: ClassVar[tuple[float, float]] = (1.0, 2.5)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """The gradients of the pairs' real images, a tensor (len(pairs), ...) for each of
        `weights`, without a graph.
        """
        each = [self._real(network, pair) for pair in pairs]
        return [torch.stack(layer) for layer in zip(*each, strict=True)]

    def loss(
        self, network: nn.Module, pairs: Sequence[Pair], statistics: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Sum over the pairs' classes; differentiable twice through the synthetic images."""
        losses = []
        for index, pair in enumerate(pairs):
            real = (
                [layer[index] for layer in statistics] if statistics else self._real(network, pair)
            )
            synthetic = gradients(
                network,
                pair.synthetic,
                pair.label,
                create_graph=True,
                weights=self.weights(network),
            )
            losses.append(self.between(real, synthetic))
        return torch.stack(losses).sum()

    def _real(self, network: nn.Module, pair: Pair) -> tuple[Tensor, ...]:
        return gradients(
            network, pair.real, pair.label, create_graph=False, weights=self.weights(network)
        )

    def weights(self, network: nn.Module) -> list[nn.Parameter]:
        """The parameters whose gradients are compared; UsageError where the network has none
        such.
        """
        found = [p for p in network.parameters() if self.layers == "all" or p.ndim == 4]
        if not found:
            raise UsageError(
                "objective gradient: layers 'convolutions' needs a network that has some; take"
                " layers 'all'"
            )
        return found

    def between(self, real: Sequence[Tensor], synthetic: Sequence[Tensor]) -> Tensor:
        """Distance of two lists of gradients, one tensor a parameter."""
        if self.distance == "node-cosine":
            layers = [node_cosine(a, b) for a, b in zip(real, synthetic, strict=True) if a.ndim > 1]
            return torch.stack(layers).sum()
        a, b = torch.cat([g.flatten() for g in real]), torch.cat([g.flatten() for g in synthetic])
        if self.distance == "mse":
            return ((a - b) ** 2).sum()
        if self.distance == "l1":
            return (a - b).abs().sum()
        cosine: Tensor = (a * b).sum() / (a.norm() * b.norm() + EPSILON)
        return 1 - cosine


def gradients(
    network: nn.Module,
    images: Tensor,
    label: int,
    create_graph: bool,
    weights: Sequence[nn.Parameter] | None = None,
) -> tuple[Tensor, ...]:
    """Gradient of the mean cross-entropy of one class's images, a tensor for each parameter (or
    each of `weights`).
    """
    labels = torch.full((len(images),), label, dtype=torch.int64, device=images.device)
    with by_modules() if create_graph else nullcontext():
        loss = functional.cross_entropy(network(images), labels)
    return torch.autograd.grad(
        loss, list(weights or network.parameters()), create_graph=create_graph
    )


def node_cosine(a: Tensor, b: Tensor) -> Tensor:
    """Sum over output nodes of one minus the cosine; a, b: a weight's gradients, (out, ...) with
    two axes or more.
    """
    a, b = a.flatten(1), b.flatten(1)
    cosine: Tensor = (a * b).sum(-1) / (a.norm(dim=-1) * b.norm(dim=-1) + EPSILON)
    return (1 - cosine).sum()


def freeze_batch_norm(network: nn.Module, real: Tensor) -> None:
    """Move the running statistics of batch norms towards real images (N, C, H, W) by their
    momentum, and keep them there.

    One forward pass, as in the authors' code: after it a fresh network's statistics are a tenth of
    the way.
    """
    network.train()
    with torch.no_grad():
        network(real)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.eval()


@dataclass(frozen=True)
class SummedGradient(GradientMatching):
    """Distance between the gradients that all real and all synthetic images give to a network.

    Gradient matching of all classes at once: the distance between the gradients of the loss summed
    over the classes.

    L = D( 1/C sum_c g(x_c), g(s_1, ..., s_C) ),  g the gradient of the mean cross-entropy, D as in
    gradient matching

    Source: Lee et al., "Dataset Condensation with Contrastive Signals" (ICML 2022), and
    the authors' code (main.py, `--contrast`): what the classes' gradients have in common cancels
    in no class's own distance, but does in that of their sum.
    """

    registered: ClassVar[str] = "summed-gradient"
    couples_classes: ClassVar[bool] = True
    joint: ClassVar[bool] = True

    def loss(
        self, network: nn.Module, pairs: Sequence[Pair], statistics: Sequence[Tensor] | None = None
    ) -> Tensor:
        """One distance for all pairs; differentiable twice through the synthetic images.

        The real gradient is the mean over the classes, taken class by class; the synthetic one is
        that of all images.
        """
        weights = self.weights(network)
        real = [layer.mean(0) for layer in statistics or self.statistics(network, pairs)]
        labels = [
            torch.full((len(pair.synthetic),), pair.label, device=pair.synthetic.device)
            for pair in pairs
        ]
        with by_modules():
            loss = functional.cross_entropy(
                network(torch.cat([pair.synthetic for pair in pairs])), torch.cat(labels)
            )
        synthetic = torch.autograd.grad(loss, weights, create_graph=True)
        return self.between(real, synthetic)
