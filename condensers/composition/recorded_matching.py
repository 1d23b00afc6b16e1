"""The loss of some classes, or of the whole set, and its gradient as one CUDA graph, under networks
of one shape.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from condensers.engine.capture import Captures
from condensers.engine.standing import StandingNetworks
from condensers.parts.objectives.base import (
    Objective,
    Pair,
    PairwiseObjective,
    Whole,
    WholeSetObjective,
)

Loss = Callable[[nn.Module, Sequence[Tensor], Sequence[Tensor]], Tensor]
"""A loss under a network, of tensors that are given and of those that are learned."""


class RecordedMatching:
    """Losses of an objective in a run.

    Attributes:
        captures: The graphs.
        networks: Where they find their weights.
    """

    def __init__(self, captures: Captures) -> None:
        self.captures, self.networks = captures, StandingNetworks(captures)

    def takes(self, objective: Objective) -> bool:
        """Whether the loss is recorded."""
        return self.captures.on and objective.capturable

    def enter_step(self, network: nn.Module) -> None:
        """Take the weights of the step's network."""
        self.networks.enter(network)

    def loss(self, objective: PairwiseObjective, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss, differentiable in the synthetic images.

        Args:
            objective: The method's.
            pairs: One for each class.
        """
        labels = tuple(pair.label for pair in pairs)

        def loss(network: nn.Module, real: Sequence[Tensor], synthetic: Sequence[Tensor]) -> Tensor:
            each = zip(labels, real, synthetic, strict=True)
            return objective.loss(network, [Pair(*one) for one in each])

        real, synthetic = [pair.real for pair in pairs], [pair.synthetic for pair in pairs]
        return self._recorded((objective, labels), loss, real, synthetic)

    def loss_of_whole(self, objective: WholeSetObjective, whole: Whole) -> Tensor:
        """Return the loss, differentiable in what is learned.

        Args:
            objective: The method's.
            whole: The set. Its real images are augmented here, as draws cannot be recorded.
        """
        extra = {f"extra {name}": one for name, one in whole.extra.items()}
        tensors = {
            "images": whole.images,
            "labels": whole.labels,
            "real": whole.augment(whole.real),
            "real_labels": whole.real_labels,
        } | extra
        learned = tuple(name for name, one in tensors.items() if one.requires_grad)
        given = tuple(name for name in tensors if name not in learned)

        def loss(network: nn.Module, ready: Sequence[Tensor], leaves: Sequence[Tensor]) -> Tensor:
            named = dict(zip((*given, *learned), (*ready, *leaves), strict=True))
            present = replace(
                whole,
                images=named["images"],
                labels=named["labels"],
                real=named["real"],
                real_labels=named["real_labels"],
                extra={name: named[f"extra {name}"] for name in whole.extra},
                augment=_as_it_is,
            )
            return objective.loss(network, present)

        ready, leaves = ([tensors[name] for name in names] for names in (given, learned))
        return self._recorded(("whole", learned), loss, ready, leaves)

    def _recorded(
        self, name: Hashable, loss: Loss, given: Sequence[Tensor], learned: Sequence[Tensor]
    ) -> Tensor:
        """A loss under the step's network, differentiable in what is learned."""
        count = len(given)

        def loss_and_gradients(network: nn.Module, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
            leaves = [one.detach().requires_grad_() for one in tensors[count:]]
            found = loss(network, tensors[:count], leaves)
            return found.detach(), *torch.autograd.grad(found, leaves)

        value, *gradients = self.networks.call(name, loss_and_gradients, [*given, *learned])
        # A term of value zero whose gradients are those that were recorded.
        moved = [
            ((one - one.detach()) * gradient).sum()
            for one, gradient in zip(learned, gradients, strict=True)
        ]
        return value + torch.stack(moved).sum()


def _as_it_is(images: Tensor) -> Tensor:
    return images
