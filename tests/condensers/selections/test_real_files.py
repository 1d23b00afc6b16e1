"""Real files: what is stored at which bytes, that it decodes, and one sentence for what cannot
be.
"""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.compressed import Compressed
from condensers.parts.parameterisations.jpeg.sizes import Sizes, fit_images
from condensers.registry.registry import create_condenser, with_parts
from condensers.selections import real_files
from condensers.selections.base import stored_bytes
from condensers.selections.real_files import RealJPEG, RealPNG
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.datasets import load

Smooth = Callable[..., ClassData]


@pytest.fixture(scope="module")
def smooth() -> Smooth:
    """Images that compress: a gradient of their class, brighter from one to the next; some with
    noise.
    """

    def build(
        shape: tuple[int, int, int], classes: int = 3, per_class: int = 40, noise: float = 1
    ) -> ClassData:
        generator = torch.Generator().manual_seed(3)
        ramp = torch.linspace(0, 150, shape[2]).expand(shape)
        labels = torch.arange(classes).repeat(per_class)
        steps = torch.arange(len(labels)).view(-1, 1, 1, 1)
        noisy = noise * torch.randn(len(labels), *shape, generator=generator)
        pixels = ramp * (labels.view(-1, 1, 1, 1) + 1) / classes + steps % 50 + noisy
        names = tuple(f"class {c}" for c in range(classes))
        return ClassData(
            "smooth",
            pixels.clamp(0, 255).to(torch.uint8),
            labels,
            names,
            (0.5,) * shape[0],
            (0.25,) * shape[0],
        )

    return build


@pytest.fixture(scope="module")
def digits() -> ClassData:
    return load("mnist-5k").train


def chosen(made: SyntheticSet, data: ClassData) -> Tensor:
    return data.images[
        torch.tensor([i for c in data.classes for i in made.card["indices"][data.class_names[c]]])
    ]


def pixels(made: SyntheticSet) -> Tensor:
    """Decoded images as (M, C, H, W) uint8."""
    images, _ = made.decode()
    column = torch.tensor([made.card["mean"], made.card["std"]]).view(2, 1, -1, 1, 1)
    return ((images * column[1] + column[0]) * 255).round().to(torch.uint8)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 9, 13), (3, 5, 7)])
def test_png_is_lossless_and_a_file_that_others_read(
    shape: tuple[int, int, int], smooth: Smooth, tmp_path: Path
) -> None:
    data = smooth(shape)
    made = RealPNG().condense(data, Budget(ipc=12), Context(seed=4))
    assert made.card["parameterisation"] == {"name": "compressed", "codec": "png"}
    save_set(made, tmp_path / "set.safetensors")
    assert torch.equal(pixels(load_set(tmp_path / "set.safetensors")), chosen(made, data))
    head, tail = (made.tensors[n].numpy().tobytes() for n in ("head", "tail"))
    assert (head[:8], tail[4:8]) == (b"\x89PNG\r\n\x1a\n", b"IEND")


def test_every_filter_of_png_is_undone_by_another_reader() -> None:
    generator = np.random.default_rng(0)
    for channels, mode in ((1, "L"), (3, "RGB")):
        walk = generator.integers(-40, 41, (channels, 40, 33)).cumsum(1).cumsum(2).astype(np.uint8)
        files = Sizes(of_images(torch.from_numpy(walk)[None]), "png", 0)
        (body,), (head, tail) = files.bodies([0]), files.frame
        chunk = len(body).to_bytes(4, "big") + b"IDAT" + body
        file = head + chunk + zlib.crc32(chunk[4:]).to_bytes(4, "big") + tail
        with Image.open(io.BytesIO(file)) as image:
            assert image.mode == mode
            found = np.asarray(image)
        assert np.array_equal(found.reshape(40, 33, channels).transpose(2, 0, 1), walk)
        assert len(set(zlib.decompress(body)[:: 33 * channels + 1])) > 1, (
            "several filters are in use"
        )


def of_images(images: Tensor) -> ClassData:
    channels = images.shape[1]
    labels = torch.zeros(len(images), dtype=torch.int64)
    return ClassData("few", images, labels, ("one",), (0.5,) * channels, (0.5,) * channels)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_a_jpeg_is_what_pillow_makes_of_the_image(
    shape: tuple[int, int, int], smooth: Smooth
) -> None:
    data = smooth(shape)
    made = RealJPEG(quality=40).condense(data, Budget(ipc=12), Context())
    for image, real in zip(pixels(made), chosen(made, data), strict=True):
        file, planes = io.BytesIO(), real.permute(1, 2, 0).numpy()
        Image.fromarray(planes if shape[0] == 3 else planes[..., 0]).save(
            file, "JPEG", quality=40, subsampling=2
        )
        wanted = np.asarray(Image.open(file)).reshape(*shape[1:], -1)
        assert np.array_equal(image.permute(1, 2, 0).numpy(), wanted)


@pytest.mark.parametrize(
    "method",
    [RealJPEG(), RealJPEG(quality=10, choose="herding"), RealPNG(choose="k-means"), RealPNG()],
)
def test_every_byte_counts_and_more_images_fit_than_raw(method: Any, digits: ClassData) -> None:
    for ipc in (1, 5):
        made = method.condense(digits, Budget(ipc=ipc), Context(seed=2))
        each = method.images_per_class(digits, ipc)
        groups = made.tensors
        assert each == made.card["images_per_class"] > 2 * ipc
        assert made.nbytes == sum(
            len(groups[n]) for n in ("bytes", "head", "tail", "labels")
        ) + 2 * len(groups["lengths"])
        assert (
            0.8 * stored_bytes(digits, ipc)
            < made.nbytes
            <= stored_bytes(digits, ipc)
            == method.nbytes(digits, ipc)
        )
        assert made.decode()[1].tolist() == [c for c in digits.classes for _ in range(each)]
        assert len({i for of in made.card["indices"].values() for i in of}) == 10 * each
        for label, name in enumerate(digits.class_names):
            assert bool((digits.labels[made.card["indices"][name]] == label).all())


def test_the_number_of_images_is_that_of_every_seed_and_grows_with_the_bytes(
    digits: ClassData,
) -> None:
    counts = {
        len(RealJPEG().condense(digits, Budget(ipc=1), Context(seed=s)).tensors["labels"])
        for s in range(4)
    }
    assert counts == {10 * RealJPEG().images_per_class(digits, 1)}
    grown = [
        len(RealJPEG().condense(digits, Budget(nbytes=b), Context()).tensors["labels"])
        for b in (7850, 9500, 12000, 15699)
    ]
    assert sorted(set(grown)) == grown, "bytes between two whole ipc are used too"
    one = RealJPEG().condense(digits, Budget(nbytes=15699), Context())
    assert (one.ipc, one.nbytes > 14000) == (1, True)
    assert one.nbytes <= 15699
    with pytest.raises(UsageError, match="7849 bytes are too few"):
        RealJPEG().condense(digits, Budget(nbytes=7849), Context())


def test_images_that_are_too_large_give_way_to_their_nearest(smooth: Smooth) -> None:
    data = smooth((1, 16, 16), noise=20)
    sizes = Sizes(data, "png", 0)
    largest = [sorted(data.members(c).tolist(), key=sizes.length)[-4:] for c in data.classes]
    smallest = [sorted(data.members(c).tolist(), key=sizes.length)[:4] for c in data.classes]

    def size(found: list[list[int]]) -> int:
        lengths = [sizes.length(i) for of in found for i in of]
        return sizes.total(sum(lengths), max(lengths), len(lengths))

    def fit(limit: int) -> list[list[int]]:
        return fit_images(largest, sizes, limit, lambda at: data.images[at].float().flatten(1))

    most, least = size(largest), size(smallest)
    assert fit(most) == largest
    for limit in (most - 1, (most + least) // 2, least):
        found = fit(limit)
        assert size(found) <= limit
        assert len({i for of in found for i in of}) == 12
        assert all({int(data.labels[i]) for i in of} == {c} for c, of in enumerate(found))
    assert len({i for of in fit(most - 1) for i in of} & {i for of in largest for i in of}) == 11


def test_noise_is_stored_as_it_is(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 10, 20, noise=1.0)
    made = RealPNG().condense(data, Budget(ipc=3), Context(seed=1))
    assert made.card["parameterisation"]["name"] == "pixels"
    assert torch.equal(made.tensors["images"], chosen(made, data))
    assert made.nbytes == RealPNG().nbytes(data, 3) == 10 * 3 * 65


def damaged(made: SyntheticSet, path: Path, **tensors: Tensor) -> Path:
    save_set(SyntheticSet({**made.tensors, **tensors}, made.card), path)
    return path


@pytest.mark.parametrize("method", [RealJPEG(), RealPNG()])
def test_damaged_bytes_are_one_sentence(method: Any, smooth: Smooth, tmp_path: Path) -> None:
    made = method.condense(smooth((1, 28, 28)), Budget(ipc=2), Context())
    path, groups = tmp_path / "set.safetensors", made.tensors
    lengths = groups["lengths"].long()
    empty = lengths.clone()
    empty[1], empty[0] = empty[0] + empty[1], 0
    other = Sizes(smooth((1, 20, 28)), method.codec, method.level()).frame[0]
    cases: list[tuple[dict[str, Tensor], str]] = [
        ({"bytes": groups["bytes"][:-1]}, "lengths of its compressed images add up to"),
        ({"lengths": groups["lengths"][:-1].clone()}, "add up to"),
        ({"lengths": lengths}, "unsigned numbers"),
        ({"lengths": empty.to(torch.uint16)}, "has no bytes"),
        ({"head": torch.frombuffer(bytearray(other), dtype=torch.uint8)}, "28 x 20 pixels"),
        ({"head": groups["head"][:20]}, "cannot be read"),
        ({"bytes": groups["bytes"].float()}, "row of bytes"),
        ({"labels": groups["labels"][1:]}, "not what its card says"),
    ]
    if method.codec == "png":
        cases.append(({"bytes": groups["bytes"].flip(0)}, "cannot be read"))
    for tensors, told in cases:
        with pytest.raises(UsageError, match=told) as fault:
            load_set(damaged(made, path, **tensors))
        assert "\n" not in str(fault.value)
        assert "set.safetensors" in str(fault.value)


def test_what_cannot_be_is_refused(grey8: ClassData, make_data: Callable[..., ClassData]) -> None:
    with pytest.raises(
        UsageError, match=r"real-jpeg\.quality: 101 is above the largest allowed value, 100"
    ):
        create_condenser({"name": "real-jpeg", "quality": 101})
    with pytest.raises(
        UsageError, match=r"dm: parameterisation compressed stores images that are there"
    ):
        create_condenser({"name": "dm", "parameterisation": "compressed"})
    with pytest.raises(UsageError, match="images have 2 channels, and PNG files hold 1 or 3"):
        RealPNG().condense(make_data((2, 8, 8), 2, 5), Budget(ipc=1), Context())
    with pytest.raises(UsageError, match="compressed with different settings"):
        groups = [
            RealJPEG(quality=q).condense(grey8, Budget(ipc=8), Context()).tensors for q in (20, 30)
        ]
        Compressed("jpeg").join(groups)


def test_a_quality_is_chosen_for_what_a_refiner_leaves(
    grey28: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    choose = real_files.choose_quality

    def watch(data: ClassData, nbytes: int) -> Any:
        asked.append(nbytes)
        return choose(data, nbytes)

    monkeypatch.setattr(real_files, "choose_quality", watch)
    condenser = create_condenser("real-jpeg", quality=0, refiner="residual")
    refiner = with_parts(condenser).refiner
    condenser.settle(grey28, 4000)
    condenser.condense(grey28, Budget(nbytes=4000), Context())
    assert asked[0] == asked[-1] == 4000 - refiner.nbytes(grey28.shape[0])


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("spec", "nbytes", "part"),
    [
        ({"name": "real-jpeg", "quality": 10, "choose": "k-means"}, 9219, 0.98),
        ({"name": "real-jpeg", "quality": 10, "choose": "herding"}, 9219, 0.95),
        ({"name": "real-png", "choose": "k-means"}, 30000, 0.85),
        ({"name": "real-png", "choose": "herding"}, 30000, 0.9),
    ],
)
def test_chosen_photographs_fill_the_bytes(spec: dict[str, Any], nbytes: int, part: float) -> None:
    some = load("cifar10").train.restrict((0, 1, 2))
    data = some.subset(torch.cat([some.members(label)[:300] for label in some.classes]))
    budget, condenser = Budget(nbytes=nbytes), create_condenser(spec)
    for seed in (1, 2):
        made = condenser.condense(data, budget, Context(seed=seed))
        assert made.card["images_per_class"] == condenser.images_within(data, budget)
        assert part * nbytes < made.nbytes <= nbytes
