"""JPEG coefficients under the arithmetic coder: the images of the files, in fewer bytes."""

import numpy as np
import pytest
import torch
from helpers.smooth import data_of

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.parameterisations.jpeg import files, recoding
from condensers.parts.parameterisations.jpeg.coefficients import JPEG
from condensers.parts.parameterisations.jpeg.entropy import body, layout
from condensers.parts.parameterisations.jpeg.recoded import RecodedFiles, RecodedSizes
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget

RECODED = RecodedFiles()
SHAPES = [(1, 28, 28), (3, 32, 32), (1, 21, 30), (3, 20, 27)]


def recoded(shape, quality, count=20):
    data = data_of(shape, each=count // 2, classes=2)
    return RecodedSizes(data, quality).images(torch.arange(count))


@pytest.mark.parametrize("quality", [5, 60])
@pytest.mark.parametrize("shape", SHAPES)
def test_coefficients_come_back_and_decode_to_the_images_of_files(shape, quality):
    images = recoded(shape, quality)
    read = recoding.decode(recoding.encode(images))
    assert torch.equal(read.coefficients, images.coefficients)
    assert (read.shape, read.quality) == (shape, quality)
    shared, form = files.frame("jpeg", quality, shape), layout(shape, quality)
    known = [
        files.decode_file("jpeg", shared, body(one, form), shape)
        for one in images.coefficients.tolist()
    ]
    channels = (0.0,) * shape[0], (1.0,) * shape[0]
    found = RECODED.unpack(RECODED.store(images), *channels, shape)
    assert np.array_equal((found * 255).round().numpy(), np.stack(known))


@pytest.mark.parametrize("quality", [3, 10, 20])
def test_it_takes_less_than_libjpeg(quality):
    shape = (1, 28, 28)
    data = data_of(shape, each=60, classes=2)
    images = RecodedSizes(data, quality).images(torch.arange(120))
    head, tail = files.frame("jpeg", quality, shape)
    scans = sum(map(len, files.bodies("jpeg", quality, data.images.numpy())))
    theirs = len(head) + len(tail) + scans + 2 * len(images.coefficients)
    assert len(recoding.encode(images)) < 0.9 * theirs
    assert recoding.measure(images) == pytest.approx(len(recoding.encode(images)), rel=0.1)


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 18, 20)])
def test_more_real_images_fit_and_the_set_is_read_again(shape, tmp_path):
    data = data_of(shape, each=80)
    counts = []
    for coder in ("huffman", "range"):
        spec = {"name": "real-jpeg", "quality": 10, "coder": coder}
        made = create_condenser(spec).condense(data, Budget(nbytes=3500), Context(seed=1))
        assert made.nbytes <= 3500
        counts.append(made.card["images_per_class"])
    assert counts[1] > 1.1 * counts[0]
    save_set(made, tmp_path / "set.safetensors")
    read = load_set(tmp_path / "set.safetensors")
    assert torch.equal(read.decode()[0], made.decode()[0])
    groups = {"stream": made.tensors["stream"]}
    part = JPEG(10, "range")
    two = part.join([part.take(groups, torch.tensor([4, 1])), groups])
    images = part.unpack(two, data.mean, data.std, shape)
    assert torch.equal(images[:2], made.decode()[0][[4, 1]])
    assert torch.equal(images[2:], made.decode()[0])


def test_a_learned_set_keeps_to_its_bytes():
    data = data_of((1, 24, 24))
    spec = {
        "name": "dm",
        "iterations": 2,
        "lr": 0.1,
        "batch_real": 8,
        "network": {"name": "mlp", "width": 8},
        "parameterisation": {"name": "jpeg", "quality": 20, "coder": "range"},
    }
    method = create_condenser(spec)
    made = method.condense(data, Budget(ipc=1), Context(seed=1))
    assert set(made.tensors) == {"stream", "labels"}
    assert made.nbytes <= method.nbytes(data, 1) == create_condenser("random").nbytes(data, 1)
    assert len(made.decode()[0]) == 3 * method.images_per_class(data, 1)


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 32, 32)])
def test_the_estimate_is_what_the_coder_takes_and_its_gradient_lowers_it(shape):
    data, part = data_of(shape), JPEG(20, "range")
    start = data.normalise(data.images)
    groups = {n: t.requires_grad_() for n, t in part.groups(start, data, Context()).items()}
    bits, counted = part.estimate_bits(groups), part.count_bytes(groups, data)
    assert bits.item() / 8 == pytest.approx(counted, rel=0.2)
    assert counted == pytest.approx(len(part.pack(groups, data)["stream"]), rel=0.1)
    bits.backward()
    with torch.no_grad():
        groups["coefficients"] -= 0.2 * groups["coefficients"].grad
    assert part.count_bytes(groups, data) < 0.95 * counted
    assert JPEG(20).estimate_bits(groups) is None


def test_faults_are_one_sentence():
    whole = recoding.encode(recoded((1, 12, 12), 30, 6))
    generator, refused = np.random.default_rng(2), 0
    for trial in range(40):
        bad = bytearray(whole)
        bad[generator.integers(len(bad))] ^= int(generator.integers(1, 256))
        bad = bad[: generator.integers(len(bad))] if trial % 2 else bad
        try:
            recoding.decode(bytes(bad))
        except ValueError as fault:
            refused += 1
            assert "\n" not in str(fault)
    assert refused > 35
    with pytest.raises(UsageError, match="compressed with different settings"):
        RECODED.join([RECODED.store(recoded((1, 8, 8), q)) for q in (10, 20)])
