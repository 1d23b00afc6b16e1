"""MTT's step as published, and ours, on a stretch of an expert that never was: what a step costs
does not depend on where it leads.

Source of the published step: Cazenavette et al., "Dataset Distillation by Matching Training
Trajectories" (CVPR 2022), algorithm 1, written from the paper: the parameters are one vector, each
of the steps takes the next chunk of a permutation of the set, each image augmented by itself, and
the graph of all steps is kept until the one backward pass.
"""

from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from benchmarks.case import Case
from benchmarks.plain import ConvNet
from benchmarks.plain_augment import augment
from condensers.composition.initialisation import starting_images
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import Siamese
from condensers.registry.registry import create_condenser

STEPS, RATE, RATE_OF_RATE, RATE_OF_IMAGES = 20, 0.01, 1e-5, 1000.0


class PublishedTrajectory:
    """A run of the published loop. Every unit is one step on the images."""

    def __init__(self, case: Case) -> None:
        self.data = case.train()
        self.generator = torch.Generator().manual_seed(0)
        count = len(self.data.class_names)
        start = starting_images(self.data, case.ipc, "real", self.generator)
        self.images = start.requires_grad_()
        self.labels = torch.arange(count, device=self.data.device).repeat_interleave(case.ipc)
        self.rate = torch.tensor(RATE, device=self.data.device, requires_grad=True)
        self.optimisers = [
            torch.optim.SGD([self.images], lr=RATE_OF_IMAGES, momentum=0.5),
            torch.optim.SGD([self.rate], lr=RATE_OF_RATE, momentum=0.5),
        ]
        self.network = ConvNet(self.data.shape, count, case.depth, case.width).to(self.data.device)
        self.sizes = [one.numel() for one in self.network.parameters()]
        self.shapes = {name: one.shape for name, one in self.network.named_parameters()}
        self.augmentation = Siamese().for_data(self.data)

    def prepare(self, index: int) -> None:
        self.generator.manual_seed(index)
        flat = [one.detach().flatten() for one in self.network.parameters()]
        self.start = torch.cat(flat)
        self.target = self.start + 0.01 * torch.randn_like(self.start)

    def run(self) -> None:
        theta = self.start.clone().requires_grad_()
        for _ in range(STEPS):
            order = torch.randperm(len(self.images), generator=self.generator)
            chosen = order.to(self.data.device)
            draw = self.augmentation.draw(len(chosen), self.data.shape, self.generator)
            logits = self._logits(theta, augment(self.images[chosen], draw))
            loss = functional.cross_entropy(logits, self.labels[chosen])
            gradient = torch.autograd.grad(loss, theta, create_graph=True)[0]
            theta = theta - self.rate * gradient
        far = functional.mse_loss(theta, self.target, reduction="sum")
        total = far / functional.mse_loss(self.start, self.target, reduction="sum")
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        total.backward()
        for optimiser in self.optimisers:
            optimiser.step()
        self.total = total.item()

    def _logits(self, theta: Tensor, images: Tensor) -> Tensor:
        parts = torch.split(theta, self.sizes)
        shaped = {
            name: part.view(shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }
        found: Tensor = functional_call(self.network, shaped, (images,))
        return found


class OurTrajectory:
    """The same by our loop, its schedule's experts stubs of two rows."""

    def __init__(self, case: Case, arithmetic: str) -> None:
        self.data = case.train()
        self.context = Context(seed=0, device=self.data.device)
        schedule: dict[str, Any] = {"name": "experts", "experts": 1, "epochs": 1}
        spec = {
            "name": "mtt",
            "precision": arithmetic,
            "network": case.network,
            "objective": {"name": "trajectory", "steps": STEPS, "lr": RATE},
            "model_schedule": schedule | {"expert_epochs": 1, "max_start": 1},
        }
        # One epoch of one expert on a few images: the two rows that a stretch needs.
        few = self.data.subset(
            torch.cat([self.data.members(label)[: case.ipc] for label in self.data.classes])
        )
        self.loop = create_condenser(spec).begin(few, case.ipc, self.context)

    def prepare(self, index: int) -> None:
        self.context.generator.manual_seed(index)

    def run(self) -> None:
        self.total = self.loop.step(0)
