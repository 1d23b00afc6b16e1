"""rate: what is learned is to fit the bytes that it may take, whatever the objective.

L = lambda R,  lambda = mu |grad of the objective| / |grad of R|
log mu <- log mu_0 + P e + I sum e,  e = log( R / budget ),  each step

R: the bits that the parameterisation estimates, times what the coder took of the estimate when it
was last asked; budget: what the set may take, approached from where the run begins in equal factors
a step, and reached after a part of the run. The norms make mu a number without a unit, so that one
setting serves losses of any scale. The last bytes are the parameterisation's to save: what is
stored never takes more than it may.

Source: ours. A rate-distortion Lagrangian that is driven to a budget is Everett's (1963), a
controller on its logarithm that of rate control in video coding; a rate term in condensing is
that of "Dataset Distillation as Data Compression: A Rate-Utility Perspective" (ICCV 2025, arXiv
2507.17221), with a fixed weight.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.regularisers.base import Regulariser, StorageTerm
from condensers.parts.setting import RunSetting

PROPORTIONAL, INTEGRAL = 5.0, 0.5
LEAST, MOST = math.log(1e-6), math.log(1e3)  # of mu
COUNTED_EVERY = 10  # steps between two questions of the coder
SPARED = 0.99  # of the bytes: what the controller aims at, so that little is left to trim
KEPT = 0.9  # of the ratio of norms in its running mean


@final
@dataclass(frozen=True)
class Rate(Regulariser):
    """The bits of what is learned, weighted so that the budget is met at the end."""

    weight: float = hyper(
        0.1,
        help="gradient of the term at the start, as a part of the objective's",
        source="ours",
        minimum=1e-6,
    )
    reach: float = hyper(
        0.7,
        help="part of the run, 0 to 1, after which the budget is to be met",
        source="ours",
        minimum=0.0,
    )

    registered: ClassVar[str] = "rate"
    couples_classes: ClassVar[bool] = True
    reads_images: ClassVar[bool] = False

    def begin(self, part: Parameterisation, setting: RunSetting, steps: int) -> "RateControl":
        """Return the controller of a run."""
        return RateControl(self, part, setting, steps)

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return 0: images say nothing of their bytes."""
        return torch.zeros((), device=setting.data.device)


class RateControl(StorageTerm):
    """The multiplier of the rate, moved step by step."""

    def __init__(self, term: Rate, part: Parameterisation, setting: RunSetting, steps: int) -> None:
        self.term, self.part, self.data = term, part, setting.data
        allotted = setting.nbytes
        self.budget = 8.0 * (
            part.nbytes(setting.data, setting.ipc) if allotted is None else allotted
        )
        self.steps = steps
        self.log_mu, self.sum = math.log(term.weight), 0.0
        self.norms = self.begun = self.coded = self.estimate = 0.0
        self.ratio = 1.0

    def loss(self, groups: Mapping[str, Tensor]) -> Tensor:
        """The estimated bits, times the multiplier; 0 where what is learned changes no byte."""
        bits = self.part.estimate_bits(groups)
        if bits is None:
            return 0 * next(one for one in groups.values() if one.requires_grad).sum()
        leaves = [one for one in groups.values() if one.requires_grad]
        own = torch.autograd.grad(bits, leaves, retain_graph=True, allow_unused=True)
        found = [bits.detach(), _norm([one.grad for one in leaves], bits), _norm(own, bits)]
        # One read, since a graphics card makes the processor wait for each.
        self.estimate, of_loss, of_bits = torch.stack([one.double() for one in found]).tolist()
        norms = of_loss / max(of_bits, 1e-12)
        self.norms = KEPT * self.norms + (1 - KEPT) * norms if self.norms else norms
        return bits * (math.exp(self.log_mu) * self.norms)

    @torch.no_grad()
    def after_step(self, index: int, groups: Mapping[str, Tensor]) -> None:
        """Move the multiplier by how far the set is from its budget."""
        if index % COUNTED_EVERY == 0 or index + 1 == self.steps:
            estimate = self.part.estimate_bits(groups)
            if estimate is None:
                return
            self.estimate = float(estimate)
            self.coded = 8.0 * self.part.count_bytes(groups, self.data)
            self.ratio = self.coded / max(self.estimate, 1.0)
        if not self.coded:
            return
        bits = self.estimate * self.ratio  # between two counts that before the step
        self.begun = self.begun or bits
        error = math.log(max(bits, 1.0) / self._aim(index))
        moved = math.log(self.term.weight) + PROPORTIONAL * error + INTEGRAL * (self.sum + error)
        if LEAST < moved < MOST:  # beyond, nothing is added up that had to be undone
            self.sum += error
        self.log_mu = min(max(moved, LEAST), MOST)

    def _aim(self, index: int) -> float:
        """The bits that the set should have after a step."""
        end, reach = SPARED * self.budget, max(1.0, self.term.reach * self.steps)
        return float(self.begun ** max(0.0, 1 - index / reach) * end ** min(1.0, index / reach))

    def describe(self) -> dict[str, Any]:
        """Return the last multiplier, and the bytes of the set before any were trimmed."""
        return {
            "multiplier": math.exp(self.log_mu),
            "coded_bytes": int(self.coded / 8),
            "budget_bytes": int(self.budget / 8),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return all numbers that move."""
        return {"numbers": [self.log_mu, self.sum, self.norms, self.begun, self.coded, self.ratio]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        numbers = state["numbers"]
        self.log_mu, self.sum, self.norms, self.begun, self.coded, self.ratio = numbers


def _norm(gradients: Sequence[Tensor | None], like: Tensor) -> Tensor:
    """The norm of all gradients, a scalar on the device of `like`."""
    squares = [one.square().sum() for one in gradients if one is not None]
    return torch.stack(squares).sum().sqrt() if squares else torch.zeros((), device=like.device)
