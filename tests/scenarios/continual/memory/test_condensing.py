"""Memories that change along the stream: of fixed size, and condensed from the stream as it
passes.
"""

from dataclasses import replace

import pytest
import torch

from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget
from scenarios.continual.memory.condensing import OnlineSource
from scenarios.continual.memory.fixed_size import FixedSize, count_most_images
from scenarios.continual.memory.per_experience import PerExperienceCondenser
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Splits

PARTS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
SMALL = Continual(
    experiences=5,
    orders=1,
    network={"name": "mlp", "width": 16},
    batch=8,
    batch_size_mem=8,
    lr=0.05,
)


def recipe(ipc=2, name="random"):
    return CondensationRequest(create_condenser(name), Budget(ipc=ipc))


@pytest.mark.parametrize("how", ["herding", "random", "first", "recondense"])
def test_a_fixed_memory_has_its_whole_size_at_every_experience(splits, how):
    made = PerExperienceCondenser(recipe(2), splits.train, Context(seed=1))
    source, held = FixedSize(made, how), []
    for part in PARTS:
        pieces = source.take(part)
        counts = torch.cat([piece.labels for piece in pieces]).bincount()
        assert set(counts[counts > 0].tolist()) == {20 // len(source.seen)}
        held.append(sum(len(piece.labels) for piece in pieces))
    assert held == [20, 20, 18, 16, 20]
    assert count_most_images(made, PARTS, how) == 20
    assert source.ledger == {"images": 20 * 64, "labels": 20}


def test_what_a_fixed_memory_keeps_was_there_before(splits):
    source = FixedSize(PerExperienceCondenser(recipe(2), splits.train, Context(seed=1)), "herding")
    before = source.take((0, 1))[0]
    after = source.take((2, 3))[0]
    assert len(before.labels) == 20 and len(after.labels) == 10
    assert all(any(torch.equal(image, other) for other in before.images) for image in after.images)


def test_a_fixed_memory_needs_an_image_for_each_class(splits):
    source = FixedSize(
        PerExperienceCondenser(
            CondensationRequest(create_condenser("random"), Budget(nbytes=260)),
            splits.train,
            Context(),
        ),
        "first",
    )
    source.take((0, 1))
    with pytest.raises(UsageError, match="too few"):
        source.take((2, 3, 4, 5))


def test_a_streamed_memory_reads_what_passes_and_nothing_else(splits):
    """The data it is given has no image worth reading, and its buffer is emptied when its images
    are condensed.
    """
    blank = replace(splits.train, images=torch.zeros_like(splits.train.images))
    source = OnlineSource(recipe(2, "k-means-centroids"), blank, 6, Context(seed=2))
    for label in (3, 7):
        images = splits.train.images[splits.train.members(label)]
        for batch in images.split(4):
            source.observe(batch, torch.full((len(batch),), label))
    waiting = source.buffer.images.get(3, torch.empty(0))
    assert source.buffer.passed[3] == 24 and not waiting.numel()
    pieces = source.take((3, 7))
    for piece in pieces:
        for label in piece.labels.unique().tolist():
            mean = splits.train.normalise(splits.train.images[splits.train.members(label)]).mean(0)
            assert (piece.images[piece.labels == label].mean(0) - mean).abs().mean() < 0.25
    assert sorted(torch.cat([piece.labels for piece in pieces]).tolist()) == [3, 3, 7, 7]
    assert source.ledger["buffer"] == source.buffer.peak == 8 * 64
    assert {key: source.ledger[key] for key in ("images", "labels")} == {
        "images": 4 * 64,
        "labels": 4,
    }


def test_images_of_the_past_count_as_often_as_they_stand_for(splits):
    source = OnlineSource(recipe(1), splits.train, 4, Context())
    images = splits.train.images[splits.train.members(0)]
    source.observe(images[:8], torch.zeros(8, dtype=torch.int64))
    assert len(source._repeat_past(0)) == 8
    source.observe(images[8:], torch.zeros(16, dtype=torch.int64))
    assert len(source._repeat_past(0)) == 20, "no more copies than the most"
    assert len(source._repeat_past(1)) == 0


def test_the_state_of_a_streamed_memory_comes_back(splits):
    first, second = (
        OnlineSource(recipe(1, "k-means"), splits.train, 4, Context(seed=3)) for _ in range(2)
    )
    images, labels = splits.train.images, splits.train.labels
    first.observe(images[:27], labels[:27])
    second.restore(first.state_dict(), [])
    for source in (first, second):
        source.observe(images[27:40], labels[27:40])
    assert [(a.images.tolist(), a.labels.tolist()) for a in first.exemplars] == [
        (b.images.tolist(), b.labels.tolist()) for b in second.exemplars
    ]
    assert first.ledger == second.ledger and first.buffer.passed == second.buffer.passed


@pytest.mark.parametrize("questions", [10, 25, 40, 100])
@pytest.mark.parametrize("strategy", ["replay", "gdumb"])
def test_online_learning_with_an_online_memory_goes_on_where_it_stopped(
    splits, tmp_path, strategy, questions
):
    """Stopped between minibatches, at the end of an experience, within an update of the memory, and
    within GDumb's training.
    """
    spec = (
        {"name": "gdumb", "epochs": 3, "augmentation": "none"} if strategy == "gdumb" else "replay"
    )
    scenario = replace(
        SMALL, strategies=(spec,), memory="online", online=4, online_update=6, evaluate_every=5
    )
    plain = scenario.run(recipe(), splits, Context(seed=1))
    asked = [0]

    def stop():
        asked[0] += 1
        return asked[0] > questions

    with pytest.raises(Interrupted):
        scenario.run(
            recipe(), splits, Context(seed=1, folder=tmp_path, stop=stop, checkpoint_seconds=0)
        )
    resumed = scenario.run(recipe(), splits, Context(seed=1, folder=tmp_path))
    assert resumed.detail == plain.detail
    assert [m.values for m in resumed.measurements] == [m.values for m in plain.measurements]
    assert plain.detail["memory"] == "online"


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"memory": "online"}, "set `online`"),
        ({"memory": "offline", "growth": "fixed"}, "cannot be fixed"),
        ({"strategies": ("replay", {"name": "replay"})}, "twice"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, match):
    with pytest.raises(UsageError, match=match) as caught:
        replace(SMALL, **settings)
    assert "\n" not in str(caught.value)


def test_a_finished_set_cannot_be_a_memory_that_is_made_along_the_stream(splits, memory_of):
    scenario = replace(SMALL, growth="fixed", memory="per-experience")
    with pytest.raises(UsageError, match="put its method into a suite"):
        scenario.run(memory_of(splits.train, 1), splits, Context())


def test_a_stream_of_domains_shares_the_outputs_of_their_classes(splits):
    """Three domains of two classes each: a network of two outputs, all classes of one domain in
    each experience.
    """
    names = tuple(f"{domain}: {c}" for domain in ("x", "y", "z") for c in ("p", "q"))
    six = {
        part: replace(
            getattr(splits, part).restrict(range(6)), name="domains:x+y+z", class_names=names
        )
        for part in ("train", "validation", "test")
    }
    data = Splits(**six)
    scenario = replace(
        SMALL,
        strategies=("replay", {"name": "gdumb", "epochs": 20, "augmentation": "none"}),
        class_order="given",
    )
    made = create_condenser("random").condense(data.train, Budget(ipc=4), Context(seed=1))
    outcome = scenario.run(made, data, Context(seed=1))
    assert outcome.detail["experiences"] == [[[0, 1], [2, 3], [4, 5]]]
    accuracy = {m.metric: m.values[0] for m in outcome.measurements}
    assert accuracy["gdumb/final-accuracy"] > 70, "of two outputs, where half would be chance"
    assert all(len(row) == 3 for row in outcome.detail["R"]["replay"]["0"])
    orders = {
        tuple(
            map(
                tuple,
                replace(scenario, class_order="random")
                .run(made, data, Context(seed=s))
                .detail["experiences"][0],
            )
        )
        for s in range(4)
    }
    assert len(orders) > 1, "the order of domains is drawn"
