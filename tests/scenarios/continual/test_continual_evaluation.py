"""ContinualMetrics in stock strategies gives what this harness measures of a stream."""

import pytest
import torch
from avalanche.benchmarks import nc_benchmark, split_online_stream
from avalanche.evaluation.metrics import accuracy_metrics
from avalanche.models import SimpleMLP
from avalanche.training.plugins import EvaluationPlugin, ReplayPlugin
from avalanche.training.supervised import ER_ACE, Cumulative, Naive
from torch.utils.data import TensorDataset

from condensers.errors import UsageError
from scenarios.continual import metrics
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.plugins.evaluation import ContinualMetrics
from scenarios.continual.strategies.bounds import Naive as OurNaive

ORDER = [3, 8, 0, 5, 9, 1, 7, 2, 6, 4]
PARTS = [(3, 8), (0, 5), (9, 1), (7, 2), (6, 4)]


@pytest.fixture
def benchmark(splits):
    train, test = (
        TensorDataset(splits.train.normalise(part.images), part.labels)
        for part in (splits.train, splits.test)
    )
    return nc_benchmark(train, test, n_experiences=5, task_labels=False, fixed_class_order=ORDER)


def make(kind=Naive, criterion=None, lr=0.05, **more):
    torch.manual_seed(0)
    measured = ContinualMetrics()
    model = SimpleMLP(input_size=64, num_classes=10, hidden_size=16, drop_rate=0)
    strategy = kind(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=lr),
        criterion=criterion or torch.nn.CrossEntropyLoss(),
        train_mb_size=16,
        eval_mb_size=64,
        evaluator=EvaluationPlugin(measured, accuracy_metrics(experience=True), loggers=[]),
        **more,
    )
    return strategy, measured


def replay():
    return [ReplayPlugin(20, batch_size_mem=8)]


STRATEGIES = {
    "Naive, margin loss": lambda: make(criterion=torch.nn.MultiMarginLoss()),
    "ER_ACE": lambda: make(ER_ACE, mem_size=20, batch_size_mem=8),
    "Cumulative": lambda: make(Cumulative, lr=0.1),
    "Replay, smooth labels": lambda: make(
        criterion=torch.nn.CrossEntropyLoss(label_smoothing=0.1), plugins=replay()
    ),
}


@pytest.mark.parametrize(
    ("build", "order"),
    [(build, (4, 1, 3, 0, 2)) for build in STRATEGIES.values()] + [(make, (0, 1, 2, 3, 4))],
    ids=[*STRATEGIES, "in turn"],
)
def test_values_are_ours(splits, benchmark, build, order):
    strategy, measured = build()
    parts = [PARTS[index] for index in order]
    ours = AccuracyMatrix(OurNaive(), splits.test, torch.arange(10), parts, None)
    strategy.eval(benchmark.test_stream)
    ours.record_initial(strategy.model)
    for index in order:
        strategy.train(benchmark.train_stream[index])
        last = strategy.eval(benchmark.test_stream)
        ours.record_experience(strategy.model)
    assert measured.order == order
    assert measured.accuracy_matrix == [pytest.approx(row) for row in ours.matrix]
    expected = {
        "final-accuracy": metrics.final_average_accuracy(ours.matrix),
        "anytime-accuracy": metrics.anytime_average_accuracy(ours.matrix),
        "forgetting": metrics.forgetting(ours.matrix),
        "backward-transfer": metrics.backward_transfer(ours.matrix),
        "forward-transfer": metrics.forward_transfer(ours.matrix, ours.initial),
        "learning-accuracy": metrics.learning_accuracy(ours.matrix),
    }
    assert measured.result() == pytest.approx(expected)
    logged = {name: last[f"{name}/eval_phase/test_stream"] for name in expected}
    assert logged == pytest.approx(expected)
    mean = [last[f"Top1_Acc_Exp/eval_phase/test_stream/Task000/Exp00{i}"] for i in range(5)]
    assert measured.result()["final-accuracy"] == pytest.approx(sum(mean) / 5 * 100)


def test_values_so_far_are_of_the_experiences_trained(benchmark):
    strategy, measured = make()
    forgotten = []
    for experience in benchmark.train_stream:
        strategy.train(experience)
        strategy.eval(benchmark.test_stream)
        forgotten.append(measured.result().get("forgetting"))
    assert forgotten[0] is None
    assert forgotten[1:] == pytest.approx(metrics.forgetting_so_far(measured.accuracy_matrix))


def test_evaluations_within_an_experience_are_a_trace(benchmark):
    strategy, measured = make(eval_every=1, train_epochs=2)
    for experience in benchmark.train_stream[:3]:
        strategy.train(experience, eval_streams=[benchmark.test_stream])
        strategy.eval(benchmark.test_stream)
    assert len(measured.accuracy_matrix) == 3
    worst = measured.result()["worst-case-accuracy"]
    assert worst <= measured.result()["final-accuracy"] + 1e-9


def test_an_online_stream_has_a_row_for_each_experience_it_was_cut_from(benchmark):
    strategy, measured = make()
    for experience in benchmark.train_stream[:2]:
        for part in split_online_stream([experience], experience_size=24):
            strategy.train(part)
        strategy.eval(benchmark.test_stream)
    assert measured.order == (0, 1)


def test_other_streams_are_passed_over(benchmark):
    strategy, measured = make()
    strategy.train(benchmark.train_stream[0])
    strategy.eval(benchmark.train_stream)
    assert measured.result() == {}
    strategy.eval(benchmark.test_stream)
    assert list(measured.result()) == ["final-accuracy"]


def test_a_stream_in_part_is_refused_at_once(benchmark):
    strategy, _ = make()
    strategy.train(benchmark.train_stream[0])
    strategy.eval(benchmark.test_stream[:1])
    strategy.train(benchmark.train_stream[1])
    with pytest.raises(UsageError, match="lacks experience 1 of the test stream"):
        strategy.eval(benchmark.test_stream[:2])


def test_a_second_run_needs_a_reset(benchmark):
    strategy, measured = make()
    for index in (0, 1):
        strategy.train(benchmark.train_stream[index])
    with pytest.raises(UsageError, match="experience 0 is trained a second time"):
        strategy.train(benchmark.train_stream[0])
    measured.reset()
    strategy.train(benchmark.train_stream[0])
    strategy.eval(benchmark.test_stream)
    assert measured.order == (0,)
