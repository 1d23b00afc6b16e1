"""Evaluation under whitening: fitted on the real training images, the same for real and synthetic
images.
"""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import as_input
from condensers.whitening import Fit, fit_whitening
from scenarios.accuracy.cross_architecture import CrossArchitecture
from scenarios.accuracy.scenario import Accuracy
from scenarios.accuracy.whitened import choose_whitening, whiten_splits
from scenarios.datasets import load
from scenarios.protocol import Reference, Splits

MLP = {"name": "mlp", "width": 8}


@pytest.fixture(scope="module")
def digits() -> Splits:
    return load("digits")


@pytest.fixture(scope="module")
def chosen(digits: Splits) -> SyntheticSet:
    return create_condenser("random").condense(digits.train, Budget(ipc=2), Context())


def asking(made: SyntheticSet, fit: Fit) -> SyntheticSet:
    return replace(made, card={**made.card, "recipe": {**made.recipe, "whitening": fit.as_json()}})


def test_whitened_training_images_are_uncorrelated_and_come_back(digits: Splits) -> None:
    fit = Fit((0.0,), (1.0,), eps=1e-5)
    turn = fit_whitening(digits.train.images, fit)
    unit = digits.train.images.float() / 255
    white = turn.apply(unit).flatten(1)
    covariance = (white - white.mean(0)).T @ (white - white.mean(0)) / (len(white) - 1)
    seen = covariance.diagonal() > 0.9  # the others hardly ever leave 0
    assert seen.sum() > 40
    off = covariance - covariance.diagonal().diag()
    assert float(off[seen][:, seen].abs().max()) < 0.02
    assert torch.allclose(turn.undo(turn.apply(unit)), unit, atol=1e-3)


def test_real_and_synthetic_images_are_seen_alike(digits: Splits, chosen: SyntheticSet) -> None:
    here = whiten_splits(digits, Fit(digits.train.mean, digits.train.std), Context())
    assert whiten_splits(digits, None, Context()) is digits
    images, _ = chosen.decode()
    bytes_ = chosen.tensors["images"]
    seen = as_input(bytes_, here.train)
    assert torch.allclose(here.train.network_input(images), seen, atol=1e-4)
    assert torch.allclose(here.test.normalise(bytes_), seen) and torch.equal(
        here.train.quantise(seen), bytes_
    )
    assert not torch.allclose(seen, images, atol=0.1)
    assert digits.train.network_input(images) is images


def test_the_card_may_ask_for_whitening_and_the_scenario_decides(
    digits: Splits, chosen: SyntheticSet, tmp_path: Path
) -> None:
    data: ClassData = digits.train
    fit = Fit(data.mean, data.std)
    asks = asking(chosen, fit)
    assert [
        choose_whitening(choice, asks, data) for choice in ("none", "card", "zca-normalised")
    ] == [
        None,
        fit,
        fit,
    ]
    assert (
        choose_whitening("zca", chosen, data) == Fit((0.0,), (1.0,))
        and choose_whitening("card", chosen, data) is None
    )
    with pytest.raises(UsageError, match="is none that is known"):
        choose_whitening(
            "card",
            replace(chosen, card={**chosen.card, "recipe": {"whitening": {"name": "pca"}}}),
            data,
        )
    short = {"networks": 1, "epochs": 20, "augmentation": "none", "full_epochs": 1}
    context = Context(cache=tmp_path)
    values = {}
    for choice in ("none", "card", "zca-normalised"):
        outcome = Accuracy(network=MLP, whitening=choice, **short).run(asks, digits, context)
        values[choice] = outcome.measurements[0].values
        assert outcome.detail.get("whitening") == (None if choice == "none" else fit.as_json())
    assert values["card"] == values["zca-normalised"] != values["none"]
    assert len(list(tmp_path.rglob("*.pt"))) == 1, "fitted once"
    across = CrossArchitecture(architectures=(MLP,), whitening="card", **short).run(
        asks, digits, context
    )
    assert across.measurements[0].values[0] > 0 and across.detail["whitening"] == fit.as_json()
    bound = Accuracy(network=MLP, whitening="zca", **short).run(
        Reference("full-data"), digits, context
    )
    assert bound.detail["whitening"]["std"] == [1.0]
