"""Coded images are coded again in fewer bytes from their own coefficients."""

import numpy as np
import pytest
import torch

from condensers.data import ClassData
from condensers.parts.parameterisations.coding.stored import store_stream
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT
from condensers.parts.parameterisations.transform.cosines import transform
from condensers.parts.parameterisations.transform.quantiser import Quantiser
from condensers.parts.parameterisations.transform.requantising import COARSEST, requantise
from condensers.parts.parameterisations.transform.stream import (
    STEPS,
    CodedImages,
    decode,
    encode,
)

STEP = 0.2


@pytest.fixture(scope="module")
def data() -> ClassData:
    """Two classes, the second rougher than the first."""
    generator = torch.Generator().manual_seed(0)
    rough = torch.rand(40, 1, 16, 16, generator=generator)
    smooth = torch.nn.functional.avg_pool2d(rough, 7, 1, 3)
    medium = torch.nn.functional.avg_pool2d(rough, 3, 1, 1)
    images = torch.cat([smooth[:20], medium[20:]])
    return ClassData(
        name="clouds",
        images=((0.5 + (images - 0.5) * 3) * 255).clamp(0, 255).to(torch.uint8),
        labels=torch.arange(2).repeat_interleave(20),
        class_names=("smooth", "rough"),
        mean=(0.5,),
        std=(0.2,),
    )


@pytest.fixture(scope="module")
def coded(data: ClassData) -> CodedImages:
    return Quantiser(STEP, 0.15, 1).quantise(data.images.float() / 255, data)[0]


def error(images: CodedImages, of: CodedImages) -> float:
    return float(np.square(images.values() - of.values()).sum())


@pytest.mark.parametrize("part", [0.9, 0.7, 0.5, 0.3])
def test_the_bytes_are_met_and_all_images_stay(coded: CodedImages, part: float) -> None:
    limit = int(part * len(encode(coded)))
    ((found, content),) = requantise([coded], limit)
    # The multiple that changes least may take less: at half a step zero is as near as one.
    assert 0.7 * limit < len(content) <= limit
    assert content == encode(found) and np.array_equal(decode(content).values(), found.values())
    assert len(found.coefficients) == len(coded.coefficients)
    assert np.array_equal(found.origins, coded.origins)
    assert (found.steps % coded.steps == 0).all() and found.steps.max() <= COARSEST * STEPS


def test_fewer_bytes_change_the_images_more(coded: CodedImages) -> None:
    whole = len(encode(coded))
    found = [requantise([coded], int(part * whole))[0][0] for part in (0.9, 0.7, 0.5, 0.3)]
    errors = [error(one, coded) for one in found]
    assert errors == sorted(errors) and errors[0] > 0


def test_it_is_nearly_as_good_as_one_coding_of_the_real_images(
    data: ClassData, coded: CodedImages
) -> None:
    """From what is stored half the bytes hold at most a third more error than from the images."""
    real = data.images.float() / 255
    ((found, content),) = requantise([coded], len(encode(coded)) // 2)
    step = STEP
    while len(encode(once := Quantiser(step, 0.15, 1).quantise(real, data)[0])) > len(content):
        step *= 1.05
    values = transform(real).double().numpy()
    twice_lost, once_lost = (np.square(one.values() - values).sum() for one in (found, once))
    assert twice_lost < 1.33 * once_lost


def test_one_multiplier_for_all_leaves_more_to_the_harder_class(coded: CodedImages) -> None:
    """Each half of the bytes would be equal shares; the rougher images keep more of them."""
    parts = [coded.take(np.arange(20)), coded.take(np.arange(20, 40))]
    whole = sum(len(encode(one)) for one in parts)
    (_, smooth), (_, rough) = requantise(parts, whole // 2)
    assert len(smooth) + len(rough) <= whole // 2 and len(rough) > 1.5 * len(smooth)


def test_there_is_a_coarsest(coded: CodedImages) -> None:
    ((found, content),) = requantise([coded], 10)
    assert len(content) > 10 and found.coefficients.any()


def test_stored_groups_are_coded_again(data: ClassData, coded: CodedImages) -> None:
    form, stored = FullFrameDCT(), store_stream(encode(coded))
    (same,) = form.recode([stored], stored["stream"].numel(), data.shape)
    assert torch.equal(same["stream"], stored["stream"])
    limit = stored["stream"].numel() // 2
    (less,) = form.recode([stored], limit, data.shape)
    (again,) = form.recode([stored], limit, data.shape)
    assert less["stream"].numel() <= limit and torch.equal(less["stream"], again["stream"])
    shown = form.unpack(less, data.mean, data.std, data.shape)
    assert shown.shape == data.images.shape


def test_new_images_are_coded_under_a_mean_that_is_there(
    data: ClassData, coded: CodedImages
) -> None:
    form, stored = FullFrameDCT(STEP), store_stream(encode(coded))
    kept = torch.arange(5, 40)
    grown = form.append(stored, kept, data.images[:3], like=0)
    found = decode(grown["stream"].numpy().tobytes())
    assert len(found.coefficients) == 38 and len(found.means) == 2
    seen = form.unpack(grown, data.mean, data.std, data.shape)
    old = form.unpack(stored, data.mean, data.std, data.shape)
    assert torch.equal(seen, torch.cat([old[5:], old[:3]]))
    third = form.append(stored, kept, data.images[:3], like=None)
    assert len(decode(third["stream"].numpy().tobytes()).means) == 3
