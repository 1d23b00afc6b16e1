"""Composition: the parts that every learned method is made of, and how they are put to work.

A published method is a subclass that names other defaults and nothing else; a suite may replace any
part of it by another that fits. Parts that do not fit are refused with one sentence before anything
runs.
"""

import time
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import compatibility
from condensers.composition.initialisation import starting_images
from condensers.composition.matching_loop import SetLoop
from condensers.data import ClassData
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.errors import WorkFailed
from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.parts.setting import Setting
from condensers.parts.views.base import viewed
from condensers.registry.registry import NETWORKS, with_parts
from condensers.sets.origins import LEARNED
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of


@dataclass(frozen=True)
class Composition:
    """parameterisation x labels x view x sampler x augmentation x objective x regularisers x
    schedule.
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
    init: str = hyper(
        "real",
        help="what the images start from",
        source="ours",
        values=("noise", "real", "k-means", "centroids"),
    )
    update: str = hyper(
        "all",
        help="classes whose images one update changes",
        source="ours",
        values=("all", "class"),
    )
    precision: str = hyper(
        "fp32",
        help="precision of what is not learned; bf16 is an approximation",
        source="ours",
        values=PRECISIONS,
    )
    network: Any = hyper("convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network")
    parameterisation: Any = hyper("pixels", source="ours", part="parameterisation")
    labels: Any = hyper("hard", source="ours", part="label model")
    view: Any = hyper("identity", source="ours", part="view")
    sampler: Any = hyper("random", source="ours", part="sampler")
    augmentation: Any = hyper("dsa", source="DSA, section 4.1", part="augmentation")
    objective: Any = hyper("mean-embedding", source="ours", part="objective")
    regularisers: tuple[Any, ...] = hyper((), source="ours", part="regulariser")
    schedule: Any = hyper("fresh", source="ours", part="schedule")
    stop: Any = hyper("never", source="ours", part="stop rule")

    registered: ClassVar[str]
    evaluation: ClassVar[str]
    origin: ClassVar[str] = LEARNED

    @property
    def couples_classes(self) -> bool:
        """Whether any part lets the images of one class depend on the other classes."""
        whole = with_parts(self)
        parts = (
            whole.parameterisation,
            whole.labels,
            whole.view,
            whole.objective,
            whole.schedule,
            whole.stop,
            *whole.regularisers,
        )
        return (
            any(part.couples_classes for part in parts)
            or getattr(NETWORKS.create(self.network), "norm", "") == "batch"
        )

    def require_fit(self, where: str) -> None:
        """UsageError with one sentence where the parts do not combine; called once all of them are
        built.
        """
        compatibility.require(self, where)

    def learning_rate(self, setting: Setting) -> float:
        """Of what is made of normalised pixels; `lr` itself, unless the published rule says
        otherwise.
        """
        return self.lr

    def steps(self, ipc: int) -> int:
        """Engine steps: `iterations`, times the steps that the schedule takes with each of its
        networks.
        """
        return self.iterations * int(with_parts(self).schedule.steps(ipc))

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """How many images of a class a set of `ipc` decodes to."""
        part = with_parts(self).parameterisation
        return int(part.units(data, ipc) * part.copies)

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of a whole set: groups, labels, and what the objective learns beside
        them.
        """
        whole = with_parts(self)
        units = whole.parameterisation.units(data, ipc) * len(data.classes)
        labels = whole.labels.nbytes(
            len(data.class_names), units, units * whole.parameterisation.copies
        )
        per_class = self.images_per_class(data, ipc)
        more = (
            whole.objective.extra_bytes(per_class) if hasattr(whole.objective, "extra_bytes") else 0
        )
        return int(whole.parameterisation.nbytes(data, ipc) + labels + more)

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward."""
        whole, steps, classes = with_parts(self), self.steps(ipc), len(data.classes)
        images = self.images_per_class(data, ipc) * classes
        real = (
            whole.batch_real * (classes if whole.objective.kind == "pairs" else 1)
            if whole.objective.real
            else 0
        )
        weights = getattr(whole.objective, "passes", (1.0, 1.0))
        sides = whole.schedule.real_sides(steps) if hasattr(whole.schedule, "real_sides") else steps
        before = whole.schedule.preparation(data) if hasattr(whole.schedule, "preparation") else 0.0
        own = before + whole.schedule.passes(steps, images, ipc)
        checks = whole.stop.image_passes(steps, images, classes)
        masks = whole.view.preparation(data) if hasattr(whole.view, "preparation") else []
        return [
            (self.network, sides * real * weights[0] + steps * images * weights[1] + own),
            *checks,
            *masks,
        ]

    def begin(self, data: ClassData, ipc: int, context: Context) -> SetLoop:
        """The loop before its first step, for `data` on the context's device."""
        method = with_parts(self)
        seen, held = method.stop.split(data, context.fork("stop").generator)
        view = viewed(method.view, seen, context.fork("view"))
        per_class = method.images_per_class(data, ipc)
        setting = Setting(
            view.data,
            method.network,
            method.augmentation.for_data(data),
            context,
            ipc,
            per_class,
            held,
            view,
        )
        return SetLoop(
            method,
            setting,
            starting_images(view.data, per_class, method.init, context.generator, context),
        )

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """Learn a set of `data` within `budget`; resumes from the context's folder."""
        begun = time.perf_counter()
        method = with_parts(self)
        data = data.to(context.device)
        ipc = budget.ipc_of(method, data)
        loop = method.begin(data, ipc, context)
        # What was prepared once and kept (experts, masks) counts in full, also where this run found
        # it ready.
        view = loop.setting.view
        setup = (
            max(time.perf_counter() - begun, getattr(loop.schedule, "prepared_seconds", 0.0))
            + view.seconds
        )
        learning = engine.run(loop, method.steps(ipc), context, method.registered)
        begun = time.perf_counter()
        chosen = loop.watch.choose(loop.set)
        # The loss of the last step is that before it; as uint8 a NaN would become black without a
        # word.
        if not all(bool(one.isfinite().all()) for one in loop.set.tensors().values()):
            raise WorkFailed(
                f"{method.registered}: what it learned is not finite; lower its learning rate"
            )
        tensors = loop.set.stored()
        recipe = {"labels": method.labels.form} | (
            method.objective.recipe() if hasattr(method.objective, "recipe") else {}
        )
        seconds = setup + learning + time.perf_counter() - begun
        return SyntheticSet(
            tensors,
            card_of(method, data, context, ipc, recipe) | view.said | chosen,
            cost_of(seconds, context),
        )
