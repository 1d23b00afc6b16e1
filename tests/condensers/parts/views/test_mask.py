"""Masks: every pixel is the equation's in plain loops, masks of ones change no byte of a whole DM
or DC run, and whatever does not fit is refused with one sentence.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.views.mask_file import Mask
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

FileBytes = Callable[[SyntheticSet], bytes]


@pytest.fixture
def colour8(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((3, 8, 8), 3, 4)


def written(path: Path, masks: np.ndarray[Any, Any]) -> str:
    (
        np.save(path, masks)
        if path.suffix == ".npy"
        else save_file({"masks": torch.from_numpy(masks)}, path)
    )
    return str(path)


@pytest.mark.parametrize("fill", ["mean", "black"])
@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
def test_every_pixel_is_the_equations(
    dtype: str, suffix: str, fill: str, colour8: ClassData, tmp_path: Path
) -> None:
    drawn = np.random.default_rng(0).random((12, 8, 8))
    masks = (drawn * 255).astype("uint8") if dtype == "uint8" else drawn.astype(dtype)
    seen = Mask(written(tmp_path / f"m{suffix}", masks), fill).apply(colour8, Context())
    colour = colour8.mean if fill == "mean" else (0.0, 0.0, 0.0)
    for n in range(12):
        for c in range(3):
            for y in range(8):
                m = float(masks[n, y, 3]) / (255 if dtype == "uint8" else 1)
                wanted = m * int(colour8.images[n, c, y, 3]) + (1 - m) * 255 * colour[c]
                assert abs(int(seen.images[n, c, y, 3]) - wanted) <= 0.5 + 1e-3
    assert seen.images.dtype == torch.uint8
    assert torch.equal(seen.labels, colour8.labels)
    assert (seen.classes, seen.class_names, seen.mean) == (
        colour8.classes,
        colour8.class_names,
        colour8.mean,
    )


def test_a_mask_of_zeros_leaves_the_fill_alone(colour8: ClassData, tmp_path: Path) -> None:
    file = written(tmp_path / "m.npy", np.zeros((12, 8, 8), "uint8"))
    mean = Mask(file).apply(colour8, Context())
    assert colour8.normalise(mean.images).abs().max() < 0.5 / 255 / min(colour8.std) + 1e-5
    assert not Mask(file, "black").apply(colour8, Context()).images.any()


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", ["dm", "dc"])
def test_masks_of_ones_change_no_byte_of_a_run(
    name: str,
    dtype: str,
    grey8: ClassData,
    tiny: Callable[[str], dict[str, Any]],
    file_bytes: FileBytes,
    tmp_path: Path,
) -> None:
    ones = (
        np.full((200, 8, 8), 255, "uint8") if dtype == "uint8" else np.ones((200, 8, 8), "float32")
    )

    def run(view: object) -> SyntheticSet:
        spec = tiny(name) | {"iterations": 2, "init": "real", "view": view}
        made: SyntheticSet = create_condenser(spec).condense(grey8, Budget(ipc=2), Context(seed=3))
        return made

    plain, masked = (
        run("identity"),
        run({"name": "mask", "file": written(tmp_path / "ones.npy", ones)}),
    )
    assert file_bytes(plain) == file_bytes(SyntheticSet(masked.tensors, plain.card))
    assert plain.card["digest"] == masked.card["digest"]
    halved = run(
        {"name": "mask", "file": written(tmp_path / "half.npy", (ones * 0.5).astype(dtype))}
    )
    assert not torch.equal(plain.tensors["images"], halved.tensors["images"])


def refused(file: str, data: ClassData) -> str:
    with pytest.raises(UsageError) as fault:
        Mask(file).apply(data, Context())
    assert "\n" not in str(fault.value)
    return str(fault.value)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            (11, 8, 8),
            "holds 11 masks, but blobs8 has 12 training images here; masks are matched by place",
        ),
        (
            (12, 8, 7),
            "holds masks of shape (12, 8, 7), but blobs8 needs (12, 8, 8) (images, height, width)",
        ),
        ((12, 1, 8, 8), "holds masks of shape (12, 1, 8, 8), but blobs8 needs (12, 8, 8)"),
        ((), "holds masks of shape (), but blobs8 needs (12, 8, 8)"),
    ],
)
def test_masks_of_another_shape(
    shape: tuple[int, ...], said: str, colour8: ClassData, tmp_path: Path
) -> None:
    assert said in refused(written(tmp_path / "m.npy", np.ones(shape, "float32")), colour8)


def test_masks_of_all_images_are_refused_where_only_some_classes_are_left(
    colour8: ClassData, tmp_path: Path
) -> None:
    whole = np.random.default_rng(0).random((12, 8, 8)).astype("float32")
    said = refused(written(tmp_path / "m.npy", whole), colour8.restrict([0, 2]))
    assert "holds 12 masks, but blobs8, restricted to 2 classes, has 8 training images here" in said
    kept = (colour8.labels != 1).numpy()
    of_these = Mask(written(tmp_path / "some.npy", whole[kept])).apply(
        colour8.restrict([0, 2]), Context()
    )
    of_all = Mask(str(tmp_path / "m.npy")).apply(colour8, Context())
    assert torch.equal(of_these.images, of_all.images[torch.from_numpy(kept)])


@pytest.mark.parametrize("value", [1.5, -0.1, float("nan")])
def test_a_mask_value_out_of_range(value: float, colour8: ClassData, tmp_path: Path) -> None:
    masks = np.ones((12, 8, 8), "float32")
    masks[3, 2, 1] = value
    assert "holds a mask value outside 0..1" in refused(
        written(tmp_path / "m.safetensors", masks), colour8
    )


def test_files_that_are_no_masks(colour8: ClassData, tmp_path: Path) -> None:
    assert "view mask: no file is given; set view.file" in refused("", colour8)
    assert "there is no such file" in refused(str(tmp_path / "none.npy"), colour8)
    (tmp_path / "m.txt").write_text("masks")
    assert "masks are read from .npy or .safetensors files only" in refused(
        str(tmp_path / "m.txt"), colour8
    )
    for name in ("cut.npy", "cut.safetensors"):
        (tmp_path / name).write_bytes(b"\x93NUMPY nothing")
        assert "cannot be read as masks" in refused(str(tmp_path / name), colour8)
    (tmp_path / "empty.npy").touch()
    assert "cannot be read as masks" in refused(str(tmp_path / "empty.npy"), colour8)
    np.savez(tmp_path / "zip.npz", np.ones((12, 8, 8)))
    (tmp_path / "zip.npz").rename(tmp_path / "zip.npy")
    assert "cannot be read as masks" in refused(str(tmp_path / "zip.npy"), colour8)
    assert "holds torch.int64; masks are uint8" in refused(
        written(tmp_path / "i.npy", np.ones((12, 8, 8), "int64")), colour8
    )
    save_file({"a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "two.safetensors")
    assert "holds 2 tensors; a file of masks holds one" in refused(
        str(tmp_path / "two.safetensors"), colour8
    )
    np.save(tmp_path / "text.npy", np.array(["no mask"]))
    assert "cannot be read as masks" in refused(str(tmp_path / "text.npy"), colour8)


class Harmful:
    """Unpickling one leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_no_pickled_object_is_opened(colour8: ClassData, tmp_path: Path) -> None:
    trap = np.empty(1, dtype=object)
    trap[0] = Harmful(tmp_path / "sprung")
    np.save(tmp_path / "m.npy", trap, allow_pickle=True)
    assert "without pickled objects" in refused(str(tmp_path / "m.npy"), colour8)
    assert not (tmp_path / "sprung").exists()


def test_arrays_of_another_byte_order_or_layout(colour8: ClassData, tmp_path: Path) -> None:
    masks = np.random.default_rng(0).random((12, 8, 8)).astype("float32")
    wanted = Mask(written(tmp_path / "a.npy", masks)).apply(colour8, Context()).images
    for name, array in {"big": masks.astype(">f4"), "columns": np.asfortranarray(masks)}.items():
        assert torch.equal(
            Mask(written(tmp_path / f"{name}.npy", array)).apply(colour8, Context()).images, wanted
        )


def test_other_masks_in_the_same_place_are_another_view(tmp_path: Path) -> None:
    path = tmp_path / "masks.npy"
    np.save(path, np.ones((2, 8, 8), dtype=np.uint8))
    first = Mask(file=str(path))
    assert first == Mask(file=str(path), digest=first.digest)
    np.save(path, np.zeros((2, 8, 8), dtype=np.uint8))
    assert Mask(file=str(path)) != first
    with pytest.raises(UsageError, match="has changed"):
        Mask(file=str(path), digest=first.digest)
