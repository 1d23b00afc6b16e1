"""Classes of unequal numbers of real images, one of them smaller than what is asked for."""

from collections.abc import Callable

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import METHODS, SELECTIONS, create_condenser
from condensers.sets.doubts import doubts
from condensers.sets.origins import SELECTED
from condensers.sets.synthetic_set import Budget, SyntheticSet

COUNTS = (2, 9, 30)
Condense = Callable[..., SyntheticSet]


@pytest.fixture(scope="module")
def unequal() -> ClassData:
    """Three classes of 2, 9 and 30 images, mixed."""
    generator = torch.Generator().manual_seed(4)
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))
    labels = labels[torch.randperm(len(labels), generator=generator)]
    noise = torch.randint(0, 60, (len(labels), 1, 8, 8), generator=generator)
    images = (noise + 80 * labels[:, None, None, None]).to(torch.uint8)
    return ClassData("unequal", images, labels, ("few", "some", "many"), (0.3,), (0.2,))


@pytest.mark.parametrize("name", [*METHODS.entries(), *SELECTIONS.entries()])
def test_every_class_gets_its_images_or_the_set_is_refused(
    name: str, unequal: ClassData, condense_tiny: Condense, tiny: Callable[[str], object]
) -> None:
    condenser = create_condenser(tiny(name))
    if name in SELECTIONS.entries():
        with pytest.raises(UsageError, match=r"class 'few' of unequal has \(2 images\)"):
            condenser.condense(unequal, Budget(ipc=5), Context())
        made = condense_tiny(name, unequal, 2)
        each = 2
    else:
        made = condense_tiny(name, unequal, 5)
        each = condenser.images_per_class(unequal, 5)
    images, labels = made.decode()
    assert len(images) == len(labels) == 3 * each
    assert bool(images.isfinite().all())
    if labels.ndim == 1:
        assert labels.tolist() == [label for label in range(3) for _ in range(each)]
    if condenser.origin in SELECTED and made.card.get("indices"):
        for label, class_name in enumerate(unequal.class_names):
            chosen = made.card["indices"][class_name]
            assert set(chosen) <= set(unequal.members(label).tolist())
            assert len(set(chosen)) == len(chosen)


def test_copies_of_a_small_class_are_a_doubt(unequal: ClassData, condense_tiny: Condense) -> None:
    made = condense_tiny("dm", unequal, 5, iterations=1, lr=0.0, init="real")
    said = [doubt for doubt in doubts(made, unequal) if "different images" in doubt]
    assert said == [
        "class 'few' has 2 different images among its 5, for unequal has 2 of that class: take a"
        " lower ipc"
    ]
    assert not [one for one in doubts(condense_tiny("dm", unequal, 2), unequal) if "ipc" in one]
