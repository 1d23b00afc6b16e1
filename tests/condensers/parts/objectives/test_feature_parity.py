"""Layer means and attention against their equations, written out with loops over layers, classes
and images; all classes in one pass against one after the other; the rule that gives weights to
layers.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.errors import UsageError
from condensers.parts.objectives.activations import activation_maps
from condensers.parts.objectives.attention import AttentionMatching
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.layer_means import LayerMeans
from condensers.parts.objectives.mean_embedding import MeanEmbedding
from condensers.registry.registry import OBJECTIVES

CONVNET = {"name": "convnet", "depth": 3, "width": 6}
TOLERANCES = [(torch.float32, 1e-5, 1e-3), (torch.float64, 1e-11, 1e-9)]


def case(spec: dict[str, object], dtype: torch.dtype) -> tuple[nn.Module, list[Pair]]:
    """Classes of unequal numbers of real images."""
    generator = torch.Generator().manual_seed(5)
    network = networks.build(spec, (3, 16, 16), 4, generator).to(dtype)
    pairs = []
    for label in (0, 2, 3):
        real = torch.randn(3 + label, 3, 16, 16, generator=generator).to(dtype)
        synthetic = torch.randn(2, 3, 16, 16, generator=generator).to(dtype).requires_grad_()
        pairs.append(Pair(label, real, synthetic))
    return network, pairs


def layers_of(network: nn.Module, image: Tensor) -> tuple[list[Tensor], Tensor]:
    """The maps (C, H, W) after each ReLU of a ConvNet and its flattened last output, for one
    image.
    """
    x, maps = image[None], []
    for convolution, norm, activation, pooling in network.blocks:
        x = activation(norm(convolution(x)))
        maps.append(x[0])
        x = pooling(x)
    return maps, x[0].reshape(-1)


def mean(values: list[Tensor]) -> Tensor:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total / len(values)


def squared(real: list[Tensor], synthetic: list[Tensor]) -> Tensor:
    return ((mean(real).detach() - mean(synthetic)) ** 2).sum()


def literal_layer_means(network: nn.Module, pairs: list[Pair]) -> Tensor:
    """.1, .1, 1 for the maps after the ReLUs, 1 for the last output as maps and 1 for it
    flattened.
    """
    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for _, real, synthetic in pairs:
        r, s = ([layers_of(network, image) for image in images] for images in (real, synthetic))
        for layer, weight in enumerate((0.1, 0.1, 1.0)):
            total = total + weight * squared(
                [maps[layer] for maps, _ in r], [maps[layer] for maps, _ in s]
            )
        last = squared([embedding for _, embedding in r], [embedding for _, embedding in s])
        total = total + 1.0 * last + 1.0 * last
    return total


def literal_attention(network: nn.Module, pairs: list[Pair], power: float) -> Tensor:
    def attention(maps: Tensor) -> Tensor:
        strength = torch.zeros_like(maps[0])
        for channel in maps:
            strength = strength + channel.abs() ** power
        flat = strength.reshape(-1)
        return flat / (flat**2).sum().sqrt()

    total = torch.zeros((), dtype=pairs[0].real.dtype)
    for _, real, synthetic in pairs:
        r, s = ([layers_of(network, image) for image in images] for images in (real, synthetic))
        for layer in (0, 1):
            total = total + 100 * squared(
                [attention(m[layer]) for m, _ in r], [attention(m[layer]) for m, _ in s]
            )
        total = total + 100 * 0.01 * squared([z for _, z in r], [z for _, z in s])
    return total


def agree(
    ours: Tensor, literal: Tensor, pairs: list[Pair], for_loss: float, for_gradient: float
) -> None:
    images = [pair.synthetic for pair in pairs]
    assert ours.item() == pytest.approx(literal.item(), rel=for_loss)
    for got, wanted in zip(
        torch.autograd.grad(ours, images), torch.autograd.grad(literal, images), strict=True
    ):
        assert wanted.norm() > 0
        assert (got - wanted).norm() / wanted.norm() < for_gradient


@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
def test_layer_means_are_the_sum_of_squares_of_every_layer(
    dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(CONVNET, dtype)
    agree(
        LayerMeans().loss(network, pairs),
        literal_layer_means(network, pairs),
        pairs,
        for_loss,
        for_gradient,
    )


@pytest.mark.parametrize(("dtype", "for_loss", "for_gradient"), TOLERANCES)
@pytest.mark.parametrize("power", [4.0, 1.0])
def test_attention_is_its_equation(
    power: float, dtype: torch.dtype, for_loss: float, for_gradient: float
) -> None:
    network, pairs = case(CONVNET, dtype)
    ours = AttentionMatching(power=power).loss(network, pairs)
    agree(ours, literal_attention(network, pairs, power), pairs, for_loss, for_gradient)


JOINT = [LayerMeans(), AttentionMatching(), MeanEmbedding()]


@pytest.mark.parametrize(
    "spec",
    [CONVNET, {"name": "lenet"}, {"name": "mlp", "width": 9}],
    ids=["convnet", "lenet", "mlp"],
)
@pytest.mark.parametrize("objective", JOINT, ids=[o.registered for o in JOINT])
def test_all_classes_at_once_equal_one_after_the_other(
    objective: LayerMeans, spec: dict[str, object]
) -> None:
    network, pairs = case(spec, torch.float64)
    apart = torch.stack([objective.loss(network, [pair]) for pair in pairs]).sum()
    agree(objective.loss(network, pairs), apart, pairs, 1e-11, 1e-9)


@pytest.mark.parametrize("objective", ["layer-means", "attention"])
@pytest.mark.parametrize(
    "network", ["resnet18", {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}]
)
def test_other_networks_give_finite_gradients(network: object, objective: str) -> None:
    spec = {"name": network, "width": 4} if isinstance(network, str) else network
    built, pairs = case(spec, torch.float32)  # type: ignore[arg-type]
    loss = OBJECTIVES.create(objective).loss(built, pairs)
    gradients = torch.autograd.grad(loss, [pair.synthetic for pair in pairs])
    assert all(bool(g.isfinite().all()) and g.abs().sum() > 0 for g in gradients)


def test_the_maps_of_a_residual_network_are_its_stages(generator: torch.Generator) -> None:
    network = networks.build({"name": "resnet18", "width": 4}, (3, 16, 16), 4, generator)
    images = torch.randn(2, 3, 16, 16, generator=generator)
    maps, embedding = activation_maps(network, images)
    assert [tuple(one.shape) for one in maps] == [
        (2, 4, 16, 16),
        (2, 8, 8, 8),
        (2, 16, 4, 4),
        (2, 32, 2, 2),
    ]
    assert torch.equal(embedding, network.embed(images))


def test_the_maps_leave_no_hook_behind(generator: torch.Generator) -> None:
    network = networks.build(CONVNET, (3, 16, 16), 4, generator)
    maps, _ = activation_maps(network, torch.randn(2, 3, 16, 16, generator=generator))
    assert [tuple(one.shape) for one in maps] == [(2, 6, 16, 16), (2, 6, 8, 8), (2, 6, 4, 4)]
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("layers", "weights"),
    [(2, [1.0, 1.0]), (4, [0.1, 0.1, 1.0, 1.0]), (6, [0.1, 0.1, 0.1, 0.1, 1.0, 1.0])],
)
def test_weights_belong_to_layers_from_the_end(layers: int, weights: list[float]) -> None:
    assert LayerMeans().weights_of(layers) == weights


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        ([], ": .* must be numbers from 0 on, at least one"),
        ([1.0, -0.5], ": .* must be numbers from 0 on, at least one"),
        (["a"], r"\[0\]: 'a' is not a number"),
        ([float("nan")], r"\[0\]: nan is not a number"),
    ],
    ids=["none", "negative", "text", "nan"],
)
def test_weights_that_are_none_are_refused(weights: list[object], sentence: str) -> None:
    with pytest.raises(UsageError, match=rf"objective layer-means\.weights{sentence}"):
        OBJECTIVES.create({"name": "layer-means", "weights": weights})


def test_equal_images_have_distance_zero() -> None:
    network, pairs = case(CONVNET, torch.float64)
    same = [pair._replace(synthetic=pair.real) for pair in pairs]
    losses: list[Callable[[nn.Module, list[Pair]], Tensor]] = [
        LayerMeans().loss,
        AttentionMatching().loss,
    ]
    assert all(
        loss(network, same).item() < 1e-20 < 1e-3 < loss(network, pairs).item() for loss in losses
    )
