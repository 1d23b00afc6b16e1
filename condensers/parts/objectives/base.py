"""What an objective is given, and what it must say of itself.

An objective is a frozen dataclass of its hyperparameters. There are two kinds: one compares real
and synthetic images class by class (`kind = "pairs"`), the other looks at the set as a whole (`kind
= "whole"`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from condensers.parts.setting import Setting


class Pair(NamedTuple):
    """The images of one class, both augmented with the same draw: (n, C, H, W) float32
    normalised.
    """

    label: int
    real: Tensor
    synthetic: Tensor


@dataclass(frozen=True)
class Whole:
    """The set as it is at one step, and a batch of real images of all classes.

    images: (M, C, H, W), ordered by class, not augmented, differentiable. labels: (M,) int64, or
    (M, K) float, then differentiable. real, real_labels: a batch drawn over all classes, (n, C, H,
    W) and (n,) int64; n = 0 where the objective wants none. extra: the objective's own learned
    tensors. augment: per-image augmentation, a new draw at every call.
    """

    images: Tensor
    labels: Tensor
    real: Tensor
    real_labels: Tensor
    extra: dict[str, Tensor]
    augment: Callable[[Tensor], Tensor]
    setting: Setting

    @property
    def generator(self) -> torch.Generator:
        return self.setting.generator


class Learned(NamedTuple):
    """A tensor that an objective learns beside images and labels. stored: whether it belongs to the
    set and its bytes.
    """

    start: Tensor
    lr: float
    stored: bool


class Objective(Protocol):
    """A loss over real and synthetic images under what the schedule gives.

    needs: "network" (an nn.Module), "segment" (a stretch of an expert's path) or "nothing". real:
    whether real images are drawn. couples_classes: whether the loss of one class depends on the
    others. kind "pairs": `joint` says whether one loss wants several classes at once (cheaper) or
    one class at a time (less memory); `loss(network, pairs)` is the sum over the pairs,
    differentiable in the synthetic images. Where what it reads from real images is a mean over each
    pair's, `statistics(network, pairs)` gives that alone, without a graph, as a list of tensors
    (len(pairs), ...), and `loss(network, pairs, statistics)` reads no real image: then schedules
    may keep it for several steps. kind "whole": `loss(given, whole)` is a scalar. An objective with
    a reverse pass of its own has `backward(given, whole)` in its place, which adds to the `.grad`
    of whole's leaves by torch.autograd.backward and returns the loss as a number. It may learn more
    than images and labels: `extras(setting)` are those tensors, `project(extra)` keeps them valid
    after each step, `pack(extra)` gives them as stored, `extra_bytes(per_class)` how many bytes
    they take for so many decoded images of a class, `recipe()` what the card tells those who train
    on the set.
    """

    registered: ClassVar[str]
    kind: ClassVar[str]
    needs: ClassVar[str]
    real: ClassVar[bool]
    couples_classes: ClassVar[bool]
    joint: ClassVar[bool]

    def loss(self, given: nn.Module | Any, material: Sequence[Pair] | Whole) -> Tensor: ...


def extras(objective: Any, setting: Setting) -> dict[str, Learned]:
    """What `objective` learns beside images and labels: its `extras(setting)`, or nothing."""
    found: dict[str, Learned] = objective.extras(setting) if hasattr(objective, "extras") else {}
    return found
