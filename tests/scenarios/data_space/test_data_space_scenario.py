"""The scenario data-space: what it measures of a set, in which spaces, and what it refuses."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios import caching
from scenarios.data_space.measures import MEASURES
from scenarios.protocol import CondensationRequest, Reference, Splits
from scenarios.registry import SCENARIOS
from tests.conftest import build_data

SPACES = ("trained mlp", "untrained mlp", "pixels")


@pytest.fixture(scope="module")
def data(grey8: ClassData) -> Splits:
    return Splits(grey8, grey8, build_data((1, 8, 8), 10, 12, seed=1))


def scenario(**settings: Any) -> Any:
    table = {
        "name": "data-space",
        "networks": ["mlp"],
        "epochs": 2,
        "batch": 32,
        "real": 8,
        "projections": ["pca"],
    }
    return SCENARIOS.create(table | settings)


def chosen(data: Splits, ipc: int) -> SyntheticSet:
    found: SyntheticSet = create_condenser("random").condense(
        data.train, Budget(ipc=ipc), Context()
    )
    return found


def test_every_measure_is_taken_in_every_space(data: Splits) -> None:
    outcome = scenario().run(chosen(data, 3), data, Context())
    assert [m.metric for m in outcome.measurements] == [
        f"{name} in {space}" for space in SPACES for name in MEASURES
    ]
    for m in outcome.measurements:
        each = outcome.detail["by_class"][m.metric]
        assert set(each) == set(data.test.class_names)
        assert m.values == [pytest.approx(sum(each.values()) / 10, abs=1e-5)]
    found = {m.metric: m.values[0] for m in outcome.measurements}
    assert len({round(found[f"coverage in {space}"], 6) for space in SPACES}) > 1
    # The patterns of the classes lie apart: random real images are on the right side of the border.
    assert (
        found["between-class-margin in pixels"] > 0
        and 0.5 < found["within-class-spread in pixels"] < 1.5
    )
    json.dumps(outcome.as_json(), allow_nan=False)


def test_one_image_a_class_leaves_out_what_needs_two_and_says_so(data: Splits) -> None:
    outcome = scenario(embeddings=["pixels"]).run(chosen(data, 1), data, Context())
    assert outcome.detail["undefined"] == ["mmd in pixels", "within-class-spread in pixels"]
    assert [m.metric.partition(" in ")[0] for m in outcome.measurements] == [
        name for name in MEASURES if name not in ("mmd", "within-class-spread")
    ]


def test_all_seeds_are_measured_in_one_space(data: Splits) -> None:
    subject = chosen(data, 2)
    one, other = (scenario().run(subject, data, Context(seed=seed)) for seed in (0, 1))
    assert one.measurements == other.measurements
    assert scenario(seed=1).run(subject, data, Context()).measurements != one.measurements


def test_the_trained_network_is_made_once(
    data: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = scenario().run(chosen(data, 2), data, Context(cache=tmp_path))
    assert len(list((tmp_path / "embeddings").glob("*.pt"))) == 1
    monkeypatch.setattr(caching, "train_fresh", lambda *_: pytest.fail("trained again"))
    again = scenario().run(chosen(data, 2), data, Context(seed=3, cache=tmp_path))
    assert again.measurements == first.measurements
    monkeypatch.undo()
    assert scenario().run(chosen(data, 2), data, Context()).measurements == first.measurements
    scenario(epochs=3).run(chosen(data, 2), data, Context(cache=tmp_path))
    assert len(list((tmp_path / "embeddings").glob("*.pt"))) == 2


def test_training_shows_in_the_embedding(data: Splits) -> None:
    outcome = scenario(epochs=20).run(chosen(data, 2), data, Context())
    found = {m.metric: m.values[0] for m in outcome.measurements}
    assert (
        found["between-class-margin in trained mlp"]
        > found["between-class-margin in untrained mlp"]
    )


def test_real_images_as_the_reference_come_from_the_training_data(data: Splits) -> None:
    outcome = scenario(embeddings=["pixels"]).run(Reference("real-images"), data, Context())
    found = {m.metric: m.values[0] for m in outcome.measurements}
    assert found["nearest-real-distance in pixels"] > 0
    assert found["coverage in pixels"] > 0.7
    assert found["coverage in pixels"] > _coverage(
        scenario(embeddings=["pixels"]).run(chosen(data, 1), data, Context())
    )


def _coverage(outcome: Any) -> float:
    return float(next(m.values[0] for m in outcome.measurements if m.metric.startswith("coverage")))


def test_soft_labels_count_by_their_largest(data: Splits) -> None:
    hard = chosen(data, 2)
    onehot = torch.nn.functional.one_hot(hard.tensors["labels"].long(), 10).float()
    soft = replace(hard, tensors={**hard.tensors, "labels": 0.6 * onehot + 0.04})
    spaces = scenario(embeddings=["pixels"])
    assert (
        spaces.run(soft, data, Context()).measurements
        == spaces.run(hard, data, Context()).measurements
    )


def test_the_picture_holds_both_populations_and_no_more_points_than_asked(data: Splits) -> None:
    picture = (
        scenario(projections=["pca"], points=30)
        .run(chosen(data, 4), data, Context())
        .detail["picture"]
    )
    assert picture["embedding"] == "trained mlp" and picture["skipped"] == {}
    placed = picture["coordinates"]["pca"]
    assert (len(placed["real"]), len(placed["synthetic"])) == (20, 10)
    assert [len(picture["labels"][side]) for side in ("real", "synthetic")] == [20, 10]
    every = [value for side in placed.values() for point in side for value in point]
    assert (
        min(every) == 0
        and max(every) == 1
        and all(round(value, 3) == pytest.approx(value, abs=1e-6) for value in every)
    )


def test_a_projection_that_is_not_installed_is_skipped_with_its_reason(
    data: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    picture = (
        scenario(projections=["umap", "pca"])
        .run(chosen(data, 2), data, Context())
        .detail["picture"]
    )
    assert list(picture["coordinates"]) == ["pca"]
    assert picture["skipped"] == {
        "umap": 'UMAP is not installed: pip install "condensation-harness[umap]"'
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"embeddings": ["pixel"]},
            "data-space.embeddings: 'pixel' is not one of trained, untrained, pixels",
        ),
        ({"projections": ["mds"]}, "data-space.projections: 'mds' is not one of tsne, pca, umap"),
        ({"networks": []}, "data-space.embeddings: name at least one"),
        ({"embeddings": []}, "data-space.embeddings: name at least one"),
        ({"networks": "mlp"}, "data-space.networks: 'mlp' is not a list"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as found:
        scenario(**settings)
    assert sentence in str(found.value)


def test_a_recipe_cannot_be_measured(data: Splits) -> None:
    with pytest.raises(UsageError, match="give a finished set or the reference real-images"):
        scenario().run(
            CondensationRequest(create_condenser("random"), Budget(ipc=1)), data, Context()
        )


def test_a_class_that_soft_labels_never_name_is_left_out(data: Splits) -> None:
    hard = chosen(data, 2)
    labels = hard.tensors["labels"].long()
    swapped = torch.nn.functional.one_hot(labels.where(labels != 9, torch.tensor(8)), 10).float()
    soft = replace(hard, tensors={**hard.tensors, "labels": swapped})
    outcome = scenario(embeddings=["pixels"]).run(soft, data, Context())
    assert set(outcome.detail["by_class"]["coverage in pixels"]) == set(data.test.class_names[:9])
