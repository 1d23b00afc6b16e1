"""Trajectory matching: some steps of training on the set should bring a network where an expert got
in epochs of real training.

L = || theta_N - theta*_{t+M} ||^2 / || theta*_t - theta*_{t+M} ||^2,   theta_0 = theta*_t,
theta_{s+1} = theta_s - a g_s

with g_s the gradient of the mean cross-entropy of a chunk of the set, each image augmented by
itself, and a learned. Source: Cazenavette et al., "Dataset Distillation by Matching Training
Trajectories" (MTT, CVPR 2022), eq. 2 and algorithm 1.

reverse: "graph" keeps the graph of all steps (the authors' way; where steps are recorded on a
graphics card, it is taken as "recomputed"). "recomputed" gives the same
gradient with memory that does not grow with the graph
(`condensers.parts.objectives.differentiable_sgd`). "tesla" is the gradient of Cui et al., "Scaling
Up Dataset Distillation to ImageNet-1K with Constant Memory" (ICML 2023), section 3: with G = sum_s
g_s, of

    2 / || theta*_t - theta*_{t+M} ||^2  *  ( a (theta*_{t+M} - theta*_t) + a^2 G ) . g_s

where each g_s is taken at a theta_s that is held still. It is MTT's gradient without the terms by
which a step moves the points at which later gradients are taken: equal to it for N = 1, an
approximation otherwise, whose error vanishes against the gradient as the rate does. The same terms
are left out of the gradient of the rate. The rate is kept positive (ours).

A share `shallow` of the parameters, those of the first layers, can be left out of both distances
(PAD, arXiv 2408.03360), and steps of a loss above `threshold` can be left out, which an expert's
segment gives that the set cannot follow (DATM's code).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Learned, Whole, WholeSetObjective
from condensers.parts.objectives.differentiable_sgd import Descent, Step, send_steps
from condensers.parts.setting import Given, Needs, RunSetting, Segment

LEAST_RATE = 1e-5
LEAST_DISTANCE = 1e-20


@final
@dataclass(frozen=True)
class Trajectory(WholeSetObjective):
    """Distance to where an expert got, after some steps of training on the set from where it
    began.
    """

    steps: int = hyper(
        20,
        unit="steps",
        help="steps on the set, N",
        source="MTT's example for CIFAR-100",
        minimum=1,
    )
    batch_syn: int | None = hyper(
        None,
        unit="images",
        help="images in a step; the whole set if left out",
        source="MTT's code",
        minimum=1,
    )
    lr: float = hyper(
        0.01,
        help="learning rate of the steps, at the beginning",
        source="MTT's code",
        minimum=LEAST_RATE,
    )
    lr_lr: float = hyper(
        1e-5, help="learning rate of the learned learning rate", source="MTT's code", minimum=0.0
    )
    reverse: str = hyper(
        "graph",
        help="how the gradient is taken back through the steps",
        source="MTT's code",
        values=("graph", "recomputed", "tesla"),
    )
    shallow: float = hyper(
        0.0,
        help="share of the parameters, from the first layer on, that no distance counts, below 1",
        source="MTT, eq. 2 (PAD: by images per class)",
        minimum=0.0,
    )
    threshold: float | None = hyper(
        None,
        help="greatest loss that is descended; above it a step changes nothing; left out: any",
        source="MTT's code (DATM's: 1)",
        minimum=0.0,
    )

    registered: ClassVar[str] = "trajectory"
    needs: ClassVar[Needs] = Needs.SEGMENT
    real: ClassVar[bool] = False
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("hard", "probabilities")

    def __post_init__(self) -> None:
        if self.shallow >= 1:
            raise UsageError(
                f"objective trajectory.shallow: {self.shallow} must be below 1, or no parameter is"
                " left"
            )

    @property
    def passes(self) -> tuple[float, float]:
        """Real and synthetic image passes a step: those of each step of the network."""
        return 0.0, self.steps * (2.5 if self.reverse == "graph" else 3.5)

    def synthetic_in_step(self, images: int) -> int:
        """Return how many images a step of the network is on."""
        return min(images, self.batch_syn or images)

    def extras(self, setting: RunSetting) -> dict[str, Learned]:
        """The learned rate, (1,)."""
        return {
            "rates": Learned(
                torch.full((1,), self.lr, device=setting.data.device), self.lr_lr, stored=True
            )
        }

    def project(self, extra: dict[str, Tensor]) -> None:
        """Keep the rate positive: one that is not undoes what it learns."""
        extra["rates"].clamp_(min=LEAST_RATE)

    def recipe(self) -> dict[str, Any]:
        """Networks are to be trained at the rate that was learned with the images."""
        return {"lr": "rates"}

    def extra_bytes(self, per_class: int) -> int:
        """Return the bytes of the learned rate, one float32."""
        return 4

    def loss(self, given: Given, whole: Whole) -> Tensor:
        """Return the distance, with the graph of all steps."""
        segment = _segment(given)
        end = self._descent(segment, whole).unroll(segment.start)
        return self._distance(end, segment)

    def backward(self, given: Given, whole: Whole) -> float | Tensor:
        """Add the gradient to what is learned, by the way `reverse`; return the distance."""
        if self.reverse == "graph" and not whole.captures.on:
            loss = self.loss(given, whole)
            if self._descends(loss):
                torch.autograd.backward(loss, inputs=list(whole.leaves) or None)
            return loss.detach()
        segment = _segment(given)
        descent = self._descent(segment, whole)
        path = descent.walk(segment.start)
        end = path[-1].requires_grad_()
        loss = self._distance(end, segment)
        if self._descends(loss):
            adjoint = torch.autograd.grad(loss, end)[0]
            descent.reverse(path, adjoint, through_path=self.reverse != "tesla")
        return loss.detach()

    def _distance(self, end: Tensor, segment: Segment) -> Tensor:
        """The distance of the parameters that count."""
        first = int(self.shallow * len(end))
        return trajectory_matching(end[first:], segment.start[first:], segment.target[first:])

    def _descends(self, loss: Tensor) -> bool:
        """Whether a step of this loss is taken; one that is no number is, for the run to end."""
        return self.threshold is None or not float(loss.detach()) > self.threshold

    def _descent(self, segment: Segment, whole: Whole) -> Descent:
        setting = whole.setting
        batches = chunks(
            len(whole.images), self.batch_syn or len(whole.images), self.steps, setting.generator
        )
        drawn = [
            Step(chosen, setting.augmentation.draw(len(chosen), setting.shape, setting.generator))
            for chosen in batches
        ]
        steps = send_steps(drawn, whole.images.device)
        return Descent(segment.network, whole, whole.extra["rates"].expand(self.steps), steps)


def _segment(given: Given) -> Segment:
    assert isinstance(given, Segment), "compatibility of the parts is checked before a run begins"
    return given


def trajectory_matching(end: Tensor, start: Tensor, target: Tensor) -> Tensor:
    """Return the squared distance of `end` from `target`, in units of that of `start`.

    Args:
        end: (P,), the parameters after the steps on the set, differentiable.
        start: (P,), those of the expert at the beginning of the segment.
        target: (P,), those of the expert at its end.

    Returns:
        A scalar: 0 at the target, 1 for a network that has not moved.

    >>> start, target = torch.zeros(4), torch.full((4,), 2.0)
    >>> trajectory_matching(torch.ones(4), start, target)
    tensor(0.2500)
    """
    return (end - target).square().sum() / (start - target).square().sum().clamp_min(LEAST_DISTANCE)


def chunks(images: int, batch: int, steps: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Positions of the images of each step: random permutations of all, one after the other, cut
    into batches.
    """
    waiting: list[Tensor] = []
    for _ in range(steps):
        if not waiting:
            waiting = list(torch.split(torch.randperm(images, generator=generator), batch))
        yield waiting.pop()
