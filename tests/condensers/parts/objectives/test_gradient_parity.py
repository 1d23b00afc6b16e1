"""Gradient matching against its equations, written out with loops over layers and output nodes."""

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.errors import UsageError
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.gradient import GradientMatching

CLASSES = 4
SPECS = [
    {"name": "convnet", "depth": 2, "width": 6},
    {"name": "convnet", "depth": 1, "width": 4, "norm": "layer"},
    {"name": "mlp", "depth": 1, "width": 7},
]


def literal_gradients(network: nn.Module, images: Tensor, label: int) -> list[Tensor]:
    """Gradients of -1/n sum log(exp z_label / sum exp z), one image's loss after the other."""
    total = torch.zeros((), dtype=images.dtype)
    for image in images:
        z = network(image[None])[0]
        total = total - (z[label] - torch.log(torch.exp(z).sum()))
    return list(
        torch.autograd.grad(total / len(images), list(network.parameters()), create_graph=True)
    )


def literal_node_cosine(real: list[Tensor], synthetic: list[Tensor]) -> Tensor:
    """Eq. 10: one minus the cosine for each output node of each layer with a weight matrix; vectors
    do not count.
    """
    total = torch.zeros((), dtype=real[0].dtype)
    for g_real, g_synthetic in zip(real, synthetic, strict=True):
        if g_real.ndim < 2:
            continue
        for node in range(len(g_real)):
            a, b = g_real[node].reshape(-1).detach(), g_synthetic[node].reshape(-1)
            total = (
                total
                + 1
                - torch.dot(a, b)
                / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b) + 1e-6)
            )
    return total


def case(spec: dict[str, object], dtype: torch.dtype) -> tuple[nn.Module, list[Pair]]:
    generator = torch.Generator().manual_seed(3)
    network = networks.build(spec, (1, 8, 8), CLASSES, generator).to(dtype)
    pairs = []
    for label in (0, 2, 3):
        real = torch.randn(5, 1, 8, 8, generator=generator).to(dtype)
        synthetic = torch.randn(2, 1, 8, 8, generator=generator).to(dtype).requires_grad_()
        pairs.append(Pair(label, real, synthetic))
    return network, pairs


@pytest.mark.parametrize(
    ("dtype", "for_loss", "for_gradient"),
    [(torch.float32, 1e-5, 1e-3), (torch.float64, 1e-11, 1e-9)],
)
@pytest.mark.parametrize("spec", SPECS, ids=["instance-norm", "layer-norm", "mlp"])
def test_node_cosine_is_equation_10(
    spec: dict[str, object], dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(spec, dtype)
    images = [pair.synthetic for pair in pairs]
    ours = GradientMatching().loss(network, pairs)
    literal = torch.zeros((), dtype=dtype)
    for label, real, synthetic in pairs:
        literal = literal + literal_node_cosine(
            literal_gradients(network, real, label), literal_gradients(network, synthetic, label)
        )
    assert ours.item() == pytest.approx(literal.item(), rel=for_loss)
    for got, wanted in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(literal, images), strict=True
    ):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < for_gradient


@pytest.mark.parametrize("distance", ["mse", "l1", "cosine"])
def test_the_alternatives_read_the_whole_gradient(distance: str) -> None:
    network, pairs = case(SPECS[0], torch.float64)
    label, real, synthetic = pairs[1]
    a = [value for g in literal_gradients(network, real, label) for value in g.flatten().tolist()]
    b = [
        value
        for g in literal_gradients(network, synthetic, label)
        for value in g.flatten().tolist()
    ]
    if distance == "mse":
        wanted = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    elif distance == "l1":
        wanted = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    else:
        lengths = sum(x * x for x in a) ** 0.5 * sum(y * y for y in b) ** 0.5
        wanted = 1 - sum(x * y for x, y in zip(a, b, strict=True)) / (lengths + 1e-6)
    assert GradientMatching(distance).loss(network, [pairs[1]]).item() == pytest.approx(
        wanted, rel=1e-9
    )


@pytest.mark.parametrize("distance", ["node-cosine", "mse", "l1"])
def test_convolutions_alone_are_compared_weight_by_weight(distance: str) -> None:
    """IDC: no biases, no norms, no linear layer; differences are summed over every entry of every
    kernel and every class.
    """
    network, pairs = case(SPECS[1], torch.float64)
    images = [pair.synthetic for pair in pairs]
    kernels = [
        position
        for position, (name, p) in enumerate(network.named_parameters())
        if p.ndim == 4 and "weight" in name
    ]
    ours = GradientMatching(distance, layers="convolutions").loss(network, pairs)
    wanted = torch.zeros((), dtype=torch.float64)
    for label, real, synthetic in pairs:
        both = literal_gradients(network, real, label), literal_gradients(network, synthetic, label)
        for a, b in zip(*([side[position] for position in kernels] for side in both), strict=True):
            if distance == "node-cosine":
                wanted = wanted + literal_node_cosine([a], [b])
                continue
            for x, y in zip(a.detach().flatten(), b.flatten(), strict=True):
                wanted = wanted + ((x - y) ** 2 if distance == "mse" else abs(x - y))
    assert ours.item() == pytest.approx(wanted.item(), rel=1e-9)
    for got, right in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(wanted, images), strict=True
    ):
        assert right.norm() > 0
        assert (got - right).norm() / right.norm() < 1e-8


def test_a_network_without_convolutions_has_none_to_compare() -> None:
    network, pairs = case(SPECS[2], torch.float64)
    with pytest.raises(
        UsageError, match="layers 'convolutions' needs a network that has some; take layers 'all'"
    ):
        GradientMatching("mse", layers="convolutions").loss(network, pairs)


def test_equal_images_have_distance_zero_and_bad_ones_do_not() -> None:
    network, pairs = case(SPECS[0], torch.float64)
    same = pairs[0]._replace(synthetic=pairs[0].real.clone().requires_grad_())
    assert abs(GradientMatching().loss(network, [same]).item()) < 1e-3
    assert GradientMatching().loss(network, [pairs[0]]).item() > 1


def test_a_dead_node_leaves_the_image_gradient_finite() -> None:
    network, pairs = case(
        {"name": "convnet", "depth": 1, "width": 4, "norm": "none"}, torch.float32
    )
    with torch.no_grad():
        next(p for name, p in network.named_parameters() if name.endswith("bias"))[0] = -1e4
    gradient = torch.autograd.grad(GradientMatching().loss(network, pairs), pairs[0].synthetic)[0]
    assert bool(gradient.isfinite().all())
    assert gradient.abs().sum() > 0


def test_batch_norm_is_frozen_after_one_pass_of_real_images() -> None:
    from condensers.parts.objectives.gradient import freeze_batch_norm

    network, pairs = case(
        {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}, torch.float64
    )
    norm = next(m for m in network.modules() if isinstance(m, nn.BatchNorm2d))
    convolution = next(m for m in network.modules() if isinstance(m, nn.Conv2d))
    freeze_batch_norm(network, pairs[0].real)
    mean = convolution(pairs[0].real).mean((0, 2, 3))
    assert torch.allclose(norm.running_mean, 0.1 * mean)
    assert network.training
    assert not norm.training
    before = norm.running_mean.clone()
    network(pairs[1].real)
    assert torch.equal(before, norm.running_mean)
