"""Whole runs of CAFE and IDM against the algorithms written out: the same draws, but losses, gate,
queue, training and the update of the images in the plainest code.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import Siamese
from condensers.registry.registry import create_condenser, with_parts
from condensers.sets.synthetic_set import Budget

NETWORK = {"name": "convnet", "depth": 2, "width": 5}
STORED = {"name": "pixels", "storage": "float32"}
CLASSES, IPC, BATCH, SEED = 3, 2, 5, 12


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((3, 8, 8), CLASSES, 9, mirror=True)


def log_loss(logits: Tensor, labels: list[int]) -> Tensor:
    losses = [
        torch.log(torch.exp(row).sum()) - row[label]
        for row, label in zip(logits, labels, strict=True)
    ]
    return torch.stack(losses).sum() / len(labels)


def layers_of(network: nn.Module, images: Tensor) -> list[Tensor]:
    """The mean of the maps after each ReLU of a ConvNet, and of its flattened last output."""
    x, means = images, []
    for convolution, norm, activation, pooling in network.blocks:
        x = activation(norm(convolution(x)))
        means.append(sum(x) / len(x))
        x = pooling(x)
    return [*means, sum(x).flatten() / len(x)]


def cafe_loss(network: nn.Module, real: list[Tensor], synthetic: list[Tensor]) -> Tensor:
    """Two blocks: the maps of the last ReLUs weigh .1 and 1, the last output 1 as maps and 1 as
    embedding.
    """
    total = torch.zeros(())
    for r, s in zip(real, synthetic, strict=True):
        for weight, a, b in zip(
            (0.1, 1.0, 2.0), layers_of(network, r), layers_of(network, s), strict=True
        ):
            total = total + weight * ((a.detach() - b) ** 2).sum()
    centres = torch.stack([layers_of(network, s)[-1] for s in synthetic])
    for label, images in enumerate(real):
        scores = network.embed(images).detach() @ centres.T
        total = total + 0.01 * len(images) * log_loss(
            scores - scores.max().detach(), [label] * len(images)
        )
    return total


def sgd(
    network: nn.Module,
    loss: Tensor,
    velocity: list[Tensor],
    lr: float,
    momentum: float,
    decay: float,
) -> list[Tensor]:
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        velocity = [
            momentum * v + g + decay * w
            for v, g, w in zip(velocity, gradients, network.parameters(), strict=True)
        ]
        for weight, v in zip(network.parameters(), velocity, strict=True):
            weight -= lr * v
    return velocity


def zeros(network: nn.Module) -> list[Tensor]:
    return [torch.zeros_like(weight) for weight in network.parameters()]


def literal_cafe(data: ClassData, steps: int) -> tuple[Tensor, int, int]:
    """Two accuracies are compared, at most three epochs and four steps a network; also how many
    networks and epochs.
    """
    draw = torch.Generator().manual_seed(SEED)
    images, velocity = (
        starting_images(data, IPC, "noise", draw),
        torch.zeros(CLASSES * IPC, 3, 8, 8),
    )
    labels = [c for c in range(CLASSES) for _ in range(IPC)]
    made, epochs, accuracies, taken = 1, 0, [], 0
    network = networks.build(NETWORK, data.shape, CLASSES, draw)

    def query() -> float:
        drawn = [data.sample(c, 4, draw) for c in range(CLASSES)]
        torch.randperm(4 * CLASSES, generator=draw)
        right = sum(
            int(network(image[None])[0].argmax()) == c for c in range(CLASSES) for image in drawn[c]
        )
        return right / (4 * CLASSES)

    for step in range(steps):
        if step > 0:
            accuracies = [*accuracies, query()][-2:]
            if taken == 4 or (len(accuracies) == 2 and max(accuracies) - min(accuracies) < 0.1):
                network, made, accuracies, taken = (
                    networks.build(NETWORK, data.shape, CLASSES, draw),
                    made + 1,
                    [],
                    0,
                )
            else:
                inner: list[float] = []
                while len(inner) < 3:
                    order = torch.randperm(len(images), generator=draw).tolist()
                    for chosen in (order[:4], order[4:]):
                        loss = log_loss(network(images[chosen]), [labels[i] for i in chosen])
                        sgd(network, loss, zeros(network), 0.3, 0.0, 0.0)
                    epochs, inner = epochs + 1, [*inner, query()]
                    if len(inner) > 1 and abs(inner[-1] - inner[-2]) > 0.05:
                        break
        taken += 1
        real = [data.sample(c, BATCH, draw) for c in range(CLASSES)]
        learned = images.clone().requires_grad_()
        loss = cafe_loss(network, real, list(learned.split(IPC)))
        velocity = 0.5 * velocity + torch.autograd.grad(loss, learned)[0]
        images = images - 0.1 * (0.5 if step >= 0.6 * steps else 1.0) * velocity
    return images, made, epochs


def test_a_run_of_cafe_equals_the_algorithm_written_out(data: ClassData) -> None:
    gate = {
        "name": "gated",
        "window": 2,
        "settled": 0.1,
        "moved": 0.05,
        "query": 4,
        "most_steps": 4,
        "most_epochs": 3,
    }
    settings = {
        "iterations": 9,
        "halve_at": [0.6],
        "model_schedule": gate | {"lr": 0.3, "batch": 4},
    }
    ours = condensed("cafe", data, settings)
    literal, made, epochs = literal_cafe(data, 9)
    assert made > 2
    assert 0 < epochs < 3 * (9 - made)
    close(ours, literal, data, "noise")


def literal_idm(data: ClassData, steps: int) -> Tensor:
    """At most three networks, two at first, one more every second step; one of them takes two steps
    in between.
    """
    draw = torch.Generator().manual_seed(SEED)
    images, velocity = starting_images(data, IPC, "real", draw), torch.zeros(CLASSES * IPC, 3, 8, 8)
    queue = [networks.build(NETWORK, data.shape, CLASSES, draw) for _ in range(2)]
    moments, accuracy = [zeros(network) for network in queue], [0.0, 0.0]
    for step in range(steps):
        if step > 0:
            position, right = torch.randperm(len(queue), generator=draw).tolist()[0], 0
            for _ in range(2):
                real, labels = data.batch(7, draw)
                logits = queue[position](real)
                right += sum(
                    int(row.argmax()) == label
                    for row, label in zip(logits, labels.tolist(), strict=True)
                )
                loss = log_loss(logits, labels.tolist())
                moments[position] = sgd(queue[position], loss, moments[position], 0.05, 0.9, 5e-4)
            accuracy[position] = right / 14
        if step % 2 == 0:
            queue = [*queue, networks.build(NETWORK, data.shape, CLASSES, draw)][-3:]
            moments, accuracy = [*moments, zeros(queue[-1])][-3:], [*accuracy, 0.0][-3:]
        position = torch.randperm(len(queue), generator=draw).tolist()[0]
        for label in range(CLASSES):
            real = data.sample(label, BATCH, draw)
            shared = Siamese().draw(1, data.shape, draw)
            learned = images.clone().requires_grad_()
            synthetic = Siamese().apply(learned[label * IPC : (label + 1) * IPC], shared)
            wanted = queue[position].embed(Siamese().apply(real, shared)).mean(0).detach()
            loss = ((wanted - queue[position].embed(synthetic).mean(0)) ** 2).sum()
            loss = loss + 50 * accuracy[position] * log_loss(
                queue[position](synthetic), [label] * IPC
            )
            velocity = 0.5 * velocity + torch.autograd.grad(loss, learned)[0]
            images = images - 0.2 * velocity
    return images


def test_a_run_of_idm_equals_the_algorithm_written_out(data: ClassData) -> None:
    queue = {
        "name": "queue",
        "size": 3,
        "first": 2,
        "interval": 2,
        "trained": 1,
        "training_steps": 2,
        "lr": 0.05,
        "batch": 7,
    }
    ours = condensed("idm", data, {"iterations": 5, "model_schedule": queue})
    close(ours, literal_idm(data, 5), data, "real")


def condensed(name: str, data: ClassData, settings: dict[str, Any]) -> Tensor:
    method = create_condenser(
        {"name": name, "network": NETWORK, "parameterisation": STORED, "batch_real": BATCH}
        | settings
    )
    made = with_parts(method).condense(data, Budget(ipc=IPC), Context(seed=SEED))
    images: Tensor = made.tensors["images"]
    return images


def close(ours: Tensor, literal: Tensor, data: ClassData, start: str) -> None:
    moved = (
        literal - starting_images(data, IPC, start, torch.Generator().manual_seed(SEED))
    ).norm()
    assert moved > 1e-2
    assert (ours - literal).norm() / moved < 1e-3
