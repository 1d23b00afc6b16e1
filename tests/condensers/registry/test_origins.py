"""What a set's images are, said by every condenser, kept through all that is done to a set, and
never guessed from a name.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.formats import authors, npz
from condensers.formats.assembling import assemble
from condensers.formats.choices import Choices
from condensers.registry.registry import METHODS, SELECTIONS, create_condenser
from condensers.sets import origins
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, recondense, restrict, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.sets.exporting import content

TEACHER = {"name": "teacher", "epochs": 1}
SMALL = {"name": "convnet", "depth": 2, "width": 4}
SPECS: dict[str, dict[str, Any]] = {
    origins.REAL: {"name": "random"},
    origins.AVERAGES: {"name": "k-means-centroids"},
    origins.LEARNED: {"name": "dm", "iterations": 1, "batch_real": 4, "network": SMALL},
}
THIRD = '''
from dataclasses import dataclass
from typing import ClassVar
import torch
from condensers.condenser import Condenser
from condensers.parts.parameterisations.pixels import Pixels
from condensers.selections.base import Selection

@dataclass(frozen=True)
class Mine(Selection):
    """Every image twice as good as another."""
    def choose(self, features, ipc, generator):
        return torch.arange(ipc)

@dataclass(frozen=True)
class Silent(Condenser):
    """Written by hand, and says nothing of its images."""
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False
    parameterisation: ClassVar[Pixels] = Pixels()
    def condense(self, data, budget, context): ...
    def nbytes(self, data, ipc): ...
    def images_per_class(self, data, ipc): ...
'''


@pytest.fixture(scope="module")
def made(grey8: ClassData) -> Mapping[str, SyntheticSet]:
    return {
        origin: create_condenser(spec).condense(grey8, Budget(ipc=2), Context(seed=1))
        for origin, spec in SPECS.items()
    }


def test_every_built_in_condenser_says_what_its_images_are() -> None:
    said = {name: SELECTIONS.create(name).origin for name in SELECTIONS.entries()}
    assert said.pop("k-means-centroids") == origins.AVERAGES
    assert {said.pop("random-soft"), said.pop("rded")} == {origins.TAUGHT}
    assert set(said.values()) == {origins.REAL}
    assert {METHODS.create(name).origin for name in METHODS.entries()} == {origins.LEARNED}
    assert SELECTIONS.create({"name": "real-tiles", "labels": TEACHER}).origin == origins.TAUGHT


def test_the_card_and_what_is_made_of_a_set_keep_it(
    made: Mapping[str, SyntheticSet], tmp_path: Path
) -> None:
    for origin, one in made.items():
        save_set(one, tmp_path / "a.safetensors")
        back = load_set(tmp_path / "a.safetensors")
        assert origins.of(back.card) == origin
        assert origins.of(restrict(back, [1, 2]).card) == origin
        assert origins.of(shrink(back, 1, "first", torch.Generator()).card) == origin
        assert origins.of(merge([restrict(back, [0, 1]), restrict(back, [2])]).card) == origin


def test_of_several_sets_the_one_farthest_from_real_images_counts(
    made: Mapping[str, SyntheticSet],
) -> None:
    both = merge([made[origins.REAL], made[origins.LEARNED]])
    assert both.card["origin"] == origins.LEARNED
    assert [one["origin"] for one in both.card["merged_from"]] == [origins.REAL, origins.LEARNED]
    old = SyntheticSet(
        made[origins.REAL].tensors,
        {k: v for k, v in made[origins.REAL].card.items() if k != "origin"},
    )
    assert merge([old, made[origins.REAL]]).card["origin"] == origins.UNKNOWN


def test_images_selected_of_learned_ones_are_no_real_images(
    made: Mapping[str, SyntheticSet],
) -> None:
    picked = {
        o: recondense(one, create_condenser("random"), Budget(ipc=1), Context(seed=0))
        for o, one in made.items()
    }
    assert {origin: one.card["origin"] for origin, one in picked.items()} == {
        origin: origin for origin in made
    }


def test_a_selection_of_a_third_party_is_of_real_images_and_a_silent_one_is_refused(
    grey8: ClassData, tmp_path: Path
) -> None:
    file = tmp_path / "third.py"
    file.write_text(THIRD)
    one = create_condenser(f"{file}:Mine").condense(grey8, Budget(ipc=1), Context(seed=0))
    assert one.card["origin"] == origins.REAL
    with pytest.raises(UsageError, match=r"third.py:Silent: cannot be used \(it lacks 'origin'\)"):
        create_condenser(f"{file}:Silent")


def test_a_word_that_is_no_origin_is_refused(grey8: ClassData) -> None:
    from condensers.selections.base import RandomSelection

    class Odd(RandomSelection):
        origin = "real image"

    with pytest.raises(UsageError, match="random: 'real image' is no origin of images"):
        Odd().condense(grey8, Budget(ipc=1), Context(seed=0))


@pytest.mark.parametrize(
    ("write", "read", "name"),
    [(npz.write, npz.read, "a.npz"), (authors.write_dc, authors.read_dc, "a.pt")],
)
def test_an_imported_set_is_what_its_file_or_its_user_says_else_unknown(
    made: Mapping[str, SyntheticSet],
    grey8: ClassData,
    tmp_path: Path,
    write: Any,
    read: Callable[[Path], Any],
    name: str,
) -> None:
    for origin, one in made.items():
        held = content(one)
        write(tmp_path / name, held)
        assert assemble(read(tmp_path / name), grey8, Choices()).card["origin"] == origin
        assert (
            assemble(read(tmp_path / name), grey8, Choices(origin="taught")).card["origin"]
            == origins.TAUGHT
        )
        write(tmp_path / name, {**held, "origin": "anything"})
        assert assemble(read(tmp_path / name), grey8, Choices()).card["origin"] == origins.UNKNOWN
    with pytest.raises(UsageError, match="--origin reel: unknown"):
        Choices(origin="reel")
