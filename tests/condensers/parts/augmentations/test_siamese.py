"""Each family against its definition, pixel by pixel; what is shared and what is not; the range of
every parameter.
"""

import math

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.augmentations.base import Draw, Draws
from condensers.parts.augmentations.dsa import (
    FAMILIES,
    NoAugmentation,
    Siamese,
    apply_by_families,
    apply_several,
)

SHAPE = (3, 8, 8)


def literal_color(x: Tensor, u: list[float]) -> Tensor:
    x = x + (u[0] - 0.5)
    grey = (x[0] + x[1] + x[2]) / 3
    x = torch.stack([(channel - grey) * 2 * u[1] + grey for channel in x])
    mean = sum(x.flatten().tolist()) / x.numel()
    return (x - mean) * (u[2] + 0.5) + mean


def literal_crop(x: Tensor, shift: list[int]) -> Tensor:
    out = torch.zeros_like(x)
    _, height, width = x.shape
    for i in range(height):
        for j in range(width):
            if 0 <= i + shift[0] < height and 0 <= j + shift[1] < width:
                out[:, i, j] = x[:, i + shift[0], j + shift[1]]
    return out


def literal_cutout(x: Tensor, centre: list[int]) -> Tensor:
    """Every position of the square is clamped to the image, then set to zero."""
    out = x.clone()
    _, height, width = x.shape
    for i in range(height // 2):
        for j in range(width // 2):
            row = min(max(i + centre[0] - height // 4, 0), height - 1)
            column = min(max(j + centre[1] - width // 4, 0), width - 1)
            out[:, row, column] = 0
    return out


def literal_flip(x: Tensor, u: list[float]) -> Tensor:
    return (
        torch.stack([x[:, :, x.shape[2] - 1 - j] for j in range(x.shape[2])], 2)
        if u[0] < 0.5
        else x
    )


def literal_scale(x: Tensor, u: list[float]) -> Tensor:
    return literal_warp(
        x, [[u[0] * (1.2 - 1 / 1.2) + 1 / 1.2, 0.0], [0.0, u[1] * (1.2 - 1 / 1.2) + 1 / 1.2]]
    )


def literal_rotate(x: Tensor, u: list[float]) -> Tensor:
    angle = math.radians((u[0] - 0.5) * 30)
    return literal_warp(
        x, [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )


def literal_warp(x: Tensor, matrix: list[list[float]]) -> Tensor:
    """Bilinear reading at matrix @ (x, y), coordinates from -1 to 1 between the centres of the
    corner pixels, zero outside.
    """
    out = torch.zeros_like(x)
    _, height, width = x.shape
    for i in range(height):
        for j in range(width):
            across, down = 2 * j / (width - 1) - 1, 2 * i / (height - 1) - 1
            column = (matrix[0][0] * across + matrix[0][1] * down + 1) / 2 * (width - 1)
            row = (matrix[1][0] * across + matrix[1][1] * down + 1) / 2 * (height - 1)
            for r in (math.floor(row), math.floor(row) + 1):
                for c in (math.floor(column), math.floor(column) + 1):
                    if 0 <= r < height and 0 <= c < width:
                        out[:, i, j] += (1 - abs(row - r)) * (1 - abs(column - c)) * x[:, r, c]
    return out


LITERAL = {
    "color": literal_color,
    "crop": literal_crop,
    "cutout": literal_cutout,
    "flip": literal_flip,
    "scale": literal_scale,
    "rotate": literal_rotate,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_family_is_its_definition(family: str, generator: torch.Generator) -> None:
    x = torch.randn(12, *SHAPE, generator=generator)
    params = FAMILIES[family].draw(12, SHAPE, generator)
    got = FAMILIES[family].apply(x, params)
    wanted = torch.stack(
        [LITERAL[family](image, row.tolist()) for image, row in zip(x, params, strict=True)]
    )
    assert torch.allclose(got, wanted, atol=2e-5)
    assert not torch.allclose(got, x)


@pytest.mark.parametrize("centre", [(0, 0), (8, 8), (0, 8), (4, 4)])
def test_cutout_at_the_border_keeps_its_clamped_square(centre: tuple[int, int]) -> None:
    x = torch.ones(1, *SHAPE)
    got = FAMILIES["cutout"].apply(x, torch.tensor([centre]))
    assert torch.equal(got[0], literal_cutout(x[0], list(centre)))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shared_draw_is_the_same_for_batches_of_1_and_256(
    family: str, generator: torch.Generator
) -> None:
    image = torch.randn(1, *SHAPE, generator=generator)
    for _ in range(4):
        shared = FAMILIES[family].draw(1, SHAPE, generator)
        one = FAMILIES[family].apply(image, shared)
        many = FAMILIES[family].apply(image.expand(256, *SHAPE), shared)
        assert torch.equal(many, one.expand(256, *SHAPE))


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_of_a_batch_differ_from_image_to_image(
    family: str, generator: torch.Generator
) -> None:
    image = torch.randn(1, *SHAPE, generator=generator).expand(64, *SHAPE)
    got = FAMILIES[family].apply(image, FAMILIES[family].draw(64, SHAPE, generator))
    assert len(torch.unique(got.flatten(1), dim=0)) >= (2 if family == "flip" else 8)


@pytest.mark.parametrize("family", FAMILIES)
def test_differentiable_in_the_images(family: str, generator: torch.Generator) -> None:
    x = torch.randn(4, *SHAPE, generator=generator, requires_grad=True)
    params = FAMILIES[family].draw(4, SHAPE, generator)
    weights = torch.randn(4, *SHAPE, generator=generator)
    gradient = torch.autograd.grad((FAMILIES[family].apply(x, params) * weights).sum(), x)[0]
    assert bool(gradient.isfinite().all())
    assert bool((gradient.flatten(1).abs().sum(1) > 0).all())


def test_the_range_of_every_parameter() -> None:
    generator = torch.Generator().manual_seed(1)
    shape = (1, 32, 32)
    draws = {name: family.draw(4000, shape, generator) for name, family in FAMILIES.items()}
    for name in ("color", "flip", "scale", "rotate"):
        assert 0 <= draws[name].min() < 0.01
        assert 0.99 < draws[name].max() < 1
    assert (draws["crop"].min().item(), draws["crop"].max().item()) == (-4, 4)
    assert (draws["cutout"].min().item(), draws["cutout"].max().item()) == (0, 32)
    wanted = {"color": 3, "crop": 2, "cutout": 2, "flip": 1, "scale": 2, "rotate": 1}
    assert {name: d.shape[1] for name, d in draws.items()} == wanted


def test_a_28_pixel_image_moves_by_up_to_4_and_has_a_hole_of_14() -> None:
    generator = torch.Generator().manual_seed(1)
    shifts = FAMILIES["crop"].draw(2000, (1, 28, 28), generator)
    assert (shifts.min().item(), shifts.max().item()) == (-4, 4)
    hole = FAMILIES["cutout"].apply(torch.ones(1, 1, 28, 28), torch.tensor([[14, 14]]))
    assert int((hole == 0).sum()) == 14 * 14


def test_one_family_per_call_and_each_of_them_as_often(generator: torch.Generator) -> None:
    drawn = [Siamese().draw(1, SHAPE, generator).family for _ in range(3000)]
    assert all(abs(drawn.count(name) - 500) < 90 for name in FAMILIES)


def test_digits_are_never_mirrored(
    grey8: ClassData, colour32: ClassData, generator: torch.Generator
) -> None:
    assert "flip" not in Siamese().for_data(grey8).families()
    assert {Siamese().for_data(grey8).draw(1, SHAPE, generator).family for _ in range(500)} == set(
        FAMILIES
    ) - {"flip"}
    assert Siamese().for_data(colour32) == Siamese()
    with pytest.raises(UsageError, match="'flip' alone leaves nothing for blobs8"):
        Siamese("flip").for_data(grey8)


def test_an_unknown_family_is_refused_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="unknown family 'cutuot'; did you mean 'cutout'"):
        Siamese("color_cutuot")


def test_apply_uses_the_family_of_the_draw(generator: torch.Generator) -> None:
    x = torch.randn(2, *SHAPE, generator=generator)
    assert torch.equal(Siamese().apply(x, Draw("flip", torch.zeros(1, 1))), x.flip(3))
    assert torch.equal(Siamese().apply(x, Draw("flip", torch.full((1, 1), 0.5))), x)


def test_none_gives_the_images_back_and_draws_nothing(
    grey8: ClassData, generator: torch.Generator
) -> None:
    before = generator.get_state()
    x = torch.randn(2, 1, 8, 8)
    plain = NoAugmentation().for_data(grey8)
    assert plain.apply(x, plain.draw(2, (1, 8, 8), generator)) is x
    assert torch.equal(before, generator.get_state())


def test_together_applies_flip_and_colour_then_one_other_then_cutout(
    generator: torch.Generator,
) -> None:
    """IDC's order, whatever the order in the strategy's name."""
    together = Siamese("rotate_cutout_crop_color_scale_flip", mode="together")
    orders = [
        tuple(draw.family for draw in together.draw(1, SHAPE, generator).each) for _ in range(1500)
    ]
    assert {(order[0], order[1], order[3]) for order in orders} == {("flip", "color", "cutout")}
    assert all(
        abs(sum(order[2] == name for order in orders) - 500) < 90
        for name in ("crop", "scale", "rotate")
    )


def test_together_is_each_definition_after_the_other(generator: torch.Generator) -> None:
    x = torch.randn(5, *SHAPE, generator=generator)
    augmentation = Siamese("color_crop_cutout", mode="together")
    for n in (1, 5):
        drawn = augmentation.draw(n, SHAPE, generator)
        wanted = x
        for family, params in drawn.each:
            rows = params.expand(5, -1).tolist()
            wanted = torch.stack(
                [LITERAL[family](image, row) for image, row in zip(wanted, rows, strict=True)]
            )
        assert torch.allclose(augmentation.apply(x, drawn), wanted, atol=2e-5)
        assert [family for family, _ in drawn.each] == ["color", "crop", "cutout"]


@pytest.mark.parametrize("strategy", ["crop_rotate", "color", "cutout", "flip_cutout"])
def test_together_takes_any_strategy(strategy: str, generator: torch.Generator) -> None:
    x = torch.randn(3, *SHAPE, generator=generator)
    drawn = Siamese(strategy, mode="together").draw(3, SHAPE, generator)
    assert isinstance(drawn, Draws)
    assert len(drawn.each) == (1 if strategy != "flip_cutout" else 2)
    assert Siamese(strategy, mode="together").apply(x, drawn).shape == x.shape


def test_a_family_may_be_left_out() -> None:
    left = Siamese("color_crop_cutout", mode="together").without("cutout")
    assert left == Siamese("color_crop", mode="together")
    assert left.without("cutout") == left
    assert Siamese("cutout").without("cutout") == NoAugmentation()
    assert NoAugmentation().without("cutout") == NoAugmentation()


@pytest.mark.parametrize("mode", ["one", "together"])
def test_several_batches_at_once_are_each_under_its_own_draw(mode: str) -> None:
    generator, shape = torch.Generator().manual_seed(5), (3, 12, 12)
    augmentation = Siamese(mode=mode)
    batches = [
        torch.randn(n, *shape, generator=generator) for n in (3, 1, 4, 2, 5, 2, 3, 1, 2, 4, 3, 2)
    ]
    draws = [augmentation.draw(1, shape, generator) for _ in batches]
    families = {
        tuple(one.family for one in (draw.each if mode == "together" else (draw,)))
        for draw in draws
    }
    assert 1 < len(families) < len(batches)
    alone = apply_several(augmentation, batches, draws)
    for one, other in zip(apply_by_families(augmentation, batches, draws), alone, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
