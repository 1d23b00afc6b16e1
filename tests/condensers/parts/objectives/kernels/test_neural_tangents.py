"""fc_ntk and conv_ntk against their recursions written out number by number, and against finite
wide networks: what is computed is the kernel it is called, in any portions, with the right
gradient.
"""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.parts.objectives.kernels import base
from condensers.parts.objectives.kernels.neural_tangent import (
    ConvolutionalNTK,
    FullyConnectedNTK,
    relu_step,
)

W, B = 2**0.5, 0.1


def images(n: int, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(
        n, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


def literal_step(c: float, a: float, b: float) -> tuple[float, float]:
    """E[relu(u) relu(v)] and E[relu'(u) relu'(v)], by Cho & Saul's formulas, in plain numbers."""
    t = math.acos(max(-1.0, min(1.0, c / math.sqrt(a * b))))
    both = math.sqrt(a * b) / (2 * math.pi) * (math.sin(t) + (math.pi - t) * math.cos(t))
    return both, (math.pi - t) / (2 * math.pi)


def literal_fc(x: Tensor, y: Tensor, depth: int) -> float:
    u, v = x.flatten().tolist(), y.flatten().tolist()

    def first(p: list[float], q: list[float]) -> float:
        return W**2 * sum(i * j for i, j in zip(p, q, strict=True)) / len(p) + B**2

    c, a, b = first(u, v), first(u, u), first(v, v)
    tangent = c
    for _ in range(depth):
        both, slope = literal_step(c, a, b)
        a, b = W**2 * literal_step(a, a, a)[0] + B**2, W**2 * literal_step(b, b, b)[0] + B**2
        c = W**2 * both + B**2
        tangent = c + W**2 * slope * tangent
    return tangent


def literal_patch(field: list[list[float]]) -> list[list[float]]:
    """Mean over 3 x 3 places, those outside counting as zero."""
    height, width = len(field), len(field[0])
    out = [[0.0] * width for _ in range(height)]
    for i in range(height):
        for j in range(width):
            for k in (i - 1, i, i + 1):
                for m in (j - 1, j, j + 1):
                    if 0 <= k < height and 0 <= m < width:
                        out[i][j] += field[k][m] / 9
    return out


def literal_conv(x: Tensor, y: Tensor, depth: int) -> float:
    channels, height, width = x.shape
    grid = [(i, j) for i in range(height) for j in range(width)]

    def affine(field: list[list[float]]) -> list[list[float]]:
        return [[W**2 * value + B**2 for value in row] for row in literal_patch(field)]

    def first(p: Tensor, q: Tensor) -> list[list[float]]:
        dots = [
            [float((p[:, i, j] * q[:, i, j]).sum()) / channels for j in range(width)]
            for i in range(height)
        ]
        return affine(dots)

    c, a, b = first(x, y), first(x, x), first(y, y)
    tangent = [row[:] for row in c]
    for layer in range(depth):
        both, carried = ([[0.0] * width for _ in range(height)] for _ in range(2))
        for i, j in grid:
            both[i][j], slope = literal_step(c[i][j], a[i][j], b[i][j])
            carried[i][j] = slope * tangent[i][j]
        if layer == depth - 1:
            return sum(W**2 * (both[i][j] + carried[i][j]) + B**2 for i, j in grid) / len(grid)
        through = literal_patch(carried)
        c = affine(both)
        a, b = (
            affine([[literal_step(v, v, v)[0] for v in row] for row in field]) for field in (a, b)
        )
        tangent = [[c[i][j] + W**2 * through[i][j] for j in range(width)] for i in range(height)]
    raise AssertionError


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 3, 5)])
@pytest.mark.parametrize("depth", [1, 3])
def test_fc_ntk_is_its_recursion(depth: int, shape: tuple[int, ...]) -> None:
    x, y = images(4, shape), images(3, shape, seed=1)
    y[0] = x[1]
    got = FullyConnectedNTK(depth=depth).between(x, y)
    wanted = torch.tensor([[literal_fc(a, b, depth) for b in y] for a in x], dtype=torch.float64)
    # An image and itself: plain arc cosines see an angle of 1e-8 there, ours none.
    assert torch.allclose(got, wanted, rtol=1e-7, atol=0)
    apart = torch.ones_like(got, dtype=torch.bool).index_put(
        (torch.tensor(1), torch.tensor(0)), torch.tensor(False)
    )
    assert torch.allclose(got[apart], wanted[apart], rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", [(1, 5, 4), (3, 4, 4)])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_conv_ntk_is_its_recursion(depth: int, shape: tuple[int, ...]) -> None:
    x, y = images(3, shape), images(2, shape, seed=1)
    got = ConvolutionalNTK(depth=depth).between(x, y)
    wanted = torch.tensor([[literal_conv(a, b, depth) for b in y] for a in x], dtype=torch.float64)
    assert torch.allclose(got, wanted, rtol=1e-11, atol=0)


class Affine(nn.Module):
    """w / sqrt(fan-in) W x + b beta with standard normal W and beta: the parameters in which the
    NTK has a limit.
    """

    def __init__(self, layer: Any, draw: torch.Generator) -> None:
        super().__init__()
        self.layer, self.fan_in = layer, layer.weight[0].numel()
        for parameter in layer.parameters():
            parameter.data.normal_(generator=draw)

    def forward(self, x: Tensor) -> Tensor:
        bias = self.layer.bias.view(-1, *[1] * (x.ndim - 2))
        out: Tensor = W / self.fan_in**0.5 * (self.layer(x) - bias) + B * bias
        return out


def empirical_ntk(network: nn.Module, x: Tensor) -> Tensor:
    rows = []
    for image in x:
        gradients = torch.autograd.grad(network(image[None])[0, 0], list(network.parameters()))
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(rows) @ torch.stack(rows).T


def test_wide_networks_have_about_the_kernel_of_fc_ntk() -> None:
    draw, width, models = torch.Generator().manual_seed(5), 1024, 6
    x = images(4, (1, 4, 4))
    got = torch.zeros(4, 4)
    for _ in range(models):
        first, second, last = (
            Affine(nn.Linear(a, b), draw) for a, b in ((16, width), (width, width), (width, 1))
        )
        network = nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), last)
        got += empirical_ntk(network, x.float()) / models
    exact = FullyConnectedNTK(depth=2).between(x, x)
    assert (got.double() - exact).abs().max() < 0.06 * exact.max()


def test_wide_convolutional_networks_have_about_the_kernel_of_conv_ntk() -> None:
    draw, width, models = torch.Generator().manual_seed(6), 384, 3
    x = images(3, (2, 4, 4))
    got = torch.zeros(3, 3)
    for _ in range(models):
        first, second = (
            Affine(nn.Conv2d(channels, width, 3, padding=1), draw) for channels in (2, width)
        )
        network = nn.Sequential(
            first,
            nn.ReLU(),
            second,
            nn.ReLU(),
            nn.Flatten(),
            Affine(nn.Linear(width * 16, 1), draw),
        )
        got += empirical_ntk(network, x.float()) / models
    exact = ConvolutionalNTK(depth=2).between(x, x)
    assert (got.double() - exact).abs().max() < 0.06 * exact.max()


@pytest.mark.parametrize(
    "kernel", [FullyConnectedNTK(depth=2), ConvolutionalNTK(depth=2)], ids=["fc_ntk", "conv_ntk"]
)
def test_the_gradient_is_that_of_finite_differences(kernel: Any) -> None:
    x, y = images(2, (2, 3, 3)).requires_grad_(), images(3, (2, 3, 3), seed=1).requires_grad_()
    assert torch.autograd.gradcheck(kernel.between, (x, y))
    # Of an image with itself, where the arc cosine has no derivative and the kernel does: both
    # arguments move together.
    assert torch.autograd.gradcheck(lambda s: kernel.between(s, s), (x,))


@pytest.mark.parametrize(
    "kernel", [FullyConnectedNTK(), ConvolutionalNTK()], ids=["fc_ntk", "conv_ntk"]
)
def test_portions_change_nothing(kernel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = images(7, (1, 4, 4)).requires_grad_(), images(3, (1, 4, 4), seed=1).requires_grad_()
    weights = torch.linspace(-1, 1, 21, dtype=torch.float64).view(7, 3)
    found = []
    for limit in (2**20, 1, 100):
        monkeypatch.setattr(base, "NUMBERS_AT_ONCE", limit)
        values = kernel.between(x, y)
        found.append((values.detach(), *torch.autograd.grad((values * weights).sum(), [x, y])))
    for other in found[1:]:
        assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(found[0], other, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_opposite_and_dark_images_stay_finite(dtype: torch.dtype) -> None:
    x = images(2, (1, 3, 3)).to(dtype)
    x = torch.cat([x, x[:1], -x[:1], torch.zeros(1, 1, 3, 3, dtype=dtype)]).requires_grad_()
    for kernel in (FullyConnectedNTK(bias_variance=0.0), ConvolutionalNTK(bias_variance=0.0)):
        values = kernel.between(x, x)
        gradient = torch.autograd.grad(values.sum(), x)[0]
        assert values.dtype == dtype
        assert bool(values.isfinite().all())
        assert bool(gradient.isfinite().all())
        assert torch.allclose(values[0, 2], values[0, 0], rtol=1e-3)


def test_the_step_is_the_mean_over_gaussian_inputs() -> None:
    a, b, c = 1.5, 0.7, -0.4
    draws = torch.randn(2, 400_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    u = a**0.5 * draws[0]
    v = c / a**0.5 * draws[0] + (b - c * c / a) ** 0.5 * draws[1]
    both, slopes = relu_step(*(torch.tensor(value, dtype=torch.float64) for value in (c, a, b)))
    assert both.item() == pytest.approx((u.relu() * v.relu()).mean().item(), rel=0.02)
    assert slopes.item() == pytest.approx(((u > 0) & (v > 0)).double().mean().item(), rel=0.01)
