"""Latent codes: decoding equals its equation written in loops, what is stored decodes to the same
bits, the bytes of the budget are kept and used up, gradients pass the rounding, the auto-encoder of
the warm start equals plain code and makes likenesses.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.parts.parameterisations.latent import Latent
from condensers.parts.parameterisations.pixels import Pixels
from condensers.parts.parameterisations.warm_start import AutoEncoder

MakeData = Callable[..., ClassData]
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (3, 64, 64)]
SMALL = Latent(channels=1, width=2, decoders=2, warm_steps=0)


def random_groups(part: Latent, data: ClassData, codes: int) -> dict[str, Tensor]:
    draw = torch.Generator().manual_seed(3)
    fresh = part.fresh(data, draw)
    fresh["decoders"] = fresh["decoders"] + 0.2 * torch.randn(
        fresh["decoders"].shape, generator=draw
    )
    return fresh | {"codes": torch.rand(codes, *part.code_shape(data.shape), generator=draw)}


def enlarged(maps: list[Tensor], weights: Tensor, biases: Tensor) -> list[Tensor]:
    """A transposed convolution: every input pixel stamps a 4 x 4 kernel, two pixels apart; the
    outermost pixels are cut off.
    """
    height, width = maps[0].shape
    out = []
    for target in range(weights.shape[1]):
        canvas = torch.zeros(2 * height + 2, 2 * width + 2, dtype=torch.float64)
        for source, plane in enumerate(maps):
            for y in range(height):
                for x in range(width):
                    canvas[2 * y : 2 * y + 4, 2 * x : 2 * x + 4] += (
                        plane[y, x] * weights[source, target]
                    )
        out.append(canvas[1:-1, 1:-1] + biases[target])
    return out


def literal_image(code: Tensor, row: Tensor, sizes: tuple[int, int, int], extent: Tensor) -> Tensor:
    """One code under one decoder, in float64; sizes: channels of the code, of the decoder's inside,
    of the image.
    """
    channels, inside, colours = sizes
    numbers = iter(row.double().tolist())

    def taken(*shape: int) -> Tensor:
        return torch.tensor(
            [next(numbers) for _ in range(math.prod(shape))], dtype=torch.float64
        ).view(*shape)

    first, shift = taken(channels, inside, 4, 4), taken(inside)
    second, offset = taken(inside, colours, 4, 4), taken(colours)
    hidden = [
        plane.clamp(min=0)
        for plane in enlarged([4 * (plane.double() - 0.5) for plane in code], first, shift)
    ]
    planes = enlarged(hidden, second, offset)
    return torch.stack(
        [plane.clamp(float(extent[0, c]), float(extent[1, c])) for c, plane in enumerate(planes)]
    )


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
def test_decoding_is_the_equation_in_loops_and_code_major(
    shape: tuple[int, int, int], make_data: MakeData
) -> None:
    data, part = make_data(shape, 2, 4), Latent(channels=2, width=3, decoders=3)
    groups = random_groups(part, data, 2)
    decoded = part.decode(groups, slice(None))
    assert decoded.shape == (2 * 3, *shape)
    half, extent = groups["decoders"].half(), groups["range"].half()
    for unit in range(2):
        code = (groups["codes"][unit].double() * 255).round() / 255
        for decoder in range(3):
            wanted = literal_image(code, half[decoder], (2 * shape[0], 3, shape[0]), extent)
            assert (decoded[unit * 3 + decoder] - wanted).abs().max() < 1e-5
            assert (wanted == wanted.clamp(-1.5, 1.5)).any(), "not all of it is clamped"


@pytest.mark.parametrize("storage", ["uint8", "float16"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_stored_decodes_to_the_same_bits(
    shape: tuple[int, int, int], storage: str, make_data: MakeData
) -> None:
    data, part = make_data(shape, 2, 4), Latent(storage=storage)
    groups = random_groups(part, data, 5)
    stored = part.pack(groups, data)
    assert {name: tensor.dtype for name, tensor in stored.items()} == {
        "codes": torch.uint8 if storage == "uint8" else torch.float16,
        "decoders": torch.float16,
        "range": torch.float16,
    }
    again = part.unpack(stored, data.mean, data.std, data.shape)
    assert torch.equal(part.decode(groups, slice(None)), again)
    black, white = ((v - data.mean[0]) / data.std[0] for v in (0, 1))
    assert bool((again[:, 0] >= black - 2e-3).all() and (again[:, 0] <= white + 2e-3).all())
    exact = part.render(groups["codes"], groups["decoders"], groups["range"])
    assert (again - exact).abs().mean() < 0.02, "the rounding of codes and decoders is small"


def test_a_part_of_the_units_decodes_to_its_part_of_the_images(grey8: ClassData) -> None:
    groups = random_groups(SMALL, grey8, 6)
    assert torch.allclose(
        SMALL.decode(groups, slice(2, 4)), SMALL.decode(groups, slice(None))[4:8], atol=1e-6
    )


@pytest.mark.parametrize("classes", [2, 10])
@pytest.mark.parametrize("ipc", [1, 2, 10, 50])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_the_budget_is_kept_and_used_up(
    shape: tuple[int, int, int], ipc: int, classes: int, make_data: MakeData
) -> None:
    data, part = make_data(shape, 10, 1).restrict(range(classes)), Latent()
    units, pixels = part.units(data, ipc), Pixels().nbytes(data, ipc)
    stored = part.pack(random_groups(part, data, units * classes), data)
    held = sum(t.numel() * t.element_size() for t in stored.values())
    assert part.nbytes(data, ipc) == held
    one_more = classes * (math.prod(part.code_shape(shape)) + 1)
    assert held + units * classes <= pixels < held + units * classes + one_more
    assert units > ipc or (ipc == 1 and classes == 2)


def test_no_room_for_one_code(grey8: ClassData) -> None:
    with pytest.raises(
        UsageError,
        match=(
            r"640 bytes \(ipc 1 of 10 classes of blobs8\) do not hold the decoders, 1184 bytes, and"
        ),
    ) as e:
        Latent().units(grey8, 1)
    assert "\n" not in str(e.value)
    assert Latent().units(grey8, 3) == (3 * 640 - 1184) // 90
    assert SMALL.units(grey8.restrict([2, 7]), 3) == (384 - 272) // 10


def test_sides_that_no_decoder_makes(make_data: MakeData) -> None:
    with pytest.raises(
        UsageError,
        match="images of blobs10 are 10 x 10, and a decoder makes sides that are multiples of 4",
    ):
        Latent().units(make_data((1, 10, 10), 2, 2), 50)


@pytest.mark.parametrize("storage", ["uint8", "float16"])
def test_gradients_pass_the_rounding_as_if_there_were_none(storage: str, grey8: ClassData) -> None:
    part = Latent(storage=storage, width=3)
    groups = random_groups(part, grey8, 4)
    leaves = {name: groups[name].clone().requires_grad_() for name in ("codes", "decoders")}
    wanted = torch.randn(4 * 2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    (part.decode(groups | leaves, slice(None)) * wanted).sum().backward()
    kept = {name: tensor.float() for name, tensor in part.pack(groups, grey8).items()}
    kept["codes"] = kept["codes"] / 255 if storage == "uint8" else kept["codes"]
    free = {name: kept[name].clone().requires_grad_() for name in leaves}
    wide = torch.tensor([[-1e6], [1e6]])  # so wide a range that nothing is clamped
    (part.render(free["codes"], free["decoders"], wide) * wanted).sum().backward()
    for name, leaf in leaves.items():
        assert leaf.grad is not None and leaf.grad.norm() > 0
        assert torch.allclose(leaf.grad, free[name].grad, atol=1e-4)


def test_what_was_learned_is_put_back_into_what_can_be_stored(grey8: ClassData) -> None:
    groups = random_groups(SMALL, grey8, 2)
    groups["codes"] += torch.tensor([2.0, -2.0]).view(2, 1, 1, 1)
    groups["decoders"][0] = torch.full_like(groups["decoders"][0], 1e6)
    SMALL.project(groups, grey8)
    assert groups["codes"].unique().tolist() == [0.0, 1.0]
    assert bool(SMALL.decode(groups, slice(None)).isfinite().all())


def start_of(part: Latent, data: ClassData, ipc: int) -> Tensor:
    each = part.units(data, ipc) * part.copies
    real = [
        data.normalise(data.images[data.members(label)])[torch.arange(each) % data.count(label)]
        for label in data.classes
    ]
    return torch.cat(real)


def test_a_warm_start_makes_likenesses_of_its_real_images(make_data: MakeData) -> None:
    data = make_data((1, 16, 16), 3, 14, noise=0.05)
    part = Latent(warm_steps=60, warm_batch=8, warm_lr=0.02)
    start = start_of(part, data, 3)
    chosen = start[:: part.copies]
    groups = part.groups(start, data, Context(seed=1))
    images = part.decode(groups, slice(None)).view(len(chosen), part.copies, *data.shape)
    error = (images - chosen[:, None]).square().mean()
    assert error < 0.25 * (chosen - chosen.mean(0)).square().mean()
    distances = torch.cdist(images[:, 0].flatten(1), chosen.flatten(1))
    labels = torch.tensor(data.classes).repeat_interleave(part.units(data, 3))
    assert torch.equal(labels[distances.argmin(1)], labels), (
        "an image is nearest to one of its own class"
    )
    cold = Latent(warm_steps=0).groups(start, data, Context(seed=1))
    assert (part.decode(cold, slice(None)) - start).square().mean() > 2 * error


def test_the_warm_start_is_the_auto_encoder_in_plain_code(grey8: ClassData) -> None:
    part = Latent(width=3, warm_steps=4, warm_batch=6, warm_lr=0.05)
    own = Context(seed=1)
    begun = AutoEncoder(part, grey8, own)
    encoder = {name: t.detach().clone() for name, t in begun.encoder.state_dict().items()}
    weights = [t.requires_grad_() for t in (*encoder.values(), begun.decoders.detach().clone())]
    moments = [(torch.zeros_like(t), torch.zeros_like(t)) for t in weights]
    extent, draw = begun.groups["range"], torch.Generator()
    draw.set_state(own.generator.get_state())

    def encode(x: Tensor) -> Tensor:
        a, a_bias, b, b_bias, c, c_bias = weights[:6]
        x = functional.conv2d(functional.pad(x, (1, 1, 1, 1)), a, a_bias, stride=2).clamp(min=0)
        x = functional.conv2d(functional.pad(x, (1, 1, 1, 1)), b, b_bias, stride=2).clamp(min=0)
        return 1 / (1 + torch.exp(-functional.conv2d(functional.pad(x, (1, 1, 1, 1)), c, c_bias)))

    for index in range(4):
        images, _ = grey8.batch(6, draw)
        images_of = part.decode(
            {"codes": encode(images), "decoders": weights[6], "range": extent}, slice(None)
        )
        losses = [
            ((images_of[i * 2 + d] - images[i]) ** 2).mean() for i in range(6) for d in range(2)
        ]
        gradients = torch.autograd.grad(sum(losses) / 12, weights)
        with torch.no_grad():
            for weight, (m, v), g in zip(weights, moments, gradients, strict=True):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                corrected = (m / (1 - 0.9 ** (index + 1))) / (
                    (v / (1 - 0.999 ** (index + 1))).sqrt() + 1e-8
                )
                weight -= 0.05 * (1 - index / 4) * corrected

    start = start_of(part, grey8, 4)
    groups = part.groups(start, grey8, Context(seed=7))
    repeated = AutoEncoder(part, grey8, own2 := Context(seed=1))
    assert repeated.generator is own2.generator
    for index in range(4):
        repeated.step(index)
    assert torch.allclose(repeated.decoders, weights[6], atol=2e-3)
    assert (repeated.decoders - begun.decoders).norm() > 0.1
    assert torch.allclose(repeated.codes(start[::2]), encode(start[::2]), atol=5e-3)
    forked = AutoEncoder(part, grey8, Context(seed=7).fork("warm-start"))
    for index in range(4):
        forked.step(index)
    assert torch.equal(groups["decoders"], forked.decoders), (
        "the run's own generator draws nothing for it"
    )
    assert torch.equal(groups["codes"], forked.codes(start[::2])), (
        "the first image of each code's copies"
    )


@pytest.mark.parametrize("stop", [0, 2, 5])
def test_a_warm_start_cut_off_goes_on_to_the_same_bytes(
    stop: int, grey8: ClassData, tmp_path: Path
) -> None:
    part = Latent(width=3, warm_steps=6, warm_batch=6)
    start, seen = start_of(part, grey8, 4), list[Progress]()
    wanted = part.groups(start, grey8, Context(seed=2))
    cut: dict[str, Any] = {"seed": 2, "folder": tmp_path, "progress": seen.append}
    with pytest.raises(Interrupted, match=f"warm-start: stopped at step {stop} of 6"):
        part.groups(start, grey8, Context(stop=lambda: len(seen) >= stop, **cut))
    assert (tmp_path / "warm-start" / "checkpoint.pt").exists()
    seen.clear()
    again = part.groups(start, grey8, Context(**cut))
    assert [event.done for event in seen] == list(range(stop + 1, 7))
    assert all(torch.equal(again[name], wanted[name]) for name in wanted)


def test_nothing_is_drawn_from_the_global_generator(grey8: ClassData) -> None:
    part = Latent(width=3, warm_steps=2)
    before = torch.get_rng_state()
    first = part.groups(start_of(part, grey8, 4), grey8, Context(seed=2))
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(1)
    second = part.groups(start_of(part, grey8, 4), grey8, Context(seed=2))
    assert all(torch.equal(first[name], second[name]) for name in first)
