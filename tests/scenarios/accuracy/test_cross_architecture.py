"""Cross-architecture: each architecture is measured by the protocol of accuracy, named apart,
resumed, refused in a sentence.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from condensers import networks
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.hyperparameters import settings_of
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Training, accuracy, train
from scenarios.accuracy.cross_architecture import CrossArchitecture
from scenarios.accuracy.scenario import Accuracy
from scenarios.protocol import Outcome, Reference, Splits
from scenarios.registry import SCENARIOS

CONVNET = {"name": "convnet", "depth": 2, "width": 8}
TABLE = {
    "name": "cross-architecture",
    "architectures": [CONVNET, "mlp", {"name": "resnet18-ap", "width": 4, "norm": "group"}],
    "networks": 2,
    "together": "never",
    "epochs": 3,
    "full_epochs": 1,
    "batch": 8,
}
LABELS = ["convnet depth=2 width=8", "mlp", "resnet18-ap width=4 norm=group"]
TRAININGS = [f"{label}, network {number} of 2" for label in LABELS for number in (1, 2)]
TESTS = [f"{label}, test" for label in LABELS]


def run(subject: Any, data: Splits, context: Context, **changes: Any) -> Outcome:
    found: Outcome = SCENARIOS.create(TABLE | changes).run(subject, data, context)
    return found


def test_every_value_is_a_network_trained_by_the_common_protocol(
    synthetic: SyntheticSet, data: Splits
) -> None:
    """Built, trained and tested here by hand, from the seeds that the names give."""
    outcome = run(synthetic, data, Context(seed=4), augmentation="dsa")
    assert [m.metric for m in outcome.measurements] == [
        f"test-accuracy of {label}" for label in LABELS
    ] + ["mean-test-accuracy"]
    images, labels = synthetic.decode()
    for label, spec, measurement in zip(
        LABELS, TABLE["architectures"], outcome.measurements, strict=False
    ):  # type: ignore[arg-type]
        literal = []
        for index in range(2):
            own = Context(seed=4).fork(label).fork(f"network-{index}")
            network = networks.build(spec, (1, 8, 8), 10, own.generator)
            train(
                network,
                images,
                labels,
                Training(3, 0.01, batch=8, augmentation="dsa"),
                data.train,
                own,
                "here",
            )
            literal.append(accuracy(network, data.test))
        assert list(measurement.values) == literal
        assert list(measurement.repeats) == [{"network": 0}, {"network": 1}]
        assert (measurement.unit, measurement.higher_is_better) == ("%", True)
    by_hand = [sum(m.values[i] for m in outcome.measurements[:3]) / 3 for i in range(2)]
    assert outcome.measurements[3].values == pytest.approx(by_hand)
    assert len(set(by_hand)) == 2


def test_costs_and_detail_cover_all_architectures(synthetic: SyntheticSet, data: Splits) -> None:
    outcome = run(synthetic, data, Context())
    assert outcome.costs["images"] == 3 * 2 * 3 * 20
    assert outcome.costs["seconds"] > 0
    assert outcome.detail["epochs"] == 3
    assert list(outcome.detail["networks"]) == LABELS
    assert outcome.detail["networks"]["mlp"]["width"] == 128
    json.dumps(outcome.as_json(), allow_nan=False)


def test_the_bound_trains_on_all_data(synthetic: SyntheticSet, data: Splits) -> None:
    bound = run(Reference("full-data"), data, Context(), batch=32, full_epochs=4)
    assert bound.costs["images"] == 3 * 2 * 4 * 200
    assert bound.measurements[1].metric == "test-accuracy of mlp"
    assert min(bound.measurements[1].values) > max(
        run(synthetic, data, Context()).measurements[1].values
    )
    with pytest.raises(UsageError, match="cannot measure"):
        run(Reference("joint"), data, Context())


def test_one_architecture_needs_no_mean(synthetic: SyntheticSet, data: Splits) -> None:
    outcome = run(synthetic, data, Context(), architectures=["mlp"])
    assert [m.metric for m in outcome.measurements] == ["test-accuracy of mlp"]


def test_an_architectures_values_do_not_depend_on_its_company(
    synthetic: SyntheticSet, data: Splits
) -> None:
    whole, alone = (
        run(synthetic, data, Context()),
        run(synthetic, data, Context(), architectures=["mlp"]),
    )
    assert list(whole.measurements[1].values) == list(alone.measurements[0].values)


@pytest.mark.parametrize(
    ("name", "done"),
    [
        (TRAININGS[0], 1),
        (TRAININGS[0], 9),
        (TESTS[0], 1),
        (TRAININGS[1], 3),
        (TRAININGS[3], 3),
        (TESTS[2], 1),
        (TRAININGS[5], 2),
    ],
    ids=[
        "first step",
        "before a test",
        "after a test",
        "second network",
        "second architecture",
        "last tested",
        "last",
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    name: str, done: int, synthetic: SyntheticSet, data: Splits, tmp_path: Path
) -> None:
    """54 steps in all, 9 a network; a network that is trained is not trained again, tested or
    not.
    """
    whole = run(synthetic, data, Context(seed=1))
    first: list[Progress] = []
    second: list[Progress] = []

    def stop() -> bool:
        return any((event.name, event.done) == (name, done) for event in first)

    with pytest.raises(Interrupted):
        run(synthetic, data, Context(seed=1, folder=tmp_path, progress=first.append, stop=stop))
    assert (first[-1].name, first[-1].done) == (name, done)
    resumed = run(synthetic, data, Context(seed=1, folder=tmp_path, progress=second.append))
    assert resumed.measurements == whole.measurements
    assert resumed.costs["images"] == whole.costs["images"]
    trained = [event for event in first + second if event.name not in TESTS]
    assert [(event.name, event.done) for event in trained] == [
        (one, step) for one in TRAININGS for step in range(1, 10)
    ]
    assert {event.name for event in first + second} == {*TRAININGS, *TESTS}


def test_passes_are_those_of_every_architecture(data: Splits) -> None:
    scenario = SCENARIOS.create(TABLE)
    passes = scenario.image_passes(data, 20, None)
    assert [(spec.registered, count) for spec, count in passes] == [
        (name, pytest.approx(2 * (3 * 20 + 200 / 3))) for name in ("convnet", "mlp", "resnet18-ap")
    ]
    assert [count for _, count in scenario.image_passes(data, 0, "full-data")] == [
        pytest.approx(2 * (200 + 200 / 3))
    ] * 3


def test_its_settings_are_those_of_accuracy() -> None:
    shared = {
        f.name: (f.default, f.metadata["values"], f.metadata["minimum"])
        for f in fields(Accuracy)
        if f.name != "network"
    }
    own = {
        f.name: (f.default, f.metadata["values"], f.metadata["minimum"])
        for f in fields(CrossArchitecture)
    }
    assert own.pop("architectures")[0] == ("convnet", "resnet18", "vgg11", "alexnet")
    assert own == shared


def test_settings_survive_a_cells_json() -> None:
    scenario = SCENARIOS.create(TABLE)
    written = json.loads(json.dumps({"name": "cross-architecture", **settings_of(scenario)}))
    assert written["architectures"][1]["name"] == "mlp"
    assert SCENARIOS.create(written) == scenario
    assert SCENARIOS.create("cross-architecture").registered == "cross-architecture"


@pytest.mark.parametrize(
    ("architectures", "sentence"),
    [
        (
            ["mlp", "convnet", {"name": "mlp", "width": 128}],
            "architectures: mlp is listed twice; leave one out or change",
        ),
        ([], "architectures: give a list of networks"),
        ("mlp", r"^scenarios\.x\.architectures: 'mlp' is not a list$"),
        (["mlp", "vgg"], "unknown network 'vgg'; did you mean 'vgg11'"),
        ([{"name": "mlp", "widht": 3}], "unknown key 'widht'; did you mean 'width'"),
    ],
)
def test_what_cannot_be_measured_is_one_sentence(architectures: Any, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        SCENARIOS.create(TABLE | {"architectures": architectures}, "scenarios.x")
