"""The sets that ship with the package: small, sound, from the data they name, and made by the
commands they name.
"""

import json
import shlex
from pathlib import Path

import pytest
import torch

import condensers
from condensers.errors import UsageError
from condensers.sets.files import load_set
from harness import gallery
from scenarios.datasets import load
from tests.helpers.command_line import Harness

OF_DIGITS = ("gallery:dm", "gallery:dm-tiles", "gallery:random")
PIXELS = {"cifar10": 3072, "fashion-mnist": 784, "mnist": 784}
FULL_SIZE = {f"gallery:dm-fast-{data}-{ipc}": (data, ipc) for data in PIXELS for ipc in (1, 10)}
NAMES = tuple(sorted((*OF_DIGITS, *FULL_SIZE)))
MOST_BYTES = 3_000_000


@pytest.mark.parametrize("name", OF_DIGITS)
def test_it_loads_and_is_of_the_data_that_it_names(name: str) -> None:
    path = gallery.locate(Path(name))
    dataset, train = condensers.load(path), load("mnist-5k").train
    assert (dataset.card["dataset"], dataset.card["digest"]) == ("mnist-5k", train.digest)
    assert len(dataset) == (40 if name == "gallery:dm-tiles" else 10)
    assert dataset.card["licence"] == "CC BY-SA 3.0" and load_set(path).nbytes == 7850


@pytest.mark.parametrize("name", FULL_SIZE)
def test_tiles_of_a_whole_data_set_take_the_bytes_of_the_images_they_replace(name: str) -> None:
    data, ipc = FULL_SIZE[name]
    path = gallery.locate(Path(name))
    dataset, card = condensers.load(path), load_set(path).card
    assert (card["dataset"], card["ipc"], card["images_per_class"]) == (data, ipc, 4 * ipc)
    assert load_set(path).nbytes == 10 * ipc * (PIXELS[data] + 1)
    assert torch.bincount(torch.tensor([label for _, label in dataset])).tolist() == [4 * ipc] * 10
    assert dataset[0][0].std() > 0


def test_a_name_is_taken_wherever_a_file_of_a_set_is() -> None:
    from scenarios import CondensedMemory

    assert torch.equal(
        load_set("gallery:dm").tensors["images"],
        load_set(gallery.locate(Path("gallery:dm"))).tensors["images"],
    )
    assert len(condensers.load("gallery:dm-tiles")) == 40
    assert CondensedMemory("gallery:dm").max_size == 10
    with pytest.raises(UsageError, match="the gallery has no such set; did you mean 'gallery:dm'"):
        CondensedMemory("gallery:dn")


def test_there_are_no_others_and_they_take_little_room() -> None:
    assert tuple(gallery.built_in()) == NAMES
    folder = next(iter(gallery.built_in().values())).parent
    taken = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    assert taken < MOST_BYTES


def test_the_command_of_the_random_set_makes_it_again(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = gallery.locate(Path("gallery:random"))
    monkeypatch.chdir(tmp_path)
    assert harness(*shlex.split(gallery.command(path))[1:]).status == 0
    again, shipped = load_set(tmp_path / "random.safetensors"), load_set(path)
    assert torch.equal(again.tensors["images"], shipped.tensors["images"])
    assert {**again.card, "command": gallery.command(path)}.keys() == shipped.card.keys()


@pytest.mark.parametrize("name", NAMES)
def test_each_command_names_what_the_card_says(name: str) -> None:
    path = gallery.locate(Path(name))
    words, card = shlex.split(gallery.command(path)), load_set(path).card
    assert words[:5] == [
        "harness",
        "condense",
        card["method"],
        "--data",
        card["dataset"],
    ] and words[words.index("--ipc") + 1] == str(card["ipc"])
    tiles = "parameterisation=tiles" in words or card["method"] == "dm-fast"
    assert tiles == (card["parameterisation"]["name"] == "tiles")


def test_the_verbs_take_their_names(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    listed = json.loads(harness("list", "gallery", "--json").out)["gallery"]
    assert (
        tuple(listed) == NAMES
        and listed["gallery:dm"]
        == "dm on mnist-5k, 1 image a class, 7,850 bytes (6,280 bits per class)"
    )
    assert "Made by: harness condense dm " in harness("show", "gallery:dm").out
    assert (
        harness("export", "gallery:dm", "--to", "npz").status == 0
        and (tmp_path / "dm.npz").is_file()
    )
    small = (
        "--set",
        "networks=1",
        "--set",
        "epochs=1",
        "--set",
        'network={name="convnet",width=4}',
    )
    answer = harness("evaluate", "gallery:dm", *small)
    assert answer.status == 0 and "test-accuracy" in answer.out, answer.err
    wrong = harness("evaluate", "gallery:dn")
    assert (
        wrong.status == 2 and "the gallery has no such set; did you mean 'gallery:dm'" in wrong.err
    )
