"""DP-SGD: gradients are clipped one by one, the noise is what the accountant asks for, and without
both it is plain SGD.
"""

import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.privacy.dp_sgd import (
    Guarantee,
    PrivateLoop,
    PrivateSteps,
    clip_batch,
    clip_one_by_one,
    noise_multiplier,
    train_privately,
)

SMALL = {"name": "convnet", "depth": 1, "width": 8, "norm": "group"}


@pytest.fixture
def network(grey8: ClassData) -> nn.Module:
    return networks.build(
        SMALL, grey8.shape, 10, torch.Generator().manual_seed(0), torch.device("cpu")
    )


def test_clipped_sums_are_those_of_opacus(network: nn.Module, grey8: ClassData) -> None:
    opacus = pytest.importorskip("opacus")
    images, labels = grey8.normalise(grey8.images[:6]), grey8.labels[:6]
    hooked = opacus.GradSampleModule(network, loss_reduction="sum")
    functional.cross_entropy(hooked(images), labels, reduction="sum").backward()
    each = [p.grad_sample.detach().clone() for p in hooked.parameters()]
    hooked.remove_hooks()
    network.zero_grad()
    lengths = torch.stack([g.flatten(1).square().sum(1) for g in each]).sum(0).sqrt()
    clip = float(lengths.median())
    wanted = [sum(g[i] * min(1.0, clip / float(lengths[i])) for i in range(6)) for g in each]
    for found in (
        clip_one_by_one(network, images, labels, clip),
        clip_batch(network, images, labels, clip),
    ):
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_without_noise_or_clipping_a_step_is_one_of_sgd(
    network: nn.Module, grey8: ClassData
) -> None:
    before = [p.detach().clone() for p in network.parameters()]
    loss = functional.cross_entropy(network(grey8.normalise(grey8.images)), grey8.labels)
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    PrivateLoop(network, grey8, PrivateSteps(0.1, 1.0, 0.0, 1e9), Context()).step(0)
    for parameter, old, gradient in zip(network.parameters(), before, gradients, strict=True):
        torch.testing.assert_close(parameter.detach(), old - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_noise_is_as_large_as_the_clipped_gradient_asks(grey8: ClassData) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    before = network[1].weight.detach().clone()
    PrivateLoop(network, grey8, PrivateSteps(1.0, 0.5, 1e4, 0.25), Context()).step(0)
    assert float((network[1].weight.detach() - before).std()) == pytest.approx(
        1e4 * 0.25 / (0.5 * 200), rel=0.1
    )


def test_the_accountant_grants_what_was_asked() -> None:
    accountants = pytest.importorskip("opacus.accountants")
    noise = noise_multiplier(Guarantee(4.0, 1e-5, 1.0), 0.1, 50)
    accountant = accountants.RDPAccountant()
    accountant.history = [(noise, 0.1, 50)]
    assert 3.9 < accountant.get_epsilon(1e-5) <= 4.0
    assert noise_multiplier(Guarantee(1.0, 1e-5, 1.0), 0.1, 50) > noise


def test_without_opacus_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opacus.accountants.utils", None)
    with pytest.raises(UsageError, match=r'pip install "condensation-harness\[privacy\]"'):
        noise_multiplier(Guarantee(4.0, 1e-5, 1.0), 0.1, 50)


def test_batch_norm_is_refused(grey8: ClassData) -> None:
    mixing = networks.build(
        SMALL | {"norm": "batch"}, grey8.shape, 10, torch.Generator(), torch.device("cpu")
    )
    with pytest.raises(UsageError, match="batch norm mixes the images"):
        train_privately(mixing, grey8, (1, 20, 0.1), Guarantee(4.0, 1e-5, 1.0), Context(), "x")


def test_it_learns_under_a_loose_guarantee(grey8: ClassData, network: nn.Module) -> None:
    pytest.importorskip("opacus")
    trained = train_privately(
        network, grey8, (5, 50, 0.5), Guarantee(50.0, 1e-5, 1.0), Context(), "x"
    )
    with torch.no_grad():
        right = (network(grey8.normalise(grey8.images)).argmax(1) == grey8.labels).double().mean()
    assert right > 0.5
    assert trained.images == pytest.approx(5 * 200, rel=0.15)
