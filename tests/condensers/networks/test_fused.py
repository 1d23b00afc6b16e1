"""A block as one operation gives what its modules give: outputs, gradients, gradients of gradients,
in every shape.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from condensers.networks import build, fused
from condensers.networks.convnet import ConvNetSpec
from condensers.networks.precision import by_modules, precision
from condensers.parts.objectives.activations import activation_maps

needs_library = pytest.mark.skipif(
    fused.library() is None, reason="no C compiler here: networks run module by module"
)


def network(shape=(3, 12, 12), **settings) -> nn.Module:
    spec = ConvNetSpec(**{"depth": 2, "width": 20} | settings)
    built = build(spec, shape, 4, torch.Generator().manual_seed(3)).train()
    drawn = torch.Generator().manual_seed(5)
    for block in built.blocks:  # scale and shift as they are after training, not 1 and 0
        nn.init.uniform_(block[1].weight, 0.5, 1.5, generator=drawn)
        nn.init.normal_(block[1].bias, generator=drawn)
    return built


def gradients(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, graph: bool = False):
    loss = functional.cross_entropy(model(images), labels)
    return torch.autograd.grad(loss, [images, *model.parameters()], create_graph=graph)


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).detach().norm() / other.detach().norm().clamp_min(1e-12))


@needs_library
@pytest.mark.parametrize("pooling", ["avg", "none"])
@pytest.mark.parametrize("activation", ["relu", "leakyrelu"])
@pytest.mark.parametrize(
    ("shape", "width"),
    [((3, 12, 12), 20), ((1, 28, 28), 16), ((1, 7, 7), 3), ((2, 9, 9), 130), ((3, 10, 10), 64)],
)
@pytest.mark.parametrize("kinks", [False, True])
def test_one_operation_equals_its_modules(pooling, activation, shape, width, kinks):
    """With `kinks` a rounding may put a pixel on the other side of the ReLU's, which changes a
    gradient by all of its share.
    """
    model = network(shape, pooling=pooling, activation=activation, width=width)
    for block in model.blocks:
        if not kinks:
            nn.init.constant_(block[1].bias, 8.0)
    images = torch.randn(5, *shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels = torch.tensor([0, 1, 2, 3, 0])
    with by_modules():
        wanted, expected = model.features(images), gradients(model, images, labels)
    assert all(type(o.grad_fn).__name__ == "FusedBlockBackward" for o in model.features(images))
    for found, out in zip(model.features(images), wanted, strict=True):
        assert torch.allclose(found, out, atol=5e-5, rtol=1e-4)
    names = ["images", *(name for name, _ in model.named_parameters())]
    for name, found, grad in zip(names, gradients(model, images, labels), expected, strict=True):
        # A bias before an instance norm has no effect: its gradient is zero, where the modules give
        # their rounding errors.
        assert (
            found.abs().max() == 0
            if name.endswith("0.bias")
            else distance(found, grad) < (0.05 if kinks else 1e-3)
        ), name


@needs_library
def test_gradients_of_gradients_are_those_of_the_modules():
    model, labels = network(), torch.tensor([0, 1, 2])
    images = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(1)).requires_grad_()

    def second() -> torch.Tensor:
        first = gradients(model, images, labels, graph=True)
        return torch.autograd.grad(sum((g**2).sum() for g in first[1:]), images)[0]

    with by_modules():
        expected = second()
    assert distance(second(), expected) < 1e-4
    assert expected.abs().max() > 1e-6


@needs_library
def test_a_step_towards_the_gradient_lowers_the_loss_as_finite_differences_say():
    model, labels = network(width=8), torch.tensor([0, 1, 2])
    for block in model.blocks:  # away from the ReLU's kink, which has no slope
        nn.init.constant_(block[1].bias, 8.0)
    images = torch.randn(3, 3, 12, 12, generator=torch.Generator().manual_seed(2)).requires_grad_()
    direction = torch.randn(images.shape, generator=torch.Generator().manual_seed(4))
    slope = float((gradients(model, images, labels)[0] * direction).sum())
    losses = [
        float(functional.cross_entropy(model(images.detach() + step * direction), labels).detach())
        for step in (1e-3, -1e-3)
    ]
    assert (losses[0] - losses[1]) / 2e-3 == pytest.approx(slope, rel=0.05, abs=2e-3)


@needs_library
def test_threads_share_the_images_and_change_nothing():
    model = network((1, 16, 16))
    images = torch.randn(40, 1, 16, 16, generator=torch.Generator().manual_seed(1)).requires_grad_()
    labels, before = torch.arange(40) % 4, torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = gradients(model, images, labels)
        torch.set_num_threads(2)
        shared = gradients(model, images, labels)
    finally:
        torch.set_num_threads(before)
    assert all(
        distance(a, b) < 1e-5 for a, b in zip(shared, alone, strict=True) if b.abs().max() > 1e-6
    )


@needs_library
def test_bfloat16_is_near_and_leaves_learned_images_in_float32():
    model = network((1, 16, 16), width=32)
    images = torch.randn(64, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    exact = model.embed(images)
    with precision("bf16"):
        near, learned = model.embed(images), model.embed(images.clone().requires_grad_())
    assert near.dtype == torch.float32
    assert 1e-5 < distance(near.mean(0), exact.mean(0)) < 1e-2
    assert torch.equal(learned, exact)
    assert torch.equal(model.embed(images), exact)


@pytest.mark.parametrize(
    "name", ["convnet", "mlp", "lenet", "alexnet", "vgg11", "resnet18", "vit-tiny"]
)
def test_every_network_computes_in_bfloat16(name):
    spec = {"name": name, "depth": 2} if name == "vit-tiny" else {"name": name}
    model = build(spec, (1, 32, 32), 4, torch.Generator().manual_seed(3)).train()
    images = torch.randn(4, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    exact = model(images)
    with precision("bf16"):
        near = model(images)
    assert near.dtype == torch.float32
    assert 0 < distance(near, exact) < 0.1
    near.sum().backward()
    assert all(p.grad is None or p.grad.dtype == torch.float32 for p in model.parameters())


def test_what_it_cannot_do_goes_by_modules():
    images = torch.randn(3, 3, 12, 12)
    double = network().double()
    assert double(images.double()).dtype == torch.float64
    model = network()
    maps, _ = activation_maps(model, images)
    assert [m.shape[-1] for m in maps] == [12, 6]
    each = torch.func.vmap(lambda image: model(image[None])[0])(images)
    assert torch.allclose(each, model(images), atol=1e-5)
