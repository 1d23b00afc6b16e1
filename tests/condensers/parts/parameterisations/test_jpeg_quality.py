"""The quality that JPEG files get when none is set: from the data at hand and the bytes alone, the
same everywhere, and on the card.
"""

from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.parameterisations import held_out
from condensers.parts.parameterisations.jpeg.coefficients import JPEG
from condensers.parts.parameterisations.jpeg.quality import (
    FINER,
    QUALITIES,
    choose_learned_quality,
    choose_quality,
)
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.registry.registry import create_condenser
from condensers.selections.real_files import RealJPEG
from condensers.sets.synthetic_set import Budget
from scenarios.datasets import load
from tests.condensers.parts.parameterisations.test_jpeg import SPEC, data_of

OPEN: dict[str, Any] = SPEC | {"parameterisation": {"name": "jpeg", "quality": 0}}


def stripes(fine: bool) -> ClassData:
    """Two classes: stripes that only fine files show, or squares that coarse ones show too."""
    generator = torch.Generator().manual_seed(8)
    labels = torch.arange(2).repeat_interleave(60)
    phase = torch.arange(16) % 2 if fine else torch.arange(16) // 8
    lines = torch.where(labels.view(-1, 1, 1, 1) == 0, phase.view(1, 1, 1, -1), phase.view(-1, 1))
    noise = 20 * torch.randn(120, 1, 16, 16, generator=generator)
    images = (120 + 25 * lines.expand(120, 1, 16, 16) + noise).clamp(0, 255).to(torch.uint8)
    return ClassData("stripes", images, labels, ("across", "down"), (0.5,), (0.2,), mirror=True)


def test_it_looks_at_the_images() -> None:
    """Where coarse files lose what tells the classes apart, finer ones are chosen."""
    nbytes = stored_bytes(stripes(True), 8)
    fine, coarse = (choose_quality(stripes(kind), nbytes) for kind in (True, False))
    assert fine.chosen > QUALITIES[0]
    assert fine.found.accuracies[fine.chosen] > fine.found.accuracies[QUALITIES[0]]
    assert coarse.found.accuracies[QUALITIES[0]] > fine.found.accuracies[QUALITIES[0]]


def test_it_looks_at_the_bytes_and_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("mnist-5k~40").train
    monkeypatch.setattr(held_out, "usable_cache", lambda: None)
    monkeypatch.setattr(held_out, "_known", {})
    first = choose_quality(data, stored_bytes(data, 1))
    torch.manual_seed(7)
    monkeypatch.setattr(held_out, "_known", {})
    assert choose_quality(data, stored_bytes(data, 1)) == first
    assert choose_quality(data, stored_bytes(data, 3)).found.accuracies != first.found.accuracies
    assert set(first.found.accuracies) == set(QUALITIES)
    assert first.found.images == 180
    best = max(first.found.accuracies.values())
    assert first.found.accuracies[first.chosen] == best


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 24, 24)])
def test_sets_are_those_of_the_quality_that_was_chosen(shape: tuple[int, int, int]) -> None:
    data = data_of(shape)
    choice = choose_learned_quality(data, stored_bytes(data, 2))
    method = create_condenser(OPEN)
    made = method.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = create_condenser(
        SPEC | {"parameterisation": {"name": "jpeg", "quality": choice.chosen}}
    ).condense(data, Budget(ipc=2), Context(seed=3))
    assert {n: t.tolist() for n, t in made.tensors.items()} == {
        n: t.tolist() for n, t in fixed.tensors.items()
    }
    assert made.card["hyperparameters"] == fixed.card["hyperparameters"]
    stored = {"name": "jpeg", "quality": choice.chosen, "coder": "huffman"}
    assert made.card["parameterisation"] == stored
    assert made.card["images_per_class"] == method.images_per_class(data, 2)
    assert made.nbytes <= method.nbytes(data, 2)
    said = made.card["quality"]
    assert (said["chosen"], said["held_out_images"]) == (choice.chosen, choice.found.images)
    assert list(said["validation_accuracy_of_real_files"]) == [str(q) for q in QUALITIES]


def test_real_files_take_it_too() -> None:
    data = data_of((1, 24, 24))
    open_, choice = RealJPEG(quality=0), choose_quality(data, stored_bytes(data, 2))
    made = open_.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = RealJPEG(quality=choice.chosen).condense(data, Budget(ipc=2), Context(seed=3))
    assert made.card == {**fixed.card, **choice.card_entries("quality", "files")}
    assert all(torch.equal(made.tensors[n], t) for n, t in fixed.tensors.items())
    assert made.card["images_per_class"] == open_.images_per_class(data, 2)


def test_one_image_a_class_leaves_nothing_to_judge_by(
    make_data: Any,
) -> None:
    data = make_data((1, 8, 8), 3, 1)
    assert (choose_quality(data, 300).chosen, choose_quality(data, 300).found.accuracies) == (
        10,
        {},
    )


def test_learned_files_are_one_step_finer_where_that_still_holds_more_than_pixels() -> None:
    data = data_of((1, 24, 24))
    real, learned = (
        choose(data, stored_bytes(data, 2)) for choose in (choose_quality, choose_learned_quality)
    )
    assert learned.chosen == FINER[real.chosen] > learned.real == real.chosen
    assert learned.found.accuracies == real.found.accuracies
    small = data_of((1, 8, 8))
    assert choose_learned_quality(small, stored_bytes(small, 2)).chosen in QUALITIES
    assert JPEG(quality=0).couples_classes
    assert not JPEG(quality=5).couples_classes


def test_behind_a_refiner_its_bytes_are_taken_off() -> None:
    data = data_of((1, 24, 24))
    part = {"name": "refined", "inside": {"name": "jpeg", "quality": 0}, "refiner": "residual"}
    method = create_condenser(SPEC | {"parameterisation": part})
    settled, entries = method.parameterisation.settle(data, stored_bytes(data, 2))
    choice = choose_learned_quality(data, stored_bytes(data, 2) - 348)
    assert settled.inside == JPEG(choice.chosen)
    assert entries == choice.card_entries("quality", "files")
    assert settled.units(data, 2) == method.parameterisation.units(data, 2)
