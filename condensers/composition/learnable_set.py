"""A set while it is learned: its groups of tensors, their optimiser, the images and labels they
stand for.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.engine import optimiser_state
from condensers.parts.labels import SOFT_DTYPES, hard_labels, stored_hard
from condensers.parts.objectives.base import extras
from condensers.parts.setting import Setting


class Learnable:
    """groups: the parameterisation's tensors. labels: the learned label tensor, or None. extra: the
    objective's own tensors.

    `method` names the parts (see `condensers.composition.composition.Composition`); `start` are the
    first images, ordered by class.
    """

    def __init__(self, method: Any, setting: Setting, start: Tensor) -> None:
        self.method, self.setting, self.part = method, setting, method.parameterisation
        self.groups: dict[str, Tensor] = self.part.groups(start, setting.data, setting.context)
        self.hard = hard_labels(setting)
        self.scores = method.labels.start(setting) if method.labels.learned else None
        self.learned = extras(method.objective, setting)
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
        rates, rate = getattr(self.part, "rates", {}), method.learning_rate(self.setting)
        for name, tensor in tensors.items():
            kind, _, own = name.partition(".")
            lr = rate * rates.get(own, 1.0) if kind == "group" else rate
            if kind == "labels" and method.labels.lr is not None:
                lr = method.labels.lr
            if kind == "extra":
                lr = self.learned[own].lr
            parameters.append({"params": [tensor], "lr": lr})
        if method.optimiser == "adam":
            return torch.optim.Adam(parameters, lr=method.lr, betas=(method.momentum, 0.999))
        return torch.optim.SGD(parameters, lr=method.lr, momentum=method.momentum)

    def slow(self, done: float) -> None:
        """The learning rates for a step after this part of the run, 0 to 1."""
        factor = 0.5 ** sum(done >= part for part in self.method.halve_at)
        for group, rate in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def of_classes(self, positions: Sequence[int]) -> list[Tensor]:
        """The images (per_class, C, H, W) of each class at `positions` (in a row), decoded at once;
        differentiable.
        """
        units = self.setting.per_class // self.part.copies
        images = self.part.decode(
            self.groups, slice(positions[0] * units, (positions[-1] + 1) * units)
        )
        return list(torch.split(images, self.setting.per_class))

    def images(self) -> Tensor:
        """All images (M, C, H, W), ordered by class, differentiable."""
        images: Tensor = self.part.decode(self.groups, slice(None))
        return images

    def labels(self) -> Tensor:
        """(M,) int64, or (M, K) float, differentiable, where they are learned."""
        return self.hard if self.scores is None else self.method.labels.decode(self.scores)

    def present(self) -> tuple[Tensor, Tensor]:
        """Images and labels as they are now, without a graph."""
        with torch.no_grad():
            return self.images().clone(), self.labels().clone()

    def project(self) -> None:
        """Put everything back where it is valid."""
        with torch.no_grad():
            self.part.project(self.groups, self.setting.data)
            if hasattr(self.method.objective, "project"):
                self.method.objective.project(self.extra)

    def tensors(self) -> dict[str, Tensor]:
        """A copy of every learned tensor by name."""
        return {name: tensor.detach().clone() for name, tensor in self._tensors().items()}

    def put(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                tensor.copy_(tensors[name])

    def state_dict(self) -> dict[str, Any]:
        return {"tensors": self.tensors(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.put(state["tensors"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])

    def stored(self) -> dict[str, Tensor]:
        """The tensors of the finished set, labels included; a teacher is trained here where labels
        are a teacher's.
        """
        groups: dict[str, Tensor] = self.part.pack(self.groups, self.setting.data)
        extra = {
            name: tensor.detach()
            for name, tensor in self.extra.items()
            if self.learned[name].stored
        }
        if hasattr(self.method.objective, "pack"):
            extra = self.method.objective.pack(extra)
        return (
            groups
            | {name: tensor.cpu() for name, tensor in extra.items()}
            | {"labels": self._stored_labels(groups)}
        )

    def _stored_labels(self, groups: Mapping[str, Tensor]) -> Tensor:
        model = self.method.labels
        if model.learned:
            return self.labels().detach().to(SOFT_DTYPES[model.storage]).cpu()
        return finished_labels(model, self.part, groups, self.setting)


def finished_labels(
    model: Any, part: Any, groups: Mapping[str, Tensor], setting: Setting
) -> Tensor:
    """The labels of packed groups, where none were learned, as stored: one a unit, or a teacher's
    row for each image.
    """
    if model.form == "hard":
        return stored_hard(setting.data.classes, setting.per_class // part.copies, setting.classes)
    soft: Tensor = model.finish(stored_images(part, groups, setting.data), setting)
    return soft.to(SOFT_DTYPES[model.storage]).cpu()


def stored_images(part: Any, groups: Mapping[str, Tensor], data: Any) -> Tensor:
    """What packed groups decode to, on the data's device."""
    moved = {name: tensor.to(data.device) for name, tensor in groups.items()}
    images: Tensor = part.unpack(moved, data.mean, data.std, data.shape)
    return images


def valid_range(mean: Sequence[float], std: Sequence[float], like: Tensor) -> tuple[Tensor, Tensor]:
    """The normalised values of black and white, (C, 1, 1) each."""
    column = torch.tensor([list(mean), list(std)], device=like.device, dtype=like.dtype).view(
        2, -1, 1, 1
    )
    return (0 - column[0]) / column[1], (1 - column[0]) / column[1]
