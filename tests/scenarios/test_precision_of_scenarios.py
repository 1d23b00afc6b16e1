"""What precision "auto" came to is in the record of each scenario that has the field."""

from dataclasses import replace
from typing import Any

import pytest

from condensers.engine.context import Context
from condensers.networks import precision_choice
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness.report.precisions import chosen_precisions
from scenarios.protocol import CondensationRequest, Outcome, Reference, Splits
from scenarios.registry import SCENARIOS, SPACES
from scenarios.search.ground_truth.table import describe_target
from tests.helpers.timing import SetTimer

NETWORK = {"name": "convnet", "depth": 1, "width": 8}
ACCURACY = {"name": "accuracy", "network": NETWORK, "networks": 2, "epochs": 2}
CROSS = {
    "name": "cross-architecture",
    "architectures": [NETWORK, {"name": "mlp", "width": 8}],
    "networks": 1,
    "epochs": 1,
}
SPACE = {
    "name": "convnet-small",
    "depths": [1],
    "widths": [4, 8],
    "norms": ["instance"],
    "activations": ["relu"],
    "poolings": ["avg"],
}
SEARCH = {
    "name": "search",
    "space": SPACE,
    "architectures": 2,
    "epochs": 1,
    "truth_epochs": 1,
    "truth": "train",
}


def run(spec: dict[str, Any], subject: Any, data: Splits, precision: str) -> Outcome:
    found: Outcome = SCENARIOS.create(spec | {"precision": precision}).run(
        subject, data, Context(seed=1)
    )
    return found


@pytest.mark.parametrize("spec", [ACCURACY, CROSS, SEARCH], ids=lambda spec: str(spec["name"]))
@pytest.mark.parametrize(("seconds", "taken"), [((9.0, 1.0), "bf16"), ((1.0, 9.0), "fp32")])
def test_auto_measures_what_the_precision_it_took_measures(
    spec: dict[str, Any],
    seconds: tuple[float, float],
    taken: str,
    set_timer: SetTimer,
    synthetic: SyntheticSet,
    data: Splits,
) -> None:
    set_timer(*seconds)
    left_open, named = (run(spec, synthetic, data, name) for name in ("auto", taken))
    assert [m.values for m in left_open.measurements] == [m.values for m in named.measurements]
    assert chosen_precisions(left_open.detail) == [taken]


def test_each_architecture_has_its_own(
    set_timer: SetTimer,
    synthetic: SyntheticSet,
    data: Splits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_timer(1.0, 1.0)

    def seconds(network: Any, *_: Any) -> dict[str, float]:
        return {"fp32": 2.0 if "Conv2d" in repr(network) else 0.5, "bf16": 1.0}

    monkeypatch.setattr(precision_choice, "_pass_seconds", seconds)
    found = run(CROSS, synthetic, data, "auto")
    assert list(found.detail["precisions"].values()) == ["bf16", "fp32"]
    assert chosen_precisions(found.detail) == ["bf16", "fp32"]


def test_the_truth_is_of_one_recipe_on_every_machine(set_timer: SetTimer, data: Splits) -> None:
    set_timer(9.0, 1.0)
    left_open, exact = (run(SEARCH, Reference("truth"), data, name) for name in ("auto", "fp32"))
    assert [m.values for m in left_open.measurements] == [m.values for m in exact.measurements]
    search = SCENARIOS.create(SEARCH)
    space = SPACES.create(SPACE).fitting(data.train.shape)
    targets = [
        describe_target(replace(search, precision=name), space, data)
        for name in ("auto", "fp32", "bf16")
    ]
    assert targets[0].key == targets[1].key != targets[2].key


def test_what_is_condensed_along_a_stream_says_what_it_took(
    set_timer: SetTimer, data: Splits
) -> None:
    set_timer(9.0, 1.0)
    settings = {"name": "dm", "iterations": 1, "batch_real": 4, "network": NETWORK}
    continual = {
        "name": "continual",
        "network": NETWORK,
        "experiences": 2,
        "orders": 1,
        "stream_epochs": 1,
    }
    for precision, wanted in (("auto", ["bf16"]), ("fp32", None)):
        condenser = create_condenser(settings | {"precision": precision})
        request = CondensationRequest(condenser, Budget(ipc=1))
        outcome = SCENARIOS.create(continual).run(request, data, Context(seed=1))
        assert outcome.detail.get("condensed_in") == wanted
