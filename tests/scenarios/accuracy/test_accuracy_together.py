"""Accuracy of narrow networks: trained together by default, from the weights that they have alone,
resumed in the middle.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.protocol import Outcome, Splits
from scenarios.registry import SCENARIOS

NARROW = {"name": "convnet", "depth": 2, "width": 32}
TABLE = {"name": "accuracy", "network": NARROW, "networks": 10, "epochs": 4, "augmentation": "none"}
AUGMENTED = {"augmentation": "dsa", "together": "always"}
GROUPS = ("networks 1 to 8 of 10", "networks 9 to 10 of 10")


def run(subject: Any, data: Splits, context: Context, **changes: Any) -> Outcome:
    found: Outcome = SCENARIOS.create(TABLE | changes).run(subject, data, context)
    return found


def test_without_draws_it_finds_what_training_one_by_one_finds(
    synthetic: SyntheticSet, data: Splits
) -> None:
    """The whole set is one batch and nothing is augmented: only rounding differs, for a test image
    or two on an edge.
    """
    seen: list[Progress] = []
    together = run(synthetic, data, Context(seed=1, progress=seen.append))
    alone = run(synthetic, data, Context(seed=1), together="never")
    assert {event.name for event in seen} == {*GROUPS, "test"}
    ours, theirs = together.measurements[0], alone.measurements[0]
    assert list(ours.repeats) == list(theirs.repeats) == [{"network": index} for index in range(10)]
    assert list(ours.values) == pytest.approx(list(theirs.values), abs=1.0)
    assert len(set(ours.values)) > 1
    assert together.costs["images"] == alone.costs["images"] == 10 * 4 * 20
    assert together.costs["seconds"] > 0


def test_augmented_training_differs_in_its_draws_alone(
    synthetic: SyntheticSet, data: Splits
) -> None:
    settings = AUGMENTED | {"epochs": 60, "networks": 4}
    means = [
        sum(
            run(synthetic, data, Context(seed=1), **settings | {"together": together})
            .measurements[0]
            .values
        )
        / 4
        for together in ("always", "never")
    ]
    assert min(means) > 60
    assert abs(means[0] - means[1]) < 5


@pytest.mark.parametrize(
    ("name", "done"),
    [(GROUPS[0], 2), (GROUPS[0], 4), ("test", 0), ("test", 2), (GROUPS[1], 2), (GROUPS[1], 4)],
    ids=[
        "in the first",
        "before its test",
        "in its test",
        "between",
        "in the second",
        "before the last test",
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    name: str, done: int, synthetic: SyntheticSet, data: Splits, tmp_path: Path
) -> None:
    """8 steps in all, 4 a group; a group that is trained is not trained again, also where its test
    was stopped.
    """
    data = replace(data, test=data.test.subset(torch.arange(200).repeat(2)))  # two batches
    whole = run(synthetic, data, Context(seed=1), **AUGMENTED)
    first: list[Progress] = []
    second: list[Progress] = []

    def stop() -> bool:
        return any((event.name, event.done) == (name, done) for event in first)

    with pytest.raises(Interrupted):
        run(
            synthetic,
            data,
            Context(seed=1, folder=tmp_path, progress=first.append, stop=stop),
            **AUGMENTED,
        )
    assert (first[-1].name, first[-1].done) == (name, done)
    resumed = run(
        synthetic, data, Context(seed=1, folder=tmp_path, progress=second.append), **AUGMENTED
    )
    assert resumed.measurements == whole.measurements
    trained = [event for event in first + second if event.name != "test"]
    assert [(event.name, event.done) for event in trained] == [
        (group, step) for group in GROUPS for step in (1, 2, 3, 4)
    ]


def test_networks_that_do_not_pay_together_are_trained_as_ever(
    synthetic: SyntheticSet, data: Splits
) -> None:
    for spec in ("mlp", NARROW | {"norm": "batch"}):
        found = [
            run(synthetic, data, Context(), network=spec, networks=2, together=t)
            for t in ("always", "never")
        ]
        assert list(found[0].measurements[0].values) == list(found[1].measurements[0].values)


@pytest.mark.parametrize(
    "drawn", [{"augmentation": "dsa"}, {"batch": 19}], ids=["augmentation", "order"]
)
def test_independent_values_stay_so_unless_asked(
    drawn: dict[str, Any], synthetic: SyntheticSet, data: Splits
) -> None:
    """Where draws matter each network has its own, by default: the values are those of training one
    by one, to the last bit.
    """
    found = [
        list(
            run(synthetic, data, Context(), networks=3, together=t, **drawn).measurements[0].values
        )
        for t in ("auto", "never")
    ]
    assert found[0] == found[1]


def test_an_unknown_choice_is_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"together: 'yes' is not one of auto, always, never"):
        SCENARIOS.create(TABLE | {"together": "yes"})
