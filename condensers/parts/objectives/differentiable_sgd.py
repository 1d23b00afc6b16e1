"""Plain gradient descent on synthetic images, and the way back through it to images, labels and
learning rates.

theta_{s+1} = theta_s - a_s g_s,   g_s = grad CE( A(x_s), y_s; theta_s ),   v_N = dL / dtheta_N;
backwards, for s = N-1 .. 0, with h_s = <g_s, v_{s+1}>:

    dL/d(x_s, y_s) += -a_s dh_s / d(x_s, y_s),   dL/da_s = -h_s,   v_s = v_{s+1} - a_s dh_s /
    dtheta_s

Source: Maclaurin et al., "Gradient-based hyperparameter optimization through reversible learning"
(2015), algorithm 2 without momentum, theta_s kept instead of undone. One Hessian-vector product a
step; memory for N parameter vectors and one graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from condensers.engine.devices import send_all
from condensers.networks import has_batch_norm
from condensers.networks.precision import by_modules, precision
from condensers.parts.augmentations.base import Drawn, send_draws
from condensers.parts.objectives.base import Whole


class Step(NamedTuple):
    """A step of the descent.

    Attributes:
        chosen: Positions of the images it trains on, (n,) int64.
        draw: Their augmentation.
    """

    chosen: Tensor
    draw: Drawn


def send_steps(steps: Sequence[Step], device: torch.device) -> list[Step]:
    """Return steps with their positions and augmentation on `device`, which get there together."""
    chosen = [step.chosen for step in steps]
    if any(one.device.type != device.type for one in chosen):
        chosen = send_all(chosen, device)
    draws = send_draws([step.draw for step in steps], device)
    return [Step(*each) for each in zip(chosen, draws, strict=True)]


@dataclass(frozen=True)
class Descent:
    """Steps of plain SGD on the images of a set.

    Attributes:
        network: In training mode; its parameters (P,) are one vector, in the order of
            `network.parameters()`.
        whole: The set.
        rates: (N,), the learning rate of each step.
        steps: The N steps.
    """

    network: nn.Module
    whole: Whole
    rates: Tensor
    steps: Sequence[Step]

    def gradient(
        self, theta: Tensor, step: Step, images: Tensor, labels: Tensor, graph: bool
    ) -> Tensor:
        """g_s at `theta`, (P,), for the step's images (n, C, H, W) and labels, not yet
        augmented.
        """
        augmented = self.whole.setting.augmentation.apply(images, step.draw)
        with by_modules() if graph else precision("fp32"):
            loss = functional.cross_entropy(logits(self.network, theta, augmented), labels)
        return torch.autograd.grad(loss, theta, create_graph=graph)[0]

    def unroll(self, theta: Tensor) -> Tensor:
        """theta_N with the graph of all steps."""
        theta = theta.detach().requires_grad_()
        for step, rate in zip(self.steps, self.rates, strict=True):
            theta = theta - rate * self.gradient(
                theta, step, self.whole.images[step.chosen], self.whole.labels[step.chosen], True
            )
        return theta

    def walk(self, theta: Tensor) -> list[Tensor]:
        """theta_0 .. theta_N without a graph."""
        images, labels, path = (
            self.whole.images.detach(),
            self.whole.labels.detach(),
            [theta.detach()],
        )
        for step, rate in zip(self.steps, self.rates.detach(), strict=True):
            theta = path[-1].requires_grad_()
            gradient = (
                self._recorded_gradient(theta, step, images[step.chosen], labels[step.chosen])
                if self._records
                else self.gradient(theta, step, images[step.chosen], labels[step.chosen], False)
            )
            path.append(theta.detach() - rate * gradient)
        return [one.detach() for one in path]

    def reverse(self, path: Sequence[Tensor], adjoint: Tensor, through_path: bool) -> None:
        """Add dL/d(images, labels, rates) to the leaves behind them; path: theta_0 .. theta_N,
        adjoint: dL/dtheta_N, (P,).

        Without `through_path` v_s stays dL/dtheta_N: what an image does to the later gradients, by
        moving the point where they are taken, is left out.
        """
        whole, rates = self.whole, self.rates.detach()
        soft = whole.labels.is_floating_point()
        sums = [torch.zeros_like(whole.images), torch.zeros_like(rates)] + [
            torch.zeros_like(whole.labels)
        ] * soft
        for index in reversed(range(len(self.steps))):
            step = self.steps[index]
            theta = path[index].detach().requires_grad_(True)
            images = whole.images.detach()[step.chosen].requires_grad_()
            labels = whole.labels.detach()[step.chosen].requires_grad_(soft)
            if self._records:
                given = theta, images, labels, adjoint
                product, found = self._recorded_product(step, given, soft, through_path)
            else:
                product = self.gradient(theta, step, images, labels, True) @ adjoint
                wanted = [images] + [labels] * soft + [theta] * through_path
                found = list(torch.autograd.grad(product, wanted))
            parts = [-rates[index] * part for part in found]
            sums[0].index_add_(0, step.chosen, parts[0])
            sums[1][index] = -product.detach()
            if soft:
                sums[2].index_add_(0, step.chosen, parts[1])
            if through_path:
                adjoint = adjoint + parts[-1]
        pairs = zip([whole.images, self.rates, whole.labels], sums, strict=False)
        learned = [(tensor, total) for tensor, total in pairs if tensor.requires_grad]
        torch.autograd.backward([tensor for tensor, _ in learned], [total for _, total in learned])

    @property
    def _records(self) -> bool:
        """Whether gradients are recorded; batch norms, which have a memory of their own, are
        not.
        """
        return self.whole.captures.on and not has_batch_norm(self.network)

    def _recorded_gradient(
        self, theta: Tensor, step: Step, images: Tensor, labels: Tensor
    ) -> Tensor:
        """What `gradient` gives without a graph, the augmentation apart."""
        network = self.network

        def gradient(theta: Tensor, augmented: Tensor, labels: Tensor) -> Sequence[Tensor]:
            theta = theta.detach().requires_grad_()
            with precision("fp32"):
                loss = functional.cross_entropy(logits(network, theta, augmented), labels)
            return torch.autograd.grad(loss, theta)

        augmented = self.whole.setting.augmentation.apply(images, step.draw)
        name = "gradient", repr(network)
        (found,) = self.whole.captures.call(name, gradient, [theta, augmented, labels])
        return found

    def _recorded_product(
        self, step: Step, given: tuple[Tensor, Tensor, Tensor, Tensor], soft: bool, path: bool
    ) -> tuple[Tensor, list[Tensor]]:
        """<g_s, v> and its gradients for the images, for labels if they are soft, and for theta
        where `path` says so. given: theta, images, labels, v.
        """
        network = self.network

        def product(
            theta: Tensor, augmented: Tensor, labels: Tensor, adjoint: Tensor
        ) -> Sequence[Tensor]:
            theta = theta.detach().requires_grad_()
            augmented = augmented.detach().requires_grad_()
            labels = labels.detach().requires_grad_(soft)
            with by_modules():
                loss = functional.cross_entropy(logits(network, theta, augmented), labels)
            gradient = torch.autograd.grad(loss, theta, create_graph=True)[0]
            total = gradient @ adjoint
            wanted = [augmented] + [labels] * soft + [theta] * path
            return total.detach(), *torch.autograd.grad(total, wanted)

        theta, images, labels, adjoint = given
        augmented = self.whole.setting.augmentation.apply(images, step.draw)
        name = "product", repr(network), soft, path
        total, *parts = self.whole.captures.call(name, product, [theta, augmented, labels, adjoint])
        if augmented is not images:
            parts[0] = torch.autograd.grad(augmented, images, parts[0])[0]
        return total, parts


def logits(network: nn.Module, theta: Tensor, images: Tensor) -> Tensor:
    """Return the logits (n, K) of a network with the parameters `theta` (P,) for its own."""
    named = dict(network.named_parameters())
    parts = torch.split(theta, [parameter.numel() for parameter in named.values()])
    shaped = {name: part.view(named[name].shape) for name, part in zip(named, parts, strict=True)}
    found: Tensor = functional_call(network, shaped, (images,))
    return found
