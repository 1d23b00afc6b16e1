"""Every norm, activation and pooling as one operation, against its modules in float64: outputs, all
gradients, running statistics.
"""

import copy
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from condensers.networks import build, fused
from condensers.networks.batched import NetworkStack
from condensers.networks.convnet import ConvBlock, ConvNetSpec
from condensers.networks.precision import precision

pytestmark = pytest.mark.skipif(
    fused.library() is None, reason="no C compiler here: networks run module by module"
)
NORMS = ("none", "batch", "layer", "instance", "group")
ACTIVATIONS = ("relu", "leakyrelu", "sigmoid", "swish")
POOLINGS = ("none", "max", "avg")


def convnet(width: int = 8, side: int = 9, channels: int = 3, **settings) -> nn.Module:
    """One block, its norm and bias as they are after training."""
    spec = ConvNetSpec(**{"depth": 1, "width": width} | settings)
    network = build(spec, (channels, side, side), 3, torch.Generator().manual_seed(3)).train()
    drawn = torch.Generator().manual_seed(5)
    convolution, norm = network.blocks[0][:2]
    nn.init.normal_(convolution.bias, generator=drawn)
    for name, parameter in norm.named_parameters():
        nn.init.normal_(parameter, float(name == "weight"), 0.5, generator=drawn)
    if isinstance(norm, nn.BatchNorm2d):
        nn.init.normal_(norm.running_mean, generator=drawn)
        nn.init.uniform_(norm.running_var, 0.5, 2.0, generator=drawn)
    return network


def results(block: nn.Module, images: Tensor, weights: Tensor | None = None) -> dict[str, Tensor]:
    """Output, gradients of a sum with weights, and buffers, by name."""
    images = images.detach().requires_grad_()
    out = block(images)
    if weights is None:
        weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(7))
    names, parameters = zip(*block.named_parameters(), strict=True)
    gradients = torch.autograd.grad((out * weights).sum(), [images, *parameters])
    found = {"output": out, **dict(zip(("images", *names), gradients, strict=True))}
    return found | {f"buffer {name}": value for name, value in block.named_buffers()}


def is_one_operation(out: Tensor) -> bool:
    return type(out.grad_fn).__name__ == "FusedBlockBackward"


def compare(block: nn.Module, images: Tensor, tolerance: float = 1e-4) -> None:
    """The block against itself in float64, where it runs module by module."""
    wanted = results(copy.deepcopy(block).double(), images.double())
    found = results(block, images)
    assert is_one_operation(found["output"])
    assert not is_one_operation(wanted["output"])
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        # a bias that a norm takes off again has no gradient but rounding errors
        scale = wanted[name].double().norm().clamp_min(1e-6)
        distance = (value.double() - wanted[name]).norm() / scale
        assert distance < tolerance, (name, float(distance))


def images_of(n: int, channels: int, side: int) -> Tensor:
    return torch.randn(n, channels, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_block_is_what_its_modules_are(norm: str, activation: str, pooling: str) -> None:
    """An odd side, so that pooling leaves out what the norm counts; evaluation after training."""
    network = convnet(norm=norm, activation=activation, pooling=pooling)
    compare(network.blocks[0], images_of(3, 3, 9))
    compare(network.eval().blocks[0], images_of(3, 3, 9))


@pytest.mark.parametrize(
    ("width", "side", "channels", "n"),
    [(4, 8, 1, 1), (12, 7, 2, 17), (16, 28, 1, 2), (32, 5, 3, 4), (64, 4, 3, 2), (256, 6, 2, 1)],
)
@pytest.mark.parametrize("norm", NORMS)
def test_every_size(norm: str, width: int, side: int, channels: int, n: int) -> None:
    for activation, pooling in (("leakyrelu", "max"), ("swish", "avg")):
        network = convnet(width, side, channels, norm=norm, activation=activation, pooling=pooling)
        compare(network.blocks[0], images_of(n, channels, side), 5e-4)


@pytest.mark.parametrize("width", [1, 2, 3, 5, 11])
@pytest.mark.parametrize("norm", ["none", "batch", "layer", "instance"])
def test_widths_that_fill_no_vector(norm: str, width: int) -> None:
    for activation, pooling in product(("relu", "sigmoid"), POOLINGS):
        network = convnet(width, norm=norm, activation=activation, pooling=pooling)
        compare(network.blocks[0], images_of(2, 3, 9))


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_bfloat16_is_near(norm: str, pooling: str) -> None:
    """Of the activations only the smooth one: a kink turns a rounding into a whole gradient, and so
    does a maximum of pixels that are nearly equal.
    """
    tolerance = 0.3 if pooling == "max" else 0.05
    network = convnet(16, 10, norm=norm, pooling=pooling, activation="swish")
    images = images_of(8, 3, 10)
    wanted = copy.deepcopy(network).double()
    with precision("bf16"):
        found = network(images)
    expected = wanted(images.double())
    assert 1e-5 < (found - expected).norm() / expected.norm() < 2e-2
    found.sum().backward()
    expected.sum().backward()
    for (name, one), other in zip(network.named_parameters(), wanted.parameters(), strict=True):
        if name != "blocks.0.0.bias":
            assert (one.grad - other.grad).norm() < tolerance * other.grad.norm() + 1e-3, name


@pytest.mark.parametrize("momentum", [0.1, None])
def test_running_statistics_follow_those_of_the_module(momentum: float | None) -> None:
    block = convnet(norm="batch").blocks[0]
    block[1].momentum = momentum
    block[1].reset_running_stats()
    other = copy.deepcopy(block).double()
    for step in range(3):
        images = images_of(4, 3, 9) + step
        with torch.no_grad():
            block(images)
            other(images.double())
    assert block[1].num_batches_tracked == 3
    torch.testing.assert_close(block[1].running_mean.double(), other[1].running_mean)
    torch.testing.assert_close(block[1].running_var.double(), other[1].running_var)


def test_batch_norm_without_running_statistics_or_parameters() -> None:
    block = convnet(norm="batch").blocks[0]
    for norm in (nn.BatchNorm2d(8, track_running_stats=False), nn.BatchNorm2d(8, affine=False)):
        block[1] = norm
        for mode in (True, False):
            compare(block.train(mode), images_of(3, 3, 9))


def test_one_number_a_channel_is_refused_as_by_the_module() -> None:
    network = convnet(side=2, norm="batch", pooling="max")
    network.blocks[0][0].padding = (0, 0)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        network.blocks[0](images_of(1, 3, 3))


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("norm", NORMS)
def test_what_is_no_number_goes_where_it_goes_in_the_modules(norm: str, pooling: str) -> None:
    images = images_of(3, 3, 9)
    images[1, 0, 4, 4] = float("nan")
    for activation in ACTIVATIONS:
        network = convnet(norm=norm, pooling=pooling, activation=activation)
        wanted = results(copy.deepcopy(network.blocks[0]).double(), images.double())
        found = results(network.blocks[0], images)
        for name in ("output", "images", "0.weight"):
            assert torch.equal(found[name].isnan(), wanted[name].isnan()), (name, activation)
        near = network.blocks[0](images.bfloat16())
        assert torch.equal(near.isnan(), found["output"].isnan()), activation


def test_the_first_of_equal_maxima_has_the_gradient() -> None:
    """Where all pixels are equal, as in the margins of digits, all but the padding's are ties."""
    for activation in ("leakyrelu", "swish"):
        block = convnet(side=8, norm="none", pooling="max", activation=activation).blocks[0]
        compare(block, torch.ones(2, 3, 8, 8))


def test_only_gradients_that_are_wanted_are_given() -> None:
    block = convnet(norm="layer", pooling="max").blocks[0]
    wanted = results(block, images_of(3, 3, 9))
    weights = torch.randn(wanted["output"].shape, generator=torch.Generator().manual_seed(7))
    for name in ("0.bias", "1.weight"):
        block.get_parameter(name).requires_grad_(False)
    (block(images_of(3, 3, 9)) * weights).sum().backward()
    for name, parameter in block.named_parameters():
        if parameter.requires_grad:
            torch.testing.assert_close(parameter.grad, wanted[name])
        else:
            assert parameter.grad is None


@pytest.mark.parametrize("norm", NORMS)
def test_gradients_of_gradients_are_those_of_the_modules(norm: str) -> None:
    def second(block: nn.Module, images: Tensor) -> Tensor:
        images = images.requires_grad_()
        first = torch.autograd.grad(
            block(images).square().sum(), list(block.parameters()), create_graph=True
        )
        return torch.autograd.grad(sum((one**2).sum() for one in first), images)[0]

    for pooling, mode in (("max", True), ("avg", False)):
        network = convnet(norm=norm, pooling=pooling, activation="swish").train(mode)
        exact = copy.deepcopy(network).double()
        wanted = second(exact.blocks[0], images_of(2, 3, 9).double())
        found = second(network.blocks[0], images_of(2, 3, 9))
        assert (found - wanted).norm() < 1e-3 * wanted.norm()


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hook_on_any_module_is_called(register: str) -> None:
    seen: list[nn.Module] = []
    for index in range(4):
        block = convnet(norm="batch", pooling="max").blocks[0]
        getattr(block[index], register)(lambda module, *others: seen.append(module))
        block(images_of(2, 3, 9))
        assert seen[-1] is block[index]
    assert len(seen) == 4


def test_modules_of_another_kind_go_one_by_one() -> None:
    for index, other in (
        (0, nn.Conv2d(3, 8, 3, padding=1, stride=2)),
        (0, nn.Conv2d(3, 8, 3, padding=1, padding_mode="circular")),
        (1, nn.LayerNorm([9])),
        (2, nn.Tanh()),
        (2, nn.LeakyReLU(-1.0)),
        (3, nn.MaxPool2d(2, ceil_mode=True)),
        (3, nn.MaxPool2d(3)),
    ):
        block = convnet().blocks[0]
        block[index] = other
        assert isinstance(block, ConvBlock)
        out = block(images_of(2, 3, 9))
        assert not is_one_operation(out), other


@pytest.mark.parametrize("norm", ["none", "layer", "instance", "group"])
def test_networks_side_by_side_are_one_operation_too(norm: str) -> None:
    members = [convnet(norm=norm, pooling="max", activation="sigmoid") for _ in range(3)]
    for index, member in enumerate(members):
        for parameter in member.parameters():
            parameter.data += 0.1 * index
    stack, images = NetworkStack(members), images_of(4, 3, 9)
    wanted = torch.stack([copy.deepcopy(one).double()(images.double()) for one in members], 1)
    torch.testing.assert_close(stack(images).double(), wanted, rtol=1e-4, atol=1e-4)
    weights = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(2))
    found = torch.autograd.grad((stack(images) * weights).sum(), list(stack.parameters()))
    for index, member in enumerate(members):
        exact = copy.deepcopy(member).double()
        loss = (exact(images.double()) * weights[:, index]).sum()
        for one, other in zip(
            found, torch.autograd.grad(loss, list(exact.parameters())), strict=True
        ):
            assert (one[index] - other).norm() < 1e-4 * other.norm() + 1e-5
