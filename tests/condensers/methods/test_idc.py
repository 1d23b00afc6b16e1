"""IDC and DREAM: the published settings; a run against the algorithm written out in the authors'
pixels, from 0 to 1; what DREAM adds; what starts from clusters starts from.
"""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.methods.parameter_matching.idc import DREAM, IDC, unit_pixel_rate
from condensers.parts.augmentations.cutmix import draw_box
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.parameterisations.tiles import mosaic
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser, with_parts
from condensers.sets.synthetic_set import Budget

NETWORK = {"name": "convnet", "depth": 2, "width": 6}
IPC, BATCH, SEED, CLASSES, FACTOR, LR = 2, 6, 11, 3, 2, 40.0
MATCHING, TRAINING = (
    Siamese("color_crop_cutout", mode="together"),
    Siamese("color_crop", mode="together"),
)


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    """Colour images, every channel of the same std: then one rate for normalised pixels is exactly
    one for pixels in [0, 1].
    """
    made = make_data((3, 8, 8), CLASSES, 9, mirror=True)
    return ClassData(
        made.name, made.images, made.labels, made.class_names, made.mean, (0.25, 0.25, 0.25)
    )


def published(name: str) -> tuple[IDC | DREAM, dict[str, object]]:
    shared: dict[str, object] = {
        "iterations": 2000,
        "lr": 5e-3,
        "momentum": 0.5,
        "batch_real": 64,
        "update": "class",
    }
    return (
        (IDC(), shared | {"init": "real"})
        if name == "idc"
        else (DREAM(), shared | {"init": "k-means"})
    )


@pytest.mark.parametrize("name", ["idc", "dream"])
def test_defaults_are_the_published_ones(name: str) -> None:
    method, wanted = published(name)
    assert {key: getattr(method, key) for key in wanted} == wanted
    whole = with_parts(method)
    assert (whole.parameterisation.factor, whole.parameterisation.clamp) == (2, True)
    assert (whole.objective.distance, whole.objective.layers) == ("mse", "convolutions")
    assert whole.augmentation == MATCHING
    rule = whole.model_schedule
    assert (rule.inner, rule.n_data, rule.epochs, rule.batch, rule.cutmix) == (
        100,
        2000,
        1,
        64,
        0.5,
    )
    assert (rule.lr, rule.momentum, rule.weight_decay) == (0.01, 0.9, 5e-4)
    assert (method.steps(1), method.couples_classes) == (200_000, True)
    assert whole.sampler.registered == ("random" if name == "idc" else "k-means")
    assert getattr(whole.sampler, "interval", 10) == 10


@pytest.mark.parametrize(
    ("ipc", "side", "std", "wanted"),
    [(10, 32, 0.5, 0.02), (1, 32, 0.5, 0.002), (50, 64, 0.25, 1.6)],
)
def test_the_rate_is_the_published_rule_in_normalised_pixels(
    ipc: int, side: int, std: float, wanted: float
) -> None:
    images = torch.zeros(1, 3, side, side, dtype=torch.uint8)
    data = ClassData(
        "one", images, torch.zeros(1, dtype=torch.int64), ("a",), (0.5,) * 3, (std,) * 3
    )
    setting = RunSetting(data, NETWORK, None, Context(), ipc=ipc, per_class=ipc)
    assert unit_pixel_rate(5e-3, setting) == pytest.approx(wanted)
    assert (
        IDC().learning_rate(setting)
        == DREAM().learning_rate(setting)
        == unit_pixel_rate(5e-3, setting)
    )


def literal_distance(network: nn.Module, label: int, real: Tensor, synthetic: Tensor) -> Tensor:
    """Squared differences of the gradients that the mean cross-entropy gives to the kernels."""
    kernels = [p for p in network.parameters() if p.ndim == 4]
    sides = []
    for images in (real, synthetic):
        loss = torch.stack([torch.logsumexp(row, 0) - row[label] for row in network(images)]).mean()
        sides.append(torch.autograd.grad(loss, kernels, create_graph=True))
    return torch.stack([(a.detach() - b).square().sum() for a, b in zip(*sides, strict=True)]).sum()


def literal_tiles(canvases: Tensor) -> Tensor:
    tiles = []
    for canvas in canvases:
        for row in range(FACTOR):
            for column in range(FACTOR):
                side = canvas.shape[1] // FACTOR
                tile = canvas[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
                tiles.append(
                    functional.interpolate(tile[None], scale_factor=FACTOR, mode="bilinear")[0]
                )
    return torch.stack(tiles)


def train_on_real(
    network: nn.Module, optimiser: torch.optim.SGD, data: ClassData, draw: torch.Generator
) -> None:
    """16 real images in two batches, augmented and half of the time mixed."""
    order = torch.randperm(len(data.images), generator=draw)
    for chosen in (order[:8], order[8:16]):
        images = data.normalise(data.images[chosen])
        images = TRAINING.apply(images, TRAINING.draw(8, data.shape, draw))
        labels, partners, share = data.labels[chosen], data.labels[chosen], 1.0
        if float(torch.rand((), generator=draw)) < 0.5:
            box = draw_box(8, 8, draw)
            other = torch.randperm(8, generator=draw)
            mixed, pasted, partners = images.clone(), images[other], labels[other]
            for i in range(box.top, box.bottom):
                for j in range(box.left, box.right):
                    mixed[:, :, i, j] = pasted[:, :, i, j]
            images, share = mixed, 1 - (box.bottom - box.top) * (box.right - box.left) / 64
        z = network(images)
        loss = share * functional.cross_entropy(z, labels) + (1 - share) * functional.cross_entropy(
            z, partners
        )
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()


def literal_run(data: ClassData, steps: int, inner: int, lr: float) -> tuple[Tensor, Tensor]:
    """IDC's loop on canvases in [0, 1], normalised where the network sees them: first and last
    canvases.
    """
    draw = torch.Generator().manual_seed(SEED)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (data.mean, data.std))
    canvases = mosaic(starting_images(data, IPC * FACTOR**2, "real", draw), FACTOR) * std + mean
    first, velocity = canvases.clone(), torch.zeros_like(canvases)
    for step in range(steps):
        if step % inner == 0:
            network = networks.build(NETWORK, data.shape, CLASSES, draw)
            optimiser = torch.optim.SGD(
                network.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4
            )
        else:
            train_on_real(network, optimiser, data, draw)
        for label in range(CLASSES):
            real, shared = data.sample(label, BATCH, draw), MATCHING.draw(1, data.shape, draw)
            learned = canvases.clone().requires_grad_()
            images = (literal_tiles(learned[label * IPC : (label + 1) * IPC]) - mean) / std
            loss = literal_distance(
                network, label, MATCHING.apply(real, shared), MATCHING.apply(images, shared)
            )
            velocity = 0.5 * velocity + torch.autograd.grad(loss, learned)[0]
            canvases = (canvases - lr * IPC / 10 * (8 * 8) / (32 * 32) * velocity).clamp(0, 1)
    return first, canvases


def test_a_run_equals_the_algorithm_written_out(data: ClassData) -> None:
    """Six steps with three networks; one step of the optimiser for each class; the images of other
    classes go on by momentum.
    """
    spec = {
        "name": "idc",
        "iterations": 3,
        "lr": LR,
        "batch_real": BATCH,
        "network": NETWORK,
        "parameterisation": {
            "name": "tiles",
            "factor": FACTOR,
            "clamp": True,
            "storage": "float32",
        },
        "model_schedule": {"name": "trained-on-real", "inner": 2, "n_data": 16, "batch": 8},
    }
    made = create_condenser(spec).condense(data, Budget(ipc=IPC), Context(seed=SEED))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (data.mean, data.std))
    first, literal = literal_run(data, 6, 2, LR)
    moved = (literal - first).norm()
    assert moved > 1e-2
    assert ((made.tensors["images"] * std + mean) - literal).norm() / moved < 1e-3
    assert bool(((literal == 0) | (literal == 1)).any()), "some pixels were clamped"


def test_the_method_without_tiles_is_on_pixels(data: ClassData) -> None:
    spec = {
        "name": "idc",
        "iterations": 1,
        "batch_real": BATCH,
        "network": NETWORK,
        "model_schedule": {"name": "trained-on-real", "inner": 3, "n_data": 8, "batch": 8},
    }
    plain, tiled = (
        create_condenser(spec | {"parameterisation": part}).condense(data, Budget(ipc=1), Context())
        for part in ("pixels", {"name": "tiles", "factor": 1, "clamp": True})
    )
    assert plain.decode()[0].shape == tiled.decode()[0].shape == (CLASSES, 3, 8, 8)
    assert (plain.tensors["images"].int() - tiled.tensors["images"].int()).abs().max() <= 1, (
        "few steps leave valid pixels valid"
    )


def test_dream_is_idc_with_representative_batches_and_start(data: ClassData) -> None:
    spec = {
        "iterations": 2,
        "batch_real": 4,
        "network": NETWORK,
        "model_schedule": {"name": "trained-on-real", "inner": 2, "n_data": 8, "batch": 8},
    }
    dream, same, other = (
        create_condenser(spec | one)
        .condense(data, Budget(ipc=1), Context(seed=3))
        .tensors["images"]
        for one in (
            {"name": "dream"},
            {"name": "idc", "sampler": "k-means", "init": "k-means"},
            {"name": "idc"},
        )
    )
    assert torch.equal(dream, same)
    assert not torch.equal(dream, other)


def test_a_start_from_clusters_is_of_different_real_images(
    data: ClassData, generator: torch.Generator
) -> None:
    real = data.normalise(data.images)
    for n in (1, 5, 9, 12):
        start = starting_images(data, n, "k-means", generator)
        assert start.shape == (CLASSES * n, 3, 8, 8)
        for label in range(CLASSES):
            of_class = [
                image for image, of in zip(real, data.labels, strict=True) if int(of) == label
            ]
            chosen = [
                next(k for k, image in enumerate(of_class) if torch.equal(image, one))
                for one in start[label * n :][:n]
            ]
            assert len(set(chosen)) == min(n, 9)


def test_a_start_from_one_cluster_is_the_image_nearest_to_the_mean(
    data: ClassData, generator: torch.Generator
) -> None:
    start = starting_images(data, 1, "k-means", generator)
    for label, image in enumerate(start):
        of_class = data.normalise(data.images[data.labels == label])
        distances = (of_class - of_class.mean(0)).flatten(1).norm(dim=1)
        assert torch.equal(image, of_class[int(distances.argmin())])
