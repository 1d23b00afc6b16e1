"""A rate that falls to 0 in a search: each reading of a curve is a training of its own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import Interrupted
from condensers.networks.convnet import ConvNetSpec
from condensers.sets.synthetic_set import SyntheticSet
from condensers.sets.units import as_data
from condensers.training.classifier import Training, TrainingLoop
from scenarios.protocol import Reference, Splits
from scenarios.search.candidate import TrainingJudge
from scenarios.search.curve import list_trainings
from scenarios.search.scenario import Search

RECIPE = Training(steps=16, lr=0.05, batch=32, schedule="cosine")
SPEC = ConvNetSpec(depth=1, width=8)
READ = ("steps", "images", "validation", "loss")


def job(splits: Splits, **settings: Any) -> TrainingJudge:
    return TrainingJudge(
        splits, splits.train.images, splits.train.labels, RECIPE, test=False, batch=64, **settings
    )


def test_each_reading_is_that_of_a_training_that_ends_there(splits: Splits) -> None:
    found = job(splits, readings=(4, 8), beyond=2).judge(SPEC, "a", Context(seed=2))
    assert [reading["steps"] for reading in found["curve"]] == [4, 8, 16, 32]
    for reading in found["curve"]:
        recipe = replace(RECIPE, steps=reading["steps"])
        alone = replace(job(splits), recipe=recipe).judge(SPEC, "a", Context(seed=2))
        assert "curve" not in alone
        assert {name: alone[name] for name in READ} == {name: reading[name] for name in READ}
    asked = found["curve"][2]
    assert {name: found[name] for name in READ} == {name: asked[name] for name in READ}
    assert found["score"] == asked["validation"] and found["seconds"] == asked["seconds"]


def test_the_rate_of_every_training_reaches_its_end(
    splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: dict[int, list[float]] = {}
    step = TrainingLoop.step

    def watched(self: TrainingLoop, index: int) -> torch.Tensor:
        loss = step(self, index)
        rates.setdefault(self.total, []).append(self.optimiser.param_groups[0]["lr"])
        return loss

    monkeypatch.setattr(TrainingLoop, "step", watched)
    job(splits, readings=(4,), beyond=2).judge(SPEC, "a", Context(seed=2))
    assert {total: len(each) for total, each in rates.items()} == {4: 4, 16: 16, 32: 32}
    for total, each in rates.items():
        assert each == sorted(each, reverse=True) and each[0] == 0.05
        assert each[-1] == pytest.approx(RECIPE.rate(total - 1, total)) and each[-1] < 0.01


def test_networks_are_averaged_length_by_length(splits: Splits) -> None:
    found = job(splits, readings=(4,), networks=2).judge(SPEC, "a", Context(seed=3))
    assert [reading["steps"] for reading in found["curve"]] == [8, 32]  # of both
    assert found["steps"] == 32 and found["validation"] == found["curve"][1]["validation"]


def test_a_killed_curve_goes_on_to_the_same_end(splits: Splits, tmp_path: Path) -> None:
    work = job(splits, readings=(4, 8))
    whole = work.judge(SPEC, "a", Context(seed=4))
    asked = iter([False] * 9 + [True] * 99)
    with pytest.raises(Interrupted):
        work.judge(SPEC, "a", Context(seed=4, folder=tmp_path, stop=lambda: next(asked)))
    resumed = work.judge(SPEC, "a", Context(seed=4, folder=tmp_path))
    for one, other in zip(resumed["curve"], whole["curve"], strict=True):
        assert {name: one[name] for name in READ} == {name: other[name] for name in READ}


def test_lengths_of_trainings() -> None:
    assert list_trainings("drop", 16, (4, 64)) == (64,)
    assert list_trainings("cosine", 16, (4, 64, 16)) == (4, 16, 64)


@pytest.mark.parametrize("reference", ["early-stopping", "subset"])
def test_a_search_passes_its_schedule_on(
    reference: str, search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    short = replace(
        search, epochs=1, steps=8, batch=4, schedule="cosine", readings=2, first_reading=0.25
    )
    short = replace(short, early_stopping_most=4, subset_ipc=20, validation_images=3)
    curves = [
        [reading["steps"] for reading in row["curve"]]
        for subject in (synthetic, Reference(reference))
        for row in short.run(subject, splits, Context()).detail["architectures"]
    ]
    beyond = [2, 8, 32] if reference == "early-stopping" else [2, 8]
    assert curves == [[2, 8]] * 4 + [beyond] * 4
    planned = short.image_passes(splits, 6, reference)[0][1]
    constant = replace(short, schedule="drop").image_passes(splits, 6, reference)[0][1]
    assert planned > constant


def test_a_set_that_validates_scores_networks_that_are_trained_on_real_images(
    search: Search, splits: Splits, synthetic: SyntheticSet
) -> None:
    short = replace(search, steps=8, batch=16, early_stopping_most=1, use="validation")
    early = replace(short, use="training").run(Reference("early-stopping"), splits, Context())
    own = short.run(synthetic, splits, Context())
    scores = [row["score"] for row in own.detail["architectures"]]
    assert {round(score * 6 / 100, 6) % 1 for score in scores} == {0.0}  # of six images
    assert [row["steps"] for row in own.detail["architectures"]] == [8] * 4
    as_before = replace(splits, validation=as_data(synthetic))
    again = short.run(Reference("early-stopping"), as_before, Context())
    assert [row["loss"] for row in again.detail["architectures"]] == [
        row["loss"] for row in own.detail["architectures"]
    ]
    assert [row["loss"] for row in early.detail["architectures"]] != [
        row["loss"] for row in own.detail["architectures"]
    ]


def test_the_truth_has_seeds_of_its_own(search: Search, splits: Splits) -> None:
    plain, own = search, replace(search, truth_seeds=2)
    assert list(plain.reference_seeds("truth", (5, 6, 7))) == [5, 6, 7]
    assert list(own.reference_seeds("truth", (5, 6, 7))) == [0, 1]
    assert list(own.reference_seeds("early-stopping", (5, 6, 7))) == [5, 6, 7]
