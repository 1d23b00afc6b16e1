"""folder:PATH as people really have them: parts by other names, what systems leave behind, copies,
pictures of all kinds.
"""

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from condensers.errors import DataMissing
from scenarios.datasets import load
from scenarios.protocol import Splits

Write = Callable[..., None]


@pytest.fixture
def write_parts(tmp_path: Path, write_images: Write) -> Callable[..., Path]:
    def write(*parts: str, classes: tuple[str, ...] = ("a", "b"), n: int = 3) -> Path:
        """Folders PART/CLASS of n different images each."""
        for number, part in enumerate(parts):
            for label, name in enumerate(classes):
                write_images(tmp_path / part / name, n, seed=10 * number + label)
        return tmp_path

    return write


def counts(splits: Splits) -> list[list[int]]:
    parts = (splits.train, splits.validation, splits.test)
    return [[part.count(label) for label in part.classes] for part in parts]


def notes(root: Path) -> str:
    return "\n".join(load(f"folder:{root}").train.notes)


@pytest.mark.parametrize(
    "names",
    [
        "Train Test",
        "TRAINING TESTING",
        "training testing",
        "train_set test_set",
        "trainset Testdata",
        "seg_train seg_test",
    ],
)
def test_parts_are_known_however_they_are_spelt(names: str, write_parts: Any) -> None:
    splits = load(f"folder:{write_parts(*names.split())}")
    assert splits.train.class_names == ("a", "b")
    assert counts(splits) == [[2, 2], [1, 1], [3, 3]]


@pytest.mark.parametrize("name", ["val", "Valid", "validation", "val_set"])
def test_a_validation_part_is_the_validation_part(name: str, write_parts: Any) -> None:
    root = write_parts("Train", "Test", name)
    splits = load(f"folder:{root}")
    assert counts(splits) == [[3, 3], [3, 3], [3, 3]]
    written = np.asarray(Image.open(root / name / "b" / "image01.png"))
    assert torch.equal(splits.validation.images[4, 0], torch.tensor(written))
    assert "has validation images of its own" in notes(root)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (("Train",), "has a folder Train of class folders, but no folder test beside it; add test"),
        (("train", "valid"), r"no folder test beside it; add test \(or call valid that"),
        (("Testing", "val"), "has a folder Testing of class folders, but no folder train"),
        (
            ("train", "train 2", "test"),
            "its folders train and train 2 both seem to be the train part",
        ),
        (
            ("Apprendre", "Essayer"),
            r"Apprendre and Essayer hold folders of the same names \(a, b\)",
        ),
        (
            ("cat/train", "cat/test", "dog/train", "dog/test"),
            r"cat: a class that holds parts .*: test/cat",
        ),
        (("data/train", "data/test"), "is 1; .*its only folder data holds folders of images"),
    ],
    ids=[
        "train-alone",
        "no-test",
        "no-train",
        "two-trains",
        "other-words",
        "class-first",
        "one-folder-deeper",
    ],
)
def test_parts_that_cannot_be_told_are_refused(
    parts: tuple[str, ...], told: str, write_parts: Any
) -> None:
    with pytest.raises(DataMissing, match=told):
        load(f"folder:{write_parts(*parts)}")


@pytest.mark.parametrize(
    "other", ["Cat", "cat ", unicodedata.normalize("NFD", "caté")], ids=["case", "space", "accent"]
)
def test_a_class_that_two_parts_write_otherwise_is_named(
    other: str, tmp_path: Path, write_images: Write
) -> None:
    known = unicodedata.normalize("NFC", other).strip().lower()
    for folder in (f"train/{known}", "train/dog", f"test/{other}", "test/dog"):
        write_images(tmp_path / folder, 3)
    with pytest.raises(
        DataMissing, match=f"{tmp_path / 'test' / other}: is written otherwise than .*train/{known}"
    ):
        load(f"folder:{tmp_path}")


def test_what_is_hidden_or_left_behind_is_skipped_at_any_depth(
    tmp_path: Path, write_images: Write
) -> None:
    for name in ("a", "b"):
        write_images(tmp_path / name, 10, seed=ord(name))
    clean = load(f"folder:{tmp_path}")
    for hidden in (
        "a/.ipynb_checkpoints",
        "a/deep/.git/x",
        ".cache/y",
        "__MACOSX/a",
        "b/@eaDir",
        "a/__MACOSX",
        "lost+found",
    ):
        write_images(tmp_path / hidden, 2, seed=99)
    for file in (".DS_Store", "a/._image00.png", "Thumbs.db", "b/Thumbs.db", "b/desktop.ini"):
        (tmp_path / file).write_bytes(b"nothing")
    splits = load(f"folder:{tmp_path}")
    assert splits.train.class_names == ("a", "b")
    assert [part.digest for part in (splits.train, splits.test)] == [
        part.digest for part in (clean.train, clean.test)
    ]
    assert splits.train.notes == ()


def test_what_is_passed_over_is_told(tmp_path: Path, write_parts: Any, write_images: Write) -> None:
    root = write_parts("train", "test")
    write_images(root / "extra", 4, seed=50)
    write_images(root / "train", 2, seed=60)
    write_images(root / "train" / "a" / "more", 5, seed=70)
    for file in ("train/a/x.gif", "train/a/y.gif", "test/b/labels.csv"):
        (root / file).write_bytes(b"x")
    assert load(f"folder:{root}").train.notes == (
        (
            "passes over the folder extra (4 images), which is called neither train, validation nor"
            " test"
        ),
        "passes over 2 images in no class folder, such as train/image00.png",
        "passes over what is no image by its ending, 3 files: .gif (2), .csv (1)",
        "counts 5 images in folders within a class as the class's, such as a/more/image00.png",
    )


def test_classes_in_an_order_that_surprises_are_told(tmp_path: Path, write_images: Write) -> None:
    for label, name in enumerate(("1", "2", "10", "A", "a")):
        write_images(tmp_path / name, 3, seed=label)
    splits = load(f"folder:{tmp_path}")
    assert splits.train.class_names == ("1", "10", "2", "A", "a")
    assert "where 10 comes before 2" in notes(
        tmp_path
    ) and "classes A and a differ in nothing but" in notes(tmp_path)


def test_copies_across_parts_and_classes_are_counted_and_named(write_parts: Any) -> None:
    root = write_parts("train", "val", "test")
    assert not [note for note in notes(root).splitlines() if "equal in every pixel" in note]
    shutil.copy(root / "train/a/image00.png", root / "test/a/image00.png")
    Image.open(root / "train/a/image01.png").save(root / "test/a/another.bmp")
    shutil.copy(root / "train/b/image00.png", root / "val/b/image00.png")
    os.link(root / "train/b/image01.png", root / "train/a/linked.png")
    splits = load(f"folder:{root}")
    assert splits.test.notes == splits.train.notes
    assert splits.train.notes[1:] == (
        (
            "1 of 6 validation images is in the training part too, equal in every pixel:"
            " train/b/image00.png and val/b/image00.png; figures on the validation part count it as"
            " unseen"
        ),
        (
            "2 of 7 test images are in the training part too, equal in every pixel:"
            " train/a/image00.png and test/a/image00.png; figures on the test part count them as"
            " unseen"
        ),
        (
            "1 image is in more than one class, equal in every pixel: train/a/linked.png and"
            " train/b/image01.png"
        ),
    )


def test_copies_that_our_own_division_sets_apart_are_counted(
    tmp_path: Path, write_images: Write
) -> None:
    for name in ("a", "b"):
        write_images(tmp_path / name, 10, seed=ord(name))
    for index in range(10):
        shutil.copy(tmp_path / f"a/image{index:02}.png", tmp_path / f"a/copy{index:02}.png")
    splits = load(f"folder:{tmp_path}")
    known = {image.numpy().tobytes() for image in splits.train.images}
    shared = sum(image.numpy().tobytes() in known for image in splits.test.images)
    assert shared > 0
    assert any(
        note.startswith(f"{shared} of 6 test images are in the training part")
        for note in splits.train.notes
    )


def test_a_linked_folder_within_a_class_is_followed_once(
    tmp_path: Path, write_images: Write
) -> None:
    for name in ("pets/a", "pets/b", "elsewhere"):
        write_images(tmp_path / name, 4, seed=len(name))
    os.symlink(tmp_path / "elsewhere", tmp_path / "pets/a/linked")
    os.symlink(tmp_path / "pets/a", tmp_path / "pets/a/loop")
    assert [
        sum(part) for part in zip(*counts(load(f"folder:{tmp_path / 'pets'}")), strict=True)
    ] == [8, 4]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_orientation_says(
    orientation: int, tmp_path: Path, write_images: Write
) -> None:
    """The file holds what the camera saw; upright, all are equal."""
    undo = [None, None, 0, 3, 1, 5, 2, 6, 4][
        orientation
    ]  # the transposition that an orientation asks to be undone
    upright = np.random.RandomState(0).randint(0, 256, (6, 8, 3)).astype(np.uint8)
    for name in ("a", "b"):
        write_images(tmp_path / name, 5, (6, 8, 3), seed=ord(name))
    seen, exif = Image.fromarray(upright), Image.Exif()
    exif[0x0112] = orientation
    (seen if undo is None else seen.transpose(Image.Transpose(undo))).save(
        tmp_path / "a" / "turned.png", exif=exif
    )
    splits = load(f"folder:{tmp_path}")
    images = torch.cat([part.images for part in (splits.train, splits.validation, splits.test)])
    wanted = torch.tensor(upright).permute(2, 0, 1)
    assert splits.train.shape == (3, 6, 8)
    assert sum(torch.equal(image, wanted) for image in images) == 1
