"""mnist-5k-textured: the digits of mnist-5k in their split, never another pixel, visible
everywhere, on backgrounds that know nothing of the class, with their true masks for whatever part
of them is asked for.
"""

import hashlib
from collections.abc import Callable

import numpy as np
import pytest
import torch

from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.datasets import load
from scenarios.datasets.textured import (
    CONTRAST,
    LUMINANCE,
    compose_all,
    find_true_masks,
    true_masks,
)
from scenarios.protocol import Splits


@pytest.fixture(scope="module")
def splits() -> Splits:
    return load("mnist-5k-textured")


@pytest.fixture(scope="module")
def plain() -> Splits:
    return load("mnist-5k")


def test_the_images_never_change() -> None:
    assert hashlib.sha256(compose_all().images.tobytes()).hexdigest()[:16] == "084580120f83b468"


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_a_true_mask_is_the_ink_of_the_same_digit(part: str, splits: Splits, plain: Splits) -> None:
    data, other = getattr(splits, part), getattr(plain, part)
    assert data.shape == (3, 28, 28)
    assert torch.equal(data.labels, other.labels)
    assert torch.equal(true_masks(data) == 255, other.images[:, 0] >= 128)


def test_masks_follow_the_images(splits: Splits) -> None:
    data = splits.validation
    whole, order = true_masks(data), torch.arange(len(data.images)).flip(0)
    assert torch.equal(true_masks(data.subset(order)), whole.flip(0))
    kept = torch.isin(data.labels, torch.tensor([3, 7]))
    assert torch.equal(true_masks(data.restrict([3, 7])), whole[kept])


def test_every_digit_stands_out_from_its_background(splits: Splits, plain: Splits) -> None:
    images = splits.test.images.double().numpy().transpose(0, 2, 3, 1) @ LUMINANCE / 255
    ink = plain.test.images[:, 0].numpy()
    for image, strength in zip(images, ink, strict=True):
        digit, background = np.median(image[strength >= 250]), image[strength == 0]
        apart = max(digit - background.max(), background.min() - digit)
        assert apart >= CONTRAST - 0.01


def test_the_background_says_nothing_of_the_class(splits: Splits) -> None:
    """The corners' colours of every class are those of all, within what chance allows."""
    data = splits.train
    corners = data.images[:, :, [0, 0, -1, -1], [0, -1, 0, -1]].double().mean(2)
    whole, spread = corners.mean(0), corners.std(0)
    for label in data.classes:
        members = corners[data.members(label)]
        assert bool(((members.mean(0) - whole).abs() < 4 * spread / len(members) ** 0.5).all())


def test_other_images_have_no_true_masks(
    splits: Splits, make_data: Callable[..., ClassData]
) -> None:
    strange = make_data((3, 28, 28), 3, 2)
    assert find_true_masks(strange) is None
    with pytest.raises(UsageError, match="blobs28: image 0 is not one of mnist-5k-textured"):
        true_masks(strange)
    assert find_true_masks(splits.validation) is not None
    few = load("mnist-5k-textured~20").train
    assert torch.equal(find_true_masks(few), true_masks(few)) and len(few.images) == 180
