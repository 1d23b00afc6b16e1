"""How schedules train their networks, and make them ready for the next step on the images."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.engine.devices import send
from condensers.networks import has_batch_norm
from condensers.parts.objectives.gradient import freeze_batch_norm
from condensers.parts.setting import RunSetting

BATCH_NORM_IMAGES = 16  # of each class, as in DC's code


def train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    batch: int,
    setting: RunSetting,
) -> None:
    """Train a network on every image once, in batches that are augmented image by image.

    Args:
        network: In training mode.
        optimiser: Of its parameters.
        images: (N, C, H, W) float32, normalised.
        labels: (N,) int64, or (N, K) probabilities.
        batch: Images of a step.
        setting: Gives the augmentation, and the generator that order and augmentation are drawn
            from.
    """
    for chosen in batches_of(len(images), batch, setting):
        train_step(network, optimiser, setting.augment(images[chosen]), labels[chosen])


def batches_of(images: int, batch: int, setting: RunSetting) -> Iterable[Tensor]:
    """Indices of so many images in a new order, (<= batch,) int64 each, on the run's device."""
    order = send(torch.randperm(images, generator=setting.generator), setting.data.device)
    return torch.split(order, batch)


def train_step(
    network: nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, labels: Tensor
) -> Tensor:
    """Take one step on the cross-entropy of images.

    Args:
        network: In training mode.
        optimiser: Of its parameters.
        images: (n, C, H, W) float32, normalised.
        labels: (n,) int64, or (n, K) probabilities.

    Returns:
        The logits (n, K) before the step, without a graph.
    """
    logits: Tensor = network(images)
    loss = functional.cross_entropy(logits, labels)
    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()
    return logits.detach()


def prepare_network(network: nn.Module, setting: RunSetting) -> nn.Module:
    """Prepare a network for matching and return it.

    It is put in training mode; batch norms take their statistics from real images and keep them.
    """
    network.train()
    if has_batch_norm(network):
        data = setting.matching.data
        real = [data.sample(label, BATCH_NORM_IMAGES, setting.generator) for label in data.classes]
        freeze_batch_norm(network, torch.cat(real))
    return network
