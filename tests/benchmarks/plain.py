"""The published loops in plain torch: class by class, eager, losses summed over all classes before
one backward pass.

Source: what VICO-UoE/DatasetCondensation does for DC (ICLR 2021), DSA (ICML 2021) and DM (WACV
2023), and snu-mllab's code for IDC's matching (ICML 2022), written from the papers. All randomness
comes from one generator, in the order in which our loop draws: networks, real indices and
augmentation are then the same on both sides, and so must the losses be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.plain_augment import augment
from condensers.data import ClassData

ClassLoss = Callable[[nn.Module, int, Tensor, Tensor], Tensor]


class ConvNet(nn.Module):
    """Blocks of convolution, instance norm, ReLU and average pooling; then one linear layer. shape:
    (C, H, W), square.
    """

    def __init__(self, shape: tuple[int, int, int], classes: int, depth: int, width: int) -> None:
        super().__init__()
        channels, size, _ = shape
        layers: list[nn.Module] = []
        for index in range(depth):
            padding = 3 if index == 0 and size == 28 else 1
            size = (size + 2 * padding - 2) // 2
            layers += [
                nn.Conv2d(channels, width, 3, padding=padding),
                nn.GroupNorm(width, width),
                nn.ReLU(inplace=True),
            ]
            layers.append(nn.AvgPool2d(2))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.classifier = nn.Linear(width * size * size, classes)

    def embed(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.embed(x))
        return out


def embedding_loss(network: nn.Module, label: int, real: Tensor, synthetic: Tensor) -> Tensor:
    """DM: the squared distance of mean embeddings."""
    embedded = network.embed(real).detach(), network.embed(synthetic)
    return torch.sum((embedded[0].mean(dim=0) - embedded[1].mean(dim=0)) ** 2)


def two_gradients(
    network: nn.Module, label: int, real: Tensor, synthetic: Tensor
) -> list[tuple[Tensor, Tensor]]:
    """The gradients of the mean cross-entropy of one class, for every parameter: of real images,
    and of synthetic ones.
    """
    weights = list(network.parameters())
    targets = [
        torch.full((len(images),), label, dtype=torch.int64, device=images.device)
        for images in (real, synthetic)
    ]
    of_real = torch.autograd.grad(functional.cross_entropy(network(real), targets[0]), weights)
    of_real = tuple(gradient.detach().clone() for gradient in of_real)
    loss = functional.cross_entropy(network(synthetic), targets[1])
    return list(zip(of_real, torch.autograd.grad(loss, weights, create_graph=True), strict=True))


def gradient_loss(network: nn.Module, label: int, real: Tensor, synthetic: Tensor) -> Tensor:
    """DC and DSA: one minus the cosine for every output node of every layer."""
    total = torch.tensor(0.0, device=real.device)
    for a, b in two_gradients(network, label, real, synthetic):
        if a.ndim > 1:
            a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
            cosine = torch.sum(a * b, dim=-1) / (
                torch.norm(a, dim=-1) * torch.norm(b, dim=-1) + 1e-6
            )
            total = total + torch.sum(1 - cosine)
    return total


def squared_gradient_loss(
    network: nn.Module, label: int, real: Tensor, synthetic: Tensor
) -> Tensor:
    """IDC: the squared difference of the gradients of the convolutions' kernels."""
    pairs = two_gradients(network, label, real, synthetic)
    return torch.stack([torch.sum((a - b) ** 2) for a, b in pairs if a.ndim == 4]).sum()


@dataclass(frozen=True)
class Published:
    """What a published method does; outer None: a new network at each step, never trained (DM),
    else for `outer` steps.

    augmentation: draws the parameters that `plain_augment` applies. tiles 2: four images in each
    stored picture, and an update after each class (IDC).
    """

    loss: ClassLoss
    lr: float
    start: str
    augmentation: Any
    outer: int | None = None
    inner: int = 0
    batch_train: int = 256
    tiles: int = 1


class PublishedLoop:
    """A run of a published method on `data`: `step(index)` is one step on the images, returning its
    loss.
    """

    def __init__(
        self,
        method: Published,
        data: ClassData,
        ipc: int,
        batch_real: int,
        network: tuple[int, int],
        seed: int,
    ):
        self.method, self.data, self.ipc, self.batch_real, self.depth_and_width = (
            method,
            data,
            ipc,
            batch_real,
            network,
        )
        self.generator = torch.Generator().manual_seed(seed)
        self.all_images = data.normalise(data.images)
        self.members = [
            (data.labels == c).nonzero().flatten() for c in range(len(data.class_names))
        ]
        self.images = self.starting().requires_grad_(True)
        self.labels = torch.arange(len(self.members), device=data.device).repeat_interleave(ipc)
        self.optimiser = torch.optim.SGD([self.images], lr=method.lr, momentum=0.5)
        self.network = self.new_network() if method.outer else None

    def new_network(self) -> ConvNet:
        torch.manual_seed(int(torch.randint(2**62, (1,), generator=self.generator)))
        return ConvNet(self.data.shape, len(self.members), *self.depth_and_width).to(
            self.data.device
        )

    def real_images(self, label: int, n: int) -> Tensor:
        members = self.members[label]
        return self.all_images[
            members[torch.randperm(len(members), generator=self.generator)[:n].to(members.device)]
        ]

    def starting(self) -> Tensor:
        classes, tiles = len(self.members), self.method.tiles
        if self.method.start == "noise":
            return torch.randn(classes * self.ipc, *self.data.shape, generator=self.generator).to(
                self.data.device
            )
        images = torch.cat([self.real_images(c, self.ipc * tiles**2) for c in range(classes)])
        if tiles == 1:
            return images
        small = functional.avg_pool2d(images, tiles).unflatten(0, (-1, tiles, tiles))
        return small.permute(0, 3, 1, 4, 2, 5).reshape(classes * self.ipc, *self.data.shape)

    def of_class(self, label: int) -> Tensor:
        stored = self.images[label * self.ipc : (label + 1) * self.ipc]
        if self.method.tiles == 1:
            return stored
        size = self.data.shape[1] // self.method.tiles
        cut = (
            stored.unfold(2, size, size)
            .unfold(3, size, size)
            .permute(0, 2, 3, 1, 4, 5)
            .flatten(0, 2)
        )
        return functional.interpolate(
            cut, size=self.data.shape[1:], mode="bilinear", align_corners=False
        )

    def class_loss(self, label: int) -> Tensor:
        real = self.real_images(label, self.batch_real)
        shared = self.method.augmentation.draw(1, self.data.shape, self.generator)
        return self.method.loss(
            self.network, label, augment(real, shared), augment(self.of_class(label), shared)
        )

    def match(self) -> float:
        if self.method.tiles > 1:
            return sum(self.update(self.class_loss(label)) for label in range(len(self.members)))
        return self.update(
            torch.stack([self.class_loss(label) for label in range(len(self.members))]).sum()
        )

    def update(self, loss: Tensor) -> float:
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def train(self) -> None:
        """The network's own epochs between two steps on the images."""
        optimiser = torch.optim.SGD(self.network.parameters(), lr=0.01)
        for _ in range(self.method.inner):
            self.epoch(self.network, self.images.detach().clone(), optimiser)

    def epoch(
        self, network: nn.Module, images: Tensor, optimiser: torch.optim.Optimizer
    ) -> tuple[float, int]:
        """Returns the summed loss and how many images were classified correctly, which that code
        keeps count of.
        """
        draw, total, correct = self.method.augmentation.draw, 0.0, 0
        order = torch.randperm(len(images), generator=self.generator).tolist()
        for batch, labels in DataLoader(
            TensorDataset(images, self.labels), self.method.batch_train, sampler=order
        ):
            logits = network(augment(batch, draw(len(batch), self.data.shape, self.generator)))
            loss = functional.cross_entropy(logits, labels)
            correct += int(
                np.equal(logits.detach().cpu().numpy().argmax(-1), labels.cpu().numpy()).sum()
            )
            total += loss.item() * len(batch)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return total, correct

    def step(self, index: int) -> float:
        if self.method.outer is None:
            self.network = self.new_network()
            self.network.requires_grad_(False)
        elif index % self.method.outer:
            self.train()
        elif index:
            self.network = self.new_network()
        return self.match()


def logits_of_test(network: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Logits of (N, C, H, W) normalised images in batches of 256, image by image from a loader,
    with a graph, as published.
    """
    network.eval()
    return torch.cat(
        [
            network(batch.float()).detach()
            for batch, _ in DataLoader(TensorDataset(images, labels), 256)
        ]
    )
