"""Kernel ridge regression against scikit-learn and against its losses written out; the regression
learns labels, scale and images, and refuses what cannot be solved.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.objectives.base import Whole
from condensers.parts.objectives.kernel_regression import (
    KernelRegression,
    ridge_predictions,
    targets,
)
from condensers.parts.objectives.kernels.features import Features, RandomFeatureNNGP
from condensers.parts.objectives.kernels.neural_tangent import FullyConnectedNTK
from condensers.parts.setting import Needs, RunSetting
from condensers.registry.registry import OBJECTIVES, create_condenser
from condensers.sets.synthetic_set import Budget

RANDOM = RandomFeatureNNGP(models=1, width=6, depth=1)


def whole_of(data: ClassData, labels: Tensor | None = None) -> Whole:
    """Two synthetic images a class, all real ones, an augmentation that changes nothing."""
    setting = RunSetting(
        data, {"name": "convnet", "depth": 1, "width": 6}, NoAugmentation(), Context(seed=2), 2, 2
    )
    first = torch.cat([data.normalise(data.images[data.members(c)[:2]]) for c in data.classes])
    hard = torch.tensor(data.classes).repeat_interleave(2)
    images = (first + 0.1 * torch.randn(first.shape, generator=setting.generator)).requires_grad_()
    real = data.normalise(data.images)
    extra = {"platt": torch.full((1,), 0.3).requires_grad_()}
    return Whole(
        images, hard if labels is None else labels, real, data.labels, extra, lambda x: x, setting
    )


def scores(data: ClassData) -> Tensor:
    return torch.randn(
        2 * len(data.classes), len(data.class_names), generator=torch.Generator().manual_seed(8)
    ).requires_grad_()


@pytest.mark.parametrize("ridge", [1e-6, 5e-3])
@pytest.mark.parametrize("kind", ["fc_ntk", "features", "rf_nngp"])
def test_predictions_are_scikit_learns(kind: str, ridge: float, grey8: ClassData) -> None:
    whole = whole_of(grey8)
    part: Any = {"fc_ntk": FullyConnectedNTK(), "features": Features(), "rf_nngp": RANDOM}[kind]
    kernel = part.begin(whole.setting.fresh(), whole.setting)
    images, real = whole.images.detach().double(), whole.real.double()
    labels = targets(whole.labels, 10).double()
    got = ridge_predictions(kernel, images, labels, real, ridge)
    among, between = kernel(images, images), kernel(real, images)
    model = KernelRidge(alpha=ridge * among.trace().item() / len(images), kernel="precomputed").fit(
        among.numpy(), labels.numpy()
    )
    wanted = torch.from_numpy(model.predict(between.numpy()))
    assert wanted.std() > 0.01
    assert torch.allclose(got, wanted, rtol=1e-6, atol=1e-7)


def literal_loss(criterion: str, margin: float, whole: Whole, flip: bool) -> float:
    """The equations in plain loops, the solution by an explicit inverse."""
    kernel, classes = FullyConnectedNTK(), len(whole.setting.data.class_names)
    images, real = whole.images.detach().double(), whole.real.double()
    rows = (
        whole.labels.detach().double().tolist()
        if whole.labels.ndim == 2
        else [centred(c, classes) for c in whole.labels]
    )
    support = rows
    if flip:
        images, support = (
            torch.cat([images, torch.stack([image.flip(2) for image in images])]),
            rows + rows,
        )
    among = kernel.between(images, images)
    among = among + 1e-6 * among.trace() / len(images) * torch.eye(len(images), dtype=torch.float64)
    predicted = (
        kernel.between(real, images)
        @ torch.linalg.inv(among)
        @ torch.tensor(support, dtype=torch.float64)
    )
    total = 0.0
    for row, label in zip(predicted.tolist(), whole.real_labels.tolist(), strict=True):
        if criterion == "platt":
            z = [math.exp(0.3) * value for value in row]
            total += math.log(sum(math.exp(value) for value in z)) - z[label]
        else:
            squares = sum((p - y) ** 2 for p, y in zip(row, centred(label, classes), strict=True))
            total += 0.5 * squares / (classes if criterion == "mse" else 1)
    leads = [sorted(row)[-1] - sorted(row)[-2] for row in rows]
    return total / len(real) - margin * sum(min(lead, 1 / classes) for lead in leads) / len(leads)


def centred(label: Any, classes: int) -> list[float]:
    return [(1.0 if k == int(label) else 0.0) - 1 / classes for k in range(classes)]


CASES = [
    ("mse", 0.0, False, False),
    ("mse-sum", 1.0, True, True),
    ("platt", 0.0, True, False),
    ("mse-sum", 0.5, True, False),
]


@pytest.mark.parametrize(("criterion", "margin", "learned", "flip"), CASES)
def test_losses_are_their_equations(
    criterion: str, margin: float, learned: bool, flip: bool, make_data: Callable[..., ClassData]
) -> None:
    data = make_data((2, 6, 6), 4, 6, mirror=True)
    whole = whole_of(data, scores(data) if learned else None)
    objective = KernelRegression(
        kernel=FullyConnectedNTK(), criterion=criterion, margin=margin, flip=flip
    )
    got = objective.loss(None, whole)
    assert got.dtype == torch.float64
    assert got.item() == pytest.approx(literal_loss(criterion, margin, whole, flip), rel=1e-6)


def test_the_gradient_reaches_images_labels_and_scale(grey8: ClassData) -> None:
    whole = whole_of(grey8, scores(grey8))
    objective = KernelRegression(kernel=FullyConnectedNTK(), criterion="platt", margin=1.0)
    objective.loss(None, whole).backward()
    for tensor in (whole.images, whole.labels, whole.extra["platt"]):
        assert tensor.grad is not None
        assert tensor.grad.abs().sum() > 0
    h, scale = 1e-3, whole.extra["platt"].detach()
    high, low = (
        objective.loss(None, replace(whole, extra={"platt": scale + d})).item() for d in (h, -h)
    )
    assert whole.extra["platt"].grad is not None
    assert whole.extra["platt"].grad.item() == pytest.approx((high - low) / (2 * h), rel=1e-2)


def test_hard_labels_have_no_margin_and_digits_are_not_mirrored(grey8: ClassData) -> None:
    whole = whole_of(grey8)
    plain = KernelRegression(kernel=FullyConnectedNTK()).loss(None, whole)
    assert torch.equal(
        KernelRegression(kernel=FullyConnectedNTK(), margin=1.0, flip=True).loss(None, whole), plain
    )


def test_only_real_images_are_augmented(grey8: ClassData) -> None:
    seen: list[int] = []

    def noting(images: Tensor) -> Tensor:
        seen.append(len(images))
        return images

    whole = replace(whole_of(grey8), augment=noting)
    KernelRegression(kernel=FullyConnectedNTK()).loss(None, whole)
    assert seen == [len(grey8.images)]


def test_what_it_needs_is_what_its_kernel_needs() -> None:
    assert OBJECTIVES.create("kernel-regression").needs is Needs.NOTHING
    assert (
        OBJECTIVES.create({"name": "kernel-regression", "kernel": "features"}).needs
        is Needs.NETWORK
    )
    assert OBJECTIVES.create({"name": "kernel-regression", "kernel": "conv_ntk"}).passes == (
        1.0,
        1.0,
    )
    with pytest.raises(
        UsageError,
        match=r"objective kernel-regression needs a network .* model schedule none gives nothing",
    ):
        create_condenser(
            {"name": "kip", "objective": {"name": "kernel-regression", "kernel": "features"}}
        )
    with pytest.raises(UsageError, match="takes learned labels as scores"):
        create_condenser({"name": "frepo", "labels": {"name": "learned", "form": "probabilities"}})


def test_equal_images_without_a_ridge_are_refused(grey8: ClassData) -> None:
    whole = whole_of(grey8)
    images = whole.images.detach()[:1].repeat(len(whole.images), 1, 1, 1)
    with pytest.raises(UsageError, match=r"not positive definite .* raise `ridge`"):
        KernelRegression(kernel=FullyConnectedNTK(), ridge=0.0, dtype="float32").loss(
            None, replace(whole, images=images)
        )
    with pytest.raises(UsageError, match="not positive definite"):
        KernelRegression(kernel=FullyConnectedNTK()).loss(
            None, replace(whole, images=images * math.nan)
        )


@pytest.mark.parametrize("kernel", ["conv_ntk", "rf_nngp", "features"])
def test_any_kernel_serves_any_kernel_method(kernel: str, colour32: ClassData) -> None:
    table: dict[str, Any] = {"name": kernel} | (
        {"models": 1, "width": 8} if kernel == "rf_nngp" else {}
    )
    spec = {
        "name": "kip",
        "iterations": 1,
        "batch_real": 5,
        "network": {"name": "convnet", "width": 8},
        "labels": "learned",
    }
    schedule = "fresh" if kernel == "features" else "none"
    spec |= {
        "model_schedule": schedule,
        "objective": {"name": "kernel-regression", "kernel": table, "criterion": "platt"},
    }
    condenser = create_condenser(spec)
    made = condenser.condense(colour32, Budget(ipc=1), Context(seed=1))
    images, labels = made.decode()
    assert images.shape == (3, 3, 32, 32)
    assert labels.shape == (3, 3)
    assert made.nbytes == condenser.nbytes(colour32, 1)
    assert (made.recipe["loss"], made.recipe["labels"]) == ("mse", "scores")
    assert made.card["hyperparameters"]["objective"]["kernel"].items() >= table.items()
