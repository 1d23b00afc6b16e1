"""Tiles against their definition, pixel by pixel; what is stored and what it costs; that one tile a
canvas is pixels, bit for bit; that canvases stay valid and their padding stays grey; that matching
methods learn, save and load them.
"""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.pixels import Pixels
from condensers.parts.parameterisations.tiles import Tiles, mosaic, tiles_of
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.sets.make import preview

CHEAP = {"iterations": 3, "batch_real": 6, "network": {"name": "convnet", "depth": 1, "width": 4}}
TRAINED = {"name": "trained-on-synthetic", "outer": 2, "inner": 1}
COLOUR = ((0.5, 0.45, 0.4), (0.25, 0.2, 0.3))


def literal_tile(canvas: Tensor, factor: int, row: int, column: int, grey: list[float]) -> Tensor:
    """Tile (row, column) of a canvas (C, H, W) at full size: each pixel from the four of the tile
    about its centre.
    """
    channels, height, width = canvas.shape
    tall, wide = math.ceil(height / factor), math.ceil(width / factor)
    out = torch.zeros(channels, height, width, dtype=torch.float64)

    def stored(c: int, i: int, j: int) -> float:
        i, j = min(max(i, 0), tall - 1) + row * tall, min(max(j, 0), wide - 1) + column * wide
        return float(canvas[c, i, j]) if i < height and j < width else grey[c]

    for c in range(channels):
        for i in range(height):
            for j in range(width):
                # Centres of pixels lie at halves; before the first centre the image goes on as it
                # is there.
                y, x = (
                    max((i + 0.5) * tall / height - 0.5, 0.0),
                    max((j + 0.5) * wide / width - 0.5, 0.0),
                )
                for a in (math.floor(y), math.floor(y) + 1):
                    for b in (math.floor(x), math.floor(x) + 1):
                        out[c, i, j] += (1 - abs(y - a)) * (1 - abs(x - b)) * stored(c, a, b)
    return out


@pytest.mark.parametrize(("side", "factor"), [(8, 2), (8, 4), (8, 3), (7, 2), (6, 6)])
def test_each_image_is_its_tile_enlarged_pixel_by_pixel(
    side: int, factor: int, generator: torch.Generator
) -> None:
    mean, std = COLOUR
    canvases = torch.randn(2, 3, side, side, generator=generator)
    images = Tiles(storage="float32", factor=factor).unpack(
        {"images": canvases}, mean, std, (3, side, side)
    )
    grey = [(0.5 - m) / s for m, s in zip(mean, std, strict=True)]
    assert images.shape == (2 * factor**2, 3, side, side)
    for number, image in enumerate(images):
        unit, tile = divmod(number, factor**2)
        wanted = literal_tile(canvases[unit], factor, *divmod(tile, factor), grey)
        assert (image.double() - wanted).abs().max() < 1e-5


def test_stored_bytes_are_read_as_real_images_are(colour32: ClassData) -> None:
    part = Tiles()
    images = part.unpack(
        {"images": colour32.images[:2]}, colour32.mean, colour32.std, colour32.shape
    )
    grey = [0.0] * 3
    wanted = literal_tile(colour32.normalise(colour32.images[1:2])[0], 2, 0, 1, grey)
    assert (images[5].double() - wanted).abs().max() < 1e-5


@pytest.mark.parametrize(("side", "factor"), [(8, 2), (28, 3), (32, 3), (64, 5), (7, 2)])
def test_starting_images_stand_in_their_tiles(side: int, factor: int) -> None:
    """An image of one colour comes back as it is, also where its tile lies partly beyond the
    canvas.
    """
    colours = torch.linspace(-2, 2, 3 * factor**2)
    images = colours.view(-1, 1, 1, 1).expand(-1, 2, side, side)
    canvases = mosaic(images, factor)
    assert canvases.shape == (3, 2, side, side)
    for number, colour in enumerate(colours):
        unit, tile = divmod(number, factor**2)
        back = tiles_of(canvases, factor, torch.full((2, 1, 1), float(colour)))
        assert torch.allclose(back[number], images[number], atol=1e-5)
        row, column = (position * math.ceil(side / factor) for position in divmod(tile, factor))
        assert torch.allclose(canvases[unit, :, row, column], colour)


def test_a_starting_image_is_made_smaller_by_averaging() -> None:
    images = torch.arange(4 * 16.0).view(4, 1, 4, 4)
    (canvas,) = mosaic(images, 2)
    assert canvas[0].tolist() == [
        [2.5, 4.5, 18.5, 20.5],
        [10.5, 12.5, 26.5, 28.5],
        [34.5, 36.5, 50.5, 52.5],
        [42.5, 44.5, 58.5, 60.5],
    ]


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_canvas_costs_what_one_image_costs(
    factor: int, grey8: ClassData, colour32: ClassData
) -> None:
    for data in (grey8, colour32):
        for storage in ("uint8", "float16", "float32"):
            assert Tiles(storage, factor).nbytes(data, 3) == Pixels(storage).nbytes(data, 3)
    assert (Tiles(factor=factor).copies, Tiles(factor=factor).units(grey8, 3)) == (factor**2, 3)


def test_canvases_too_small_for_their_tiles_are_refused(grey8: ClassData) -> None:
    for factor in (5, 6, 9):
        with pytest.raises(
            UsageError,
            match=f"tiles.factor: 8 pixels cannot be cut into {factor} tiles; take a divisor of 8",
        ):
            create_condenser(
                {"name": "dm", "parameterisation": {"name": "tiles", "factor": factor}}
            ).condense(grey8, Budget(ipc=1), Context())
    assert Tiles(factor=8).nbytes(grey8, 1) == 640


def run(
    data: ClassData, parameterisation: object, name: str = "dm", ipc: int = 2, **settings: object
) -> SyntheticSet:
    spec = CHEAP | {"name": name, "parameterisation": parameterisation} | settings
    made: SyntheticSet = create_condenser(spec).condense(data, Budget(ipc=ipc), Context(seed=5))
    return made


@pytest.mark.parametrize("storage", ["uint8", "float32"])
def test_one_tile_a_canvas_is_pixels_bit_for_bit_in_a_whole_run(
    storage: str, colour32: ClassData
) -> None:
    tiles = run(colour32, {"name": "tiles", "factor": 1, "storage": storage})
    pixels = run(colour32, {"name": "pixels", "storage": storage})
    assert tiles.tensors.keys() == pixels.tensors.keys()
    assert all(torch.equal(tiles.tensors[name], pixels.tensors[name]) for name in pixels.tensors)
    assert all(torch.equal(a, b) for a, b in zip(tiles.decode(), pixels.decode(), strict=True))


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_the_padding_stays_grey_and_is_not_stored(
    optimiser: str, colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    project = Tiles.project

    def watch(part: Tiles, groups: dict[str, Tensor], data: ClassData) -> None:
        project(part, groups, data)
        seen.append((groups["images"].detach().clone(), groups["grey"].detach().clone()))

    monkeypatch.setattr(Tiles, "project", watch)
    made = run(
        colour32, {"name": "tiles", "factor": 3, "storage": "float32"}, optimiser=optimiser, lr=0.5
    )
    assert made.tensors.keys() == {"images", "labels"}
    assert not torch.equal(seen[0][0], seen[-1][0])
    middle = torch.tensor(
        [(0.5 - m) / s for m, s in zip(colour32.mean, colour32.std, strict=True)]
    ).view(3, 1, 1)
    assert all(torch.allclose(grey, middle, atol=1e-6) for _, grey in seen)
    learned = tiles_of(seen[-1][0], 3, seen[-1][1])
    assert torch.equal(made.decode()[0], learned), "what is evaluated is what was learned"


def test_clamped_canvases_stay_between_black_and_white(colour32: ClassData) -> None:
    free, kept = (
        run(colour32, {"name": "tiles", "factor": 2, "storage": "float32", "clamp": clamp}, lr=30.0)
        for clamp in (False, True)
    )
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (colour32.mean, colour32.std))
    pixels = [made.tensors["images"] * std + mean for made in (free, kept)]
    assert pixels[0].max() > 1.01
    assert pixels[0].min() < -0.01
    assert -1e-6 < pixels[1].min() < 1e-6
    assert 1 - 1e-6 < pixels[1].max() < 1 + 1e-6


@pytest.mark.parametrize("name", ["dm", "dc", "dsa"])
@pytest.mark.parametrize("factor", [2, 3])
def test_methods_learn_save_and_load_tiles(
    factor: int, name: str, grey8: ClassData, tmp_path: Path
) -> None:
    settings = {} if name == "dm" else {"model_schedule": TRAINED}
    made = run(grey8, {"name": "tiles", "factor": factor}, name=name, **settings)
    save_set(made, tmp_path / "set.safetensors")
    images, labels = load_set(tmp_path / "set.safetensors").decode()
    assert torch.equal(images, made.decode()[0])
    assert images.shape == (10 * 2 * factor**2, 1, 8, 8)
    assert labels.tolist() == [label for label in range(10) for _ in range(2 * factor**2)]
    assert made.tensors["images"].shape == (20, 1, 8, 8)
    assert (made.ipc, made.card["images_per_class"], made.nbytes) == (2, 2 * factor**2, 20 * 65)
    assert preview(made).startswith(b"\x89PNG")


def test_gradients_reach_every_pixel_of_a_canvas(generator: torch.Generator) -> None:
    canvases = torch.randn(2, 1, 7, 7, generator=generator, requires_grad=True)
    images = tiles_of(canvases, 2, torch.zeros(1, 1, 1))
    weights = torch.rand(images.shape, generator=generator) + 0.1
    gradient = torch.autograd.grad((images * weights).sum(), canvases)[0]
    assert bool((gradient > 0).all())


def test_a_part_of_the_canvases_decodes_to_their_images(grey8: ClassData) -> None:
    part = Tiles(factor=2)
    start = grey8.normalise(grey8.images[:24])
    groups = part.groups(start, grey8, Context())
    whole = part.decode(groups, slice(None))
    assert len(groups["images"]) == 6
    assert torch.equal(part.decode(groups, slice(2, 4)), whole[8:16])
