"""Training that a set prescribes step by step: which images, in which order, at which learning
rates.

theta_{s+1} = theta_s - rate_s * grad CE( images of step s; theta_s ): plain SGD, nothing drawn.
Step s takes the s-th image of each class, again from the first once all were taken. Such a set is
worth little when its images are shuffled. Source: Wang et al., "Dataset Distillation" (2018),
section 3.4.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError


def step_images(classes: int, per_class: int, step: int, device: torch.device) -> Tensor:
    """Return the positions (classes,) int64 of the images that a step trains on.

    Images are ordered by class; each step takes one of each class.
    """
    return torch.arange(classes, device=device) * per_class + step % per_class


class OrderedLoop:
    """Trains a network as the card of an ordered set says; a loop for the engine.

    Args:
        network: Is changed.
        images: (M, C, H, W) float32 normalised, ordered by class.
        labels: (M,) int64, or (M, K) float probabilities.
        rates: (T,) learning rates, one for each step of all passes over the images.
        epochs: Passes over the images.

    Attributes:
        total: Number of steps.
        images_per_step: Images of a step, one of each class.

    Raises:
        UsageError: Images, rates and passes do not fit together.
    """

    def __init__(
        self, network: nn.Module, images: Tensor, labels: Tensor, rates: Tensor, epochs: int
    ) -> None:
        per_class = len(rates) // epochs
        if per_class < 1 or per_class * epochs != len(rates) or len(images) % per_class:
            raise UsageError(
                f"an ordered set of {len(images)} images has {len(rates)} learning rates for"
                f" {epochs} passes; each pass needs a rate for each image of a class: make the set"
                " anew"
            )
        self.network, self.images, self.labels = network, images, labels
        self.rates: list[float] = rates.tolist()
        self.images_per_step, self.per_class, self.total = (
            len(images) // per_class,
            per_class,
            len(rates),
        )
        network.train()

    def step(self, index: int) -> Tensor:
        """Step `index`; returns the loss before it."""
        chosen = step_images(self.images_per_step, self.per_class, index, self.images.device)
        loss = functional.cross_entropy(self.network(self.images[chosen]), self.labels[chosen])
        parameters = list(self.network.parameters())
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=self.rates[index])
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
