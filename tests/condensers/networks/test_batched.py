"""Networks together against the same networks one by one, in float64: logits, gradients, and what
cannot go together.
"""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from condensers.errors import UsageError
from condensers.networks import build
from condensers.networks.batched import NetworkStack

COUNT, CLASSES = 3, 5
GREY28, COLOUR9 = (1, 28, 28), (3, 9, 9)


def members(spec: dict[str, Any], shape: tuple[int, int, int]) -> list[nn.Module]:
    """Networks in float64 whose weights, those of norms and biases too, are all different."""
    found = [
        build({"name": "convnet", **spec}, shape, CLASSES, torch.Generator().manual_seed(i))
        for i in range(COUNT)
    ]
    generator = torch.Generator().manual_seed(9)
    for network in found:
        network.double()
        for parameter in network.parameters():
            parameter.data += 0.1 * torch.randn(
                parameter.shape, generator=generator, dtype=torch.float64
            )
    return found


def compared(spec: dict[str, Any], shape: tuple[int, int, int], n: int) -> None:
    """Logits, and the gradients of a loss that is not the same for all networks and images."""
    alone, generator = members(spec, shape), torch.Generator().manual_seed(5)
    x = torch.randn(n, *shape, generator=generator, dtype=torch.float64)
    weights = torch.randn(n, COUNT, CLASSES, generator=generator, dtype=torch.float64)
    together = NetworkStack(alone)
    found, wanted = together(x), torch.stack([network(x) for network in alone], 1)
    assert found.shape == (n, COUNT, CLASSES)
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)
    gradients = torch.autograd.grad((found * weights).sum(), list(together.parameters()))
    for index, network in enumerate(alone):
        own = torch.autograd.grad(
            (wanted[:, index] * weights[:, index]).sum(),
            list(network.parameters()),
            retain_graph=True,
        )
        assert len(own) == len(gradients)
        for ours, theirs in zip(gradients, own, strict=True):
            torch.testing.assert_close(ours[index], theirs, rtol=1e-7, atol=1e-9)
    with torch.no_grad():
        torch.testing.assert_close(together(x), found, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("norm", ["none", "instance", "group", "layer"])
@pytest.mark.parametrize("pooling", ["none", "max", "avg"])
@pytest.mark.parametrize("activation", ["relu", "leakyrelu", "sigmoid", "swish"])
def test_forward_and_backward_are_those_of_each_network(
    norm: str, pooling: str, activation: str
) -> None:
    """An odd side, so that pooling leaves out what normalisation counts."""
    spec = {"depth": 2, "width": 8, "norm": norm, "pooling": pooling, "activation": activation}
    compared(spec, COLOUR9, 4)


@pytest.mark.parametrize("norm", ["none", "instance", "layer"])
def test_images_of_28_pixels(norm: str) -> None:
    compared({"depth": 3, "width": 8, "norm": norm}, GREY28, 12)


def test_one_block_and_one_image() -> None:
    compared({"depth": 1, "width": 4, "norm": "group"}, COLOUR9, 1)


def test_weights_go_back_where_they_came_from() -> None:
    alone, others = (
        members({"depth": 2, "width": 8}, COLOUR9),
        members({"depth": 2, "width": 8}, COLOUR9),
    )
    together = NetworkStack(alone)
    before = [parameter.clone() for network in alone for parameter in network.parameters()]
    with torch.no_grad():
        for stack in together.parameters():
            stack.mul_(2)
    assert all(
        torch.equal(a, b)
        for a, b in zip(before, (p for n in alone for p in n.parameters()), strict=True)
    ), "copies"
    together.give_back(others)
    assert all(
        torch.equal(2 * a, b)
        for a, b in zip(before, (p for n in others for p in n.parameters()), strict=True)
    )


def test_float32_agrees_to_rounding() -> None:
    alone = [network.float() for network in members({"depth": 2, "width": 16}, GREY28)]
    x = torch.randn(6, *GREY28, generator=torch.Generator().manual_seed(1))
    wanted = torch.stack([network(x) for network in alone], 1)
    assert (
        functional.mse_loss(NetworkStack(alone)(x), wanted).sqrt()
        < 1e-5 * wanted.square().mean().sqrt()
    )


@pytest.mark.parametrize(
    ("second", "sentence"),
    [
        ({"width": 4}, "network 1 is not of the shape of the first; train it by itself"),
        ({"activation": "swish"}, "network 1 is not of the shape of the first"),
        ({"norm": "group"}, "network 1 is not of the shape of the first"),
        ({"norm": "batch"}, "network 1 is no ConvNet without batch norm; train it by itself"),
    ],
)
def test_networks_that_differ_are_refused(second: dict[str, Any], sentence: str) -> None:
    spec = {"depth": 1, "width": 8}
    with pytest.raises(UsageError, match=sentence):
        NetworkStack([members(spec, COLOUR9)[0], members(spec | second, COLOUR9)[0]])


def test_other_networks_are_refused() -> None:
    with pytest.raises(UsageError, match="network 0 is no ConvNet"):
        NetworkStack([build("mlp", COLOUR9, CLASSES, torch.Generator())])
