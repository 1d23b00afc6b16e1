"""How coarsely images are stored, judged on images that are held out; and the step of coded images
that is chosen so.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.parameterisations import held_out
from condensers.parts.parameterisations.held_out import HeldOut, judge, score_degrees
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.parameterisations.transform import steps
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT
from condensers.parts.parameterisations.transform.quantiser import Quantiser
from condensers.parts.parameterisations.transform.steps import (
    STEPS_TRIED,
    choose_learned_step,
    choose_step,
)
from condensers.registry.registry import create_condenser
from condensers.selections.real_transform import RealTransform
from condensers.sets.synthetic_set import Budget
from scenarios.datasets import load
from tests.condensers.parts.parameterisations.test_jpeg import SPEC, data_of

QUANTISER = Quantiser(0.0, 0.15, 1)
OPEN: dict[str, Any] = SPEC | {"parameterisation": "transform"}


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the user, and nothing known in the process; returns its folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(held_out, "_known", {})
    return tmp_path / "cache"


@dataclass
class Blurred:
    """Images as they are, or without what tells them apart; notes what it was asked for."""

    lost: bool = False
    each: int = 3
    read_images: list[Tensor] = field(default_factory=list)

    def count(self, nbytes: int) -> int:
        return self.each

    def read(self, images: Tensor) -> Tensor:
        self.read_images.append(images)
        return torch.full_like(images, 128) if self.lost else images


def rows(images: Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


@pytest.mark.parametrize(("classes", "draws"), [(2, 10), (3, 6), (10, 2), (12, 2)])
def test_fewer_classes_are_judged_on_more_draws(classes: int, draws: int) -> None:
    """An experience of two classes holds few images out: one draw chose the finest by chance."""
    form = Blurred(each=2)
    data = data_of((1, 16, 16), each=6, classes=classes)
    score_degrees(data, 100, [(1.0, form)], patience=1)
    assert len(form.read_images) == draws


def test_what_is_held_out_is_not_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image that a classifier is fitted to is another one than those it is tested on."""
    data, tested = data_of((1, 16, 16), each=12), list[set[bytes]]()
    init = held_out._Classifier.__init__

    def note_held(self: Any, data: ClassData, held: Tensor, generator: Any) -> None:
        tested.append(rows(data.images[held]))
        init(self, data, held, generator)

    monkeypatch.setattr(held_out._Classifier, "__init__", note_held)
    form = Blurred(each=6)
    found = score_degrees(data, 100, [(1.0, form)], patience=1)
    assert found.images == len(tested[0]) == 3 * 6
    assert len(form.read_images) == 3 * held_out.DRAWS
    assert all(len(rows(images)) == 3 * 6 for images in form.read_images)
    assert not any(rows(images) & tested[0] for images in form.read_images)


def test_the_form_that_keeps_what_tells_classes_apart_is_the_better_one() -> None:
    data = load("digits~40").train
    found = score_degrees(
        data, 100, [(1.0, Blurred(lost=True)), (2.0, Blurred(each=10))], patience=2
    )
    assert found.accuracies[1.0] < 20 < 60 < found.accuracies[2.0]
    assert found.best(finest=1) == found.best(finest=-1) == 2.0


def test_the_search_ends_after_as_many_worse_degrees_in_a_row() -> None:
    data = load("digits~40").train
    forms = [(float(n), Blurred(lost=n > 0, each=10)) for n in range(6)]
    assert list(score_degrees(data, 100, forms, patience=2).accuracies) == [0.0, 1.0, 2.0]
    assert not forms[3][1].read_images


def test_of_equal_degrees_the_finest_is_taken() -> None:
    found = HeldOut({0.25: 60.0, 0.5: 60.0, 1.0: 59.0}, 10)
    assert (found.best(finest=-1), found.best(finest=1)) == (0.25, 0.5)


def test_one_image_a_class_leaves_nothing_to_judge_by(make_data: Any) -> None:
    data = make_data((1, 8, 8), 3, 1)
    assert score_degrees(data, 100, [(1.0, Blurred())], patience=1) == HeldOut({}, 0)
    assert choose_step(data, 300, QUANTISER).chosen == steps.FALLBACK


def test_more_bytes_have_finer_steps_and_no_seed_a_part_in_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = load("mnist-5k~60").train
    few, many = (choose_step(data, stored_bytes(data, ipc), QUANTISER) for ipc in (1, 10))
    assert many.chosen < few.chosen
    assert few.found.accuracies[few.chosen] == max(few.found.accuracies.values())
    assert set(few.found.accuracies) <= set(STEPS_TRIED) and few.found.images == 270
    torch.manual_seed(7)
    monkeypatch.setattr(held_out, "_known", {})
    monkeypatch.setattr(held_out, "usable_cache", lambda: None)
    assert choose_step(data, stored_bytes(data, 1), QUANTISER) == few
    other = choose_step(data, stored_bytes(data, 1), Quantiser(0.35, 0.15, 1))
    assert (
        other.found.accuracies
        is choose_step(data, stored_bytes(data, 1), QUANTISER).found.accuracies
    )


@pytest.mark.parametrize("content", ["{", "[]", '{"images": 7}', '{"images": 0, "accuracies": 1}'])
def test_what_was_found_is_kept_on_a_machine(
    content: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process reads it; a damaged file is made again; other forms are other files."""
    data, form = load("digits~40").train, Blurred(each=10)

    def ask(called: str) -> HeldOut:
        monkeypatch.setattr(held_out, "_known", {})
        return judge(data, 100, [(2.0, form)], 1, [held_out.__name__, called])

    first = ask("one")
    read = len(form.read_images)
    assert ask("one") == first and len(form.read_images) == read > 0
    (file,) = cache.rglob("held-out-*.json")
    file.write_text(content)
    assert ask("one") == first and len(form.read_images) == 2 * read
    ask("another")
    assert len(form.read_images) == 3 * read and len(list(cache.rglob("held-out-*.json"))) == 2


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 24, 24)])
def test_sets_are_those_of_the_step_that_was_chosen(shape: tuple[int, int, int]) -> None:
    data = data_of(shape)
    choice = choose_learned_step(data, stored_bytes(data, 2), QUANTISER)
    method = create_condenser(OPEN)
    made = method.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = create_condenser(
        SPEC, parameterisation={"name": "transform", "step": choice.chosen}
    ).condense(data, Budget(ipc=2), Context(seed=3))
    assert all(torch.equal(made.tensors[n], t) for n, t in fixed.tensors.items())
    assert made.card["parameterisation"]["step"] == choice.chosen
    assert made.card["images_per_class"] == method.images_per_class(data, 2)
    assert made.nbytes <= stored_bytes(data, 2)
    said = made.card["step"]
    assert (said["chosen"], said["held_out_images"]) == (choice.chosen, choice.found.images)
    assert choice.chosen <= said["chosen_for_real_images"] == choice.real


def test_images_that_take_less_than_they_may_have_a_finer_step() -> None:
    data = load("mnist-5k~60").train
    part = FullFrameDCT(step=0.5)
    images = data.normalise(data.images[torch.cat([data.members(c)[:4] for c in data.classes])])
    groups = part.groups(images, data, Context())
    held = part.count_bytes(groups, data)
    finer = part.allot(groups, held * 3 // 2)
    assert finer["steps"][0] < groups["steps"][0] and finer["steps"][1] == groups["steps"][1]
    assert 1.3 * held < part.count_bytes(finer, data) <= 1.5 * held
    seen, before = (part.decode(of, slice(None)) for of in (finer, groups))
    assert (seen - images).square().mean() < 0.8 * (before - images).square().mean()
    full = part.allot(groups, held)
    assert all(torch.equal(full[name], groups[name]) for name in groups)


def test_real_coded_images_take_it_too() -> None:
    data = data_of((1, 24, 24))
    open_, choice = RealTransform(), choose_step(data, stored_bytes(data, 2), QUANTISER)
    made = open_.condense(data, Budget(ipc=2), Context(seed=3))
    fixed = RealTransform(step=choice.chosen).condense(data, Budget(ipc=2), Context(seed=3))
    assert made.card == {**fixed.card, **choice.card_entries("step", "images")}
    assert all(torch.equal(made.tensors[n], t) for n, t in fixed.tensors.items())
    assert made.card["images_per_class"] == open_.images_per_class(data, 2)


def test_a_step_that_all_classes_choose_couples_them() -> None:
    assert FullFrameDCT().couples_classes and RealTransform().couples_classes
    assert not FullFrameDCT(step=0.5).couples_classes
    assert not RealTransform(step=0.5).couples_classes


def test_classes_of_unequal_size_are_coded_together_and_counted_once() -> None:
    data = load("digits~40").train.restrict([0, 1, 2])
    few = data.subset(torch.cat([data.members(0)[:3], *(data.members(c) for c in (1, 2))]))
    form = Blurred(each=20)
    found = score_degrees(few, 100, [(1.0, form)], patience=1)
    assert all(len(images) == 3 * 18 for images in form.read_images)
    assert 40 < found.accuracies[1.0] <= 100
    assert choose_step(few, stored_bytes(few, 1), QUANTISER).chosen in STEPS_TRIED
