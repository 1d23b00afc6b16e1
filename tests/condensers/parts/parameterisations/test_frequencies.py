"""Frequencies: the cosines of the equation written in loops, the masks of largest variance, what is
stored decodes to what was learned, the bytes of the budget, sets in parts and as one.
"""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.frequencies import (
    Frequencies,
    choose_frequencies,
    pack_bits,
    unpack_bits,
)
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, recondense, restrict, shrink
from condensers.sets.synthetic_set import Budget

MakeData = Callable[..., ClassData]
STORAGES = ("int8", "float16", "float32")


def start_of(part: Frequencies, data: ClassData, ipc: int) -> Tensor:
    each = part.units(data, ipc)
    real = [
        data.normalise(data.images[data.members(c)])[torch.arange(each) % data.count(c)]
        for c in data.classes
    ]
    return torch.cat(real)


def literal_cosine(k: int, n: int, side: int) -> float:
    norm = math.sqrt(1 / side) if k == 0 else math.sqrt(2 / side)
    return norm * math.cos((2 * n + 1) * k * math.pi / (2 * side))


def literal_plane(image: Tensor) -> Tensor:
    """The cosine transform of one plane (H, W), a sum over all pixels for each frequency."""
    height, width = image.shape
    out = torch.zeros(height, width, dtype=torch.float64)
    for u in range(height):
        for v in range(width):
            out[u, v] = sum(
                float(image[y, x]) * literal_cosine(u, y, height) * literal_cosine(v, x, width)
                for y in range(height)
                for x in range(width)
            )
    return out


def literal_image(plane: Tensor) -> Tensor:
    height, width = plane.shape
    out = torch.zeros(height, width, dtype=torch.float64)
    for y in range(height):
        for x in range(width):
            out[y, x] = sum(
                float(plane[u, v]) * literal_cosine(u, y, height) * literal_cosine(v, x, width)
                for u in range(height)
                for v in range(width)
            )
    return out


def test_masks_and_images_are_the_equation_in_loops(make_data: MakeData) -> None:
    data, part = make_data((2, 5, 6), 2, 7), Frequencies(share=0.3, storage="float32")
    groups = part.groups(start := start_of(part, data, 2), data, Context())
    decoded, each = part.decode(groups, slice(None)), part.units(data, 2)
    assert part.count_frequencies(data.shape) == 9
    for position, label in enumerate(data.classes):
        images = data.normalise(data.images[data.members(label)])
        planes = torch.stack([literal_plane(image.mean(0)) for image in images])
        variance = (planes - planes.mean(0)).square().mean(0).flatten()
        wanted = sorted(sorted(range(30), key=lambda k: -float(variance[k]))[:9])
        assert groups["positions"][position].tolist() == wanted
        kept = torch.zeros(30)
        kept[wanted] = 1
        for unit in (position * each, position * each + each - 1):
            for channel in range(2):
                masked = literal_plane(start[unit, channel]) * kept.view(5, 6)
                found = decoded[unit, channel].double()
                assert (found - literal_image(masked)).abs().max() < 1e-5


def test_of_equal_variances_the_lower_frequencies_are_chosen(make_data: MakeData) -> None:
    data = make_data((1, 4, 4), 1, 1)
    assert choose_frequencies(data, data.images, 3).tolist() == [0, 1, 4]


def test_a_step_on_coefficients_is_a_step_on_pixels_and_the_mask(grey8: ClassData) -> None:
    """Cosines are orthonormal: x' = x - lr D'(m . D g D') D."""
    part, lr = Frequencies(share=0.2, storage="float32"), 3.0
    groups = part.groups(start_of(part, grey8, 1), grey8, Context())
    groups["coefficients"].requires_grad_()
    images = part.decode(groups, slice(None))
    pixels = images.detach().clone().requires_grad_()
    (images.sin().square().sum()).backward()
    (pixels.sin().square().sum()).backward()
    assert groups["coefficients"].grad is not None and pixels.grad is not None
    moved = {**groups, "coefficients": groups["coefficients"] - lr * groups["coefficients"].grad}
    whole = pixels.detach() - lr * pixels.grad
    blank = {**groups, "coefficients": torch.zeros_like(groups["coefficients"])}
    kept = part.groups(whole, grey8, Context())
    wanted = part.decode({**blank, "coefficients": kept["coefficients"]}, slice(None))
    assert torch.equal(kept["positions"], groups["positions"])
    assert torch.allclose(part.decode(moved, slice(None)), wanted, atol=1e-4)


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 10, 7)])
def test_what_is_stored_decodes_to_what_was_learned(
    shape: tuple[int, int, int], storage: str, make_data: MakeData
) -> None:
    data, part = make_data(shape, 2, 5), Frequencies(share=0.5, storage=storage)
    groups = part.groups(start := start_of(part, data, 4), data, Context())
    stored = part.pack(groups, data)
    again = part.unpack(stored, data.mean, data.std, data.shape)
    assert torch.allclose(part.decode(groups, slice(None)), again, atol=1e-5)
    assert sum(t.numel() * t.element_size() for t in stored.values()) == part.nbytes(data, 4)
    whole = Frequencies(share=1.0, storage=storage)
    near = whole.decode(whole.groups(start, data, Context()), slice(None))
    step = math.sqrt(shape[1] * shape[2]) / 254  # of all coefficients of pixels in [0, 1]
    error = ((near - start) * torch.tensor(data.std).view(-1, 1, 1)).square().mean().sqrt()
    assert (
        float(error)
        < {"int8": 1.2 * step / math.sqrt(12), "float16": 1e-3, "float32": 1e-6}[storage]
    )


def test_no_image_of_pixels_is_beyond_what_bytes_hold(make_data: MakeData) -> None:
    data, part = make_data((1, 8, 8), 1, 4), Frequencies(share=1.0)
    checks = (torch.arange(8)[:, None] + torch.arange(8)) % 2 * 255
    halves = torch.zeros(8, 8)
    halves[:4] = 255
    images = torch.stack([torch.zeros(8, 8), torch.full((8, 8), 255.0), checks, halves])
    seen = data.normalise(images[:, None].to(torch.uint8))
    groups = part.groups(seen, data, Context())
    before = groups["coefficients"].clone()
    part.project(groups, data)
    assert torch.allclose(groups["coefficients"], before, atol=1e-5)
    groups["coefficients"] += 1e4
    part.project(groups, data)
    assert torch.equal(
        part.pack(groups, data)["coefficients"], torch.full((4, 1, 64), 127, dtype=torch.int8)
    )


def test_gradients_pass_the_rounding_and_stay_within_their_units(grey8: ClassData) -> None:
    part = Frequencies(share=0.25)
    groups = part.groups(start_of(part, grey8, 1), grey8, Context())
    leaf = groups["coefficients"].requires_grad_()
    each = part.units(grey8, 1)
    images = part.decode(groups, slice(each, 2 * each))
    whole = part.decode(groups, slice(None))[each : 2 * each]
    assert torch.allclose(images, whole, atol=1e-6)
    (images[0].square().sum() / 2).backward()
    assert leaf.grad is not None
    # Of orthonormal cosines: the coefficient itself, as it is stored.
    stored = part.decode({**groups, "coefficients": leaf.detach()}, slice(each, each + 1))
    assert leaf.grad[each].square().sum() == pytest.approx(float(stored.square().sum()), rel=1e-4)
    assert leaf.grad.count_nonzero(dim=(1, 2)).nonzero().flatten().tolist() == [each]


@pytest.mark.parametrize("masks", ["class", "all"])
@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_the_budget_is_kept_and_used_up(
    shape: tuple[int, int, int], ipc: int, masks: str, make_data: MakeData
) -> None:
    data, part = make_data(shape, 10, 1), Frequencies(masks=masks)
    units = part.units(data, ipc)
    held = part.nbytes(data, ipc) + 10 * units
    more = 10 * (shape[0] * part.count_frequencies(shape) + 1)
    assert held <= stored_bytes(data, ipc) < held + more
    assert units > 12 * ipc
    assert part.couples_classes == (masks == "all")


def test_a_set_in_parts_and_as_one(make_data: MakeData) -> None:
    data, part = make_data((1, 9, 9), 3, 6), Frequencies(share=0.1)
    groups = part.groups(start_of(part, data, 2), data, Context())
    stored, each = part.pack(groups, data), part.units(data, 2)
    whole = part.unpack(stored, data.mean, data.std, data.shape)
    mixed = torch.tensor([0, 2 * each, 1, 2 * each + 1, each])
    some = part.take(stored, mixed)
    assert some["runs"].tolist() == [1, 1, 1, 1, 1]
    again = part.unpack(some, data.mean, data.std, data.shape)
    assert torch.allclose(again, whole[mixed], atol=1e-6)
    first, rest = (part.take(stored, torch.arange(*ends)) for ends in ((0, 3), (3, 3 * each)))
    joined = part.join([first, rest])
    assert all(torch.equal(joined[name], stored[name]) for name in stored)
    assert part.take(stored, torch.arange(0))["runs"].tolist() == []


def test_masks_of_other_coefficients_are_damage(grey8: ClassData) -> None:
    part = Frequencies(share=0.1)
    stored = part.pack(part.groups(start_of(part, grey8, 1), grey8, Context()), grey8)
    for name, wrong in (("masks", ~stored["masks"]), ("runs", stored["runs"] + 1)):
        with pytest.raises(ValueError, match="do not fit its coefficients"):
            part.unpack({**stored, name: wrong}, grey8.mean, grey8.std, grey8.shape)


def test_some_classes_of_a_set_and_all_again(grey8: ClassData, tmp_path: Path) -> None:
    method = create_condenser(
        {"name": "fred", "iterations": 1, "batch_real": 4, "network": {"name": "mlp", "width": 4}}
    )
    whole = method.condense(grey8.restrict([1, 4, 6]), Budget(ipc=2), Context())
    images, labels = whole.decode()
    assert whole.nbytes == method.nbytes(grey8.restrict([1, 4, 6]), 2)
    merged = merge([restrict(whole, [6]), restrict(whole, [1, 4])])
    save_set(merged, tmp_path / "set.safetensors")
    again = load_set(tmp_path / "set.safetensors")
    assert again.nbytes == whole.nbytes
    assert torch.equal(again.decode()[1], labels)
    assert torch.allclose(again.decode()[0], images, atol=1e-6)
    fewer = shrink(whole, 3, "herding", torch.Generator().manual_seed(0))
    assert len(fewer.decode()[0]) == 9
    assert recondense(fewer, method, Budget(ipc=1), Context()).classes == (1, 4, 6)


def test_bits_are_packed_as_numpy_does() -> None:
    rows = torch.rand(3, 21, generator=torch.Generator().manual_seed(1)) < 0.4
    packed = pack_bits(rows)
    assert packed.numpy().tolist() == np.packbits(rows.numpy(), 1, bitorder="little").tolist()
    assert torch.equal(unpack_bits(packed, 21), rows)


def test_more_frequencies_than_there_are() -> None:
    with pytest.raises(UsageError, match=r"share: 1\.5 is above the largest allowed value, 1"):
        Frequencies(share=1.5).require_fit("parameterisation")
