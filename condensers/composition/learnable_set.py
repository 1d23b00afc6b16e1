"""A set while it is learned: its tensors, their optimiser, and what images and labels they give."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from condensers.engine import optimiser_state
from condensers.engine.devices import fused, send
from condensers.parts.labels import AssignedLabels, OptimisedLabels, hard_labels, store_soft
from condensers.parts.parameterisations.base import Units
from condensers.parts.setting import RunSetting
from condensers.parts.stopping import SetState

if TYPE_CHECKING:
    from condensers.composition.composition import Composition


class LearnableSet(SetState):
    """The tensors that a method learns, and their optimiser.

    Attributes:
        groups: The tensors of the parameterisation.
        scores: The learned label tensor, or None.
        extra: The objective's own tensors.
        leaves: All of these.
        label_entries: What the card says of assigned labels, once they are stored.
    """

    label_entries: Mapping[str, Any] = {}

    def __init__(self, method: "Composition", setting: RunSetting, start: Tensor) -> None:
        """Begin with images.

        Args:
            method: Its parts are built.
            setting: What the run lends.
            start: (classes * per_class, C, H, W) float32, normalised, ordered by class.
        """
        self.method, self.setting, self.part = method, setting, method.parameterisation
        groups = self.part.groups(start, setting.data, setting.context)
        self.groups = groups if setting.nbytes is None else self.part.allot(groups, setting.nbytes)
        self.hard, model = hard_labels(setting), method.labels
        self.scores: Tensor | None = None
        if isinstance(model, OptimisedLabels):
            with torch.no_grad():
                self.scores = model.start(setting, self.images())
        self.learned = method.objective.extras(setting)
        self.extra = {name: one.start.clone() for name, one in self.learned.items()}
        tensors = self._tensors()
        for tensor in tensors.values():
            tensor.requires_grad_(True)
        self.leaves = list(tensors.values())
        self.optimiser = self._optimiser(tensors)
        self.rates = [float(group["lr"]) for group in self.optimiser.param_groups]

    def _tensors(self) -> dict[str, Tensor]:
        """Every learned tensor by a name of its own."""
        scores = {} if self.scores is None else {"labels": self.scores}
        return (
            {f"group.{n}": t for n, t in self.groups.items()}
            | scores
            | {f"extra.{n}": t for n, t in self.extra.items()}
        )

    def _optimiser(self, tensors: Mapping[str, Tensor]) -> torch.optim.Optimizer:
        method, parameters = self.method, []
        rates, rate = self.part.rates, method.learning_rate(self.setting)
        for name, tensor in tensors.items():
            kind, _, own = name.partition(".")
            lr = rate * rates.get(own, 1.0) if kind == "group" else rate
            settings: dict[str, float] = {}
            labels = method.labels
            if kind == "labels" and isinstance(labels, OptimisedLabels):
                lr = lr if labels.lr is None else labels.lr
                if labels.momentum is not None and method.optimiser == "sgd":
                    settings = {"momentum": labels.momentum}
            if kind == "extra":
                lr = self.learned[own].lr
            parameters.append({"params": [tensor], "lr": lr, **settings})
        whether = fused(self.setting.data.device)
        if method.optimiser == "adam":
            betas = method.momentum, 0.999
            return torch.optim.Adam(parameters, lr=method.lr, betas=betas, fused=whether)
        return torch.optim.SGD(parameters, lr=method.lr, momentum=method.momentum, fused=whether)

    def slow(self, done: float) -> None:
        """Set the learning rates for a step after this part of the run, 0 to 1."""
        factor = 0.5 ** sum(done >= part for part in self.method.halve_at)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def of_classes(self, positions: Sequence[int]) -> list[Tensor]:
        """Return the images of some classes, decoded at once: all, or as many of each, drawn anew,
        as a step takes.

        Args:
            positions: Of the classes, one after the other without a gap.

        Returns:
            (n, C, H, W) for each class, differentiable.
        """
        each = self.setting.per_class // self.part.copies
        taken = self.method.units_in_step(each)
        units: Units = slice(positions[0] * each, (positions[-1] + 1) * each)
        if taken < each:
            drawn = [
                position * each + torch.randperm(each, generator=self.setting.generator)[:taken]
                for position in positions
            ]
            units = send(torch.cat(drawn), self.setting.data.device)
        images = self.part.decode(self.groups, units)
        return list(torch.split(images, taken * self.part.copies))

    def images(self) -> Tensor:
        """Return all images, (M, C, H, W), ordered by class, differentiable."""
        return self.part.decode(self.groups, slice(None))

    def labels(self) -> Tensor:
        """Return the labels, (M,) int64; (M, K) float and differentiable if they are learned."""
        model = self.method.labels
        if isinstance(model, OptimisedLabels) and self.scores is not None:
            return model.decode(self.scores)
        return self.hard

    def present(self) -> tuple[Tensor, Tensor]:
        """Return images and labels as they are now, without a graph."""
        with torch.no_grad():
            return self.images().clone(), self.labels().clone()

    def project(self) -> None:
        """Put everything back to where it is valid."""
        with torch.no_grad():
            self.part.project(self.groups, self.setting.data)
            self.method.objective.project(self.extra)

    def tensors(self) -> dict[str, Tensor]:
        """Return a copy of every learned tensor by name."""
        return {name: tensor.detach().clone() for name, tensor in self._tensors().items()}

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave earlier."""
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                tensor.copy_(tensors[name])

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"tensors": self.tensors(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.put(state["tensors"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])

    def stored(self) -> dict[str, Tensor]:
        """Return the tensors of the finished set, labels included; a teacher is trained here."""
        groups = self.part.pack(self.groups, self.setting.data)
        extra = {
            name: tensor.detach()
            for name, tensor in self.extra.items()
            if self.learned[name].stored
        }
        extra = self.method.objective.pack(extra)
        return (
            groups
            | {name: tensor.cpu() for name, tensor in extra.items()}
            | {"labels": self._stored_labels(groups)}
        )

    def _stored_labels(self, groups: Mapping[str, Tensor]) -> Tensor:
        model = self.method.labels
        if isinstance(model, OptimisedLabels):
            return store_soft(self.labels(), model.storage, model.form)
        assert isinstance(model, AssignedLabels)
        labels, self.label_entries = model.assign_recorded(self.part, groups, self.setting)
        return labels
