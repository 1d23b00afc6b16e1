"""What a set's labels, learned rates and order mean for the training on it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.training.classifier import Training, TrainingLoop, train
from condensers.training.losses import loss_of
from scenarios.accuracy.scenario import Accuracy
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.strategies.gdumb import GDumb
from scenarios.protocol import Reference, Splits
from scenarios.training_material import (
    Evaluation,
    TrainingMaterial,
    apply_set_recipe,
    match_loss_to_labels,
)

TRAINING = Training(epochs=2, lr=0.1, batch=4)


@pytest.fixture
def plain(grey8: ClassData) -> SyntheticSet:
    made: SyntheticSet = create_condenser("random").condense(grey8, Budget(ipc=2), Context())
    return made


def with_recipe(
    synthetic: SyntheticSet, tensors: dict[str, Any], recipe: dict[str, Any]
) -> SyntheticSet:
    card = {**synthetic.card, "recipe": {**synthetic.recipe, **recipe}}
    return replace(synthetic, tensors={**synthetic.tensors, **tensors}, card=card)


def material_of(synthetic: SyntheticSet) -> TrainingMaterial:
    images, labels = synthetic.decode()
    return TrainingMaterial(images, *match_loss_to_labels(synthetic, labels, TRAINING))


@pytest.mark.parametrize(
    ("form", "loss"),
    [("hard", "cross-entropy"), ("probabilities", "cross-entropy"), ("scores", "mse")],
)
def test_scores_are_regressed_and_nothing_else_is(
    form: str, loss: str, plain: SyntheticSet
) -> None:
    labels = torch.eye(10)
    assert (
        match_loss_to_labels(with_recipe(plain, {}, {"labels": form}), labels, TRAINING)[1].loss
        == loss
    )


def test_the_size_of_scores_is_no_merit_of_a_set(plain: SyntheticSet) -> None:
    scored = with_recipe(plain, {}, {"labels": "scores"})
    scores = torch.randn(20, 10)
    small, large = (match_loss_to_labels(scored, scores * size, TRAINING)[0] for size in (0.1, 7.0))
    assert torch.allclose(small, large, atol=1e-5)
    centred = torch.eye(10) - 0.1
    assert torch.allclose(match_loss_to_labels(scored, centred, TRAINING)[0], centred, atol=1e-6), (
        "centred one-hot labels stay as they are"
    )


@pytest.mark.parametrize("form", ["probabilities", "scores"])
def test_hard_labels_are_the_classes_that_images_were_made_for(
    form: str, plain: SyntheticSet, grey8: ClassData
) -> None:
    """Whatever the soft labels say: here that every image is of class 3."""
    data = Splits(grey8, grey8, grey8)
    labels = torch.zeros(20, 10).index_fill_(1, torch.tensor([3]), 1.0)
    soft = with_recipe(plain, {"labels": labels}, {"labels": form})
    hard = Evaluation(labels="hard").material(soft, data, Context())
    assert torch.equal(hard.labels, plain.decode()[1])
    assert (hard.training.loss, hard.detail()["labels"]) == ("cross-entropy", "hard")
    own = Evaluation().material(soft, data, Context())
    assert (own.labels.shape, own.detail()["labels"]) == ((20, 10), "soft")
    unchanged = [Evaluation(labels=one).material(plain, data, Context()) for one in ("set", "hard")]
    assert unchanged[0].detail() == unchanged[1].detail()
    assert torch.equal(unchanged[0].labels, unchanged[1].labels)


def test_the_losses_are_those_of_the_papers() -> None:
    logits, scores = torch.randn(3, 4), torch.randn(3, 4)
    by_hand = sum(0.5 * (logits[i, k] - scores[i, k]) ** 2 for i in range(3) for k in range(4)) / 3
    assert torch.allclose(loss_of(logits, scores, "mse"), by_hand)
    hard = torch.tensor([1, 0, 3])
    assert torch.allclose(
        loss_of(logits, hard, "mse"), loss_of(logits, functional.one_hot(hard, 4) - 0.25, "mse")
    )
    soft = scores.softmax(1)
    expected = -(soft * logits.log_softmax(1)).sum(1).mean()
    assert torch.allclose(loss_of(logits, soft, "cross-entropy"), expected)


def test_a_learned_rate_counts_under_the_sets_own_recipe_only(plain: SyntheticSet) -> None:
    learned = with_recipe(plain, {"rates": torch.tensor([0.25])}, {"lr": "rates"})
    assert apply_set_recipe(learned, material_of(learned), wanted="none").training.lr == 0.1
    assert apply_set_recipe(learned, material_of(learned), wanted="all").training.lr == 0.25
    untouched = material_of(plain)
    assert apply_set_recipe(plain, untouched, wanted="all") is untouched


def test_an_ordered_set_is_trained_on_step_by_step(plain: SyntheticSet, grey8: ClassData) -> None:
    """Against the steps written out: the s-th image of each class, plain gradient steps at the
    learned rates.
    """
    rates = torch.tensor([0.1, 0.2, 0.3, 0.4])
    learned = with_recipe(plain, {"rates": rates}, {"ordered": True, "epochs": 2})
    material = apply_set_recipe(learned, material_of(learned), wanted="all")
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    weight, bias = (p.detach().clone().requires_grad_() for p in network.parameters())
    trained = material.train(network, grey8, Context(), "ordered")
    assert trained.images == 40
    images, labels = learned.decode()
    for step, rate in enumerate(rates.tolist()):
        chosen = [2 * c + step % 2 for c in range(10)]
        loss = functional.cross_entropy(images[chosen].flatten(1) @ weight.T + bias, labels[chosen])
        for tensor, gradient in zip(
            (weight, bias), torch.autograd.grad(loss, (weight, bias)), strict=True
        ):
            tensor.data -= rate * gradient
    assert torch.allclose(network[1].weight, weight, atol=1e-6)
    assert material.detail() == {"augmentation": "none", "steps": 4, "order": "learned"}
    assert "lr" in apply_set_recipe(learned, material_of(learned), wanted="none").detail()


def test_a_common_recipe_shuffles_what_is_ordered(plain: SyntheticSet, grey8: ClassData) -> None:
    learned = with_recipe(plain, {"rates": torch.ones(4)}, {"ordered": True, "epochs": 2})
    results = []
    for synthetic in (learned, plain):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        material = apply_set_recipe(synthetic, material_of(synthetic), wanted="none")
        material.train(network, grey8, Context(seed=1), "common")
        results.append(network[1].weight.detach())
    assert torch.equal(*results)


def test_constant_rates_where_no_drop_is_wanted(grey8: ClassData) -> None:
    """Without the drop the second half is as fast as the first."""
    moved = {}
    for drop in (True, False):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
        recipe = Training(epochs=8, lr=0.01, batch=50, momentum=0.0, weight_decay=0.0, drop=drop)
        before = network[1].weight.detach().clone()
        train(network, grey8.images, grey8.labels, recipe, grey8, Context(), "train")
        moved[drop] = (network[1].weight.detach() - before).norm()
    assert moved[True] < moved[False]


@pytest.mark.parametrize("count", [1, 3])
def test_equal_steps_are_equal_however_many_images_a_set_holds(
    count: int, grey8: ClassData
) -> None:
    ipc = Budget(ipc=count)
    made = create_condenser({"name": "random"}).condense(grey8, ipc, Context(seed=0))
    splits = Splits(grey8, grey8, grey8)
    part = Accuracy(steps=7, batch=20, networks=1, augmentation="none")
    material = part.material(made, splits, Context())
    assert (
        TrainingLoop(
            torch.nn.Linear(1, 1),
            material.images,
            material.labels,
            material.training,
            grey8,
            Context(),
        ).total
        == 7
    )
    assert material.detail()["steps"] == 7 and "epochs" not in material.detail()
    assert part.count_training_images(len(material.images)) == 7 * min(20, len(material.images))
    full = part.material(Reference("full-data"), splits, Context())
    assert full.training.steps is None  # the bound has its own length


def test_steps_and_epochs_together_are_refused() -> None:
    with pytest.raises(UsageError, match="steps and epochs both"):
        Accuracy(steps=7, epochs=3)


def test_gdumb_trains_by_its_own_recipe() -> None:
    part = GDumb(
        epochs=256, batch=16, schedule="restarts", lr=0.05, lowest_lr=0.0005, clip=10.0,
        mix="cutmix", augmentation="crop",
    )  # fmt: skip
    common = LearnerSettings(1, 64, 0.01, 0.9, 1e-6, "none", 64)
    assert part.training(common) == Training(
        256, 0.05, weight_decay=1e-6, batch=16, augmentation="crop", drop=False,
        schedule="restarts", mix="cutmix", lowest_lr=0.0005, clip=10.0,
    )  # fmt: skip
