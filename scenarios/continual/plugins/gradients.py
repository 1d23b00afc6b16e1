"""Gradients of the stream, bounded by those of the memory: the step of a learner must not raise the
memory's loss.

A-GEM: g~ = g - (g.r / r.r) r where g.r < 0, r the gradient of the memory's loss. GEM: g~ = g + R'v,
v the minimum of 1/2 v'RR'v + (R g)'v with v >= margin, R (t, P) a gradient for each past
experience. Sources: Chaudhry et al., "Efficient Lifelong Learning with A-GEM" (ICLR 2019), equation
11; Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning" (NeurIPS 2017),
equation 11, whose code has the margin.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from avalanche.core import SupervisedPlugin
from scipy.optimize import nnls
from torch import Tensor, nn
from torch.nn import functional

from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import Criterion, memory_loss
from scenarios.continual.memory.exemplars import MemoryBatch
from scenarios.continual.memory.replay import move_batch
from scenarios.continual.strategies.base import ResumablePlugin

Bound = Callable[[Tensor, Tensor], Tensor]


class BoundGradients(SupervisedPlugin, ResumablePlugin):  # type: ignore[misc]
    """Puts bound(g (P,), R (t, P)) in place of the gradient g of each minibatch; the memory is not
    joined to it.

    each: a row of R for each experience in memory, of at most `size` of its images; otherwise one
    row, of images of all. Weights that
    have no gradient are left out.
    """

    def __init__(
        self,
        memory: CondensedMemory,
        size: int,
        bound: Bound,
        each: bool,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.memory, self.size, self.bound, self.each, self.generator = (
            memory,
            size,
            bound,
            each,
            generator,
        )
        self.extra_images = 0

    def after_backward(self, strategy: Any, **_: Any) -> None:
        if not self.memory.image_count:
            return
        weights = [p for p in strategy.model.parameters() if p.grad is not None]
        found = self.bound(flatten([p.grad for p in weights]), self._references(strategy, weights))
        for p, part in zip(weights, torch.split(found, [p.numel() for p in weights]), strict=True):
            p.grad.copy_(part.view_as(p))

    def _references(self, strategy: Any, weights: Sequence[nn.Parameter]) -> Tensor:
        """(t, P): the gradients of the memory's loss."""
        like = strategy.mbatch[0]
        groups = self.memory.experiences if self.each else [None]
        drawn = [
            move_batch(self.memory.draw(self.size, self.generator, group, once=True), like)
            for group in groups
        ]
        self.extra_images += sum(len(batch.y) for batch in drawn)
        return torch.stack(
            [
                reference_gradient(strategy.model, weights, batch, strategy._criterion)
                for batch in drawn
            ]
        )

    def after_training_exp(self, strategy: Any, **_: Any) -> None:
        """Take in the classes of the experience."""
        self.memory.update(strategy)

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.extra_images}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.extra_images = state["images"]


def flatten(parts: Sequence[Tensor]) -> Tensor:
    """All numbers in one row."""
    return torch.cat([part.flatten() for part in parts])


def reference_gradient(
    network: nn.Module,
    weights: Sequence[nn.Parameter],
    drawn: MemoryBatch,
    criterion: Criterion = functional.cross_entropy,
) -> Tensor:
    """(P,): the gradient of the memory's loss; the weights' own `grad` is left as it is."""
    return flatten(
        torch.autograd.grad(memory_loss(network(drawn.x), drawn, criterion), list(weights))
    )


def project_averaged(g: Tensor, references: Tensor) -> Tensor:
    """A-GEM's bound: g (P,) without its part against the one reference (1, P)."""
    r = references[0]
    dot = g @ r
    return torch.where(dot < 0, g - dot / (r @ r) * r, g)


def make_episodic_bound(margin: float) -> Bound:
    """GEM's bound: the nearest gradient that has no part against any of the references (t, P), and
    `margin` beyond.

    With v = u + margin the programme is min |R'u + g + margin R'1| over u >= 0: non-negative least
    squares, here of the t x t triangle of R' = QT, in float64.
    """

    def bound(g: Tensor, references: Tensor) -> Tensor:
        if bool((references @ g >= 0).all()):
            return g
        wide = references.double()
        target = g.double() + margin * wide.sum(0)
        q, triangle = torch.linalg.qr(wide.T)
        u, _ = nnls(triangle.cpu().numpy(), -(q.T @ target).cpu().numpy(), maxiter=100 * len(wide))
        return (target + torch.from_numpy(u).to(target) @ wide).to(g)

    return bound
