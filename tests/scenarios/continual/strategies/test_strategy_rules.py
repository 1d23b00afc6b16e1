"""The mathematics of each strategy, against what is written out by hand."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from condensers.data import ClassData
from condensers.networks import build
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import memory_loss
from scenarios.continual.memory.exemplars import MemoryBatch
from scenarios.continual.memory.replay import CondensedReplay
from scenarios.continual.plugins.losses import AsymmetricLoss, StoredLogitsLoss, present_class_loss
from scenarios.continual.plugins.retrieval import MostInterfered, loss_increase
from scenarios.continual.strategies.replay import NearestMean


def of_seed(seed):
    return torch.Generator().manual_seed(seed)


def drawn_of(x, y, index=None, targets=None, scores=False):
    return MemoryBatch(
        x, y, targets, scores, torch.zeros_like(y), torch.arange(len(y)) if index is None else index
    )


def filled(memory_of, splits, classes=(0, 1, 2, 3)):
    memory = CondensedMemory(memory_of(splits.train, 3))
    memory.admit(classes)
    return memory


def test_asymmetric_cross_entropy_leaves_absent_classes_out():
    logits = torch.tensor([[1.0, 2.0, 9.0, 0.5], [0.0, -1.0, 7.0, 3.0]], requires_grad=True)
    y = torch.tensor([0, 3])
    first = -math.log(math.exp(1.0) / (math.exp(1.0) + math.exp(0.5)))
    second = -math.log(math.exp(3.0) / (math.exp(0.0) + math.exp(3.0)))
    loss = present_class_loss(logits, y)
    assert loss.item() == pytest.approx((first + second) / 2, rel=1e-6)
    loss.backward()
    assert logits.grad[:, [1, 2]].abs().sum() == 0 and bool((logits.grad[:, [0, 3]] != 0).all())


@pytest.mark.parametrize("kind", ["hard", "soft", "scores"])
def test_asymmetric_loss_adds_the_memory_over_all_classes(kind):
    logits, y, classes = (
        torch.randn(5, 4, generator=of_seed(0)),
        torch.tensor([0, 3]),
        torch.tensor([1, 2, 1]),
    )
    targets = None if kind == "hard" else torch.rand(3, 4, generator=of_seed(1)).softmax(1)
    drawn = drawn_of(torch.zeros(3, 1, 2, 2), classes, targets=targets, scores=kind == "scores")
    logs, hard = logits[2:].log_softmax(1), torch.eye(4)[classes]
    by_hand = {
        "hard": -(hard * logs).sum(1),
        "soft": None if targets is None else -(targets * logs).sum(1),
    }
    by_hand["scores"] = None if targets is None else 0.5 * ((logits[2:] - targets) ** 2).sum(1)
    expected = present_class_loss(logits[:2], y) + by_hand[kind].mean()
    torch.testing.assert_close(AsymmetricLoss().loss(logits, y, drawn), expected)


def test_dark_experience_is_the_distance_to_the_logits_of_the_drawn_images():
    logits, y, index = (
        torch.randn(5, 4, generator=of_seed(0)),
        torch.tensor([0, 3]),
        torch.tensor([4, 0, 2]),
    )
    drawn = drawn_of(torch.zeros(3, 1, 2, 2), torch.tensor([1, 2, 1]), index)
    kept = torch.randn(6, 4, generator=of_seed(1))
    stream = -logits[:2].log_softmax(1)[[0, 1], y].mean()
    squared = (
        sum(float((logits[2 + i, k] - kept[index[i], k]) ** 2) for i in range(3) for k in range(4))
        / 12
    )
    labelled = -logits[2:].log_softmax(1)[[0, 1, 2], drawn.y].mean()
    for beta in (0.0, 0.7):
        rule = StoredLogitsLoss(0.3, beta)
        rule.logits = kept
        assert rule.loss(logits, y, drawn).item() == pytest.approx(
            float(stream + 0.3 * squared + beta * labelled), rel=1e-5
        )


def test_logits_of_images_that_stay_are_kept_and_changed_ones_made_anew(memory_of, splits):
    memory, rule = filled(memory_of, splits), StoredLogitsLoss(1.0)
    network = build("mlp", splits.train.shape, 10, of_seed(0))
    network.train()
    rule.update(network, memory)
    first = rule.logits.clone()
    torch.testing.assert_close(first, network.eval()(memory.exemplars().images).detach())
    other = build("mlp", splits.train.shape, 10, of_seed(1))
    memory.admit((4, 5))
    rule.update(other, memory)
    assert torch.equal(rule.logits[:12], first) and rule.extra_bytes == {"logits": 18 * 10 * 4}
    torch.testing.assert_close(
        rule.logits[12:], other.eval()(memory.exemplars().images[12:]).detach()
    )
    memory.unchanged_count = 0
    rule.update(other, memory)
    assert not torch.allclose(rule.logits[:12], first)


def test_every_change_of_a_memory_is_told_once(memory_of, splits):
    memory, told = filled(memory_of, splits), []
    rule = SimpleNamespace(
        update=lambda network, memory: told.append(memory.image_count), loss=None
    )
    plugin = CondensedReplay(memory, 4, loss=rule, generator=of_seed(0))
    batch = [torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)]
    for _ in range(2):
        plugin.before_training_iteration(SimpleNamespace(mbatch=list(batch), model=nn.Identity()))
    assert told == [12]
    memory.admit((7,))
    plugin.before_training_iteration(SimpleNamespace(mbatch=list(batch), model=nn.Identity()))
    assert told == [12, 15]


@pytest.mark.parametrize("network", ["mlp", "resnet18"])
def test_rise_is_that_of_a_step_on_a_copy_and_leaves_the_network_alone(network, memory_of, splits):
    made = build(
        {"name": network, "width": 4, "norm": "batch"} if network == "resnet18" else network,
        splits.train.shape,
        10,
        of_seed(0),
    ).train()
    memory = filled(memory_of, splits)
    drawn, some = memory.draw(6, of_seed(1)), splits.train.restrict((4, 5))
    x, y = some.normalise(some.images[::6]), some.labels[::6]
    before = {name: w.clone() for name, w in made.state_dict().items()}
    found = loss_increase(made, x, y, 0.1, drawn)
    assert all(torch.equal(w, before[name]) for name, w in made.state_dict().items())
    assert all(p.grad is None for p in made.parameters())
    losses = [nn.functional.cross_entropy(made(drawn.x), drawn.y, reduction="none")]
    optimiser = torch.optim.SGD(made.parameters(), lr=0.1)
    nn.functional.cross_entropy(made(x), y).backward()
    optimiser.step()
    losses.append(nn.functional.cross_entropy(made(drawn.x), drawn.y, reduction="none"))
    torch.testing.assert_close(found, (losses[1] - losses[0]).detach(), atol=1e-4, rtol=1e-4)


def test_most_interfered_images_are_those_whose_loss_rises_most(memory_of, splits):
    network, memory = build("mlp", splits.train.shape, 10, of_seed(0)), filled(memory_of, splits)
    some = splits.train.restrict((4, 5))
    x, y = some.normalise(some.images[::6]), some.labels[::6]
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    strategy = SimpleNamespace(
        mbatch=[x, y], model=network, optimizer=optimiser, _criterion=nn.CrossEntropyLoss()
    )
    rises = loss_increase(network, x, y, 0.1, memory.select(torch.arange(memory.image_count)))
    chosen = MostInterfered(100).choose(strategy, memory, 4, of_seed(2))
    assert set(chosen.index.tolist()) == set(rises.topk(4).indices.tolist())
    # Where no choice can be made, all are drawn, over and over.
    counts = (
        MostInterfered(100).choose(strategy, memory, 20, of_seed(2)).index.bincount(minlength=12)
    )
    assert sorted(counts.tolist()) == [1] * 4 + [2] * 8


class Still(nn.Module):
    """Images are their own features; the logits always name class 3."""

    def embed(self, x):
        return x.flatten(1)

    def forward(self, x):
        return torch.eye(4)[3].repeat(len(x), 1)


def test_nearest_mean_tells_separated_clusters_apart():
    images = torch.zeros(8, 1, 2, 2, dtype=torch.uint8)
    labels = torch.arange(4).repeat_interleave(2)
    for image, label in zip(images, labels.tolist(), strict=True):
        image[0, label // 2, label % 2] = 200
    test = ClassData("clusters", images, labels, tuple("abcd"), (0.0,), (1.0,), mirror=False)
    which = torch.tensor([0, 0, 1, 2])
    held = SimpleNamespace(
        images=test.normalise(images[[0, 1, 2, 4]])
        * torch.tensor([1.0, 5.0, 9.0, 0.1]).view(4, 1, 1, 1),
        labels=which,
    )
    memory = SimpleNamespace(image_count=4, exemplars=lambda: held)
    assert NearestMean().predict(Still(), test, memory)[:6].tolist() == [0, 0, 1, 1, 2, 2]
    assert NearestMean().predict(Still(), test, SimpleNamespace(image_count=0)).tolist() == [3] * 8


def test_memory_loss_is_the_mean_over_images():
    logits, y = torch.randn(3, 4, generator=of_seed(0)), torch.tensor([1, 2, 0])
    expected = nn.functional.cross_entropy(logits, y)
    torch.testing.assert_close(memory_loss(logits, drawn_of(torch.zeros(3, 1, 2, 2), y)), expected)
