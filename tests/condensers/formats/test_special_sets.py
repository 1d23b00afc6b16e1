"""Sets that are more than images and labels: canvases of tiles, ordered steps, a learned rate;
imported, they mean the same.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional

from condensers.data import ClassData
from condensers.formats.choices import Choices
from condensers.training.ordered import OrderedLoop
from tests.condensers.formats.conftest import AS_DATA, Original, bring

Save = Callable[[Any, str], Path]


@pytest.mark.parametrize("factor", [2, 3])
def test_tiles_decode_as_in_the_authors_code(save: Save, grey8: ClassData, factor: int) -> None:
    canvases = torch.rand(20, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    path = save([canvases, torch.arange(10).repeat_interleave(2)], "data.pt")
    made = bring(path, grey8, Choices(order="with-data", factor=factor))
    assert (
        made.card["parameterisation"].items()
        >= {
            "name": "tiles",
            "storage": "float32",
            "factor": factor,
        }.items()
    )
    assert (made.ipc, made.card["images_per_class"]) == (2, 2 * factor**2)
    images, labels = made.decode()
    expected, side = [], -(-8 // factor)
    padded = functional.pad(canvases, (0, side * factor - 8, 0, side * factor - 8), value=0.5)
    for canvas in padded:
        for i in range(factor):
            for j in range(factor):
                tile = canvas[None, :, i * side : (i + 1) * side, j * side : (j + 1) * side]
                expected.append(
                    functional.interpolate(tile, (8, 8), mode="bilinear", align_corners=False)
                )
    assert torch.allclose(images * grey8.std[0] + grey8.mean[0], torch.cat(expected), atol=1e-5)
    assert labels.tolist() == [c for c in range(10) for _ in range(2 * factor**2)]


def test_an_ordered_set_is_trained_on_as_it_was_made(
    save: Save, original: Original, grey8: ClassData
) -> None:
    """Training on what was imported takes the very steps of the file."""
    mixed = torch.randperm(10, generator=torch.Generator().manual_seed(3))
    steps = [
        (original.images[mixed * 2 + s], mixed.clone(), torch.tensor(0.1 * (s + 1)))
        for s in range(2)
    ] * 2
    made = bring(
        save(steps, "results.pth"), grey8, Choices("with-data", "with-data", augmentation="none")
    )
    recipe = made.recipe
    assert recipe == {"augmentation": "none", "labels": "hard", "ordered": True, "epochs": 2}
    network, twin = (
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10)) for _ in range(2)
    )
    twin.load_state_dict(network.state_dict())
    images, labels = made.decode()
    loop = OrderedLoop(network, images, labels, made.tensors["rates"], recipe["epochs"])
    for index, (batch, targets, rate) in enumerate(steps):
        loop.step(index)
        gradients = torch.autograd.grad(
            functional.cross_entropy(twin(batch), targets), list(twin.parameters())
        )
        with torch.no_grad():
            for parameter, gradient in zip(twin.parameters(), gradients, strict=True):
                parameter -= rate * gradient
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-6)


def test_the_learned_rate_of_a_set_is_kept(
    save: Save, original: Original, grey8: ClassData
) -> None:
    labels, rate = save(original.labels, "labels_best.pt"), save(0.03, "lr_best.pt")
    made = bring(save(original.images, "images_best.pt"), grey8, AS_DATA, labels=labels, rate=rate)
    assert made.tensors["rates"].tolist() == [pytest.approx(0.03)] and made.recipe["lr"] == "rates"
    assert made.nbytes == 20 * (64 * 4 + 1) + 4


def test_a_recipe_that_asks_for_rates_that_are_not_there_is_dropped(
    save: Save, original: Original, grey8: ClassData
) -> None:
    said = {
        "lr": "rates",
        "ordered": True,
        "epochs": 1,
        "augmentation": "none",
        "network": "file.py:Evil",
    }
    made = bring(
        save({"data": [[original.images, original.labels]], "recipe": said}, "a.pt"), grey8, AS_DATA
    )
    assert made.recipe == {"augmentation": "none", "labels": "hard"}
