"""JPEG files as what is learned: the transform, the scan, and sets within their bytes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.smooth import data_of, smooth

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.jpeg import files as codecs
from condensers.parts.parameterisations.jpeg.coefficients import JPEG, fit_bodies
from condensers.parts.parameterisations.jpeg.entropy import body, layout
from condensers.parts.parameterisations.jpeg.transform import Transform
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

SPEC = {
    "name": "dm",
    "iterations": 3,
    "optimiser": "adam",
    "lr": 0.1,
    "batch_real": 8,
    "init": "real",
    "augmentation": "none",
    "network": {"name": "convnet", "width": 4, "depth": 1},
    "parameterisation": {"name": "jpeg", "quality": 20},
}


@pytest.mark.parametrize("quality", [10, 50, 95])
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (1, 21, 30), (3, 32, 32), (3, 20, 27)])
def test_pillow_reads_what_is_written_as_it_is_rendered(shape, quality):
    images, transform = smooth(6, shape), Transform(shape, quality)
    coefficients = transform.forward(images.float()).round()
    bodies = [body(one, layout(shape, quality)) for one in coefficients.int().tolist()]
    shared = codecs.frame("jpeg", quality, shape)
    read = np.stack([codecs.decode_file("jpeg", shared, one, shape) for one in bodies]).astype(
        float
    )
    rendered = transform.inverse(coefficients).clamp(0, 255).numpy()
    # libjpeg computes in whole numbers, and enlarges and converts colours in steps that are
    # rounded.
    assert np.abs(read - rendered).mean() < (0.5 if shape[0] == 1 else 0.9)
    if shape[0] == 1:
        assert np.abs(read - rendered).max() < 1.6
        pillow = codecs.bodies("jpeg", quality, images.numpy())
        assert abs(sum(map(len, bodies)) - sum(map(len, pillow))) < 0.01 * sum(map(len, pillow)) + 8


def test_the_transform_is_its_own_inverse_without_rounding():
    transform = Transform((1, 24, 16), 40)
    images = torch.rand(3, 1, 24, 16) * 255
    assert torch.allclose(transform.inverse(transform.forward(images)), images, atol=1e-2)


def test_extreme_coefficients_can_be_written():
    form = layout((1, 8, 16), 50)
    for value in (1023, -1023):
        block = [[value] + [0] * 20 + [value] * 43, [-value] + [0] * 62 + [1]]
        shared = codecs.frame("jpeg", 50, (1, 8, 16))
        assert codecs.decode_file("jpeg", shared, body(block, form), (1, 8, 16)).shape == (1, 8, 16)


def test_files_are_made_to_fit():
    shape = (1, 24, 24)
    kept = Transform(shape, 60).forward(smooth(10, shape).float()).round().int()
    form = layout(shape, 60)
    whole = [body(one, form) for one in kept.tolist()]
    total = sum(map(len, whole))
    assert fit_bodies(kept, form, total) == whole
    for share in (0.9, 0.5, 0.2):
        found = sum(map(len, fit_bodies(kept, form, int(share * total))))
        assert share * total * 0.6 < found <= share * total


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 32, 32)])
def test_a_learned_set_keeps_to_its_bytes_and_holds_more_images(shape):
    data = data_of(shape)
    method = create_condenser(SPEC)
    made = method.condense(data, Budget(ipc=1), Context(seed=1))
    images, labels = made.decode()
    each = method.images_per_class(data, 1)
    assert made.nbytes <= create_condenser("random").nbytes(data, 1)
    assert each > 2 and labels.bincount().tolist() == [each] * 3
    assert images.shape == (3 * each, *shape)
    raw = (images * 0.25 + 0.5) * 255
    assert raw.min() > -0.01 and raw.max() < 255.01


def test_learning_brings_the_means_closer():
    """What is stored, and not only what is learned, has a mean embedding nearer to that of the real
    images.
    """
    data = replace(data_of((1, 24, 24), each=60))
    apart = []
    for iterations in (1, 60):
        spec = SPEC | {
            "iterations": iterations,
            "batch_real": 60,
            "network": {"name": "mlp", "width": 32},
        }
        images, labels = (
            create_condenser(spec).condense(data, Budget(ipc=1), Context(seed=2)).decode()
        )
        means = [
            images[labels == c].mean(0) - data.normalise(data.images[data.members(c)]).mean(0)
            for c in range(3)
        ]
        apart.append(float(torch.stack(means).square().mean()))
    assert apart[1] < 0.8 * apart[0]


def test_where_files_take_more_than_pixels_the_images_stay_pixels():
    data, method = data_of((1, 8, 8)), create_condenser(SPEC)
    made = method.condense(data, Budget(ipc=2), Context(seed=1))
    images, _ = made.decode()
    assert set(made.tensors) == {"images", "labels"} and images.shape == (6, 1, 8, 8)
    assert made.nbytes == method.nbytes(data, 2) == create_condenser("random").nbytes(data, 2)
    still = create_condenser(SPEC | {"lr": 0.0}).condense(data, Budget(ipc=2), Context(seed=1))
    assert not torch.equal(images, still.decode()[0]), "pixels are learned too"


def test_faults_are_one_sentence():
    with pytest.raises(UsageError, match="above the largest"):
        JPEG(quality=101).units(data_of((1, 24, 24)), 1)
    files, pixels = ({"bytes": torch.zeros(0)}, {"images": torch.zeros(0)})
    with pytest.raises(UsageError, match="as files and as pixels"):
        JPEG().join([files, pixels])
