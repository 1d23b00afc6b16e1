"""DC: synthetic images that give a network the gradients that the real ones give it, class by class.

min_S  E_theta0  sum_t sum_c D( grad L(theta_t; x_c), grad L(theta_t; s_c) ),  theta_{t+1} = train(theta_t; S)

Source: Zhao, Mopuri & Bilen, "Dataset Condensation with Gradient Matching" (ICLR 2021), eq. 9 and 10, algorithm 1, and the
authors' code for the defaults. Differences from that code: any number of images per class (`outer` and `inner` follow the
rule that its table obeys), the backward pass is taken class by class, the seed decides everything.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers import matching
from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import hyper
from condensers.initialisation import starting_images
from condensers.objectives.gradient import GradientMatching
from condensers.registry import AUGMENTATIONS, PARAMETERISATIONS
from condensers.schedules.trained_on_synthetic import InnerTraining, TrainedOnSynthetic, inner_loops, outer_loops
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class DC:
    """Gradient matching (DC): pixels x no augmentation x node-wise gradient cosine x networks trained on the set."""

    iterations: int = hyper(1000, unit="initialisations of the network", source="DC, section 4.1", minimum=1)
    outer: int | None = hyper(
        None, unit="steps on the images per network", source="DC's code: images per class, 50 at most", minimum=1
    )
    inner: int | None = hyper(
        None, unit="epochs of the network between steps", source="DC's code: 500 / outer, by fives", minimum=1
    )
    lr: float = hyper(0.1, source="DC, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DC's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DC, section 4.1", minimum=1)
    lr_network: float = hyper(0.01, source="DC, section 4.1", minimum=0.0)
    batch_train: int = hyper(256, unit="images", source="DC's code", minimum=1)
    init: str = hyper("noise", source="DC, section 4.1", values=("noise", "real"))
    distance: str = hyper("node-cosine", source="DC, eq. 10", values=("node-cosine", "mse", "cosine"))
    network: Any = hyper("convnet", source="DC, section 4.1: ConvNet-3, width 128", part="network")
    augmentation: Any = hyper("none", source="DC", part="augmentation")
    parameterisation: Any = hyper("pixels", source="DC", part="parameterisation")

    registered: ClassVar[str] = "dc"
    evaluation: ClassVar[str] = "none"

    @property
    def couples_classes(self) -> bool:
        """The networks are trained on the images of all classes."""
        return True

    def steps(self, ipc: int) -> int:
        return self.iterations * (self.outer or outer_loops(ipc))

    def bytes_per_image(self, data: ClassData) -> int:
        return int(PARAMETERISATIONS.create(self.parameterisation).bytes_per_image(data))

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward (twice differentiated: two and a half)."""
        outer = self.outer or outer_loops(ipc)
        matching_passes = self.steps(ipc) * len(data.classes) * (self.batch_real + 2.5 * ipc)
        training_passes = self.iterations * (outer - 1) * (self.inner or inner_loops(outer)) * ipc * len(data.classes)
        return [(self.network, matching_passes + training_passes)]

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        data = data.to(context.device)
        ipc = budget.ipc_of(self, data)
        augmentation = AUGMENTATIONS.create(self.augmentation).for_data(data)

        def augment(batch: Tensor) -> Tensor:
            return torch.as_tensor(augmentation.apply(batch, augmentation.draw(len(batch), data.shape, context.generator)))

        outer = self.outer or outer_loops(ipc)
        training = InnerTraining(outer, self.inner or inner_loops(outer), self.lr_network, self.batch_train)
        start = starting_images(data, ipc, self.init, context.generator)
        parts = matching.Parts(
            parameterisation=PARAMETERISATIONS.create(self.parameterisation),
            augmentation=augmentation,
            objective=GradientMatching(self.distance),
            schedule=TrainedOnSynthetic(self.network, data, context.generator, training, augment),
            lr=self.lr,
            momentum=self.momentum,
            batch_real=self.batch_real,
        )
        return matching.condense(self, data, matching.MatchingLoop(data, parts, start, context.generator), context)
