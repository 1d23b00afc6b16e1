"""GrabCut on images whose objects are known: it keeps them and takes the rest, alike for one seed;
failures are counted.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

from condensers.engine.context import Context, Progress
from condensers.errors import UsageError
from condensers.parts.views.background import Background
from condensers.registry.registry import VIEWS
from tests.condensers.parts.views.conftest import Composed, rough_of

pytest.importorskip("cv2")
Compose = Callable[..., Composed]


def background(seed: dict[str, Any], **settings: Any) -> Background:
    made: Background = VIEWS.create({"name": "background", "seed": seed, **settings})
    return made


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_object_stays_and_the_background_goes(
    channels: int, scale: int, composed: Compose
) -> None:
    data, objects, rough = composed(channels)
    seen = background(rough, scale=scale, fill="black").apply(data, Context())
    everywhere = objects[:, None].expand_as(data.images)
    assert torch.equal(seen.images[everywhere], data.images[everywhere]), (
        "the object's pixels stay exactly"
    )
    gone = (seen.images == 0).all(1) & ~objects
    assert (gone.sum((1, 2)) / (~objects).sum((1, 2))).min() >= 0.9
    wrong = int((gone == objects).sum())
    seed = VIEWS.create(rough).masks(data, Context())
    by_threshold = [int(((seed >= level) != objects).sum()) for level in range(25, 255, 10)]
    assert 3 * wrong < min(by_threshold), "no threshold on the seed's masks comes near"
    assert torch.equal(seen.labels, data.labels)


def test_equal_seeds_give_equal_masks(composed: Compose, tmp_path: Path) -> None:
    data, _, rough = composed(3)
    view = background(rough, scale=2)
    first = view.masks(data, Context(seed=5))
    view.masks(composed(3, seed=1).data, Context(seed=7))
    assert torch.equal(view.masks(data, Context(seed=5)), first)
    kept = Context(seed=5, cache=tmp_path / "cache")
    assert torch.equal(view.masks(data, kept), first)
    (file,) = (tmp_path / "cache" / "maps").glob("*.safetensors")
    changed = file.stat().st_mtime_ns
    assert torch.equal(view.masks(data, kept), first)
    assert torch.equal(replace(view, fill="blur").masks(data, kept), first), (
        "the fill has no part in the masks"
    )
    assert file.stat().st_mtime_ns == changed
    assert len(list((tmp_path / "cache" / "maps").glob("*.safetensors"))) == 1


def test_an_image_is_cut_by_itself(composed: Compose, tmp_path: Path) -> None:
    data, objects, rough = composed(1)
    whole = background(rough, scale=2).masks(data, Context())
    for classes in ([0, 2], [1]):
        some = torch.isin(data.labels, torch.tensor(classes))
        few = background(rough_of(objects[some], tmp_path / "few.npy"), scale=2)
        assert torch.equal(few.masks(data.restrict(classes), Context()), whole[some])


def test_what_cannot_be_cut_keeps_the_seeds_mask_and_is_counted(
    composed: Compose, tmp_path: Path
) -> None:
    data, objects, _ = composed(1)
    everything = objects.clone()
    everything[:2] = True
    everything[2] = False
    rough = rough_of(everything[3:], tmp_path / "some.npy")
    seeds = torch.cat(
        [
            everything[:3].to(torch.uint8) * 255,
            VIEWS.create(rough).masks(data.subset(torch.arange(3, 12)), Context()),
        ]
    )
    numpy.save(tmp_path / "seeds.npy", seeds.numpy())
    events: list[Progress] = []
    view = background({"name": "mask", "file": str(tmp_path / "seeds.npy")}, scale=2)
    masks = view.masks(data, Context(progress=events.append))
    assert [event.note for event in events if event.name == "grabcut"] == [
        "3 without a cut keep the seed's mask"
    ]
    assert torch.equal(masks[:3], seeds[:3])
    assert not torch.equal(masks[3:], seeds[3:])


def test_a_part_of_each_class_is_cut(composed: Compose) -> None:
    data, _, rough = composed(1)
    seen = background(rough, scale=1, rate=0.5).apply(data, Context())
    changed = (seen.images != data.images).flatten(1).any(1)
    assert [int(changed[data.members(label)].sum()) for label in data.classes] == [2, 2, 2]


def test_softness_keeps_the_part_of_a_pixel_that_is_foreground(composed: Compose) -> None:
    """A pixel is three by three for the cut, which the seed decides wherever colours tell nothing
    apart.
    """
    made = composed(1)
    data = replace(made.data, images=torch.full_like(made.data.images, 90))
    hard, soft = (
        background(made.rough, scale=3, softness=value).masks(data, Context())
        for value in (0.0, 1.0)
    )
    assert set(hard.unique().tolist()) == {0, 255}
    assert set(soft.unique().tolist()) > {0, 255}
    assert torch.equal(hard, (soft >= 128).to(torch.uint8) * 255)


REFUSED = [
    ({"seed": "identity"}, "view background.seed: view identity gives no masks; take saliency"),
    (
        {"probable": 0.95},
        "sure_background 0.2, probable 0.95 and sure_foreground 0.9 must rise in this order",
    ),
    ({"rate": 1.5}, "view background.rate: 1.5 is above 1; it is a share from 0 to 1"),
]


@pytest.mark.parametrize(("settings", "sentence"), REFUSED, ids=["seed", "order", "rate"])
def test_settings_that_do_not_fit(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        VIEWS.create({"name": "background", "seed": {"name": "mask"}} | settings)
    assert sentence in str(refused.value)


def test_two_channels_are_neither_grey_nor_colour(composed: Compose) -> None:
    data, _, rough = composed(3)
    two = replace(data, images=data.images[:, :2], mean=data.mean[:2], std=data.std[:2])
    with pytest.raises(
        UsageError, match="composed has 2 channels; GrabCut takes grey or colour images"
    ):
        background(rough).apply(two, Context())


def test_without_opencv_it_says_what_to_install(
    composed: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, _, rough = composed(1)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(
        UsageError,
        match=r'view background needs OpenCV .*; run pip install "condensation-harness\[views\]"',
    ):
        background(rough).apply(data, Context())


def test_the_seed_says_whether_classes_are_coupled(composed: Compose) -> None:
    assert not background(composed(1).rough).couples_classes


@pytest.mark.parametrize("classes", [[0, 1, 2], [1]])
@pytest.mark.parametrize("kind", ["background", "paste", "cutmix"])
def test_saliency_is_a_seed_and_its_seconds_count(
    kind: str, classes: list[int], composed: Compose, tmp_path: Path
) -> None:
    pytest.importorskip("captum")
    data, context = composed(1).data.restrict(classes), Context(cache=tmp_path)
    saliency = {
        "name": "saliency",
        "epochs": 1,
        "algorithm": "integrated-gradients",
        "network": {"name": "convnet", "width": 4},
    }
    spec = {"name": "background", "seed": saliency}
    view = VIEWS.create(
        spec
        if kind == "background"
        else {"name": "semantic-mix", "kind": kind, "source": saliency, "rate": 1.0}
    )
    seen = view.apply(data, context)
    assert not torch.equal(seen.images, data.images)
    assert torch.equal(view.apply(data, context).images, seen.images)
    taken = VIEWS.create(saliency).maps(data, context).seconds
    assert view.maps(data, context).seconds >= taken > 0
    assert view.couples_classes
    assert view.preparation(data) == VIEWS.create(saliency).preparation(data)
