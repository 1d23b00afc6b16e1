"""Selections by score: each score against its definition written out with loops, the ranking, and
stop and resume.

The literal versions train their own networks with a plain loop of SGD, look at one image at a time
and share nothing with ours but the network's module and the order in which numbers are drawn.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.errors import Interrupted, UsageError
from condensers.registry.registry import create_condenser
from condensers.selections.scores import Forgetting, GraNd, norms_one_by_one, norms_together
from condensers.selections.scoring import ScoringLoop, rank_images
from condensers.sets.synthetic_set import Budget, SyntheticSet

NET = {"name": "convnet", "depth": 1, "width": 4}
BATCH = 16
SCORED = ("forgetting", "el2n", "grand", "margin")


@pytest.fixture
def noisy(make_data: Callable[..., ClassData]) -> ClassData:
    """Four of six classes, 9 images of each, so noisy that training forgets some."""
    return make_data((1, 8, 8), 6, 9, noise=0.6).restrict([0, 2, 3, 5])


def probabilities(network: nn.Module, data: ClassData, index: int) -> list[float]:
    with torch.no_grad():
        logits = network(data.normalise(data.images[index : index + 1]))[0].double().tolist()
    weights = [math.exp(z - max(logits)) for z in logits]
    return [w / sum(weights) for w in weights]


def literal_training(
    data: ClassData, epochs: int, generator: torch.Generator
) -> tuple[nn.Module, list[dict[int, bool]]]:
    """A network after SGD with momentum 0.9 and decay 5e-4, and for each epoch whether each image
    was right when it came.
    """
    network = networks.build(NET, data.shape, len(data.class_names), generator)
    parameters = list(network.parameters())
    speed = [torch.zeros_like(p) for p in parameters]
    record: list[dict[int, bool]] = []
    for _ in range(epochs):
        order = torch.randperm(len(data.images), generator=generator).tolist()
        record.append({})
        while order:
            batch, order = order[:BATCH], order[BATCH:]
            logits = network(data.normalise(data.images[batch]))
            losses = []
            for index, z in zip(batch, logits, strict=True):
                label = int(data.labels[index])
                record[-1][index] = int(z.argmax()) == label
                losses.append(torch.logsumexp(z, 0) - z[label])
            gradients = torch.autograd.grad(torch.stack(losses).mean(), parameters)
            with torch.no_grad():
                for p, v, g in zip(parameters, speed, gradients, strict=True):
                    v.mul_(0.9).add_(g + 5e-4 * p)
                    p.sub_(0.01 * v)
    return network.eval(), record


def our_scores(spec: dict[str, Any], data: ClassData, seed: int) -> Tensor:
    """The sum over networks that a run ends with."""
    context = Context(seed=seed)
    loop = ScoringLoop(create_condenser(spec), data, context)
    for index in range(loop.steps):
        loop.step(index)
    return loop.total


def literal_el2n(network: nn.Module, data: ClassData, index: int) -> float:
    p = probabilities(network, data, index)
    return math.sqrt(sum((q - (k == int(data.labels[index]))) ** 2 for k, q in enumerate(p)))


def literal_margin(network: nn.Module, data: ClassData, index: int) -> float:
    *_, second, first = sorted(probabilities(network, data, index))
    return -(first - second)


def literal_grand(network: nn.Module, data: ClassData, index: int) -> float:
    z = network(data.normalise(data.images[index : index + 1]))[0]
    loss = -torch.log(torch.exp(z[int(data.labels[index])]) / torch.exp(z).sum())
    return math.sqrt(
        sum(
            float((g.double() ** 2).sum())
            for g in torch.autograd.grad(loss, list(network.parameters()))
        )
    )


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize(
    ("name", "literal"),
    [("el2n", literal_el2n), ("margin", literal_margin), ("grand", literal_grand)],
    ids=SCORED[1:],
)
def test_a_score_is_its_definition(
    name: str, literal: Callable[[nn.Module, ClassData, int], float], epochs: int, noisy: ClassData
) -> None:
    spec = {"name": name, "epochs": epochs, "networks": 2, "batch": BATCH, "network": NET}
    generator = torch.Generator().manual_seed(5)
    wanted = [0.0] * len(noisy.images)
    for _ in range(2):
        network, _ = literal_training(noisy, epochs, generator)
        wanted = [total + literal(network, noisy, index) for index, total in enumerate(wanted)]
    assert our_scores(spec, noisy, 5).tolist() == pytest.approx(wanted, rel=1e-3)
    assert max(wanted) - min(wanted) > 0.01 * max(map(abs, wanted))


def test_forgetting_counts_what_was_right_and_then_wrong(noisy: ClassData) -> None:
    epochs = 12
    spec = {"name": "forgetting", "epochs": epochs, "batch": BATCH, "network": NET}
    _, record = literal_training(noisy, epochs, torch.Generator().manual_seed(5))
    events, wrong = {}, {}
    for index in range(len(noisy.images)):
        history = [epoch[index] for epoch in record]
        wrong[index] = history.count(False)
        events[index] = sum(before and not after for before, after in pairwise(history))
        if not any(history):
            events[index] = epochs
    ours = our_scores(spec, noisy, 5).tolist()
    assert [math.floor(score) for score in ours] == [events[index] for index in range(len(ours))]
    assert len(set(events.values())) > 2, "images differ in how often they are forgotten"
    by_hand = sorted(events, key=lambda i: (events[i], wrong[i]))
    assert [(events[i], wrong[i]) for i in sorted(events, key=lambda i: ours[i])] == [
        (events[i], wrong[i]) for i in by_hand
    ]


def test_forgetting_of_a_record_by_hand() -> None:
    """One image always right, one right-wrong-right-wrong, one learned at last, one never
    learned.
    """
    record = [
        [True, True, False, False],
        [True, False, False, False],
        [True, True, False, False],
        [True, False, True, False],
    ]
    method = Forgetting(epochs=4)
    memory, positions = method.memory(4), torch.arange(4)
    for right in record:
        for half in (positions[:2], positions[2:]):
            method.watch(memory, half, torch.tensor(right)[half])
    assert memory["forgotten"].tolist() == [0, 2, 0, 0]
    scores = method.scores(nn.Identity(), None, positions, memory)  # type: ignore[arg-type]
    assert scores.tolist() == [0, 2 + 2 / 5, 3 / 5, 4 + 4 / 5]


@pytest.mark.parametrize("norm", ["instance", "batch", "none", "layer"])
def test_gradient_norms_together_are_those_one_by_one(
    norm: str, colour32: ClassData, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = {"name": "convnet", "depth": 2, "width": 4, "norm": norm}
    network = networks.build(spec, (3, 32, 32), 3, torch.Generator().manual_seed(1)).eval()
    images, labels = colour32.normalise(colour32.images[:5]), colour32.labels[:5]
    one_by_one = norms_one_by_one(network, images, labels)
    assert torch.allclose(norms_together(network, images, labels), one_by_one, rtol=1e-4)
    monkeypatch.setattr(
        "condensers.selections.scores.NUMBERS_AT_ONCE",
        2 * sum(p.numel() for p in network.parameters()),
    )
    assert torch.allclose(norms_together(network, images, labels), one_by_one, rtol=1e-4)


@pytest.mark.parametrize("keep", ["hardest", "easiest"])
def test_the_set_holds_the_first_of_each_class(keep: str, noisy: ClassData) -> None:
    spec = {
        "name": "el2n",
        "epochs": 1,
        "networks": 1,
        "batch": BATCH,
        "network": NET,
        "keep": keep,
    }
    scores = our_scores(spec, noisy, 3)
    made = create_condenser(spec).condense(noisy, Budget(ipc=3), Context(seed=3))
    for label in noisy.classes:
        members = [i for i in range(len(noisy.images)) if int(noisy.labels[i]) == label]
        wanted = sorted(members, key=lambda i: float(scores[i]), reverse=keep == "hardest")[:3]
        assert made.card["indices"][noisy.class_names[label]] == wanted
    assert made.card["couples_classes"] is True
    assert made.card["hyperparameters"]["keep"] == keep


def test_equal_scores_are_ranked_by_the_seed_alone() -> None:
    scores = torch.tensor([1.0, 0, 1, 0, 2, 0])
    orders = [
        rank_images(scores, "hardest", torch.Generator().manual_seed(seed)).tolist()
        for seed in (0, 0, 1, 2, 3)
    ]
    assert orders[0] == orders[1]
    assert len({tuple(order) for order in orders}) > 1
    for order in orders:
        assert (order[0], set(order[1:3]), set(order[3:])) == (4, {0, 2}, {1, 3, 5})
    assert rank_images(scores, "easiest", torch.Generator()).tolist()[-1] == 4


@pytest.mark.parametrize("name", SCORED)
def test_a_data_set_of_one_class(name: str, make_data: Callable[..., ClassData]) -> None:
    data = make_data((1, 8, 8), 1, 5)
    made = create_condenser({"name": name, "epochs": 1, "networks": 1, "network": NET}).condense(
        data, Budget(ipc=5), Context()
    )
    assert sorted(made.card["indices"]["class 0"]) == list(range(5))


def test_scores_find_the_wrongly_labelled(make_data: Callable[..., ClassData]) -> None:
    """Two images of each class bear another's label: after some training they are the hardest."""
    data = make_data((1, 8, 8), 4, 30, noise=0.05)
    for index in range(8):
        data.labels[index] = (data.labels[index] + 1) % 4
    for name in ("el2n", "forgetting", "grand"):
        spec = {"name": name, "epochs": 6, "networks": 1, "batch": 8, "network": NET}
        made = create_condenser(spec).condense(data, Budget(ipc=2), Context(seed=1))
        assert sorted(i for of in made.card["indices"].values() for i in of) == list(range(8)), name


def stopping_after(steps: int, folder: Path) -> Context:
    done: list[Progress] = []
    return Context(
        seed=4,
        folder=folder,
        progress=done.append,
        stop=lambda: len(done) >= steps,
        checkpoint_seconds=1e9,
    )


@pytest.mark.parametrize("name", SCORED)
def test_stopped_anywhere_and_resumed_is_the_same_set(
    name: str, noisy: ClassData, file_bytes: Callable[[SyntheticSet], bytes], tmp_path: Path
) -> None:
    """Steps of a network: 2 x 3 of training, 3 of scoring.

    Stops: at once, in training, in scoring, between two networks.
    """
    condenser = create_condenser(
        {"name": name, "epochs": 2, "networks": 2, "batch": BATCH, "network": NET}
    )
    wanted = file_bytes(condenser.condense(noisy, Budget(ipc=2), Context(seed=4)))
    for stop in (0, 4, 7, 9, 11):
        folder = tmp_path / str(stop)
        with pytest.raises(Interrupted, match=f"{name}: stopped at step {stop} of 18"):
            condenser.condense(noisy, Budget(ipc=2), stopping_after(stop, folder))
        state = torch.load(folder / "checkpoint.pt", weights_only=True)
        torch.save(state | {"seconds": 500.0}, folder / "checkpoint.pt")
        resumed = condenser.condense(noisy, Budget(ipc=2), Context(seed=4, folder=folder))
        assert file_bytes(resumed) == wanted
        assert 500 < resumed.cost["seconds"] < 520, "what ran before the stop counts"
        assert not list(folder.iterdir())


def test_too_many_images_are_refused_before_anything_is_trained(noisy: ClassData) -> None:
    seen: list[Progress] = []
    with pytest.raises(
        UsageError, match=r"grand: ipc 10 is more than class 'class 0' .* take at most 9"
    ):
        GraNd(network=NET).condense(noisy, Budget(ipc=10), Context(progress=seen.append))
    assert not seen
