"""What every registered method and selection must do, whatever it is."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers.context import Context, Progress
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.registry import METHODS, PARAMETERISATIONS, SELECTIONS, create_condenser
from condensers.synthetic import Budget, SyntheticSet

NAMES = [*METHODS.entries(), *SELECTIONS.entries()]
Condense = Callable[..., SyntheticSet]
Tiny = Callable[[str], dict[str, Any]]


@pytest.fixture(params=["grey8", "grey28", "colour32"])
def data(request: pytest.FixtureRequest) -> ClassData:
    found: ClassData = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("ipc", [1, 2, 10])
@pytest.mark.parametrize("name", NAMES)
def test_any_size_on_any_data(name: str, ipc: int, data: ClassData, tiny: Tiny, condense_tiny: Condense) -> None:
    cheap = {"outer": 2} if ipc == 10 and "inner" in tiny(name) else {}
    made = condense_tiny(name, data, ipc, **cheap)
    images, labels = made.decode()
    assert images.shape == (len(data.classes) * ipc, *data.shape)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert bool(images.isfinite().all())
    assert labels.tolist() == [c for c in data.classes for _ in range(ipc)]
    assert made.tensors["images"].dtype == torch.uint8
    assert made.nbytes == len(images) * (images[0].numel() + 1)
    assert (made.ipc, made.card["method"], made.card["shape"]) == (ipc, name, list(data.shape))


@pytest.mark.parametrize("ipc", [2, 3, 7, 60])
def test_gradient_matching_has_no_list_of_allowed_sizes(ipc: int, make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 2, 12)
    seen: list[Progress] = []
    condenser = create_condenser(
        {"name": "dc", "iterations": 1, "inner": 1, "batch_real": 4, "network": {"name": "mlp", "width": 8}}
    )
    made = condenser.condense(data, Budget(ipc=ipc), Context(progress=seen.append))
    assert len(made.tensors["images"]) == 2 * ipc
    assert [event.done for event in seen] == list(range(1, min(ipc, 50) + 1))


@pytest.mark.parametrize("name", METHODS.entries())
def test_learned_images_differ_from_their_start(name: str, grey8: ClassData, condense_tiny: Condense) -> None:
    still = condense_tiny(name, grey8, 2, lr=0.0)
    assert not torch.equal(still.tensors["images"], condense_tiny(name, grey8, 2, lr=1.0).tensors["images"])


@pytest.mark.parametrize("name", NAMES)
def test_the_card_has_every_hyperparameter(name: str, grey8: ClassData, tiny: Tiny, condense_tiny: Condense) -> None:
    made = condense_tiny(name, grey8, 1)
    registry = SELECTIONS if name in SELECTIONS.entries() else METHODS
    recorded = made.card["hyperparameters"]
    assert set(recorded) == {entry["name"] for entry in registry.describe(name)["fields"]}
    asked = {k: v for k, v in tiny(name).items() if k != "name"}
    for key, value in asked.items():
        if isinstance(value, dict):
            assert recorded[key].items() >= value.items(), "a part is recorded with all of its settings"
        else:
            assert recorded[key] == value
    assert json.loads(json.dumps(made.card)) == made.card
    assert made.card["parameterisation"]["name"] in PARAMETERISATIONS.entries()


@pytest.mark.parametrize("name", NAMES)
def test_a_condenser_says_what_the_protocol_asks(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(tiny(name))
    assert condenser.registered == name
    assert condenser.evaluation in ("dsa", "none")
    assert isinstance(condenser.couples_classes, bool)
    assert condenser.bytes_per_image(grey8) == 65


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_in_bytes_is_kept(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(tiny(name))
    made = condenser.condense(grey8, Budget(nbytes=1500), Context())
    assert (made.ipc, made.nbytes) == (2, 1300)
    exact = condenser.condense(grey8, Budget(nbytes=650), Context())
    assert (exact.ipc, exact.nbytes) == (1, 650)
    with pytest.raises(UsageError, match="649 bytes are too few: one image for each of 10 classes takes 650"):
        condenser.condense(grey8, Budget(nbytes=649), Context())


@pytest.mark.parametrize("name", METHODS.entries())
def test_wider_storage_buys_fewer_images(name: str, grey8: ClassData, tiny: Tiny) -> None:
    condenser = create_condenser(tiny(name) | {"parameterisation": {"name": "pixels", "storage": "float32"}})
    made = condenser.condense(grey8, Budget(nbytes=6000), Context())
    assert (made.ipc, made.nbytes) == (2, 2 * 10 * (64 * 4 + 1))


@pytest.mark.parametrize("name", NAMES)
def test_only_the_classes_that_are_there(name: str, grey8: ClassData, condense_tiny: Condense) -> None:
    made = condense_tiny(name, grey8.restrict([7, 2]), 3)
    assert made.decode()[1].tolist() == [2, 2, 2, 7, 7, 7]
    assert made.classes == (2, 7)
    assert made.card["class_names"] == list(grey8.class_names)


@pytest.mark.parametrize("name", NAMES)
def test_the_data_are_not_changed(name: str, make_data: Callable[..., ClassData], condense_tiny: Condense) -> None:
    data = make_data((1, 8, 8), 10, 20)
    before = data.images.clone(), data.labels.clone()
    condense_tiny(name, data, 2)
    assert torch.equal(before[0], data.images)
    assert torch.equal(before[1], data.labels)


@pytest.mark.parametrize("name", NAMES)
def test_only_networks_trained_on_the_set_couple_its_classes(name: str, tiny: Tiny) -> None:
    assert create_condenser(tiny(name)).couples_classes == (name in ("dc", "dsa"))


@pytest.mark.parametrize("name", ["herding", "k-center"])
def test_a_class_apart_is_the_class_in_company(name: str, grey8: ClassData, tiny: Tiny) -> None:
    """What is not coupled may be run class by class; what draws nothing then gives the same images."""
    condenser = create_condenser(tiny(name))
    whole = condenser.condense(grey8, Budget(ipc=3), Context()).tensors["images"]
    apart = [condenser.condense(grey8.restrict([c]), Budget(ipc=3), Context()).tensors["images"] for c in grey8.classes]
    assert torch.equal(whole, torch.cat(apart))


@pytest.mark.parametrize("name", SELECTIONS.entries())
def test_a_selection_of_more_images_than_there_are(
    name: str, make_data: Callable[..., ClassData], condense_tiny: Condense
) -> None:
    data = make_data((1, 8, 8), 3, 5)
    keep = torch.ones(15, dtype=torch.bool)
    keep[1] = False
    fewer = data.subset(keep.nonzero().flatten())
    with pytest.raises(
        UsageError, match=rf"{name}: ipc 5 is more than class 'class 1' of blobs8 has \(4 images\); take at most 4"
    ):
        condense_tiny(name, fewer, 5)


@pytest.mark.parametrize("name", METHODS.entries())
def test_a_method_may_make_more_images_than_there_are(
    name: str, make_data: Callable[..., ClassData], condense_tiny: Condense
) -> None:
    assert condense_tiny(name, make_data((1, 8, 8), 2, 3), 5, init="real").ipc == 5


@pytest.mark.parametrize("name", [n for n in SELECTIONS.entries() if n != "k-means-centroids"])
def test_selected_images_are_real_ones_of_their_class(name: str, data: ClassData, condense_tiny: Condense) -> None:
    made = condense_tiny(name, data, 5)
    stored = made.tensors["images"].view(len(data.classes), 5, *data.shape)
    for position, label in enumerate(data.classes):
        chosen = torch.tensor(made.card["indices"][data.class_names[label]])
        assert len(set(chosen.tolist())) == 5
        assert bool((data.labels[chosen] == label).all())
        assert torch.equal(stored[position], data.images[chosen])


@pytest.mark.parametrize("name", ["herding", "k-center", "k-means"])
def test_a_selection_in_a_networks_features(name: str, data: ClassData, condense_tiny: Condense) -> None:
    made = condense_tiny(name, data, 4, features="random-network")
    again = condense_tiny(name, data, 4, features="random-network")
    assert made.card["indices"] == again.card["indices"]
    assert made.card["indices"] != condense_tiny(name, data, 4).card["indices"]


def test_a_budget_is_one_of_two_positive_numbers() -> None:
    for ipc in (0, -1):
        with pytest.raises(UsageError, match=f"ipc {ipc}: at least 1 image per class is needed"):
            Budget(ipc=ipc)
    for wrong in ({}, {"ipc": 1, "nbytes": 100}):
        with pytest.raises(UsageError, match=r"a budget is either --ipc N .* or --bytes B"):
            Budget(**wrong)
    with pytest.raises(UsageError, match="0 bytes are too few"):
        Budget(nbytes=0).images_per_class(10, 65)
