"""Bases and hallucinators: the equation in loops, what is stored decodes to what was learned, the
bytes of the budget, a start that gives back real images.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.parts.parameterisations.bases import Bases
from condensers.parts.parameterisations.pixels import stored_bytes

MakeData = Callable[..., ClassData]
COLD = Bases(hallucinators=2, warm_steps=0)


def literal_image(base: Tensor, parts: list[Tensor]) -> Tensor:
    """One base through one hallucinator, in float64."""
    kernels, bias, scale, shift, back, offset = (part.double() for part in parts)
    colours, channels = kernels.shape[:2]
    height, width = base.shape[1] - 2, base.shape[2] - 2
    inside = torch.zeros(colours, height, width, dtype=torch.float64)
    for c in range(colours):
        for y in range(height):
            for x in range(width):
                seen = sum(
                    kernels[c, b, i, j] * base[b, y + i, x + j].double()
                    for b in range(channels)
                    for i in range(3)
                    for j in range(3)
                )
                inside[c, y, x] = scale[c, y, x] * (seen + bias[c]) + shift[c, y, x]
    image = offset.view(-1, 1, 1).repeat(1, *base.shape[1:])
    for source in range(colours):
        for y in range(height):
            for x in range(width):
                image[:, y : y + 3, x : x + 3] += inside[source, y, x] * back[source]
    return image


def random_networks(part: Bases, shape: tuple[int, int, int]) -> Tensor:
    draw = torch.Generator().manual_seed(4)
    fresh = part.fresh(shape, draw)
    return fresh + 0.3 * torch.randn(fresh.shape, generator=draw)


@pytest.mark.parametrize(("shape", "channels"), [((1, 4, 5), "image"), ((3, 5, 4), "one")])
def test_an_image_is_the_equation_in_loops_and_base_major(
    shape: tuple[int, int, int], channels: str
) -> None:
    part = Bases(hallucinators=3, channels=channels)
    networks = random_networks(part, shape)
    bases = torch.randn(2, *part.base_shape(shape), generator=torch.Generator().manual_seed(1))
    images = part.render(bases, networks, shape)
    assert images.shape == (6, *shape)
    sizes = part.sizes(shape)
    for unit in range(2):
        for which in range(3):
            flat = torch.split(networks[which], [math.prod(size) for size in sizes])
            parts = [one.view(size) for one, size in zip(flat, sizes, strict=True)]
            wanted = literal_image(bases[unit], parts)
            assert (images[3 * unit + which] - wanted).abs().max() < 1e-4


def test_numbers_and_start_are_those_of_the_published_layers() -> None:
    part = Bases()
    torch.manual_seed(0)
    layers = nn.Conv2d(3, 3, 3), nn.ConvTranspose2d(3, 3, 3)
    published = sum(p.numel() for layer in layers for p in layer.parameters()) + 2 * 3 * 30 * 30
    fresh = replace(part, hallucinators=400).fresh((3, 32, 32), torch.Generator().manual_seed(0))
    assert fresh.shape == (400, published)
    sizes = [math.prod(size) for size in part.sizes((3, 32, 32))]
    kernels, bias, scale, shift, back, offset = torch.split(fresh, sizes, 1)
    assert bool((scale == 1).all()) and not bool(shift.any())
    for drawn in (kernels, bias, back, offset):
        assert 0.99 * 27**-0.5 < float(drawn.abs().max()) <= 27**-0.5


@pytest.mark.parametrize(
    "settings",
    [{}, {"channels": "one"}, {"shrink": 2, "map_shrink": 3}, {"channels": "one", "shrink": 3}],
)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 10, 7)])
def test_what_is_stored_decodes_to_what_was_learned(
    shape: tuple[int, int, int], settings: dict[str, Any], make_data: MakeData
) -> None:
    data, part = make_data(shape, 2, 6), replace(COLD, **settings)
    groups = part.groups(data.normalise(data.images[:8]), data, Context(seed=1))
    groups["hallucinators"] = random_networks(part, shape)
    stored = part.pack(groups, data)
    assert {n: t.dtype for n, t in stored.items()} == {
        "bases": torch.uint8,
        "hallucinators": torch.float16,
    }
    again = part.unpack(stored, data.mean, data.std, data.shape)
    assert again.shape == (8, *shape)
    assert torch.allclose(part.decode(groups, slice(None)), again, atol=1e-5)
    assert torch.allclose(part.decode(groups, slice(1, 3)), again[2:6], atol=1e-5)
    for name in stored:
        with pytest.raises(ValueError, match="its bases and hallucinators are of"):
            part.unpack({**stored, name: stored[name][:, :0]}, data.mean, data.std, data.shape)
    some = part.take(stored, torch.tensor([3, 0]))
    two = part.unpack(some, data.mean, data.std, data.shape)
    assert torch.allclose(two, again[[6, 7, 0, 1]], atol=1e-5)
    joined = part.join([some, part.take(stored, torch.tensor([1]))])
    assert torch.equal(joined["bases"], stored["bases"][[3, 0, 1]])
    other = {**some, "hallucinators": some["hallucinators"] + 1}
    with pytest.raises(UsageError, match="bases with hallucinators of their own"):
        part.join([some, other])


def test_a_base_is_the_real_image_that_it_starts_from(make_data: MakeData) -> None:
    data = make_data((3, 8, 8), 2, 6)
    start = data.normalise(data.images[:4])
    whole = COLD.groups(start, data, Context())
    assert torch.equal(whole["bases"], start[::2])
    assert torch.equal(COLD.pack(whole, data)["bases"], data.images[:4:2])
    grey = replace(COLD, channels="one", shrink=2).groups(start, data, Context())["bases"]
    wanted = start[::2].mean(1, keepdim=True).view(2, 1, 4, 2, 4, 2).mean((3, 5))
    assert torch.allclose(grey, wanted, atol=1e-6)


@pytest.mark.parametrize("channels", ["image", "one"])
def test_what_was_learned_is_put_back_into_what_can_be_stored(
    channels: str, make_data: MakeData
) -> None:
    data, part = make_data((3, 8, 8), 2, 6), replace(COLD, channels=channels)
    groups = part.groups(data.normalise(data.images[:4]), data, Context())
    groups["bases"] += torch.tensor([50.0, -50.0]).view(2, 1, 1, 1)
    groups["hallucinators"][0] = 1e6
    part.project(groups, data)
    stored = part.pack(groups, data)
    assert stored["bases"].unique().tolist() == [0, 255]
    assert bool(stored["hallucinators"].isfinite().all())


def test_gradients_pass_the_rounding(make_data: MakeData) -> None:
    data = make_data((1, 8, 8), 2, 6)
    groups = COLD.groups(data.normalise(data.images[:4]), data, Context())
    leaves = {name: groups[name].requires_grad_() for name in ("bases", "hallucinators")}
    COLD.decode(groups, slice(None)).square().sum().backward()
    kept = COLD.pack(groups, data)
    mean, std = data.mean[0], data.std[0]
    bases = ((kept["bases"].float() / 255 - mean) / std).requires_grad_()
    networks = kept["hallucinators"].float().requires_grad_()
    COLD.render(bases, networks, data.shape).square().sum().backward()
    for leaf, free in zip(leaves.values(), (bases, networks), strict=True):
        assert leaf.grad is not None and free.grad is not None
        assert leaf.grad.norm() > 0
        assert torch.allclose(leaf.grad, free.grad, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("ipc", [3, 10, 50])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_budget_is_kept_and_used_up(
    shape: tuple[int, int, int], ipc: int, make_data: MakeData
) -> None:
    data, part = make_data(shape, 10, 1), Bases()
    units, unit = part.units(data, ipc), math.prod(shape)
    inside = (shape[1] - 2) * (shape[2] - 2)
    each = 2 * shape[0] * (9 * shape[0] + 1 + inside)
    assert part.nbytes(data, ipc) == 10 * units * unit + 2 * 5 * each
    held = part.nbytes(data, ipc) + 10 * units
    assert held <= stored_bytes(data, ipc) < held + 10 * (unit + 1)
    assert units * part.copies > ipc


def test_budgets_that_do_not_hold_the_hallucinators(make_data: MakeData) -> None:
    data = make_data((3, 32, 32), 10, 1)
    with pytest.raises(
        UsageError,
        match=(
            r"parameterisation bases: 30730 bytes \(ipc 1 of 10 classes of blobs32\) do not hold"
            r" what all images share, 55680 bytes, and one labelled unit of 3073 bytes"
        ),
    ):
        Bases().units(data, 1)
    assert Bases(channels="one", map_shrink=4).units(data, 1) == 2
    with pytest.raises(UsageError, match="images of blobs2 are 2 x 2, smaller than the kernels"):
        Bases().units(make_data((1, 2, 2), 2, 2), 50)


def test_a_warm_start_gives_back_real_images(make_data: MakeData) -> None:
    data = make_data((3, 16, 16), 3, 8, noise=0.05)
    start, errors = data.normalise(data.images[:8]), []
    for steps in (0, 40):
        part = replace(COLD, map_shrink=4, warm_steps=steps, warm_batch=8, warm_lr=0.03)
        groups = part.groups(start, data, Context(seed=1))
        images = part.decode(groups, slice(None)).view(4, 2, *data.shape)
        errors.append(float((images - start[::2, None]).square().mean()))
    assert errors[1] < 0.2 * errors[0]


def test_a_warm_start_cut_off_goes_on_to_the_same_bytes(grey8: ClassData, tmp_path: Path) -> None:
    part, seen = replace(COLD, warm_steps=4, warm_batch=6), list[Progress]()
    start = grey8.normalise(grey8.images[:6])
    wanted = part.groups(start, grey8, Context(seed=2))
    cut: dict[str, Any] = {"seed": 2, "folder": tmp_path}
    with pytest.raises(Interrupted, match="warm-start: stopped at step 2 of 4"):
        part.groups(start, grey8, Context(progress=seen.append, stop=lambda: len(seen) >= 2, **cut))
    again = part.groups(start, grey8, Context(**cut))
    assert all(torch.equal(again[name], wanted[name]) for name in wanted)
