"""A set that is saturated or constant says so; one that is as black or white as the real images are
does not.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from condensers.composition.learnable_set import LearnableSet
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import WorkFailed
from condensers.registry.registry import create_condenser
from condensers.sets.doubts import doubts, with_doubts
from condensers.sets.synthetic_set import Budget, SyntheticSet


def of_images(images: Tensor, like: SyntheticSet) -> SyntheticSet:
    return replace(like, tensors={**like.tensors, "images": images})


def mostly_black(data: ClassData) -> ClassData:
    """Real images of which four fifths are black, as MNIST's are."""
    images = data.images.clone()
    images[:, :, :, 1:] = torch.where(images[:, :, :, 1:] > 230, images[:, :, :, 1:], 0)
    return replace(data, images=images)


def test_saturation_is_measured_against_the_real_images(grey8: ClassData) -> None:
    black = mostly_black(grey8)
    share = float((black.images == 0).double().mean())
    assert share > 0.7
    chosen = create_condenser("random").condense(black, Budget(ipc=2), Context())
    assert doubts(chosen, black) == [], "as black as the real ones"
    assert "values are black or white" in doubts(chosen, grey8)[0]
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand(chosen.tensors["images"].shape, generator=generator)
    ends = torch.where(noise < 0.45, 0, torch.where(noise < 0.9, 255, 128)).to(torch.uint8)
    assert (
        "89 % of its pixel values are black or white (46 and 43 %)"
        in doubts(of_images(ends, chosen), black)[0]
    )


def test_constant_images_are_counted(grey8: ClassData, synthetic: SyntheticSet) -> None:
    images = synthetic.tensors["images"].clone()
    images[:3] = 77
    assert doubts(synthetic, grey8) == []
    assert doubts(of_images(images, synthetic), grey8) == [
        "3 of its 20 images are of one constant colour, where 0 % of blobs8 are: they show nothing"
    ]


def test_a_learning_rate_far_too_large_is_said_on_the_card(
    grey8: ClassData, condense_tiny: Callable[..., SyntheticSet]
) -> None:
    """The real images of `grey8` are hardly ever black or white; DM at a rate of 1000 makes nearly
    all pixels so.
    """
    made = with_doubts(condense_tiny("dm", grey8, 1, lr=1e5), grey8)
    assert "saturated, as by too large a learning rate" in made.card["doubts"][0]
    fine = with_doubts(replace(made, tensors=condense_tiny("dm", grey8, 1).tensors), grey8)
    assert "doubts" not in fine.card, "what was said of other images is taken back"


def test_what_is_not_finite_after_the_last_step_is_no_black_pixel(
    grey8: ClassData, condense_tiny: Callable[..., SyntheticSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss that the engine looks at is the one before the last step."""
    monkeypatch.setattr(
        LearnableSet, "project", lambda learned: learned.groups["images"].data.fill_(float("nan"))
    )
    with pytest.raises(WorkFailed, match="what it learned is not finite"):
        condense_tiny("dm", grey8, 1, iterations=1)
