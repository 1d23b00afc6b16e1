"""When learning ends before its last step.

A stop rule is a frozen dataclass of its hyperparameters; `begin(method, setting)` starts one run of
it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context, derive_seed
from condensers.errors import UsageError
from condensers.hyperparameters import Part, hyper
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.setting import RunSetting
from condensers.training.classifier import Training, accuracy, train

if TYPE_CHECKING:
    from condensers.composition.composition import Composition


class SetState(ABC):
    """The set while it is learned, as a stop rule sees it.

    Attributes:
        groups: The tensors of the parameterisation.
    """

    groups: dict[str, Tensor]

    @abstractmethod
    def labels(self) -> Tensor:
        """Return the labels in use, (M,) int64 or (M, K) float."""

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """Return a copy of every learned tensor by name."""

    @abstractmethod
    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave earlier."""


class StopWatcher(ABC):
    """A stop rule in a run."""

    @property
    def finished(self) -> bool:
        """Whether no further step is wanted."""
        return False

    @abstractmethod
    def after(self, index: int, learned: SetState) -> None:
        """Look at the set after step `index`, counted from 0."""

    @abstractmethod
    def choose(self, learned: SetState) -> dict[str, Any]:
        """Put back the state that is to be stored, once no step follows; return card entries."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


class StopRule(Part):
    """Decides when learning ends, and which state of the set is stored."""

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether what one class becomes depends on the others through this rule."""

    @abstractmethod
    def begin(self, method: "Composition", setting: RunSetting) -> StopWatcher:
        """Start a run of `method`, whose parts are built."""

    def split(
        self, data: ClassData, generator: torch.Generator
    ) -> tuple[ClassData, ClassData | None]:
        """Return the images that are learned from, and those held out for the rule."""
        return data, None

    def image_passes(
        self, steps: int, images: int, classes: int
    ) -> list[tuple[NetworkSpec, float]]:
        """Return the networks it trains, and about how many images pass each, for estimates.

        Args:
            steps: Steps on the images.
            images: Images of the set, decoded.
            classes: Classes at hand.
        """
        return []


@final
@dataclass(frozen=True)
class Never(StopRule):
    """Never: all steps are taken, and the last state is what counts."""

    registered: ClassVar[str] = "never"
    couples_classes: ClassVar[bool] = False

    def begin(self, method: "Composition", setting: RunSetting) -> "NeverStops":
        """Start a run, which has no state."""
        return NeverStops()


class NeverStops(StopWatcher):
    """Has no state."""

    def after(self, index: int, learned: SetState) -> None:
        """Do nothing."""

    def choose(self, learned: SetState) -> dict[str, Any]:
        """Keep the last state."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing up."""


@final
@dataclass(frozen=True)
class Validation(StopRule):
    """Early stop: learning ends when a small network trained on the set has not scored better on
    real images held out for some checks; the best set is kept.

    every E steps:  a_t = accuracy on V of a network trained on S_t;  stop once  max a  is
    `patience` checks old;  S = S_argmax a

    Source: ours (Prechelt, "Early stopping - but when?", 1998, for networks). V is held out of the
    real data that the method was given, class by class, before anything sees them; test data have
    no part in it. S_t is trained on as it would be stored, from the same weights and in the same
    order at every check, so that differences are the set's. Labels of a teacher, which are made
    last, are hard here; learned rates of an objective are not followed. A check is one step's work:
    a run that is stopped during one repeats it. The best score is a maximum over checks, hence no
    measure of the set: it is biased upwards.
    """

    every: int = hyper(
        500, unit="steps", help="steps on the images between checks", source="ours", minimum=1
    )
    patience: int = hyper(
        3,
        unit="checks",
        help="checks without a better score before the run stops",
        source="ours",
        minimum=1,
    )
    images: int = hyper(
        100,
        unit="images per class",
        help="real images held out, at most half of the class",
        source="ours",
        minimum=1,
    )
    network: NetworkSpec = hyper(ConvNetSpec(width=32), source="ours", part="network")
    steps: int = hyper(
        200,
        unit="steps",
        help="steps of training of the validation network on the set",
        source="ours",
        minimum=1,
    )
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    lr: float = hyper(0.01, help="learning rate of the network", source="DC's code", minimum=0.0)

    registered: ClassVar[str] = "validation"
    couples_classes: ClassVar[bool] = True

    def split(self, data: ClassData, generator: torch.Generator) -> tuple[ClassData, ClassData]:
        """What is learned from, and what is held out: nothing of a class with one image; UsageError
        where all are such.
        """
        held: list[Tensor] = []
        for label in data.classes:
            members = data.members(label)
            order = torch.randperm(len(members), generator=generator).to(members.device)
            held.append(members[order[: min(self.images, len(members) // 2)]])
        chosen = torch.cat(held).sort().values
        if not len(chosen):
            raise UsageError(
                f"stop validation: no class of {data.name} has two images, so none can be held out;"
                " take stop never"
            )
        kept = torch.ones(len(data.images), dtype=torch.bool, device=data.device)
        kept[chosen] = False
        here = tuple(sorted(set(data.labels[chosen].tolist())))
        apart = replace(
            data,
            images=data.images[chosen].clone(),
            labels=data.labels[chosen].clone(),
            classes=here,
        )
        return data.subset(kept.nonzero().flatten()), apart

    def image_passes(
        self, steps: int, images: int, classes: int
    ) -> list[tuple[NetworkSpec, float]]:
        """As if no run ended early."""
        return [
            (
                self.network,
                -(-steps // self.every)
                * (self.steps * min(self.batch, images) + classes * self.images / 3),
            )
        ]

    def begin(self, method: "Composition", setting: RunSetting) -> "Checks":
        """Start a run."""
        return Checks(self, method, setting)


class Checks(StopWatcher):
    """One run. scores: one a check. best: the tensors of the set that scored best, and `kept`, its
    number of steps.
    """

    def __init__(self, rule: Validation, method: "Composition", setting: RunSetting) -> None:
        self.rule, self.method, self.setting = rule, method, setting
        self.last = method.steps(setting.ipc)
        self.scores: list[float] = []
        self.best: dict[str, Tensor] = {}
        self.kept = 0

    @property
    def finished(self) -> bool:
        """Whether the best score is as old as patience allows."""
        return (
            bool(self.scores)
            and len(self.scores) - 1 - self.scores.index(max(self.scores)) >= self.rule.patience
        )

    def after(self, index: int, learned: SetState) -> None:
        """A check every so many steps, and after the last one."""
        done = index + 1
        if done % self.rule.every and done != self.last:
            return
        score = self._score(learned)
        if not self.scores or score > max(self.scores):
            self.best, self.kept = learned.tensors(), done
        self.scores.append(score)

    def choose(self, learned: SetState) -> dict[str, Any]:
        """Put back the state that scored best."""
        learned.put(self.best)
        return {"stop": {"kept": self.kept, "scores": list(self.scores)}}

    def _score(self, learned: SetState) -> float:
        """Percentage of the held-out images that a network trained on the present set classifies
        correctly.
        """
        setting, rule, held = self.setting, self.rule, self.setting.held
        assert held is not None
        context = Context(derive_seed(setting.context.seed, "validation"), setting.data.device)
        part = self.method.parameterisation
        images = part.decode_stored(part.pack(learned.groups, setting.data), setting.data)
        network = networks.build(
            rule.network, setting.shape, setting.classes, context.generator, setting.data.device
        )
        loss = (
            "mse"
            if self.method.labels.learned and self.method.labels.form == "scores"
            else "cross-entropy"
        )
        recipe = Training(
            steps=rule.steps,
            lr=rule.lr,
            batch=rule.batch,
            augmentation=self.method.evaluation,
            loss=loss,
        )
        train(network, images, learned.labels().detach(), recipe, setting.data, context, "check")
        return accuracy(network, held)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"scores": list(self.scores), "best": dict(self.best), "kept": self.kept}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.scores, self.best, self.kept = (
            list(state["scores"]),
            dict(state["best"]),
            state["kept"],
        )
