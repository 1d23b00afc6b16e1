"""Several data sets of the same classes as one: labels, splits that stay apart, sizes and colours,
and what is refused.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.sets.files import load_set
from harness.cli.app import app
from scenarios.datasets import check, load
from scenarios.datasets.derived import combine, map_domains
from scenarios.datasets.raw import RawPart
from scenarios.datasets.usps_like import area_average, render_part
from scenarios.protocol import Splits

NAME = "domains:digits+mnist-5k+usps-like"


def contents(data: ClassData) -> list[bytes]:
    return sorted(image.numpy().tobytes() for image in data.images)


def test_every_class_of_every_domain_is_a_class_of_its_own():
    whole, alone = load(NAME), [load(name) for name in ("digits", "mnist-5k", "usps-like")]
    assert whole.train.name == NAME
    assert whole.train.class_names[:2] + whole.train.class_names[-1:] == (
        "digits: 0",
        "digits: 1",
        "usps-like: 9",
    )
    assert whole.train.licence == "CC BY 4.0; CC BY-SA 3.0"
    for part in ("train", "validation", "test"):
        data = getattr(whole, part)
        assert (data.shape, data.mean, data.mirror) == ((1, 28, 28), whole.train.mean, False)
        own = [getattr(one, part) for one in alone]
        assert [data.count(c) for c in data.classes] == [
            one.count(c) for one in own for c in one.classes
        ]
        mnist = data.restrict(range(10, 20))
        assert contents(mnist) == contents(own[1]), "images of the common size stay as they are"
        assert all(
            set(contents(data.restrict([10 + c]))) == set(contents(own[1].restrict([c])))
            for c in (0, 7)
        ), "a label is that of its domain and class"
    assert len(set(whole.train.labels[:200].tolist())) > 25, "the order is mixed"
    pixels = whole.train.images.double() / 255
    assert whole.train.mean == pytest.approx((float(pixels.mean()),), abs=1e-5)


def test_a_rendering_is_in_the_part_of_the_digit_that_it_shows():
    mnist, usps = load("mnist-5k"), load("usps-like")
    assert usps.train.shape == (1, 16, 16)
    for part in ("train", "validation", "test"):
        shown, source = getattr(usps, part), getattr(mnist, part)
        again = render_part(RawPart(source.images.numpy(), source.labels.numpy()))
        assert np.array_equal(again.images, shown.images.numpy())
        assert torch.equal(source.labels, shown.labels)


def test_a_rendering_fills_its_frame_with_the_digit():
    image = np.zeros((1, 1, 28, 28), dtype=np.uint8)
    image[0, 0, 3:23, 9:13] = 200
    found = render_part(RawPart(image, np.zeros(1, dtype=np.int64))).images[0, 0].astype(int)
    assert found.max() == 255
    assert (found[:, :5] == 0).all() and (found[:, 11:] == 0).all(), "narrow digits stay narrow"
    assert (found[[0, -1], 8] > 150).all(), "from top to bottom"
    assert np.array_equal(found[:, 5:11], found[:, 5:11][:, ::-1])
    empty = render_part(RawPart(np.zeros_like(image), np.zeros(1, dtype=np.int64))).images
    assert not empty.any()


@pytest.mark.parametrize("size", [1, 7, 16, 20])
def test_an_area_average_keeps_what_is_constant_and_the_sum(size: int):
    average = area_average(size, 16)
    assert np.allclose(average.sum(1), 1)
    assert np.allclose(average.sum(0), 16 / size)


def few(
    name: str, shape: tuple[int, int, int], names: tuple[str, ...] = ("a", "b"), mirror: bool = True
) -> Splits:
    labels = torch.arange(2).repeat(3)
    images = (torch.arange(6).view(-1, 1, 1, 1) * 20 + torch.zeros(6, *shape)).to(torch.uint8)
    ones = (0.5,) * shape[0]
    return Splits(*(ClassData(name, images, labels, names, ones, ones, mirror) for _ in range(3)))


def test_sizes_and_colours_become_those_of_the_largest():
    whole = combine([few("grey", (1, 9, 12)), few("colour", (3, 12, 9), mirror=False)])
    data = whole.train
    assert (data.shape, data.class_names, data.mirror) == (
        (3, 12, 12),
        ("grey: a", "grey: b", "colour: a", "colour: b"),
        False,
    )
    assert len(data.mean) == 3
    for label in range(4):
        levels = {tuple(image.unique().tolist()) for image in data.restrict([label]).images}
        assert levels == {(20 * i,) for i in range(6) if i % 2 == label % 2}


def test_outputs_go_by_the_name_of_the_data():
    known = map_domains(NAME, 30)
    assert known is not None
    assert known.outputs == tuple(range(10)) * 3
    assert known.domains == (0,) * 10 + (1,) * 10 + (2,) * 10
    assert map_domains("fashion-mnist", 10) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("domains:", "fewer than two data sets"),
        ("domains:digits", "fewer than two data sets"),
        ("domains:digits+", "fewer than two data sets"),
        ("domains:digits+digits", "twice"),
        ("domains:digits+domains:mnist-5k", "domains within domains"),
        ("domains:digits+mnist-5", "did you mean 'mnist-5k'"),
    ],
)
def test_names_that_are_none_are_refused(name: str, told: str):
    with pytest.raises(UsageError, match=told) as fault:
        check(name)
    assert "\n" not in str(fault.value)


def test_other_classes_are_refused():
    with pytest.raises(
        UsageError, match=r"one and two do not have the same classes \(2: a, b, ...; 2: a, c, ...\)"
    ):
        combine([few("one", (1, 4, 4)), few("two", (1, 4, 4), ("a", "c"))])


def test_a_set_of_domains_is_condensed_and_read(tmp_path: Path):
    path = tmp_path / "set.safetensors"
    done = CliRunner().invoke(
        app, ["condense", "random", "--data", NAME, "--ipc", "1", "--out", str(path)]
    )
    assert done.exit_code == 0, done.output
    images, labels = load_set(path).decode()
    assert images.shape == (30, 1, 28, 28)
    assert labels.tolist() == list(range(30))
