"""Scores of untrained networks, each against what is worked out by hand."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.errors import UsageError
from condensers.networks.base import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from scenarios.search.baselines.size import flop_count
from scenarios.search.baselines.zero_cost import (
    Score,
    grad_norm,
    hamming_kernel,
    jacob_cov,
    log_determinant,
    naswot,
    score_jacobian,
    snip,
    synflow,
)
from scenarios.search.candidate import parameter_count

SHAPE = (1, 16, 16)
SCORES = (snip, grad_norm, synflow, naswot, jacob_cov)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    return torch.randn(6, *SHAPE, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def convnet(seed: int = 0, shape: tuple[int, int, int] = SHAPE, **settings: Any) -> nn.Module:
    spec = ConvNetSpec(**{"depth": 2, "width": 8, **settings})
    return networks.build(spec, shape, 3, torch.Generator().manual_seed(seed)).train()


def test_sizes_are_those_counted_by_hand() -> None:
    spec = ConvNetSpec(depth=2, width=8, norm="batch", pooling="avg")
    multiply_adds = (
        32 * 32 * 8 * 9 + 16 * 16 * 8 * 8 * 9 + 8 * 8 * 8 * 10
    )  # padded by 3, 28 pixels become 32
    assert flop_count(spec, (1, 28, 28), 10) == 2 * multiply_adds
    assert parameter_count(spec, (1, 28, 28), 10) == (9 * 8 + 8) + 16 + (9 * 64 + 8) + 16 + (
        512 * 10 + 10
    )


def test_flops_of_a_network_that_needs_memory_are_counted_too() -> None:
    class Shifted(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            shift = torch.ones(1, device="cpu")
            return super().forward(x.flatten(1) + shift) if bool(shift > 0) else x

    class Spec(NetworkSpec):
        def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
            return Shifted(math.prod(shape), classes)

    assert flop_count(Spec(), (3, 4, 4), 5) == 2 * 48 * 5


def test_gradient_scores_of_softmax_regression_in_closed_form(batch: tuple[Tensor, Tensor]) -> None:
    images, labels = batch
    network = nn.Sequential(nn.Flatten(), nn.Linear(256, 3))
    weight, bias = network[1].weight.detach(), network[1].bias.detach()
    shares = (images.flatten(1) @ weight.T + bias).softmax(1) - functional.one_hot(labels, 3)
    gradient = shares.T @ images.flatten(1) / len(images)
    assert snip(network, images, labels) == pytest.approx(
        (weight * gradient).abs().sum().item(), rel=1e-5
    )
    assert grad_norm(network, images, labels) == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert network[1].weight.grad is None


def test_gradient_scores_sum_over_weights_of_convolutions_and_the_classifier(
    batch: tuple[Tensor, Tensor],
) -> None:
    images, labels = batch
    network = convnet(norm="batch")
    found = [score(network, images, labels) for score in (snip, grad_norm)]
    functional.cross_entropy(network(images), labels).backward()
    summed = [
        network.get_parameter(name)
        for name in ("blocks.0.0.weight", "blocks.1.0.weight", "classifier.weight")
    ]
    assert found[0] == pytest.approx(
        sum((w * w.grad).abs().sum().item() for w in summed if w.grad is not None), rel=1e-4
    )
    assert found[1] == pytest.approx(
        sum(w.grad.norm().item() for w in summed if w.grad is not None), rel=1e-4
    )


def test_synflow_of_a_linear_network_is_the_sum_of_its_paths(batch: tuple[Tensor, Tensor]) -> None:
    layers = [
        nn.Linear(256, 5, bias=False),
        nn.Linear(5, 4, bias=False),
        nn.Linear(4, 3, bias=False),
    ]
    paths = torch.ones(256, dtype=torch.float64)
    for layer in layers:
        paths = layer.weight.detach().double().abs() @ paths
    assert synflow(nn.Sequential(nn.Flatten(), *layers), *batch) == pytest.approx(
        math.log(3 * paths.sum().item()), rel=1e-12
    )


@pytest.mark.parametrize("norm", ["batch", "layer", "instance", "group"])
def test_synflow_leaves_norms_out_and_the_network_as_it_is(
    norm: str, batch: tuple[Tensor, Tensor]
) -> None:
    network, without = convnet(norm=norm), convnet(norm="none")
    without.load_state_dict(
        {name: value for name, value in network.state_dict().items() if ".1." not in name[8:]},
        strict=True,
    )
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert synflow(network, *batch) == synflow(without, *batch)
    assert network.training and all(
        torch.equal(value, before[name]) for name, value in network.state_dict().items()
    )


def test_synflow_of_large_weights_does_not_overflow(batch: tuple[Tensor, Tensor]) -> None:
    layers = [nn.Linear(256, 256, bias=False) for _ in range(3)]
    for layer in layers:
        nn.init.constant_(layer.weight, 1e30)
    logarithm = math.log(3) + 3 * math.log(1e30) + 4 * math.log(256)
    assert synflow(nn.Sequential(nn.Flatten(), *layers), *batch) == pytest.approx(logarithm)


def test_naswot_kernel_counts_the_units_that_agree() -> None:
    codes = torch.tensor(
        [[True, False, True, True], [True, True, False, True], [False, True, False, True]]
    )
    matrix = hamming_kernel(codes)
    assert matrix.tolist() == [[4, 2, 1], [2, 4, 3], [1, 3, 4]]
    assert log_determinant(matrix) == pytest.approx(math.log(4 * 7 - 2 * 5 + 1 * 2))


@pytest.mark.parametrize(
    "activation", [nn.ReLU(), nn.ReLU(inplace=True), nn.LeakyReLU(0.1), nn.Sigmoid(), nn.SiLU()]
)
def test_naswot_codes_are_the_signs_before_activations(activation: nn.Module) -> None:
    images = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, -1.0], [-1.0, -1.0, 2.0]])[
        :, :, None, None
    ]
    network = nn.Sequential(nn.Flatten(), activation)
    agree = torch.tensor([[3, 2, 0], [2, 3, 1], [0, 1, 3]]).float()
    assert naswot(network, images, torch.zeros(3)) == pytest.approx(agree.logdet().item())


def test_naswot_sees_the_activations_of_fused_blocks(batch: tuple[Tensor, Tensor]) -> None:
    network = convnet(norm="instance", activation="leakyrelu", pooling="avg")
    x, matrix = batch[0], torch.zeros(6, 6, dtype=torch.float64)
    for block in network.get_submodule("blocks").children():
        before = block.get_submodule("1")(block.get_submodule("0")(x))
        matrix += hamming_kernel(before.flatten(1) > 0)
        x = block.get_submodule("3")(block.get_submodule("2")(before))
    assert naswot(network, *batch) == pytest.approx(torch.logdet(matrix).item(), rel=1e-9)


def test_naswot_of_equal_images_is_finite_and_of_no_activations_refused(
    batch: tuple[Tensor, Tensor],
) -> None:
    images, labels = batch
    twins = torch.cat([images[:1], images[:-1]])
    assert -math.inf < naswot(convnet(), twins, labels) < naswot(convnet(), images, labels)
    with pytest.raises(UsageError, match="no activation"):
        naswot(nn.Sequential(nn.Flatten(), nn.Linear(256, 3)), images, labels)


def test_jacob_cov_of_known_correlations(batch: tuple[Tensor, Tensor]) -> None:
    k = 1e-5
    each = [math.log(v + k) + 1 / (v + k) for v in (0.0, 1.0, 2.0, 3.0)]
    apart = torch.tensor([[1.0, -1, 0, 0], [0, 0, 1, -1], [1, 1, -1, -1]])
    assert score_jacobian(apart) == pytest.approx(-3 * each[1])
    assert score_jacobian(torch.stack([apart[0], 2 * apart[0], apart[1]])) == pytest.approx(
        -(each[0] + each[1] + each[2])
    )
    assert score_jacobian(torch.zeros(3, 4)) == pytest.approx(-3 * each[0])
    linear = nn.Sequential(
        nn.Flatten(), nn.Linear(256, 3)
    )  # its slopes are the same for all images
    assert jacob_cov(linear, batch[0][:3], batch[1]) == pytest.approx(
        -(2 * each[0] + each[3]), rel=1e-4
    )


@pytest.mark.parametrize("norm", ["none", "batch", "layer", "instance", "group"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu", "leakyrelu"])
def test_scores_are_finite_in_all_of_the_published_space(
    norm: str, activation: str, batch: tuple[Tensor, Tensor]
) -> None:
    found: dict[Callable[..., float], set[float]] = {score: set() for score in SCORES}
    for pooling in ("none", "max", "avg"):
        for score in SCORES:
            found[score].add(once(score, batch, norm=norm, activation=activation, pooling=pooling))
    assert all(math.isfinite(value) for values in found.values() for value in values)
    assert all(
        len(values) == 3 for values in found.values()
    )  # no score takes different networks for one


def once(score: Score, batch: tuple[Tensor, Tensor], **settings: Any) -> float:
    """The score of a network as it is found, twice the same."""
    values = [score(convnet(depth=4, **settings), *batch) for _ in range(2)]
    assert values[0] == values[1]
    return values[0]


def test_scores_of_a_network_that_does_not_look_are_finite(batch: tuple[Tensor, Tensor]) -> None:
    class Blind(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return self.bias.expand(len(x), -1)

    found = [score(Blind(256, 3), *batch) for score in (snip, grad_norm, synflow, jacob_cov)]
    assert found[:2] == [0.0, 0.0] and found[2] == math.log(torch.finfo(torch.float64).tiny)
    assert found[3] == pytest.approx(-6 * (math.log(1e-5) + 1e5))
