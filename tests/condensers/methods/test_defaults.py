"""The published settings, as the papers and the authors' code have them."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from condensers.data import ClassData
from condensers.methods.distribution_matching.dm import DM
from condensers.methods.parameter_matching.dc import DC
from condensers.methods.parameter_matching.dsa import DSA
from condensers.parts.model_schedules.trained_on_synthetic import inner_loops, outer_loops
from condensers.registry.registry import NETWORKS, with_parts
from condensers.sets.synthetic_set import SyntheticSet

DC_SETTINGS = {
    "iterations": 1000,
    "lr": 0.1,
    "momentum": 0.5,
    "batch_real": 256,
    "network": "convnet",
    "objective": "gradient",
    "model_schedule": "trained-on-synthetic",
}
PUBLISHED = [
    (DC(), DC_SETTINGS | {"init": "noise", "augmentation": "none"}),
    (DSA(), DC_SETTINGS | {"init": "real", "augmentation": "dsa"}),
    (
        DM(),
        {
            "iterations": 20000,
            "lr": 1.0,
            "momentum": 0.5,
            "batch_real": 256,
            "init": "real",
            "augmentation": "dsa",
        },
    ),
]


@pytest.mark.parametrize(("method", "published"), PUBLISHED, ids=["dc", "dsa", "dm"])
def test_defaults_are_the_published_ones(method: Any, published: dict[str, Any]) -> None:
    assert {name: getattr(method, name) for name in published} == published
    assert NETWORKS.create(method.network) == NETWORKS.create(
        {"name": "convnet", "depth": 3, "width": 128, "norm": "instance"}
    )


def test_the_parts_of_dc_have_the_published_settings() -> None:
    whole = with_parts(DC())
    assert (whole.objective.distance, whole.model_schedule.lr, whole.model_schedule.batch) == (
        "node-cosine",
        0.01,
        256,
    )


@pytest.mark.parametrize(
    ("ipc", "outer", "inner"),
    [(10, 10, 50), (20, 20, 25), (30, 30, 20), (40, 40, 15), (50, 50, 10)],
)
def test_outer_and_inner_loops_are_the_published_table(ipc: int, outer: int, inner: int) -> None:
    assert (outer_loops(ipc), inner_loops(outer_loops(ipc))) == (outer, inner)
    assert DC().steps(ipc) == 1000 * outer


def test_one_image_per_class_takes_one_step_per_network() -> None:
    assert outer_loops(1) == 1
    assert DC().steps(1) == 1000


def test_the_loops_are_positive_and_monotonous_for_any_number_of_images() -> None:
    loops = [(outer_loops(ipc), inner_loops(outer_loops(ipc))) for ipc in range(1, 1001)]
    assert all(outer >= 1 and inner >= 1 for outer, inner in loops)
    assert all(a[0] <= b[0] and a[1] >= b[1] for a, b in pairwise(loops))


def test_dm_is_coupled_only_by_batch_norm() -> None:
    assert not DM().couples_classes
    assert DM(network={"name": "convnet", "norm": "batch"}).couples_classes
    assert DC().couples_classes
    assert DSA().couples_classes


def test_a_card_names_the_defaults_of_unverified_sources(
    condense_tiny: Callable[..., SyntheticSet], grey8: ClassData
) -> None:
    doubtful = condense_tiny("kfs", grey8, 2).card["unverified"]
    assert set(doubtful) >= {"augmentation", "objective"}
    assert "unverified" not in condense_tiny("dm", grey8, 1).card
