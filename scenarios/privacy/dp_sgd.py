"""DP-SGD: gradient steps that are differentially private in each image, the reference whose privacy
is proved and not measured.

g_i = grad CE(f(x_i), y_i),   step = ( sum_i g_i min(1, C / |g_i|) + N(0, s^2 C^2) ) / (q N),   i
joins with probability q

Source: Abadi et al., "Deep learning with differential privacy" (CCS 2016), algorithm 1. The noise s
that a given (epsilon, delta) needs comes from the Renyi accountant of Opacus, an optional package;
the steps are ours, because a network's fused blocks hide the layers that Opacus hooks. The
generator is not a cryptographic one, which a release to the public would need.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.training.classifier import Trained


class Guarantee(NamedTuple):
    """epsilon, delta: of one training, for adding or removing an image. clip: C, the longest
    gradient of an image.
    """

    epsilon: float
    delta: float
    clip: float


def noise_multiplier(guarantee: Guarantee, rate: float, steps: int) -> float:
    """s for `steps` steps that an image joins with probability `rate`; UsageError where Opacus is
    not installed.
    """
    try:
        from opacus.accountants.utils import get_noise_multiplier
    except ImportError:
        raise UsageError(
            'dp-sgd needs Opacus; pip install "condensation-harness[privacy]"'
        ) from None
    asked = {
        "target_epsilon": guarantee.epsilon,
        "target_delta": guarantee.delta,
        "sample_rate": rate,
        "steps": steps,
    }
    return float(get_noise_multiplier(**asked, accountant="rdp"))


class PrivateSteps(NamedTuple):
    """lr: learning rate. rate: q, with which an image joins a step. noise: s. clip: C."""

    lr: float
    rate: float
    noise: float
    clip: float


class PrivateLoop:
    """Trains `network` in place on `data`; one engine step is one gradient step."""

    def __init__(
        self, network: nn.Module, data: ClassData, steps: PrivateSteps, context: Context
    ) -> None:
        self.network, self.data, self.steps = network, data, steps
        self.generator, self.parameters = (
            context.generator,
            [p for p in network.parameters() if p.requires_grad],
        )
        self.optimiser = torch.optim.SGD(self.parameters, lr=steps.lr)
        self.images = 0
        network.train()

    def step(self, index: int) -> float:
        """The length of the step's noisy gradient."""
        _, rate, noise, clip = self.steps
        joins = torch.rand(len(self.data.images), generator=self.generator) < rate
        chosen = joins.nonzero().flatten().to(self.data.device)
        images, labels = self.data.normalise(self.data.images[chosen]), self.data.labels[chosen]
        total = (clip_batch if images.is_cuda else clip_one_by_one)(
            self.network, images, labels, clip
        )
        for parameter, clipped in zip(self.parameters, total, strict=True):
            drawn = torch.randn(parameter.shape, generator=self.generator).to(parameter.device)
            parameter.grad = (clipped + drawn * noise * clip) / (rate * len(self.data.images))
        self.optimiser.step()
        self.images += len(chosen)
        return float(
            torch.stack([p.grad.norm() for p in self.parameters if p.grad is not None]).norm()
        )

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.network.state_dict(), "images": self.images}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.images = int(state["images"])


def clip_one_by_one(
    network: nn.Module, images: Tensor, labels: Tensor, clip: float
) -> list[Tensor]:
    """The sum of the clipped gradients of images (n, C, H, W) and labels (n,), a tensor for each
    parameter: faster on a CPU.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    total = [torch.zeros_like(p) for p in parameters]
    for image, label in zip(torch.split(images, 1), torch.split(labels, 1), strict=True):
        gradients = torch.autograd.grad(functional.cross_entropy(network(image), label), parameters)
        length = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
        torch._foreach_add_(
            total, list(gradients), alpha=float((clip / length.clamp_min(1e-12)).clamp_max(1))
        )
    return total


def clip_batch(network: nn.Module, images: Tensor, labels: Tensor, clip: float) -> list[Tensor]:
    """The same, vectorised over the images."""
    parameters = {name: p.detach() for name, p in network.named_parameters() if p.requires_grad}
    if not len(images):
        return [torch.zeros_like(p) for p in parameters.values()]
    buffers = dict(network.named_buffers())

    def loss(weights: dict[str, Tensor], image: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(
            functional_call(network, (weights, buffers), (image[None],)), label[None]
        )

    each = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, images, labels)
    lengths = torch.stack([g.flatten(1).square().sum(1) for g in each.values()]).sum(0).sqrt()
    scales = (clip / lengths.clamp_min(1e-12)).clamp_max(1)
    return [torch.einsum("n,n...->...", scales, g) for g in each.values()]


def train_privately(
    network: nn.Module,
    data: ClassData,
    recipe: tuple[int, int, float],
    guarantee: Guarantee,
    context: Context,
    name: str,
) -> Trained:
    """Train in place; recipe: epochs, images of an average step, learning rate.

    UsageError for batch norm, or without Opacus.
    """
    epochs, batch, lr = recipe
    _require_own_gradients(list(network.modules()))
    rate = min(1.0, batch / len(data.images))
    steps = round(epochs / rate)
    noise = noise_multiplier(guarantee, rate, steps)
    loop = PrivateLoop(network, data, PrivateSteps(lr, rate, noise, guarantee.clip), context)
    seconds = engine.run(loop, steps, context, name)
    return Trained(
        loop.images, seconds, partial(engine.write_checkpoint, loop, steps, context, seconds)
    )


def _require_own_gradients(modules: Sequence[nn.Module]) -> None:
    if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in modules):
        raise UsageError(
            "dp-sgd: batch norm mixes the images of a batch, so that none has a gradient of its"
            " own; take another norm"
        )
