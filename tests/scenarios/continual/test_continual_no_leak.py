"""Nothing of a class to come, in what condensers are shown and in what memories hold; images are
compared, not only labels.
"""

from dataclasses import replace

import pytest
import torch

from condensers.engine.context import Context
from condensers.networks.convnet import ConvNetSpec
from condensers.sets.synthetic_set import Budget
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.scenario import Continual
from scenarios.protocol import CondensationRequest, Reference

FAST = Continual(
    orders=1,
    network=ConvNetSpec(depth=1, width=4),
    batch=16,
    batch_size_mem=8,
    strategies=("replay", {"name": "gdumb", "epochs": 1}),
    memory="per-experience",
)


def owners(images, labels):
    """The class of each image, by its bytes; all images differ."""
    found = {
        image.numpy().tobytes(): label for image, label in zip(images, labels.tolist(), strict=True)
    }
    assert len(found) == len(labels)
    return found


@pytest.fixture
def held(monkeypatch):
    """(classes seen, what is in memory) whenever the test images are read."""
    found, row = [], AccuracyMatrix.measure_row

    def noted(self, network):
        if self.memory is not None and self.memory.image_count:
            found.append((self.memory.seen_classes, self.memory.exemplars()))
        return row(self, network)

    monkeypatch.setattr(AccuracyMatrix, "measure_row", noted)
    return found


@pytest.mark.parametrize(
    "layout", [{}, {"sizes": (1, 4, 3, 2)}, {"base_classes": 5, "experiences": 4}]
)
@pytest.mark.parametrize("growth", ["growing", "fixed"])
def test_a_condenser_sees_the_images_of_one_experience_alone(splits, spy, growth, layout):
    scenario = replace(FAST, growth=growth, **layout)
    outcome = scenario.run(CondensationRequest(spy, Budget(ipc=2)), splits, Context(seed=1))
    owner = owners(splits.train.images, splits.train.labels)
    parts = [set(part) for part in outcome.detail["experiences"][0]]
    assert {classes for classes, _ in spy.shown} >= {tuple(sorted(part)) for part in parts}
    for classes, images in spy.shown:
        (mine,) = [part for part in parts if part & set(classes)]
        assert {owner[image] for image in images} == set(classes) <= mine


@pytest.mark.parametrize("kind", ["offline", "per-experience"])
def test_a_memory_holds_no_image_of_a_class_to_come(splits, spy, memory_of, held, kind):
    subject = (
        memory_of(splits.train, 2) if kind == "offline" else CondensationRequest(spy, Budget(ipc=2))
    )
    outcome = replace(FAST, memory=kind, evaluate_every=1).run(subject, splits, Context(seed=1))
    images = splits.train.normalise(splits.train.images)
    owner = owners(images, splits.train.labels)
    parts = outcome.detail["experiences"][0]
    so_far = [{c for part in parts[: t + 1] for c in part} for t in range(5)]
    for seen, whole in held:
        assert set(seen) in so_far
        assert [owner[image.numpy().tobytes()] for image in whole.images] == whole.labels.tolist()
        assert set(whole.labels.tolist()) == set(seen)
    # GDumb reads once an experience; replay also after each of its 3 minibatches, where the memory
    # is that of the one before.
    replayed = [
        so_far[t - (reading < 3)] for t in range(5) for reading in range(4) if t or reading == 3
    ]
    assert [set(seen) for seen, _ in held] == replayed + so_far


def test_labels_of_the_stream_are_those_of_its_images(splits, monkeypatch):
    """A learner without a memory is shown each experience's images and no other."""
    from scenarios.continual.learner import Learner

    shown, make = [], Learner.make_train_dataloader

    def noted(self, **given):
        make(self, **given)
        shown.append({x.numpy().tobytes() for batch, _ in self.batches for x in batch})

    monkeypatch.setattr(Learner, "make_train_dataloader", noted)
    scenario = replace(FAST, strategies=("replay", "naive"))
    outcome = scenario.run(Reference("naive"), splits, Context(seed=1))
    for part, images in zip(outcome.detail["experiences"][0], shown, strict=True):
        mine = torch.isin(splits.train.labels, torch.tensor(part))
        assert images == {
            x.numpy().tobytes() for x in splits.train.normalise(splits.train.images[mine])
        }
