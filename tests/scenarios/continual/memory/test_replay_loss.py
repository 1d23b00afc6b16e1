"""CondensedReplay leaves the strategy its loss: criterion, penalties in any order; what it cannot
serve it refuses.
"""

from dataclasses import replace

import pytest
import torch
from avalanche.benchmarks import nc_benchmark
from avalanche.core import SupervisedPlugin
from avalanche.models import SimpleMLP
from avalanche.training import plugins, supervised
from avalanche.training.losses import ICaRLLossPlugin
from avalanche.training.supervised import Naive
from torch import nn
from torch.nn import functional
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import MeanLoss
from scenarios.continual.memory.exemplars import MemoryBatch
from scenarios.continual.memory.replay import CondensedReplay
from scenarios.continual.plugins.gradients import reference_gradient
from scenarios.continual.plugins.losses import AsymmetricLoss, StoredLogitsLoss, present_class_loss
from scenarios.continual.plugins.retrieval import loss_increase

WEIGHTS = torch.linspace(0.1, 2.0, 10)


def soft(made):
    labels = torch.eye(10).repeat_interleave(made.ipc, 0) * 0.9 + 0.01
    return replace(
        made, tensors={**made.tensors, "labels": labels}, card={**made.card, "recipe": {}}
    )


def hard(made):
    return made


def focal(logits, y):
    losses = functional.cross_entropy(logits, y, reduction="none")
    return ((1 - torch.exp(-losses)) ** 2 * losses).mean()


def on_onehot(logits, y):
    return functional.binary_cross_entropy_with_logits(logits, functional.one_hot(y, 10).float())


CRITERIA = {
    "weighted": nn.CrossEntropyLoss(weight=WEIGHTS),
    "smoothed": nn.CrossEntropyLoss(label_smoothing=0.3),
    "focal": focal,
    "binary": on_onehot,
    "sum": nn.CrossEntropyLoss(reduction="sum"),
    "zero": lambda logits, y: 0 * logits.sum(),
}


class Note(SupervisedPlugin):
    """Notes what is learned: how many images are the stream's, labels, logits and loss, and the
    batch of the memory.
    """

    def __init__(self, replay):
        super().__init__()
        self.replay, self.seen = replay, []

    def before_backward(self, strategy, **_):
        seen = (
            self.replay.stream,
            strategy.mbatch[1],
            strategy.mb_output.detach().clone(),
            strategy.loss.item(),
        )
        self.seen.append((*seen, self.replay.drawn))


def stream_of(splits):
    data = TensorDataset(splits.train.normalise(splits.train.images), splits.train.labels)
    return nc_benchmark(
        data, data, 2, task_labels=False, fixed_class_order=list(range(10))
    ).train_stream


def learn(
    splits, made, criterion=None, kind=Naive, first=(), last=(), rule=None, stream=None, **how
):
    """What was noted of training on two experiences, and the network."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SimpleMLP(input_size=64, num_classes=10, hidden_size=8, drop_rate=0)
        replay = CondensedReplay(
            CondensedMemory(made), 8, rule, generator=torch.Generator().manual_seed(1)
        )
        note = Note(replay)
        strategy = kind(
            model=model,
            optimizer=torch.optim.SGD(model.parameters(), lr=0.02),
            criterion=criterion or nn.CrossEntropyLoss(),
            train_mb_size=24,
            plugins=[*first, replay, *last, note],
            evaluator=None,
            **how,
        )
        for experience in stream or stream_of(splits):
            strategy.train(experience)
    assert "criterion" not in vars(strategy)
    return note.seen, model


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("criterion", CRITERIA.values(), ids=CRITERIA)
@pytest.mark.parametrize("labelled", [hard, soft], ids=["hard", "soft"])
def test_the_loss_is_the_strategys_own(splits, memory_of, criterion, labelled):
    joined = 0
    for n, y, logits, loss, drawn in learn(splits, labelled(memory_of(splits.train, 2)), criterion)[
        0
    ]:
        m = len(y) - n
        joined += m
        wanted = criterion(logits, y)
        if m and labelled is soft:
            mine = functional.cross_entropy(logits[n:], drawn.targets, reduction="none")
            own = criterion(logits[:n], y[:n])
            wanted = (
                own + mine.sum()
                if criterion is CRITERIA["sum"]
                else (n * own + mine.sum()) / (n + m)
            )
        assert loss == pytest.approx(float(wanted), rel=1e-5)
    assert joined == 5 * 8


def test_a_criterion_that_is_always_0_teaches_nothing(splits, memory_of):
    untrained = learn(splits, memory_of(splits.train, 2), stream=[[]])[1]
    assert torch.equal(
        weights(learn(splits, memory_of(splits.train, 2), CRITERIA["zero"])[1]), weights(untrained)
    )


class Focal(Naive):
    def criterion(self):
        return focal(self.mb_output, self.mb_y)


@pytest.mark.parametrize("labelled", [hard, soft], ids=["hard", "soft"])
def test_a_loss_that_the_strategy_computes_itself_is_its_own_too(splits, memory_of, labelled):
    made = labelled(memory_of(splits.train, 2))
    assert torch.equal(
        weights(learn(splits, made, kind=Focal)[1]), weights(learn(splits, made, focal)[1])
    )


class Seven(SupervisedPlugin):
    def before_backward(self, strategy, **_):
        strategy.loss = strategy.loss + 7


PENALTIES = {
    "ewc": lambda: plugins.EWCPlugin(50.0),
    "lwf": lambda: plugins.LwFPlugin(2.0, 2.0),
    "mas": lambda: plugins.MASPlugin(1.0, 0.5),
    "a constant": Seven,
}


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize("labelled", [hard, soft], ids=["hard", "soft"])
def test_what_others_add_to_the_loss_stays_before_and_after(splits, memory_of, penalty, labelled):
    made = labelled(memory_of(splits.train, 2))
    criterion = nn.CrossEntropyLoss(weight=WEIGHTS)
    (before, one), (after, two) = (
        learn(splits, made, criterion, first=[penalty()]),
        learn(splits, made, criterion, last=[penalty()]),
    )
    without = learn(splits, made, criterion)[0]
    losses = [[loss for *_, loss, _ in seen[5:]] for seen in (before, after, without)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    torch.testing.assert_close(weights(one), weights(two))
    assert losses[0] != pytest.approx(losses[2], rel=1e-4)


def icarl(**how):
    features, model = nn.Sequential(nn.Flatten(), nn.Linear(64, 8)), how.pop("model")
    del how["criterion"]
    sizes = {"memory_size": 20, "buffer_transform": None, "fixed_memory": True}
    return supervised.ICaRL(feature_extractor=features, classifier=model.classifier, **sizes, **how)


KEEP = {
    "ER_ACE": supervised.ER_ACE,
    "DER": supervised.DER,
    "ICaRL": icarl,
    "Replay": supervised.Replay,
    "AGEM": lambda **how: supervised.AGEM(patterns_per_exp=5, **how),
    "GSS_greedy": lambda **how: supervised.GSS_greedy(input_size=[1, 8, 8], **how),
    "MIR": lambda **how: supervised.MIR(mem_size=20, subsample=16, batch_size_mem=8, **how),
    "MER": supervised.MER,
    "GDumb": supervised.GDumb,
}


@pytest.mark.parametrize("kind", KEEP.values(), ids=KEEP)
def test_a_strategy_with_a_memory_of_its_own_is_refused_in_one_sentence(
    splits, memory_of, kind, request
):
    name = request.node.callspec.id
    with pytest.raises(
        UsageError, match=f"{name} replays a memory of its own.*; use Naive"
    ) as caught:
        learn(splits, memory_of(splits.train, 2), kind=kind)
    assert "\n" not in str(caught.value)


def test_plugins_with_a_memory_are_refused_beside_it(splits, memory_of):
    made = memory_of(splits.train, 2)
    twice = plugins.ReplayPlugin(mem_size=20, storage_policy=CondensedMemory(made))
    for plugin in (plugins.ReplayPlugin(20), plugins.RARPlugin(8, 20), twice):
        with pytest.raises(
            UsageError, match=f"Naive replays a memory of its own by {type(plugin).__name__}"
        ):
            learn(splits, made, first=[plugin])


def test_a_second_one_is_refused(splits, memory_of):
    made = memory_of(splits.train, 2)
    with pytest.raises(UsageError, match="stands twice"):
        learn(splits, made, first=[CondensedReplay(CondensedMemory(made), 8)])


def test_icarls_loss_takes_hard_labels_and_refuses_soft_ones(splits, memory_of):
    seen, _ = learn(splits, memory_of(splits.train, 2), ICaRLLossPlugin())
    assert len(seen[-1][1]) == seen[-1][0] + 8
    with pytest.raises(UsageError, match="iCaRL's loss"):
        learn(splits, soft(memory_of(splits.train, 2)), ICaRLLossPlugin())


class Deaf(Naive):
    """Computes its loss without asking for it."""

    def training_epoch(self, **kwargs):
        for batch in self.dataloader:
            self.mbatch = batch
            self._unpack_minibatch()
            self._before_training_iteration(**kwargs)
            self.optimizer.zero_grad()
            self._before_forward(**kwargs)
            self.mb_output = self.forward()
            self._after_forward(**kwargs)
            self.loss = functional.cross_entropy(self.mb_output, self.mb_y)
            self._before_backward(**kwargs)
            self.backward()
            self._after_backward(**kwargs)
            self.optimizer_step()
            self._after_training_iteration(**kwargs)


def test_a_strategy_that_leaves_no_place_for_soft_labels_is_refused(splits, memory_of):
    assert len(learn(splits, memory_of(splits.train, 2), kind=Deaf)[0]) == 10
    for made, rule in (
        (soft(memory_of(splits.train, 2)), None),
        (memory_of(splits.train, 2), StoredLogitsLoss(1.0)),
    ):
        with pytest.raises(UsageError, match="Deaf does not compute its loss by its criterion"):
            learn(splits, made, kind=Deaf, rule=rule)


def drawn_of(x, y):
    return MemoryBatch(x, y, None, False, torch.zeros_like(y), torch.arange(len(y)))


def test_rules_are_made_of_the_strategys_criterion():
    logits, y = (
        torch.randn(6, 10, generator=torch.Generator().manual_seed(0)),
        torch.tensor([0, 3, 3]),
    )
    drawn = drawn_of(torch.zeros(3, 1, 2, 2), torch.tensor([1, 2, 1]))
    own = nn.CrossEntropyLoss(weight=WEIGHTS)
    masked = logits[:3].masked_fill(~torch.isin(torch.arange(10), y), float("-inf"))
    torch.testing.assert_close(
        AsymmetricLoss().loss(logits, y, drawn, own), own(masked, y) + own(logits[3:], drawn.y)
    )
    torch.testing.assert_close(
        MeanLoss().loss(logits, y, drawn, own), (own(logits[:3], y) + own(logits[3:], drawn.y)) / 2
    )
    rule = StoredLogitsLoss(0.5, 0.7)
    rule.logits = torch.zeros(3, 10)
    wanted = own(logits[:3], y) + 0.5 * logits[3:].square().mean() + 0.7 * own(logits[3:], drawn.y)
    torch.testing.assert_close(rule.loss(logits, y, drawn, own), wanted)
    with pytest.raises(UsageError, match="without smoothing"):
        present_class_loss(logits[:3], y, nn.CrossEntropyLoss(label_smoothing=0.1))


def test_gradients_and_retrieval_are_those_of_the_strategys_criterion():
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 10))
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(5, 1, 2, 2, generator=generator), torch.tensor([0, 1, 2, 3, 4])
    own, drawn = nn.CrossEntropyLoss(weight=WEIGHTS), drawn_of(x, y)
    wanted = torch.autograd.grad(own(network(x), y), list(network.parameters()))
    found = reference_gradient(network, list(network.parameters()), drawn, own)
    torch.testing.assert_close(found, torch.cat([g.flatten() for g in wanted]))

    def weighed(logits, labels):
        """As a criterion that shows no weights: of one image alone they would cancel."""
        return own(logits, labels) * (WEIGHTS[labels].squeeze() if len(labels) == 1 else 1)

    torch.testing.assert_close(
        loss_increase(network, x, y, 0.1, drawn, own),
        loss_increase(network, x, y, 0.1, drawn, weighed),
    )
