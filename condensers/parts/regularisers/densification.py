"""Data densification: the synthetic images of a class are to span as many directions as they can.

L = sum_c KL( softmax(l_c / tau) || softmax(l_c) ),  l_c: eigenvalues of X_c X_c^T, the rows of X_c
the images of class c

The softer distribution has no gradient. A class with one image contributes 0.

Source: Shao et al., "Generalized Large-Scale Data Condensation via Various Backbone and Statistical
Matching" (G-VBSM, CVPR 2024), section 3.1, and the authors' code (--nuc-norm 1, --tau 4). That code
takes eigenvalues of a general matrix and drops their imaginary parts; the matrix is symmetric, and
they are taken as such here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class Densification(Regulariser):
    """Evenness of the eigenvalues of each class's synthetic images."""

    weight: float = hyper(
        1.0, help="weight of the term", source="G-VBSM's commands, --nuc-norm", minimum=0.0
    )
    temperature: float = hyper(
        4.0,
        help="temperature of the softer distribution",
        source="G-VBSM's code, --tau",
        minimum=1.0,
    )

    registered: ClassVar[str] = "densification"
    couples_classes: ClassVar[bool] = False

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Sum over the pairs, each a class; their real images are not read."""
        return torch.stack([unevenness(pair.synthetic, self.temperature) for pair in pairs]).sum()


def unevenness(images: Tensor, temperature: float) -> Tensor:
    """Return the term of one class, of images (n, C, H, W); 0 for n = 1."""
    rows = images.flatten(1)
    values = torch.linalg.eigvalsh(rows @ rows.T)
    softer = torch.softmax(values.detach() / temperature, 0)
    return functional.kl_div(torch.log_softmax(values, 0), softer, reduction="sum")
