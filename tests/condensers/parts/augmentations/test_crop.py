"""Crops of padded images, against torch's own padding and slicing, image by image."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.parts.augmentations.base import Draw
from condensers.parts.augmentations.crop import Crop


def literally(raw: Tensor, data: ClassData, params: Tensor, pad: int) -> Tensor:
    """What the usual pipeline does: pad the stored image with zeros, cut, mirror, normalise."""
    images = []
    for image, (row, column, mirrored) in zip(raw, params.tolist(), strict=True):
        padded = functional.pad(image, (pad, pad, pad, pad))
        height, width = image.shape[1:]
        cut = padded[:, row : row + height, column : column + width]
        images.append(cut.flip(2) if mirrored else cut)
    return data.normalise(torch.stack(images))


def test_it_is_the_usual_pipeline(colour32: ClassData) -> None:
    data, raw = replace(colour32, mirror=True), colour32.images[:40]
    part = Crop(padding=3).for_data(data)
    draw = part.draw(40, data.shape, torch.Generator().manual_seed(0))
    assert set(draw.params[:, 2].tolist()) == {0, 1}
    assert set(draw.params[:, :2].flatten().tolist()) == set(range(7))
    torch.testing.assert_close(
        part.apply(data.normalise(raw), draw), literally(raw, data, draw.params, 3)
    )


def test_one_draw_is_shared_by_all_and_the_middle_changes_nothing(colour32: ClassData) -> None:
    part, images = Crop().for_data(colour32), colour32.normalise(colour32.images[:3])
    assert torch.equal(part.apply(images, Draw("crop", torch.tensor([[4, 4, 0]]))), images)
    moved = part.apply(images, Draw("crop", torch.tensor([[0, 4, 0]])))
    assert torch.equal(moved[:, :, 4:], images[:, :, :-4])


def test_digits_are_not_mirrored(grey8: ClassData) -> None:
    part = Crop().for_data(replace(grey8, mirror=False))
    draw = part.draw(200, grey8.shape, torch.Generator().manual_seed(0))
    assert int(draw.params[:, 2].sum()) == 0
    assert Crop().without("flip") == Crop(mirror=False)


def test_gradients_reach_the_pixels_that_are_seen() -> None:
    images = torch.zeros(1, 1, 8, 8, requires_grad=True)
    seen = Crop(padding=2).apply(images, Draw("crop", torch.tensor([[0, 0, 0]])))
    seen.sum().backward()
    assert images.grad is not None
    wanted = torch.zeros(8, 8)
    wanted[:6, :6] = 1
    assert torch.equal(images.grad[0, 0], wanted)
