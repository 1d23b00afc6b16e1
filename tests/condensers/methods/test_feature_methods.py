"""CAFE, DataDAM, IDM and DCC: their published settings; learning rates that fall; what is
refused.
"""

from collections.abc import Callable
from typing import Any

import pytest
from torch import Tensor

from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import CondensationLoop
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.setting import RunSetting
from condensers.registry.registry import NETWORKS, create_condenser, with_parts

NETWORK = {"name": "convnet", "depth": 2, "width": 5}
CLASSES, IPC = 3, 2


PUBLISHED: dict[str, dict[str, Any]] = {
    "cafe": {
        "lr": 0.1,
        "momentum": 0.5,
        "batch_real": 256,
        "init": "noise",
        "halve_at": (0.6, 0.8, 0.9),
        "iterations": 20000,
    },
    "datadam": {"lr": 1.0, "momentum": 0.5, "batch_real": 64, "init": "real", "iterations": 8000},
    "idm": {
        "lr": 0.2,
        "momentum": 0.5,
        "batch_real": 256,
        "init": "real",
        "iterations": 20000,
        "update": "class",
    },
    "dcc": {"lr": 0.1, "momentum": 0.5, "batch_real": 256, "init": "real", "iterations": 1000},
}
PARTS: dict[str, dict[str, Any]] = {
    "cafe": {
        "model_schedule": {
            "settled": 0.04,
            "moved": 0.03,
            "window": 10,
            "query": 128,
            "lr": 0.01,
            "batch": 256,
        },
        "objective": {"weights": (0.1, 0.1, 1.0, 1.0), "flattened": 1.0},
    },
    "datadam": {"objective": {"power": 4.0, "balance": 0.01, "scale": 100.0}},
    "idm": {
        "model_schedule": {
            "size": 100,
            "first": 3,
            "interval": 30,
            "trained": 2,
            "training_steps": 10,
            "lr": 0.01,
            "batch": 256,
        },
        "parameterisation": {"factor": 2},
    },
    "dcc": {"objective": {"distance": "node-cosine"}, "model_schedule": {"lr": 0.01, "batch": 256}},
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_defaults_are_the_published_ones(name: str) -> None:
    method = create_condenser(name)
    assert {key: getattr(method, key) for key in PUBLISHED[name]} == PUBLISHED[name]
    assert method.augmentation.registered == ("none" if name == "cafe" else "dsa")
    assert NETWORKS.create(method.network) == NETWORKS.create(
        {"name": "convnet", "depth": 3, "width": 128, "norm": "instance"}
    )
    for part, settings in PARTS[name].items():
        assert {key: getattr(getattr(method, part), key) for key in settings} == settings
    weights = {term.registered: term.weight for term in method.regularisers}
    assert weights == {"cafe": {"discriminative": 0.01}, "idm": {"cross-entropy": 50.0}}.get(
        name, {}
    )


def test_only_datadam_may_be_run_class_by_class() -> None:
    assert {name: create_condenser(name).couples_classes for name in PUBLISHED} == {
        "cafe": True,
        "datadam": False,
        "idm": True,
        "dcc": True,
    }


def test_the_published_falls_of_the_rate_are_those_of_the_2000_networks() -> None:
    method = create_condenser("cafe")
    assert [round(part * 2000) for part in method.halve_at] == [1200, 1600, 1800]
    assert (method.steps(1), method.steps(50)) == (20000, 20000)


@pytest.fixture(scope="module")
def data(make_data: Callable[..., ClassData]) -> ClassData:
    return make_data((3, 8, 8), CLASSES, 9, mirror=True)


def test_the_rates_are_halved_at_parts_of_the_run_also_after_an_interruption(
    data: ClassData,
) -> None:
    seen: list[float] = []

    class Watching(CondensationLoop):
        def _backward(self, loss: Tensor) -> float:
            seen.append(self.set.optimiser.param_groups[0]["lr"])
            return super()._backward(loss)

    method = with_parts(
        create_condenser(
            {"name": "dm", "network": NETWORK, "iterations": 8, "lr": 0.4, "halve_at": [0.5, 0.75]}
        )
    )
    setting = RunSetting(data, method.network, method.augmentation, Context(), IPC, IPC)
    start = starting_images(data, IPC, "real", setting.generator)
    loop = Watching(method, setting, start)
    for index in range(7):
        loop.step(index)
    resumed = Watching(method, setting, start)
    resumed.load_state_dict(loop.state_dict())
    resumed.step(7)
    assert seen == [0.4] * 4 + [0.2] * 2 + [0.1] * 2


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([0.5, 1.2], ": .* must be parts of the run from 0 to 1"),
        ([-0.1], ": .* must be parts of the run from 0 to 1"),
        (["a"], r"\[0\]: 'a' is not a number"),
    ],
    ids=["above", "below", "text"],
)
def test_parts_of_a_run_lie_between_its_ends(parts: list[Any], sentence: str) -> None:
    with pytest.raises(UsageError, match=rf"mine\.halve_at{sentence}"):
        create_condenser({"name": "dm", "halve_at": parts}, where="mine")


def test_a_term_over_the_classes_wants_all_of_them_at_once() -> None:
    with pytest.raises(
        UsageError,
        match="discriminative is one loss of all classes, which update 'class' would tear apart",
    ):
        create_condenser({"name": "idm", "regularisers": ["discriminative"]})
