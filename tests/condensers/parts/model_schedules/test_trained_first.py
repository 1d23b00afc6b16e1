"""What is made of networks that are trained before the first step: ranges of their epochs, blended
weights, soft labels, starting images, terms; and which images they see in an epoch.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from condensers import networks
from condensers.composition.initialisation import starting_images
from condensers.data import ClassData
from condensers.engine.context import Context, derive_seed
from condensers.errors import UsageError
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.augmentations.dsa import NoAugmentation
from condensers.parts.curricula import ByDifficulty
from condensers.parts.expert_labels import ExpertLabels
from condensers.parts.model_schedules.blended import Blended
from condensers.parts.model_schedules.expert_trajectories import Experts
from condensers.parts.model_schedules.trained_paths import TrainedPaths
from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.classification import Calibration
from condensers.parts.setting import RunSetting
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget

SPEC = ConvNetSpec(depth=1, width=4)
EXPERTS = Experts(experts=2, epochs=4, expert_epochs=1, max_start=3, lr=0.1, batch=64)
CURRICULUM = ByDifficulty(first=0.5, all_at=2, drop_after=(2,), drop=(0.25,), epochs=1, batch=64)


def setting_of(data: ClassData, **lent: Any) -> RunSetting:
    return RunSetting(data, SPEC, NoAugmentation(), Context(**lent), ipc=2, per_class=2)


def never() -> tuple[Tensor, Tensor]:
    raise AssertionError("nobody looks at the set")


def trained_on(data: ClassData) -> tuple[RunSetting, TrainedPaths]:
    setting = setting_of(data)
    found = EXPERTS.train_first(setting)
    return replace(setting, trained=found), found


def test_segments_begin_in_a_range_that_grows(grey8: ClassData) -> None:
    setting, found = trained_on(grey8)
    part = replace(EXPERTS, min_start=1, first_max_start=2, growth=10)
    running, epochs = part.begin(setting), []
    for step in range(30):
        start = running.next(step, never).start
        epochs += [t for path in found.paths for t in range(5) if torch.equal(path[t], start)]
    assert set(epochs[:10]) == {1}
    assert set(epochs[10:]) == {1, 2}
    with pytest.raises(UsageError, match="take min_start below first_max_start"):
        replace(EXPERTS, min_start=2, first_max_start=2)


def test_labels_start_as_what_experts_say_that_are_right(grey8: ClassData) -> None:
    setting, found = trained_on(grey8)
    images = torch.randn(20, 1, 8, 8, generator=torch.Generator().manual_seed(2))
    images[:6] = grey8.normalise(grey8.images[grey8.members(0)[:6]])
    ours = ExpertLabels().start(setting, images)
    finished = []
    for index in range(2):
        network = networks.build(SPEC, grey8.shape, 10, torch.Generator())
        torch.nn.utils.vector_to_parameters(found.paths[index][-1].clone(), network.parameters())
        finished.append(network)
    lacking = 0
    for position, image in enumerate(images):
        label = position // 2
        said = [network(image[None])[0].detach() for network in finished]
        right = [one for one in said if int(one.argmax()) == label]
        if not right:
            lacking += 1
            mean = ((said[0] + said[1]) / 2).tolist()
            best = mean.index(max(mean))
            mean[best], mean[label] = mean[label], mean[best]
            right = [torch.tensor(mean)]
        assert torch.allclose(ours[position], sum(right) / len(right), atol=1e-5)
    assert 0 < lacking < 20
    decoded = ExpertLabels().decode(ours)
    assert torch.allclose(decoded.sum(1), torch.ones(20), atol=1e-5)
    assert decoded[1].argmax() == 0


def test_labels_cost_a_number_a_class(tiny: Callable[[str], dict[str, Any]]) -> None:
    assert ExpertLabels().nbytes(10, 3, 12) == 12 * 10 * 2
    assert ExpertLabels(storage="4-bit").nbytes(10, 3, 12) < 12 * 10 * 2


def test_starting_images_are_classified_correctly(grey8: ClassData) -> None:
    _, found = trained_on(grey8)
    network = found.finished(0)
    with torch.no_grad():
        right = network(grey8.normalise(grey8.images)).argmax(1) == grey8.labels
    draw = torch.Generator().manual_seed(1)
    images = starting_images(grey8, 4, "classified", draw, None, found)
    for position, image in enumerate(images):
        known = grey8.normalise(grey8.images[grey8.members(position // 4)])
        place = [i for i, one in enumerate(known) if torch.equal(one, image)]
        assert place, "it is a real image of its class"
        enough = int(right[grey8.members(position // 4)].sum()) >= 4
        assert not enough or bool(right[grey8.members(position // 4)[place[0]]])
    assert len(starting_images(grey8, 50, "classified", draw, None, found)) == 500
    with pytest.raises(UsageError, match="needs networks that are trained"):
        starting_images(grey8, 4, "classified", draw)


def test_blended_weights_are_between_the_first_and_the_last(grey8: ClassData) -> None:
    part = Blended(networks=2, epochs=2, batch=64)
    setting = setting_of(grey8)
    found = part.train_first(setting)
    assert [path.shape[0] for path in found.paths] == [2, 2]
    running, shares = part.begin(replace(setting, trained=found)), []
    for step in range(8):
        weights = torch.nn.utils.parameters_to_vector(running.next(step, never).parameters())
        ways = []
        for path in found.paths:
            line, point = path[0] - path[1], weights.detach() - path[1]
            share = float(point @ line / (line @ line))
            ways += [share] if torch.allclose(point, share * line, atol=1e-4) else []
        assert len(ways) == 1
        shares += ways
    assert 0 <= min(shares) < max(shares) < 1


def test_calibration_is_the_cross_entropy_of_a_finished_network(grey8: ClassData) -> None:
    setting, found = trained_on(grey8)
    pairs = [
        Pair(label, torch.empty(0), torch.randn(3, 1, 8, 8).requires_grad_()) for label in (1, 4)
    ]
    ours = Calibration().loss(torch.nn.Identity(), pairs, setting).item()
    possible = []
    for index in range(2):
        logits = [torch.log_softmax(found.finished(index)(pair.synthetic), 1) for pair in pairs]
        each = [-x[:, pair.label].mean() for x, pair in zip(logits, pairs, strict=True)]
        possible.append(sum(each).item())
    assert any(ours == pytest.approx(one, rel=1e-5) for one in possible)


def test_experts_see_images_by_their_difficulty(grey8: ClassData) -> None:
    setting = setting_of(grey8)
    part = replace(EXPERTS, experts=1, curriculum=CURRICULUM)
    path = part.train_first(setting).paths[0]
    order = CURRICULUM.prepare(grey8, SPEC, setting.context)
    images = grey8.normalise(grey8.images)
    draw = torch.Generator().manual_seed(derive_seed(0, "expert"))
    network = networks.build(SPEC, grey8.shape, 10, draw)
    shares = {0: (0.0, 0.5), 1: (0.0, 0.75), 2: (0.0, 1.0), 3: (0.25, 1.0)}
    for epoch, (low, high) in shares.items():
        seen = list(range(200))
        if epoch != 2:
            ranked = [[i for i in order.tolist() if grey8.labels[i] == c] for c in range(10)]
            seen = [i for own in ranked for i in own[int(low * 20) : int(high * 20)]]
        chosen = torch.tensor(seen)[torch.randperm(len(seen), generator=draw)]
        for part_of in chosen.split(64):
            loss = torch.nn.functional.cross_entropy(
                network(images[part_of]), grey8.labels[part_of]
            )
            gradients = torch.autograd.grad(loss, list(network.parameters()))
            with torch.no_grad():
                for weight, gradient in zip(network.parameters(), gradients, strict=True):
                    weight -= 0.1 * gradient
        flat = torch.cat([p.detach().flatten() for p in network.parameters()])
        assert torch.allclose(path[epoch + 1], flat, atol=1e-5)


def test_difficulty_is_kept_whatever_the_seed(grey8: ClassData, tmp_path: Any) -> None:
    first, again, alone = (
        CURRICULUM.prepare(grey8, SPEC, Context(seed=seed, cache=cache))
        for seed, cache in ((1, tmp_path), (2, tmp_path), (3, None))
    )
    assert torch.equal(first, again)
    assert torch.equal(first, alone)
    assert sorted(first.tolist()) == list(range(200))
    assert len(list((tmp_path / "difficulty").glob("*.pt"))) == 1
    with pytest.raises(UsageError, match="as many shares below 1"):
        ByDifficulty(drop=(0.1,))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {
                "name": "mtt",
                "init": "classified",
                "objective": "mean-embedding",
                "model_schedule": "fresh",
            },
            "init 'classified' needs networks .* and model schedule fresh trains none",
        ),
        ({"name": "dd", "labels": "experts", "init": "real"}, "label model experts"),
        ({"name": "dm", "regularisers": ["calibration"]}, "regulariser calibration"),
        ({"name": "dm", "labels": "ensemble"}, "label model ensemble"),
    ],
)
def test_what_needs_trained_networks_is_refused_without_them(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        create_condenser({"init": "real"} | settings)


def test_whatever_is_trained_first_may_name_the_images(grey8: ClassData) -> None:
    blended = {"name": "blended", "networks": 2, "epochs": 1, "batch": 64}
    labels = {"name": "ensemble", "storage": "float32"}
    method = create_condenser(
        {
            "name": "dm",
            "iterations": 1,
            "batch_real": 4,
            "network": {"name": "convnet", "depth": 1, "width": 4},
            "augmentation": "none",
            "labels": labels,
            "model_schedule": blended,
        }
    )
    images, soft = method.condense(grey8, Budget(ipc=1), Context()).decode()
    trained = method.built.model_schedule.train_first(setting_of(grey8))
    assert trained is not None
    with torch.no_grad():
        logits = [trained.finished(index)(images) for index in range(2)]
    assert torch.allclose(soft, torch.softmax((logits[0] + logits[1]) / 2, 1), atol=1e-6)
