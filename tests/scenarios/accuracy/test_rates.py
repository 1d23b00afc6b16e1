"""The learning rate of an evaluation is chosen on validation images and on no others."""

from dataclasses import replace

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.accuracy.scenario import Accuracy
from scenarios.datasets import load
from scenarios.protocol import Splits


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load("digits")


@pytest.fixture(scope="module")
def some(digits: Splits) -> SyntheticSet:
    return create_condenser({"name": "random"}).condense(
        digits.train, Budget(ipc=5), Context(seed=0)
    )


def recipe(**changes: object) -> Accuracy:
    settings = {"network": "mlp", "networks": 2, "epochs": 8, "augmentation": "none"}
    return Accuracy(**{**settings, **changes})  # type: ignore[arg-type]


def test_the_best_rate_on_validation_images_serves_all_networks(
    digits: Splits, some: SyntheticSet
) -> None:
    rates = (1e-7, 0.05)
    found = recipe(lr_choices=rates).run(some, digits, Context(seed=0))
    plain = recipe(lr=0.05).run(some, digits, Context(seed=0))
    assert found.measurements[0].values == plain.measurements[0].values
    assert found.detail["lr"] == 0.05 and set(found.detail["rates"]) == {"1e-07", "0.05"}
    assert found.detail["rates"]["0.05"] > found.detail["rates"]["1e-07"]
    assert found.costs["images"] == 2 * plain.costs["images"]  # two rates, two networks


def test_test_images_have_no_part_in_it(digits: Splits, some: SyntheticSet) -> None:
    spoilt = replace(digits.test, labels=(digits.test.labels + 1) % 10)
    rates = (0.001, 0.02, 0.05)
    usual, other = (
        recipe(lr_choices=rates, networks=1).run(some, splits, Context(seed=0)).detail
        for splits in (digits, Splits(digits.train, digits.validation, spoilt))
    )
    assert usual["rates"] == other["rates"] and usual["lr"] == other["lr"]


def test_the_recipe_of_papers_of_today_learns(digits: Splits, some: SyntheticSet) -> None:
    outcome = recipe(
        optimiser="adamw", schedule="cosine", mix="cutmix", lr=0.003, weight_decay=0.01, epochs=40
    ).run(some, digits, Context(seed=0))
    assert min(outcome.measurements[0].values) > 50
    assert {"optimiser": "adamw", "mix": "cutmix"}.items() <= outcome.detail.items()
    assert all(torch.isfinite(torch.tensor(outcome.measurements[0].values)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lr_choices": (0.1,), "recipe": "card"}, "both say the learning rate"),
        ({"lr_choices": (0.1, 0.0)}, "every rate is a number above 0"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        recipe(**changes)
