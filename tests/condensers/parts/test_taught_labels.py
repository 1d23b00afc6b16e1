"""An early-stopped teacher: what is held out, which epoch is taken, and that it can be resumed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.setting import RunSetting
from condensers.parts.taught_labels import Candidate, EarlyTeacher, hold_out
from condensers.registry.registry import LABELS, create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

NETWORK = {"name": "convnet", "depth": 1, "width": 4}
LABEL = {"name": "early-teacher", "epochs": [1, 3], "steps": 2, "batch": 64, "lr": 0.05}


def random_soft(data: ClassData, context: Context, **more: Any) -> SyntheticSet:
    spec = {"name": "random-soft", "network": NETWORK, "labels": LABEL | more}
    return create_condenser(spec).condense(data, Budget(ipc=2), context)


def test_images_are_those_of_random_and_the_card_tells_the_epoch(grey8: ClassData) -> None:
    made = random_soft(grey8, Context(seed=3), storage="float32")
    plain = create_condenser("random").condense(grey8, Budget(ipc=2), Context(seed=3))
    assert torch.equal(made.tensors["images"], plain.tensors["images"])
    assert made.card["indices"] == plain.card["indices"]
    assert made.nbytes == 20 * (64 + 40)
    told = made.card["teacher"]
    assert set(told["held_out_accuracy"]) == {"1", "3"}
    best = max(told["held_out_accuracy"].values())
    assert told["held_out_accuracy"][str(told["epochs"])] == best
    images, labels = made.decode()
    setting = RunSetting(grey8, NETWORK, NoAugmentation(), Context(seed=3), 2, 2)  # type: ignore[arg-type]
    found = LABELS.create(LABEL).candidates(images, setting)
    assert [one.epochs for one in found] == [1, 3]
    (taken,) = (one for one in found if one.epochs == told["epochs"])
    assert torch.allclose(labels, taken.labels, atol=1e-6)
    assert not torch.allclose(found[0].labels, found[1].labels, atol=1e-4)


def test_the_epoch_is_chosen_by_students_on_images_held_out(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = torch.eye(10).repeat(2, 1)
    worth = {1: 20.0, 2: 45.0, 4: 45.0, 8: 30.0}
    found = [Candidate(epochs, rows.roll(epochs, 1), of) for epochs, of in worth.items()]
    monkeypatch.setattr(EarlyTeacher, "candidates", lambda *_: found)
    made = random_soft(grey8, Context())
    assert made.card["teacher"]["epochs"] == 2, "of equals the one with fewer epochs"
    assert torch.equal(made.decode()[1], rows.roll(2, 1))


def test_nothing_is_both_learned_and_held_out_but_a_single_image(grey8: ClassData) -> None:
    learned, held = hold_out(grey8, 0.1, torch.Generator().manual_seed(0))
    assert (len(learned.images), len(held.images)) == (180, 20)
    assert all(held.count(c) == 2 for c in held.classes)
    rows = torch.cat([learned.images, held.images]).flatten(1)
    assert len(rows.unique(dim=0)) == len(grey8.images.flatten(1).unique(dim=0))
    single = grey8.subset(torch.cat([grey8.members(c)[:1] for c in grey8.classes]))
    learned, held = hold_out(single, 0.1, torch.Generator())
    assert len(learned.images) == len(held.images) == 10


def test_a_stopped_teacher_goes_on(grey8: ClassData, tmp_path: Path) -> None:
    wanted = random_soft(grey8, Context(seed=4))
    seen: list[Progress] = []
    stop = lambda: len(seen) >= 24  # noqa: E731
    with pytest.raises(Interrupted):
        random_soft(grey8, Context(seed=4, folder=tmp_path, progress=seen.append, stop=stop))
    found = random_soft(grey8, Context(seed=4, folder=tmp_path))
    assert torch.equal(found.tensors["labels"], wanted.tensors["labels"])
    assert found.card == wanted.card


def test_what_cannot_be_is_refused() -> None:
    for epochs in ([], [2, 1], [0, 1], [1, 1]):
        with pytest.raises(UsageError, match="are no candidates in rising order"):
            LABELS.create(LABEL | {"epochs": epochs})
    with pytest.raises(UsageError, match=r"0\.8 of the images would be held out"):
        LABELS.create(LABEL | {"held": 0.8})
    with pytest.raises(UsageError, match="this selection trains none; take labels teacher"):
        create_condenser({"name": "real-tiles", "labels": "ensemble"})
