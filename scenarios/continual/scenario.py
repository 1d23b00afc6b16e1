"""Continual: what a set is worth as the memory of a learner of a stream.

Accuracy is read on the test images of each experience after each experience, as in the literature;
nothing is selected on it. Class orders, initial weights and shuffling depend on the seed alone, so
that subjects and strategies are paired.
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
from scenarios.continual.strategies import STRATEGIES
from scenarios.continual.stream import StreamOrder, learner_outputs
from scenarios.continual.trial import ContinualTrial
from scenarios.protocol import Outcome, Reference, Splits, Subject

# Whether a subject can be measured on this stream.


def require_fit(subject: Subject, data: Splits, scenario: Any) -> None:
    """Refuse an unknown reference, a set whose images are not those of this data, and settings that
    leave nothing to measure.
    """
    if isinstance(subject, Reference):
        if subject.name not in scenario.references:
            raise UsageError(
                f"continual: unknown reference '{subject.name}';"
                f" {suggestion(subject.name, scenario.references)}"
            )
        return
    if all(strategy.memory == "none" for strategy in scenario.created):
        raise UsageError(
            "continual.strategies: none of them uses a memory; add one that does, such as replay"
        )
    if not isinstance(subject, SyntheticSet):
        return
    if scenario.anew(False):
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
class Continual:
    """Learning of a stream: final and anytime accuracy, forgetting and more, with a set as replay
    memory.

    strategies: names, or tables of name and settings, of those that use a memory; one that uses
    none ("naive", "joint", "cumulative", or "ewc" and "lwf" without one) is a reference, measured
    once a seed, and is given here only for its settings.
    """

    experiences: int = hyper(5, unit="experiences", source="DM's code: 5 or 10 steps", minimum=2)
    base_classes: int = hyper(
        0, unit="classes in the first experience (0: as in the others)", source="ours", minimum=0
    )
    sizes: tuple[int, ...] = hyper(
        (), unit="classes of each experience, in place of the two above", source="ours"
    )
    class_order: str = hyper(
        "random",
        unit="dm: its published permutations",
        source="ours: by the seed",
        values=("random", "given", "dm"),
    )
    orders: int = hyper(3, unit="class orders per seed", source="ours; DM's code: 5", minimum=1)
    strategies: tuple[Any, ...] = hyper(
        ("replay", "gdumb"),
        unit="of `harness list strategies`",
        source="ours: both ways in which a memory is used",
    )
    memory: str = hyper(
        "auto",
        unit="when it is condensed (auto: offline, but per experience where classes are coupled)",
        source="ours",
        values=("auto", "offline", "per-experience", "online"),
    )
    growth: str = hyper(
        "growing",
        unit="growing: a share for each class; fixed: the whole from the start",
        source="ours",
        values=("growing", "fixed"),
    )
    shrink: str = hyper(
        "herding",
        unit="how a fixed memory makes room",
        source="ours; herding: iCaRL",
        values=("herding", "random", "first", "recondense"),
    )
    network: Any = hyper(
        ConvNetSpec(depth=3, width=32), part="network", source="DC, section 4.1, narrower for speed"
    )
    stream_epochs: int = hyper(
        1,
        unit="epochs per experience",
        source="ours: every image of the stream is seen once",
        minimum=1,
    )
    batch: int = hyper(64, unit="images of the stream", source="ours", minimum=1)
    batch_size_mem: int = hyper(
        64, unit="images of the memory", source="ours: equal to batch, for every memory", minimum=1
    )
    lr: float = hyper(0.01, source="DC's code", minimum=0.0)
    momentum: float = hyper(0.9, source="DC's code", minimum=0.0)
    weight_decay: float = hyper(5e-4, source="DC's code", minimum=0.0)
    stream_augmentation: str = hyper(
        "none", source="ours; for all that learn the stream", values=("none", "dsa")
    )
    online: int = hyper(
        0,
        unit="images of a sub-experience that is seen once (0: whole experiences)",
        source="ours",
        minimum=0,
    )
    online_steps: int = hyper(
        1, unit="gradient steps on each sub-experience", source="ours", minimum=1
    )
    online_update: int = hyper(
        50,
        unit="images of a class between two updates of an online memory",
        source="ours",
        minimum=1,
    )
    evaluate_every: int = hyper(
        0,
        unit="minibatches between readings within experiences (0: none)",
        source="ours",
        minimum=0,
    )

    registered: ClassVar[str] = "continual"
    references: ClassVar[Sequence[str]] = ("naive", "joint", "cumulative", "ewc", "lwf")

    def __post_init__(self) -> None:
        if not self.strategies:
            raise UsageError("continual.strategies: name one at least, such as replay")
        names = [strategy.name for strategy in self.created]
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
    def created(self) -> list[Any]:
        """The strategies, built."""
        return [
            STRATEGIES.create(spec, f"continual.strategies[{i}]")
            for i, spec in enumerate(self.strategies)
        ]

    @property
    def default_references(self) -> list[str]:
        """The references that are measured where none are named: the bounds, and what `strategies`
        names.
        """
        named = [strategy.registered for strategy in self.created if strategy.memory != "needed"]
        return list(dict.fromkeys(["naive", "joint", *named]))

    def anew(self, couples_classes: bool) -> bool:
        """Whether a condenser comes as a recipe, to be run on parts of the data, and not as a
        finished set.
        """
        parts = self.memory in ("per-experience", "online") or self.growth == "fixed"
        return parts or (self.memory == "auto" and couples_classes)

    def image_passes(
        self, data: Splits, images: int, reference: str | None
    ) -> list[tuple[Any, float]]:
        """Networks and how many images pass each, forward and backward; `images` is the size of the
        whole memory.
        """
        stream, reading = len(data.train.images), self.experiences * len(data.test.images) / 3
        total = 0.0
        for strategy in self._run(reference):
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
        """Measure a set (condensed before the stream), a recipe (condenses parts of the stream
        anew) or a reference.

        Accuracies in %, 0 to 100, differences in points; one value for each class order. The detail
        holds the R matrices by strategy and order, the class orders, and the bytes that the memory
        took. UsageError where the set is not of this data.
        """
        require_fit(subject, data, self)
        trials: Trials = {}
        spent: list[float | None] = []
        doubts: dict[str, None] = {}
        for order in range(self.orders):
            here = context.fork(f"order-{order}")
            layout = StreamOrder(self.experiences, self.base_classes, self.sizes, self.class_order)
            parts = layout.parts(data.train, order, self.orders, context)
            supply = (
                None
                if isinstance(subject, Reference)
                else MemoryFactory(self, subject, data.train, here.fork("memory"))
            )
            for strategy in self._run(subject.name if isinstance(subject, Reference) else None):
                shown = (
                    [tuple(c for part in parts for c in part)] if strategy.shows == "all" else parts
                )
                source = partial(supply.source, parts) if supply else None
                settings = strategy.settings(self._settings())
                trial = ContinualTrial(
                    strategy,
                    order,
                    shown,
                    learner_outputs(data.train),
                    self.network,
                    settings,
                    source,
                )
                found = trial.run(data, here)
                trials.setdefault(strategy.name, []).append(
                    found | {"parts": [list(part) for part in parts]}
                )
            spent += [supply.seconds()] if supply else []
            doubts |= dict.fromkeys(supply.doubts() if supply else [])
        found_in_all = summarise_trials(subject, trials, spent, self.memory == "online")
        return (
            replace(found_in_all, detail={**found_in_all.detail, "doubts": list(doubts)})
            if doubts
            else found_in_all
        )

    def _run(self, reference: str | None) -> list[Any]:
        """The strategies that are run: those with a memory, or the one that a reference names, with
        the settings given for it.
        """
        if reference is None:
            return [strategy for strategy in self.created if strategy.memory != "none"]
        given = [strategy for strategy in self.created if strategy.registered == reference]
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
