"""NAME@PIXELS~COUNT: images brought to a lesser height by averages, and fewer of them."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from condensers.errors import UsageError
from scenarios.datasets import check, load
from scenarios.datasets.derived import limit_images, shrink_images
from scenarios.datasets.raw import RawData, RawPart


def raw(*shape: int) -> RawData:
    images = np.random.RandomState(0).randint(0, 256, (6, *shape)).astype(np.uint8)
    return RawData(
        RawPart(images, np.arange(6) % 2),
        RawPart(images[:4], np.arange(4) % 2),
        ("a", "b"),
        "none",
        False,
        (0.5,),
        (0.5,),
    )


def test_each_pixel_is_the_mean_of_its_square_and_the_statistics_are_left_to_the_new_images() -> (
    None
):
    found = shrink_images("noise@4", raw(3, 12, 6), 4)
    oracle = functional.avg_pool2d(torch.from_numpy(raw(3, 12, 6).train.images).double(), 3)
    assert found.train.images.shape == (6, 3, 4, 2) and found.test.images.shape == (4, 3, 4, 2)
    assert np.array_equal(found.train.images, np.floor(oracle.numpy() + 0.5).astype(np.uint8))
    assert (found.mean, found.std, found.class_names) == (None, None, ("a", "b"))


def test_digits_at_half_size_are_the_same_digits_under_a_name_and_digest_of_their_own() -> None:
    whole, half = load("digits"), load("digits@4")
    assert half.train.shape == (1, 4, 4) and half.train.name == "digits@4"
    assert torch.equal(whole.train.labels, half.train.labels) and torch.equal(
        whole.test.labels, half.test.labels
    )
    pooled = functional.avg_pool2d(whole.validation.images.double(), 2)
    assert (half.validation.images.double() - pooled).abs().max() <= 0.5
    assert whole.train.digest != half.train.digest
    assert half.train.normalise(half.train.images).std().item() == pytest.approx(1, abs=1e-3)
    both = load("domains:digits@4+usps-like@4").train
    assert both.shape == (1, 4, 4) and both.name == "domains:digits@4+usps-like@4"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "digits@3",
            (
                r"'digits@3': images of 8 x 8 pixels are not brought to 3 by averages; take one of"
                r" 4, 2, 1"
            ),
        ),
        ("digits@8", "take one of 4, 2, 1"),
        ("digits@16", "take one of 4, 2, 1"),
        ("digits@half", "'half' is no height of images; write NAME@PIXELS"),
        ("digits@0", "'0' is no height"),
        ("digits~0", "'0' is no number of training images a class; write NAME~COUNT"),
        ("digits~half@4", "'half@4' is no number"),
        ("digits~1000", r"no class has more than \d+ training images; leave out ~1000"),
        ("digist@4", "did you mean 'digits'"),
    ],
)
def test_a_size_that_does_not_fit_is_refused_in_one_sentence(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load(name)
    assert "\n" not in str(caught.value)


def test_a_width_that_does_not_divide_is_refused_and_names_are_checked_without_data() -> None:
    with pytest.raises(
        UsageError, match="12 x 7 pixels are not brought to 6 by averages; no lesser one fits"
    ):
        shrink_images("noise@6", raw(1, 12, 7), 6)
    check("fashion-mnist@14")
    with pytest.raises(UsageError, match="unknown dataset"):
        check("no-such-set@14")


def test_fewer_training_images_are_the_first_of_each_class_and_all_test_images_stay() -> None:
    whole, few = load("digits", validation=0.2), load("digits@4~30", validation=0.2)
    assert few.train.name == "digits@4~30" and few.train.shape == (1, 4, 4)
    assert [few.train.count(label) for label in few.train.classes] == [24] * 10
    assert [few.validation.count(label) for label in few.train.classes] == [6] * 10
    assert torch.equal(few.test.labels, whole.test.labels)
    images = np.arange(12, dtype=np.uint8).reshape(12, 1, 1, 1)
    part = RawPart(images, np.arange(12) % 2)
    found = limit_images("n~2", RawData(part, part, ("a", "b"), "none", False, (0.5,), (0.5,)), 2)
    assert (
        found.train.images.ravel().tolist() == [0, 1, 2, 3]
        and found.mean is None
        and len(found.test.images) == 12
    )
