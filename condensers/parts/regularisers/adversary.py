"""Adversarial contrast: the images of one stored unit are to look different to a network that
learns to see the same in them.

set:        L = mean_u ( 1 + cos( e(A x_ui), e(A x_uj) ) ) / 2
adversary:  min_e  CE( e ) + l mean_u ( 1 - cos( e(A x_ui), e(A x_uj) ) ) / 2 + k SupCon( e )

i, j: two of the images that a unit decodes to, drawn for each loss; e: the adversary's embedding;
A: augmentation. The adversary is a network of the run's kind, and takes a step of SGD after each
step of the set.

Source: Liu et al., "Dataset Distillation via Factorization" (HaBa, NeurIPS 2022), and the authors'
code, `distill_fac.py`: weights, temperature, rates. SupCon is Khosla et al.,
"Supervised Contrastive Learning" (NeurIPS 2020). Differences from that code: the adversary is the
run's network, not always a ConvNet of width 128 for 32 x 32 pixels. Defect of that code that is not
here: the adversary is no part of what is saved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.engine import optimiser_state
from condensers.engine.devices import send
from condensers.hyperparameters import hyper
from condensers.networks import Network
from condensers.parts.objectives.base import Pair
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.regularisers.base import Regulariser, StorageTerm
from condensers.parts.regularisers.contrastive import contrast
from condensers.parts.setting import RunSetting

TIMES = 6  # passes of a unit in a step: two images for the set, the same twice for the adversary


@final
@dataclass(frozen=True)
class AdversarialContrast(Regulariser):
    """Difference of the images of one unit, as a network sees them that learns to see none."""

    weight: float = hyper(
        0.1, help="weight of the term beside the objective", source="HaBa's scripts", minimum=0.0
    )
    likeness: float = hyper(
        0.1,
        help="weight of likeness within a unit in the adversary's loss",
        source="HaBa's scripts, lambda_likeli_content",
        minimum=0.0,
    )
    contrast: float = hyper(
        0.1,
        help="weight of supervised contrast in the adversary's loss",
        source="HaBa's scripts, lambda_contrast_content",
        minimum=0.0,
    )
    temperature: float = hyper(
        0.07, help="temperature of that contrast", source="HaBa's code", minimum=1e-3
    )
    lr: float = hyper(
        1e-3, help="learning rate of the adversary", source="HaBa's code", minimum=0.0
    )
    units: int | None = hyper(
        None,
        unit="units",
        help="units in a loss; all if left out",
        source="HaBa's code, batch_syn",
        minimum=1,
    )

    registered: ClassVar[str] = "adversarial-contrast"
    couples_classes: ClassVar[bool] = True
    reads_images: ClassVar[bool] = False

    def misfit(self, part: Parameterisation) -> str:
        """Say that a unit must decode to several images, or nothing."""
        if part.copies > 1:
            return ""
        return (
            f"regulariser {self.registered} compares the images of one stored unit, and"
            f" parameterisation {part.registered} has one image in each; take parameterisation"
            " bases, or leave it out"
        )

    def passes(self, part: Parameterisation, units: int) -> float:
        """Return the images that pass the adversary at each step."""
        return TIMES * min(units, self.units or units)

    def begin(self, part: Parameterisation, setting: RunSetting, steps: int) -> "Adversary":
        """Return the adversary of a run, untrained."""
        return Adversary(self, part, setting)

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return 0: which images are of one unit only the stored groups tell."""
        return torch.zeros((), device=setting.data.device)


class Adversary(StorageTerm):
    """The network that learns to see the same in the images of one unit."""

    def __init__(
        self, term: AdversarialContrast, part: Parameterisation, setting: RunSetting
    ) -> None:
        self.term, self.part, self.setting = term, part, setting
        self.network = setting.fresh()
        self.optimiser = torch.optim.SGD(self.network.parameters(), lr=term.lr, momentum=0.9)
        self.seen: float | Tensor = 0.0  # a tensor that nobody waits for until it is told

    def loss(self, groups: Mapping[str, Tensor]) -> Tensor:
        """The weighted likeness within units, to the present adversary."""
        images, _ = self._draw(groups)
        one, other = self._embed(images).chunk(2)
        return self.term.weight * (1 + functional.cosine_similarity(one, other)).mean() / 2

    def after_step(self, index: int, groups: Mapping[str, Tensor]) -> None:
        """Take one step of the adversary on the present set."""
        with torch.no_grad():
            images, labels = self._draw(groups)
        embedded = self._embed(images)
        one, other = embedded.chunk(2)
        both = labels.repeat(2)
        likeness = functional.cosine_similarity(one, other).mean()
        same = contrast(
            functional.normalize(embedded), both[:, None] == both, self.term.temperature
        )
        loss = functional.cross_entropy(self.network(images), both)
        loss = loss + self.term.likeness * (1 - likeness) / 2 + self.term.contrast * same
        self.optimiser.zero_grad()
        torch.autograd.backward(loss, inputs=list(self.network.parameters()))
        self.optimiser.step()
        self.seen = likeness.detach()

    def _draw(self, groups: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Two augmented images of each of some units (2 n, C, H, W), the first of all before the
        second of all, and the units' labels (n,).
        """
        setting, copies = self.setting, self.part.copies
        classes = torch.tensor(setting.data.classes).repeat_interleave(setting.per_class // copies)
        units = torch.randperm(len(classes), generator=setting.generator)[: self.term.units]
        which = torch.randperm(copies, generator=setting.generator)[:2]
        chosen = send((units * copies + which[:, None]).flatten(), setting.data.device)
        images = self.part.decode(groups, slice(None))[chosen]
        return setting.augment(images), send(classes[units], images.device)

    def _embed(self, images: Tensor) -> Tensor:
        return cast(Network, self.network).embed(images).flatten(1)

    def describe(self) -> dict[str, Any]:
        """Return the likeness that the adversary saw last, a cosine."""
        return {"likeness": float(self.seen)}

    def state_dict(self) -> dict[str, Any]:
        """Return the adversary, its optimiser, and what it saw."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "seen": float(self.seen),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.network.load_state_dict(state["network"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])
        self.seen = float(state["seen"])
