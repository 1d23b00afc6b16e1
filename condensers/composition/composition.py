"""Composition: the parts that every learned method is made of, and how they are put to work.

A published method is a subclass that names other defaults and nothing else; a suite may replace any
part of it by another that fits. Parts that do not fit are refused with one sentence before anything
runs.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, NamedTuple

from condensers.composition import compatibility
from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import CondensationLoop
from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.errors import UsageError, WorkFailed
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.networks.precision import AUTO, PRECISIONS
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective, PairwiseObjective
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.parameterisations.pixels import stored_bytes
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.samplers import Sampler
from condensers.parts.setting import RunSetting
from condensers.parts.stopping import StopRule
from condensers.parts.views.base import View, apply_view
from condensers.registry.registry import with_parts
from condensers.sets.origins import LEARNED
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of


class Size(NamedTuple):
    """How large a set is.

    Attributes:
        units: Stored units of a class.
        groups: Bytes that the groups of its parameterisation may take.
        whole: Those of the whole set: groups, labels, and what the objective learns beside them.
    """

    units: int
    groups: int
    whole: int


@dataclass(frozen=True)
class Composition(Condenser):
    """parameterisation x labels x view x sampler x augmentation x objective x regularisers x model
    schedule.

    A field of a part may hold its name or a table, as a suite writes them; `built` has the part
    itself. Code that works on parts is given a built composition.
    """

    iterations: int = hyper(
        1000, unit="steps", help="steps on the images", source="ours", minimum=1
    )
    lr: float = hyper(0.1, help="learning rate of the images", source="ours", minimum=0.0)
    momentum: float = hyper(0.5, help="momentum of SGD, beta 1 of Adam", source="ours", minimum=0.0)
    optimiser: str = hyper(
        "sgd", help="optimiser of the images", source="ours", values=("sgd", "adam")
    )
    halve_at: tuple[float, ...] = hyper(
        (),
        help="parts of the run, 0 to 1, after which all learning rates are halved",
        source="ours",
    )
    batch_real: int = hyper(
        256,
        unit="images",
        help="real images in a step, for each class or in all",
        source="ours",
        minimum=1,
    )
    batch_syn: int = hyper(
        0,
        unit="images per class",
        help="synthetic images in a step, drawn anew; 0: all",
        source="ours: all, as DC and DM (DATM's code: of the set)",
        minimum=0,
    )
    init: str = hyper(
        "real",
        help="what the images start from",
        source="ours",
        values=("noise", "real", "k-means", "centroids", "classified"),
    )
    update: str = hyper(
        "all",
        help="classes whose images one update changes",
        source="ours",
        values=("all", "class"),
    )
    precision: str = hyper(
        "fp32",
        help=(
            "precision of what is not learned; bf16 is an approximation; auto: fp32 or bf16, the"
            " faster one here"
        ),
        source="ours",
        values=PRECISIONS,
    )
    network: NetworkSpec = hyper(
        "convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network"
    )
    parameterisation: Parameterisation = hyper("pixels", source="ours", part="parameterisation")
    labels: LabelModel = hyper("hard", source="ours", part="label model")
    view: View = hyper("identity", source="ours", part="view")
    sampler: Sampler = hyper("random", source="ours", part="sampler")
    augmentation: Augmentation = hyper("dsa", source="DSA, section 4.1", part="augmentation")
    objective: Objective = hyper("mean-embedding", source="ours", part="objective")
    regularisers: tuple[Regulariser, ...] = hyper((), source="ours", part="regulariser")
    model_schedule: ModelSchedule = hyper("fresh", source="ours", part="model schedule")
    stop: StopRule = hyper("never", source="ours", part="stop rule")

    former_keys: ClassVar[Mapping[str, str]] = {"schedule": "model_schedule"}
    origin: ClassVar[str] = LEARNED

    def __init_subclass__(cls) -> None:
        """Refuse a method that was written for an earlier release and would not be obeyed."""
        super().__init_subclass__()
        for old, new in cls.former_keys.items():
            if old in vars(cls).get("__annotations__", {}):
                raise UsageError(f"{cls.__name__}: its field `{old}` is now called `{new}`")

    @cached_property
    def built(self) -> "Composition":
        """This method with all of its parts built and checked to fit."""
        return with_parts(self)

    @property
    def image_terms(self) -> tuple[Regulariser, ...]:
        """The regularisers that are terms of images, of a method that is built."""
        return tuple(term for term in self.regularisers if term.reads_images)

    @property
    def couples_classes(self) -> bool:
        """Whether any part lets the images of one class depend on the other classes."""
        built = self.built
        return (
            built.network.norm == "batch"
            or built.parameterisation.couples_classes
            or built.labels.couples_classes
            or built.view.couples_classes
            or built.objective.couples_classes
            or built.objective.learns_across_classes
            or built.model_schedule.couples_classes
            or built.stop.couples_classes
            or any(term.couples_classes for term in built.regularisers)
        )

    def require_fit(self, where: str) -> None:
        """Require that the parts combine; called once all of them are built."""
        compatibility.require(self, where)

    def learning_rate(self, setting: RunSetting) -> float:
        """Return the rate of what is made of normalised pixels.

        It is `lr` itself, unless the published rule says otherwise.
        """
        return self.lr

    def steps(self, ipc: int) -> int:
        """Return the engine's steps: `iterations`, times those that the schedule takes in each."""
        return self.iterations * self.built.model_schedule.steps(ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return how many images of a class a set of `ipc` decodes to."""
        return self.size(data, ipc).units * self.built.parameterisation.copies

    def images_within(self, data: ClassData, budget: Budget) -> int:
        """Return how many images of a class a set within a budget decodes to."""
        size = self.size(data, budget.ipc_of(self.built, data), budget.nbytes)
        return size.units * self.built.parameterisation.copies

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the stored bytes of a whole set: groups, labels, and what the objective learns
        beside them.
        """
        return self.size(data, ipc).whole

    def size(self, data: ClassData, ipc: int, nbytes: int | None = None) -> Size:
        """Return how large a set is.

        A parameterisation that fills bytes with as many units as fit has soft labels and all that
        is learned beside it within those bytes; with others they come on top.

        Args:
            data: The real images.
            ipc: Images per class; as many units there are at the least.
            nbytes: Bytes to fill; those of `ipc` uint8 images and their hard labels if None.
        """
        part, labels = self.built.parameterisation, self.built.labels
        total, known = nbytes or stored_bytes(data, ipc), len(data.class_names)
        label = labels.nbytes(known, 1, part.copies)
        within = part.units_within(data, total, label)
        units = part.units(data, ipc) if within is None else max(ipc, within)
        count = units * len(data.classes)
        beside = labels.nbytes(known, count, count * part.copies)
        beside += self.built.objective.extra_bytes(units * part.copies)
        if within is not None and within >= ipc:
            return Size(units, total - beside, total)
        groups = part.nbytes(data, ipc)
        return Size(units, groups, groups + beside)

    def units_in_step(self, units: int) -> int:
        """How many of a class's stored `units` a step takes, by a method whose parts are built."""
        if not self.batch_syn:
            return units
        return min(units, math.ceil(self.batch_syn / self.parameterisation.copies))

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Return networks and about how many images pass each, forward and backward."""
        teaching = self.built.labels.image_passes(self.built.network, data)
        return self.matching_passes(data, ipc) + teaching

    def matching_passes(self, data: ClassData, ipc: int) -> list[tuple[NetworkSpec, float]]:
        """Return those of `image_passes` that come before the images are finished, which leaves a
        teacher of their labels out.
        """
        built, steps, classes = self.built, self.steps(ipc), len(data.classes)
        objective, schedule = built.objective, built.model_schedule
        images = self.images_per_class(data, ipc) * classes
        batches = classes if isinstance(objective, PairwiseObjective) else 1
        real = built.batch_real * batches if objective.real else 0
        of_real, of_synthetic = objective.passes
        own = schedule.preparation(data) + schedule.passes(steps, images, ipc)
        if built.view.varies and schedule.keeps_statistics:  # they are read again once it has ended
            own += schedule.preparation(data)
        part = built.parameterisation
        units = images // part.copies
        taken = built.units_in_step(units // classes) * classes * part.copies
        taken = objective.synthetic_in_step(taken)
        matching = schedule.real_sides(steps) * real * of_real + steps * taken * of_synthetic
        matching += steps * sum(term.passes(part, units) for term in built.regularisers)
        given = schedule.networks_of(built.network)
        return [
            *((network, (matching + own) / len(given)) for network in given),
            *part.image_passes(data),
            *built.stop.image_passes(steps, images, classes),
            *built.view.preparation(data),
        ]

    def passes_shared(self, data: ClassData) -> list[tuple[NetworkSpec, float]]:
        """Return the training of the networks that its model schedule trains first."""
        return self.built.model_schedule.passes_shared(self.built.network, data)

    def begin(
        self, data: ClassData, ipc: int, context: Context, nbytes: int | None = None
    ) -> CondensationLoop:
        """Return the loop before its first step.

        Args:
            data: The real images, on the context's device.
            ipc: Images per class.
            context: What the run is lent.
            nbytes: Bytes to fill, as for `size`.
        """
        method = self.settle(data, nbytes or stored_bytes(data, ipc))[0]
        seen, held = method.stop.split(data, context.fork("stop").generator)
        view = apply_view(method.view, seen, context.fork("view"))
        size = method.size(data, ipc, nbytes)
        per_class = size.units * method.parameterisation.copies
        augmentation = method.augmentation.for_data(data)
        setting = RunSetting(
            view.data,
            method.network,
            augmentation,
            context,
            ipc,
            per_class,
            held,
            view,
            matched=view.matched,
            nbytes=size.groups,
        )
        trained = method.model_schedule.train_first(setting)
        setting = replace(setting, trained=trained)
        start = starting_images(
            view.data, per_class, method.init, context.generator, context, trained
        )
        return CondensationLoop(method, setting, start)

    def settle(self, data: ClassData, nbytes: int) -> "tuple[Composition, Mapping[str, object]]":
        """Return the method with what data and bytes decide in its parameterisation."""
        built = self.built
        part, entries = built.parameterisation.settle(data, nbytes)
        same = part is built.parameterisation
        return (built if same else replace(built, parameterisation=part).built), entries

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """Learn a set of `data` within `budget`; an interrupted run goes on from its folder.

        A parameterisation that fills bytes fills those of a budget in bytes, whatever its ipc.
        """
        begun = time.perf_counter()
        data = data.to(context.device)
        ipc = budget.ipc_of(self.built, data)
        method, settled = self.settle(data, budget.nbytes or stored_bytes(data, ipc))
        loop = method.begin(data, ipc, context, budget.nbytes)
        # What was prepared once and kept (experts, masks) counts in full, even if this run found it
        # ready.
        setup = max(time.perf_counter() - begun, loop.schedule.prepared_seconds)
        advice = method.objective.advise(data.device)
        learning = engine.run(loop, method.steps(ipc), context, method.registered, advice)
        begun = time.perf_counter()
        loop.see(1.0)
        entries = loop.watcher.choose(loop.set)
        # The loss of the last step is that before it; as uint8 a NaN would become black without a
        # word.
        if not all(bool(one.isfinite().all()) for one in loop.set.tensors().values()):
            raise WorkFailed(
                f"{method.registered}: what it learned is not finite; lower its learning rate"
            )
        tensors = loop.set.stored()
        seconds = setup + learning + time.perf_counter() - begun
        if loop.setting.view is not None:
            entries = loop.setting.view.card_entries | entries
            seconds += loop.setting.view.seconds
        entries = {**entries, **loop.describe_terms(), **loop.set.label_entries}
        if context.device.type == "cuda":
            entries = entries | {"steps": loop.captures.describe()}
        recipe = {"labels": method.labels.form} | method.objective.recipe()
        entries = {**settled, **method.labels.card_entries, **entries}
        card = card_of(method, data, context, ipc, recipe) | entries
        card["images_per_class"] = loop.setting.per_class
        if method.precision == AUTO:
            card["precision"] = loop.precision
        return SyntheticSet(tensors, card, cost_of(seconds, context))
