"""NAME,test=validation: settings are chosen on images that no method sees, and no test image is
read.
"""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from condensers.errors import UsageError
from scenarios import save_npz
from scenarios.datasets import check, load
from scenarios.protocol import Splits


def rows(images: Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def contents(data: Splits) -> list[set[bytes]]:
    return [rows(part.images) for part in (data.train, data.validation, data.test)]


@pytest.mark.parametrize("marks", ["", "@4", "~60"])
def test_validation_images_are_tested_on_and_others_are_held_out(marks: str) -> None:
    whole = load(f"digits{marks}", validation=0.2)
    data = load(f"digits,test=validation{marks}", validation=0.2)
    train, held, tested = contents(data)
    assert torch.equal(data.test.images, whole.validation.images)
    assert torch.equal(data.test.labels, whole.validation.labels)
    assert train | held == rows(whole.train.images)
    assert len(data.train.images) + len(data.validation.images) == len(whole.train.images)
    if not marks:  # pictures of 4 x 4 pixels are the same more often
        assert not tested & rows(whole.test.images)
    assert data.train.name == f"digits,test=validation{marks}"
    assert any("held out for validation" in note for note in data.train.notes)


def test_statistics_come_from_the_images_that_are_left_to_learn_from() -> None:
    data = load("digits,test=validation")
    mean = data.train.images.double().mean().item() / 255
    assert data.train.mean == (pytest.approx(mean, abs=1e-6),)


def test_validation_images_of_a_folder_and_of_a_file_are_taken_as_they_are(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.RandomState(0)
    for part, count in (("train", 10), ("val", 3), ("test", 4)):
        for name in ("a", "b"):
            folder = tmp_path / "photos" / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = random.randint(0, 256, (8, 8), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    whole = load("folder:photos")
    save_npz(whole, tmp_path / "photos.npz")
    for name in ("folder:photos", "npz:photos.npz"):
        data = load(f"{name},test=validation")
        assert contents(data)[2] == contents(whole)[1]
        assert contents(data)[0] | contents(data)[1] == contents(whole)[0]
        assert [len(p.images) for p in (data.train, data.validation)] == [18, 2]


def test_each_of_several_domains_takes_the_option() -> None:
    parts = [load(name) for name in ("digits@4", "digits~60")]
    data = load("domains:digits,test=validation@4+digits,test=validation~60")
    assert len(data.test.images) == sum(len(part.validation.images) for part in parts)


@pytest.mark.parametrize("value", ["train", "", "Validation"])
def test_another_part_is_refused_in_a_sentence(value: str) -> None:
    with pytest.raises(UsageError, match=r"test=.* is no part to test on; write test=validation"):
        check(f"digits,test={value}")


def test_a_class_of_torchvision_is_not_asked_for_the_option() -> None:
    check("torchvision:GTSRB,resize=32,test=validation")
