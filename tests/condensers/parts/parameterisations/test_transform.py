"""Coded coefficients of whole images: what is learned is what is stored, within the bytes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.smooth import data_of, smooth

from condensers.composition.initialisation import starting_images
from condensers.engine.context import Context
from condensers.engine.loop import Interrupted
from condensers.errors import UsageError
from condensers.parts.parameterisations.base import LIMIT
from condensers.parts.parameterisations.coding.estimate import bits_of
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.parameterisations.transform import stream
from condensers.parts.parameterisations.transform.coefficients import FullFrameDCT
from condensers.parts.parameterisations.transform.cosines import restore, transform
from condensers.parts.parameterisations.transform.quantiser import Quantiser
from condensers.registry.registry import create_condenser
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import Budget

SHAPES = [(1, 24, 24), (3, 32, 32), (1, 17, 30), (3, 21, 18)]
SPEC = {
    "name": "dm",
    "iterations": 3,
    "optimiser": "adam",
    "lr": 0.2,
    "batch_real": 8,
    "augmentation": "none",
    "network": {"name": "convnet", "width": 4, "depth": 1},
    "parameterisation": {"name": "transform", "step": 0.3},
}


def learned(part, data, ipc=1):
    """The groups that a run begins with, in leaves."""
    context = Context(seed=3)
    each = part.units(data, ipc)
    start = starting_images(data, each, "real", context.generator)
    return {name: one.requires_grad_() for name, one in part.groups(start, data, context).items()}


def test_the_transform_is_orthonormal_and_its_own_inverse():
    images = torch.rand(3, 1, 24, 17, dtype=torch.float64)
    found = transform(images)
    assert torch.allclose(restore(found, (1, 24, 17)), images)
    assert torch.allclose(found.square().sum(), (images - 0.5).square().sum())
    colours = smooth(4, (3, 32, 30)).double() / 255
    assert (restore(transform(colours), (3, 32, 30)) - colours).abs().mean() < 0.02


@pytest.mark.parametrize("templates", [0, 1, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_learned_begins_as_coded_real_images_and_is_what_is_stored(shape, templates):
    data, part = data_of(shape), FullFrameDCT(step=0.3, templates=templates)
    groups, most = learned(part, data), part.nbytes(data, 1)
    assert len(part.pack(part.allot(groups, most), data)["stream"]) <= most
    now = part.decode(groups, slice(None)).detach()
    stored = part.pack(groups, data)
    assert torch.equal(part.unpack(stored, data.mean, data.std, shape), now)
    again = FullFrameDCT().unpack(stored, data.mean, data.std, shape)
    assert torch.equal(again, now), "the stream alone says how it is read"
    assert torch.equal(part.decode(groups, slice(2, 5)), now[2:5])
    nearest = torch.cdist(now.flatten(1), data.normalise(data.images).flatten(1)).min(1)
    assert len(nearest.indices.unique()) > 0.9 * len(now)
    assert (nearest.values / now[0].numel() ** 0.5 * 0.25).max() < 0.12, "they are near real images"


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_the_estimate_is_what_the_coder_takes_and_its_gradient_lowers_it(shape):
    data, part = data_of(shape), FullFrameDCT(step=0.3, free=True)
    groups = learned(part, data, 2)
    bits = part.estimate_bits(groups)
    assert bits.item() / 8 == pytest.approx(part.count_bytes(groups, data), rel=0.15)
    counted = part.count_bytes(groups, data)
    bits.backward()
    with torch.no_grad():
        groups["coefficients"] -= 0.1 * groups["coefficients"].grad
    assert part.count_bytes(groups, data) < 0.95 * counted


def test_bits_are_those_of_probabilities():
    expected = torch.tensor([0.01, 0.3, 2.0], dtype=torch.float64)
    numbers = torch.arange(-400, 401, dtype=torch.float64)
    bits = bits_of(numbers[:, None].expand(-1, 3), expected.expand(801, -1))
    assert torch.allclose((2**-bits).sum(0), torch.ones(3, dtype=torch.float64))
    assert torch.allclose((2**-bits * numbers.abs()[:, None]).sum(0), expected)
    between = torch.linspace(0, 1, 1001, dtype=torch.float64)
    assert (bits_of(between, torch.full_like(between, 0.3)).diff() > 0).all()


@pytest.mark.parametrize("shape", [(1, 24, 24), (3, 20, 20)])
def test_a_learned_set_keeps_to_its_bytes_and_holds_more_images(shape, tmp_path):
    data, method = data_of(shape, each=150), create_condenser(SPEC)
    made = method.condense(data, Budget(ipc=1), Context(seed=1))
    images, labels = made.decode()
    each = method.images_per_class(data, 1)
    assert stored_bytes(data, 1) - 8 < made.nbytes <= stored_bytes(data, 1)
    assert each > 2 and labels.bincount().tolist() == [each] * 3
    save_set(made, tmp_path / "set.safetensors")
    assert torch.equal(load_set(tmp_path / "set.safetensors").decode()[0], images)
    still = create_condenser(SPEC | {"lr": 0.0}).condense(data, Budget(ipc=1), Context(seed=1))
    assert not torch.equal(still.decode()[0], images)


def test_coefficients_that_grew_are_made_to_fit():
    data, part = data_of((1, 24, 24)), FullFrameDCT(step=0.3, free=True)
    groups = learned(part, data)
    with torch.no_grad():
        noise = torch.randn(groups["coefficients"].shape, generator=torch.manual_seed(1))
        groups["coefficients"] += 0.4 * noise
    limit = part.nbytes(data, 1)
    assert part.count_bytes(groups, data) > 1.5 * limit
    assert 0.99 * limit < len(part.pack(part.allot(groups, limit), data)["stream"]) <= limit


def test_bytes_that_are_left_keep_coefficients_of_the_dead_zone_and_change_no_other():
    data, part = data_of((1, 24, 24)), FullFrameDCT(step=0.3, dead_zone=0.3)
    groups = learned(part, data)
    plain = stream.decode(part.pack(groups, data)["stream"].numpy().tobytes()).coefficients
    size = len(part.pack(groups, data)["stream"])
    free, before = groups["coefficients"].detach().numpy(), size
    for more in (1.02, 1.1, 9.0):
        limit = torch.tensor(more * size // 1, dtype=torch.float64)
        stored = part.pack({**groups, LIMIT: limit}, data)["stream"]
        filled = stream.decode(stored.numpy().tobytes()).coefficients
        assert np.array_equal(filled[plain != 0], plain[plain != 0])
        added = (filled != 0) & (plain == 0)
        assert added.any() and (np.abs(free[added]) >= 0.5).all()
        assert np.array_equal(filled[added], np.sign(free[added]))
        assert before <= len(stored) <= more * size and size < len(stored)
        before = len(stored)
    assert (np.abs(free[filled == 0]) < 0.501).all()


@pytest.mark.parametrize("labels", ["hard", {"name": "teacher", "epochs": 1, "storage": "4-bit"}])
def test_a_budget_in_bytes_is_filled_with_all_labels_in_it(labels):
    data, nbytes = data_of((1, 24, 24), each=150), 1.7 * stored_bytes(data_of((1, 24, 24)), 1)
    method = create_condenser(SPEC | {"labels": labels})
    made = method.condense(data, Budget(nbytes=int(nbytes)), Context(seed=1))
    assert nbytes - 8 < made.nbytes <= nbytes
    each = made.card["images_per_class"]
    assert len(made.decode()[0]) == 3 * each > 3 * method.images_per_class(data, 1)
    one = method.condense(data, Budget(ipc=1), Context(seed=1))
    assert method.nbytes(data, 1) == stored_bytes(data, 1) >= one.nbytes


def test_interrupted_and_resumed_is_uninterrupted(tmp_path):
    data, asked = data_of((1, 24, 24)), []
    method = create_condenser(SPEC)
    whole = method.condense(data, Budget(ipc=1), Context(seed=1))

    def stop():
        asked.append(1)
        return len(asked) > 4

    with pytest.raises(Interrupted):
        method.condense(data, Budget(ipc=1), Context(seed=1, folder=tmp_path, stop=stop))
    resumed = method.condense(data, Budget(ipc=1), Context(seed=1, folder=tmp_path))
    assert torch.equal(resumed.tensors["stream"], whole.tensors["stream"])


def coded(shape=(1, 8, 8), seed=0):
    data = data_of(shape, each=4)
    quantiser = Quantiser(step=0.1 + 0.1 * seed, dead_zone=0.1, templates=1)
    return quantiser.quantise(smooth(12, shape, seed).float() / 255, data)[0]


def alike(one, other):
    return np.array_equal(one.values(), other.values()) and one.shape == other.shape


def test_some_images_and_several_sets_decode_to_the_same_images():
    sets = [coded(seed=seed) for seed in range(3)]
    read = stream.decode(stream.encode(stream.join(sets)))
    assert np.array_equal(read.values(), np.concatenate([one.values() for one in sets]))
    picked = np.array([30, 3, 14, 15, 3])
    some = stream.decode(stream.encode(read.take(picked)))
    assert np.array_equal(some.values(), read.values()[picked])
    assert len(some.means) < len(read.means)
    none = stream.decode(stream.encode(read.take(picked[:0])))
    assert len(none.values()) == 0


def test_damaged_streams_are_refused_or_read_but_never_crash():
    whole = stream.encode(coded())
    generator, refused = np.random.default_rng(5), 0
    for trial in range(80):
        bad = bytearray(whole)
        for _ in range(trial % 3 + 1):
            bad[generator.integers(len(bad))] = generator.integers(256)
        bad = bad[: generator.integers(len(bad))] if trial % 2 else bad
        try:
            found = stream.decode(bytes(bad))
        except ValueError as fault:
            refused += 1
            assert "\n" not in str(fault)
        else:
            assert np.isfinite(found.values()).all()
    assert refused > 72
    with pytest.raises(ValueError, match="coded images"):
        stream.decode(b"")


def test_faults_are_one_sentence(tmp_path):
    data = data_of((1, 24, 24))
    made = create_condenser({"name": "real-transform", "step": 0.3}).condense(
        data, Budget(ipc=1), Context()
    )
    cut = made.tensors["stream"][:-9]
    for tensors, match in (
        ({"stream": cut}, "coded images"),
        ({"stream": cut.float()}, "row of bytes"),
        ({"labels": made.tensors["labels"][1:]}, "not what its card says"),
    ):
        with pytest.raises(UsageError, match=match) as fault:
            save_set(replace(made, tensors={**made.tensors, **tensors}), tmp_path / "a.safetensors")
        assert "\n" not in str(fault.value)
    with pytest.raises(UsageError, match=r"real-transform\.step: 300\.0 is neither 0 nor"):
        create_condenser({"name": "real-transform", "step": 300})
    with pytest.raises(UsageError, match="as coded images and as pixels"):
        FullFrameDCT().join([made.tensors, {"images": torch.zeros(0)}])


@pytest.mark.parametrize("choose", ["random", "k-means"])
def test_real_images_fill_their_bytes_and_are_more_than_those_of_jpeg(choose):
    data = data_of((1, 24, 24), each=200)
    method = create_condenser({"name": "real-transform", "choose": choose, "templates": 2})
    made = method.condense(data, Budget(nbytes=3000), Context(seed=2))
    assert 2850 < made.nbytes <= 3000
    each = made.card["images_per_class"]
    jpeg = create_condenser({"name": "real-jpeg", "quality": 10})
    assert each > jpeg.condense(data, Budget(nbytes=3000), Context()).card["images_per_class"]
    images, _ = made.decode()
    for c, name in enumerate(data.class_names):
        chosen = torch.tensor(made.card["indices"][name])
        assert len(chosen.unique()) == each
        assert (data.labels[chosen] == c).all()
        real = data.normalise(data.images[chosen])
        apart = torch.cdist(images[c * each : (c + 1) * each].flatten(1), real.flatten(1))
        assert (apart.argmin(1) == torch.arange(each)).float().mean() > 0.9
