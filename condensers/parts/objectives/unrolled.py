"""Unrolled training (DD): a new network, trained step by step on the set as it prescribes, should
be right on real images.

L = E CE( f(x; theta_T), y ),   theta_{s+1} = theta_s - a_s grad CE( f(images of step s; theta_s) ),
a_s = softplus(rho_s)

T = images per class * epochs steps; step s trains on the s-th image of each class. Images, rho (and
labels) are learned; the gradient is taken by a reverse pass with one Hessian-vector product a step,
as in the authors' code. Source: Wang et al., "Dataset Distillation" (2018), algorithm 1 and section
3.4. Networks with batch norm stay in training mode for the loss on the real batch (the authors'
code evaluates them there): their statistics are that batch's, not the set's.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Learned, Whole, WholeSetObjective
from condensers.parts.objectives.differentiable_sgd import Descent, Step, logits, send_steps
from condensers.parts.setting import Given, RunSetting, require_network
from condensers.training.ordered import step_images


@final
@dataclass(frozen=True)
class Unrolled(WholeSetObjective):
    """Cross-entropy on real images after ordered steps of training on the set, at learned rates."""

    epochs: int = hyper(
        3, unit="epochs", help="passes over the images of each class", source="DD's code", minimum=1
    )
    lr: float = hyper(
        0.02,
        help="learning rate of the steps, at the beginning",
        source="DD's code: MNIST (0.001: CIFAR-10)",
        minimum=1e-6,
    )
    lr_lr: float = hyper(
        0.01, help="learning rate of rho", source="DD's code: that of the images", minimum=0.0
    )

    registered: ClassVar[str] = "unrolled"
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("hard", "probabilities")

    @property
    def passes(self) -> tuple[float, float]:
        """Passes of a real and of a synthetic image a step."""
        return 1.0, 3.5 * self.epochs

    def extras(self, setting: RunSetting) -> dict[str, Learned]:
        """rho, (T,): what softplus makes positive rates of."""
        rho = (
            torch.full((setting.per_class * self.epochs,), self.lr, device=setting.data.device)
            .expm1()
            .log()
        )
        return {"rates": Learned(rho, self.lr_lr, stored=True)}

    def pack(self, extra: dict[str, Tensor]) -> dict[str, Tensor]:
        """As stored: the rates themselves, (T,) float32."""
        return {"rates": functional.softplus(extra["rates"])}

    def recipe(self) -> dict[str, Any]:
        """Networks are to be trained as `condensers.training.ordered` does it."""
        return {"ordered": True, "epochs": self.epochs}

    def extra_bytes(self, per_class: int) -> int:
        """per_class: images of a class as the set decodes."""
        return 4 * per_class * self.epochs

    def loss(self, given: Given, whole: Whole) -> Tensor:
        """Return the loss on the real batch, with the graph of all steps."""
        network = require_network(given)
        end = self._descent(network, whole).unroll(parameters_to_vector(network.parameters()))
        return functional.cross_entropy(logits(network, end, whole.real), whole.real_labels)

    def backward(self, given: Given, whole: Whole) -> Tensor:
        """Add the gradient to what is learned, in memory that does not grow with the graph of the
        steps; return the loss.
        """
        network = require_network(given)
        descent = self._descent(network, whole)
        path = descent.walk(parameters_to_vector(network.parameters()))
        end = path[-1].requires_grad_()
        loss = functional.cross_entropy(logits(network, end, whole.real), whole.real_labels)
        adjoint = torch.autograd.grad(loss, end)[0]
        descent.reverse(path, adjoint, through_path=True)
        return loss.detach()

    def _descent(self, network: nn.Module, whole: Whole) -> Descent:
        return Descent(
            network, whole, functional.softplus(whole.extra["rates"]), self._steps(whole)
        )

    def _steps(self, whole: Whole) -> list[Step]:
        setting, device = whole.setting, whole.images.device
        classes = len(setting.data.classes)
        steps = [
            Step(
                step_images(classes, setting.per_class, step, device),
                setting.augmentation.draw(classes, setting.shape, setting.generator),
            )
            for step in range(setting.per_class * self.epochs)
        ]
        return send_steps(steps, device)
