"""Curves read while training, and the baselines that need them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted
from condensers.networks.convnet import ConvNetSpec
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training import classifier
from condensers.training.classifier import Training
from scenarios.protocol import Reference, Splits
from scenarios.search.candidate import TrainingJudge, train
from scenarios.search.curve import limit_readings, limit_validation, space_steps
from scenarios.search.scenario import Search

RECIPE = Training(epochs=4, lr=0.05, batch=32, augmentation="dsa")  # 4 epochs of 4 steps


def job(splits: Splits, **settings: Any) -> TrainingJudge:
    return TrainingJudge(
        splits, splits.train.images, splits.train.labels, RECIPE, test=False, batch=64, **settings
    )


def built(splits: Splits, context: Context, norm: str = "batch") -> torch.nn.Module:
    return networks.build(
        ConvNetSpec(depth=1, width=8, norm=norm), splits.train.shape, 3, context.generator
    )


def without_seconds(found: dict[str, Any]) -> dict[str, Any]:
    """A row without what the clock said, in its curve too."""
    kept = {key: value for key, value in found.items() if key != "seconds"}
    return (
        kept | {"curve": [without_seconds(reading) for reading in kept["curve"]]}
        if "curve" in kept
        else kept
    )


@pytest.mark.parametrize("norm", ["none", "batch", "instance"])
def test_readings_do_not_change_what_is_trained(norm: str, splits: Splits) -> None:
    weights, drawn = [], []
    for readings in (None, (), (1, 3, 4, 9, 16)):
        context = Context(seed=5)
        network = built(splits, context, norm)
        if readings is None:
            classifier.train(
                network,
                splits.train.images,
                splits.train.labels,
                RECIPE,
                splits.train,
                context,
                "plain",
            )
        else:
            found = train(network, job(splits, readings=readings), context, "read")
            assert [reading["steps"] for reading in found.get("curve", [])] == list(readings)
        weights.append(network.state_dict())
        drawn.append(torch.rand(1, generator=context.generator).item())
    assert all(
        torch.equal(value, other[name])
        for other in weights[1:]
        for name, value in weights[0].items()
    )
    assert drawn == drawn[:1] * 3


def test_a_reading_is_what_training_up_to_it_would_have_given(splits: Splits) -> None:
    found = job(splits, readings=(4, 8)).judge(ConvNetSpec(depth=1, width=8), "a", Context(seed=2))
    assert [(r["steps"], r["images"]) for r in found["curve"]] == [(4, 120), (8, 240), (16, 480)]
    shorter = replace(
        RECIPE, epochs=1, drop=False
    )  # its rate falls after the fourth step, not before
    short = replace(job(splits), recipe=shorter).judge(
        ConvNetSpec(depth=1, width=8), "a", Context(seed=2)
    )
    assert short["validation"] == found["curve"][0]["validation"] and "curve" not in short
    last = found["curve"][-1]
    assert set(last) == {"steps", "images", "seconds", "validation", "loss"}
    assert {key: found[key] for key in last} == last
    seconds = [reading["seconds"] for reading in found["curve"]]
    assert 0 < seconds[0] < seconds[1] < seconds[2] and found["score"] == found["validation"]


def test_the_curve_goes_on_beyond_the_score(splits: Splits) -> None:
    spec = ConvNetSpec(depth=1, width=8)
    plain = job(splits).judge(spec, "a", Context(seed=3))
    beyond = job(splits, readings=(2, 48), beyond=3).judge(spec, "a", Context(seed=3))
    assert [reading["steps"] for reading in beyond["curve"]] == [2, 16, 48]
    assert {key: plain[key] for key in ("score", "steps", "images")} == {
        key: beyond[key] for key in ("score", "steps", "images")
    }
    assert beyond["seconds"] == beyond["curve"][1]["seconds"] < beyond["curve"][2]["seconds"]


def test_a_killed_training_goes_on_with_its_curve(splits: Splits, tmp_path: Path) -> None:
    work, spec = job(splits, readings=(1, 5, 11), beyond=2), ConvNetSpec(depth=1, width=8)
    whole = work.judge(spec, "a", Context(seed=4))
    asked = iter([False] * 8 + [True] * 99)
    with pytest.raises(Interrupted):
        work.judge(spec, "a", Context(seed=4, folder=tmp_path, stop=lambda: next(asked)))
    resumed = work.judge(spec, "a", Context(seed=4, folder=tmp_path))
    assert without_seconds(resumed) == without_seconds(whole)
    seconds = [reading["seconds"] for reading in resumed["curve"]]
    assert seconds == sorted(seconds) and [reading["steps"] for reading in resumed["curve"]] == [
        1,
        5,
        11,
        16,
        32,
    ]


def test_readings_are_geometric_and_affordable() -> None:
    assert space_steps(800, 5) == (8, 25, 80, 253, 800)
    assert (space_steps(3, 12), space_steps(9, 1), space_steps(9, 0)) == ((1, 2, 3), (9,), ())
    assert space_steps(150, 3, 0.33) == (50, 86, 150)
    assert limit_readings(12, processed=20_000, validation=2_000) == 7
    assert (limit_readings(12, 10**6, 2_000), limit_readings(12, 1_000, 2_000)) == (12, 0)


def test_validation_images_of_a_search_are_some_of_every_class(splits: Splits) -> None:
    few = limit_validation(splits, 9)
    assert torch.bincount(few.validation.labels).tolist() == [3, 3, 3]
    assert torch.equal(few.validation.images, limit_validation(splits, 9).validation.images)
    assert (
        len(limit_validation(splits, 10).validation.images) == 10
        and limit_validation(splits, 30).validation is splits.validation
    )
    uneven = splits.validation.subset(torch.tensor([0, 1, 2, 3, 4, 5, 10, 11, 12, 20]))
    assert torch.bincount(
        limit_validation(replace(splits, validation=uneven), 4).validation.labels
    ).tolist() == [2, 1, 1]
    assert len(limit_validation(replace(splits, validation=uneven), 1).validation.images) == 3
    assert (few.train, few.test) == (splits.train, splits.test)


def test_search_validates_on_few_images_and_the_truth_on_all(
    search: Search, splits: Splits, synthetic: SyntheticSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def watched(self: TrainingJudge, network: Any, data: ClassData) -> dict[str, float]:
        read.append(len(data.images))
        return {"validation": 50.0, "loss": 1.0}

    monkeypatch.setattr(TrainingJudge, "measure", watched)
    for subject in (synthetic, Reference("early-stopping"), Reference("subset")):
        replace(search, validation_images=6).run(subject, splits, Context())
    assert set(read) == {6}
    del read[:]
    replace(search, validation_images=6).run(Reference("truth"), splits, Context())
    assert read == [30, 30] * 4


def test_early_stopping_scores_at_equal_steps_whatever_its_curve(
    search: Search, splits: Splits
) -> None:
    found = [
        replace(search, early_stopping_most=most, readings=readings).run(
            Reference("early-stopping"), splits, Context(seed=1)
        )
        for most, readings in ((1, 1), (4, 5))
    ]
    assert list(found[0].measurements[0].values) == list(found[1].measurements[0].values)
    assert found[0].costs["images"] == found[1].costs["images"] == 4 * 3 * 6
    curves = [row["curve"] for row in found[1].detail["architectures"]]
    assert all(
        [reading["steps"] for reading in curve][-1] == 12 and 3 in [r["steps"] for r in curve]
        for curve in curves
    )


def test_subset_trains_on_the_same_few_images_of_each_class(
    search: Search, splits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[TrainingJudge] = []
    monkeypatch.setattr(
        TrainingJudge,
        "judge",
        lambda self, *_: seen.append(self) or {"score": 1.0, "seconds": 1.0, "images": 1},
    )
    for seed in (1, 2):
        replace(search, subset_ipc=5).run(Reference("subset"), splits, Context(seed=seed))
    assert all(torch.equal(job.images, seen[0].images) for job in seen[:4]) and len(seen) == 8
    assert not torch.equal(seen[0].images, seen[4].images)
    assert (
        torch.bincount(seen[0].labels).tolist() == [5, 5, 5] and seen[0].recipe == search.recipe()
    )
    normalised = splits.train.normalise(splits.train.images)
    at = [(normalised == image).flatten(1).all(1).nonzero().flatten() for image in seen[0].images]
    assert [splits.train.labels[index].tolist() for index in at] == [
        [label] for label in seen[0].labels.tolist()
    ]


def test_subset_has_a_curve(search: Search, splits: Splits) -> None:
    rows = (
        replace(search, subset_ipc=40, validation_images=3)
        .run(Reference("subset"), splits, Context())
        .detail["architectures"]
    )
    assert all([reading["images"] for reading in row["curve"]] == [120, 240, 360] for row in rows)


@pytest.mark.parametrize("norm", ["batch", "instance"], ids=["one after the other", "as one"])
def test_several_networks_of_an_architecture_are_judged_by_their_mean(
    norm: str, splits: Splits
) -> None:
    """Where a batch is all images and nothing is augmented, networks trained as one reach what each
    reaches alone.
    """
    recipe, spec = Training(epochs=6, lr=0.001, batch=200), ConvNetSpec(depth=1, width=8, norm=norm)
    one = replace(job(splits, readings=(2,)), recipe=recipe)
    found = replace(one, networks=3).judge(spec, "a", Context(seed=3))
    part = Context(seed=3).fork("architecture-a")
    alone = []
    for own in (part, part.fork("network-1"), part.fork("network-2")):
        network = networks.build(spec, splits.train.shape, 3, own.generator)
        alone.append(train(network, one, own, "alone"))
    assert len({each["validation"] for each in alone}) > 1
    for at, reading in enumerate(found["curve"]):
        each = [row["curve"][at] for row in alone]
        assert reading["validation"] == pytest.approx(sum(row["validation"] for row in each) / 3)
        assert (reading["steps"], reading["images"]) == (
            sum(r["steps"] for r in each),
            sum(r["images"] for r in each),
        )
    assert found["score"] == found["validation"] == found["curve"][-1]["validation"]
    assert found["steps"] == 18 and found["seconds"] == pytest.approx(found["curve"][-1]["seconds"])
    assert (
        without_seconds(replace(one, networks=1).judge(spec, "a", Context(seed=3)))["score"]
        == alone[0]["validation"]
    )
