"""The pool's networks: whose turn it is, how old each is and what it learns, seen by counting and
against Adam written out.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.model_schedules.base import NoNetwork
from condensers.parts.model_schedules.pool import AgeingNetworks, Pool
from condensers.parts.setting import RunSetting

NETWORK = {"name": "mlp", "depth": 1, "width": 4}


@pytest.fixture
def setting(grey8: ClassData) -> RunSetting:
    return RunSetting(grey8, NETWORK, NoAugmentation(), Context(seed=5), 1, 1)


@pytest.fixture
def present(grey8: ClassData) -> Callable[[], tuple[Tensor, Tensor]]:
    images, labels = (
        grey8.normalise(grey8.images[:10]),
        torch.randn(10, 10, generator=torch.Generator().manual_seed(1)),
    )
    return lambda: (images, labels)


def weights(network: Any) -> Tensor:
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_first_ages_are_spread_and_really_trained(setting: RunSetting, present: Any) -> None:
    pool = Pool(size=4, max_age=10)
    assert [pool.first_age(index) for index in range(4)] == [0, 2, 5, 7]
    running = pool.begin(setting)
    fresh = [weights(network) for network in running.networks]
    seen: dict[int, int] = {}
    for step in range(40):
        running.next(step, present)
        if running.picked not in seen:
            seen[running.picked] = running.ages[running.picked]
            moved = not torch.equal(
                weights(running.networks[running.picked]), fresh[running.picked]
            )
            assert moved == (running.picked > 0)
    assert seen == {0: 0, 1: 2, 2: 5, 3: 7}


def test_each_step_trains_the_last_network_and_no_other_until_it_is_too_old(
    setting: RunSetting, present: Any
) -> None:
    running = Pool(size=3, max_age=3).begin(setting)
    replaced = 0
    for step in range(60):
        before, ages, last, owed = (
            [weights(n) for n in running.networks],
            list(running.ages),
            running.picked,
            list(running.owed),
        )
        given = running.next(step, present)
        assert given is running.networks[running.picked]
        assert given.training
        for index in range(3):
            steps = (index == last) + (owed[index] if index == running.picked else 0)
            assert torch.equal(before[index], weights(running.networks[index])) == (steps == 0)
            if index == last and ages[index] == 3:
                assert running.ages[index] == 0
                replaced += 1
            else:
                assert running.ages[index] == ages[index] + steps
    assert replaced > 5
    assert max(running.ages) <= 3


def test_training_is_adam_on_half_the_squared_distance(setting: RunSetting, present: Any) -> None:
    running = Pool(size=1, max_age=10, lr=0.01).begin(setting)
    network = networks.build(NETWORK, setting.shape, 10, torch.Generator().manual_seed(0))
    network.load_state_dict(running.networks[0].state_dict())
    images, labels = present()
    first = [torch.zeros_like(p) for p in network.parameters()]
    second = [torch.zeros_like(p) for p in network.parameters()]
    running.next(0, present)
    for step in range(1, 4):
        running.next(step, present)
        distances = [
            ((out - y) ** 2).sum() / 2 for out, y in zip(network(images), labels, strict=True)
        ]
        gradients = torch.autograd.grad(sum(distances) / len(distances), list(network.parameters()))
        with torch.no_grad():
            for p, g, m, v in zip(network.parameters(), gradients, first, second, strict=True):
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                p -= 0.01 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)
        assert torch.allclose(weights(running.networks[0]), weights(network), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("batch", "wanted"), [(4, 4), (1000, 10)])
def test_a_training_step_takes_so_many_images(
    batch: int, wanted: int, setting: RunSetting, present: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def noting(self: RunSetting, images: Tensor) -> Tensor:
        sizes.append(len(images))
        return images

    monkeypatch.setattr(RunSetting, "augment", noting)
    running = Pool(size=1, batch=batch).begin(setting)
    for step in range(3):
        running.next(step, present)
    assert sizes == [wanted, wanted]


def test_hard_labels_are_regressed_centred(setting: RunSetting, grey8: ClassData) -> None:
    images, hard = grey8.normalise(grey8.images[:10]), grey8.labels[:10]
    rows = torch.eye(10)[hard] - 0.1
    after = []
    for labels in (hard, rows):
        setting.generator.manual_seed(9)
        running: AgeingNetworks = Pool(size=1).begin(setting)
        for step in range(4):
            running.next(step, lambda labels=labels: (images, labels))  # type: ignore[misc]
        after.append(weights(running.networks[0]))
    assert torch.allclose(after[0], after[1])


def test_a_pool_taken_up_again_goes_on_as_it_was(setting: RunSetting, present: Any) -> None:
    running = Pool(size=3, max_age=4).begin(setting)
    for step in range(7):
        running.next(step, present)
    state, draws = running.state_dict(), setting.generator.get_state()
    copied = {
        k: v if isinstance(v, int) else [torch_copy(one) for one in v] for k, v in state.items()
    }
    wanted = [weights(running.next(step, present)) for step in range(7, 20)]
    again = Pool(size=3, max_age=4).begin(setting)
    again.load_state_dict(copied)
    setting.generator.set_state(draws)
    assert all(
        torch.equal(weights(again.next(step, present)), w)
        for step, w in zip(range(7, 20), wanted, strict=True)
    )


def torch_copy(value: Any) -> Any:
    """A deep copy of a state: tensors, lists, dicts and numbers."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: torch_copy(one) for key, one in value.items()}
    return [torch_copy(one) for one in value] if isinstance(value, list) else value


def test_the_estimate_counts_first_ages_and_steps() -> None:
    assert Pool().passes(100, 50, 5) == (100 + 450) * 50
    assert Pool(batch=20).passes(100, 50, 5) == (100 + 450) * 20


def test_no_network_is_nothing(setting: RunSetting, present: Any) -> None:
    running = NoNetwork().begin(setting)
    assert running.next(0, present) is None
    assert running.state_dict() == {}
