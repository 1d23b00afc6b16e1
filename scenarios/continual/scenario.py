"""Continual: what a set is worth as the memory of a class-incremental learner.

Protocols: "replay", one pass over the stream with every minibatch joined by one from the memory (Avalanche's ReplayPlugin);
"gdumb", training from scratch on the memory alone at each experience (Prabhu et al., "GDumb", ECCV 2020; Avalanche's
GDumbPlugin). Accuracy is read on the test images of each experience after each experience, as in the literature; nothing
is selected on it. Class orders, initial weights and shuffling depend on the seed alone, so that subjects are paired.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.context import Context
from condensers.errors import UsageError, suggestion
from condensers.fields import hyper
from condensers.networks.convnet import ConvNetSpec
from condensers.registry import NETWORKS
from condensers.synthetic import SyntheticSet
from scenarios.continual import metrics
from scenarios.continual.condensing import PerExperience
from scenarios.continual.settings import Settings
from scenarios.continual.stream import class_order, split
from scenarios.continual.trial import Trial
from scenarios.protocol import Measurement, Outcome, Recipe, Reference, Splits, Subject

PROTOCOLS = ("replay", "gdumb")
Results = Mapping[str, Sequence[Mapping[str, Any]]]
METRICS: dict[str, tuple[Callable[[metrics.Matrix], float], str, bool]] = {
    "final-accuracy": (metrics.final_average_accuracy, "%", True),
    "anytime-accuracy": (metrics.anytime_average_accuracy, "%", True),
    "forgetting": (metrics.forgetting, "points", False),
    "backward-transfer": (metrics.backward_transfer, "points", True),
    "learning-accuracy": (metrics.learning_accuracy, "%", True),
}


@dataclass(frozen=True)
class Continual:
    """Class-incremental learning: final and anytime accuracy, forgetting and more, with a set as replay memory.

    references: "naive", no memory, trained on the stream (lower bound, under replay's names); "joint", one training on the
    images of all classes together (upper bound, final accuracy alone, under the names of every protocol).
    """

    experiences: int = hyper(5, unit="experiences", source="DM's code: 5 or 10 steps", minimum=2)
    orders: int = hyper(3, unit="class orders per seed", source="ours; DM's code: 5", minimum=1)
    protocols: tuple[str, ...] = hyper(PROTOCOLS, source="ours: both ways in which a memory is used")
    network: Any = hyper(ConvNetSpec(depth=3, width=32), part="network", source="DC, section 4.1, narrower for speed")
    stream_epochs: int = hyper(1, unit="epochs per experience", source="ours: every image of the stream is seen once", minimum=1)
    batch: int = hyper(64, unit="images of the stream", source="ours", minimum=1)
    batch_size_mem: int = hyper(64, unit="images of the memory", source="ours: equal to batch, for every memory", minimum=1)
    lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    momentum: float = hyper(0.9, source="DC's code", minimum=0.0)
    weight_decay: float = hyper(5e-4, source="DC's code", minimum=0.0)
    replay_augmentation: str = hyper("none", source="ours; for replay and both bounds", values=("none", "dsa"))
    gdumb_epochs: int = hyper(100, unit="epochs per experience", source="ours; DM's code: 1000", minimum=1)
    gdumb_batch: int = hyper(64, unit="images", source="ours", minimum=1)
    gdumb_augmentation: str = hyper("dsa", source="ours: as DSA and DM evaluate sets", values=("none", "dsa"))
    joint_epochs: int = hyper(5, unit="epochs", source="ours", minimum=1)

    registered: ClassVar[str] = "continual"
    references: ClassVar[Sequence[str]] = ("naive", "joint")
    # A set is shown part of the data at a time: a method that couples classes comes as a recipe.
    shows_parts: ClassVar[bool] = True
    hard_labels_only: ClassVar[bool] = True

    def __post_init__(self) -> None:
        unknown = [p for p in self.protocols if p not in PROTOCOLS]
        if unknown or not self.protocols:
            wrong = f"unknown protocol '{unknown[0]}'; {suggestion(unknown[0], PROTOCOLS)}" if unknown else "name one at least"
            raise UsageError(f"continual.protocols: {wrong}")
        NETWORKS.create(self.network, "continual.network")

    def image_passes(self, data: Splits, images: int, reference: str | None) -> list[tuple[Any, float]]:
        """Networks and how many images pass each, forward and backward; `images` is the size of the whole memory."""
        stream, reading = len(data.train.images), self.experiences * len(data.test.images) / 3
        per_protocol = {
            "naive": self.stream_epochs * stream + reading,
            "joint": self.joint_epochs * stream + reading,
            "replay": self.stream_epochs * stream * (1 + self.batch_size_mem / self.batch) + reading,
            "gdumb": self.gdumb_epochs * images * (self.experiences + 1) / 2 + reading,
        }
        run = [reference] if reference else self.protocols
        return [(self.network, self.orders * sum(per_protocol[name] for name in run))]

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Measure a set (condensed before the stream), a recipe (condenses each experience anew) or a reference.

        Accuracies in %, 0 to 100, differences in points; one value for each class order. The detail holds the R matrices by
        protocol and order, the class orders, and the bytes that the memory took. UsageError where the set is not of this data.
        """
        _require_fit(subject, data)
        names = (subject.name,) if isinstance(subject, Reference) else self.protocols
        results: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        orders: list[list[int]] = []
        for order in range(self.orders):
            here = context.fork(f"order-{order}")
            orders.append(class_order(data.train.classes, here.fork("classes").generator))
            source = PerExperience(subject, data.train, here.fork("memory")) if isinstance(subject, Recipe) else subject
            memory = None if isinstance(source, Reference) else source
            for name in names:
                parts = split(orders[-1], 1 if name == "joint" else self.experiences)
                trial = Trial(name, order, parts, self.network, self._settings(name), memory)
                results[name].append(trial.run(data, here))
        return Outcome(self._measurements(results), _costs(results), self._detail(subject, results, orders))

    def _settings(self, name: str) -> Settings:
        epochs = {"joint": self.joint_epochs, "gdumb": self.gdumb_epochs}.get(name, self.stream_epochs)
        scratch = name == "gdumb"
        return Settings(
            epochs=epochs,
            batch=self.gdumb_batch if scratch else self.batch,
            lr=self.lr,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            augmentation=self.gdumb_augmentation if scratch else self.replay_augmentation,
            batch_size_mem=self.batch_size_mem,
            from_scratch=scratch,
        )

    def _measurements(self, results: Results) -> list[Measurement]:
        """Each metric of each trial; a bound goes by the names of the protocols that it stands beside."""
        found = []
        for name, runs in results.items():
            shown = {"naive": ("replay",), "joint": self.protocols}.get(name, (name,))
            chosen = ("final-accuracy",) if name == "joint" else tuple(METRICS)
            for metric in chosen:
                of, unit, higher = METRICS[metric]
                values = [of(run["R"]) for run in runs]
                repeats = [{"order": order} for order in range(len(values))]
                found += [Measurement(f"{protocol}/{metric}", values, repeats, unit, higher) for protocol in shown]
        return found

    def _detail(self, subject: Subject, results: Results, orders: list[list[int]]) -> dict[str, Any]:
        kinds = {SyntheticSet: "offline", Recipe: "per experience", Reference: "none"}
        return {
            "R": {name: {str(order): run["R"] for order, run in enumerate(runs)} for name, runs in results.items()},
            "orders": orders,
            "experiences": [[list(part) for part in split(order, self.experiences)] for order in orders],
            "memory": kinds[type(subject)],
            "bytes_used_max": max(run["bytes"] for runs in results.values() for run in runs),
        }


def _costs(results: Results) -> dict[str, float]:
    """Training alone; condensation per experience apart, once an order (the protocols share the sets), where recorded."""
    runs = [run for each in results.values() for run in each]
    costs = {"seconds": sum(run["seconds"] for run in runs), "images": float(sum(run["images"] for run in runs))}
    condensing = [run.get("condensation_seconds") for run in next(iter(results.values()))]
    recorded = [seconds for seconds in condensing if seconds is not None]
    if len(recorded) == len(condensing):
        costs["condensation_seconds"] = float(sum(recorded))
    return costs


def _require_fit(subject: Subject, data: Splits) -> None:
    """Refuse an unknown reference, and a set whose images are not those of this data."""
    if isinstance(subject, Reference) and subject.name not in Continual.references:
        raise UsageError(f"continual: unknown reference '{subject.name}'; {suggestion(subject.name, Continual.references)}")
    if not isinstance(subject, SyntheticSet):
        return
    card, train = subject.card, data.train
    for what, theirs, ours in (
        ("class names", list(card["class_names"]), list(train.class_names)),
        ("image shape", list(card["shape"]), list(train.shape)),
        ("mean", [round(m, 4) for m in card["mean"]], [round(m, 4) for m in train.mean]),
        ("std", [round(s, 4) for s in card["std"]], [round(s, 4) for s in train.std]),
    ):
        if theirs != ours:
            raise UsageError(
                f"continual: the set of {card['dataset']} has {what} {theirs}, the stream of {train.name} has {ours};"
                " evaluate a set on the data that it was condensed from"
            )
