"""What is kept of the real side is what was read, is read once, and is used as if it were read
anew.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import CondensationLoop
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.objectives.base import Pair
from condensers.parts.setting import RunSetting
from condensers.registry.registry import OBJECTIVES, create_condenser
from condensers.sets.synthetic_set import Budget

PAIRED = ["mean-embedding", "layer-means", "attention", "gradient", "summed-gradient"]
SMALL = {"name": "convnet", "depth": 2, "width": 4}


def begin(data: ClassData, **settings: Any) -> CondensationLoop:
    method = create_condenser(
        {"name": "dm", "batch_real": 6, "network": SMALL, "iterations": 6, **settings}
    )
    setting = RunSetting(
        data, method.network, method.augmentation.for_data(data), Context(seed=2), 2, 2
    )
    return CondensationLoop(method, setting, starting_images(data, 2, "real", setting.generator))


@pytest.mark.parametrize("objective", PAIRED)
def test_a_loss_on_kept_statistics_is_the_loss_on_the_images(
    objective: str, grey8: ClassData
) -> None:
    part, network = (
        OBJECTIVES.create(objective),
        networks.build(SMALL, grey8.shape, 10, torch.Generator().manual_seed(1)),
    )
    images = [grey8.normalise(grey8.images[grey8.members(label)]) for label in (0, 4, 7)]
    pairs = [Pair(label, one[:7], one[7:9]) for label, one in zip((0, 4, 7), images, strict=True)]
    statistics = part.statistics(network, pairs)
    assert all(len(layer) == 3 and not layer.requires_grad for layer in statistics)
    without = [pair._replace(real=pair.real[:0]) for pair in pairs]
    assert torch.equal(part.loss_against(network, statistics, without), part.loss(network, pairs))


def test_reused_networks_follow_a_plain_loop(grey8: ClassData) -> None:
    """DM written out: every third step draws a network, then for each class a batch and a seed of
    the augmentation.
    """
    loop = begin(grey8, model_schedule={"name": "fresh", "reuse": 3})
    setting, augmentation = loop.setting, Siamese().for_data(grey8)
    images = starting_images(grey8, 2, "real", Context(seed=2).generator)
    generator = torch.Generator()
    generator.set_state(setting.generator.get_state())
    velocity, network, seeds, means = torch.zeros_like(images), None, [], []
    for step in range(6):
        loop.step(step)
        if step % 3 == 0:
            network = networks.build(SMALL, grey8.shape, 10, generator)
            seeds = [int(torch.randint(2**62, (1,), generator=generator)) for _ in range(10)]
            means = []
            for label in range(10):
                draw = augmentation.draw(
                    1, grey8.shape, torch.Generator().manual_seed(seeds[label])
                )
                real = augmentation.apply(grey8.sample(label, 6, generator), draw)
                means.append(network.embed(real).mean(0).detach())
        images.requires_grad_(True)
        loss = torch.zeros(())
        for label in range(10):
            draw = augmentation.draw(1, grey8.shape, torch.Generator().manual_seed(seeds[label]))
            embedded = network.embed(augmentation.apply(images[2 * label : 2 * label + 2], draw))
            loss = loss + ((means[label] - embedded.mean(0)) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, images)
        velocity = 0.5 * velocity + gradient
        images = (images - velocity).detach()
        assert torch.allclose(loop.set.present()[0], images, atol=1e-5)


def test_one_step_with_a_network_is_the_schedule_as_it_was(
    grey8: ClassData, condense_tiny: Callable[..., Any]
) -> None:
    plain, once = (
        condense_tiny("dm", grey8, 2, model_schedule=one)
        for one in ("fresh", {"name": "fresh", "reuse": 1})
    )
    twice = condense_tiny("dm", grey8, 2, model_schedule={"name": "fresh", "reuse": 2})
    assert torch.equal(plain.tensors["images"], once.tensors["images"])
    assert not torch.equal(plain.tensors["images"], twice.tensors["images"])


@pytest.mark.parametrize("objective", ["mean-embedding", "gradient"])
def test_cached_statistics_are_those_of_all_images(
    objective: str, grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("condensers.composition.real_statistics.IMAGES_AT_ONCE", 7)
    loop = begin(grey8, objective=objective, model_schedule={"name": "cached", "networks": 2})
    augmentation = loop.setting.augmentation
    for step in range(5):
        loop.step(step)
    assert sorted(loop.real.cached) == [0, 1]
    for number, of_classes in loop.real.cached.items():
        network = loop.schedule.networks[number]
        assert sorted(of_classes) == list(range(10))
        for label, kept in of_classes.items():
            draw = augmentation.draw(1, grey8.shape, torch.Generator().manual_seed(kept.seed))
            real = augmentation.apply(grey8.normalise(grey8.images[grey8.members(label)]), draw)
            wanted = loop.method.objective.statistics(network, [Pair(label, real, real[:0])])
            assert all(
                torch.allclose(a, b[0], atol=1e-6)
                for a, b in zip(kept.statistics, wanted, strict=True)
            )


def counting(loop: CondensationLoop, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps at which real images are read."""
    read, step = [], [0]
    part, statistics = type(loop.method.objective), type(loop.method.objective).statistics

    def noting(self: Any, network: Any, pairs: Any) -> list[Tensor]:
        read.append(step[0])
        found: list[Tensor] = statistics(self, network, pairs)
        return found

    monkeypatch.setattr(part, "statistics", noting)
    for index in range(6):
        step[0] = index
        loop.step(index)
    return sorted(set(read))


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ({"name": "fresh"}, [0, 1, 2, 3, 4, 5]),
        ({"name": "fresh", "reuse": 4}, [0, 4]),
        ({"name": "cached", "networks": 3}, [0, 1, 2]),
        ({"name": "cached", "networks": 3, "real": "batch"}, [0, 1, 2]),
        ({"name": "trained-on-synthetic", "outer": 4, "inner": 1, "reuse": 3}, [0, 3, 4]),
    ],
    ids=str,
)
def test_real_images_are_read_once_for_each_network(
    schedule: dict[str, Any], wanted: list[int], grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = begin(grey8, model_schedule=schedule, iterations=2 if "outer" in schedule else 6)
    assert counting(loop, monkeypatch) == wanted


def test_the_estimate_counts_how_often_real_images_are_read(grey8: ClassData) -> None:
    def passes(schedule: Any) -> float:
        spec = {
            "name": "dm",
            "batch_real": 6,
            "network": SMALL,
            "iterations": 6,
            "model_schedule": schedule,
        }
        ((_, count),) = create_condenser(spec).image_passes(grey8, 2)
        return float(count)

    synthetic = 6 * 20.0
    assert passes("fresh") == pytest.approx(synthetic + 6 * 60 / 3)
    assert passes({"name": "fresh", "reuse": 4}) == pytest.approx(synthetic + 2 * 60 / 3)
    assert passes({"name": "cached", "networks": 5, "real": "batch"}) == pytest.approx(
        synthetic + 5 * 60 / 3
    )
    assert passes({"name": "cached", "networks": 5}) == pytest.approx(synthetic + 5 * 200 / 3)


@pytest.mark.parametrize("update", ["all", "class"])
def test_a_set_updated_class_by_class_keeps_each_class(update: str, grey8: ClassData) -> None:
    loop = begin(grey8, update=update, model_schedule={"name": "fresh", "reuse": 2})
    loop.step(0)
    first = {position: kept.seed for position, kept in loop.real.cached[0].items()}
    loop.step(1)
    assert {position: kept.seed for position, kept in loop.real.cached[0].items()} == first
    loop.step(2)
    assert all(loop.real.cached[0][position].seed != seed for position, seed in first.items())


def test_terms_read_real_images_under_the_kept_draw(grey8: ClassData) -> None:
    term = {"name": "discriminative", "weight": 1.0}
    spec = {
        "name": "dm",
        "batch_real": 6,
        "network": SMALL,
        "iterations": 4,
        "model_schedule": {"name": "fresh", "reuse": 2},
    }
    without, along = (
        create_condenser(spec | {"regularisers": terms}).condense(grey8, Budget(ipc=2), Context())
        for terms in ([], [term])
    )
    assert not torch.equal(without.tensors["images"], along.tensors["images"])


def test_a_network_taken_at_random_has_its_own_statistics(grey8: ClassData) -> None:
    loop = begin(
        grey8, model_schedule={"name": "cached", "networks": 3, "order": "random", "real": "batch"}
    )
    taken = []
    for step in range(12):
        loop.step(step % 6)
        assert loop.schedule.slot is not None
        taken.append(loop.schedule.slot.number)
    assert set(taken) == set(loop.real.cached)
    assert taken != [step % 3 for step in range(12)]


def test_what_cannot_be_kept_is_refused() -> None:
    spec = {
        "name": "dm",
        "model_schedule": "cached",
        "network": {"name": "convnet", "norm": "batch"},
    }
    with pytest.raises(
        UsageError, match="batch norm would see each part alone; take another norm, or real 'batch'"
    ):
        create_condenser(spec)
    create_condenser(spec | {"model_schedule": {"name": "cached", "real": "batch"}})
