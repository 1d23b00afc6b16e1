"""ClassData: exact pixels, classes that cannot leak, a digest of all that matters, and refusals in
one sentence.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.errors import DataMissing, UsageError

SIX: dict[str, Any] = {
    "name": "six",
    "images": torch.arange(6 * 4, dtype=torch.uint8).view(6, 1, 2, 2),
    "labels": torch.tensor([2, 0, 1, 2, 0, 2]),
    "class_names": ("ant", "bee", "cat"),
    "mean": (0.5,),
    "std": (0.25,),
}


@pytest.fixture
def six() -> ClassData:
    return ClassData(**SIX)


def test_every_pixel_value_survives_normalising_and_quantising(colour32: ClassData) -> None:
    ramp = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(2, 3, 16, 16)
    assert torch.equal(colour32.quantise(colour32.normalise(ramp)), ramp)


def test_normalise_is_the_formula(six: ClassData) -> None:
    normal = six.normalise(torch.tensor([[[[0, 255], [51, 102]]]], dtype=torch.uint8))
    assert normal.dtype == torch.float32
    assert torch.allclose(normal, torch.tensor([[[[-2.0, 2.0], [-1.2, -0.4]]]]), atol=1e-6)


def test_quantise_clamps_and_rounds(six: ClassData) -> None:
    values = torch.tensor(
        [[[[-99.0, 99.0], [(100.4 / 255 - 0.5) / 0.25, (100.6 / 255 - 0.5) / 0.25]]]]
    )
    assert six.quantise(values).flatten().tolist() == [0, 255, 100, 101]


def test_members_are_in_the_datas_order(six: ClassData) -> None:
    assert {c: six.members(c).tolist() for c in six.classes} == {0: [1, 4], 1: [2], 2: [0, 3, 5]}
    assert [six.count(c) for c in six.classes] == [2, 1, 3]
    assert six.shape == (1, 2, 2)


def test_restricted_data_hold_no_other_class_in_memory(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 10, 20)
    small = data.restrict([3, 1, 3])
    assert small.classes == (1, 3)
    assert small.class_names == data.class_names
    assert set(small.labels.tolist()) == {1, 3}
    assert len(small.images) == 40
    assert torch.equal(small.images, data.images[(data.labels == 1) | (data.labels == 3)])
    assert small.images.untyped_storage().nbytes() == 40 * 64, (
        "a view would keep the other images alive"
    )
    assert small.images.untyped_storage().data_ptr() != data.images.untyped_storage().data_ptr()
    for gone in (0, 9):
        with pytest.raises(KeyError):
            small.sample(gone, 1, torch.Generator())
    with pytest.raises(UsageError, match=r"cannot restrict to classes \(1, 2\); it holds \(1, 3\)"):
        small.restrict([1, 2])
    with pytest.raises(UsageError, match=r"cannot restrict to classes \(\)"):
        data.restrict([])


def test_a_subset_is_a_copy_and_keeps_every_class(six: ClassData) -> None:
    part = six.subset(torch.tensor([0, 1, 2]))
    assert part.labels.tolist() == [2, 0, 1]
    assert part.images.untyped_storage().nbytes() == 12
    with pytest.raises(
        DataMissing, match="six: class 'bee' has no images; add some or leave the class out"
    ):
        six.subset(torch.tensor([0, 1]))


def test_the_digest_notices_what_matters(six: ClassData) -> None:
    images, labels = six.images.clone(), six.labels.clone()
    assert replace(six, images=images, labels=labels).digest == six.digest
    assert replace(six, name="seven").digest == six.digest
    images[5, 0, 1, 1] += 1
    labels[0] = 1
    others = [
        replace(six, images=images),
        replace(six, labels=labels),
        replace(six, class_names=("ant", "bee", "dog")),
        replace(six, images=six.images.view(6, 1, 4, 1)),
        six.restrict([0, 1]),
    ]
    assert len({six.digest, *(other.digest for other in others)}) == 6
    assert len(six.digest) == 16


def test_a_sample_has_no_image_twice(grey8: ClassData, generator: torch.Generator) -> None:
    members = {bytes(image.numpy().tobytes()) for image in grey8.images[grey8.labels == 4]}
    for n in (1, 7, 20):
        drawn = grey8.quantise(grey8.sample(4, n, generator))
        found = {bytes(image.numpy().tobytes()) for image in drawn}
        assert len(found) == n
        assert found <= members
    assert len(grey8.sample(4, 99, generator)) == 20


def test_a_sample_follows_the_generator(grey8: ClassData) -> None:
    first, again, other = (
        grey8.sample(4, 5, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("change", "fault", "sentence"),
    [
        (
            {"images": torch.zeros(6, 1, 2, 2)},
            UsageError,
            r"must be uint8 \(N, C, H, W\), not torch.float32 \(6, 1, 2, 2\)",
        ),
        ({"images": torch.zeros(6, 4, dtype=torch.uint8)}, UsageError, r"not torch.uint8 \(6, 4\)"),
        (
            {"labels": torch.tensor([0, 1, 2])},
            UsageError,
            r"must be int64, one for each of 6 images, not torch.int64 \(3,\)",
        ),
        (
            {"labels": torch.zeros(6)},
            UsageError,
            r"labels must be int64, .* not torch.float32 \(6,\)",
        ),
        (
            {"labels": torch.tensor([0, 1, 2, 3, 0, 0])},
            UsageError,
            r"six: label 3 is outside 0\.\.2",
        ),
        (
            {"labels": torch.tensor([0, 1, 2, -1, 0, 0])},
            UsageError,
            r"six: label -1 is outside 0\.\.2",
        ),
        (
            {"labels": torch.tensor([0, 0, 2, 2, 0, 0])},
            DataMissing,
            "six: class 'bee' has no images; add some",
        ),
        (
            {"labels": torch.zeros(6, dtype=torch.int64)},
            DataMissing,
            r"class 'bee' has no images \(nor have 1 others\)",
        ),
    ],
)
def test_wrong_data_are_one_sentence(
    change: dict[str, Any], fault: type[Exception], sentence: str
) -> None:
    with pytest.raises(fault, match=sentence) as found:
        ClassData(**(SIX | change))
    assert "\n" not in str(found.value)


def test_images_start_from_noise_or_from_real_ones(
    grey8: ClassData, generator: torch.Generator
) -> None:
    noise = starting_images(grey8, 30, "noise", generator)
    assert noise.shape == (300, 1, 8, 8)
    assert abs(noise.mean().item()) < 0.05
    assert abs(noise.std().item() - 1) < 0.05
    real = grey8.quantise(starting_images(grey8, 3, "real", generator)).view(10, 3, 64)
    for label in grey8.classes:
        of_class = {tuple(row) for row in grey8.images[grey8.labels == label].flatten(1).tolist()}
        assert len({tuple(row) for row in real[label].tolist()} & of_class) == 3
    with pytest.raises(UsageError, match="init 'zeros' is not one of noise, real"):
        starting_images(grey8, 1, "zeros", generator)


def test_more_starting_images_than_real_ones_use_each_of_them(
    six: ClassData, generator: torch.Generator
) -> None:
    start = six.quantise(starting_images(six, 4, "real", generator)).view(3, 4, 4)
    assert [len({tuple(row) for row in rows.tolist()}) for rows in start] == [2, 1, 3]
