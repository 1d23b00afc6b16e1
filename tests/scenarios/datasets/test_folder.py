"""folder:PATH: both layouts, and a sentence that names what is wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from condensers.errors import DataMissing, UsageError
from scenarios.datasets import load


def test_class_folders_alone_are_divided_80_to_20(tmp_path: Path, write_images):
    root = tmp_path / "pets"
    write_images(root / "cat", 20, seed=1)
    write_images(root / "dog", 10, seed=2, suffix="PNG")
    splits = load(f"folder:{root}", validation=0.25)
    assert splits.train.name == "folder:pets"
    assert splits.train.class_names == ("cat", "dog")
    parts = (splits.train, splits.validation, splits.test)
    assert [[part.count(label) for label in (0, 1)] for part in parts] == [[12, 6], [4, 2], [4, 2]]
    assert len({image.numpy().tobytes() for part in parts for image in part.images}) == 30
    assert splits.train.mean[0] == pytest.approx(
        splits.train.images.double().mean().item() / 255, abs=1e-6
    )
    again = load(f"folder:{root}", validation=0.25)
    assert [part.digest for part in parts] == [
        part.digest for part in (again.train, again.validation, again.test)
    ]


def test_train_and_test_folders_are_kept_apart_and_pixels_unchanged(tmp_path: Path, write_images):
    for index, name in enumerate(("a", "b")):
        write_images(tmp_path / "train" / name, 5, (6, 8, 3), seed=index)
        write_images(tmp_path / "test" / name, 2, (6, 8, 3), seed=10 + index)
    (tmp_path / "train" / ".hidden").mkdir()
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    splits = load(f"folder:{tmp_path}")
    assert splits.train.shape == (3, 6, 8)
    assert (len(splits.train.labels), len(splits.validation.labels)) == (8, 2)
    assert splits.test.labels.tolist() == [0, 0, 1, 1]
    first = np.asarray(Image.open(tmp_path / "test/a/image00.png"))
    assert torch.equal(splits.test.images[0], torch.tensor(first).permute(2, 0, 1))


def test_an_image_of_another_size_is_named_and_not_resized(tmp_path: Path, write_images):
    write_images(tmp_path / "a", 3, (8, 9))
    write_images(tmp_path / "b", 5, (8, 8))
    odd = tmp_path / "a" / "image00.png"
    with pytest.raises(
        DataMissing, match=f"{odd}: is 9 x 8 grey where 5 of the 8 images are 8 x 8 grey"
    ):
        load(f"folder:{tmp_path}")


def test_grey_among_colours_and_size_across_parts_are_refused(tmp_path: Path, write_images):
    for part in ("train", "test"):
        for name in ("a", "b"):
            write_images(tmp_path / part / name, 3, (8, 8, 3))
    write_images(tmp_path / "test" / "b", 1, (8, 8))
    odd = tmp_path / "test" / "b" / "image00.png"
    with pytest.raises(
        DataMissing, match=f"{odd}: is 8 x 8 grey where 11 of the 12 images are 8 x 8 RGB"
    ):
        load(f"folder:{tmp_path}")


def test_a_class_folder_without_images_is_named(tmp_path: Path, write_images):
    write_images(tmp_path / "a", 4)
    (tmp_path / "b").mkdir()
    with pytest.raises(DataMissing, match=f"{tmp_path / 'b'}: no images of this class"):
        load(f"folder:{tmp_path}")


def test_a_class_in_one_part_only_is_named(tmp_path: Path, write_images):
    for folder in ("train/a", "train/b", "test/a", "test/c"):
        write_images(tmp_path / folder, 3)
    with pytest.raises(DataMissing, match=f"{tmp_path}/test/c: no such class in {tmp_path}/train"):
        load(f"folder:{tmp_path}")
    (tmp_path / "test/c").rename(tmp_path / "elsewhere")
    with pytest.raises(DataMissing, match=f"{tmp_path}/test/b: no images of this class"):
        load(f"folder:{tmp_path}")


def test_a_class_too_small_to_divide_is_named(tmp_path: Path, write_images):
    write_images(tmp_path / "a", 9)
    for n, purpose in ((1, "test"), (2, "validation")):
        write_images(tmp_path / "b", n)
        with pytest.raises(
            DataMissing,
            match=f"class 'b' has only 1 image left to divide between training and {purpose}",
        ):
            load(f"folder:{tmp_path}")
    write_images(tmp_path / "b", 3)
    splits = load(f"folder:{tmp_path}")
    assert [part.count(1) for part in (splits.train, splits.validation, splits.test)] == [1, 1, 1]


def test_a_training_part_without_a_test_part_is_not_taken_for_a_class(tmp_path: Path, write_images):
    write_images(tmp_path / "train" / "a", 3)
    write_images(tmp_path / "val" / "a", 3)
    with pytest.raises(
        DataMissing, match=f"{tmp_path}: has a folder train of class folders, but no folder test"
    ):
        load(f"folder:{tmp_path}")


def test_a_class_may_be_called_train(tmp_path: Path, write_images):
    write_images(tmp_path / "train", 5)
    write_images(tmp_path / "bus", 5)
    assert load(f"folder:{tmp_path}").train.class_names == ("bus", "train")


def test_unreadable_and_unsupported_images_are_named(tmp_path: Path, write_images):
    write_images(tmp_path / "a", 3)
    write_images(tmp_path / "b", 3)
    path = tmp_path / "b" / "image01.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DataMissing, match=f"{path}: cannot be read as an image"):
        load(f"folder:{tmp_path}")
    Image.new("RGBA", (8, 8)).save(path)
    with pytest.raises(DataMissing, match=f"{path}: its colours are stored as RGBA; convert it"):
        load(f"folder:{tmp_path}")


def test_no_folder_one_class_and_no_path(tmp_path: Path, write_images):
    with pytest.raises(DataMissing, match="is not a folder"):
        load(f"folder:{tmp_path / 'nowhere'}")
    write_images(tmp_path / "only", 3)
    with pytest.raises(DataMissing, match="number of class folders in it is 1; make at least 2"):
        load(f"folder:{tmp_path}")
    with pytest.raises(UsageError, match="names no folder"):
        load("folder: ")
