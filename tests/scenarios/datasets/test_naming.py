"""Names of data sets: schemes, options, marks, and tables of a suite."""

from pathlib import Path
from typing import Any

import pytest

from condensers.errors import DataMissing, UsageError
from scenarios.datasets import check
from scenarios.datasets.naming import (
    DatasetName,
    locate_folders,
    name_in_cards,
    name_of_table,
    parse_name,
    runs_code,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist", DatasetName("", "mnist")),
        ("mnist,resize=16@8~3", DatasetName("", "mnist", (("resize", "16"),), 8, 3)),
        ("folder:a b/c,d", DatasetName("folder:", "a b/c,d")),
        ("folder:~/x@16~5", DatasetName("folder:", "~/x", (), 16, 5)),
        ("folder:me@home~", DatasetName("folder:", "me@home~")),
        (
            "folder:x,convert=rgb,resize=32~5",
            DatasetName("folder:", "x", (("convert", "rgb"), ("resize", "32")), None, 5),
        ),
        ("folder:x@8,resize=32", DatasetName("folder:", "x", (("resize", "32"),), 8)),
        ("some/blood.npz~9", DatasetName("npz:", "some/blood.npz", (), None, 9)),
        ("hf:saved,label=fine", DatasetName("hf:", "saved", (("label", "fine"),))),
        ("torchvision:EMNIST@14", DatasetName("torchvision:", "EMNIST", (), 14)),
        ("a/b@c.py:Mine@4", DatasetName("", "a/b@c.py:Mine", (), 4)),
    ],
)
def test_a_name_is_taken_apart_and_put_together(name: str, expected: DatasetName) -> None:
    assert parse_name(name) == expected
    assert parse_name(str(expected)) == expected


def test_a_path_that_is_there_is_read_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "photos@16~5").mkdir()
    assert parse_name(f"folder:{tmp_path}/photos@16~5").place == f"{tmp_path}/photos@16~5"
    assert parse_name(f"folder:{tmp_path}/photos@16").height == 16


def test_marks_in_two_places_and_an_option_said_twice_are_refused() -> None:
    with pytest.raises(UsageError, match="has marks in two places"):
        parse_name("folder:x@8,resize=32~5")
    with pytest.raises(UsageError, match="says resize twice"):
        parse_name("folder:x,resize=32,resize=16")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("folder:x,resiz=32", "unknown option 'resiz'; did you mean 'resize'"),
        ("mnist,label=x", "unknown option 'label'"),
        ("folder:x,convert=blue", "convert=blue is no way to do it; known: grey, rgb"),
        ("folder:x,resize=0", "resize=0 is no number of pixels from 1 to 4096"),
        ("folder:x,crop=pad", "add resize, such as resize=32"),
        ("folder:x,resize=8,crop=left", "crop=left is no way"),
        ("hf:x,mirror=no", "mirror=no is not true or false"),
        ("npz:", "names no file or folder; write npz:FILE.npz"),
        ("memory:faces", "was in memory; write it with scenarios.save_npz"),
        ("mnits,resize=8", "unknown dataset 'mnits'; did you mean 'mnist'"),
    ],
)
def test_a_wrong_name_is_one_sentence(name: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(name)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cards_know_no_folder_of_this_machine(tmp_path: Path) -> None:
    assert name_in_cards(f"folder:{tmp_path}/photos,resize=32~5") == "folder:photos,resize=32~5"
    assert name_in_cards(f"{tmp_path}/blood.npz@14") == "npz:blood.npz@14"
    assert name_in_cards("torchvision:GTSRB,resize=32") == "torchvision:GTSRB,resize=32"
    assert not runs_code("npz:a.npz") and not runs_code("torchvision:GTSRB")
    assert runs_code("mine.py:Faces,resize=32")


def test_a_card_finds_its_path_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "blood.npz").touch()
    file = tmp_path / "set.safetensors"
    assert locate_folders("folder:photos,resize=8", file) == f"folder:{tmp_path}/photos,resize=8"
    assert locate_folders("npz:blood.npz", file) == f"npz:{tmp_path}/blood.npz"
    with pytest.raises(DataMissing, match="--data folder:PATH,resize=8"):
        locate_folders("folder:gone,resize=8", file)
    with pytest.raises(DataMissing, match="was made from faces, which was in memory"):
        locate_folders("memory:faces", file)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        (
            {"name": "folder:x", "resize": 32, "convert": "rgb"},
            "folder:x,convert=rgb,resize=32",
        ),
        ({"name": "folder:x@16~5", "resize": 32}, "folder:x,resize=32@16~5"),
        ({"name": "hf:x", "mirror": False}, "hf:x,mirror=false"),
        ({"name": "mnist"}, "mnist"),
    ],
)
def test_a_table_of_a_suite_is_a_name(table: dict[str, Any], name: str) -> None:
    assert name_of_table(table, "data[0]") == name


@pytest.mark.parametrize(
    "table",
    [
        {"resize": 32},
        {"name": "folder:x", "resize": [32]},
        {"name": "folder:x", "crop": "a,b"},
        {"name": "folder:x,resize=8", "resize": 32},
        {"name": "domains:a+b", "resize": 32},
    ],
)
def test_a_wrong_table_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        name_of_table(table, "data[0]")
