"""KIP, RFAD and FRePo: the published settings, whole runs of KIP and FRePo against their algorithms
written out, and that learning lowers the error on all real images.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.methods.performance_matching.frepo import FRePo
from condensers.methods.performance_matching.kip import KIP, RFAD
from condensers.parts.model_schedules.pool import Pool
from condensers.parts.objectives.kernel_regression import ridge_predictions
from condensers.parts.objectives.kernels.neural_tangent import FullyConnectedNTK
from condensers.registry.registry import create_condenser, with_parts
from condensers.sets.synthetic_set import Budget

STORED = {"name": "pixels", "storage": "float32"}
EXACT_LABELS = {"name": "learned", "storage": "float32"}
SEED, IPC, LR = 13, 2, 0.05


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((1, 8, 8), 3, 12)


def test_defaults_are_the_references() -> None:
    kip, rfad, frepo = (with_parts(method) for method in (KIP(), RFAD(), FRePo()))
    assert (
        kip.objective.ridge,
        kip.objective.criterion,
        kip.lr,
        kip.batch_real,
        kip.labels.form,
    ) == (
        1e-6,
        "mse",
        0.04,
        5000,
        "hard",
    )
    assert kip.objective.kernel == FullyConnectedNTK(
        depth=1, weight_variance=2.0, bias_variance=0.01
    )
    kernel = rfad.objective.kernel
    assert (kernel.models, kernel.width, kernel.weight_variance, kernel.bias_variance) == (
        8,
        256,
        2.0,
        0.01,
    )
    assert (rfad.objective.ridge, rfad.objective.criterion, rfad.objective.platt_lr, rfad.lr) == (
        5e-3,
        "platt",
        0.01,
        1e-3,
    )
    assert (frepo.objective.criterion, frepo.objective.margin, frepo.objective.flip) == (
        "mse-sum",
        1.0,
        True,
    )
    assert frepo.model_schedule == Pool(size=10, max_age=100, lr=3e-4, batch=1000)
    assert (frepo.network.norm, frepo.batch_real, frepo.iterations, frepo.lr) == (
        "batch",
        1024,
        500000,
        3e-4,
    )
    for method in (rfad, frepo):
        assert (method.labels.form, method.labels.centred, method.labels.scale) == (
            "scores",
            True,
            1.0,
        )
    assert all(
        method.couples_classes and method.optimiser == "adam" for method in (kip, rfad, frepo)
    )


class PlainAdam:
    """x <- x - lr m' / (sqrt(v') + 1e-8), m and v corrected for their start."""

    def __init__(self, x: Tensor, lr: float) -> None:
        self.x, self.lr, self.m, self.v, self.t = x, lr, torch.zeros_like(x), torch.zeros_like(x), 0

    def step(self, gradient: Tensor) -> None:
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient**2
        self.x = self.x - self.lr * (self.m / (1 - 0.9**self.t)) / (
            (self.v / (1 - 0.999**self.t)).sqrt() + 1e-8
        )


def distance(left: Tensor, right: Tensor, start: Tensor) -> float:
    """How far apart two results are, as a part of the way from the start."""
    return float((left - right).norm() / (right - start).norm())


def literal_start(data: ClassData) -> tuple[torch.Generator, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(SEED)
    images = starting_images(data, IPC, "real", draw)
    return draw, images, torch.eye(3).repeat_interleave(IPC, 0) - 1 / 3


def predicted(among: Tensor, between: Tensor, labels: Tensor) -> Tensor:
    regular = among + 1e-6 * among.trace() / len(among) * torch.eye(len(among), dtype=among.dtype)
    return between @ torch.linalg.inv(regular) @ labels


def test_a_run_of_kip_is_its_algorithm(data: ClassData) -> None:
    spec = {
        "name": "kip",
        "iterations": 4,
        "batch_real": 9,
        "lr": LR,
        "labels": EXACT_LABELS,
        "parameterisation": STORED,
    }
    ours = create_condenser(spec).condense(data, Budget(ipc=IPC), Context(seed=SEED))
    draw, start, rows = literal_start(data)
    kernel = FullyConnectedNTK().between
    pixels, scores = PlainAdam(start, LR), PlainAdam(rows, LR)
    for _ in range(4):
        real, classes = data.batch(9, draw)
        s, y, t = (
            pixels.x.double().requires_grad_(),
            scores.x.double().requires_grad_(),
            real.double(),
        )
        wanted = torch.eye(3, dtype=torch.float64)[classes] - 1 / 3
        loss = 0.5 * ((predicted(kernel(s, s), kernel(t, s), y) - wanted) ** 2).mean()
        g_s, g_y = torch.autograd.grad(loss, [s, y])
        pixels.step(g_s.float())
        scores.step(g_y.float())
    assert distance(ours.tensors["images"], pixels.x, start) < 1e-2
    assert distance(ours.tensors["labels"], scores.x, rows) < 1e-2


def test_a_run_of_frepo_is_its_algorithm(data: ClassData) -> None:
    """A pool of one network: a step on the set, a step of the network, and so on."""
    network_spec = {"name": "convnet", "depth": 2, "width": 6}
    spec: dict[str, Any] = {
        "name": "frepo",
        "iterations": 4,
        "batch_real": 9,
        "lr": LR,
        "network": network_spec,
    }
    spec |= {
        "labels": EXACT_LABELS,
        "parameterisation": STORED,
        "model_schedule": {"name": "pool", "size": 1, "lr": 0.01},
    }
    ours = create_condenser(spec).condense(data, Budget(ipc=IPC), Context(seed=SEED))
    draw, start, rows = literal_start(data)
    network = networks.build(network_spec, data.shape, 3, draw)
    pixels, scores = PlainAdam(start, LR), PlainAdam(rows, LR)
    weights = [PlainAdam(p.detach(), 0.01) for p in network.parameters()]
    for step in range(4):
        if step:
            half = 0.5 * ((network(pixels.x) - scores.x) ** 2).sum(1).mean()
            for adam, p, gradient in zip(
                weights,
                network.parameters(),
                torch.autograd.grad(half, list(network.parameters())),
                strict=True,
            ):
                adam.step(gradient)
                p.data = adam.x.clone()
        torch.randint(1, (1,), generator=draw)
        real, classes = data.batch(9, draw)
        s, y = pixels.x.clone().requires_grad_(), scores.x.clone().requires_grad_()
        phi, psi = network.embed(s).double(), network.embed(real).double()
        wanted = torch.eye(3, dtype=torch.float64)[classes] - 1 / 3
        loss = 0.5 * ((predicted(phi @ phi.T, psi @ phi.T, y.double()) - wanted) ** 2).sum(1).mean()
        ordered = y.sort(1, descending=True).values
        loss = loss - (ordered[:, 0] - ordered[:, 1]).clamp_max(1 / 3).mean()
        g_s, g_y = torch.autograd.grad(loss, [s, y])
        pixels.step(g_s)
        scores.step(g_y)
    assert distance(ours.tensors["images"], pixels.x, start) < 1e-2
    assert distance(ours.tensors["labels"], scores.x, rows) < 1e-2


@pytest.mark.parametrize("labels", ["hard", "learned"])
def test_learning_lowers_the_error_on_all_real_images(
    labels: str, make_data: Callable[..., ClassData]
) -> None:
    noisy = make_data((1, 8, 8), 4, 30, noise=0.6)
    errors = []
    for iterations in (1, 120):
        spec = {
            "name": "kip",
            "iterations": iterations,
            "lr": 0.04 if iterations > 1 else 0.0,
            "batch_real": 120,
        }
        made = create_condenser(spec | {"labels": labels, "parameterisation": STORED}).condense(
            noisy, Budget(ipc=1), Context()
        )
        images, rows = made.decode()
        targets = torch.eye(4, dtype=torch.float64) - 0.25
        support = targets[rows] if labels == "hard" else rows.double()
        real = noisy.normalise(noisy.images).double()
        out = ridge_predictions(FullyConnectedNTK().between, images.double(), support, real, 1e-6)
        errors.append((out - targets[noisy.labels]).square().mean().item())
    assert errors[1] < 0.8 * errors[0]
