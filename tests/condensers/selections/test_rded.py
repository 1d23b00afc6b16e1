"""RDED against a literal transcription of its algorithm, in both readings, at its bytes."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.augmentations.resized_crop import draw_boxes
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet

SPEC: dict[str, Any] = {
    "name": "rded",
    "factor": 2,
    "candidates": 9,
    "crops": 3,
    "network": {"name": "convnet", "depth": 2, "width": 4, "norm": "batch"},
    "model_schedule": {"name": "pretrained", "epochs": 1, "batch": 64},
    "labels": {"name": "ensemble", "storage": "float32"},
}


def made_of(data: ClassData, cache: Path, ipc: int = 2, **more: Any) -> SyntheticSet:
    return create_condenser(SPEC | more).condense(
        data, Budget(ipc=ipc), Context(seed=5, cache=cache)
    )


def teacher_of(data: ClassData, cache: Path) -> torch.nn.Module:
    method = create_condenser(SPEC)
    setting = RunSetting(data, method.network, NoAugmentation(), Context(cache=cache), 1, 1)
    trained = method.model_schedule.train_first(setting)
    assert trained is not None and trained.count == 1
    return trained.finished(0).requires_grad_(False)


def resized(pixels: Tensor, size: int) -> Tensor:
    return functional.interpolate(pixels, size=(size, size), mode="bilinear", antialias=True)


@pytest.mark.parametrize("reading", ["whole", "tiles"])
def test_the_canvases_are_those_of_the_algorithm(
    reading: str, colour32: ClassData, tmp_path: Path
) -> None:
    """The best crop of each image, then the best images; tile k of canvas u has rank k n + u."""
    data, ipc = colour32.restrict([0, 2]), 2
    made, teacher = made_of(data, tmp_path, ipc, reading=reading), teacher_of(data, tmp_path)
    draw = Context(seed=5).generator
    for position, label in enumerate(data.classes):
        order = torch.randperm(data.count(label), generator=draw)[:9]
        boxes = draw_boxes(27, data.shape, (0.08, 1.0), draw).tolist()
        ranked = []
        for number, index in enumerate(data.members(label)[order].tolist()):
            image, trials = data.normalise(data.images[index, None]), []
            for top, left, rows, columns in boxes[3 * number : 3 * number + 3]:
                crop = resized(image[:, :, top : top + rows, left : left + columns], 16)
                seen = functional.pad(crop, (8, 8, 8, 8))
                if reading == "tiles":
                    seen = functional.interpolate(crop, size=(32, 32), mode="bilinear")
                loss = -torch.log_softmax(teacher(seen), 1)[0, label]
                trials.append((float(loss), index, crop[0]))
            ranked.append(min(trials, key=lambda one: one[0]))
        ranked.sort(key=lambda one: one[0])
        for unit in range(ipc):
            canvas = torch.zeros(3, 32, 32)
            for tile in range(4):
                row, column = divmod(tile, 2)
                _, index, crop = ranked[tile * ipc + unit]
                canvas[:, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16] = crop
                told = made.card["indices"][data.class_names[label]]
                assert (reading == "whole" and not told) or told[4 * unit + tile] == index
            stored = made.tensors["images"][position * ipc + unit]
            wanted = data.quantise(canvas[None])[0]
            assert (stored.int() - wanted.int()).abs().max() <= 1


def test_the_network_that_judged_gives_the_labels_at_their_bytes(
    grey28: ClassData, tmp_path: Path
) -> None:
    teacher = teacher_of(grey28, tmp_path)
    for reading, images in (("whole", 1), ("tiles", 4)):
        made = made_of(grey28, tmp_path, 1, reading=reading)
        save_set(made, tmp_path / "set.safetensors")
        decoded, labels = load_set(tmp_path / "set.safetensors").decode()
        assert torch.allclose(labels, torch.softmax(teacher(decoded), 1), atol=1e-5)
        classes = len(grey28.classes)
        assert len(decoded) == classes * images == classes * made.card["images_per_class"]
        wanted = classes * (784 + images * 4 * len(grey28.class_names))
        method = create_condenser(SPEC | {"reading": reading})
        assert made.nbytes == wanted == method.nbytes(grey28, 1)
    hard = made_of(grey28, tmp_path, 1, labels="hard")
    assert hard.nbytes == len(grey28.classes) * 785
    assert hard.card["origin"] == "real images"


def test_crops_that_are_chosen_are_better_known_than_random_ones(
    grey8: ClassData, tmp_path: Path
) -> None:
    """With one crop of as many images as there are tiles there is no choice."""
    teacher = teacher_of(grey8, tmp_path)
    losses = []
    for more in ({"candidates": 1, "crops": 1}, {"candidates": 20, "crops": 5}):
        images, labels = made_of(grey8, tmp_path, 1, factor=1, labels="hard", **more).decode()
        losses.append(float(functional.cross_entropy(teacher(images), labels)))
    assert losses[1] < losses[0]


def test_what_cannot_be_is_refused(grey8: ClassData) -> None:
    with pytest.raises(UsageError, match=r"fresh trains no network before the first step"):
        create_condenser(SPEC | {"model_schedule": "fresh"})
    with pytest.raises(UsageError, match=r"rded: ipc 6 needs 24 images of each class"):
        create_condenser(SPEC).condense(grey8, Budget(ipc=6), Context())
    with pytest.raises(UsageError, match="cannot be cut into 7 tiles"):
        create_condenser(SPEC | {"factor": 7}).nbytes(grey8, 1)
