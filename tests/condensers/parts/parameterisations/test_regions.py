"""Regions: crops of stored images, their boxes and labels at their bytes, in sets that are taken
apart and joined.
"""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.regions import BOXES, Regions
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.merging import merge, restrict
from condensers.sets.synthetic_set import Budget, SyntheticSet

DM = {
    "name": "dm",
    "iterations": 1,
    "batch_real": 4,
    "network": {"name": "convnet", "depth": 1, "width": 4},
}
TEACHER = {"name": "teacher", "epochs": 1, "batch": 64}


def made_of(data: ClassData, part: dict[str, object], ipc: int = 2, **more: object) -> SyntheticSet:
    spec = DM | {"parameterisation": {"name": "regions", **part}} | more
    return create_condenser(spec).condense(data, Budget(ipc=ipc), Context(seed=1))


@pytest.mark.parametrize("fixture", ["grey28", "colour32"])
def test_decoded_images_are_the_crops_that_the_boxes_say(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data: ClassData = request.getfixturevalue(fixture).restrict([0, 2])
    save_set(made_of(data, {"crops": 3, "smallest": 0.3}), tmp_path / "set.safetensors")
    made = load_set(tmp_path / "set.safetensors")
    images, labels = made.decode()
    plain = data.normalise(made.tensors["images"])
    boxes, side = made.tensors[BOXES], data.shape[1]
    assert (len(images), len(boxes), labels.tolist()) == (12, 12, [0] * 6 + [2] * 6)
    for number, (top, left, rows, columns) in enumerate(boxes.tolist()):
        crop = plain[number // 3, None, :, top : top + rows, left : left + columns]
        wanted = functional.interpolate(crop, size=(side, side), mode="bilinear")
        assert torch.allclose(images[number], wanted[0], atol=1e-5)
        assert (number % 3 == 0) == ((rows, columns) == (side, side))


@pytest.mark.parametrize("fixture", ["grey28", "colour32"])
def test_a_grid_has_the_whole_image_and_its_parts_at_no_bytes(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    data: ClassData = request.getfixturevalue(fixture).restrict([0, 2])
    part = {"crops": 10, "smallest": 0.25, "places": "grid"}
    save_set(made_of(data, part, labels=TEACHER), tmp_path / "set.safetensors")
    made = load_set(tmp_path / "set.safetensors")
    images, labels = made.decode()
    plain = data.normalise(made.tensors["images"])
    side, classes = data.shape[1], len(data.class_names)
    half, step = side // 2, side // 4
    assert BOXES not in made.tensors
    assert made.nbytes == 4 * plain[0].numel() + 40 * classes * 2  # labels of 16 bits a class
    assert labels.shape == (40, classes)
    for number, image in enumerate(images):
        row, column = divmod(number % 10 - 1, 3)
        crop = plain[number // 10, None]
        if number % 10:
            crop = crop[..., row * step : row * step + half, column * step : column * step + half]
        wanted = functional.interpolate(crop, size=(side, side), mode="bilinear")
        assert torch.allclose(image, wanted[0], atol=1e-5)
    again = merge([restrict(made, [0]), restrict(made, [2])])
    assert all(torch.equal(*pair) for pair in zip(again.decode(), (images, labels), strict=True))


def test_bytes_of_labels_and_boxes_count_and_eat_the_budget(colour32: ClassData) -> None:
    """300 labels an image, as many as published: four images' bytes and more for each image."""
    classes = len(colour32.class_names)
    for crops in (1, 4, 300):
        spec = DM | {
            "parameterisation": {"name": "regions", "crops": crops},
            "labels": TEACHER,
        }
        method = create_condenser(spec)
        each = 3072 + crops * (4 + 2 * classes)
        assert method.nbytes(colour32, 10) == 10 * len(colour32.classes) * each
    plain = create_condenser("random").nbytes(colour32, 10)
    counted = Budget(nbytes=plain).ipc_of(method, colour32)
    assert counted == 10 * 3073 // each < 10
    with pytest.raises(UsageError, match="bytes are too few: one image for each"):
        Budget(nbytes=create_condenser("random").nbytes(colour32, 1)).ipc_of(method, colour32)


def test_each_crop_has_its_label_and_parts_of_a_set_keep_it(grey8: ClassData) -> None:
    made = made_of(grey8, {"crops": 2}, labels=TEACHER | {"storage": "float32"})
    assert made.nbytes == 20 * 64 + 40 * (4 + 10 * 4)
    images, labels = made.decode()
    assert labels.shape == (40, 10)
    both = merge([restrict(made, [0, 1]), restrict(made, list(range(2, 10)))])
    for one, other in zip(both.decode(), (images, labels), strict=True):
        assert torch.equal(one, other)


def test_tiles_have_regions_too_and_boxes_are_not_learned(grey8: ClassData) -> None:
    part = {"crops": 2, "inside": {"name": "tiles", "factor": 2}}
    one = made_of(grey8, part, ipc=1, optimiser="adam", lr=1.0, iterations=2)
    still = made_of(grey8, part, ipc=1, lr=0.0)
    assert len(one.decode()[0]) == 10 * 4 * 2
    assert torch.equal(one.tensors[BOXES], still.tensors[BOXES])
    assert not torch.equal(one.tensors["images"], still.tensors["images"])


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="is cut into regions already"):
        create_condenser(DM | {"parameterisation": {"name": "regions", "inside": "regions"}})
    with pytest.raises(UsageError, match="more than the whole image"):
        Regions(smallest=1.5).require_fit("it")
    with pytest.raises(UsageError, match="crops: 4 is not 1 more than a square"):
        create_condenser(DM | {"parameterisation": {"name": "regions", "places": "grid"}})
    with pytest.raises(UsageError, match="nothing can be learned in it"):
        create_condenser(DM | {"parameterisation": {"name": "regions", "inside": "compressed"}})
