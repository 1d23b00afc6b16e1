"""The quality that JPEG files get when none is set: from the data at hand and the bytes alone, the
same everywhere, and on the card.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.parameterisations.jpeg import quality
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


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the user, and nothing known in the process; returns its folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(quality, "_made", {})
    return tmp_path / "cache"


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
    assert fine.quality > QUALITIES[0]
    assert fine.accuracies[fine.quality] > fine.accuracies[QUALITIES[0]]
    assert coarse.accuracies[QUALITIES[0]] > fine.accuracies[QUALITIES[0]]


def test_it_looks_at_the_bytes_and_no_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("mnist-5k~40").train
    monkeypatch.setattr(quality, "usable_cache", lambda: None)
    first = choose_quality(data, stored_bytes(data, 1))
    torch.manual_seed(7)
    monkeypatch.setattr(quality, "_made", {})
    assert choose_quality(data, stored_bytes(data, 1)) == first
    assert choose_quality(data, stored_bytes(data, 3)).accuracies != first.accuracies
    assert set(first.accuracies) == set(QUALITIES)
    assert first.held == 180
    best = max(first.accuracies.values())
    assert first.accuracies[first.quality] == best


@pytest.mark.parametrize("content", ["{", "[]", '{"quality": 7}'])
def test_a_choice_is_kept_on_a_machine(
    content: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process reads it; a damaged file is made again."""
    nbytes, made = stored_bytes(stripes(True), 8), quality._choose
    first = choose_quality(stripes(True), nbytes)
    asked: list[int] = []

    def count(data: ClassData, nbytes: int) -> quality.QualityChoice:
        asked.append(nbytes)
        return made(data, nbytes)

    monkeypatch.setattr(quality, "_choose", count)
    monkeypatch.setattr(quality, "_made", {})
    assert choose_quality(stripes(True), nbytes) == first and not asked
    (file,) = cache.rglob("quality-*.json")
    file.write_text(content)
    monkeypatch.setattr(quality, "_made", {})
    assert choose_quality(stripes(True), nbytes) == first and asked == [nbytes]
    assert choose_quality(stripes(False), nbytes) != first and len(asked) == 2


def test_what_is_held_out_is_not_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that a classifier is fitted to comes from the other images."""
    data, seen = data_of((1, 16, 16), each=12), list[set[int]]()
    tested: list[set[int]] = []
    init, score = quality._Judge.__init__, quality._Judge.score

    def note_held(self: Any, data: ClassData, held: torch.Tensor, generator: Any) -> None:
        tested.append(set(held.tolist()))
        init(self, data, held, generator)

    def note_files(self: Any, chosen: torch.Tensor, of: int) -> float:
        seen.append(set(chosen.tolist()))
        return score(self, chosen, of)

    monkeypatch.setattr(quality, "_made", {})
    monkeypatch.setattr(quality._Judge, "__init__", note_held)
    monkeypatch.setattr(quality._Judge, "score", note_files)
    choose_quality(data, stored_bytes(data, 2))
    assert len(tested) == 1
    assert len(tested[0]) == 3 * 6
    assert seen
    assert not any(of & tested[0] for of in seen)


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 24, 24)])
def test_sets_are_those_of_the_quality_that_was_chosen(shape: tuple[int, int, int]) -> None:
    data = data_of(shape)
    choice = choose_learned_quality(data, stored_bytes(data, 2))
    method = create_condenser(OPEN)
    made = method.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = create_condenser(
        SPEC | {"parameterisation": {"name": "jpeg", "quality": choice.quality}}
    ).condense(data, Budget(ipc=2), Context(seed=3))
    assert {n: t.tolist() for n, t in made.tensors.items()} == {
        n: t.tolist() for n, t in fixed.tensors.items()
    }
    assert made.card["hyperparameters"] == fixed.card["hyperparameters"]
    stored = {"name": "jpeg", "quality": choice.quality, "coder": "huffman"}
    assert made.card["parameterisation"] == stored
    assert made.card["images_per_class"] == method.images_per_class(data, 2)
    assert made.nbytes <= method.nbytes(data, 2)
    said = made.card["quality"]
    assert (said["chosen"], said["held_out_images"]) == (choice.quality, choice.held)
    assert list(said["validation_accuracy_of_real_files"]) == [str(q) for q in QUALITIES]


def test_real_files_take_it_too() -> None:
    data = data_of((1, 24, 24))
    open_, choice = RealJPEG(quality=0), choose_quality(data, stored_bytes(data, 2))
    made = open_.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = RealJPEG(quality=choice.quality).condense(data, Budget(ipc=2), Context(seed=3))
    assert made.card == {**fixed.card, **choice.card_entries()}
    assert all(torch.equal(made.tensors[n], t) for n, t in fixed.tensors.items())
    assert made.card["images_per_class"] == open_.images_per_class(data, 2)


def test_one_image_a_class_leaves_nothing_to_judge_by(
    make_data: Any,
) -> None:
    data = make_data((1, 8, 8), 3, 1)
    assert (choose_quality(data, 300).quality, choose_quality(data, 300).accuracies) == (10, {})


def test_learned_files_are_one_step_finer_where_that_still_holds_more_than_pixels() -> None:
    data = data_of((1, 24, 24))
    real, learned = (
        choose(data, stored_bytes(data, 2)) for choose in (choose_quality, choose_learned_quality)
    )
    assert learned.quality == FINER[real.quality] > learned.real == real.quality
    assert learned.accuracies == real.accuracies
    small = data_of((1, 8, 8))
    assert choose_learned_quality(small, stored_bytes(small, 2)).quality in QUALITIES
    assert JPEG(quality=0).couples_classes
    assert not JPEG(quality=5).couples_classes


def test_behind_a_refiner_its_bytes_are_taken_off() -> None:
    data = data_of((1, 24, 24))
    part = {"name": "refined", "inside": {"name": "jpeg", "quality": 0}, "refiner": "residual"}
    method = create_condenser(SPEC | {"parameterisation": part})
    settled, entries = method.parameterisation.settle(data, stored_bytes(data, 2))
    choice = choose_learned_quality(data, stored_bytes(data, 2) - 348)
    assert settled.inside == JPEG(choice.quality)
    assert entries == choice.card_entries()
    assert settled.units(data, 2) == method.parameterisation.units(data, 2)
