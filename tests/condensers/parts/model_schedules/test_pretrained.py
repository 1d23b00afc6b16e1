"""Pretrained networks: plain training, shared whatever the seed, in turn, and taken up again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress, derive_seed
from condensers.errors import Damaged, Interrupted
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.model_schedules.pretrained import Pretrained, PretrainedNetworks
from condensers.parts.objectives.input_statistics import carried_by
from condensers.parts.setting import RunSetting
from condensers.registry.registry import MODEL_SCHEDULES, create_condenser
from condensers.sets.synthetic_set import Budget
from condensers.training.classifier import Training, train

SPEC = {"name": "convnet", "depth": 1, "width": 4, "norm": "batch"}
OTHER = {"name": "convnet", "depth": 2, "width": 4, "norm": "batch"}
SHORT = MODEL_SCHEDULES.create(
    {"name": "pretrained", "epochs": 2, "batch": 64, "networks": [SPEC, OTHER], "measure": True}
)


def begin(data: ClassData, schedule: Pretrained = SHORT, **lent: Any) -> PretrainedNetworks:
    setting = RunSetting(data, SPEC, NoAugmentation(), Context(**lent), 1, 1)
    return schedule.begin(setting)


def networks_of(running: PretrainedNetworks) -> list[torch.nn.Module]:
    return [running.trained.finished(index) for index in range(running.trained.count)]


def never() -> tuple[torch.Tensor, torch.Tensor]:
    raise AssertionError("these networks do not look at the set")


def test_networks_are_plain_training_and_take_turns(grey8: ClassData) -> None:
    running = begin(grey8)
    for number, spec in enumerate((SPEC, OTHER)):
        context = Context(seed=derive_seed(number, "pretrained"))
        wanted = networks.build(spec, grey8.shape, 10, context.generator)
        recipe = Training(epochs=2, lr=0.1, batch=64, augmentation="crop", schedule="cosine")
        train(wanted, grey8.images, grey8.labels, recipe, grey8, context, "it")
        found = running.next(number + 2, never)
        assert found is networks_of(running)[number] and not found.training
        for name, tensor in wanted.state_dict().items():
            assert torch.equal(tensor, found.state_dict()[name]), name
        assert len(carried_by(found)) == number + 1
    assert running.prepared_seconds > 0
    assert running.state_dict() == {}


def test_runs_share_them_whatever_their_seeds(grey8: ClassData, tmp_path: Path) -> None:
    seen: list[Progress] = []
    first = begin(grey8, cache=tmp_path, seed=1)
    second = begin(grey8, cache=tmp_path, seed=2, progress=seen.append)
    assert not seen, "nothing is trained again"
    assert second.prepared_seconds == first.prepared_seconds
    images = grey8.normalise(grey8.images)
    for one, other in zip(networks_of(first), networks_of(second), strict=True):
        assert torch.equal(one(images), other(images))
        for real, again in zip(carried_by(one), carried_by(other), strict=True):
            assert all(torch.equal(a, b) for a, b in zip(real, again, strict=True))
    files = sorted((tmp_path / "pretrained").glob("*.pt"))
    assert len(files) == 2
    begin(grey8.restrict([0, 1]), cache=tmp_path)
    assert len(list((tmp_path / "pretrained").glob("*.pt"))) == 4, "other data, other networks"
    files[0].write_bytes(files[0].read_bytes()[:-20])
    with pytest.raises(Damaged):
        begin(grey8, cache=tmp_path)


def test_a_stopped_training_goes_on(grey8: ClassData, tmp_path: Path) -> None:
    wanted = begin(grey8)
    seen: list[Progress] = []
    with pytest.raises(Interrupted):
        begin(grey8, cache=tmp_path, progress=seen.append, stop=lambda: len(seen) >= 11)
    seen.clear()
    found = begin(grey8, cache=tmp_path, progress=seen.append)
    assert len(seen) == 5, "16 steps for two networks, of which 11 were done"
    for one, other in zip(networks_of(wanted), networks_of(found), strict=True):
        assert all(
            torch.equal(a, b)
            for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        )


def test_the_compute_of_all_networks_is_counted(grey8: ClassData) -> None:
    method = create_condenser(
        {
            "name": "g-vbsm",
            "iterations": 30,
            "network": SPEC,
            "regularisers": [],
            "model_schedule": {
                "name": "pretrained",
                "epochs": 3,
                "networks": [SPEC, OTHER],
                "measure": True,
            },
        }
    )
    passes = [(spec.depth, count) for spec, count in method.image_passes(grey8, 2) if count]
    each = (3 + 1 / 3) * len(grey8.images) + 30 * 20 / 2
    assert [depth for depth, _ in passes] == [1, 2]
    assert [count for _, count in passes] == [pytest.approx(each)] * 2


def test_any_method_takes_them_and_their_labels(
    grey8: ClassData, condense_tiny: Callable[..., Any], tmp_path: Path
) -> None:
    """DM in trained networks, labelled by them: the labels are the mean logits' probabilities."""
    method = create_condenser(
        {
            "name": "dm",
            "iterations": 1,
            "batch_real": 4,
            "network": SPEC,
            "labels": {"name": "ensemble", "temperature": 2.0, "storage": "float32"},
            "model_schedule": {
                "name": "pretrained",
                "epochs": 2,
                "batch": 64,
                "networks": [SPEC, OTHER],
            },
        }
    )
    made = method.condense(grey8, Budget(ipc=2), Context(cache=tmp_path))
    images, labels = made.decode()
    teachers = networks_of(begin(grey8, method.built.model_schedule))
    with torch.no_grad():
        logits = torch.stack([network(images) for network in teachers]).sum(0)
    assert torch.allclose(labels, torch.softmax(logits / 2 / 2.0, 1), atol=1e-6)
    assert made.nbytes == 20 * (64 + 10 * 4) == method.nbytes(grey8, 2)
    assert method.couples_classes
