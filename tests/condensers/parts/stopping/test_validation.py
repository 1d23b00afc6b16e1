"""Early stop: what is held out, when learning ends, and which set is stored."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import UsageError
from condensers.parts.stopping import Checks, Validation
from condensers.registry.registry import create_condenser
from condensers.sets.synthetic_set import Budget, SyntheticSet

STOP = {
    "name": "validation",
    "every": 2,
    "patience": 2,
    "images": 4,
    "steps": 4,
    "network": {"name": "mlp", "width": 8},
}


def condense(data: ClassData, seen: list[Progress] | None = None, **settings: Any) -> SyntheticSet:
    spec = {
        "name": "dm",
        "batch_real": 8,
        "network": {"name": "convnet", "depth": 2, "width": 8},
        "stop": STOP,
        **settings,
    }
    context = Context(seed=4, progress=(seen if seen is not None else []).append)
    made: SyntheticSet = create_condenser(spec).condense(data, Budget(ipc=2), context)
    return made


def scored(monkeypatch: pytest.MonkeyPatch, scores: list[float]) -> None:
    """Checks give these scores one after the other."""
    left = iter(scores)
    monkeypatch.setattr(Checks, "_score", lambda *_: next(left))


def test_what_is_held_out_is_no_more_learned_from(make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 3, 20)
    keep = torch.ones(60, dtype=torch.bool)
    keep[(data.labels == 1).nonzero().flatten()[1:]] = False
    keep[(data.labels == 2).nonzero().flatten()[5:]] = False
    data = data.subset(keep.nonzero().flatten())
    learned, held = Validation(images=4).split(data, torch.Generator().manual_seed(1))
    assert [learned.count(label) for label in (0, 1, 2)] == [16, 1, 3]
    assert held.classes == (0, 2)
    assert [held.count(label) for label in (0, 2)] == [4, 2]
    together = torch.cat([learned.images, held.images]).flatten(1)
    assert sorted(map(tuple, together.tolist())) == sorted(
        map(tuple, data.images.flatten(1).tolist())
    )


def test_one_image_a_class_cannot_be_divided(make_data: Callable[..., ClassData]) -> None:
    with pytest.raises(
        UsageError, match=r"no class of .* has two images, so none can be held out; take stop never"
    ):
        condense(make_data((1, 8, 8), 3, 1))


def test_it_stops_after_so_many_checks_without_a_better_score(
    grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored(monkeypatch, [50, 60, 60, 59, 99])
    seen: list[Progress] = []
    made = condense(grey8, seen, iterations=20)
    assert [event.done for event in seen if event.name == "dm"] == list(range(1, 9))
    assert made.card["stop"] == {"kept": 4, "scores": [50, 60, 60, 59]}


@pytest.mark.parametrize(("scores", "kept"), [([1, 3, 2], 4), ([3, 1, 2], 2), ([1, 2, 3], 5)])
def test_the_set_of_the_best_score_is_stored(
    scores: list[float], kept: int, grey8: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checks draw nothing from the run, so that a run of so many steps gives the same set; the last
    step is checked too.
    """
    images = []
    for iterations, stop in ((5, STOP | {"patience": 9}), (kept, STOP | {"every": 99})):
        scored(monkeypatch, scores)
        images.append(condense(grey8, iterations=iterations, stop=stop).tensors["images"])
    assert torch.equal(*images)


def test_a_check_scores_the_set_as_it_is_stored(grey8: ClassData) -> None:
    """The same score again from the finished set's own bytes."""
    from condensers import networks
    from condensers.engine.context import derive_seed
    from condensers.training.classifier import Training, accuracy, train

    rule = Validation(images=10, steps=60, batch=8, lr=0.1)
    made = condense(grey8, iterations=3, stop=rule)
    _, held = rule.split(grey8, Context(seed=4).fork("stop").generator)
    context = Context(derive_seed(4, "validation"))
    network = networks.build(rule.network, grey8.shape, 10, context.generator)
    images, labels = made.decode()
    train(
        network,
        images,
        labels,
        Training(steps=60, batch=8, lr=0.1, augmentation="dsa"),
        grey8,
        context,
        "check",
    )
    assert made.card["stop"] == {"kept": 3, "scores": [accuracy(network, held)]}
    assert accuracy(network, held) > 30


@pytest.mark.parametrize("method", ["frepo", "dd", "dsa"])
def test_any_method_takes_it(method: str, grey8: ClassData, tiny: Callable[..., Any]) -> None:
    spec = tiny(method) | {"iterations": 3, "stop": STOP | {"every": 1}}
    made = create_condenser(spec).condense(grey8, Budget(ipc=2), Context())
    assert 1 <= made.card["stop"]["kept"] <= 6
    assert all(0 <= score <= 100 for score in made.card["stop"]["scores"])


def test_never_holds_nothing_out_and_says_nothing(grey8: ClassData) -> None:
    assert "stop" not in condense(grey8, iterations=1, stop="never").card
    assert create_condenser({"name": "dm", "stop": STOP}).couples_classes
    assert not create_condenser({"name": "dm"}).couples_classes


def test_the_estimate_counts_checks(grey8: ClassData) -> None:
    spec = {"name": "dm", "iterations": 6, "stop": STOP}
    (_, _), (network, passes) = create_condenser(spec).image_passes(grey8, 2)
    assert network == create_condenser(spec).stop.network
    assert passes == pytest.approx(3 * (4 * 20 + 10 * 4 / 3))
