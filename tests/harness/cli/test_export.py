"""`export`: what is written is read by others' code as it stands, comes back unchanged, and
replaces nothing unasked.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets import ImageFolder

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.formats.assembling import assemble
from condensers.formats.choices import Choices
from condensers.formats.reading import Files, read
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.sets.exporting import export
from scenarios.datasets import load
from tests.helpers.command_line import Harness


@pytest.fixture
def made(harness: Harness, tmp_path: Path) -> Path:
    path = tmp_path / "a.safetensors"
    assert harness("condense", "random", "--data", "digits", "--ipc", 2, "--out", path).status == 0
    return path


@pytest.fixture
def soft(made: Path) -> Path:
    """The same images with probabilities for labels, and a learned rate."""
    hard = load_set(made)
    rows = torch.nn.functional.one_hot(hard.tensors["labels"].long(), 10) * 0.8 + 0.02
    recipe = {**hard.recipe, "labels": "probabilities", "lr": "rates"}
    tensors = {**hard.tensors, "labels": rows, "rates": torch.tensor([0.05])}
    path = made.with_name("soft.safetensors")
    save_set(SyntheticSet(tensors, {**hard.card, "recipe": recipe}), path)
    return path


@pytest.mark.parametrize("to", ["pt", "npz"])
@pytest.mark.parametrize("labels", ["hard", "soft"])
def test_there_and_back_it_is_the_same_set(
    harness: Harness, request: pytest.FixtureRequest, to: str, labels: str
) -> None:
    """Nothing is asked on the way back: the file says it all."""
    path: Path = request.getfixturevalue("made" if labels == "hard" else "soft")
    assert harness("export", path, "--to", to).status == 0
    for storage in ("uint8", "float32"):
        back = path.with_name(f"back-{storage}.safetensors")
        answer = harness("import", path.with_suffix(f".{to}"), "--out", back, "--storage", storage)
        assert answer.status == 0, answer.err
        first, second = load_set(path), load_set(back)
        assert torch.equal(first.decode()[0], second.decode()[0]) and torch.equal(
            first.decode()[1], second.decode()[1]
        )
        assert {k: second.card[k] for k in ("dataset", "digest", "classes", "ipc")} == {
            k: first.card[k] for k in ("dataset", "digest", "classes", "ipc")
        }
        assert second.recipe == {"labels": labels, **first.recipe}
        assert torch.equal(
            second.tensors.get("rates", torch.empty(0)), first.tensors.get("rates", torch.empty(0))
        )
        if storage == "uint8":
            assert torch.equal(first.tensors["images"], second.tensors["images"])


class TheirDataset(Dataset[tuple[Tensor, Tensor]]):
    """What DC's evaluation makes of the loaded tensors."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = images.detach().float(), labels.detach()

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]

    def __len__(self) -> int:
        return int(self.images.shape[0])


def test_the_published_evaluation_code_loads_the_pt(harness: Harness, made: Path) -> None:
    """The loading and the training loop of DC's evaluation, line by line, with the defaults of
    today's torch.
    """
    assert harness("export", made, "--to", "pt").status == 0
    data = torch.load(made.with_suffix(".pt"), map_location="cpu")["data"]
    images_train_all = [data[step][0] for step in range(len(data))]
    labels_train_all = [data[step][1] for step in range(len(data))]
    images_train, labels_train = (
        torch.cat(images_train_all, dim=0),
        torch.cat(labels_train_all, dim=0),
    )
    train = load("digits").train
    images, labels = load_set(made).decode()
    assert torch.equal(images_train, images) and torch.equal(labels_train, labels)
    assert torch.allclose(images_train.mean(), train.normalise(train.images).mean(), atol=0.3), (
        "normalised"
    )
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=0.0005)
    criterion, losses = torch.nn.CrossEntropyLoss(), []
    for _ in range(60):
        for datum in DataLoader(
            TheirDataset(images_train, labels_train), batch_size=256, shuffle=True
        ):
            img, lab = datum[0].float(), datum[1].long()
            loss = criterion(network(img), lab)
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert losses[-1] < 0.5 * losses[0]


def test_an_npz_holds_no_pickle_and_says_all(harness: Harness, soft: Path) -> None:
    assert harness("export", soft, "--to", "npz").status == 0
    with np.load(soft.with_suffix(".npz"), allow_pickle=False) as archive:
        assert archive["images"].shape == (20, 8, 8, 1) and archive["labels"].shape == (20, 10)
        assert archive["rates"].tolist() == [pytest.approx(0.05)]
        assert archive["class_names"].tolist() == [str(c) for c in range(10)]
        assert json.loads(str(archive["card"]))["method"] == "random"


def test_a_folder_of_pictures_is_an_image_folder(harness: Harness, made: Path) -> None:
    assert harness("export", made, "--to", "png").status == 0
    folder = ImageFolder(str(made.with_name("a-png")))
    assert folder.targets == [c for c in range(10) for _ in range(2)]
    stored = load_set(made).tensors["images"]
    for (path, _), pixels in zip(folder.samples, stored, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), pixels[0].numpy())
    assert json.loads((made.with_name("a-png") / "card.json").read_text())["dataset"] == "digits"
    assert not (made.with_name("a-png") / "labels.csv").exists()


def test_a_folder_keeps_soft_labels_in_a_table(harness: Harness, soft: Path) -> None:
    place = soft.with_name("pictures")
    assert harness("export", soft, "--to", "png", "--out", place).status == 0
    rows = list(csv.reader((place / "labels.csv").open(encoding="utf-8")))
    assert rows[0] == ["file", *map(str, range(10))] and len(rows) == 21
    labels = load_set(soft).decode()[1]
    assert [[float(v) for v in row[1:]] for row in rows[1:]] == labels.tolist()
    assert all((place / row[0]).is_file() for row in rows[1:])
    assert json.loads((place / "card.json").read_text())["rates"] == [pytest.approx(0.05)]


def test_every_picture_is_written_whatever_its_likeliest_class(soft: Path, tmp_path: Path) -> None:
    """Learned labels may leave a class without a picture, which ImageFolder does not read, or be of
    one that is not there.
    """
    made = load_set(soft)
    rows = torch.full((20, 10), 0.05)
    rows[:, 9] = 0.55
    card = {**made.card, "classes": list(range(5))}
    export(SyntheticSet({**made.tensors, "labels": rows}, card), tmp_path / "out", "png")
    folder = ImageFolder(str(tmp_path / "out"))
    assert folder.classes == ["9-9"] and len(folder) == 20


def test_class_names_that_are_no_file_names(
    tmp_path: Path, harness: Harness, colour32: ClassData
) -> None:
    made = create_condenser("random").condense(colour32.restrict([0, 2]), Budget(ipc=1), Context())
    card = {**made.card, "class_names": ["T-shirt/top", "Bag", "../../out"], "indices": None}
    save_set(SyntheticSet(made.tensors, card), tmp_path / "in" / "a.safetensors")
    assert harness("export", tmp_path / "in" / "a.safetensors", "--to", "png").status == 0
    written = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*.png"))
    assert written == ["in/a-png/0-T-shirt_top/0000.png", "in/a-png/2-.._.._out/0000.png"]
    assert Image.open(tmp_path / written[0]).mode == "RGB"


@pytest.mark.parametrize("to", ["pt", "npz"])
def test_colour_and_some_of_the_classes_go_there_and_back(
    tmp_path: Path, colour32: ClassData, to: str
) -> None:
    made = create_condenser("random").condense(colour32.restrict([0, 2]), Budget(ipc=3), Context())
    export(made, tmp_path / f"a.{to}", to)
    back = assemble(read(Files(tmp_path / f"a.{to}")), colour32, Choices(storage="uint8"))
    assert torch.equal(back.tensors["images"], made.tensors["images"])
    assert torch.equal(back.tensors["labels"], made.tensors["labels"]) and back.classes == (0, 2)


@pytest.mark.parametrize("to", ["pt", "npz", "png", "hf"])
def test_nothing_is_replaced_unasked(harness: Harness, made: Path, tmp_path: Path, to: str) -> None:
    place = tmp_path / "out"
    assert harness("export", made, "--to", to, "--out", place).status == 0
    before = place.read_bytes() if place.is_file() else sorted(p.name for p in place.rglob("*"))
    again = harness("export", made, "--to", to, "--out", place)
    assert (again.status, again.err) == (
        2,
        f"error: {place}: is there already; choose another place, or pass --force to replace it\n",
    )
    assert harness("export", made, "--to", to, "--out", place, "--force").status == 0
    assert before == (
        place.read_bytes() if place.is_file() else sorted(p.name for p in place.rglob("*"))
    )
    assert not [p for p in tmp_path.iterdir() if "partial" in p.name]


def test_force_replaces_no_folder_that_is_not_an_export(
    harness: Harness, made: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "mine.png").write_bytes(b"precious")
    for to in ("png", "hf", "pt"):
        answer = harness("export", made, "--to", to, "--out", tmp_path / "photos", "--force")
        assert answer.status == 2 and "is not an earlier export of this kind" in answer.err
    assert (tmp_path / "photos" / "mine.png").read_bytes() == b"precious"


def test_bad_input_is_one_sentence(harness: Harness, made: Path) -> None:
    for words, told in (
        ((made, "--to", "pth"), "--to pth: unknown; did you mean 'pt'"),
        ((made.with_name("b.safetensors"), "--to", "pt"), "there is no such file"),
        ((made, "--to", "pt", "--out", "/proc/no/a.pt"), "cannot be written"),
    ):
        answer = harness("export", *words)
        assert answer.status == 2 and answer.err.count("\n") == 1 and told in answer.err
