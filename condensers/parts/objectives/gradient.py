"""Matching of gradients: class by class, or of all classes together."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.precision import by_modules
from condensers.parts.objectives.base import Pair, StatisticsObjective

EPSILON = 1e-6


@dataclass(frozen=True)
class GradientMatching(StatisticsObjective):
    """Gradient matching: the distance between the gradients of the loss that real and synthetic
    images of a class give to a network.

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
    capturable: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = False
    passes: ClassVar[tuple[float, float]] = (1.0, 2.5)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """Return the gradients of the real images, a tensor (len(pairs), ...) for each of
        `weights`, without a graph.
        """
        weights = self.weights(network)
        each = [gradients(network, pair.real, pair.label, False, weights) for pair in pairs]
        return [torch.stack(layer) for layer in zip(*each, strict=True)]

    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return the sum over the pairs' classes; differentiable twice through the images."""
        weights, losses = self.weights(network), []
        for index, pair in enumerate(pairs):
            real = [layer[index] for layer in statistics]
            synthetic = gradients(network, pair.synthetic, pair.label, True, weights)
            losses.append(gradient_matching(real, synthetic, self.distance))
        return torch.stack(losses).sum()

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


def gradient_matching(
    real: Sequence[Tensor], synthetic: Sequence[Tensor], distance: str = "node-cosine"
) -> Tensor:
    """Return the distance between two gradients of a network.

    Args:
        real: A tensor for each parameter: the gradient that real images give.
        synthetic: As many of the same shapes, differentiable: that of the synthetic images.
        distance: "node-cosine" (DC, eq. 10), "cosine" of the whole gradient, or the sum of the
            squared ("mse") or absolute ("l1") differences.

    Returns:
        A scalar.

    >>> weight = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> round(gradient_matching([weight], [weight]).item(), 4)
    0.0
    >>> round(gradient_matching([weight], [-weight]).item(), 4)
    4.0
    >>> gradient_matching([weight], [-weight], "mse")
    tensor(20.)
    """
    if distance == "node-cosine":
        layers = [node_cosine(a, b) for a, b in zip(real, synthetic, strict=True) if a.ndim > 1]
        return torch.stack(layers).sum()
    a, b = torch.cat([g.flatten() for g in real]), torch.cat([g.flatten() for g in synthetic])
    if distance == "mse":
        return ((a - b) ** 2).sum()
    if distance == "l1":
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
    """Return the gradient of the mean cross-entropy of one class's images.

    Args:
        network: A classifier.
        images: (n, C, H, W) float32, normalised.
        label: Their class.
        create_graph: Whether the gradient can be differentiated once more.
        weights: The parameters it is taken for; all if None.

    Returns:
        A tensor for each parameter.
    """
    labels = torch.full((len(images),), label, dtype=torch.int64, device=images.device)
    with by_modules() if create_graph else nullcontext():
        loss = functional.cross_entropy(network(images), labels)
    return torch.autograd.grad(
        loss, list(weights or network.parameters()), create_graph=create_graph
    )


def node_cosine(a: Tensor, b: Tensor) -> Tensor:
    """Return the sum over output nodes of one minus the cosine of two gradients of a weight.

    Args:
        a: (out, ...), two axes or more.
        b: As `a`.
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


@final
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
    batches_classes: ClassVar[bool] = True

    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return one distance for all pairs; differentiable twice through the synthetic images.

        The real gradient is the mean over the classes, taken class by class; the synthetic one is
        that of all images.
        """
        weights = self.weights(network)
        real = [layer.mean(0) for layer in statistics]
        labels = [
            torch.full((len(pair.synthetic),), pair.label, device=pair.synthetic.device)
            for pair in pairs
        ]
        with by_modules():
            loss = functional.cross_entropy(
                network(torch.cat([pair.synthetic for pair in pairs])), torch.cat(labels)
            )
        synthetic = torch.autograd.grad(loss, weights, create_graph=True)
        return gradient_matching(real, synthetic, self.distance)
