"""Fills: each is what its name says, and "other" shows another image without what its own mask
keeps.
"""

from collections.abc import Callable

import pytest
import torch

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.views.filling import FILLS, fill_masked, fills


@pytest.mark.parametrize("name", FILLS)
def test_a_mask_of_ones_keeps_every_byte_whatever_the_fill(
    name: str, colour32: ClassData, generator: torch.Generator
) -> None:
    masks = torch.full((len(colour32.images), 32, 32), 255, dtype=torch.uint8)
    assert torch.equal(
        fill_masked(colour32.images, masks, fills(name, colour32, masks, generator)),
        colour32.images,
    )


def test_blur_keeps_the_mean_and_loses_the_detail(
    grey28: ClassData, generator: torch.Generator
) -> None:
    noisy = grey28.images.float()
    blurred = fills("blur", grey28, torch.zeros(42, 28, 28), generator).float()
    assert (blurred.mean((1, 2, 3)) - noisy.mean((1, 2, 3))).abs().max() < 6
    assert blurred.diff(dim=3).abs().mean() < 0.1 * noisy.diff(dim=3).abs().mean()


def test_noise_has_the_data_sets_mean_and_differs_between_images(
    colour32: ClassData, generator: torch.Generator
) -> None:
    noise = fills("noise", colour32, torch.zeros(42, 32, 32), generator)
    assert noise.shape == colour32.images.shape
    assert not torch.equal(noise[0], noise[1])
    means = noise.float().mean((0, 2, 3)) / 255
    assert torch.allclose(means, torch.tensor(colour32.mean), atol=0.03)


def test_other_is_another_image_each_once_and_without_its_kept_part(
    make_data: Callable[..., ClassData], generator: torch.Generator
) -> None:
    plain = make_data((1, 8, 8), 3, 4)
    levels = torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1) * 10
    images = levels.expand(12, 1, 8, 8).clone()
    masks = torch.zeros(12, 8, 8, dtype=torch.uint8)
    masks[:, 2:6, 2:6] = 255
    images[:, :, 2:6, 2:6] = 255
    data = ClassData("levels", images, plain.labels, plain.class_names, (0.5,), (0.5,))
    found = fills("other", data, masks, generator)
    assert bool((found == found[:, :, :1, :1]).all()), "no bright square of another image is left"
    shown = found[:, 0, 0, 0].tolist()
    assert sorted(shown) == levels.flatten().tolist()
    assert all(a != b for a, b in zip(shown, levels.flatten().tolist(), strict=True))


def test_an_unknown_fill_is_refused(grey8: ClassData, generator: torch.Generator) -> None:
    with pytest.raises(UsageError, match="unknown fill 'blurr'; did you mean 'blur'"):
        fills("blurr", grey8, torch.zeros(200, 8, 8), generator)
