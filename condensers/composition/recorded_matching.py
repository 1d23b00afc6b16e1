"""The loss of some classes and its gradient as one CUDA graph, under networks of one shape."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from condensers.engine.capture import Captures
from condensers.networks import has_batch_norm
from condensers.parts.objectives.base import Pair, PairwiseObjective


class RecordedMatching:
    """Losses of a pairwise objective in a run.

    Attributes:
        captures: The graphs. Each reads its weights from a network that never moves.
        networks: That network, for each shape of one.
    """

    def __init__(self, captures: Captures) -> None:
        self.captures = captures
        self.networks: dict[str, nn.Module] = {}

    def takes(self, objective: PairwiseObjective, network: nn.Module) -> bool:
        """Whether the loss is recorded; batch norms, which have a memory of their own, are not."""
        return self.captures.on and objective.capturable and not has_batch_norm(network)

    def enter_step(self, network: nn.Module) -> nn.Module:
        """Return the network that stands for the step's, with its weights."""
        shape = repr(network)
        if shape not in self.networks:
            self.networks[shape] = copy.deepcopy(network)
        standing = self.networks[shape]
        with torch.no_grad():
            for held, weight in zip(standing.parameters(), network.parameters(), strict=True):
                held.copy_(weight)
        return standing

    def loss(
        self, objective: PairwiseObjective, standing: nn.Module, pairs: Sequence[Pair]
    ) -> Tensor:
        """Return the loss, differentiable in the synthetic images.

        Args:
            objective: The method's.
            standing: What `enter_step` gave.
            pairs: One for each class.
        """
        count, labels = len(pairs), [pair.label for pair in pairs]

        def loss_and_gradients(*images: Tensor) -> Sequence[Tensor]:
            synthetic = [one.detach().requires_grad_() for one in images[count:]]
            loss = objective.loss(
                standing, [Pair(*each) for each in zip(labels, images, synthetic, strict=False)]
            )
            return loss.detach(), *torch.autograd.grad(loss, synthetic)

        name = objective, tuple(labels), repr(standing)
        synthetic = [pair.synthetic for pair in pairs]
        given = [*(pair.real for pair in pairs), *synthetic]
        found = self.captures.call(name, loss_and_gradients, given)
        loss, *gradients = found
        # A term of value zero whose gradients are those that were recorded.
        moved = [
            ((one - one.detach()) * gradient).sum()
            for one, gradient in zip(synthetic, gradients, strict=True)
        ]
        return loss + torch.stack(moved).sum()
