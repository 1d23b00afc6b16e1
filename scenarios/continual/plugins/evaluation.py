"""ContinualMetrics: our metrics of a stream in the evaluation plugin of any Avalanche strategy."""

from collections.abc import Mapping
from typing import Any

from avalanche.evaluation import PluginMetric
from avalanche.evaluation.metric_results import MetricValue
from torch import Tensor

from condensers.errors import UsageError
from scenarios.continual.accuracy_matrix import METRICS, choose_metrics
from scenarios.continual.memory.stream_fit import find_origin

Row = Mapping[int, float]  # experience -> accuracy, %


class ContinualMetrics(PluginMetric):  # type: ignore[misc]
    """Measure forgetting, final average accuracy and what else the accuracy matrix tells.

    Give it to an `EvaluationPlugin`, and call `strategy.eval` on the whole test stream after each
    experience. Each evaluation gives the values for the experiences trained so far, as
    "forgetting/eval_phase/test_stream"; those after the last experience are what this harness
    reports of a stream, in % and points. Forgetting is best less last accuracy (Chaudhry et al.,
    ECCV 2018); Avalanche's own `forgetting_metrics` take first less last, in fractions.

    Experiences may be trained in any order, and be cut into an online stream. An evaluation before
    the first experience gives forward transfer. Where an experience is evaluated several times, as
    with `eval_every`, its last evaluation counts, and the others enter worst-case accuracy.

    Args:
        stream: The name of the stream that counts; evaluations of others are passed over.

    Raises:
        UsageError: In an evaluation: the stream lacks an experience that was trained, or one was
            trained a second time.

    Examples:
        >>> from avalanche.training.plugins import EvaluationPlugin
        >>> from avalanche.logging import TextLogger
        >>> from scenarios import ContinualMetrics
        >>> metrics = ContinualMetrics()
        >>> evaluator = EvaluationPlugin(metrics, loggers=TextLogger())
        >>> metrics.result()  # nothing was evaluated yet
        {}
    """

    def __init__(self, stream: str = "test") -> None:
        super().__init__()
        self.stream = stream
        self.reset()

    def __str__(self) -> str:
        return "ContinualMetrics"

    def reset(self) -> None:
        """Forget all evaluations, before the same stream is learned once more."""
        self._initial: Row = {}
        self._rows: dict[int, list[Row]] = {}  # trained experience -> its evaluations
        self._row: dict[int, float] = {}
        self._right = self._count = 0

    @property
    def order(self) -> tuple[int, ...]:
        """The experiences trained so far and evaluated afterwards, in the order of training."""
        return tuple(key for key, rows in self._rows.items() if rows)

    @property
    def accuracy_matrix(self) -> list[list[float]]:
        """R (T, T) in %: row and column i are of the experience that was trained as number i.

        Raises:
            UsageError: An evaluation lacked one of them.
        """
        return [self._select(self._rows[key][-1]) for key in self.order]

    def result(self) -> dict[str, float]:
        """Return metric -> value, of the experiences trained so far; empty before there is one."""
        if not self.order:
            return {}
        initial = self._select(self._initial) if self._initial else []
        trace = [
            [position, self._select(row)]
            for position, key in enumerate(self.order)
            for row in self._rows[key][:-1]
        ]
        trial = {"R": self.accuracy_matrix, "initial": initial, "trace": trace}
        return {name: METRICS[name][0](trial) for name in choose_metrics(trial)}

    def _select(self, row: Row) -> list[float]:
        absent = [key for key in self.order if key not in row]
        if absent:
            raise UsageError(
                f"ContinualMetrics: an evaluation lacks experience {absent[0]} of the"
                f" {self.stream} stream, which was trained; call strategy.eval on the whole stream,"
                " one experience for each of training, after each experience"
            )
        return [row[key] for key in self.order]

    def before_training_exp(self, strategy: Any) -> None:
        """Begin the row of the experience."""
        key = find_position(strategy.experience)
        if key in self._rows and key != list(self._rows)[-1]:
            raise UsageError(
                f"ContinualMetrics: experience {key} is trained a second time, after others; call"
                " reset() before another run"
            )
        self._rows.setdefault(key, [])

    def before_eval(self, strategy: Any) -> None:
        """Begin an evaluation."""
        self._row = {}

    def before_eval_exp(self, strategy: Any) -> None:
        """Begin to count."""
        self._right = self._count = 0

    def after_eval_iteration(self, strategy: Any) -> None:
        """Count a minibatch."""
        predicted: Tensor = strategy.mb_output.argmax(1)
        self._right += int((predicted == strategy.mb_y).sum())
        self._count += len(predicted)

    def after_eval_exp(self, strategy: Any) -> None:
        """Note the accuracy on an experience."""
        if self._count and strategy.experience.origin_stream.name == self.stream:
            self._row[find_position(strategy.experience)] = self._right / self._count * 100

    def after_eval(self, strategy: Any) -> list[MetricValue]:
        """End an evaluation, and give the metrics so far to the loggers."""
        if not self._row:
            return []
        if not self._rows:
            self._initial = self._row
            return []
        list(self._rows.values())[-1].append(self._row)
        at = strategy.clock.train_iterations
        return [
            MetricValue(self, f"{name}/eval_phase/{self.stream}_stream", value, at)
            for name, value in self.result().items()
        ]


def find_position(experience: Any) -> int:
    """Return the number of an experience in its stream, or of the one that it was cut from."""
    source = find_origin(experience)
    with source.no_attribute_masking():
        return int(source.current_experience)
