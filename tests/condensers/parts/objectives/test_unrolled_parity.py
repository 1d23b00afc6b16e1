"""DD's reverse pass against autograd through the whole unrolled training, written out step by step;
and that DD learns.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.objectives.base import Whole
from condensers.parts.objectives.unrolled import Unrolled
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.ordered import OrderedLoop

CLASSES, PER_CLASS, EPOCHS = 3, 2, 2
SPECS = [{"name": "mlp", "depth": 1, "width": 6}, {"name": "convnet", "depth": 2, "width": 4}]


def literal_loss(
    network: nn.Module,
    images: Tensor,
    labels: Tensor,
    rho: Tensor,
    real: Tensor,
    real_labels: Tensor,
) -> Tensor:
    """CE( f(real; theta_T) ), theta_{s+1} = theta_s - log(1 + exp(rho_s)) grad CE( s-th image of
    each class ), with a graph.
    """
    weights = {
        name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()
    }
    step = 0
    for _ in range(EPOCHS):
        for position in range(PER_CLASS):
            chosen = [label * PER_CLASS + position for label in range(CLASSES)]
            loss = functional.cross_entropy(
                functional_call(network, weights, (images[chosen],)), labels[chosen]
            )
            gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            rate = torch.log(1 + torch.exp(rho[step]))
            weights = {
                name: value - rate * g
                for (name, value), g in zip(weights.items(), gradients, strict=True)
            }
            step += 1
    return functional.cross_entropy(functional_call(network, weights, (real,)), real_labels)


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "learned-labels"])
@pytest.mark.parametrize(
    "spec", [*SPECS, SPECS[1] | {"norm": "batch"}], ids=["mlp", "instance-norm", "batch-norm"]
)
def test_the_reverse_pass_is_autograd_through_all_steps(
    spec: dict[str, Any],
    soft: bool,
    make_data: Callable[..., ClassData],
    generator: torch.Generator,
) -> None:
    data = make_data((1, 8, 8), CLASSES, 4)
    network = networks.build(spec, data.shape, CLASSES, generator).double()
    images = (
        torch.randn(CLASSES * PER_CLASS, 1, 8, 8, generator=generator).double().requires_grad_()
    )
    labels = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    if soft:
        labels = torch.softmax(
            torch.randn(len(images), CLASSES, generator=generator).double(), 1
        ).requires_grad_()
    rho = torch.randn(PER_CLASS * EPOCHS, generator=generator).double().sub(1).requires_grad_()
    real, real_labels = data.normalise(data.images).double(), data.labels
    leaves = [images, rho] + [labels] * soft
    literal = literal_loss(network, images, labels, rho, real, real_labels)
    wanted = torch.autograd.grad(literal, leaves)

    setting = RunSetting(
        data, spec, NoAugmentation(), Context(), ipc=PER_CLASS, per_class=PER_CLASS
    )
    whole = Whole(images, labels, real, real_labels, {"rates": rho}, setting.augment, setting)
    assert Unrolled(epochs=EPOCHS).backward(network, whole) == pytest.approx(
        literal.item(), rel=1e-11
    )
    for leaf, right in zip(leaves, wanted, strict=True):
        assert right.norm() > 0
        assert leaf.grad is not None
        assert (leaf.grad - right).norm() / right.norm() < 1e-9
    loss = Unrolled(epochs=EPOCHS).loss(network, whole)
    assert loss.item() == pytest.approx(literal.item(), rel=1e-11)
    for again, right in zip(torch.autograd.grad(loss, leaves), wanted, strict=True):
        assert (again - right).norm() / right.norm() < 1e-9


def test_stored_are_positive_rates_that_begin_as_told(
    grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    made = condense_tiny(
        "dd", grey8, 2, objective={"name": "unrolled", "epochs": 3, "lr": 0.05, "lr_lr": 0.0}
    )
    assert torch.allclose(made.tensors["rates"], torch.full((6,), 0.05))
    assert (made.recipe["ordered"], made.recipe["epochs"]) == (True, 3)
    steep = condense_tiny(
        "dd", grey8, 2, objective={"name": "unrolled", "lr": 0.001, "lr_lr": 100.0}
    )
    assert bool((steep.tensors["rates"] >= 0).all())
    assert not torch.allclose(steep.tensors["rates"], torch.full((6,), 0.001))


@pytest.mark.parametrize(
    "labels", ["hard", {"name": "learned", "form": "probabilities"}], ids=["hard", "learned"]
)
def test_a_new_network_learns_from_the_set_in_its_few_steps(labels: Any, grey8: ClassData) -> None:
    settings = {
        "network": SPECS[0] | {"width": 16},
        "batch_real": 100,
        "lr": 0.05,
        "labels": labels,
    }
    rates = {"name": "unrolled", "epochs": 2, "lr": 0.1, "lr_lr": 0.1}

    def correct(iterations: int) -> float:
        method = create_condenser(
            {"name": "dd", "iterations": iterations, "objective": rates} | settings
        )
        made = method.condense(grey8, Budget(ipc=2), Context(seed=1))
        images, soft = made.decode()
        network = networks.build(
            settings["network"], grey8.shape, 10, torch.Generator().manual_seed(9)
        )
        loop = OrderedLoop(network, images, soft, made.tensors["rates"], made.recipe["epochs"])
        engine.run(loop, loop.total, Context(), "ordered")
        return float(
            (network(grey8.normalise(grey8.images)).argmax(1) == grey8.labels).double().mean()
        )

    assert correct(30) > max(0.5, 2 * correct(1))
