"""Semantic mix on images whose objects are known: what gives the label stays, what comes in keeps
its bounds, seeds decide.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.views.semantic_mix import (
    SemanticMix,
    crop_around,
    integral_image,
    least_salient,
    mix_boxes,
)
from condensers.registry.registry import VIEWS, create_condenser
from condensers.sets.synthetic_set import Budget
from tests.condensers.parts.views.conftest import Composed, rough_of

Compose = Callable[..., Composed]
KINDS = ["paste", "crop", "cutmix"]


def mix(source: dict[str, Any], kind: str, **settings: Any) -> SemanticMix:
    made: SemanticMix = VIEWS.create(
        {"name": "semantic-mix", "kind": kind, "source": source, "rate": 1.0, **settings}
    )
    return made


@pytest.mark.parametrize("channels", [1, 3])
def test_paste_keeps_the_object_on_another_images_background(
    channels: int, composed: Compose
) -> None:
    data, objects, rough = composed(channels)
    seen = mix(rough, "paste", threshold=0.25).apply(data, Context()).images
    pasted = VIEWS.create(rough).masks(data, Context()) >= 0.25 * 255
    assert bool((pasted | ~objects).all()), "the mask covers the object"
    assert torch.equal(
        seen[pasted[:, None].expand_as(seen)], data.images[pasted[:, None].expand_as(seen)]
    )
    partners = []
    for own, image in zip(pasted, seen, strict=True):
        clear = ~own & ~pasted
        found = [
            n
            for n in range(len(seen))
            if torch.equal(image[:, clear[n]], data.images[n][:, clear[n]])
        ]
        assert len(found) == 1, "outside of both objects it is one other image"
        partners += found
        covered = image[:, pasted[found[0]] & ~own]
        assert bool((covered == covered[:, :1]).all()), "whose own object is under one colour"
    assert sorted(partners) == list(range(len(seen)))
    assert all(a != b for a, b in enumerate(partners))


@pytest.mark.parametrize("channels", [1, 3])
def test_crop_enlarges_the_object(channels: int, composed: Compose) -> None:
    data, objects, rough = composed(channels)
    seen = mix(rough, "crop").apply(data, Context()).images
    area = (seen[:, 0] > 170).sum((1, 2)) / objects.sum((1, 2))
    assert bool((area > 1.3).all())


@pytest.mark.parametrize(
    ("rows", "columns", "margin", "smallest"),
    [((3, 9), (5, 8), 0.1, 0.1), ((0, 2), (9, 12), 0.0, 0.5)],
)
def test_a_crop_is_its_box_enlarged(
    rows: Any, columns: Any, margin: float, smallest: float
) -> None:
    image = torch.randint(0, 256, (1, 2, 10, 12), generator=torch.Generator().manual_seed(0)).to(
        torch.uint8
    )
    objects = torch.zeros(1, 10, 12, dtype=torch.bool)
    objects[0, rows[0] : rows[1], columns[0] : columns[1]] = True
    found = crop_around(image, objects, margin, smallest)
    longest = max((rows[1] - rows[0]) / 10, (columns[1] - columns[0]) / 12)
    side = min(1, max(smallest, longest * (1 + 2 * margin)))
    top, left = (
        min(max(sum(span) / 2 - side * size / 2, 0), size - side * size)
        for span, size in ((rows, 10), (columns, 12))
    )
    for i in range(10):
        for j in range(12):
            y, x = (
                min(max(top + (i + 0.5) * side - 0.5, 0), 9),
                min(max(left + (j + 0.5) * side - 0.5, 0), 11),
            )
            y0, x0 = min(int(y), 8), min(int(x), 10)
            corners = image[0, :, y0 : y0 + 2, x0 : x0 + 2].double()
            across = corners[..., 0] * (1 - x + x0) + corners[..., 1] * (x - x0)
            wanted = across[:, 0] * (1 - y + y0) + across[:, 1] * (y - y0)
            assert (found[0, :, i, j] - wanted).abs().max() <= 0.51


def test_an_image_without_an_object_is_not_cropped(composed: Compose) -> None:
    images = composed(3).data.images
    assert torch.equal(
        crop_around(images, torch.zeros(len(images), 28, 28, dtype=torch.bool), 0.1, 0.5), images
    )


def levels(count: int, shape: tuple[int, int]) -> Tensor:
    return (
        (10 * torch.arange(count))
        .to(torch.uint8)
        .view(-1, 1, 1, 1)
        .expand(count, 1, *shape)
        .clone()
    )


@pytest.mark.parametrize("bounds", [(0.1, 0.5), (0.3, 0.2), (0.01, 1.0)])
def test_cutmix_keeps_both_bounds(bounds: tuple[float, float]) -> None:
    generator = torch.Generator().manual_seed(3)
    masks = torch.randint(0, 256, (20, 12, 10), generator=generator).to(torch.uint8)
    masks[:, 4:8, 3:7] = 255
    images, partners = levels(20, (12, 10)), torch.arange(20).roll(7)
    found = mix_boxes(images, masks, partners, bounds, generator)
    changed = (found != images)[:, 0]
    assert torch.equal(found[:, 0], torch.where(changed, images[partners][:, 0], images[:, 0]))
    assert len(changed.sum((1, 2)).unique()) > 1, "sides are drawn"
    for n in range(20):
        rows, columns = changed[n].any(1).sum(), changed[n].any(0).sum()
        assert changed[n].sum() == rows * columns, "what changed is one box"
        assert masks[n][changed[n]].sum() <= bounds[0] * masks[n].sum()
        assert masks[partners[n]][changed[n]].sum() <= bounds[1] * masks[partners[n]].sum()


def test_the_box_is_the_least_salient_that_keeps_the_bounds() -> None:
    generator = torch.Generator().manual_seed(5)
    own, others = torch.randint(0, 256, (2, 30, 8, 8), generator=generator).to(torch.uint8)
    found = least_salient(integral_image(own), integral_image(others), 0.5, (0.22, 0.24), generator)
    none = 0
    for n in range(30):
        sums = {}
        for i in range(5):
            for j in range(5):
                mine, theirs = (
                    int(one[n, i : i + 4, j : j + 4].sum()) / int(one[n].sum())
                    for one in (own, others)
                )
                if mine <= 0.22 and theirs <= 0.24:
                    sums[i, j] = mine
        none += not sums
        if not sums:
            assert not found[n].any()
            continue
        i, j = min(sums, key=lambda place: sums[place])
        wanted = torch.zeros(8, 8, dtype=torch.bool)
        wanted[i : i + 4, j : j + 4] = True
        assert torch.equal(found[n], wanted)
    assert 0 < none < 30


def test_where_everything_is_as_salient_nothing_that_counts_is_replaced() -> None:
    masks, generator = (
        torch.full((5, 6, 6), 255, dtype=torch.uint8),
        torch.Generator().manual_seed(0),
    )
    images, partners = levels(5, (6, 6)), torch.arange(5).roll(1)
    assert torch.equal(mix_boxes(images, masks, partners, (0.02, 1.0), generator), images)
    nothing_salient = mix_boxes(images, masks * 0, partners, (0.0, 0.0), generator)
    assert bool((nothing_salient != images).flatten(1).any(1).all())


@pytest.mark.parametrize("kind", KINDS)
def test_seeds_decide_and_classes_may_be_few(kind: str, composed: Compose, tmp_path: Any) -> None:
    made = composed(3)
    view = mix(made.rough, kind, rate=0.5)
    first, again, other = (view.apply(made.data, Context(seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)
    assert torch.equal(first.labels, made.data.labels)
    changed = (first.images != made.data.images).flatten(1).any(1)
    assert all(int(changed[made.data.members(label)].sum()) == 2 for label in made.data.classes)
    one = made.data.restrict([1])
    source = rough_of(made.objects[made.data.labels == 1], tmp_path / "one.npy")
    assert not torch.equal(mix(source, kind).apply(one, Context()).images, one.images)
    single = one.subset(torch.tensor([0]))
    alone = mix(rough_of(made.objects[4:5], tmp_path / "single.npy"), kind).apply(single, Context())
    assert alone.images.shape == single.images.shape


def test_classes_are_coupled_where_images_meet(composed: Compose) -> None:
    assert [mix(composed(1).rough, kind).couples_classes for kind in KINDS] == [True, False, True]


REFUSED = [
    (
        {"source": "identity"},
        "view semantic-mix.source: view identity gives no masks; take saliency",
    ),
    ({"replaced": 0.6}, "view semantic-mix.brought: 0.5 is more than what stays of an image"),
    ({"smallest": 2.0}, "view semantic-mix.smallest: 2.0 is above 1; it is a share from 0 to 1"),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSED, ids=["source", "bounds", "share"])
def test_settings_that_do_not_fit(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        VIEWS.create({"name": "semantic-mix", "source": {"name": "mask"}} | settings)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_method_learns_from_what_the_view_made(
    kind: str, composed: Compose, tiny: Callable[[str], dict[str, Any]]
) -> None:
    data, _, rough = composed(1)
    spec = tiny("dm") | {"init": "real"}
    view = {"name": "semantic-mix", "kind": kind, "source": rough, "rate": 1.0}
    plain, seen = (
        create_condenser(spec | {"view": one}).condense(data, Budget(ipc=2), Context()).decode()[0]
        for one in ("identity", view)
    )
    assert not torch.equal(plain, seen)
