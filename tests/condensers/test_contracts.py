"""What every registered method and selection must do, whatever it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import UsageError
from condensers.registry.registry import METHODS, PARAMETERISATIONS, SELECTIONS, create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

NAMES = [*METHODS.entries(), *SELECTIONS.entries()]
FILES = ("real-jpeg", "real-png", "real-transform", "dm-transform", "semantic")
Condense = Callable[..., SyntheticSet]
Tiny = Callable[[str], dict[str, Any]]


@pytest.fixture(params=["grey8", "grey28", "colour32"])
def data(request: pytest.FixtureRequest) -> ClassData:
    found: ClassData = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("ipc", [1, 2, 10])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_on_any_data(
    name: str, ipc: int, data: ClassData, tiny: Tiny, condense_tiny: Condense
) -> None:
    made = condense_tiny(name, data, ipc)
    condenser = create_condenser(tiny(name))
    images, labels = made.decode()
    per_class = condenser.images_per_class(data, ipc)
    assert per_class >= ipc
    assert images.shape == (len(data.classes) * per_class, *data.shape)
    assert images.dtype == torch.float32
    assert bool(images.isfinite().all())
    right_labels(made, labels, data, per_class)
    assert takes(made, condenser.nbytes(data, ipc))
    assert (made.ipc, made.card["method"], made.card["shape"]) == (ipc, name, list(data.shape))
    assert made.card["images_per_class"] == per_class


def takes(made: SyntheticSet, nbytes: int) -> bool:
    """Whether a set takes what its condenser said: for files, whose sizes depend on the images,
    that is the most.
    """
    return made.nbytes == nbytes or (made.card["method"] in FILES and made.nbytes < nbytes)


@pytest.mark.parametrize("name", NAMES)
def test_three_classes_of_colour_images_of_64_pixels(
    name: str, tiny: Tiny, condense_tiny: Condense, make_data: Callable[..., ClassData]
) -> None:
    data = make_data((3, 64, 64), 3, 8)
    made = condense_tiny(name, data, 1)
    images, labels = made.decode()
    right_labels(made, labels, data, create_condenser(tiny(name)).images_per_class(data, 1))
    assert images.shape[1:] == (3, 64, 64)
    assert bool(images.isfinite().all())


def right_labels(made: SyntheticSet, labels: torch.Tensor, data: ClassData, per_class: int) -> None:
    """Hard labels are ordered by class; soft ones are rows over all classes, probabilities where
    the card says so.
    """
    form = made.recipe["labels"]
    if form == "hard":
        assert labels.dtype == torch.int64
        assert labels.tolist() == [c for c in data.classes for _ in range(per_class)]
        return
    assert labels.dtype == torch.float32
    assert labels.shape == (len(data.classes) * per_class, len(data.class_names))
    assert bool(labels.isfinite().all())
    assert form in ("probabilities", "scores")
    if form == "probabilities":
        assert torch.allclose(labels.sum(1), torch.ones(len(labels)), atol=5e-3)


@pytest.mark.parametrize("ipc", [2, 3, 7, 60])
def test_gradient_matching_has_no_list_of_allowed_sizes(
    ipc: int, make_data: Callable[..., ClassData]
) -> None:
    data = make_data((1, 8, 8), 2, 12)
    seen: list[Progress] = []
    condenser = create_condenser(
        {
            "name": "dc",
            "iterations": 1,
            "model_schedule": {"name": "trained-on-synthetic", "inner": 1},
            "batch_real": 4,
            "network": {"name": "mlp", "width": 8},
        }
    )
    made = condenser.condense(data, Budget(ipc=ipc), Context(progress=seen.append))
    assert len(made.tensors["images"]) == 2 * ipc
    assert [event.done for event in seen] == list(range(1, min(ipc, 50) + 1))


@pytest.mark.parametrize("name", METHODS.entries())
def test_learned_images_differ_from_their_start(
    name: str, grey8: ClassData, condense_tiny: Condense
) -> None:
    still, learned = (condense_tiny(name, grey8, 2, lr=lr) for lr in (0.0, 1.0))
    assert not torch.equal(still.decode()[0], learned.decode()[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_card_has_every_hyperparameter(
    name: str, grey8: ClassData, tiny: Tiny, condense_tiny: Condense
) -> None:
    made = condense_tiny(name, grey8, 1)
    registry = SELECTIONS if name in SELECTIONS.entries() else METHODS
    recorded = made.card["hyperparameters"]
    assert set(recorded) == {entry["name"] for entry in registry.describe(name)["fields"]}
    asked = {k: v for k, v in tiny(name).items() if k != "name"}
    for key, value in asked.items():
        assert is_recorded(value, recorded[key]), "a part is recorded with all of its settings"
    assert json.loads(json.dumps(made.card)) == made.card
    assert made.card["parameterisation"]["name"] in PARAMETERISATIONS.entries()


def is_recorded(asked: Any, recorded: Any) -> bool:
    """Whether a value that was asked for is what is recorded; of a part, all that was asked."""
    if not isinstance(recorded, dict):
        return bool(asked == recorded)
    table = asked if isinstance(asked, dict) else {"name": asked}
    return all(is_recorded(value, recorded[key]) for key, value in table.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_condenser_says_what_the_protocol_asks(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(tiny(name))
    assert condenser.registered == name
    assert condenser.evaluation in ("dsa", "none")
    assert isinstance(condenser.couples_classes, bool)
    assert isinstance(condenser.images_per_class(grey8, 2), int)
    sizes = [condenser.nbytes(grey8, ipc) for ipc in (1, 2, 3, 10)]
    assert sizes == sorted(sizes)
    assert 0 < sizes[0] < sizes[-1]


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_in_bytes_is_kept(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(tiny(name))
    one, two, three = (condenser.nbytes(grey8, ipc) for ipc in (1, 2, 3))
    for budget, ipc in ((one, 1), (two - 1, 1), (two, 2), (three - 1, 2)):
        assert Budget(nbytes=budget).ipc_of(condenser, grey8) == ipc
    made = condenser.condense(grey8, Budget(nbytes=two), Context())
    assert made.ipc == 2
    assert takes(made, two)
    with pytest.raises(
        UsageError,
        match=f"{one - 1} bytes are too few: one image for each of 10 classes takes {one}",
    ):
        condenser.condense(grey8, Budget(nbytes=one - 1), Context())


@pytest.mark.parametrize("name", ["dm", "dsa"])
def test_wider_storage_buys_fewer_images(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(
        tiny(name) | {"parameterisation": {"name": "pixels", "storage": "float32"}}
    )
    made = condenser.condense(grey8, Budget(nbytes=6000), Context())
    assert (made.ipc, made.nbytes) == (2, 2 * 10 * (64 * 4 + 1))


def test_plain_pixels_with_hard_labels_cost_what_they_hold(grey8: ClassData, tiny: Tiny) -> None:
    assert create_condenser(tiny("dm")).nbytes(grey8, 3) == 3 * 10 * 65
    assert create_condenser(tiny("random")).nbytes(grey8, 3) == 3 * 10 * 65


@pytest.mark.parametrize("name", NAMES)
def test_only_the_classes_that_are_there(
    name: str, grey8: ClassData, condense_tiny: Condense
) -> None:
    made = condense_tiny(name, grey8.restrict([7, 2]), 3)
    seen = grey8.restrict([7, 2])
    per_class = create_condenser(made.card["hyperparameters"] | {"name": name}).images_per_class(
        seen, 3
    )
    right_labels(made, made.decode()[1], seen, per_class)
    assert made.classes == (2, 7)
    assert made.card["class_names"] == list(grey8.class_names)


@pytest.mark.parametrize("name", NAMES)
def test_the_data_are_not_changed(
    name: str, make_data: Callable[..., ClassData], condense_tiny: Condense
) -> None:
    data = make_data((1, 8, 8), 10, 20)
    before = data.images.clone(), data.labels.clone()
    condense_tiny(name, data, 2)
    assert torch.equal(before[0], data.images)
    assert torch.equal(before[1], data.labels)


APART = {
    "dm",
    "dm-fast",
    "fred",
    "ddif",
    "datadam",
    "m3d",
    "random",
    "herding",
    "k-center",
    "k-means",
    "k-means-centroids",
    "real-tiles",
    *FILES,
} - {"real-transform", "dm-transform", "semantic"}


@pytest.mark.parametrize("name", NAMES)
def test_what_looks_at_one_class_at_a_time_says_so(name: str, tiny: Tiny) -> None:
    assert create_condenser(tiny(name)).couples_classes == (name not in APART)


@pytest.mark.parametrize("name", ["herding", "k-center"])
def test_a_class_apart_is_the_class_in_company(name: str, grey8: ClassData, tiny: Tiny) -> None:
    """What is not coupled may be run class by class; what draws nothing then gives the same
    images.
    """
    condenser = create_condenser(tiny(name))
    whole = condenser.condense(grey8, Budget(ipc=3), Context()).tensors["images"]
    apart = [
        condenser.condense(grey8.restrict([c]), Budget(ipc=3), Context()).tensors["images"]
        for c in grey8.classes
    ]
    assert torch.equal(whole, torch.cat(apart))


@pytest.mark.parametrize("name", [n for n in SELECTIONS.entries() if n != "real-tiles"])
def test_a_selection_of_more_images_than_there_are(
    name: str, make_data: Callable[..., ClassData], condense_tiny: Condense
) -> None:
    data = make_data((1, 8, 8), 3, 5)
    keep = torch.ones(15, dtype=torch.bool)
    keep[1] = False
    fewer = data.subset(keep.nonzero().flatten())
    with pytest.raises(
        UsageError,
        match=(
            rf"{name}: ipc 5 is more than class 'class 1' of blobs8 has \(4 images\); take at"
            r" most 4"
        ),
    ):
        condense_tiny(name, fewer, 5)


@pytest.mark.parametrize("name", METHODS.entries())
def test_a_method_may_make_more_images_than_there_are(
    name: str, make_data: Callable[..., ClassData], condense_tiny: Condense
) -> None:
    assert condense_tiny(name, make_data((1, 8, 8), 2, 3), 5, init="real").ipc == 5


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in SELECTIONS.entries()
        if n not in ("k-means-centroids", "real-tiles", "rded", *FILES)
    ],
)
def test_selected_images_are_real_ones_of_their_class(
    name: str, data: ClassData, condense_tiny: Condense
) -> None:
    made = condense_tiny(name, data, 5)
    stored = made.tensors["images"].view(len(data.classes), 5, *data.shape)
    for position, label in enumerate(data.classes):
        chosen = torch.tensor(made.card["indices"][data.class_names[label]])
        assert len(set(chosen.tolist())) == 5
        assert bool((data.labels[chosen] == label).all())
        assert torch.equal(stored[position], data.images[chosen])


@pytest.mark.parametrize("name", ["herding", "k-center", "k-means"])
def test_a_selection_in_a_networks_features(
    name: str, data: ClassData, condense_tiny: Condense
) -> None:
    made = condense_tiny(name, data, 4, features="random-network")
    again = condense_tiny(name, data, 4, features="random-network")
    assert made.card["indices"] == again.card["indices"]
    assert made.card["indices"] != condense_tiny(name, data, 4).card["indices"]


def test_a_budget_is_one_of_two_positive_numbers(make_data: Callable[..., ClassData]) -> None:
    for ipc in (0, -1):
        with pytest.raises(UsageError, match=f"ipc {ipc}: at least 1 image per class is needed"):
            Budget(ipc=ipc)
    for wrong in ({}, {"ipc": 1, "nbytes": 100}):
        with pytest.raises(UsageError, match=r"a budget is either --ipc N .* or --bytes B"):
            Budget(**wrong)
    with pytest.raises(UsageError, match="0 bytes are too few"):
        Budget(nbytes=0).ipc_of(create_condenser("random"), make_data((1, 8, 8), 2, 3))
