"""Continual: a set as the replay memory of a continual learner.

Accuracy is measured on the test images of each experience after each experience, as in the
literature; nothing is selected on it. Class orders, initial weights and shuffling come from the
seed alone, so that subjects and strategies are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar

from condensers.engine.context import Context
from condensers.errors import UsageError, shown, suggestion
from condensers.hyperparameters import hyper
from condensers.networks.convnet import ConvNetSpec
from condensers.registry.registry import NETWORKS
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual.accuracy_matrix import Trials, summarise_trials
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.memory.condensing import MemoryFactory
from scenarios.continual.memory.fixed_size import HOW
from scenarios.continual.strategies import STRATEGIES
from scenarios.continual.strategies.base import Strategy
from scenarios.continual.stream import StreamOrder, learner_outputs
from scenarios.continual.trial import ContinualTrial
from scenarios.protocol import Outcome, Reference, Scenario, Splits, Subject

# Whether a subject can be measured on this stream.


def require_fit(subject: Subject, data: Splits, scenario: "Continual") -> None:
    """Refuse an unknown reference, a set of other data, and settings that measure nothing."""
    if isinstance(subject, Reference):
        if subject.name not in scenario.references:
            raise UsageError(
                f"continual: unknown reference '{subject.name}';"
                f" {suggestion(subject.name, scenario.references)}"
            )
        return
    if all(strategy.memory == "none" for strategy in scenario.created_strategies):
        raise UsageError(
            "continual.strategies: none of them uses a memory; add one that does, such as replay"
        )
    if not isinstance(subject, SyntheticSet):
        return
    if scenario.condenses_along_stream(False):
        raise UsageError(
            f"continual: memory {scenario.memory} of {scenario.growth} size is condensed along the"
            " stream, and a finished set is given; put its method into a suite"
        )
    _require_same_data(subject, data)


def _require_same_data(synthetic: SyntheticSet, data: Splits) -> None:
    card, train = synthetic.card, data.train
    for what, theirs, ours in (
        ("class names", list(card["class_names"]), list(train.class_names)),
        ("image shape", list(card["shape"]), list(train.shape)),
        ("mean", [round(m, 4) for m in card["mean"]], [round(m, 4) for m in train.mean]),
        ("std", [round(s, 4) for s in card["std"]], [round(s, 4) for s in train.std]),
    ):
        if theirs != ours:
            raise UsageError(
                f"continual: the set of {card['dataset']} has {what} {theirs}, the stream of"
                f" {train.name} has {ours}; evaluate a set on the data that it was condensed from"
            )


@dataclass(frozen=True)
class Continual(Scenario):
    """Continual learning with a set as replay memory: accuracy, forgetting and more.

    `strategies` are names, or tables of name and settings, of those that use a memory. One that
    uses none ("naive", "joint", "cumulative", or "ewc" and "lwf" without one) is a reference,
    measured once a seed; it is given here only for its settings.
    """

    experiences: int = hyper(5, unit="experiences", source="DM's code: 5 or 10 steps", minimum=2)
    base_classes: int = hyper(
        0,
        unit="classes",
        help="classes in the first experience; 0: as many as in the others",
        source="ours",
        minimum=0,
    )
    sizes: tuple[int, ...] = hyper(
        (),
        unit="classes",
        help="classes of each experience, in place of the two settings above",
        source="ours",
    )
    class_order: str = hyper(
        "random",
        help="order of the classes; dm: the permutations that DM published",
        source="ours: by the seed",
        values=("random", "given", "dm"),
    )
    orders: int = hyper(
        3, unit="orders", help="class orders for each seed", source="ours; DM's code: 5", minimum=1
    )
    strategies: tuple[Any, ...] = hyper(
        ("replay", "gdumb"),
        help="names or tables of `harness list strategies`",
        source="ours: both ways in which a memory is used",
    )
    memory: str = hyper(
        "auto",
        help=(
            "when the memory is condensed; auto: offline, but in each experience if classes are"
            " coupled"
        ),
        source="ours",
        values=("auto", "offline", "per-experience", "online"),
    )
    growth: str = hyper(
        "growing",
        help="growing: each class has its share; fixed: the whole memory from the start",
        source="ours",
        values=("growing", "fixed"),
    )
    shrink: str = hyper(
        "herding",
        help=(
            "how a fixed memory makes room for new classes: images that stay, or re-encode: all"
            " stay, coded again at a lower rate"
        ),
        source="ours; herding: iCaRL; re-encode: compressed images, as MRDC's",
        values=HOW,
    )
    network: Any = hyper(
        ConvNetSpec(depth=3, width=32), part="network", source="DC, section 4.1, narrower for speed"
    )
    stream_epochs: int = hyper(
        1,
        unit="epochs",
        help="epochs of training in each experience",
        source="ours: every image of the stream is seen once",
        minimum=1,
    )
    batch: int = hyper(
        64, unit="images", help="images of the stream in a batch", source="ours", minimum=1
    )
    batch_size_mem: int = hyper(
        64,
        unit="images",
        help="images of the memory in a batch",
        source="ours: equal to batch, for every memory",
        minimum=1,
    )
    lr: float = hyper(
        0.01, help="learning rate of SGD on the stream", source="DC's code", minimum=0.0
    )
    momentum: float = hyper(
        0.9, help="momentum of SGD on the stream", source="DC's code", minimum=0.0
    )
    weight_decay: float = hyper(
        5e-4, help="weight decay on the stream", source="DC's code", minimum=0.0
    )
    stream_augmentation: str = hyper(
        "none",
        help="augmentation of the stream's images",
        source="ours; for all that learn the stream",
        values=("none", "dsa"),
    )
    online: int = hyper(
        0,
        unit="images",
        help="images of a sub-experience that is seen once; 0: whole experiences",
        source="ours",
        minimum=0,
    )
    online_steps: int = hyper(
        1, unit="steps", help="steps of training on each sub-experience", source="ours", minimum=1
    )
    online_update: int = hyper(
        50,
        unit="images",
        help="images of a class between two updates of an online memory",
        source="ours",
        minimum=1,
    )
    evaluate_every: int = hyper(
        0,
        unit="minibatches",
        help="minibatches between measurements within experiences; 0: none",
        source="ours",
        minimum=0,
    )

    registered: ClassVar[str] = "continual"
    references: ClassVar[Sequence[str]] = ("naive", "joint", "cumulative", "ewc", "lwf")

    def __post_init__(self) -> None:
        if not self.strategies:
            raise UsageError("continual.strategies: name one at least, such as replay")
        names = [strategy.name for strategy in self.created_strategies]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise UsageError(
                f"continual.strategies: {shown(twice[0])} is there twice; give each a `label` of"
                " its own"
            )
        if self.memory == "offline" and self.growth == "fixed":
            raise UsageError(
                "continual.growth: a set condensed beforehand cannot be fixed in size; take memory"
                " per-experience"
            )
        if self.memory == "online" and not self.online:
            raise UsageError(
                "continual.memory: an online memory is made from an online stream; set `online`,"
                " for example to 10"
            )
        NETWORKS.create(self.network, "continual.network")

    @cached_property
    def created_strategies(self) -> list[Strategy]:
        """The strategies that `strategies` names."""
        return [
            STRATEGIES.create(spec, f"continual.strategies[{i}]")
            for i, spec in enumerate(self.strategies)
        ]

    @property
    def default_references(self) -> Sequence[str]:
        """The bounds, and the references that `strategies` names."""
        strategies = self.created_strategies
        named = [strategy.registered for strategy in strategies if strategy.memory != "needed"]
        return list(dict.fromkeys(["naive", "joint", *named]))

    def condenses_along_stream(self, couples_classes: bool) -> bool:
        """Return whether a condenser is run on parts of the stream, not on all of the data."""
        parts = self.memory in ("per-experience", "online") or self.growth == "fixed"
        return parts or (self.memory == "auto" and couples_classes)

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Estimate the training; `images` is the size of the whole memory."""
        stream, reading = len(data.train.images), self.experiences * len(data.test.images) / 3
        total = 0.0
        for strategy in self._strategies_to_run(reference):
            settings = strategy.settings(self._settings())
            joined = 0 if reference else settings.batch_size_mem / settings.batch
            shown = {"seen": (self.experiences + 1) / 2}.get(strategy.shows, 1.0)
            passes = settings.epochs * settings.repeats * shown * stream * (1 + joined)
            if strategy.from_scratch:
                training = strategy.training(settings)
                passes = training.epochs * images * (self.experiences + 1) / 2
                if training.steps:
                    passes = training.steps * training.batch * self.experiences
            total += passes + reading
        return [(self.network, self.orders * total)]

    def run(self, subject: Subject, data: Splits, context: Context) -> Outcome:
        """Measure a set, a condensation request, or a reference.

        A set is condensed before the stream, a request along it. Accuracies are in %, 0 to 100,
        differences in points; there is one value for each class order. The detail holds the R
        matrices by strategy and order, the class orders, and the bytes that the memory took.

        Raises:
            UsageError: The set is not of this data.
        """
        require_fit(subject, data, self)
        trials: Trials = {}
        spent: list[float | None] = []
        doubts: dict[str, None] = {}
        precisions: set[str] = set()
        for order in range(self.orders):
            own = context.fork(f"order-{order}")
            parts = self._make_stream_order().parts(data.train, order, self.orders, context)
            factory = (
                None
                if isinstance(subject, Reference)
                else MemoryFactory(self, subject, data.train, own.fork("memory"))
            )
            for strategy in self._strategies_to_run(subject):
                trial = self._make_trial(strategy, order, parts, factory, data)
                result = trial.run(data, own) | {"parts": [list(part) for part in parts]}
                trials.setdefault(strategy.name, []).append(result)
            spent += [factory.sum_seconds()] if factory else []
            doubts |= dict.fromkeys(factory.list_doubts() if factory else [])
            precisions |= set(factory.list_precisions() if factory else [])
        outcome = summarise_trials(subject, trials, spent, self.memory == "online")
        found = {"doubts": list(doubts), "condensed_in": sorted(precisions)}
        more = {name: values for name, values in found.items() if values}
        return replace(outcome, detail={**outcome.detail, **more})

    def _make_stream_order(self) -> StreamOrder:
        return StreamOrder(self.experiences, self.base_classes, self.sizes, self.class_order)

    def _make_trial(
        self,
        strategy: Strategy,
        order: int,
        parts: Sequence[tuple[int, ...]],
        factory: MemoryFactory | None,
        data: Splits,
    ) -> ContinualTrial:
        all_classes = [tuple(c for part in parts for c in part)]
        return ContinualTrial(
            strategy,
            order,
            all_classes if strategy.shows == "all" else parts,
            learner_outputs(data.train),
            self.network,
            strategy.settings(self._settings()),
            partial(factory.make_source, parts) if factory else None,
        )

    def _strategies_to_run(self, subject: Subject | str | None) -> list[Strategy]:
        """Return those with a memory, or the one that a reference names, as it is set here."""
        reference = subject.name if isinstance(subject, Reference) else subject
        if not isinstance(reference, str):
            return [one for one in self.created_strategies if one.memory != "none"]
        given = [one for one in self.created_strategies if one.registered == reference]
        return given[:1] or [STRATEGIES.create(reference)]

    def _settings(self) -> LearnerSettings:
        return LearnerSettings(
            epochs=1 if self.online else self.stream_epochs,
            batch=self.online or self.batch,
            lr=self.lr,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            augmentation=self.stream_augmentation,
            batch_size_mem=self.batch_size_mem,
            repeats=self.online_steps if self.online else 1,
            online=bool(self.online),
            evaluate_every=self.evaluate_every,
        )
