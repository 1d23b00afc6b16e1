"""Our convolutions against torch's in float64: every shape, whichever of the two is used."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.networks import fused
from condensers.networks.fused import convolution
from condensers.networks.fused.convolution import convolve, convolve_back

pytestmark = pytest.mark.skipif(fused.library() is None, reason="no C compiler here")

# images, height, width, channels in, out, groups, padding
SHAPES = (
    (5, 8, 8, 16, 16, 1, 1),
    (1, 7, 5, 3, 16, 1, 1),
    (2, 1, 1, 2, 5, 1, 1),
    (3, 28, 28, 1, 8, 1, 3),
    (2, 4, 6, 24, 40, 1, 3),
    (10, 2, 3, 8, 8, 1, 1),
    (2, 9, 9, 30, 20, 5, 1),
    (2, 6, 6, 64, 64, 4, 1),
    (1, 5, 5, 64, 33, 1, 1),
    (4, 14, 14, 4, 3, 1, 1),
    (2, 5, 5, 3, 3, 3, 2),
    (1, 3, 4, 12, 12, 1, 0),
    (0, 4, 4, 8, 8, 1, 1),
)


OURS, TORCHS = convolution.Bounds(1000, 0), convolution.Bounds(0, -1)


def choose(monkeypatch: pytest.MonkeyPatch, bounds: convolution.Bounds) -> None:
    """Let all convolutions be ours or torch's."""
    for kind in convolution.QUICKER:
        monkeypatch.setitem(convolution.QUICKER, kind, bounds)


@pytest.fixture(params=[TORCHS, OURS], ids=["torch", "ours"])
def side(request, monkeypatch) -> None:
    choose(monkeypatch, request.param)


def drawn(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor, tuple[int, int]]:
    """Images, weight, gradients of the result, padding and groups."""
    n, height, width, channels, made, groups, padding = shape
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(n, channels, height, width, generator=generator)
    weight = torch.randn(made, channels // groups, 3, 3, generator=generator)
    more = 2 * padding - 2
    grad = torch.randn(n, made, height + more, width + more, generator=generator)
    return x, weight, grad, (padding, groups)


def exactly(
    x: Tensor, weight: Tensor, grad: Tensor, settings: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor]:
    """Result and both gradients in float64."""
    x, weight = (one.double().requires_grad_() for one in (x, weight))
    out = functional.conv2d(x, weight, padding=settings[0], groups=settings[1])
    return out, *torch.autograd.grad(out, (x, weight), grad.double())


def near(found: Tensor, exact: Tensor, bound: float = 2e-6) -> bool:
    """Whether they differ by rounding, in proportion to the largest number."""
    assert found.shape == exact.shape
    exact = exact.detach()
    scale = float(exact.abs().max()) if exact.numel() else 1.0
    return bool(((found.double() - exact).abs() <= bound * scale).all())


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_results_and_gradients_are_those_of_float64(side, shape):
    x, weight, grad, settings = drawn(shape)
    out, dx, dweight = exactly(x, weight, grad, settings)
    found = convolve(x, weight, *settings)
    assert near(found, out)
    assert near(found, convolve(x, weight, *settings).double(), 0.0)
    back = convolve_back(grad, x, weight, settings, (True, True))
    assert near(back[0], dx)
    assert near(back[1], dweight, 1e-5)
    assert {one.dtype for one in (found, *back)} == {torch.float32}


def test_only_what_is_wanted_is_found(side):
    x, weight, grad, settings = drawn(SHAPES[0])
    both = convolve_back(grad, x, weight, settings, (True, True))
    for wanted in ((True, False), (False, True), (False, False)):
        found = convolve_back(grad, x, weight, settings, wanted)
        for one, of_both, is_wanted in zip(found, both, wanted, strict=True):
            assert one is None if not is_wanted else torch.equal(one, of_both)


@pytest.mark.parametrize("channels", [2, 5])
def test_tensors_may_lie_in_memory_in_any_way(side, channels):
    x, weight, grad, settings = drawn((3, 6, 8, channels, 16, 1, 1))
    out, dx, dweight = exactly(x, weight, grad, settings)
    turned = [one.transpose(2, 3).contiguous().transpose(2, 3) for one in (x, weight, grad)]
    wide = [torch.cat([one, one], 1)[:, : one.shape[1]] for one in (x, weight, grad)]
    last = [one.contiguous(memory_format=torch.channels_last) for one in (x, weight, grad)]
    for x, weight, grad in (turned, wide, last):
        assert near(convolve(x, weight, *settings), out)
        found = convolve_back(grad, x, weight, settings, (True, True))
        assert near(found[0], dx)
        assert near(found[1], dweight)


@pytest.mark.parametrize("shape", [SHAPES[0], SHAPES[1], SHAPES[6], SHAPES[8]], ids=str)
def test_bfloat16_is_rounded_where_it_is_stored(monkeypatch, shape):
    choose(monkeypatch, OURS)
    x, weight, grad, settings = drawn(shape)
    x, weight, grad = x.bfloat16(), weight.bfloat16().float(), grad.bfloat16()
    out, dx, dweight = exactly(x, weight, grad, settings)
    found = convolve(x, weight, *settings), *convolve_back(grad, x, weight, settings, (True, True))
    assert [one.dtype for one in found] == [torch.bfloat16, torch.bfloat16, torch.float32]
    for one, exact in zip(found, (out, dx, dweight), strict=True):
        assert near(one, exact, 2**-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_goes_where_torch_lets_it_go(monkeypatch, dtype, bad):
    """Within an image; at its edge, ours multiplies it by the padding's zeros too."""
    x, weight, grad, settings = drawn((2, 6, 6, 8, 8, 1, 1))
    x, grad = x.to(dtype), grad.to(dtype)
    x[0, 3, 2, 2] = grad[1, 5, 3, 2] = bad
    found = []
    for bounds in (TORCHS, OURS):
        choose(monkeypatch, bounds)
        back = convolve_back(grad, x, weight, settings, (True, True))
        found.append((convolve(x, weight, *settings), *back))
    for theirs, ours in zip(*found, strict=True):
        assert torch.equal(theirs.isfinite(), ours.isfinite())
        assert torch.equal(theirs.isnan(), ours.isnan())


def test_threads_share_the_images(monkeypatch):
    choose(monkeypatch, OURS)
    x, weight, grad, settings = drawn((35, 6, 6, 16, 16, 2, 1))
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3, 3):
            torch.set_num_threads(threads)
            back = convolve_back(grad, x, weight, settings, (True, True))
            found.append((convolve(x, weight, *settings), *back))
    finally:
        torch.set_num_threads(before)
    alone, shared, again = found
    assert all(torch.equal(*pair) for pair in zip(shared, again, strict=True))
    assert torch.equal(alone[0], shared[0])
    assert torch.equal(alone[1], shared[1])
    assert near(shared[2], alone[2].double())


def test_other_kernels_are_torchs(side):
    x = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(1))
    weight = torch.randn(8, 8, 5, 5, generator=torch.Generator().manual_seed(2))
    assert near(convolve(x, weight, 2), functional.conv2d(x, weight, padding=2).double())


def test_few_channels_short_calls_and_emulated_numbers_are_ours(monkeypatch):
    called = []
    monkeypatch.setattr(convolution, "instructions", lambda: frozenset(["avx512_bf16"]))
    monkeypatch.setattr(convolution, "_convolve", lambda *given, **named: called.append(1))
    for shape, count in (
        ((20, 32, 32, 3, 128, 1, 1), 1),
        ((30, 32, 32, 16, 16, 1, 1), 1),
        ((20, 32, 32, 64, 64, 4, 1), 1),
        ((10, 8, 8, 64, 64, 1, 1), 1),
        ((40, 16, 16, 128, 128, 1, 1), 0),
    ):
        x, weight, _, settings = drawn(shape)
        convolve(x, weight, *settings)
        assert len(called) == count, shape
        called.clear()
    x = x.bfloat16()
    for found, count in ((["avx512_bf16"], 0), (["avx2"], 1)):
        monkeypatch.setattr(convolution, "instructions", lambda found=found: frozenset(found))
        convolve(x, weight, *settings)
        assert len(called) == count
