"""A set's classes, its shrinking, merging and condensing anew: which images stay, what is stored,
and what is refused.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, recondense, restrict, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.sets.units import as_data, copies_of, units_of

LATENT = {
    "name": "latent",
    "channels": 1,
    "width": 2,
    "decoders": 2,
    "warm_steps": 40,
    "warm_batch": 8,
}
TEACHER = {"name": "teacher", "epochs": 1, "storage": "float16"}
STORAGES: dict[str, dict[str, Any]] = {
    "pixels": {"name": "random"},
    "tiles": {"name": "real-tiles", "factor": 2},
    "soft tiles": {
        "name": "real-tiles",
        "factor": 2,
        "labels": TEACHER,
        "network": {"name": "convnet", "depth": 2, "width": 4},
    },
    "latent": {"name": "dm", "iterations": 1, "batch_real": 8, "parameterisation": LATENT},
    "jpeg": {"name": "real-jpeg", "quality": 20},
    "png": {"name": "real-png"},
    "transform": {"name": "real-transform", "step": 0.2},
}


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((1, 16, 16), 4, 60, noise=0.05)


@pytest.fixture(scope="module")
def made(data: ClassData) -> dict[str, SyntheticSet]:
    """Sets of six stored images or more for each of four classes, by what they are stored as."""
    return {
        key: create_condenser(spec).condense(data, Budget(ipc=6), Context(seed=1))
        for key, spec in STORAGES.items()
    }


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def images_by_class(synthetic: SyntheticSet) -> dict[int, Any]:
    images, _ = synthetic.decode()
    labels = as_data(synthetic).labels
    return {c: images[labels == c] for c in synthetic.classes}


def ledger(synthetic: SyntheticSet, units: int, classes: int) -> int:
    """The bytes of some units of each of some classes, but for files, from the sizes of a unit and
    of what all share.
    """
    tensors, shared = dict(synthetic.tensors), ("decoders", "range", "head", "tail")
    total = sum(len(of) for of in units_of(synthetic).values())
    each = sum(t.nbytes for name, t in tensors.items() if name not in shared) // total
    return units * classes * each + sum(tensors[name].nbytes for name in shared if name in tensors)


@pytest.mark.parametrize("kind", STORAGES)
def test_restricted_is_the_part_of_some_classes(
    kind: str, made: dict[str, SyntheticSet], tmp_path: Path
) -> None:
    whole = made[kind]
    each = len(units_of(whole)[0])
    part = restrict(whole, [3, 1])
    assert (part.classes, part.ipc, part.card["images_per_class"]) == (
        (1, 3),
        whole.ipc,
        each * copies_of(whole),
    )
    if kind not in ("jpeg", "png", "transform"):
        assert part.nbytes == ledger(whole, each, 2)
    assert part.nbytes < whole.nbytes
    for c, images in images_by_class(part).items():
        assert torch.equal(images, images_by_class(whole)[c])
    save_set(part, tmp_path / "part.safetensors")
    images, labels = load_set(tmp_path / "part.safetensors").decode()
    assert torch.equal(images, part.decode()[0])
    rows = torch.isin(as_data(whole).labels, torch.tensor([1, 3]))
    assert torch.equal(labels, whole.decode()[1][rows])
    assert restrict(whole, whole.classes) is whole
    if "indices" in whole.card:
        assert part.card["indices"] == {n: whole.card["indices"][n] for n in ("class 1", "class 3")}


@pytest.mark.parametrize("how", ["first", "random", "herding"])
@pytest.mark.parametrize("kind", STORAGES)
def test_shrunk_keeps_units_whole(
    kind: str, how: str, made: dict[str, SyntheticSet], data: ClassData
) -> None:
    whole = made[kind]
    each, copies = len(units_of(whole)[0]), copies_of(whole)
    small = shrink(whole, 2, how, draw())
    assert {c: len(of) for c, of in units_of(small).items()} == dict.fromkeys(whole.classes, 2)
    assert small.card["shrunk"] == {"from": each, "to": 2, "how": how}
    assert small.ipc == max(1, 6 * 2 // each)
    if kind not in ("jpeg", "png", "transform"):
        assert small.nbytes == ledger(whole, 2, 4)
    before, after = images_by_class(whole), images_by_class(small)
    labels = dict(
        zip(
            (i.numpy().tobytes() for i in whole.decode()[0]),
            whole.decode()[1].tolist(),
            strict=True,
        )
    )
    for image, label in zip(*small.decode(), strict=True):
        assert labels[image.numpy().tobytes()] == label.tolist()
    for c, images in after.items():
        known = [unit.numpy().tobytes() for unit in before[c].split(copies)]
        found = [known.index(unit.numpy().tobytes()) for unit in images.split(copies)]
        assert len(set(found)) == 2
        if how == "first":
            assert found == [0, 1]
    if whole.card["method"] in ("random", "real-png"):
        indices = [i for name in data.class_names for i in small.card["indices"][name]]
        assert torch.equal(as_data(small).images, data.images[indices])
    assert torch.equal(shrink(whole, 2, how, draw()).decode()[0], small.decode()[0])


def test_herding_keeps_the_image_nearest_to_the_mean_of_its_class(
    made: dict[str, SyntheticSet],
) -> None:
    whole = made["pixels"]
    one = images_by_class(shrink(whole, 1, "herding", draw()))
    for c, images in images_by_class(whole).items():
        distances = (images - images.mean(0)).flatten(1).norm(dim=1)
        assert torch.equal(one[c][0], images[distances.argmin()])


@pytest.mark.parametrize("kind", STORAGES)
def test_parts_of_a_set_are_that_set_again(kind: str, made: dict[str, SyntheticSet]) -> None:
    whole = made[kind]
    again = merge([restrict(whole, [2]), restrict(whole, [3, 0]), restrict(whole, [1])])
    assert again.nbytes == whole.nbytes
    assert {name: t.tolist() for name, t in again.tensors.items()} == {
        name: t.tolist() for name, t in whole.tensors.items()
    }
    told = again.card.pop("merged_from")  # type: ignore[attr-defined]
    assert again.card == whole.card
    assert [one["classes"] for one in told] == [[2], [0, 3], [1]]


@pytest.mark.parametrize("kind", ["pixels", "soft tiles", "jpeg"])
def test_sets_of_the_same_classes_become_more_images(
    kind: str, made: dict[str, SyntheticSet], data: ClassData
) -> None:
    one, spec = made[kind], STORAGES[kind]
    other = create_condenser(spec).condense(data, Budget(ipc=3), Context(seed=9))
    both = merge([one, other])
    assert (both.ipc, both.classes, both.card["seed"]) == (9, one.classes, None)
    assert both.card["digest"] == data.digest
    assert [(part["seed"], part["bytes"]) for part in both.card["merged_from"]] == [
        (1, one.nbytes),
        (9, other.nbytes),
    ]
    shared = sum(one.tensors[name].nbytes for name in ("head", "tail") if name in one.tensors)
    assert both.nbytes == one.nbytes + other.nbytes - shared
    for c, images in images_by_class(both).items():
        assert torch.equal(images, torch.cat([images_by_class(one)[c], images_by_class(other)[c]]))
    assert (
        both.card["indices"]["class 2"]
        == one.card["indices"]["class 2"] + other.card["indices"]["class 2"]
    )


def test_sets_of_different_experiences_say_so(data: ClassData) -> None:
    method = create_condenser({"name": "random"})
    parts = [method.condense(data.restrict(c), Budget(ipc=2), Context()) for c in ([0, 1], [2, 3])]
    both = merge(parts)
    assert (both.classes, both.ipc) == ((0, 1, 2, 3), 2)
    assert both.card["digest"] == "+".join(data.restrict(c).digest for c in ([0, 1], [2, 3]))
    assert both.cost["seconds"] == sum(part.cost["seconds"] for part in parts)
    unequal = merge([parts[0], shrink(parts[1], 1, "first", draw())])
    assert unequal.image_count == 6 and len(unequal.decode()[0]) == 6
    assert list(unequal.card["counts"].values()) == [2, 2, 1, 1]


def test_a_learned_rate_stays_where_all_sets_have_it(made: dict[str, SyntheticSet]) -> None:
    def rated(classes: list[int], rate: float) -> SyntheticSet:
        part = restrict(made["pixels"], classes)
        card = {**part.card, "recipe": {**part.recipe, "lr": "rates"}}
        return SyntheticSet({**part.tensors, "rates": torch.tensor([rate])}, card)

    same, other = (
        merge([rated([0, 1], 0.5), rated([2, 3], 0.5)]),
        merge([rated([0, 1], 0.5), rated([2, 3], 0.1)]),
    )
    assert same.tensors["rates"].tolist() == [0.5]
    assert same.recipe["lr"] == "rates"
    assert "rates" not in other.tensors
    assert "lr" not in other.recipe


@pytest.mark.parametrize("kind", ["pixels", "soft tiles", "latent"])
def test_recondensed_is_made_of_the_images_of_a_set(
    kind: str, made: dict[str, SyntheticSet], data: ClassData
) -> None:
    old = restrict(made[kind], [0, 2])
    new = recondense(old, create_condenser({"name": "herding"}), Budget(ipc=2), Context())
    known = {
        (c, i.numpy().tobytes())
        for c, i in zip(as_data(old).labels.tolist(), as_data(old).images, strict=True)
    }
    found = {
        (int(c), i.numpy().tobytes())
        for c, i in zip(new.tensors["labels"], new.tensors["images"], strict=True)
    }
    assert len(found) == 4
    assert found <= known
    assert (new.classes, new.ipc, new.card["digest"]) == ((0, 2), 2, data.digest)
    assert new.card["recondensed_from"]["bytes"] == old.nbytes
    assert new.card["recondensed_from"]["method"] == old.card["method"]
    assert "indices" not in new.card


def test_a_learned_method_condenses_a_set_anew(made: dict[str, SyntheticSet]) -> None:
    dm = create_condenser(
        {
            "name": "dm",
            "iterations": 2,
            "batch_real": 6,
            "network": {"name": "convnet", "depth": 2, "width": 4},
        }
    )
    new = recondense(made["pixels"], dm, Budget(ipc=1), Context())
    assert (new.ipc, new.card["method"], new.classes) == (1, "dm", (0, 1, 2, 3))
    assert new.nbytes == 4 * (16 * 16 * new.tensors["images"].element_size() + 1)


def test_centroids_have_no_indices_and_shrink_all_the_same(data: ClassData) -> None:
    whole = create_condenser({"name": "k-means-centroids"}).condense(data, Budget(ipc=3), Context())
    small = shrink(whole, 1, "herding", draw())
    assert small.card["indices"] == {name: [] for name in data.class_names}
    assert len(merge([small, whole]).tensors["images"]) == 16


def test_what_cannot_be_is_one_sentence(made: dict[str, SyntheticSet], data: ClassData) -> None:
    whole = made["pixels"]
    dd = replace(
        whole, card={**whole.card, "recipe": {**whole.recipe, "ordered": True, "epochs": 1}}
    )
    other_codes = create_condenser(STORAGES["latent"]).condense(
        data, Budget(ipc=6), Context(seed=2)
    )
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: restrict(whole, [0, 7]), r"cannot be restricted to \(0, 7\)"),
        (lambda: restrict(whole, []), "cannot be restricted to"),
        (
            lambda: shrink(whole, 7, "first", draw()),
            "a set of 6 stored images for each class cannot be shrunk to 7; take 1 to 6",
        ),
        (lambda: shrink(whole, 0, "first", draw()), "cannot be shrunk to 0"),
        (lambda: shrink(whole, 2, "herd", draw()), "did you mean 'herding'"),
        (lambda: shrink(dd, 2, "first", draw()), "learned for the order of its images"),
        (lambda: merge([]), "no set to merge"),
        (lambda: merge([dd, dd]), "learned for the order of its images"),
        (lambda: merge([whole, made["tiles"]]), r"cards differ \(parameterisation\)"),
        (
            lambda: merge([made["tiles"], made["soft tiles"]]),
            r"cards differ \(recipe, dtype of the labels\)",
        ),
        (
            lambda: merge([restrict(whole, [0, 1]), restrict(whole, [1, 2])]),
            "share some of their classes, but not all",
        ),
        (
            lambda: merge(
                [
                    restrict(made["soft tiles"], [0]),
                    shrink(restrict(made["soft tiles"], [1]), 1, "first", draw()),
                ]
            ),
            "stored images for each class cannot be one; shrink the larger",
        ),
        (lambda: merge([made["latent"], other_codes]), "codes with decoders of their own"),
        (
            lambda: recondense(
                whole, create_condenser({"name": "random"}), Budget(ipc=9), Context()
            ),
            r"has \(6 images\)",
        ),
    ]
    for call, told in cases:
        with pytest.raises(UsageError, match=told) as fault:
            call()
        assert "\n" not in str(fault.value)
