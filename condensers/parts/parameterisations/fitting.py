"""Fitting: what is stored is trained, before anything is learned, until it decodes to real images.

min_g  E_x || decode(g) - x ||^2 / (C H W),  by Adam at a rate that falls linearly to zero
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from condensers.engine import loop as engine
from condensers.engine import optimiser_state
from condensers.engine.context import Context
from condensers.engine.devices import fused

Losses = Callable[[Mapping[str, Tensor]], Iterable[Tensor]]
"""What is fitted -> the terms of one step's loss, scalars with a graph of their own each."""


class Fitting:
    """The engine loop of a fit.

    Attributes:
        leaves: What is fitted, by name.
    """

    def __init__(self, leaves: Mapping[str, Tensor], losses: Losses, lr: float, steps: int) -> None:
        self.leaves = {name: one.clone().requires_grad_() for name, one in leaves.items()}
        self.losses, self.lr, self.steps = losses, lr, steps
        weights = list(self.leaves.values())
        self.optimiser = torch.optim.Adam(weights, lr=lr, fused=fused(weights[0].device))

    def step(self, index: int) -> Tensor:
        """Take one step and return its loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr * (1 - index / self.steps)
        self.optimiser.zero_grad()
        total = []
        for loss in self.losses(self.leaves):
            torch.autograd.backward(loss)
            total.append(loss.detach())
        self.optimiser.step()
        return torch.stack(total).sum()

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        fitted = {name: one.detach() for name, one in self.leaves.items()}
        return {"leaves": fitted, "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        with torch.no_grad():
            for name, one in self.leaves.items():
                one.copy_(state["leaves"][name])
        optimiser_state.take_up(self.optimiser, state["optimiser"])


def fit(
    leaves: Mapping[str, Tensor], losses: Losses, lr: float, steps: int, context: Context
) -> dict[str, Tensor]:
    """Return tensors after some steps of Adam.

    Args:
        leaves: Where they begin, by name; they stay as they are.
        losses: The terms of a step's loss, which is their sum.
        lr: The first learning rate, which falls to zero.
        steps: How many.
        context: Of the fit alone; its folder holds the checkpoint.
    """
    loop = Fitting(leaves, losses, lr, steps)
    engine.run(loop, steps, context, "warm-start")
    return {name: one.detach() for name, one in loop.leaves.items()}
