"""A condensed memory as the buffer of strategies that Avalanche brings."""

import copy

import pytest
import torch
from avalanche.benchmarks import nc_benchmark
from avalanche.core import SupervisedPlugin
from avalanche.models import SimpleMLP
from avalanche.training.plugins import MIRPlugin
from avalanche.training.supervised import DER, ER_ACE, ER_AML, Naive
from avalanche.training.supervised.mer import MER
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.logits import CondensedMemoryWithLogits
from scenarios.continual.stream import make_benchmark

ORDER = [7, 1, 4, 0, 9, 2, 8, 3, 6, 5]
BATCH = 8


def reordered(splits):
    """Five experiences of two classes each, in an order that is not that of the classes."""
    train, test = (
        TensorDataset(splits.train.normalise(part.images), part.labels)
        for part in (splits.train, splits.test)
    )
    return nc_benchmark(
        train, test, n_experiences=5, task_labels=False, fixed_class_order=ORDER
    ).train_stream


class Spy(SupervisedPlugin):
    """Notes what a strategy replays, image by image, and the model after each experience."""

    def __init__(self):
        super().__init__()
        self.replayed, self.models = [], []

    def after_forward(self, strategy, **_):
        if isinstance(strategy, ER_ACE | ER_AML):
            if strategy.replay_loader is not None:
                self.note(strategy, strategy.mb_buffer_x, strategy.mb_buffer_y)
        elif isinstance(strategy, DER) and strategy.replay_loader is not None:
            self.note(strategy, strategy.mb_x[:BATCH], strategy.mb_y[:BATCH])

    def note(self, strategy, x, y):
        self.replayed.append((strategy.clock.train_exp_counter, x.clone(), y.tolist()))

    def after_training_exp(self, strategy, **_):
        self.models.append(copy.deepcopy(strategy.model))


def learn(kind, stream, memory, criterion=None, plugins=(), **more):
    torch.manual_seed(0)
    model = SimpleMLP(input_size=64, num_classes=10, hidden_size=16, drop_rate=0)
    spy = Spy()
    strategy = kind(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.05),
        criterion=criterion or torch.nn.CrossEntropyLoss(),
        train_mb_size=16,
        plugins=[*plugins, spy],
        evaluator=None,
        **more,
    )
    if memory is not None:
        strategy.storage_policy = memory
    for experience in stream:
        strategy.train(experience)
    return strategy, spy


def er_aml(**how):
    extractor = torch.nn.Sequential(torch.nn.Flatten(), how["model"].features)
    return ER_AML(feature_extractor=extractor, **how)


REPLAYERS = {"ER_ACE": (ER_ACE, CondensedMemory), "ER_AML": (er_aml, CondensedMemory)}
REPLAYERS["DER"] = (DER, CondensedMemoryWithLogits)


@pytest.mark.parametrize(("kind", "policy"), REPLAYERS.values(), ids=REPLAYERS)
def test_what_is_replayed_are_the_condensed_images_of_classes_seen(splits, memory_of, kind, policy):
    made = memory_of(splits.train, 2)
    memory = policy(made, fill_batch=16)
    _, spy = learn(kind, reordered(splits), memory, mem_size=20, batch_size_mem=BATCH)
    images, labels = made.decode()
    assert {index for index, _, _ in spy.replayed} == {1, 2, 3, 4}
    for index, x, y in spy.replayed:
        # Classes are numbered by the stream as they are in the data: a fixed order keeps them.
        seen = ORDER[: 2 * index + 2]
        for image, label in zip(x, y, strict=True):
            same = (images == image).flatten(1).all(1).nonzero().flatten()
            assert labels[same].tolist() == [label]
            assert label in seen


def test_another_loss_goes_with_another_buffer(splits, memory_of):
    """ER_ACE's criterion is its own; a margin loss is what Naive with MIR's buffer trains by."""
    memory = CondensedMemory(memory_of(splits.train, 4), fill_batch=BATCH)
    plugin = MIRPlugin(mem_size=40, subsample=16, batch_size_mem=4)
    plugin.storage_policy = memory
    own = torch.nn.MultiMarginLoss()
    with_memory, _ = learn(Naive, reordered(splits), None, own, [plugin])
    without, _ = learn(Naive, reordered(splits), None, torch.nn.MultiMarginLoss())
    assert plugin.replay_loader is not None
    assert not torch.equal(next(with_memory.model.parameters()), next(without.model.parameters()))


def test_mer_draws_from_the_memory(splits, memory_of):
    made = memory_of(splits.train, 2)
    model = SimpleMLP(input_size=64, num_classes=10, hidden_size=8)
    strategy = MER(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        train_mb_size=16,
        mem_size=20,
        batch_size_mem=BATCH,
        n_inner_steps=1,
        evaluator=None,
    )
    strategy.buffer.storage_policy = CondensedMemory(made)
    for experience in list(reordered(splits))[:2]:
        strategy.train(experience)
    empty = torch.empty(0, 1, 8, 8), torch.empty(0, dtype=torch.int64)
    x, y, _ = strategy.buffer.get_batch(*empty, torch.empty(0, dtype=torch.int64))
    images, labels = made.decode()
    for image, label in zip(x, y.tolist(), strict=True):
        assert label in ORDER[:4]
        assert int(labels[(images == image).flatten(1).all(1)][0]) == label


def test_logits_are_those_of_the_model_that_had_just_learned_the_image(splits, memory_of):
    memory = CondensedMemoryWithLogits(memory_of(splits.train, 2))
    _, spy = learn(DER, reordered(splits), memory, mem_size=20, batch_size_mem=2)
    assert len(memory.buffer) == 20
    for position, (x, y, task, logits) in enumerate(memory.buffer):
        model = spy.models[position // 4].eval()
        with torch.no_grad():
            assert torch.allclose(model(x[None])[0], logits, atol=1e-5)
        assert (y in ORDER, task) == (True, 0)


def test_logits_are_computed_anew_where_the_output_has_grown(splits, memory_of):
    memory = CondensedMemoryWithLogits(memory_of(splits.train, 2))
    for width, experience in zip((4, 4, 10), reordered(splits), strict=False):
        agent = torch.nn.Module()
        agent.model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, width))
        memory.post_adapt(agent, experience)
        assert memory.buffer[0][3].shape == (width,)
    x, _, _, logits = memory.buffer[0]
    assert torch.allclose(agent.model(x[None])[0], logits, atol=1e-5)


def test_a_memory_with_logits_is_restored(splits, memory_of):
    made = memory_of(splits.train, 2)
    memory, other = CondensedMemoryWithLogits(made), CondensedMemoryWithLogits(made)
    empty = memory.nbytes
    learn(DER, list(reordered(splits))[:2], memory, mem_size=20, batch_size_mem=2)
    assert memory.nbytes == empty + 8 * 10 * 4, "logits of 8 images count"
    other.load_state_dict(memory.state_dict())
    assert torch.equal(other.state_dict()["logits"], memory.state_dict()["logits"])
    assert other.seen_classes == memory.seen_classes


def test_der_refuses_a_stream_without_task_labels(splits, memory_of):
    pairs = [(0, 1), (2, 3)]
    stream = make_benchmark(splits.train, splits.test, pairs).train_stream
    memory = CondensedMemoryWithLogits(memory_of(splits.train, 2))
    agent = torch.nn.Module()
    agent.model = torch.nn.Flatten()
    with pytest.raises(UsageError, match="items have no task label; use nc_benchmark"):
        memory.post_adapt(agent, next(iter(stream)))


def test_groups_are_the_memory_by_class(splits, memory_of):
    memory = CondensedMemory(memory_of(splits.train, 3))
    assert (memory.buffer_groups, memory.buffer_datasets) == ({}, [])
    learn(ER_ACE, list(reordered(splits))[:2], memory, mem_size=30, batch_size_mem=4)
    assert sorted(memory.buffer_groups) == sorted(ORDER[:4])
    for label, group in memory.buffer_groups.items():
        assert [int(item[1]) for item in group.buffer] == [label] * 3
    assert sum(len(part) for part in memory.buffer_datasets) == memory.image_count
