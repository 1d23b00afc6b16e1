"""The accuracy matrix of a stream run, and the measurements of all trials of one subject."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual import metrics
from scenarios.continual.strategies.base import Strategy
from scenarios.protocol import CondensationRequest, Measurement, Outcome, Reference, Subject

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory


class AccuracyMatrix:
    """Test accuracies of a learner along its stream.

    A row holds the percentage of correctly classified test images for each of `parts` (the classes
    of an experience), among all classes.

    Attributes:
        matrix: R, a row after each experience.
        initial: The row before the first.
        trace: (experience, row) measured within experiences.
    """

    def __init__(
        self,
        strategy: Strategy,
        test: ClassData,
        outputs: Tensor,
        parts: Sequence[Sequence[int]],
        memory: "CondensedMemory | None",
    ) -> None:
        self.strategy, self.test, self.memory = strategy, test, memory
        self.expected = outputs.to(test.device)[test.labels]
        self.masks = [
            torch.isin(test.labels, torch.tensor(list(part), device=test.device)) for part in parts
        ]
        self.initial: list[float] = []
        self.matrix: list[list[float]] = []
        self.trace: list[list[Any]] = []

    def record_initial(self, network: nn.Module) -> None:
        """Measure the untrained network."""
        self.initial = self.measure_row(network)

    def record_experience(self, network: nn.Module) -> None:
        """Measure at the end of an experience."""
        self.matrix.append(self.measure_row(network))

    def record_within(self, network: nn.Module, experience: int) -> None:
        """Measure within experience number `experience`; the network goes on training."""
        self.trace.append([experience, self.measure_row(network)])
        network.train()

    def measure_row(self, network: nn.Module) -> list[float]:
        network.eval()
        with torch.no_grad():
            correct = (
                self.strategy.predict(network, self.test, self.memory) == self.expected
            ).double()
        return [correct[mask].mean().item() * 100 for mask in self.masks]

    def as_json(self) -> dict[str, Any]:
        return {"R": self.matrix, "initial": self.initial, "trace": self.trace}

    def state_dict(self) -> dict[str, Any]:
        return self.as_json()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.matrix, self.initial, self.trace = state["R"], state["initial"], state["trace"]


TrialResult = Mapping[str, Any]
Trials = dict[str, list[TrialResult]]
METRICS: dict[str, tuple[Callable[[TrialResult], float], str, bool]] = {
    "final-accuracy": (lambda t: metrics.final_average_accuracy(t["R"]), "%", True),
    "anytime-accuracy": (lambda t: metrics.anytime_average_accuracy(t["R"]), "%", True),
    "forgetting": (lambda t: metrics.forgetting(t["R"]), "points", False),
    "backward-transfer": (lambda t: metrics.backward_transfer(t["R"]), "points", True),
    "forward-transfer": (lambda t: metrics.forward_transfer(t["R"], t["initial"]), "points", True),
    "learning-accuracy": (lambda t: metrics.learning_accuracy(t["R"]), "%", True),
    "worst-case-accuracy": (lambda t: metrics.worst_case_accuracy(t["R"], t["trace"]), "%", True),
}


def summarise_trials(
    subject: Subject, trials: Trials, condensation_seconds: Sequence[float | None], online: bool
) -> Outcome:
    """Measurements by strategy and metric, one value a class order; costs of training; matrices,
    orders and bytes.
    """
    measured = [m for name, runs in trials.items() for m in _measurements(name, runs)]
    runs = [run for each in trials.values() for run in each]
    costs = {
        "seconds": sum(run["seconds"] for run in runs),
        "images": float(sum(run["images"] for run in runs)),
    }
    recorded = [seconds for seconds in condensation_seconds if seconds is not None]
    if (
        not isinstance(subject, Reference)
        and recorded
        and len(recorded) == len(condensation_seconds)
    ):
        costs["condensation_seconds"] = float(sum(recorded))
    return Outcome(measured, costs, _detail(subject, trials, online))


def choose_metrics(trial: TrialResult) -> list[str]:
    """Return what a trial gives: a single experience has a final accuracy alone, the worst case
    needs a trace, and forward transfer the untrained network.
    """
    if len(trial["R"]) == 1:
        return ["final-accuracy"]
    needed = {"worst-case-accuracy": "trace", "forward-transfer": "initial"}
    return [metric for metric in METRICS if metric not in needed or trial[needed[metric]]]


def _measurements(name: str, runs: Sequence[TrialResult]) -> list[Measurement]:
    """Each metric of each trial."""
    repeats = [{"order": order} for order in range(len(runs))]
    return [
        Measurement(
            f"{name}/{metric}",
            [METRICS[metric][0](run) for run in runs],
            repeats,
            *METRICS[metric][1:],
        )
        for metric in choose_metrics(runs[0])
    ]


def _detail(subject: Subject, trials: Trials, online: bool) -> dict[str, Any]:
    kinds = {
        SyntheticSet: "offline",
        CondensationRequest: "online" if online else "per experience",
        Reference: "none",
    }
    first = next(iter(trials.values()))
    detail = {
        "R": _collect_by_order(trials, "R"),
        "initial": _collect_by_order(trials, "initial"),
        "orders": [[c for part in run["parts"] for c in part] for run in first],
        "experiences": [run["parts"] for run in first],
        "memory": kinds[type(subject)],
        "bytes_used_max": max(run["bytes"] for runs in trials.values() for run in runs),
        "ledger": {
            name: max((run["ledger"] for run in runs), key=lambda ledger: sum(ledger.values()))
            for name, runs in trials.items()
        },
    }
    traces = _collect_by_order(
        {name: runs for name, runs in trials.items() if runs[0]["trace"]}, "trace"
    )
    return detail | ({"trace": traces} if traces else {})


def _collect_by_order(trials: Trials, what: str) -> dict[str, dict[str, Any]]:
    return {
        name: {str(order): run[what] for order, run in enumerate(runs)}
        for name, runs in trials.items()
    }
