"""Real tiles: what is stored, in which order, at which bytes, and that a teacher labels the images
as they are decoded.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.parts.labels import LearnedLabels
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.setting import RunSetting
from condensers.registry.registry import AUGMENTATIONS, create_condenser
from condensers.selections.geometry import KMeansSelection
from condensers.selections.real_tiles import RealTiles
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet

TEACHER = {
    "name": "teacher",
    "epochs": 2,
    "batch": 16,
    "network": {"name": "convnet", "depth": 1, "width": 4},
}


def smaller(image: Tensor, factor: int) -> Tensor:
    """Means of factor x factor pixels, one after the other, (C, H / factor, W / factor) float64."""
    channels, height, width = image.shape
    tile = torch.zeros(channels, height // factor, width // factor, dtype=torch.float64)
    for c in range(channels):
        for i in range(height // factor):
            for j in range(width // factor):
                block = [
                    float(image[c, i * factor + a, j * factor + b])
                    for a in range(factor)
                    for b in range(factor)
                ]
                tile[c, i, j] = sum(block) / len(block)
    return tile


@pytest.mark.parametrize(
    ("fixture", "factor", "ipc"), [("grey8", 2, 3), ("grey8", 4, 1), ("colour32", 2, 1)]
)
def test_a_canvas_is_its_images_made_smaller(
    fixture: str, factor: int, ipc: int, request: pytest.FixtureRequest
) -> None:
    data: ClassData = request.getfixturevalue(fixture)
    made = RealTiles(factor=factor).condense(data, Budget(ipc=ipc), Context(seed=2))
    side = data.shape[1] // factor
    assert made.tensors["images"].shape == (len(data.classes) * ipc, *data.shape)
    assert made.tensors["labels"].tolist() == [c for c in data.classes for _ in range(ipc)]
    for position, label in enumerate(data.classes):
        indices = made.card["indices"][data.class_names[label]]
        assert len(set(indices)) == ipc * factor**2
        assert {int(data.labels[i]) for i in indices} == {label}
        for number, index in enumerate(indices):
            unit, tile = divmod(number, factor**2)
            row, column = divmod(tile, factor)
            canvas = made.tensors["images"][position * ipc + unit]
            stored = canvas[:, row * side : (row + 1) * side, column * side : (column + 1) * side]
            assert (stored.double() - smaller(data.images[index], factor)).abs().max() <= 0.501


def test_decoded_images_are_the_real_ones_blurred_each_under_its_label(
    grey8: ClassData, tmp_path: Path
) -> None:
    made = RealTiles().condense(grey8, Budget(ipc=2), Context())
    save_set(made, tmp_path / "set.safetensors")
    images, labels = load_set(tmp_path / "set.safetensors").decode()
    assert images.shape == (80, 1, 8, 8)
    assert labels.tolist() == [c for c in grey8.classes for _ in range(8)]
    indices = torch.tensor(
        [i for c in grey8.classes for i in made.card["indices"][grey8.class_names[c]]]
    )
    small = torch.nn.functional.avg_pool2d(grey8.images[indices].float() / 255, 2)
    blurred = torch.nn.functional.interpolate(small, scale_factor=2, mode="bilinear")
    assert (images * 0.25 + 0.5 - blurred).abs().max() <= 0.501 / 255


def test_factor_one_with_hard_labels_is_the_selection_itself(
    grey8: ClassData, colour32: ClassData
) -> None:
    for data in (grey8, colour32):
        for choose in ("random", "k-means"):
            tiles = RealTiles(factor=1, choose=choose).condense(
                data, Budget(ipc=3), Context(seed=1)
            )
            plain = create_condenser(choose).condense(data, Budget(ipc=3), Context(seed=1))
            assert torch.equal(tiles.tensors["images"], plain.tensors["images"])
            assert torch.equal(tiles.tensors["labels"], plain.tensors["labels"])
            assert tiles.card["indices"] == plain.card["indices"]
            assert tiles.nbytes == plain.nbytes


def test_k_means_has_a_cluster_for_every_tile(grey8: ClassData) -> None:
    made = RealTiles(choose="k-means").condense(grey8, Budget(ipc=2), Context(seed=3))
    members = grey8.members(0)
    features = grey8.normalise(grey8.images[members]).flatten(1)
    wanted = members[KMeansSelection().choose(features, 8, torch.Generator().manual_seed(3))]
    assert made.card["indices"]["class 0"] == wanted.tolist()


@pytest.mark.parametrize("storage", ["float16", "float32"])
def test_bytes_are_those_of_the_canvases_and_of_the_labels(storage: str, grey8: ClassData) -> None:
    soft = RealTiles(labels=TEACHER | {"storage": storage})
    size = {"float16": 2, "float32": 4}[storage]
    for method, of_labels in ((RealTiles(), 3), (soft, 3 * 4 * 10 * size)):
        made = method.condense(grey8, Budget(ipc=3), Context())
        assert made.nbytes == method.nbytes(grey8, 3) == 10 * (3 * 64 + of_labels)
        assert made.card["images_per_class"] == method.images_per_class(grey8, 3) == 12
        assert (made.ipc, made.decode()[0].shape[0]) == (3, 120)
    assert RealTiles().condense(grey8, Budget(nbytes=1299), Context()).ipc == 1


def test_a_teacher_labels_what_is_decoded(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 28, 28), 5, 24, noise=0.5).restrict([1, 4])
    method = create_condenser({"name": "real-tiles", "labels": TEACHER | {"epochs": 3}})
    made = method.condense(data, Budget(ipc=2), Context(seed=1))
    hard = RealTiles().condense(data, Budget(ipc=2), Context(seed=1))
    images, labels = made.decode()
    assert made.recipe["labels"] == "probabilities"
    assert hard.recipe["labels"] == "hard"
    assert (method.couples_classes, RealTiles().couples_classes) == (True, False)
    assert torch.equal(images, hard.decode()[0]), "the teacher has no say in which images are taken"
    assert labels.shape == (16, 5)
    assert torch.allclose(labels.sum(1), torch.ones(16), atol=5e-3)
    assert float(labels[:, [0, 2, 3]].max()) == 0, "classes that are not here get nothing"
    assert torch.equal(labels.argmax(1), hard.decode()[1])
    assert float(labels.max(1).values.std()) > 1e-3
    context = Context(seed=1)
    setting = RunSetting(
        data, method.network, AUGMENTATIONS.create("none").for_data(data), context, 2, 8
    )
    assert torch.equal(method.labels.finish(images, setting).half().float(), labels)


def test_a_stopped_teacher_goes_on(
    grey8: ClassData, file_bytes: Callable[[SyntheticSet], bytes], tmp_path: Path
) -> None:
    method = create_condenser({"name": "real-tiles", "labels": TEACHER | {"batch": 50}})
    wanted = file_bytes(method.condense(grey8, Budget(ipc=1), Context(seed=4)))
    seen: list[str] = []
    context = Context(
        seed=4,
        folder=tmp_path,
        progress=lambda event: seen.append(event.name),
        stop=lambda: seen.count("teacher") >= 3,
    )
    with pytest.raises(Interrupted, match="teacher: stopped at step 3 of 8"):
        method.condense(grey8, Budget(ipc=1), context)
    seen.clear()
    again = Context(seed=4, folder=tmp_path, progress=lambda event: seen.append(event.name))
    assert file_bytes(method.condense(grey8, Budget(ipc=1), again)) == wanted
    assert seen.count("teacher") == 5


def test_what_cannot_be_is_refused_in_one_sentence(
    grey8: ClassData, make_data: Callable[..., ClassData]
) -> None:
    with pytest.raises(
        UsageError,
        match=(
            r"real-tiles: nothing is learned here, so labels learned .* take labels hard or teacher"
        ),
    ):
        create_condenser({"name": "real-tiles", "labels": "learned"})
    with pytest.raises(UsageError, match="take labels hard or teacher"):
        RealTiles(labels=LearnedLabels()).condense(grey8, Budget(ipc=1), Context())
    few = make_data((1, 8, 8), 2, 11)
    with pytest.raises(
        UsageError,
        match=(
            r"real-tiles: ipc 3 needs 12 images of each class, which .* \(11 images\); take at"
            r" most 2"
        ),
    ):
        RealTiles().condense(few, Budget(ipc=3), Context())
    with pytest.raises(
        UsageError,
        match=r"ipc 1 needs 16 images of each class, which .* \(11 images\); take a smaller factor",
    ):
        RealTiles(factor=4).condense(few, Budget(ipc=1), Context())


def test_the_card_says_how_it_is_decoded(grey8: ClassData) -> None:
    made = RealTiles(factor=2, choose="k-means", labels=TEACHER).condense(
        grey8, Budget(ipc=1), Context()
    )
    assert (
        made.card["parameterisation"].items()
        >= {
            "name": "tiles",
            "storage": "uint8",
            "factor": 2,
        }.items()
    )
    recorded = made.card["hyperparameters"]
    assert (recorded["choose"], recorded["labels"]["name"], recorded["network"]["name"]) == (
        "k-means",
        "teacher",
        "convnet",
    )
    assert isinstance(RealTiles().parameterisation, Tiles)
