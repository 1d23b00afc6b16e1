"""CondensedReplay in a plain Avalanche script: soft labels, streams of two forms, what it refuses,
and states of a memory.
"""

from dataclasses import replace

import pytest
import torch
from avalanche.benchmarks import benchmark_from_datasets, nc_benchmark, with_classes_timeline
from avalanche.core import SupervisedPlugin
from avalanche.models import SimpleMLP
from avalanche.training.supervised import Naive
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from scenarios.continual.items import as_dataset
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.replay import CondensedReplay
from scenarios.continual.stream import make_benchmark

PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]


def with_labels(made, tensor, recipe):
    return replace(
        made, tensors={**made.tensors, "labels": tensor}, card={**made.card, "recipe": recipe}
    )


def soft(made):
    return with_labels(made, torch.eye(10).repeat_interleave(made.ipc, 0) * 0.9 + 0.01, {})


def scores(made):
    return with_labels(
        made, torch.eye(10).repeat_interleave(made.ipc, 0) * 3 - 0.3, {"labels": "scores"}
    )


def pairs(splits):
    return make_benchmark(splits.train, splits.test, PAIRS).train_stream


def triples(splits):
    train, test = (
        TensorDataset(splits.train.normalise(p.images), p.labels)
        for p in (splits.train, splits.test)
    )
    return nc_benchmark(
        train, test, n_experiences=5, task_labels=False, fixed_class_order=list(range(10))
    ).train_stream


class Check(SupervisedPlugin):
    """Notes each minibatch as it is learned: experience, x, labels, logits and loss."""

    def __init__(self):
        super().__init__()
        self.learned = []

    def before_backward(self, strategy, **_):
        batch = strategy.mbatch
        loss, logits = strategy.loss.item(), strategy.mb_output.detach().clone()
        self.learned.append((strategy.clock.train_exp_counter, batch[0], batch[1], logits, loss))


def learn(stream, memory):
    check = Check()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SimpleMLP(input_size=64, num_classes=10, hidden_size=16)
        replay = CondensedReplay(memory, 8, generator=torch.Generator().manual_seed(1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        strategy = Naive(
            model=model,
            optimizer=optimizer,
            train_mb_size=16,
            plugins=[replay, check],
            evaluator=None,
        )
        for experience in stream:
            strategy.train(experience)
    return check.learned


@pytest.mark.parametrize("form", [pairs, triples])
@pytest.mark.parametrize(
    "labelled", [soft, scores, lambda made: made], ids=["soft", "scores", "hard"]
)
def test_the_loss_of_the_memory_is_that_of_its_labels(splits, memory_of, form, labelled):
    memory = CondensedMemory(labelled(memory_of(splits.train, 2)))
    learned = learn(form(splits), memory)
    held = memory.exemplars()
    where = {image.numpy().tobytes(): i for i, image in enumerate(held.images)}
    assert [len(x) for _, x, *_ in learned] == [16] * 3 + [24] * 12
    for t, x, y, logits, loss in learned:
        index = [where[image.numpy().tobytes()] for image in x[16:]]
        assert y.dtype == torch.int64 and y.tolist()[16:] == held.labels[index].tolist()
        assert set(y[:16].tolist()) <= set(PAIRS[t]) and all(c < 2 * t for c in y[16:].tolist())
        wanted = 16 * cross_entropy(logits[:16], y[:16])
        if labelled is scores:
            wanted += (
                8 * 0.5 * (logits[16:] - held.targets[index]).square().sum(1).mean() if index else 0
            )
        elif index:
            wanted += 8 * cross_entropy(
                logits[16:], y[16:] if held.targets is None else held.targets[index]
            )
        assert loss == pytest.approx((wanted / len(x)).item(), rel=1e-5)
    assert memory.seen_classes == tuple(range(10))


def test_both_forms_of_a_stream_teach_the_same(splits, memory_of):
    memories = [CondensedMemory(soft(memory_of(splits.train, 2))) for _ in range(2)]
    one, other = (
        learn(form(splits), memory) for form, memory in zip((pairs, triples), memories, strict=True)
    )
    assert [loss for *_, loss in one] == pytest.approx([loss for *_, loss in other], rel=1e-5)


def test_soft_labels_are_refused_by_avalanches_own_plugins_in_one_sentence(splits, memory_of):
    memory = CondensedMemory(soft(memory_of(splits.train, 2)))
    memory.admit((0, 1))
    with pytest.raises(UsageError, match="use the plugin CondensedReplay") as caught:
        len(memory.buffer)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data.images, "images as torch.uint8"),
        (lambda data: data.images.float() / 255, "normalise the stream"),
        (lambda data: data.normalise(data.images)[:, :, :4], r"images are \(1, 4, 8\)"),
    ],
    ids=["uint8", "range", "shape"],
)
def test_a_stream_that_does_not_fit_is_refused_before_anything_is_learned(
    splits, memory_of, change, sentence
):
    stream = with_classes_timeline(
        benchmark_from_datasets(train=[as_dataset(change(splits.train), splits.train.labels)])
    )
    memory = CondensedMemory(soft(memory_of(splits.train, 2)))
    with pytest.raises(UsageError, match=sentence) as caught:
        learn(stream.train_stream, memory)
    assert "\n" not in str(caught.value)
    assert memory.image_count == 0


@pytest.mark.parametrize("source", ["offline", "anew"])
def test_a_memory_restored_is_the_memory_kept(splits, memory_of, source):
    made = soft(memory_of(splits.train, 2))

    def fresh():
        given = (
            made
            if source == "offline"
            else lambda classes: memory_of(splits.train.restrict(classes), 2)
        )
        return CondensedMemory(given, 20)

    memory, restored = fresh(), fresh()
    for part in ((4, 1), (0,), (9, 3, 7)):
        memory.admit(part, task=part[0])
    restored.load_state_dict(memory.state_dict())
    assert (restored.seen_classes, restored.image_count, restored.nbytes) == (
        memory.seen_classes,
        12,
        memory.nbytes,
    )
    for of in (None, 0, 1, 2):
        one, other = (m.draw(7, torch.Generator().manual_seed(3), of) for m in (memory, restored))
        for name in ("x", "y", "tasks", "index"):
            assert torch.equal(getattr(one, name), getattr(other, name)), name
        assert (one.targets is None) == (source == "anew") and (
            one.targets is None or torch.equal(one.targets, other.targets)
        )
    for kept in (memory, restored):
        kept.admit((2,))
    assert torch.equal(memory.exemplars().images, restored.exemplars().images)


def test_the_state_of_a_memory_that_holds_nothing(splits, memory_of):
    memory = CondensedMemory(memory_of(splits.train, 1))
    memory.load_state_dict(CondensedMemory(memory_of(splits.train, 1)).state_dict())
    assert (memory.image_count, memory.seen_classes) == (0, ())


def test_draws_come_without_replacement_until_all_were_drawn(splits, memory_of):
    memory = CondensedMemory(memory_of(splits.train, 2))
    memory.admit((0, 1))
    memory.admit((5,))
    index = memory.draw(15, torch.Generator().manual_seed(0)).index
    assert sorted(index[:6].tolist()) == sorted(index[6:12].tolist()) == list(range(6))
    assert len(set(index[12:].tolist())) == 3
    assert set(memory.draw(3, torch.Generator().manual_seed(0), experience=1).y.tolist()) == {5}
