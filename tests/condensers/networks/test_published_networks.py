"""AlexNet, VGG-11, ResNet-18 and ViT as published: parameter counts added up by hand, forward
passes written out literally.

The counts of the authors' networks for 10 classes: of the code of DC (alexnet, vgg11, resnet18-ap)
and of DeiT-Ti (vit-tiny).
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.registry.registry import NETWORKS

Shape = tuple[int, int, int]


def count(spec: Any, shape: Shape, classes: int) -> int:
    """Parameters, without taking memory for them."""
    with torch.device("meta"):
        module = NETWORKS.create(spec).module(shape, classes)
    return sum(p.numel() for p in module.parameters())


def convolutions(layers: list[tuple[int, int, int]], norm: bool = False, bias: bool = True) -> int:
    """Numbers in convolutions (inputs, outputs, kernel), each with a bias or not and with two
    numbers a channel of norm.
    """
    return sum(i * o * k * k + o * bias + 2 * o * norm for i, o, k in layers)


@pytest.mark.parametrize(
    ("shape", "left"), [((3, 32, 32), 4), ((1, 28, 28), 4), ((3, 64, 64), 8), ((3, 28, 28), 3)]
)
def test_alexnets_parameters(shape: Shape, left: int) -> None:
    layers = [(shape[0], 128, 5), (128, 192, 5), (192, 256, 3), (256, 192, 3), (192, 192, 3)]
    assert count("alexnet", shape, 10) == convolutions(layers) + 192 * left**2 * 10 + 10
    assert count("alexnet", (3, 32, 32), 10) == 1_872_202


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 28, 28), (3, 64, 64)], ids=str)
def test_vgg11s_parameters(shape: Shape) -> None:
    wide = [(256, 512, 3), (512, 512, 3), (512, 512, 3), (512, 512, 3)]
    layers = [(shape[0], 64, 3), (64, 128, 3), (128, 256, 3), (256, 256, 3), *wide]
    assert count("vgg11", shape, 10) == convolutions(layers, norm=True) + 512 * 10 + 10
    assert count("vgg11", (3, 32, 32), 10) == 9_231_114


@pytest.mark.parametrize(("shape", "left"), [((3, 32, 32), 4), ((1, 28, 28), 3), ((3, 64, 64), 8)])
def test_the_resnets_parameters(shape: Shape, left: int) -> None:
    layers = [(shape[0], 64, 3), *[(64, 64, 3)] * 4]
    for inputs in (64, 128, 256):
        layers += [
            (inputs, 2 * inputs, 3),
            (inputs, 2 * inputs, 1),
            *[(2 * inputs, 2 * inputs, 3)] * 3,
        ]
    body = convolutions(layers, norm=True, bias=False)
    assert count("resnet18", shape, 10) == body + 512 * 10 + 10
    assert count("resnet18-ap", shape, 10) == body + 512 * left**2 * 10 + 10
    assert count("resnet18", (3, 32, 32), 10) == 11_173_962


@pytest.mark.parametrize(("classes", "parameters"), [(10, 1_094_750), (100, 1_109_240)])
def test_the_reduced_resnet_of_continual_learning(classes: int, parameters: int) -> None:
    """Lopez-Paz and Ranzato, "Gradient episodic memory" (2017), section 5: three times fewer maps,
    20 in the first stage.
    """
    spec = {"name": "resnet18", "width": 20, "norm": "batch"}
    layers = [(3, 20, 3), *[(20, 20, 3)] * 4]
    for inputs in (20, 40, 80):
        layers += [
            (inputs, 2 * inputs, 3),
            (inputs, 2 * inputs, 1),
            *[(2 * inputs, 2 * inputs, 3)] * 3,
        ]
    assert (
        count(spec, (3, 32, 32), classes)
        == convolutions(layers, norm=True, bias=False) + 161 * classes
        == parameters
    )


@pytest.mark.parametrize(
    ("shape", "patch"), [((3, 32, 32), 4), ((1, 28, 28), 8), ((3, 64, 64), 8), ((1, 8, 8), 4)]
)
def test_the_vits_parameters(shape: Shape, patch: int) -> None:
    tokens, d = math.ceil(shape[1] / patch) ** 2 + 1, 192
    attention, mlp, norms = d * 3 * d + 3 * d + d * d + d, d * 4 * d + 4 * d + 4 * d * d + d, 4 * d
    first = shape[0] * patch**2 * d + d + d + tokens * d
    assert (
        count({"name": "vit-tiny", "patch": patch}, shape, 10)
        == first + 12 * (attention + mlp + norms) + 2 * d + 10 * d + 10
    )


def test_a_vit_of_deits_settings_has_deits_parameters() -> None:
    assert count({"name": "vit-tiny", "patch": 16}, (3, 224, 224), 1000) == 5_717_416


def instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    centred = x - x.mean((2, 3), keepdim=True)
    return (
        centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt() * scale[:, None, None]
        + shift[:, None, None]
    )


def drawn(
    spec: dict[str, Any], shape: Shape, generator: torch.Generator
) -> tuple[nn.Module, Tensor]:
    """A network in float64 whose every parameter is random, also norms and biases; and a batch."""
    network = networks.build(spec, shape, 5, generator).double()
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(
            parameter.shape, generator=generator, dtype=torch.float64
        )
    return network, torch.randn(3, *shape, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_alexnet_written_out(shape: Shape, generator: torch.Generator) -> None:
    network, x = drawn({"name": "alexnet", "width": 4}, shape, generator)
    w = list(network.parameters())
    out = functional.max_pool2d(
        functional.conv2d(x, w[0], w[1], padding=4 if shape[0] == 1 else 2).clamp(min=0), 2
    )
    out = functional.max_pool2d(functional.conv2d(out, w[2], w[3], padding=2).clamp(min=0), 2)
    out = functional.conv2d(out, w[4], w[5], padding=1).clamp(min=0)
    out = functional.conv2d(out, w[6], w[7], padding=1).clamp(min=0)
    out = functional.max_pool2d(functional.conv2d(out, w[8], w[9], padding=1).clamp(min=0), 2)
    assert [len(w[i]) for i in (0, 2, 4, 6, 8)] == [4, 6, 8, 6, 6]
    assert torch.allclose(network(x), out.flatten(1) @ w[10].T + w[11])


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (3, 64, 64)], ids=str)
def test_vgg11_written_out(shape: Shape, generator: torch.Generator) -> None:
    network, out = drawn({"name": "vgg11", "width": 2}, shape, generator)
    w = list(network.parameters())
    x = out
    for layer, pools in enumerate([True, True, False, True, False, True, False, True]):
        padding = 3 if layer == 0 and shape[1] == 28 else 1
        out = functional.conv2d(out, w[4 * layer], w[4 * layer + 1], padding=padding)
        out = instance_norm(out, w[4 * layer + 2], w[4 * layer + 3]).clamp(min=0)
        out = functional.max_pool2d(out, 2) if pools else out
    assert torch.allclose(network(x), out.mean((2, 3)) @ w[-2].T + w[-1])


@pytest.mark.parametrize("name", ["resnet18", "resnet18-ap"])
def test_the_resnets_written_out(name: str, generator: torch.Generator) -> None:
    network, x = drawn({"name": name, "width": 4}, (1, 28, 28), generator)
    w = dict(network.named_parameters())
    pools = name == "resnet18-ap"

    def convolve(z: Tensor, layer: str, stride: int) -> Tensor:
        kernel = w[f"{layer}.weight"]
        return functional.conv2d(z, kernel, stride=stride, padding=kernel.shape[-1] // 2)

    def norm(z: Tensor, layer: str) -> Tensor:
        return instance_norm(z, w[f"{layer}.weight"], w[f"{layer}.bias"])

    out = norm(convolve(x, "stem.0", 1), "stem.1").clamp(min=0)
    for stage in range(4):
        for part in range(2):
            here, halves = f"blocks.{stage}.{part}", stage > 0 and part == 0
            stride = 2 if halves and not pools else 1
            inner = norm(convolve(out, f"{here}.first", stride), f"{here}.norms.0").clamp(min=0)
            short = convolve(out, f"{here}.shortcut.0", stride) if halves else out
            if halves and pools:
                inner, short = functional.avg_pool2d(inner, 2), functional.avg_pool2d(short, 2)
            inner = norm(convolve(inner, f"{here}.second", 1), f"{here}.norms.1")
            out = (inner + (norm(short, f"{here}.shortcut.2") if halves else short)).clamp(min=0)
    assert out.shape[2] == (3 if pools else 4)
    read = out.flatten(1) if pools else out.mean((2, 3))
    assert torch.allclose(network(x), read @ w["classifier.weight"].T + w["classifier.bias"])


@pytest.mark.parametrize(("shape", "patch"), [((1, 8, 8), 4), ((3, 9, 8), 4), ((1, 28, 28), 8)])
def test_the_vit_written_out(shape: Shape, patch: int, generator: torch.Generator) -> None:
    """Token by token and head by head; a patch that does not fit is filled with zeros."""
    d, heads = 6, 3
    network, x = drawn({"name": "vit-tiny", "patch": patch, "dim": d, "depth": 2}, shape, generator)
    w = dict(network.named_parameters())
    rows, columns = math.ceil(shape[1] / patch), math.ceil(shape[2] / patch)
    canvas = torch.zeros(3, shape[0], rows * patch, columns * patch, dtype=torch.float64)
    canvas[:, :, : shape[1], : shape[2]] = x

    def linear(z: Tensor, layer: str) -> Tensor:
        return z @ w[f"{layer}.weight"].flatten(1).T + w[f"{layer}.bias"]

    def layer_norm(z: Tensor, layer: str) -> Tensor:
        centred = z - z.mean(-1, keepdim=True)
        return (
            centred / (centred.square().mean(-1, keepdim=True) + 1e-6).sqrt() * w[f"{layer}.weight"]
            + w[f"{layer}.bias"]
        )

    cut = [
        canvas[:, :, r * patch : (r + 1) * patch, c * patch : (c + 1) * patch].flatten(1)
        for r in range(rows)
        for c in range(columns)
    ]
    tokens = [w["class_token"][0].expand(3, d), *(linear(part, "patches") for part in cut)]
    z = torch.stack(tokens, 1) + w["positions"]
    for block in ("blocks.0", "blocks.1"):
        q, k, v = linear(layer_norm(z, f"{block}.norms.0"), f"{block}.attention.projections").split(
            d, -1
        )
        joined = torch.zeros_like(z)
        for head in range(heads):
            own = slice(head * d // heads, (head + 1) * d // heads)
            scores = torch.einsum("ntd,nsd->nts", q[..., own], k[..., own]) / math.sqrt(d / heads)
            joined[..., own] = (scores.exp() / scores.exp().sum(-1, keepdim=True)) @ v[..., own]
        z = z + linear(joined, f"{block}.attention.output")
        hidden = linear(layer_norm(z, f"{block}.norms.1"), f"{block}.mlp.0")
        z = z + linear(hidden * 0.5 * (1 + torch.erf(hidden / math.sqrt(2))), f"{block}.mlp.2")
    assert torch.allclose(network(x), linear(layer_norm(z[:, 0], "norm"), "classifier"))
    assert torch.allclose(network.features(x)[-1][1, :, 0, 1], z[1, 2])
