"""A search whose networks begin from shared weights."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.recipe import Training
from scenarios.protocol import Reference, Splits
from scenarios.search.nni_imports import LayerChoice, ModelSpace
from scenarios.search.scenario import Search
from scenarios.search.shared_weights import PathNetwork, SharedWeights, train_shared_weights
from scenarios.search.spaces.base import WeightSharingSpace, draw_choice
from scenarios.search.spaces.imported import ImportedSpace
from scenarios.search.spaces.nas_bench_201 import NasBench201Space

SPACE = NasBench201Space(channels=4, cells=1)
RECIPE = Training(steps=12, lr=0.05, batch=16, schedule="cosine")


def train(splits: Splits, folder: Path | None = None, **settings: Any) -> SharedWeights:
    context = replace(Context(seed=1, folder=folder), **settings)
    train = splits.train
    return train_shared_weights(SPACE, train.images, train.labels, RECIPE, train, context, 4)


def make_search(**settings: Any) -> Search:
    return Search(
        space={"name": "nas-bench-201", "channels": 4},
        architectures=3,
        steps=4,
        batch=16,
        lr=0.05,
        augmentation="none",
        readings=2,
        initial_weights="shared",
        shared_steps=12,
        **settings,
    )


@pytest.mark.parametrize(
    "space", [SPACE, ImportedSpace("tests.scenarios.search.spaces.model_spaces:ThreeChannels")]
)
def test_an_architecture_computes_with_its_part_what_the_network_of_all_computes(
    space: WeightSharingSpace,
) -> None:
    generator, x, shape = torch.Generator().manual_seed(0), torch.randn(6, 3, 8, 8), (3, 8, 8)
    fitted = space.fitting(shape)
    assert isinstance(fitted, WeightSharingSpace)
    network = PathNetwork(fitted.supernet(shape, 10))
    paths = {path: part.label for path, part in network.paths.items()}
    shared = SharedWeights(network.supernet.state_dict(), paths, 0.0, 0.0)
    for _ in range(5):
        choice = draw_choice(fitted.choices(), generator)
        network.choose(fitted.sample(choice))
        spec = fitted.spec(choice)
        alone = networks.build(spec, shape, 10, generator)
        shared.copy_to(alone, spec)
        torch.testing.assert_close(network.eval()(x), alone.eval()(x), rtol=0, atol=0)


def test_layer_choices_within_others_keep_their_weights() -> None:
    class Nested(ModelSpace):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            inner = LayerChoice([torch.nn.Linear(2, 2), torch.nn.Identity()], label="inner")
            sequence = torch.nn.Sequential(torch.nn.ReLU(), inner)
            layers = {"one": torch.nn.Linear(2, 2), "two": sequence}
            self.outer = LayerChoice(layers, label="outer")

        def forward(self, x: torch.Tensor) -> Any:
            return self.outer(x)

    network = PathNetwork(Nested())
    state = network.supernet.state_dict()
    labels = {path: part.label for path, part in network.paths.items()}
    shared = SharedWeights(state, labels, 0.0, 0.0)
    chosen = shared.select({"outer": "two", "inner": 0})
    assert set(chosen) == {"outer.1.weight", "outer.1.bias"}
    inner = network.supernet.outer.layers["two"][1].layers["0"]
    assert torch.equal(chosen["outer.1.weight"], inner.weight)
    assert set(shared.select({"outer": "one", "inner": 0})) == {"outer.weight", "outer.bias"}
    assert not shared.select({"outer": "two", "inner": 1})


def test_a_step_trains_the_part_of_one_architecture(splits: Splits) -> None:
    before = train_state(splits, steps=1)
    after = train_state(splits, steps=2)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    edges = {name.split(".layers.")[0] for name in changed if ".layers." in name}
    for edge in edges:
        layers = {
            name.split(".layers.")[1].split(".")[0] for name in changed if name.startswith(edge)
        }
        assert len(layers) == 1
    assert "classifier.weight" in changed


def train_state(splits: Splits, steps: int) -> dict[str, torch.Tensor]:
    part, recipe = splits.train, Training(steps=steps, lr=0.05, batch=16, weight_decay=0.0)
    recipe = replace(recipe, momentum=0.0, drop=False)
    found = train_shared_weights(SPACE, part.images, part.labels, recipe, part, Context(seed=1), 1)
    return dict(found.state)


def test_shared_training_goes_on_where_it_was_stopped(splits: Splits, tmp_path: Path) -> None:
    whole, stop, steps = train(splits), threading.Event(), []

    def count(progress: Any) -> None:
        steps.append(progress.done)
        if progress.done == 5:
            stop.set()

    with pytest.raises(Interrupted, match="train shared weights: stopped at step 5 of 12"):
        train(splits, tmp_path, stop=stop.is_set, progress=count)
    resumed = train(splits, tmp_path)
    assert steps == [1, 2, 3, 4, 5]
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    assert resumed.images == whole.images == (7 * 16 + 8 + 4 * 16) / 4
    steps.clear()
    again = train(splits, tmp_path, progress=count)  # what was trained is not trained again
    assert not steps and again.seconds == pytest.approx(resumed.seconds, abs=1e-3)
    assert all(torch.equal(again.state[name], whole.state[name]) for name in whole.state)


def test_a_search_begins_from_shared_weights_and_counts_their_cost(
    splits: Splits, synthetic: SyntheticSet
) -> None:
    shared = make_search().run(synthetic, splits, Context(seed=0))
    own = replace(make_search(), initial_weights="own").run(synthetic, splits, Context(seed=0))
    rows, others = (one.detail["architectures"] for one in (shared, own))
    assert [row["id"] for row in rows] == [row["id"] for row in others]
    assert [row["loss"] for row in rows] != [row["loss"] for row in others]
    # 12 steps on the 6 images of the set, a third of them for each of 3 architectures
    for row, other in zip(rows, others, strict=True):
        assert row["images"] == other["images"] + 12 * 6 / 3
        assert row["curve"][0]["images"] == other["curve"][0]["images"] + 12 * 6 / 3
        assert row["seconds"] > 0 and row["curve"][0]["seconds"] > 0


@pytest.mark.parametrize("name", ["early-stopping", "subset"])
def test_what_trains_briefly_on_real_images_shares_weights_too(splits: Splits, name: str) -> None:
    search = make_search(subset_ipc=4, early_stopping_most=1)
    found = search.run(Reference(name), splits, Context(seed=0)).detail["architectures"]
    own = replace(search, initial_weights="own").run(Reference(name), splits, Context(seed=0))
    assert [row["loss"] for row in found] != [row["loss"] for row in own.detail["architectures"]]
    more = search.image_passes(splits, 6, name)[0][1]
    assert more - replace(search, initial_weights="own").image_passes(splits, 6, name)[0][1] == 192


def test_the_truth_shares_no_weights(splits: Splits) -> None:
    search = make_search(truth="train", truth_epochs=1)
    found = search.run(Reference("truth"), splits, Context(seed=0)).detail["architectures"]
    own = replace(search, initial_weights="own").run(Reference("truth"), splits, Context(seed=0))
    assert [row["test"] for row in found] == [row["test"] for row in own.detail["architectures"]]


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("convnet-small", "convnet-small shares no weights"),
        ({"name": "darts", "channels": 2}, "need a space that chooses layers alone"),
        (
            "tests.scenarios.search.spaces.model_spaces:Written",
            "need a space that chooses layers alone",
        ),
    ],
)
def test_spaces_that_cannot_share_weights_are_refused(
    splits: Splits, space: Any, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        replace(make_search(), space=space).image_passes(splits, 6, None)
