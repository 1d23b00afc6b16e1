"""Every registered network on every size; the published ConvNet's parameters and its forward
pass.
"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from condensers import networks
from condensers.errors import UsageError
from condensers.networks.convnet import ACTIVATIONS, NORMS, POOLINGS, MeanPool
from condensers.registry.registry import NETWORKS

SMALL = {
    "convnet": {"width": 8},
    "mlp": {"width": 8},
    "resnet18": {"width": 4},
    "resnet18-ap": {"width": 4},
    "alexnet": {"width": 8},
    "vgg11": {"width": 4},
    "vit-tiny": {"dim": 48, "depth": 2},
    "shrunk": {"network": {"name": "convnet", "width": 8, "depth": 2}},
    "any-of": {"networks": [{"name": "convnet", "width": 8}, {"name": "mlp", "width": 8}]},
}
SHAPES = [
    (1, 8, 8),
    (3, 8, 8),
    (1, 28, 28),
    (3, 28, 28),
    (1, 32, 32),
    (3, 32, 32),
    (1, 64, 64),
    (3, 64, 64),
]
REFUSED = {
    ("lenet", 8): "lenet: 8 x 8 pixels are too small",
    ("resnet18", 8): "resnet18: 8 x 8 pixels shrink to one",
    ("resnet18-ap", 8): "resnet18-ap: 8 x 8 pixels shrink to one",
    ("vgg11", 8): "vgg11: 8 x 8 pixels are too small to be halved five times",
}


def spec(name: str) -> dict[str, object]:
    return {"name": name} | SMALL.get(name, {})


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", NETWORKS.entries())
def test_logits_embedding_and_features(
    name: str, shape: tuple[int, int, int], generator: torch.Generator
) -> None:
    if (name, shape[1]) in REFUSED:
        with pytest.raises(UsageError, match=REFUSED[name, shape[1]]):
            networks.build(spec(name), shape, 7, generator)
        return
    network = networks.build(spec(name), shape, 7, generator)
    x = torch.randn(3, *shape, generator=generator)
    logits, embedding, features = network(x), network.embed(x), network.features(x)
    assert isinstance(network, networks.Network)
    assert logits.shape == (3, 7)
    assert embedding.ndim == 2
    assert torch.equal(network.classifier(embedding), logits)
    assert [len(f) for f in features] == [3] * len(features)
    assert features[-1].flatten(1).shape[1] >= embedding.shape[1]
    assert logits.std(0).min() > 1e-4, "the images must make a difference"
    assert torch.equal(logits, network(x)), "nothing is drawn in a forward pass"


@pytest.mark.parametrize("name", [name for name in NETWORKS.entries() if name != "lenet"])
def test_a_gradient_has_a_gradient(name: str, generator: torch.Generator) -> None:
    """What gradient matching needs of a network: d/dx of |dL/dw|^2 is there and is not zero."""
    network = networks.build(spec(name), (1, 28, 28), 3, generator)
    x = torch.randn(2, 1, 28, 28, generator=generator, requires_grad=True)
    loss = functional.cross_entropy(network(x), torch.tensor([0, 2]))
    inner = torch.autograd.grad(loss, list(network.parameters()), create_graph=True)
    outer = torch.autograd.grad(sum(g.square().sum() for g in inner), x)[0]
    assert outer.isfinite().all()
    assert outer.abs().sum() > 0


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 28, 28), (3, 32, 32), (1, 64, 64)], ids=str)
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_the_convnet_of_every_depth(
    depth: int, shape: tuple[int, int, int], generator: torch.Generator
) -> None:
    """Parameters by a formula; each block halves the image, which 28 pixels enter as 32."""
    network = networks.build({"name": "convnet", "depth": depth, "width": 6}, shape, 4, generator)
    first, later, norm = 6 * shape[0] * 9 + 6, 6 * 6 * 9 + 6, 2 * 6
    left = {28: 32}.get(shape[1], shape[1]) // 2**depth
    wanted = first + (depth - 1) * later + depth * norm + 4 * 6 * left**2 + 4
    assert sum(p.numel() for p in network.parameters()) == wanted
    x = torch.randn(3, *shape, generator=generator)
    assert [f.shape[2] for f in network.features(x)] == [
        left * 2 ** (depth - 1 - block) for block in range(depth)
    ]
    assert network(x).std(0).min() > 1e-4


@pytest.mark.parametrize(("shape", "count"), [((1, 28, 28), 317706), ((3, 32, 32), 320010)])
def test_the_published_convnets_parameter_count(
    shape: tuple[int, int, int], count: int, generator: torch.Generator
) -> None:
    network = networks.build("convnet", shape, 10, generator)
    assert sum(p.numel() for p in network.parameters()) == count
    assert network.embed(torch.zeros(1, *shape)).shape == (1, 2048)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)], ids=str)
def test_the_convnet_is_convolution_instance_norm_relu_and_pooling(
    shape: tuple[int, int, int], generator: torch.Generator
) -> None:
    network = networks.build({"name": "convnet", "width": 6}, shape, 5, generator)
    x = torch.randn(4, *shape, generator=generator)
    weights = list(network.parameters())
    wanted = []
    out = x
    for block in range(3):
        kernel, bias, scale, shift = weights[4 * block : 4 * block + 4]
        out = functional.conv2d(
            out, kernel, bias, padding=3 if block == 0 and shape[1] == 28 else 1
        )
        out = functional.instance_norm(out) * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)
        out = functional.avg_pool2d(out.clamp(min=0), 2)
        wanted.append(out)
    for got, literal in zip(network.features(x), wanted, strict=True):
        assert torch.allclose(got, literal, atol=1e-4)
    assert torch.allclose(network(x), out.flatten(1) @ weights[-2].T + weights[-1], atol=1e-4)


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", NORMS)
def test_every_part_of_the_convnet_runs(
    norm: str, activation: str, pooling: str, generator: torch.Generator
) -> None:
    table = {
        "name": "convnet",
        "depth": 2,
        "width": 4,
        "norm": norm,
        "activation": activation,
        "pooling": pooling,
    }
    network = networks.build(table, (1, 8, 8), 3, generator)
    x = torch.randn(2, 1, 8, 8, generator=generator, requires_grad=True)
    gradient = torch.autograd.grad((network(x) * torch.randn(2, 3, generator=generator)).sum(), x)[
        0
    ]
    assert gradient.abs().sum() > 0
    assert [f.shape[2] for f in network.features(x)] == ([8, 8] if pooling == "none" else [4, 2])
    assert networks.has_batch_norm(network) == (norm == "batch")


@pytest.mark.parametrize("name", ["resnet18", "resnet18-ap", "vgg11"])
@pytest.mark.parametrize("norm", ["none", "batch", "instance", "group"])
def test_every_norm_of_the_deep_networks_runs(
    norm: str, name: str, generator: torch.Generator
) -> None:
    network = networks.build({"name": name, "width": 4, "norm": norm}, (3, 32, 32), 3, generator)
    assert network(torch.randn(2, 3, 32, 32, generator=generator)).std(0).min() > 1e-6
    assert networks.has_batch_norm(network) == (norm == "batch")


def test_the_resnet_has_18_layers_with_weights(generator: torch.Generator) -> None:
    network = networks.build({"name": "resnet18", "norm": "batch"}, (3, 32, 32), 10, generator)
    kinds = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert (
        len([m for m in kinds if not (isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1))]) == 18
    )
    assert sum(p.numel() for p in network.parameters()) == 11_173_962


@pytest.mark.parametrize("name", NETWORKS.entries())
def test_the_generator_decides_the_weights(name: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        network = networks.build(spec(name), (3, 32, 32), 5, generator)
        return torch.cat([p.flatten() for p in network.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_two_networks_of_one_generator_differ(generator: torch.Generator) -> None:
    first, second = (
        networks.build("mlp", (1, 8, 8), 2, generator).layers[0].weight for _ in range(2)
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("table", "shape", "sentence"),
    [
        (
            {"name": "convnet", "depth": 4},
            (1, 8, 8),
            "depth 4 is too deep for 8-pixel images; take at most 3",
        ),
        (
            {"name": "convnet", "depth": 6},
            (1, 28, 28),
            "depth 6 is too deep for 28-pixel images; take at most 5",
        ),
        (
            {"name": "convnet", "norm": "group", "width": 6},
            (1, 8, 8),
            "width 6 is not a multiple of its 4 groups; take 8",
        ),
        ({"name": "convnet"}, (1, 8, 16), "images must be square, not 8 x 16"),
        ({"name": "convnet", "depth": 0}, (1, 8, 8), "0 is below the least allowed value, 1"),
        (
            {"name": "convnet", "norm": "batchnorm"},
            (1, 8, 8),
            "'batchnorm' is not one of none, batch, layer, instance, group",
        ),
        (
            {"name": "alexnet"},
            (3, 7, 7),
            "alexnet: 7 x 7 pixels are too small to be halved three times; take convnet or mlp",
        ),
        (
            {"name": "vgg11"},
            (3, 31, 32),
            "vgg11: 31 x 32 pixels are too small to be halved five times; take images of 28 or 32",
        ),
        (
            {"name": "resnet18-ap", "norm": "group"},
            (3, 7, 9),
            "resnet18-ap: 7 x 9 pixels are too small to be halved three times",
        ),
        (
            {"name": "resnet18", "downsampling": "average"},
            (3, 15, 15),
            "resnet18: 15 x 15 pixels shrink to one",
        ),
        (
            {"name": "vit-tiny", "patch": 16},
            (3, 8, 8),
            "vit-tiny.patch: 16 is more than 8 x 8 pixels; take at most 8",
        ),
        (
            {"name": "vit-tiny", "dim": 64},
            (3, 8, 8),
            "vit-tiny.dim: 64 is not a multiple of its 3 heads; take 66",
        ),
        ("convnett", (1, 8, 8), "unknown network 'convnett'; did you mean 'convnet'"),
    ],
)
def test_what_cannot_be_built_is_one_sentence(
    table: object, shape: tuple[int, int, int], sentence: str, generator: torch.Generator
) -> None:
    with pytest.raises(UsageError, match=sentence):
        networks.build(table, shape, 10, generator)


@pytest.mark.parametrize("size", [8, 7, 1])
def test_the_fast_pooling_and_activation_are_torchs_own(size: int) -> None:
    """Values and gradients, odd sizes included."""
    x = torch.randn(
        3,
        2,
        size,
        size,
        generator=torch.Generator().manual_seed(0),
        dtype=torch.float64,
        requires_grad=True,
    )
    for ours, theirs in (
        (MeanPool(), torch.nn.functional.avg_pool2d),
        (ACTIVATIONS["relu"](), torch.nn.functional.relu),
    ):
        if size == 1 and isinstance(ours, MeanPool):
            assert ours(x).numel() == 0
            continue
        expected = theirs(x, 2) if isinstance(ours, MeanPool) else theirs(x)
        assert torch.allclose(ours(x), expected, atol=1e-15)
        weights = torch.arange(expected.numel(), dtype=torch.float64).view_as(expected)
        gradients = [torch.autograd.grad((y * weights).sum(), x)[0] for y in (ours(x), expected)]
        assert torch.allclose(*gradients, atol=1e-12)


def test_the_normed_perceptron_is_gdumbs(generator: torch.Generator) -> None:
    """Linear without bias, batch norm with eps 1e-6, ReLU; batch norm of the logits too."""
    table = {"name": "mlp", "width": 8, "norm": "batch", "normalised_logits": True}
    network = networks.build(table, (1, 8, 8), 3, generator)
    theirs = nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(64, 8, bias=False), nn.BatchNorm1d(8, eps=1e-6), nn.ReLU()),
        *(nn.Linear(8, 8, bias=False), nn.BatchNorm1d(8, eps=1e-6), nn.ReLU()),
        *(nn.Linear(8, 3, bias=False), nn.BatchNorm1d(3, eps=1e-6)),
    )
    linear = [m for m in network.modules() if isinstance(m, nn.Linear)]
    for own, other in zip(linear, [theirs[1], theirs[4], theirs[7]], strict=True):
        other.load_state_dict(own.state_dict())
    images = torch.rand(6, 1, 8, 8, generator=generator)
    torch.testing.assert_close(network(images), theirs(images))
    torch.testing.assert_close(network.eval()(images[:1]), theirs.eval()(images[:1]))
    with pytest.raises(UsageError, match="batch of one image"):
        network.train()(images[:1])
