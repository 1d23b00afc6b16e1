"""Evaluations by name: what a recipe sets, what beats it, and that the record says it."""

import pickle
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper, settings_of
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.accuracy.scenario import Accuracy
from scenarios.protocol import Splits
from scenarios.recipes import RECIPES, Recipe
from scenarios.registry import SCENARIOS
from scenarios.training_material import Evaluation

CODES = {  # what the published code of each says: rate, batch, epochs, decay
    "dc": (0.01, 256, 300, 5e-4),
    "dsa": (0.01, 256, 1000, 5e-4),
    "idc": (0.01, 64, 1000, 5e-4),
    "mtt": (0.01, 256, 1000, 5e-4),
    "datm": (0.01, 128, 1000, 5e-4),
    "dd-ranking": (0.01, 256, 1000, 5e-4),
    "dd-ranking-soft": (0.01, 100, 500, 0.01),
}


@pytest.fixture
def soft(grey8: ClassData) -> SyntheticSet:
    """Two real images of each class with a teacher's logits, and a learned rate."""
    made: SyntheticSet = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    labels = torch.randn(20, 10, generator=torch.Generator().manual_seed(1))
    card = {**made.card, "recipe": {**made.recipe, "labels": "scores", "lr": "rates"}}
    tensors = {**made.tensors, "labels": labels, "rates": torch.tensor([0.25])}
    return replace(made, tensors=tensors, card=card)


@pytest.mark.parametrize("name", CODES)
def test_a_name_sets_the_options_of_its_code(name: str) -> None:
    found = Evaluation(recipe=name)
    assert (found.lr, found.batch, found.epochs, found.weight_decay) == CODES[name]


@pytest.mark.parametrize("name", RECIPES.builtin)
def test_every_option_is_an_evaluations_and_has_a_source(name: str) -> None:
    recipe = RECIPES.create(name)
    known = {field.name: field for field in fields(Evaluation)}
    for field in fields(recipe):  # type: ignore[arg-type]
        assert field.metadata["source"], field.name
        allowed = known[field.name].metadata["values"]
        assert not allowed or field.default in allowed
    made = SCENARIOS.create({"name": "accuracy", "recipe": name})
    assert settings_of(made) | settings_of(recipe) == settings_of(made)


def test_the_default_is_what_it_was() -> None:
    assert Evaluation() == Evaluation(recipe="common")
    changed = {
        name
        for name, value in settings_of(Evaluation(recipe="card")).items()
        if value != settings_of(Evaluation())[name]
    }
    assert changed == {"recipe", "from_card"}


def test_what_is_given_counts_also_where_it_is_the_default() -> None:
    assert Evaluation(recipe="dd-ranking-soft", batch=256).batch == 256
    assert Evaluation(7, recipe="idc").networks == 7
    made = SCENARIOS.create({"name": "accuracy", "recipe": "idc", "lr": 0.02, "mix": "none"})
    again = SCENARIOS.create({"name": "accuracy", **settings_of(made)})
    assert settings_of(again) == settings_of(made)
    assert settings_of(made)["lr"] == 0.02 and settings_of(made)["mix"] == "none"
    assert replace(made, epochs=3).epochs == 3  # type: ignore[attr-defined,type-var]
    assert pickle.loads(pickle.dumps(made)) == made


def test_what_says_the_same_thing_in_other_words_counts_too() -> None:
    assert Evaluation(recipe="idc", steps=50).epochs is None
    assert Evaluation(recipe="dd-ranking", lr=0.05).lr_choices == ()
    assert Evaluation(recipe="mtt", lr=0.05).from_card == "none"
    assert Evaluation(recipe="mtt", lr_choices=(0.1, 0.2)).from_card == "none"
    assert Evaluation(recipe="card", lr=0.05).from_card == "all"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"recipe": "icd"}, "unknown recipe 'icd'"),
        ({"recipe": "card", "lr_choices": (0.1,)}, "recipe = 'card'"),
        ({"from_card": "rate", "lr_choices": (0.1,)}, "from_card = 'rate'"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Evaluation(**settings)


@dataclass(frozen=True)
class Own(Recipe):
    """A recipe of a third party, with a slip."""

    rate: float = hyper(0.1, source="ours")
    registered: ClassVar[str] = "own"


def test_a_recipe_with_an_unknown_option_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECIPES.builtin, "own", f"{__name__}:Own")
    with pytest.raises(UsageError, match="'rate' is no option"):
        Evaluation(recipe="own")


@pytest.mark.parametrize(
    ("name", "loss", "rate"),
    [
        ("common", "mse", 0.01),
        ("card", "mse", 0.25),
        ("datm", "soft-cross-entropy", 0.25),
        ("dd-ranking-soft", "kl", 0.01),
    ],
)
def test_soft_labels_meet_the_loss_of_the_recipe(
    soft: SyntheticSet, grey8: ClassData, name: str, loss: str, rate: float
) -> None:
    material = Evaluation(recipe=name).material(soft, Splits(grey8, grey8, grey8), Context())
    assert (material.training.loss, material.training.lr) == (loss, rate)
    if loss in ("kl", "soft-cross-entropy"):
        scores = soft.decode()[1]
        heated = (scores / material.training.temperature).exp()
        torch.testing.assert_close(material.labels, heated / heated.sum(1, keepdim=True))


def test_regression_takes_a_teachers_logits_and_the_classes(
    soft: SyntheticSet, grey8: ClassData
) -> None:
    data = Splits(grey8, grey8, grey8)
    material = Evaluation(loss="mse+cross-entropy").material(soft, data, Context())
    classes = torch.arange(10).repeat_interleave(2)
    torch.testing.assert_close(material.labels[:, :10], soft.decode()[1])
    torch.testing.assert_close(material.labels[:, 10:], torch.eye(10)[classes])


def test_hard_labels_and_real_images_get_cross_entropy(
    soft: SyntheticSet, grey8: ClassData
) -> None:
    data = Splits(grey8, grey8, grey8)
    hard = Evaluation(recipe="dd-ranking-soft", labels="hard").material(soft, data, Context())
    assert (hard.training.loss, hard.labels.ndim) == ("cross-entropy", 1)


def test_the_record_says_what_was_used(soft: SyntheticSet, grey8: ClassData) -> None:
    scenario = Accuracy(recipe="dd-ranking-soft", network="mlp", networks=1, epochs=2, lr=0.01)
    outcome = scenario.run(soft, Splits(grey8, grey8, grey8), Context())
    said = outcome.detail
    assert (said["recipe"], said["batch"], said["epochs"]) == ("dd-ranking-soft", 100, 2)
    assert (said["loss"], said["temperature"], said["optimiser"]) == ("kl", 20.0, "adamw")
    assert (said["mix"], said["mix_probability"], said["schedule"]) == ("cutmix", 1, "half-cosine")
    assert 0 <= outcome.measurements[0].values[0] <= 100
    usual = Accuracy(network="mlp", networks=1, epochs=1)
    assert "recipe" not in usual.run(soft, Splits(grey8, grey8, grey8), Context()).detail
