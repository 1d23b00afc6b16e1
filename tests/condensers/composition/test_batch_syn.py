"""batch_syn: a step on pairs of classes may take a part of the synthetic images, drawn anew."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from helpers.tiny import tiny_spec

from condensers.composition.composition import Composition
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

PARTS: dict[str, Any] = {
    "pixels": "pixels",
    "tiles": {"name": "tiles", "factor": 2},
    "regions": {"name": "regions", "crops": 2},
    "transform": "transform",
    "jpeg": "jpeg",
}


def dm(**settings: Any) -> Composition:
    made = create_condenser(tiny_spec("dm"), iterations=1, **settings)
    assert isinstance(made, Composition)
    return made


def moved(method: Composition, data: ClassData, ipc: int) -> torch.Tensor:
    """Which of a class's units one step changes, (classes, units) bool."""
    loop = method.begin(data, ipc, Context(seed=0))
    (name,) = [name for name in loop.set.groups if name in ("images", "coefficients")]
    before = loop.set.groups[name].detach().clone()
    loop.step(0)
    changed = (loop.set.groups[name].detach() != before).flatten(1).any(1)
    return changed.view(len(data.classes), -1)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("update", ["all", "class"])
def test_a_step_changes_as_many_units_of_each_class_as_it_takes(
    part: str, update: str, grey28: ClassData
) -> None:
    made = dm(parameterisation=PARTS[part], update=update)
    copies = made.built.parameterisation.copies
    every = moved(made, grey28, 6)
    some = moved(dm(parameterisation=PARTS[part], update=update, batch_syn=2 * copies), grey28, 6)
    assert some.shape == every.shape and every.shape[1] > 2
    # A coded image whose every coefficient is zero stays as it is.
    at_least = 1 if part == "transform" else 2
    assert bool((some.sum(1) >= at_least).all()) and bool((some.sum(1) <= 2).all())
    assert bool((every.sum(1) > 2).all())


def test_a_batch_of_all_images_or_more_is_no_batch(
    grey28: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    whole = condense_tiny("dm", grey28, 3)
    for size in (3, 50):
        again = condense_tiny("dm", grey28, 3, batch_syn=size)
        assert torch.equal(again.tensors["images"], whole.tensors["images"])
    part = condense_tiny("dm", grey28, 3, batch_syn=1)
    assert not torch.equal(part.tensors["images"], whole.tensors["images"])


def test_all_images_are_drawn_in_the_course_of_a_run(grey28: ClassData) -> None:
    loop = dm(batch_syn=1).begin(grey28, 4, Context(seed=0))
    before = loop.set.groups["images"].detach().clone()
    for index in range(30):
        loop.step(index)
    assert bool((loop.set.groups["images"].detach() != before).flatten(1).any(1).all())


def test_the_estimate_counts_what_a_step_takes(grey28: ClassData) -> None:
    passes = [sum(count for _, count in dm(batch_syn=n).image_passes(grey28, 8)) for n in (0, 8, 4)]
    assert passes[0] == passes[1] > passes[2]


def test_an_objective_of_the_whole_set_refuses_it(grey28: ClassData) -> None:
    with pytest.raises(UsageError, match=r"\.batch_syn: objective trajectory takes all images"):
        create_condenser(tiny_spec("mtt"), batch_syn=2).condense(
            grey28, Budget(ipc=3), Context(seed=0)
        )
