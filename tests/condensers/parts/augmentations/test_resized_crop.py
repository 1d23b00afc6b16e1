"""Resized crops: what is cut and enlarged, rolled and mirrored, and how a curriculum shrinks it."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.augmentations.resized_crop import ResizedCrop, cut_boxes, draw_boxes
from condensers.registry.registry import AUGMENTATIONS, create_condenser


def images_of(count: int, height: int, width: int) -> Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("size", [(12, 20), (6, 10), (5, 3)])
def test_a_crop_is_what_torch_makes_of_its_pixels(size: tuple[int, int]) -> None:
    """Enlarged or made smaller: torch's bilinear interpolation without aliasing is the oracle."""
    draw = torch.Generator().manual_seed(2)
    images, boxes = images_of(30, 12, 20), draw_boxes(30, (3, 12, 20), (0.08, 1.0), draw)
    found = cut_boxes(images, boxes, size)
    for image, box, mine in zip(images, boxes.tolist(), found, strict=True):
        top, left, rows, columns = box
        pixels = image[None, :, top : top + rows, left : left + columns]
        wanted = functional.interpolate(pixels, size=size, mode="bilinear", antialias=True)[0]
        assert torch.allclose(mine, wanted, atol=1e-5)


def test_boxes_lie_in_the_image_and_keep_the_areas_that_were_asked_for() -> None:
    boxes = draw_boxes(4000, (1, 32, 16), (0.08, 1.0), torch.Generator().manual_seed(3)).double()
    top, left, rows, columns = boxes.unbind(1)
    assert float(top.min()) == 0 and float(left.min()) == 0
    assert bool((top + rows <= 32).all()) and bool((left + columns <= 16).all())
    assert float((top + rows).max()) == 32 and float((left + columns).max()) == 16
    areas = rows * columns / (32 * 16)
    assert float(areas.min()) > 0.05 and float(areas.max()) == 1
    assert float(areas.mean()) == pytest.approx(0.54, abs=0.02)


def test_whole_images_are_only_rolled_each_by_itself() -> None:
    images, crop = images_of(8, 9, 7), ResizedCrop(smallest=1.0, mirror=False, roll=3)
    drawn = crop.draw(8, (3, 9, 7), torch.Generator().manual_seed(4))
    moved = [tuple(map(int, by)) for by in drawn.params[:, 5:].tolist()]
    assert len(set(moved)) > 3
    for image, mine, by in zip(images, crop.apply(images, drawn), moved, strict=True):
        assert torch.equal(mine, torch.roll(image, by, (1, 2)))
    still = ResizedCrop(smallest=1.0, mirror=False, roll=0)
    assert torch.equal(
        images, still.apply(images, still.draw(8, (3, 9, 7), torch.Generator().manual_seed(4)))
    )


def test_half_of_the_images_are_mirrored_where_labels_survive_it(
    grey8: ClassData, colour32: ClassData
) -> None:
    crop = ResizedCrop(smallest=1.0, roll=0)
    images = images_of(40, 6, 6)
    drawn = crop.draw(40, (3, 6, 6), torch.Generator().manual_seed(5))
    mirrored = drawn.params[:, 4] == 1
    assert 10 < int(mirrored.sum()) < 30
    found = crop.apply(images, drawn)
    assert torch.equal(found[mirrored], images[mirrored].flip(3))
    assert torch.equal(found[~mirrored], images[~mirrored])
    for data in (grey8, colour32):
        assert crop.for_data(data).mirror == data.mirror
    assert not crop.without("flip").mirror


def test_gradients_reach_the_pixels_that_are_shown() -> None:
    images = images_of(2, 8, 8).requires_grad_()
    crop = ResizedCrop(smallest=0.2, largest=0.3)
    crop.apply(images, crop.draw(2, (3, 8, 8), torch.Generator().manual_seed(6))).sum().backward()
    assert images.grad is not None
    shown = (images.grad != 0).double().mean().item()
    assert 0.1 < shown < 0.5
    assert float(images.grad.sum()) == pytest.approx(2 * 3 * 64, rel=1e-4)


@pytest.mark.parametrize(
    ("curriculum", "easy"),
    [
        ("step", lambda t: 1.0),
        ("linear", lambda t: 1 - t),
        ("cosine", lambda t: (1 + math.cos(math.pi * t)) / 2),
    ],
)
def test_a_curriculum_begins_with_whole_images(curriculum: str, easy: object) -> None:
    """The formulas of CDA's code, min_crop at iteration i of T with milestone m: t = i / (m T)."""
    crop = ResizedCrop(smallest=0.08, curriculum=curriculum, until=0.5)
    for done in (0.0, 0.1, 0.3, 0.49):
        wanted = 0.08 + (1.0 - 0.08) * easy(done / 0.5)  # type: ignore[operator]
        assert crop.at(done).smallest == pytest.approx(wanted)
    for done in (0.5, 0.9):
        assert crop.at(done).smallest == pytest.approx(0.08)
    assert crop.varies and not crop.at(0.2).varies
    plain = ResizedCrop()
    assert plain.at(0.3) is plain and not plain.varies


def test_what_cannot_be_cut_or_followed_is_refused() -> None:
    with pytest.raises(UsageError, match=r"crops from 0.9 to 0.5 of an image cannot be cut"):
        AUGMENTATIONS.create({"name": "resized-crop", "smallest": 0.9, "largest": 0.5})
    with pytest.raises(UsageError, match=r"take curriculum none, or model schedule fresh"):
        create_condenser(
            {
                "name": "dm",
                "augmentation": {"name": "resized-crop", "curriculum": "linear"},
                "model_schedule": "cached",
            }
        )


@pytest.mark.parametrize(("side", "furthest"), [(8, 1), (28, 4), (32, 4), (64, 4)])
def test_small_images_are_moved_by_less(side: int, furthest: int) -> None:
    """Rolled and padded crops alike: 4 pixels of 32 are an eighth, and of 8 half of the image."""
    images = torch.zeros(4, 1, side, side, dtype=torch.uint8)
    data = ClassData("black", images, torch.arange(4) % 2, ("a", "b"), (0.5,), (0.2,))
    for name, columns in (("resized-crop", slice(5, 7)), ("crop", slice(0, 2))):
        whole = {"smallest": 1.0} if name == "resized-crop" else {}
        augmentation = AUGMENTATIONS.create({"name": name, **whole}).for_data(data)
        drawn = augmentation.draw(400, data.shape, torch.Generator().manual_seed(5))
        reach = furthest if name == "resized-crop" else 2 * furthest
        assert int(drawn.params[:, columns].max()) == reach, name
    still = AUGMENTATIONS.create({"name": "resized-crop", "smallest": 1.0, "roll": 0})
    drawn = still.for_data(data).draw(20, data.shape, torch.Generator().manual_seed(5))
    assert not drawn.params[:, 5:7].any()
