"""Streams that number classes in their own way: the memory speaks of the stream's ids, and refuses
what it cannot tell.
"""

from dataclasses import replace

import pytest
import torch
from avalanche.benchmarks import (
    benchmark_from_datasets,
    class_incremental_benchmark,
    nc_benchmark,
    ni_benchmark,
    with_classes_timeline,
)
from avalanche.benchmarks.scenarios.online import split_online_stream
from avalanche.benchmarks.utils import as_classification_dataset
from avalanche.core import SupervisedPlugin
from avalanche.models import SimpleMLP
from avalanche.training.plugins import ReplayPlugin
from avalanche.training.supervised import Naive
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from scenarios.continual.items import TensorItems, as_dataset
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.exemplars import Exemplars
from scenarios.continual.memory.replay import CondensedReplay
from scenarios.continual.memory.stream_fit import require_likeness

ORDER = [7, 3, 9, 1, 0, 2, 4, 5, 6, 8]
SHUFFLED = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]


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


def pair(splits):
    return splits.train.normalise(splits.train.images), splits.train.labels


def numbered(splits, order=ORDER, **how):
    data = TensorDataset(*pair(splits))
    return nc_benchmark(
        data, data, len(order) // 2, **{"task_labels": False, "fixed_class_order": order, **how}
    )


def by_hand(splits, named):
    """Experiences of two classes in ORDER; `named(t, c)` is what experience t calls class c."""
    x, y = pair(splits)
    sets = []
    for t in range(5):
        mine = torch.isin(y, torch.tensor(ORDER[2 * t : 2 * t + 2]))
        sets.append(as_dataset(x[mine], torch.tensor([named(t, c) for c in y[mine].tolist()])))
    return with_classes_timeline(benchmark_from_datasets(train=sets)).train_stream


class Joined(SupervisedPlugin):
    """Notes what joined each minibatch: experience, images, labels and task labels of the
    memory.
    """

    def __init__(self, replay):
        super().__init__()
        self.replay, self.seen = replay, []

    def before_forward(self, strategy, **_):
        x, y, *t = (part[self.replay.stream :] for part in strategy.mbatch)
        self.seen.append((strategy.clock.train_exp_counter, x, y, t[0] if t else None))


def learn(stream, memory, plugin=None):
    replay = plugin or CondensedReplay(memory, 8, generator=torch.Generator().manual_seed(1))
    joined = Joined(replay)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SimpleMLP(input_size=64, num_classes=10, hidden_size=8)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
        plugins = [replay] if plugin else [replay, joined]
        strategy = Naive(
            model=model, optimizer=optimizer, train_mb_size=24, plugins=plugins, evaluator=None
        )
        for experience in stream:
            strategy.train(experience)
    return joined.seen


def class_of(made):
    """The set's class of each of its images, by its bytes."""
    images, labels = made.decode()
    return {
        image.numpy().tobytes(): int(label) for image, label in zip(images, labels, strict=True)
    }


HOW = {
    "as they are": {},
    "from zero from the first": {"class_ids_from_zero_from_first_exp": True},
    "from zero in each": {"class_ids_from_zero_in_each_exp": True},
    "from zero in each task": {"class_ids_from_zero_in_each_exp": True, "task_labels": True},
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_an_image_of_the_memory_is_called_what_the_stream_calls_its_class(splits, memory_of, how):
    made = memory_of(splits.train, 3)
    stream, of = numbered(splits, **how), class_of(made)
    memory = CondensedMemory(made)
    joined = [(t, x, y, task) for t, x, y, task in learn(stream.train_stream, memory) if len(x)]
    assert {t for t, *_ in joined} == {1, 2, 3, 4}
    for t, x, y, tasks in joined:
        classes = [of[image.numpy().tobytes()] for image in x]
        assert set(classes) <= set(ORDER[: 2 * t])
        assert y.tolist() == [stream.class_mapping[c] for c in classes]
        came = [ORDER.index(c) // 2 if how.get("task_labels") else 0 for c in classes]
        assert tasks.tolist() == came
    assert memory.seen_classes == tuple(
        c for t in range(5) for c in sorted(ORDER[2 * t : 2 * t + 2])
    )


def test_avalanches_own_replay_is_given_the_ids_of_the_stream(splits, memory_of):
    stream = numbered(splits, ORDER[:6], class_ids_from_zero_from_first_exp=True).train_stream
    memory = CondensedMemory(memory_of(splits.train, 2))
    learn(stream, memory, ReplayPlugin(mem_size=20, batch_size_mem=8, storage_policy=memory))
    assert sorted(memory.buffer.targets) == sorted(2 * list(range(6)))
    of = class_of(memory_of(splits.train, 2))
    assert all(ORDER.index(of[x.numpy().tobytes()]) == y for x, y, _ in memory.buffer)


def test_an_online_stream_cut_from_a_renumbered_one_is_that_one(splits, memory_of):
    stream = split_online_stream(
        numbered(splits, class_ids_from_zero_from_first_exp=True).train_stream, 24, seed=0
    )
    made = memory_of(splits.train, 2)
    memory, of = CondensedMemory(made), class_of(made)
    for _, x, y, _ in learn(stream, memory):
        assert y.tolist() == [ORDER.index(of[image.numpy().tobytes()]) for image in x]
    assert set(memory.seen_classes) == set(range(10))


def test_soft_labels_are_numbered_as_the_stream_is(splits, memory_of):
    made = soft(memory_of(splits.train, 2))
    for how, shown in ((HOW["from zero from the first"], 10), (HOW["from zero in each task"], 2)):
        stream, memory = numbered(splits, **how).train_stream, CondensedMemory(made)
        for t in range(5):
            memory.post_adapt(None, stream[t])
        held = memory.exemplars()
        assert held.targets.shape == (20, shown) and torch.equal(
            held.targets.argmax(1), held.labels
        )
        torch.testing.assert_close(held.targets.sum(1), torch.ones(20))
    expected = torch.tensor([0.91, 0.01]) / 0.92
    assert all(torch.allclose(row.sort(descending=True).values, expected) for row in held.targets)


def test_soft_labels_of_a_stream_of_some_classes_speak_of_these(splits, memory_of):
    stream = numbered(splits, ORDER[:4], class_ids_from_zero_from_first_exp=True).train_stream
    memory = CondensedMemory(soft(memory_of(splits.train, 1)))
    for experience in stream:
        memory.post_adapt(None, experience)
    assert memory.seen_classes == (3, 7, 1, 9)
    torch.testing.assert_close(
        memory.exemplars().targets, (0.9 * torch.eye(4)[[1, 0, 3, 2]] + 0.01) / 0.94
    )


def test_scores_have_no_place_in_a_stream_of_several_tasks(splits, memory_of):
    memory = CondensedMemory(scores(memory_of(splits.train, 1)))
    with pytest.raises(UsageError, match="several tasks"):
        memory.post_adapt(None, numbered(splits, **HOW["from zero in each task"]).train_stream[0])


def test_a_callable_is_asked_for_classes_and_not_for_ids(splits, memory_of):
    asked = []

    def condense(classes):
        asked.append(classes)
        return memory_of(splits.train.restrict(classes), 2)

    memory = CondensedMemory(condense, 20)
    learn(numbered(splits, class_ids_from_zero_from_first_exp=True).train_stream, memory)
    assert asked == [(3, 7), (1, 9), (0, 2), (4, 5), (6, 8)]
    assert memory.exemplars().labels.tolist() == [
        ORDER.index(c) for pair in asked for c in pair for _ in range(2)
    ]


def shuffled(t, c):
    return SHUFFLED[c]


def from_zero(t, c):
    return ORDER.index(c) % 2


TABLES = {
    "shuffled": (shuffled, {y: c for c, y in enumerate(SHUFFLED)}),
    "from zero in each": (from_zero, [{0: ORDER[2 * t], 1: ORDER[2 * t + 1]} for t in range(5)]),
}


@pytest.mark.parametrize(("named", "table"), TABLES.values(), ids=TABLES)
def test_a_stream_made_by_hand_is_refused_unless_its_ids_are_explained(
    splits, memory_of, named, table
):
    made, stream = memory_of(splits.train, 3), by_hand(splits, named)
    memory = CondensedMemory(made)
    with pytest.raises(
        UsageError, match=r"images that the stream calls .* look like the set's class .*class_ids="
    ) as caught:
        learn(stream, memory)
    assert "\n" not in str(caught.value) and memory.image_count == 0
    memory, of = CondensedMemory(made, class_ids=table), class_of(made)
    for _, x, y, _ in learn(stream, memory):
        classes = [of[image.numpy().tobytes()] for image in x]
        assert y.tolist() == [named(ORDER.index(c) // 2, c) for c in classes]
    assert set(memory.seen_classes) == set(range(10))


def test_classes_of_a_domain_to_come_are_not_in_memory(splits, memory_of):
    train = splits.train
    both, names = torch.cat([train.images, 255 - train.images]), tuple("abcdefghijABCDEFGHIJ")
    domains = replace(
        train,
        images=both,
        labels=torch.cat([train.labels, train.labels + 10]),
        class_names=names,
        classes=(),
    )
    made = memory_of(domains, 2)
    x, y = domains.normalise(both), train.labels
    parts = [as_dataset(x[: len(y)], y), as_dataset(x[len(y) :], y)]
    stream = with_classes_timeline(benchmark_from_datasets(train=parts)).train_stream
    with pytest.raises(UsageError, match="look like the set's class"):
        learn(stream, CondensedMemory(made))
    memory, of = (
        CondensedMemory(made, class_ids=[{c: c + 10 * t for c in range(10)} for t in range(2)]),
        class_of(made),
    )
    assert {
        of[image.numpy().tobytes()] for t, x, *_ in learn(stream, memory) for image in x
    } <= set(range(10))
    assert memory.seen_classes == tuple(range(20)) and memory.exemplars().labels.tolist() == 2 * [
        c for c in range(10) for _ in range(2)
    ]


def test_ids_that_are_the_classes_need_no_explanation(splits, memory_of):
    x, y = pair(splits)
    whole = {"train": as_dataset(x, y), "test": as_dataset(x, y)}
    streams = {
        "by hand": by_hand(splits, lambda t, c: c),
        "class-incremental": (
            class_incremental_benchmark(whole, num_experiences=5, class_order=ORDER).train_stream
        ),
        "new instances": (
            ni_benchmark(TensorDataset(x, y), TensorDataset(x, y), 3, seed=1).train_stream
        ),
    }
    for name, stream in streams.items():
        memory = CondensedMemory(memory_of(splits.train, 3))
        learn(stream, memory)
        assert set(memory.seen_classes) == set(range(10)), name


def test_labels_shuffled_before_the_benchmark_are_seen_in_spite_of_its_mapping(splits, memory_of):
    x, y = pair(splits)
    data, swapped = (
        TensorDataset(x, torch.tensor(named)[y])
        for named in (SHUFFLED, [0, 1, 2, 7, 4, 5, 6, 3, 8, 9])
    )
    for stream in (
        nc_benchmark(
            data, data, 2, task_labels=False, fixed_class_order=list(range(10))
        ).train_stream,
        nc_benchmark(
            swapped, swapped, 1, task_labels=False, fixed_class_order=list(range(10))
        ).train_stream,
        ni_benchmark(data, data, 2, seed=0).train_stream,
    ):
        with pytest.raises(UsageError, match="look like the set's class"):
            learn(stream, CondensedMemory(memory_of(splits.train, 3)))


def test_a_class_that_looks_like_another_is_no_wrong_number_where_that_one_does_too():
    """Learned shirts look like no shirts; real shirts are then nearest to the set's coats."""
    draw = torch.Generator().manual_seed(0)
    shapes = torch.randn(3, 1, 8, 8, generator=draw)
    known = Exemplars(shapes, torch.arange(3))
    near = shapes + 0.3 * torch.randn(32, 3, 1, 8, 8, generator=draw)
    coats, same = near[:, 1], {0: 0, 1: 1, 2: 2}
    ids = [0] * 32 + [1] * 32 + [2] * 32
    require_likeness(torch.cat([near[:, 0], coats, coats]), ids, same, known, "assumed")
    for shuffled in ([near[:, 0], near[:, 2], coats], [coats, near[:, 2], near[:, 0]]):
        with pytest.raises(UsageError, match="look like the set's class"):
            require_likeness(torch.cat(shuffled), ids, same, known, "assumed")


def test_images_that_do_not_tell_are_refused_where_nothing_else_does(splits, memory_of):
    x, y = pair(splits)
    noise = torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) * 3.5 - 1
    made = memory_of(splits.train, 3)
    with pytest.raises(
        UsageError, match="carries no class mapping, and its images do not tell"
    ) as caught:
        learn(
            with_classes_timeline(
                benchmark_from_datasets(train=[as_dataset(noise, y)])
            ).train_stream,
            CondensedMemory(made),
        )
    assert "\n" not in str(caught.value)
    data = TensorDataset(noise, y)
    stream = nc_benchmark(
        data, data, 2, task_labels=False, fixed_class_order=list(range(10))
    ).train_stream
    CondensedMemory(made).post_adapt(None, stream[0])  # its benchmark says which classes they are


def test_labels_that_a_transform_changes_are_refused(splits, memory_of):
    groups = {"train": (None, lambda y: SHUFFLED[y]), "eval": (None, None)}
    data = as_classification_dataset(TensorItems(*pair(splits)), transform_groups=groups)
    stream = with_classes_timeline(benchmark_from_datasets(train=[data])).train_stream
    with pytest.raises(UsageError, match="not by a transform of the target"):
        learn(stream, CondensedMemory(memory_of(splits.train, 3)))


def test_looking_at_a_stream_draws_nothing(splits, memory_of):
    x, y = pair(splits)
    data = as_dataset(x, y, None, lambda image: image + 0.01 * torch.randn(image.shape))
    memory = CondensedMemory(memory_of(splits.train, 3))
    before = torch.get_rng_state()
    memory.require_fit(with_classes_timeline(benchmark_from_datasets(train=[data])).train_stream[0])
    assert torch.equal(torch.get_rng_state(), before)


FAULTS = {
    "unknown class": ({0: 10}, "class 10, which the set does not have"),
    "twice": ({0: 3, 1: 3}, "both 0 and 1"),
    "not named": ({0: 3}, "id 1, which class_ids does not name"),
    "too short": ([], "a list for 0 experiences"),
}


@pytest.mark.parametrize(("table", "sentence"), FAULTS.values(), ids=FAULTS)
def test_a_table_of_ids_that_does_not_fit_is_refused(splits, memory_of, table, sentence):
    with pytest.raises(UsageError, match=sentence) as caught:
        learn(
            by_hand(splits, from_zero), CondensedMemory(memory_of(splits.train, 3), class_ids=table)
        )
    assert "\n" not in str(caught.value)


def test_a_memory_of_a_renumbered_stream_is_restored(splits, memory_of):
    made = soft(memory_of(splits.train, 2))
    memory, restored = CondensedMemory(made), CondensedMemory(made)
    for experience in numbered(splits, **HOW["from zero in each task"]).train_stream[:3]:
        memory.post_adapt(None, experience)
    restored.load_state_dict(memory.state_dict())
    for name in ("images", "labels", "targets"):
        assert torch.equal(getattr(restored.exemplars(), name), getattr(memory.exemplars(), name))
    assert torch.equal(
        restored.select(torch.arange(12)).tasks, memory.select(torch.arange(12)).tasks
    )
