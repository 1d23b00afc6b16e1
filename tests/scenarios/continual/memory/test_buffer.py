import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from avalanche.benchmarks import (
    benchmark_from_datasets,
    class_incremental_benchmark,
    nc_benchmark,
    with_classes_timeline,
)
from avalanche.core import SupervisedPlugin
from avalanche.models import SimpleMLP
from avalanche.training.plugins import GDumbPlugin, ReplayPlugin
from avalanche.training.supervised import Naive
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from condensers.sets.files import save_set
from scenarios.continual.items import as_dataset
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.stream import make_benchmark

PAIRS = [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]


def tensors(splits):
    return [
        (splits.train.normalise(part.images), part.labels) for part in (splits.train, splits.test)
    ]


def task_aware_stream(splits):
    train, test = (TensorDataset(*pair) for pair in tensors(splits))
    return nc_benchmark(
        train, test, n_experiences=5, task_labels=False, fixed_class_order=list(range(10))
    ).train_stream


def plain_stream(splits):
    train, test = (as_dataset(*pair) for pair in tensors(splits))
    made = class_incremental_benchmark(
        {"train": train, "test": test}, num_experiences=5, class_order=list(range(10))
    )
    return made.train_stream


def our_stream(splits):
    return make_benchmark(splits.train, splits.test, PAIRS).train_stream


class Record(SupervisedPlugin):
    """Notes the labels of every minibatch and the classes in memory when training on an experience
    begins.
    """

    def __init__(self, buffer):
        super().__init__()
        self.buffer, self.batches, self.at_start = buffer, [], []

    def before_training_exp(self, strategy, **_):
        self.at_start.append(set(self.buffer.seen_classes))

    def before_training_iteration(self, strategy, **_):
        self.batches.append((strategy.clock.train_exp_counter, strategy.mbatch[1].tolist()))


def learn(stream, buffer, plugin):
    record = Record(buffer)
    model = SimpleMLP(input_size=64, num_classes=10, hidden_size=16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    strategy = Naive(
        model=model, optimizer=optimizer, train_mb_size=16, plugins=[plugin, record], evaluator=None
    )
    for experience in stream:
        strategy.train(experience)
    return record


def replay(buffer, batch=16):
    return ReplayPlugin(mem_size=buffer.max_size, batch_size_mem=batch, storage_policy=buffer)


def gdumb(buffer):
    plugin = GDumbPlugin(mem_size=buffer.max_size)
    plugin.storage_policy = buffer
    return plugin


@pytest.mark.parametrize("stream", [task_aware_stream, plain_stream, our_stream])
def test_replay_memory_holds_the_classes_seen_and_none_to_come(splits, stream, memory_of):
    buffer = CondensedMemory(memory_of(splits.train, 3))
    record = learn(stream(splits), buffer, replay(buffer))
    assert record.at_start == [set(range(2 * t)) for t in range(5)]
    assert buffer.seen_classes == tuple(range(10))
    assert all(set(labels) <= set(range(2 * t + 2)) for t, labels in record.batches)
    assert any(set(labels) == {0, 1, 2, 3} for t, labels in record.batches if t == 1)
    assert sorted(buffer.buffer.targets) == sorted(3 * list(range(10)))


@pytest.mark.parametrize("stream", [task_aware_stream, plain_stream, our_stream])
def test_gdumb_trains_on_the_memory_alone_which_it_fills_before(splits, stream, memory_of):
    buffer = CondensedMemory(memory_of(splits.train, 2))
    record = learn(stream(splits), buffer, gdumb(buffer))
    assert record.at_start == [set(range(2 * t + 2)) for t in range(5)]
    for t in range(5):
        labels = [label for at, batch in record.batches if at == t for label in batch]
        assert sorted(labels) == sorted(2 * list(range(2 * t + 2)))


def test_every_memory_has_the_same_batch_however_small_it_is(splits, memory_of):
    stream = make_benchmark(splits.train, splits.test, PAIRS[:3]).train_stream
    shares = {}
    for ipc in (1, 5, 24):
        buffer = CondensedMemory(memory_of(splits.train, ipc), fill_batch=16)
        record = learn(stream, buffer, replay(buffer))
        shares[ipc] = [
            sum(label < 2 * t for label in labels) for t, labels in record.batches if t > 0
        ]
        assert buffer.image_count == 6 * ipc
        counts = torch.bincount(torch.tensor(list(buffer.buffer.targets)))
        assert len(set(counts.tolist())) == 1 and len(buffer.buffer) % 16 == 0
    assert set(shares[1]) == {16}
    assert shares[1] == shares[5] == shares[24]


def test_without_fill_batch_a_small_memory_has_smaller_batches(splits, memory_of):
    buffer = CondensedMemory(memory_of(splits.train, 1))
    record = learn(
        make_benchmark(splits.train, splits.test, PAIRS[:2]).train_stream, buffer, replay(buffer)
    )
    assert {sum(label < 2 for label in labels) for t, labels in record.batches if t == 1} == {2}


def test_images_are_the_decoded_ones(splits, memory_of):
    made = memory_of(splits.train, 2)
    buffer = CondensedMemory(made)
    buffer.post_adapt(None, our_stream(splits)[3])
    images, labels = made.decode()
    assert torch.equal(
        torch.stack([x for x, _ in buffer.buffer]), images[(labels == 6) | (labels == 7)]
    )


def test_a_callable_condenses_the_new_classes_only(splits, memory_of):
    asked = []

    def condense(classes):
        asked.append(classes)
        return memory_of(splits.train.restrict(classes), 2)

    buffer = CondensedMemory(condense, max_size=20)
    sizes = []
    for experience in make_benchmark(
        splits.train, splits.test, [(4, 1), (1, 2), (4, 2), (0,)]
    ).train_stream:
        buffer.post_adapt(None, experience)
        sizes.append(buffer.nbytes)
    assert asked == [(1, 4), (2,), (0,)]
    assert buffer.seen_classes == (1, 4, 2, 0)
    one = 64 + 1
    assert sizes == [4 * one, 6 * one, 6 * one, 8 * one]


def test_a_file_is_the_same_memory(splits, tmp_path, memory_of):
    made = memory_of(splits.train, 2)
    save_set(made, tmp_path / "set.safetensors")
    for source in (tmp_path / "set.safetensors", str(tmp_path / "set.safetensors")):
        buffer = CondensedMemory(source)
        assert (buffer.max_size, buffer.nbytes) == (20, made.nbytes)
    buffer.admit([3, 7])
    assert repr(buffer) == (
        f"CondensedMemory(4 of at most 20 images, 2 classes seen, {made.nbytes} bytes)"
    )


def faults(splits, memory_of):
    made, train = memory_of(splits.train, 2), splits.train
    floats = train.normalise(train.images)
    return {
        "needs max_size": (lambda: CondensedMemory(lambda classes: made), floats),
        "max_size 19": (lambda: CondensedMemory(made, max_size=19), floats),
        "uint8": (lambda: CondensedMemory(made), train.images),
        "0.00..1.00": (lambda: CondensedMemory(made), train.images.float() / 255),
        "0.00..255.00": (lambda: CondensedMemory(made), train.images.float()),
        r"\(1, 4, 4\)": (lambda: CondensedMemory(made), floats[:, :, ::2, ::2]),
        "brings class 5": (lambda: CondensedMemory(memory_of(train.restrict(range(5)), 2)), floats),
    }


FAULTS = [
    "needs max_size",
    "max_size 19",
    "uint8",
    "0.00..1.00",
    "0.00..255.00",
    r"\(1, 4, 4\)",
    "brings class 5",
]


@pytest.mark.parametrize("sentence", FAULTS)
def test_what_does_not_fit_is_refused_in_one_sentence(splits, memory_of, sentence):
    make, images = faults(splits, memory_of)[sentence]
    stream = with_classes_timeline(
        benchmark_from_datasets(train=[as_dataset(images, splits.train.labels)])
    ).train_stream
    with pytest.raises(UsageError, match=sentence) as caught:
        make().post_adapt(None, stream[0])
    assert "\n" not in str(caught.value)


def test_the_check_of_the_scale_can_be_switched_off(splits, memory_of):
    stream = [as_dataset(splits.train.images.float() / 255, splits.train.labels)]
    experience = with_classes_timeline(benchmark_from_datasets(train=stream)).train_stream[0]
    buffer = CondensedMemory(memory_of(splits.train, 2), check_range=False)
    buffer.post_adapt(None, experience)
    assert buffer.image_count == 20


def test_resizing_keeps_the_set_whole(splits, memory_of):
    buffer = CondensedMemory(memory_of(splits.train, 2))
    buffer.post_adapt(None, our_stream(splits)[0])
    buffer.resize(None, 4)
    assert buffer.max_size == 4
    with pytest.raises(UsageError, match="cannot be cut to 3"):
        buffer.resize(None, 3)


def test_the_examples_of_the_guide_run(tmp_path, monkeypatch, capsys, memory_of):
    from scenarios.datasets import load

    text = (Path(__file__).parents[4] / "docs/guide/continual.md").read_text(encoding="utf-8")
    script, soft = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    hard = memory_of(load("digits").train, 10)
    save_set(hard, tmp_path / "digits.safetensors")
    labels = torch.eye(10).repeat_interleave(10, 0) * 0.9 + 0.01
    save_set(
        replace(hard, tensors={**hard.tensors, "labels": labels}), tmp_path / "soft.safetensors"
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for example in (script, soft):  # the second goes on from the first
            exec(compile(example, "continual.md", "exec"), names)
            assert names["memory"].seen_classes == tuple(
                label
                for e in names["benchmark"].train_stream
                for label in sorted(e.classes_in_this_experience)
            )
            assert float(capsys.readouterr().out.split()[-1]) > 0.5
    assert names["memory"].exemplars().targets.shape == (100, 10)


def test_a_set_of_another_class_order_is_still_found_by_label(splits, memory_of):
    shuffled = memory_of(splits.train, 2)
    turned = torch.arange(len(shuffled.tensors["labels"])).flip(0)
    made = replace(shuffled, tensors={name: t[turned] for name, t in shuffled.tensors.items()})
    buffer = CondensedMemory(made)
    buffer.post_adapt(None, our_stream(splits)[1])
    assert set(buffer.buffer.targets) == {2, 3}
